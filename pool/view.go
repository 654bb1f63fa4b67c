package pool

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"

	"hearth/pool/account"
	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/pool/server"
	"hearth/units"
)

// State is what there is to show now.
func (s *Service) State(ctx context.Context) State {
	now := s.opt.Now()
	st := State{
		At: now, Role: s.cfg.Role, Mode: string(s.mode()), Network: s.cfg.Network, Key: s.key,
		Test: job.Network(s.cfg.Network) != job.Mainnet, Listen: s.Address(),
	}
	if st.Listen == "" {
		st.Listen = s.cfg.Listen
	}
	if s.cfg.Role == Open {
		st.Scheme = s.cfg.Scheme
	}
	if s.contract != nil {
		st.Location = s.books.loc
	}
	s.sources(&st)
	s.heaterStates(&st, now)
	s.money(ctx, &st, now)
	st.Sentence = sentence(st)
	return st
}

func (s *Service) sources(st *State) {
	w := s.books.watches
	w.mu.Lock()
	verdicts := maps.Clone(w.verdict)
	w.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		one := l.state()
		one.Drift, one.Alarm = verdicts[l.payer].text, verdicts[l.payer].alarm
		st.Sources = append(st.Sources, one)
	}
	st.Unpaid = s.fallback
	if s.fallback {
		st.Sources = append(st.Sources, SourceState{Name: FallbackSource, Kind: "fallback", Up: true, Since: s.fallbackAt, Unpaid: true})
	}
	if r := s.lastRefused; !r.at.IsZero() && s.opt.Now().Sub(r.at) < time.Hour {
		st.Trouble = append(st.Trouble, fmt.Sprintf("%s: a miner at %s was turned away as %q: its user name and password are not those of a paired miner.", r.at.In(s.opt.Location).Format("15:04"), r.from, r.user))
	}
}

