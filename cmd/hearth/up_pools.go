package main

import (
	"context"
	"encoding/json"
	"fmt"

	"hearth/device"
	"hearth/site"
)

// keepPools remembers the pools of a device. No password is among them: no
// firmware tells one.
func (r *residence) keepPools(ctx context.Context, id string, order []device.Pool) error {
	b, err := json.Marshal(order)
	if err == nil {
		err = r.book().Put(ctx, earlierPools(id), b)
	}
	if err != nil {
		return fmt.Errorf("keep the earlier pools of %s: %w", id, err)
	}
	return nil
}

// keptPools are the pools of a device from before it was pointed here.
func (r *residence) keptPools(ctx context.Context, id string) ([]device.Pool, error) {
	b, ok, err := r.book().Get(ctx, earlierPools(id))
	if err != nil {
		return nil, fmt.Errorf("find the earlier pools of %s: %w", id, err)
	}
	var order []device.Pool
	if ok {
		if err := json.Unmarshal(b, &order); err != nil {
			return nil, fmt.Errorf("read the earlier pools of %s: %w", id, err)
		}
	}
	if len(order) == 0 {
		return nil, fmt.Errorf("%w: no earlier pools of %s are kept: it was not pointed here by Hearth", site.ErrInvalid, id)
	}
	return order, nil
}
