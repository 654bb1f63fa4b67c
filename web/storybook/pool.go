package storybook

import (
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/site"
	"hearth/units"
)

// Pool implements [hearth/httpapi.Pool].
func (h *Home) Pool() *pool.State {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pool == nil {
		return nil
	}
	p := *h.pool
	p.Heaters = slices.Clone(p.Heaters)
	return &p
}

// told notes a call and lets f change the pool, which must exist.
func (h *Home) told(call string, f func(*pool.State) error) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.calls = append(h.calls, call)
	if h.pool == nil {
		return fmt.Errorf("this home has no pool: %w", site.ErrUnavailable)
	}
	p := *h.pool
	p.Heaters = slices.Clone(p.Heaters)
	err := f(&p)
	if err == nil {
		h.pool = &p
		h.change(func(*site.State) {})
	}
	return err
}

// Pair implements the pool.
func (h *Home) Pair(_ context.Context, m pool.Miner, by string) (pool.Pairing, error) {
	var paired pool.Pairing
	err := h.told(fmt.Sprintf("pair %s by %s", m.Name, by), func(p *pool.State) error {
		if slices.ContainsFunc(p.Heaters, func(x pool.HeaterState) bool { return x.Name == m.Name }) && m.Name != "shed" {
			return fmt.Errorf("%w: %w", site.ErrInvalid, pool.ErrPaired)
		}
		if m.Name == "" {
			return fmt.Errorf("%w: a miner needs a name", site.ErrInvalid)
		}
		paired = pool.Pairing{
			Name: m.Name, URL: "stratum+tcp://" + p.Listen, URL2: "stratum2+tcp://" + p.Listen + "/" + p.Key, User: m.Name, User2: m.Name,
		}
		if m.Address == (netip.Addr{}) {
			paired.Token = "k7q2m5x3d4h6n2pa"
			paired.User2 += "." + paired.Token
		}
		p.Heaters = append(p.Heaters, pool.HeaterState{
			Name: m.Name, Account: m.Account, Rate: units.Unknown[units.HashRate]("it is not connected", p.At),
			Trouble: "It is not connected: is it on, and does it have the address, name and token of this pool?",
		})
		return nil
	})
	return paired, err
}

// Unpair implements the pool.
func (h *Home) Unpair(_ context.Context, miner, by string) error {
	return h.told(fmt.Sprintf("unpair %s by %s", miner, by), func(p *pool.State) error {
		i := slices.IndexFunc(p.Heaters, func(x pool.HeaterState) bool { return x.Name == miner })
		if i < 0 {
			return noSuchMiner(miner)
		}
		p.Heaters = slices.Delete(p.Heaters, i, i+1)
		return nil
	})
}

// PointMiner implements the pool.
func (h *Home) PointMiner(_ context.Context, dev, by string) error {
	return h.told(fmt.Sprintf("point %s by %s", dev, by), func(p *pool.State) error {
		d, err := h.device(dev)
		switch {
		case err != nil:
			return err
		case !d.Repoints:
			return fmt.Errorf("%w: Hearth cannot set the pools of %s: set them on its own page", site.ErrInvalid, d.Name)
		}
		if !slices.ContainsFunc(p.Heaters, func(x pool.HeaterState) bool { return x.Name == dev }) {
			p.Heaters = append(p.Heaters, pool.HeaterState{Name: dev, Rate: units.Unknown[units.HashRate]("it is not connected", p.At), Trouble: "It is not connected yet."})
		}
		h.kept[dev] = true
		return nil
	})
}

// RestoreMiner implements the pool.
func (h *Home) RestoreMiner(_ context.Context, dev, by string) error {
	return h.told(fmt.Sprintf("restore %s by %s", dev, by), func(p *pool.State) error {
		if _, err := h.device(dev); err != nil {
			return err
		}
		if !h.kept[dev] {
			return fmt.Errorf("no earlier pools of %s are kept: %w", dev, site.ErrNotFound)
		}
		delete(h.kept, dev)
		p.Heaters = slices.DeleteFunc(p.Heaters, func(x pool.HeaterState) bool { return x.Name == dev })
		return nil
	})
}

// StopPayouts implements the pool.
func (h *Home) StopPayouts(_ context.Context, stop bool, by string) error {
	return h.told(fmt.Sprintf("payouts stopped %v by %s", stop, by), func(p *pool.State) error {
		p.Money.Stopped, p.Money.By = stop, ""
		if stop {
			p.Money.By = by
		}
		return nil
	})
}

// paysHere reports whether a source of the pool is of that name.
func paysHere(p *pool.State, source string) error {
	if !slices.ContainsFunc(p.Sources, func(x pool.SourceState) bool { return x.Name == source }) {
		return fmt.Errorf("%w: nobody here pays as %q", site.ErrInvalid, source)
	}
	return nil
}

// Receive implements the pool.
func (h *Home) Receive(_ context.Context, r pool.Receipt, by string) error {
	return h.told(fmt.Sprintf("receipt of %d msat from %s, proof %s, by %s", r.Millisats, r.Source, r.Proof, by), func(p *pool.State) error {
		p.Money.Received += r.Millisats
		return paysHere(p, r.Source)
	})
}

// Report implements the pool.
func (h *Home) Report(_ context.Context, r pool.Reported, by string) error {
	return h.told(fmt.Sprintf("report of %d msat from %s by %s", r.Millisats, r.Source, by), func(p *pool.State) error {
		return paysHere(p, r.Source)
	})
}

// Statement implements the pool: it is worked out from the storybook's ledger.
func (h *Home) Statement(_ context.Context, party string, month time.Time, format string) ([]byte, error) {
	h.mu.Lock()
	records, p := h.ledger, h.pool
	h.mu.Unlock()
	if p == nil || p.Mode == "" {
		return nil, fmt.Errorf("%w: %w", site.ErrInvalid, pool.ErrNoAgreement)
	}
	a, err := agreement.Parse([]byte(Contract))
	if err != nil {
		return nil, err
	}
	evidence, err := agreement.NewEvidence(a, Zone(), false)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		if _, err := evidence.Add(r); err != nil {
			return nil, err
		}
	}
	last := records[len(records)-1]
	from := time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, Zone())
	st, err := evidence.Statement(party, from, from.AddDate(0, 1, 0), Now(), last.Head(records[0].Hash, key()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", site.ErrInvalid, err)
	}
	var b bytes.Buffer
	switch format {
	case "json":
		return st.Sign(key())
	case "csv":
		err = st.WriteCSV(&b)
		return b.Bytes(), err
	}
	v := st.View(Zone())
	fmt.Fprintln(&b, v.Title)
	for _, line := range v.Summary {
		fmt.Fprintln(&b, line)
	}
	for _, r := range append(v.Rows, v.Total) {
		fmt.Fprintln(&b, r.What, r.How, r.Sats, r.Worth)
	}
	return b.Bytes(), nil
}
