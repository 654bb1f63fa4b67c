package pool

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/pool/split"
)

// contract is the agreement that a service works by.
type contract struct{ *agreement.Agreement }

// agree reads the agreement, if there is one, and holds it against the rest of
// the configuration.
func (s *Service) agree() error {
	if s.cfg.Agreement == "" {
		return nil
	}
	text, err := os.ReadFile(s.rooted(s.cfg.Agreement))
	if err != nil {
		return fmt.Errorf("pool: read the agreement: %w", err)
	}
	a, err := agreement.Parse(text)
	if err != nil {
		return fmt.Errorf("pool: the agreement %s:\n%w", s.cfg.Agreement, err)
	}
	if a.Network != s.cfg.Network {
		return fmt.Errorf("pool: the agreement %s is for %s, and the pool's network is %s: one of them is wrong", a.Name, a.Network, s.cfg.Network)
	}
	switch {
	case s.cfg.Role == Proxy && a.Mode == agreement.Coinbase:
		return fmt.Errorf("pool: the agreement %s is paid by blocks, which needs a Bitcoin node: role solo. In front of a pool, use mode per-share, slices or ledger", a.Name)
	case s.cfg.Role == Solo && a.Mode != agreement.Coinbase && a.Mode != agreement.Ledger:
		return fmt.Errorf("pool: the agreement %s divides work between pools, and the role is solo: use mode coinbase or ledger", a.Name)
	case s.cfg.Role == Solo && a.Mode == agreement.Ledger && s.cfg.Address == "":
		return fmt.Errorf("pool: with mode ledger a block pays one address: name it as pool: address")
	}
	s.contract = &contract{a}
	return nil
}

// mode is how the agreement divides; empty without one.
func (s *Service) mode() agreement.Mode {
	if s.contract == nil {
		return ""
	}
	return s.contract.Mode
}

// Covers says whether the agreement is about a heater. One that names no
// heaters is about all.
func (c *contract) Covers(worker string) bool {
	return len(c.Meters.Workers) == 0 || slices.Contains(c.Meters.Workers, worker)
}

// parts are the parties that have a share of what is divided.
func (c *contract) parts() []split.Part {
	var out []split.Part
	for i, p := range c.Parties {
		if w := c.Terms.Shares[i]; w > 0 {
			out = append(out, split.Part{Name: p.ID, Weight: uint64(w)})
		}
	}
	return out
}

// weighted are the parties with other weights than the contract's shares: what
// the waterfall gives them.
func (c *contract) weighted(weights []int64) []split.Part {
	var out []split.Part
	for i, w := range weights {
		if w > 0 && i < len(c.Parties) {
			out = append(out, split.Part{Name: c.Parties[i].ID, Weight: uint64(w)})
		}
	}
	return out
}

// userOf is a party's name at a pool.
func (c *contract) userOf(party string, u Upstream) string {
	if user := u.Workers[party]; user != "" {
		return user
	}
	if i := c.Party(party); i >= 0 && c.Parties[i].Way == agreement.Account {
		return c.Parties[i].To
	}
	return ""
}

// poolsOf are a party's pools: the one that the agreement names first, then
// those behind it.
func (c *contract) poolsOf(party string, all []Upstream) []Upstream {
	var own, others []Upstream
	i := c.Party(party)
	for _, u := range all {
		switch {
		case i >= 0 && c.Parties[i].Way == agreement.Pool && c.Parties[i].To == u.Name:
			own = append(own, u)
		case u.Party == party:
			others = append(others, u)
		}
	}
	return append(own, others...)
}

// payees divides a block's reward among the parties' addresses.
func (c *contract) payees(total int64, parts []split.Part, n job.Network) ([]job.Payee, error) {
	weights := make([]uint64, len(parts))
	for i, p := range parts {
		weights[i] = p.Weight
	}
	sums, err := split.Divide(total, weights)
	if err != nil {
		return nil, fmt.Errorf("divide a block by the agreement %s: %w", c.Name, err)
	}
	var out []job.Payee
	for i, p := range parts {
		if sums[i] == 0 {
			continue
		}
		k := c.Party(p.Name)
		script, err := job.Script(c.Parties[k].To, n)
		if err != nil {
			return nil, fmt.Errorf("pay %s: %w", p.Name, err)
		}
		out = append(out, job.Payee{Script: script, Sats: sums[i]})
	}
	return out, nil
}

// rooted is a path of the configuration, which is relative to its file.
func (s *Service) rooted(path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(s.opt.Base, path)
}
