package model

import (
	"context"
	"fmt"
	"slices"

	"cosmossdk.io/collections"
	sdk "github.com/cosmos/cosmos-sdk/types"

	"hearth/chain/coin"
	"hearth/chain/model/entry"
	hmodel "hearth/infer/model"
	hwork "hearth/work"
)

// messages answers the module's transactions.
type messages struct{ keeper *Keeper }

// Messages answers the module's transactions.
func (k *Keeper) Messages() MsgServer { return messages{k} }

// Register proposes a model.
func (m messages) Register(ctx context.Context, msg *MsgRegister) (*MsgRegisterResponse, error) {
	k := m.keeper
	c := sdk.UnwrapSDKContext(ctx)
	p, err := k.store.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	from, err := k.addresses.StringToBytes(msg.Registrant)
	if err != nil {
		return nil, ErrAddress.Wrapf("%q", msg.Registrant)
	}
	if len(msg.Manifest) > int(p.MaxManifest) {
		return nil, ErrManifest.Wrapf("%d bytes: at most %d are taken", len(msg.Manifest), p.MaxManifest)
	}
	if err := checkWords(msg.Name, msg.Licence, msg.Sources); err != nil {
		return nil, err
	}
	c.GasMeter().ConsumeGas(uint64(len(msg.Manifest))*p.GasPerManifestByte, "read a manifest")
	e, err := entry.Read(msg.Manifest)
	if err != nil {
		return nil, ErrManifest.Wrap(err.Error())
	}
	if n, err := k.store.proposed(ctx, int(p.MaxProposed)); err != nil {
		return nil, err
	} else if n >= int(p.MaxProposed) {
		return nil, ErrFull.Wrapf("%d of them", n)
	}
	if err := k.isNew(ctx, e); err != nil {
		return nil, err
	}
	if err := k.bank.SendCoinsFromAccountToModule(ctx, from, ModuleName, coin.Of(p.Deposit)); err != nil {
		return nil, err
	}
	model := describe(e, msg.Name, msg.Licence, msg.Sources)
	model.Registrant, model.Deposit, model.Status = msg.Registrant, p.Deposit, Status_STATUS_PROPOSED
	model.Registered, model.Expires = c.BlockHeight(), c.BlockHeight()+p.ProposalPeriod
	if err := k.enter(ctx, model, e, msg.Manifest); err != nil {
		return nil, err
	}
	k.read.put(e)
	emit(ctx, model.Status.word(), model.Id)
	return &MsgRegisterResponse{Id: model.Id}, nil
}

func checkWords(name, licence string, sources []string) error {
	if err := entry.CheckName(name); err != nil {
		return ErrWords.Wrap(err.Error())
	}
	if err := entry.CheckLicence(licence); err != nil {
		return ErrWords.Wrap(err.Error())
	}
	if err := entry.CheckSources(sources); err != nil {
		return ErrWords.Wrap(err.Error())
	}
	return nil
}

// describe is what the chain keeps of a manifest and of what is said of it.
func describe(e *entry.Entry, name, licence string, sources []string) Model {
	return Model{
		Id: e.ID[:], Manifest: e.Manifest[:], Name: name, Licence: licence, Sources: slices.Clone(sources),
		Weights: e.Weights, Mineable: e.Mineable, Decoder: e.Decoder,
	}
}

// isNew refuses a model that is registered and roots that are anybody's.
func (k *Keeper) isNew(ctx context.Context, e *entry.Entry) error {
	m, err := k.store.models.Get(ctx, e.ID[:])
	switch {
	case absent(err):
	case err != nil:
		return err
	case m.Status != Status_STATUS_REJECTED:
		return ErrRegistered.Wrapf("model %v is %s", e.ID, m.Status.word())
	}
	for _, r := range e.Roots {
		owner, err := k.store.roots.Get(ctx, r[:])
		if err == nil {
			return ErrRegistered.Wrapf("weights with the root %v are those of model %x", r, owner)
		}
		if !absent(err) {
			return err
		}
	}
	return nil
}

// enter writes a model with its manifest and its roots.
func (k *Keeper) enter(ctx context.Context, m Model, e *entry.Entry, manifest []byte) error {
	if err := k.store.forget(ctx, m.Id); err != nil { // what was said before it was rejected
		return err
	}
	if err := k.store.models.Set(ctx, m.Id, m); err != nil {
		return err
	}
	if err := k.store.manifests.Set(ctx, m.Id, manifest); err != nil {
		return err
	}
	for _, r := range e.Roots {
		if err := k.store.roots.Set(ctx, r[:], m.Id); err != nil {
			return err
		}
	}
	if m.Expires > 0 {
		return k.store.expiring.Set(ctx, collections.Join(uint64(m.Expires), m.Id))
	}
	return nil
}

// Attest takes a validator's word about a proposal, once.
func (m messages) Attest(ctx context.Context, msg *MsgAttest) (*MsgAttestResponse, error) {
	k := m.keeper
	model, err := k.note(ctx, msg)
	if err != nil {
		return nil, err
	}
	_, err = k.decide(ctx, &model, msg.Reason)
	return &MsgAttestResponse{}, err
}

// Duty tells whether a validator's word is one that the chain waits for. It notes
// it, so that in one context the same is no duty again: it is for the state that
// a pool is checked against.
func (k *Keeper) Duty(ctx context.Context, msg *MsgAttest) error {
	_, err := k.note(ctx, msg)
	return err
}

