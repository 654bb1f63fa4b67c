package main

import (
	"context"
	"path/filepath"
	"time"

	"hearth/config"
	"hearth/site"
	"hearth/source/tariff"
)

// prices finds out what electricity costs.
func (h *household) prices(ctx context.Context, f config.File, d deps, location *time.Location, opt *site.Options) error {
	if f.Tariff.Empty() {
		return nil
	}
	var c tariff.Config
	if err := f.Tariff.Decode(&c); err != nil {
		return err
	}
	if c.Path != "" && !filepath.IsAbs(c.Path) {
		c.Path = filepath.Join(d.dir, c.Path)
	}
	t, err := tariff.New(c, location)
	if err != nil {
		return err
	}
	opt.Price = t.At
	if c.Kind == tariff.File && !d.dry {
		h.every(ctx, priceEvery, func(context.Context) {
			if err := t.Refresh(); err != nil {
				d.log.Info("no new prices", "error", err)
			}
		})
	}
	return nil
}

// priceEvery is how often a file of prices is looked at for new ones.
const priceEvery = 15 * time.Minute

// every calls f now and then until the household closes.
func (h *household) every(ctx context.Context, d time.Duration, f func(context.Context)) {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(d)
		defer t.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-t.C:
				f(ctx)
			}
		}
	}()
	h.closers = append(h.closers, func(context.Context) {
		stop()
		<-done
	})
}
