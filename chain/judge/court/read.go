package court

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/zeebo/blake3"

	"hearth/chain/weights"
	"hearth/infer/model"
	"hearth/work"
)

// mostReason is how much of a reason is sent, in bytes.
const mostReason = 200

// Read sees to it that the weights of all models are here, and says of proposed
// ones whether they are fit. A model whose weights cannot be had is neither: it
// is asked for again later.
func (c *Court) Read(ctx context.Context) error {
	models, height, err := c.Chain.Models(ctx)
	if err != nil {
		return fmt.Errorf("ask for the models: %w", err)
	}
	var errs []error
	for _, m := range models {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		at, said := c.attested[m.ID]
		if m.Proposed && (m.Attested || said && height < at+patience) || !m.Proposed && c.Store.Has(m.ID) {
			continue
		}
		if err := c.read(ctx, m, height); err != nil {
			errs = append(errs, fmt.Errorf("model %v: %w", m.ID, err))
		}
	}
	maps.DeleteFunc(c.attested, func(_ model.Hash, at int64) bool { return height >= at+patience })
	return errors.Join(errs...)
}

// read fetches the weights of a model and attests it.
func (c *Court) read(ctx context.Context, m Model, height int64) error {
	f, err := c.manifest(ctx, m.ID)
	if err != nil {
		return err
	}
	err = c.Store.Fetch(ctx, f, m.Sources)
	if err == nil {
		err = c.Store.Fit(f)
	}
	unfit := errors.Is(err, weights.ErrUnfit)
	if err != nil && !unfit || !m.Proposed {
		return err
	}
	reason := ""
	if unfit {
		reason = plain(err.Error())
	}
	if err := c.Chain.Attest(ctx, m.ID, !unfit, reason); err != nil {
		return fmt.Errorf("attest: %w", err)
	}
	c.attested[m.ID] = height
	c.Log.Info("a proposed model was read", "model", m.ID.String(), "fit", !unfit, "reason", reason)
	return nil
}

// plain is a reason as a chain keeps it: short, of characters that can be shown.
func plain(s string) string {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		if r >= ' ' && r < 0x7F && len(b) < mostReason {
			b = append(b, byte(r))
		}
	}
	return string(b)
}

// manifest reads the registered manifest of a model, held to the id.
func (c *Court) manifest(ctx context.Context, id model.Hash) (*model.Manifest, error) {
	b, err := c.Chain.Manifest(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("ask for a manifest: %w", err)
	}
	f, err := model.ParseManifest(b)
	if err != nil {
		return nil, err
	}
	if got, err := f.ID(); err != nil || got != id {
		return nil, fmt.Errorf("the manifest is that of model %v, not %v", got, id)
	}
	return f, nil
}

// registered is a model as tickets are checked against. Its manifest may be
// registered anew with other blocks, so it is known by the hash of all of it.
func (c *Court) registered(ctx context.Context, id model.Hash) (*work.Model, error) {
	b, err := c.Chain.Manifest(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("ask for a manifest: %w", err)
	}
	hash := model.Hash(blake3.Sum256(b))
	if m := c.models[hash]; m != nil {
		return m, nil
	}
	f, err := model.ParseManifest(b)
	if err != nil {
		return nil, err
	}
	m, err := work.NewModel(f)
	if err != nil {
		return nil, err
	}
	if m.ID() != id {
		return nil, fmt.Errorf("the manifest is that of model %v, not %v", m.ID(), id)
	}
	if len(c.models) >= 64 {
		clear(c.models)
	}
	c.models[hash] = m
	return m, nil
}