// note writes a validator's word about a proposal, which it gives once.
func (k *Keeper) note(ctx context.Context, msg *MsgAttest) (Model, error) {
	if err := entry.CheckReason(msg.Reason); err != nil {
		return Model{}, ErrWords.Wrap(err.Error())
	}
	model, err := k.store.model(ctx, msg.Model)
	if err != nil {
		return model, err
	}
	if model.Status != Status_STATUS_PROPOSED {
		return model, ErrStatus.Wrapf("model %x is %s: only what is proposed is attested", model.Id, model.Status.word())
	}
	power, err := k.validators.Power(ctx, msg.Validator)
	if err != nil {
		return model, err
	}
	if power <= 0 {
		return model, ErrValidator.Wrapf("%s has no power", msg.Validator)
	}
	key := collections.Join(model.Id, msg.Validator)
	if has, err := k.store.attestations.Has(ctx, key); err != nil {
		return model, err
	} else if has {
		return model, ErrValidator.Wrapf("%s has given its word about model %x", msg.Validator, model.Id)
	}
	a := Attestation{Model: model.Id, Validator: msg.Validator, Fit: msg.Fit, Reason: msg.Reason, Height: sdk.UnwrapSDKContext(ctx).BlockHeight()}
	return model, k.store.attestations.Set(ctx, key, a)
}

// Challenge tests a tile that somebody shows. If it fails, the model is broken.
func (m messages) Challenge(ctx context.Context, msg *MsgChallenge) (*MsgChallengeResponse, error) {
	k := m.keeper
	p, err := k.store.params.Get(ctx)
	if err != nil {
		return nil, err
	}
	to, err := k.addresses.StringToBytes(msg.Challenger)
	if err != nil {
		return nil, ErrAddress.Wrapf("%q", msg.Challenger)
	}
	model, err := k.store.model(ctx, msg.Model)
	if err != nil {
		return nil, err
	}
	if model.Status == Status_STATUS_REJECTED || model.Status == Status_STATUS_BROKEN {
		return nil, ErrStatus.Wrapf("model %x is %s already", model.Id, model.Status.word())
	}
	if msg.Layer > hmodel.MaxLayers || msg.Kind > uint32(hmodel.Head) || msg.Tile > 1<<24 {
		return nil, ErrChallenge.Wrapf("no model has tile %d of kind %d in layer %d", msg.Tile, msg.Kind, msg.Layer)
	}
	at := hmodel.Operation{Layer: int(msg.Layer), Kind: hmodel.OperationKind(msg.Kind)}
	e, err := k.entry(ctx, model)
	if err != nil {
		return nil, err
	}
	size, err := entry.OpeningSize(e.Model, at, int(msg.Tile))
	if err != nil {
		return nil, ErrChallenge.Wrap(err.Error())
	}
	if len(msg.Opening) != size {
		return nil, ErrChallenge.Wrapf("an opening of %d bytes: that of the tile has %d", len(msg.Opening), size)
	}
	x, err := e.Model.Mined(at)
	if err != nil {
		return nil, ErrChallenge.Wrap(err.Error())
	}
	kib := (hwork.TileWork(x.K) + 1023) / 1024
	sdk.UnwrapSDKContext(ctx).GasMeter().ConsumeGas(kib*p.GasPerWeightKib, "test a tile")
	test, err := entry.Challenge(e.Model, at, int(msg.Tile), msg.Opening)
	if err != nil {
		return nil, ErrChallenge.Wrap(err.Error())
	}
	if model.Status == Status_STATUS_PROPOSED {
		if err := k.settle(ctx, &model); err != nil {
			return nil, err
		}
	}
	bounty := share(model.Deposit, p.BountyPermille)
	if err := k.bank.SendCoinsFromModuleToAccount(ctx, ModuleName, to, coin.Of(bounty)); err != nil {
		return nil, err
	}
	if err := k.burn(ctx, model.Deposit-bounty); err != nil {
		return nil, err
	}
	model.Status, model.Deposit = Status_STATUS_BROKEN, 0
	model.Reason = fmt.Sprintf("tile %d of %v fails the test %q", msg.Tile, at, test)
	return &MsgChallengeResponse{Test: string(test)}, k.put(ctx, model)
}

// Suspend keeps an active model from being claimed, or lifts that.
func (m messages) Suspend(ctx context.Context, msg *MsgSuspend) (*MsgSuspendResponse, error) {
	k := m.keeper
	if msg.Authority != k.authority {
		return nil, ErrAuthority.Wrapf("%q is not %s", msg.Authority, k.authority)
	}
	if err := entry.CheckReason(msg.Reason); err != nil {
		return nil, ErrWords.Wrap(err.Error())
	}
	model, err := k.store.model(ctx, msg.Model)
	if err != nil {
		return nil, err
	}
	from, to := Status_STATUS_ACTIVE, Status_STATUS_SUSPENDED
	if !msg.Suspend {
		from, to = to, from
	}
	if model.Status != from {
		return nil, ErrStatus.Wrapf("model %x is %s, not %s", model.Id, model.Status.word(), from.word())
	}
	model.Status, model.Reason = to, msg.Reason
	return &MsgSuspendResponse{}, k.put(ctx, model)
}

// UpdateParams changes the parameters. Proposals keep the time they were given.
func (m messages) UpdateParams(ctx context.Context, msg *MsgUpdateParams) (*MsgUpdateParamsResponse, error) {
	k := m.keeper
	if msg.Authority != k.authority {
		return nil, ErrAuthority.Wrapf("%q is not %s", msg.Authority, k.authority)
	}
	if err := msg.Params.Validate(); err != nil {
		return nil, err
	}
	return &MsgUpdateParamsResponse{}, k.store.params.Set(ctx, msg.Params)
}
