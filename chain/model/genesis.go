package model

import (
	"bytes"
	"context"
	"fmt"

	"cosmossdk.io/collections"
	authcodec "github.com/cosmos/cosmos-sdk/codec/address"

	"hearth/chain/model/entry"
	hmodel "hearth/infer/model"
)

// DefaultGenesis is a registry without models.
func DefaultGenesis() *GenesisState { return &GenesisState{Params: DefaultParams()} }

// Founded adds a model to a genesis that the named validators, by operator,
// have found fit: it may be claimed from the first block on. It has no deposit,
// for nobody has registered it, and so no bounty.
func (g *GenesisState) Founded(manifest []byte, name, licence string, sources, validators []string) (id [32]byte, err error) {
	e, err := entry.Read(manifest)
	if err != nil {
		return id, fmt.Errorf("found a model: %w", err)
	}
	if err := checkWords(name, licence, sources); err != nil {
		return id, fmt.Errorf("found a model: %w", err)
	}
	m := describe(e, name, licence, sources)
	m.Status, m.ActiveFrom = Status_STATUS_ACTIVE, 1
	at := 0
	for at < len(g.Models) && bytes.Compare(g.Models[at].Id, m.Id) < 0 {
		at++
	}
	g.Models = append(g.Models[:at:at], append([]Model{m}, g.Models[at:]...)...)
	g.Manifests = append(g.Manifests[:at:at], append([][]byte{manifest}, g.Manifests[at:]...)...)
	for _, v := range validators {
		g.Attestations = append(g.Attestations, Attestation{Model: m.Id, Validator: v, Fit: true})
	}
	return e.ID, nil
}

// Validate says what is wrong with a genesis state.
func (g GenesisState) Validate() error {
	if err := g.Params.Validate(); err != nil {
		return err
	}
	if len(g.Manifests) != len(g.Models) {
		return fmt.Errorf("model genesis: %d manifests of %d models", len(g.Manifests), len(g.Models))
	}
	roots := map[hmodel.Hash]bool{}
	known := map[string]bool{}
	for i, m := range g.Models {
		if i > 0 && bytes.Compare(m.Id, g.Models[i-1].Id) <= 0 {
			return fmt.Errorf("model genesis: model %x is not in the order of the ids", m.Id)
		}
		known[string(m.Id)] = true
		e, err := m.check(g.Manifests[i])
		if err != nil {
			return fmt.Errorf("model genesis: model %x: %w", m.Id, err)
		}
		if e == nil {
			continue
		}
		for _, r := range e.Roots {
			if roots[r] {
				return fmt.Errorf("model genesis: the weights with the root %v are those of two models", r)
			}
			roots[r] = true
		}
	}
	said := map[string]bool{}
	for _, a := range g.Attestations {
		key := string(a.Model) + a.Validator
		if !known[string(a.Model)] || said[key] {
			return fmt.Errorf("model genesis: %s attests model %x, which is not there, or twice", a.Validator, a.Model)
		}
		said[key] = true
	}
	return nil
}

// check holds a model against its manifest, which a rejected one does not have.
func (m Model) check(manifest []byte) (*entry.Entry, error) {
	proposed := m.Status == Status_STATUS_PROPOSED
	if err := checkWords(m.Name, m.Licence, m.Sources); err != nil {
		return nil, err
	}
	if _, err := authcodec.NewBech32Codec(prefix).StringToBytes(m.Registrant); err != nil && (m.Registrant != "" || m.Deposit > 0) {
		return nil, fmt.Errorf("the registrant %q has no address of this chain", m.Registrant)
	}
	switch {
	case m.Status < Status_STATUS_PROPOSED || m.Status > Status_STATUS_BROKEN:
		return nil, fmt.Errorf("status %d", m.Status)
	case proposed != (m.Expires > 0):
		return nil, fmt.Errorf("it is %s and expires at height %d", m.Status.word(), m.Expires)
	case m.Status == Status_STATUS_REJECTED:
		if len(manifest) > 0 || m.Deposit > 0 {
			return nil, fmt.Errorf("it was rejected, and has a manifest of %d bytes and a deposit of %d", len(manifest), m.Deposit)
		}
		return nil, nil //nolint:nilnil // it has none
	case m.Status == Status_STATUS_BROKEN && m.Deposit > 0:
		return nil, fmt.Errorf("it is broken and has a deposit of %d", m.Deposit)
	case m.Status == Status_STATUS_ACTIVE && m.ActiveFrom < 1:
		return nil, fmt.Errorf("it is active from height %d on", m.ActiveFrom)
	}
	e, err := entry.Read(manifest)
	if err != nil {
		return nil, err
	}
	want := describe(e, m.Name, m.Licence, m.Sources)
	if !bytes.Equal(m.Id, want.Id) || !bytes.Equal(m.Manifest, want.Manifest) || m.Weights != want.Weights || m.Mineable != want.Mineable || m.Decoder != want.Decoder {
		return nil, fmt.Errorf("it is not what its manifest says: that describes model %v", e.ID)
	}
	return e, nil
}

// InitGenesis makes the state of a chain that begins.
func (k *Keeper) InitGenesis(ctx context.Context, g GenesisState) error {
	if err := g.Validate(); err != nil {
		return err
	}
	if err := k.store.params.Set(ctx, g.Params); err != nil {
		return err
	}
	for i, m := range g.Models {
		e, err := m.check(g.Manifests[i])
		if err != nil {
			return err
		}
		if e == nil {
			if err := k.store.models.Set(ctx, m.Id, m); err != nil {
				return err
			}
			continue
		}
		if err := k.enter(ctx, m, e, g.Manifests[i]); err != nil {
			return err
		}
	}
	for _, a := range g.Attestations {
		if err := k.store.attestations.Set(ctx, collections.Join(a.Model, a.Validator), a); err != nil {
			return err
		}
	}
	return nil
}

// ExportGenesis returns the state, from which a chain could go on.
func (k *Keeper) ExportGenesis(ctx context.Context) (*GenesisState, error) {
	g := &GenesisState{}
	var err error
	if g.Params, err = k.store.params.Get(ctx); err != nil {
		return nil, err
	}
	err = k.store.models.Walk(ctx, nil, func(id []byte, m Model) (bool, error) {
		b, err := k.store.manifests.Get(ctx, id)
		if err != nil && !(absent(err) && m.Status == Status_STATUS_REJECTED) {
			return true, err
		}
		g.Models, g.Manifests = append(g.Models, m), append(g.Manifests, b)
		return false, nil
	})
	if err != nil {
		return nil, err
	}
	err = k.store.attestations.Walk(ctx, nil, func(_ collections.Pair[[]byte, string], a Attestation) (bool, error) {
		g.Attestations = append(g.Attestations, a)
		return false, nil
	})
	return g, err
}