func (s *Service) heaterStates(st *State, now time.Time) {
	live := map[server.Worker][]server.Status{}
	for _, x := range s.server.Snapshot() {
		live[x.Worker] = append(live[x.Worker], x)
	}
	rate, measured, waiting := units.HashRate(0), 0, 0
	paired := s.miners.List(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range paired {
		h := HeaterState{Name: m.Name, Account: m.Account, Rate: units.Unknown[units.HashRate]("it is not connected", now)}
		if k := s.heaters[server.Worker(m.Name)]; k != nil {
			h.Since, h.Accepted, h.Stale, h.Rejected, h.Work, h.LastShare = k.since, k.accepted, k.stale, k.rejected, k.work, k.last
			if k.refused.After(k.since) {
				h.Trouble = "A miner with this name was turned away: its token is another."
			}
		}
		for i, x := range live[server.Worker(m.Name)] {
			h.Online, h.Protocol, h.Agent, h.Remote = true, x.Protocol, clipped(x.Agent), x.Remote.Addr().String()
			h.Source, h.Unpaid = x.Source, x.Source == FallbackSource
			h.Difficulty, _ = x.Difficulty.Get()
			r := x.Rate
			if old, ok := h.Rate.Get(); ok && i > 0 {
				r = units.Map(r, func(v units.HashRate) units.HashRate { return v + old })
			}
			h.Rate = r
		}
		if h.Online {
			if v, ok := h.Rate.Get(); ok {
				rate += v
				measured++
			} else {
				waiting++
			}
		} else if h.Trouble == "" {
			h.Trouble = "It is not connected: is it on, and does it have the address, name and token of this pool?"
		}
		st.Heaters = append(st.Heaters, h)
	}
	switch {
	case measured > 0:
		st.Rate = units.Know(rate, now, units.Estimate)
	case waiting > 0:
		st.Rate = units.Unknown[units.HashRate]("too few shares came in yet", now)
	default:
		st.Rate = units.Unknown[units.HashRate]("no heater is connected", now)
	}
}

func (s *Service) money(ctx context.Context, st *State, now time.Time) {
	b := s.books
	st.Money.Day = b.day(now)
	if st.Test {
		st.Money.Day = units.Unknown[units.Sats]("a test network's difficulty says nothing of earnings", now)
	}
	st.Money.PerKWh = units.Unknown[units.Sats]("no heat is metered here", now)
	if s.opt.Heat != nil {
		heat := s.opt.Heat(ctx, now.Add(-24*time.Hour), now)
		st.Money.PerKWh = units.Join(st.Money.Day, heat, func(v units.Sats, e units.KilowattHours) units.Sats {
			return units.Sats(float64(v) / float64(e))
		})
		if e, ok := heat.Get(); ok && e < 0.1 {
			st.Money.PerKWh = units.Unknown[units.Sats]("hardly any heat was made in the last 24 hours", now)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	st.Money.Stopped, st.Money.By, st.Money.Rail = b.stopped, b.by, s.cfg.Payouts.Rail
	st.Money.Price, st.Money.From = b.rate, b.rateFrom
	for _, r := range b.receipts {
		if r.at.After(now.Add(-30 * 24 * time.Hour)) {
			st.Money.Received += r.millisats
		}
	}
	if st.Test { // a price that is configured is that of real coins
		st.Money.Price, st.Money.From = units.Unknown[units.Money]("coins of a test network have no price", now), ""
	}
	st.Payouts = slices.Clone(b.recent)
	slices.Reverse(st.Payouts)
	for _, what := range slices.Sorted(maps.Keys(b.trouble)) {
		st.Trouble = append(st.Trouble, b.trouble[what])
	}
	j := b.journal.Status()
	for _, err := range []error{j.Paused, j.Unfit} {
		if err != nil {
			st.Trouble = append(st.Trouble, "Shares wait in memory: "+err.Error())
		}
	}
	s.parties(st)
}

// parties says where each party stands. The caller holds the books' lock.
func (s *Service) parties(st *State) {
	b := s.books
	if s.contract == nil {
		prefix := account.Party(poolParty, "")
		for _, a := range b.account.Balances() {
			if name, ok := strings.CutPrefix(a.Account, prefix); ok {
				st.Parties = append(st.Parties, PartyState{Name: name, Balance: a.Millisats, Paid: b.paidTo(poolParty + "/" + name), Where: name})
			}
		}
		return
	}
	credited := map[string]job.Work{}
	s.mu.Lock()
	for _, r := range s.relays {
		if r.parties != nil {
			for _, p := range r.parties.Standings() {
				credited[p.Name] += p.Credited
			}
		}
	}
	if s.lend != nil {
		for _, t := range s.lend.turns {
			for _, p := range t.slices.Standings() {
				credited[p.Name] += p.Credited
			}
		}
	}
	s.mu.Unlock()
	for i, p := range s.contract.Parties {
		one := PartyState{Name: p.ID, Role: p.Name, Weight: s.contract.Terms.Shares[i], Credited: credited[p.ID], Where: p.To}
		if p.Way == agreement.Stays {
			one.Where = "stays where it comes in"
		}
		one.Balance, one.Paid = b.account.Balance(s.contract.PartyAccount(i)), b.paidTo(s.contract.Name+"/"+p.ID)
		st.Parties = append(st.Parties, one)
	}
}

// paidTo is what a party got, as far back as the ledger goes in detail. The
// caller holds the lock.
func (b *books) paidTo(party string) int64 { return b.paidOut[party] }

// sentence says how things are, in one sentence for people.
func sentence(st State) string {
	online := 0
	for _, h := range st.Heaters {
		if h.Online {
			online++
		}
	}
	heaters := fmt.Sprintf("%d of %d heaters mine", online, len(st.Heaters))
	if len(st.Heaters) == 1 {
		heaters = "The heater mines"
		if online == 0 {
			heaters = "The heater does not mine"
		}
	}
	rate := ""
	if v, ok := st.Rate.Get(); ok {
		rate = ", " + v.String()
	}
	switch {
	case len(st.Heaters) == 0:
		return "No miner is paired yet."
	case online == 0:
		return heaters + "."
	case len(st.Sources) > 0 && !slices.ContainsFunc(st.Sources, func(x SourceState) bool { return x.Up }):
		waits := fmt.Sprintf("%d of %d heaters are connected and wait", online, len(st.Heaters))
		if len(st.Heaters) == 1 {
			waits = "The heater is connected and waits"
		}
		return fmt.Sprintf("%s for work: %s does not answer.", waits, st.Sources[0].Called())
	case st.Unpaid:
		return heaters + rate + ": heat only, unpaid, until a pool or node answers."
	case st.Test:
		return heaters + rate + ", for coins of a test network, which are worth nothing."
	}
	if v, ok := st.Money.Day.Get(); ok {
		return fmt.Sprintf("%s%s; the last 24 hours should have earned %s.", heaters, rate, agreement.Told(int64(v)*1000))
	}
	return heaters + rate + "."
}

// Pair lets a miner in.
func (s *Service) Pair(m Miner) (Pairing, error) {
	if s.cfg.Role == Open && m.Account == "" {
		return Pairing{}, fmt.Errorf("pair %s: a pool must know whom to credit: give an account, the address that its miner is paid at", m.Name)
	}
	if inBlock := s.cfg.Role == Open && (s.cfg.Scheme == PaySolo || s.cfg.Scheme == TIDES); inBlock && strings.Contains(m.Account, "@") {
		return Pairing{}, fmt.Errorf("pair %s: the scheme %s pays in the block itself, which knows no Lightning address: give an address of Bitcoin's as the account", m.Name, s.cfg.Scheme)
	}
	if m.Account != "" && !strings.Contains(m.Account, "@") {
		if _, err := job.Script(m.Account, job.Network(s.cfg.Network)); err != nil {
			return Pairing{}, fmt.Errorf("pair %s: account: %w", m.Name, err)
		}
	}
	token, err := s.miners.Add(m, s.opt.Now(), s.opt.Random)
	if err != nil {
		return Pairing{}, err
	}
	return s.Pairing(m.Name, token), nil
}

// Pairing is what is to be set in a miner.
func (s *Service) Pairing(name, token string) Pairing {
	address := cmp.Or(s.Address(), s.cfg.Listen)
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	p := Pairing{
		Name: name, Token: token, URL: "stratum+tcp://" + address, User: name,
		URL2: "stratum2+tcp://" + address + "/" + s.key, User2: name,
	}
	if token != "" {
		p.User2 = name + "." + token
	}
	return p
}
