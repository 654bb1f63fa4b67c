package site

import (
	"context"
	"errors"
	"fmt"

	"hearth/device"
)

// Pools reads the pools of a miner.
func (s *Site) Pools(ctx context.Context, id string) (device.Pools, error) {
	var p device.Pools
	err := s.repoint(ctx, id, func(ctx context.Context, r device.Repointer) (err error) {
		p, err = r.Pools(ctx)
		return err
	})
	return p, err
}

// SetPools makes order the pools of a miner, the preferred first, and says so in
// the log. Some miners restart for it.
func (s *Site) SetPools(ctx context.Context, id string, order []device.Pool, by string) error {
	if err := s.repoint(ctx, id, func(ctx context.Context, r device.Repointer) error { return r.SetPools(ctx, order) }); err != nil {
		return err
	}
	return s.Note(ctx, id, "pools", order[0].String(), by)
}

func (s *Site) repoint(ctx context.Context, id string, do func(context.Context, device.Repointer) error) error {
	u, ok := s.units[id]
	if !ok {
		return fmt.Errorf("device %q: %w", id, ErrNotFound)
	}
	r, ok := u.Driver.(device.Repointer)
	if !ok {
		return fmt.Errorf("%w: Hearth cannot set the pools of %s: set them on its own page", ErrInvalid, u.Name)
	}
	err := u.worker.do(ctx, 2*callLimit, func(ctx context.Context) error { return do(ctx, r) })
	switch {
	case err == nil:
		return nil
	case errors.Is(err, device.ErrUnsupported), errors.Is(err, device.ErrRefused):
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
