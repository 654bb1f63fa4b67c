package storybook

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/site"
	"hearth/units"
)

// Contract is what the three parties of the storybook agreed.
const Contract = `agreement: 1
name: berg
title: Heat for the Berg living room
mode: ledger
currency: EUR
time_zone: CET
start: 2026-01-01
interval: 1h

parties:
  host: {name: Anna Berg, paid: {lightning: anna@example.com}}
  operator: {name: Fjell Heat AS, paid: stays}
  financier: {name: Dalen Savings Bank, paid: {address: bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4}}

meters:
  electricity: [mini3]
  heat: [living]
  workers: [mini3, bitaxe]
  income: [ocean]

bitcoin_price: {source: kraken, max_age: 24h}

waterfall:
  - electricity: {to: host, price: 0.02 EUR/kWh}

shares: {host: 30%, operator: 30%, financier: 40%}
arrears: carried
unknown: release after 30 days
`

// Sats is a home that mines at its own pool for three parties.
func Sats() *Home {
	h := home(units.Meter)
	h.ledger = satsChain()
	h.pool = satsState(h.ledger)
	h.kept = map[string]bool{"mini3": true}
	last := h.ledger[len(h.ledger)-1]
	h.state.Ledger = site.LedgerState{Records: last.Seq, Head: last.Hash.String(), At: &last.At}
	return h
}

// SatsUnpaid is that home while no pool answers: heat only.
func SatsUnpaid() *Home {
	h := Sats()
	h.repool(func(p *pool.State) {
		p.Unpaid = true
		p.Sentence = "2 of 3 heaters mine, 38.4 TH/s: heat only, unpaid, until a pool or node answers."
		for i := range p.Sources {
			p.Sources[i].Up, p.Sources[i].Why, p.Sources[i].Since = false, "dial tcp: lookup mine.ocean.xyz: no such host", Now().Add(-14*time.Minute)
		}
		p.Sources = append(p.Sources, pool.SourceState{Name: pool.FallbackSource, Kind: "fallback", Up: true, Since: Now().Add(-13 * time.Minute), Unpaid: true})
		for i := range p.Heaters {
			if p.Heaters[i].Online {
				p.Heaters[i].Source, p.Heaters[i].Unpaid = pool.FallbackSource, true
			}
		}
	})
	return h
}

// SatsStopped is that home with the kill switch thrown, and a payment that
// nobody knows the end of.
func SatsStopped() *Home {
	h := Sats()
	h.repool(func(p *pool.State) {
		p.Money.Stopped, p.Money.By = true, "a person who logged in"
		p.Payouts = append([]pool.PayoutState{{
			ID: "berg/host/2026-01-14", At: Now().Add(-time.Hour), Party: "berg/host", Rail: "lnd", To: "anna@example.com", Millisats: 412_000, State: "unknown",
			Why: "lnd does not answer: it is asked again until it says what became of the payment",
		}}, p.Payouts...)
	})
	return h
}

// SatsDrift is that home when its pool reports less than the shares were worth.
func SatsDrift() *Home {
	h := Sats()
	h.repool(func(p *pool.State) {
		s := &p.Sources[0]
		s.Alarm, s.Rejected, s.Unanswered = true, 41, 7
		s.Drift = "Ocean reports 7.4% less than the shares that it accepted were worth, over 3 days: luck cannot explain that. Ask it, or mine elsewhere."
		p.Trouble = append(p.Trouble, "18:12: a miner at 192.168.1.77 was turned away as \"admin\": its user name and password are not those of a paired miner.")
	})
	return h
}

// SatsTest is a workshop without rooms that is a pool on a test network.
func SatsTest() *Home {
	h := Sats()
	h.state.Zones, h.state.Devices, h.state.Sensors = nil, nil, nil
	h.state.Sentence, h.state.Power = "Nothing to heat yet.", units.Unknown[units.Watts]("there are no heaters", Now())
	h.kept = map[string]bool{}
	h.repool(func(p *pool.State) {
		*p = pool.State{
			At: Now(), Role: pool.Open, Scheme: pool.PPLNS, Network: "regtest", Test: true, Listen: "127.0.0.1:3333", Key: p.Key,
			Sentence: "The heater mines, 4.12 MH/s, for coins of a test network, which are worth nothing.",
			Rate:     units.Know[units.HashRate](4.12e6, Now(), units.Estimate),
			Sources: []pool.SourceState{{
				Name: "node", Kind: "node", Where: "http://127.0.0.1:18334", Up: true, Since: Now().Add(-2 * time.Hour), Payer: "node", Height: 214, Difficulty: 4.656542373906925e-10,
				Accepted: 96, Credited: 3,
			}},
			Heaters: []pool.HeaterState{{
				Name: "desk", Online: true, Since: Now().Add(-2 * time.Hour), Protocol: 2, Agent: "hearth/0.1.0", Remote: "127.0.0.1", Source: "node",
				Account: "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", Rate: units.Know[units.HashRate](4.12e6, Now(), units.Estimate),
				Difficulty: 0.0009765625, Accepted: 96, Work: 96, LastShare: Now().Add(-9 * time.Second),
			}},
			Parties: []pool.PartyState{{Name: "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080", Balance: 5_000_000_000_000, Where: "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"}},
			Money: pool.MoneyState{
				Day:    units.Unknown[units.Sats]("a test network's difficulty says nothing of earnings", Now()),
				PerKWh: units.Unknown[units.Sats]("no heat is metered here", Now()), Received: 5_000_000_000_000,
				Price: units.Unknown[units.Money]("coins of a test network have no price", Now()),
			},
		}
	})
	return h
}

// SatsBegun is a home whose pool runs and has no miner yet.
func SatsBegun() *Home {
	h := home(units.Meter)
	full := satsState(nil)
	h.pool = &pool.State{
		At: Now(), Sentence: "No miner is paired yet.", Role: pool.Proxy, Network: "mainnet", Listen: full.Listen, Key: full.Key,
		Rate:    units.Unknown[units.HashRate]("no heater is connected", Now()),
		Sources: []pool.SourceState{{Name: "ocean", Kind: "pool", Where: "mine.ocean.xyz:3334", Up: true, Since: Now().Add(-time.Minute), Payer: "ocean"}},
		Money: pool.MoneyState{
			Day:    units.Unknown[units.Sats]("no share came in yet", Now()),
			PerKWh: units.Unknown[units.Sats]("no share came in yet", Now()), Price: units.Unknown[units.Money]("no source of prices is configured", Now()),
		},
	}
	return h
}

// satsChain is a ledger with three days of shares, what came in for them, and
// how that was divided and paid, as the agreement has it.
func satsChain() []ledger.Record {
	start := Now().UTC().Add(-3 * 24 * time.Hour).Truncate(time.Hour)
	var w writer
	must := func(err error) {
		if err != nil {
			panic(err) // a mistake of the storybook
		}
	}
	a, err := agreement.Parse([]byte(Contract))
	must(err)
	evidence, err := agreement.NewEvidence(a, Zone(), false)
	must(err)
	put := func(at time.Time, subject string, body ledger.Body) {
		w.seal(ledger.NewEntry(at, subject, false, body))
	}
	share := func() { // books what is to be shared out
		for _, r := range w.list[evidence.Last():] {
			_, err := evidence.Add(r)
			must(err)
		}
		last := w.list[len(w.list)-1].At
		if e, ok, err := evidence.Transfer(last); ok || err != nil {
			w.seal(e, err)
		}
	}
	w.seal(genesis(start))
	put(start, a.Name, ledger.Agreement{Digest: a.Digest(), Text: Contract, Parties: []string{"host", "operator", "financier"}})
	put(start, "EUR", ledger.Rate{Micros: 61_240_000_000, Source: "kraken"})
	for at := start; at.Before(Now().Add(-time.Hour)); at = at.Add(time.Hour) {
		to := at.Add(time.Hour)
		e := ledger.Energy{From: at, To: to, Joules: 2.92e6, Provenance: units.Estimate, Zone: "living"}
		put(to, "mini3", ledger.Electricity(e))
		put(to, "living", ledger.Heat(e))
		put(to, "mini3", ledger.Shares{From: at, To: to, Work: 31_930_000 * 1024 / 1000, Count: 182, Stale: 1, Source: "ocean", Digest: ledger.Hash{1}})
		put(to, "bitaxe", ledger.Shares{From: at, To: to, Work: 1_014_000 * 1024 / 1000, Count: 177, Source: "ocean", Digest: ledger.Hash{2}})
		switch to.In(Zone()).Hour() {
		case 6:
			put(to, "EUR", ledger.Rate{Micros: 61_000_000_000 + int64(to.Day())*20_000_000, Source: "kraken"})
		case 12:
			put(to, "ocean", ledger.Earning{Millisats: 1_934_512, For: "a day of shares", Proof: fmt.Sprintf("payment of %s", to.In(Zone()).Format("2 January"))})
			share()
		}
	}
	paid := ledger.Payout{ID: "berg/host/2026-01-13", Rail: "lnd", To: "anna@example.com", Millisats: 600_000, MaxFee: 6_000, State: ledger.PayoutBegun}
	at := Now().Add(-80 * time.Minute)
	for _, state := range []ledger.PayoutState{ledger.PayoutBegun, ledger.PayoutPaid} {
		paid.State = state
		if state == ledger.PayoutPaid {
			paid.MaxFee, paid.Fee, paid.Proof = 0, 1_000, strings.Repeat("5e", 32)
			paid.Ticket = strings.Repeat("a7", 32)
		}
		put(at, "berg/host", paid)
		if t, ok := paid.Transfer("party:berg/host"); ok {
			put(at, a.Name, t)
		}
		at = at.Add(time.Minute)
	}
	return w.list
}

// satsState is the pool that the records of a ledger belong to.
func satsState(records []ledger.Record) *pool.State {
	now := Now()
	balance := map[string]int64{}
	received := int64(0)
	for _, r := range records {
		body, err := r.Decode()
		if err != nil {
			panic(err) // a mistake of the storybook
		}
		switch b := body.(type) {
		case ledger.Transfer:
			for _, e := range b.Entries {
				balance[e.Account] += e.Millisats
			}
		case ledger.Earning:
			received += b.Millisats
		}
	}
	up := now.Add(-3 * 24 * time.Hour)
	yes := true
	return &pool.State{
		At: now, Role: pool.Proxy, Mode: "ledger", Network: "mainnet", Listen: "192.168.1.10:3333", Key: "9auqWEzQDVyd2oe1JVGFLMLHZtCo2FFqZwtKA5gd9xbuEu7PH72",
		Sentence: "2 of 3 heaters mine, 38.4 TH/s; the last 24 hours should have earned 1934 sats.",
		Rate:     units.Know[units.HashRate](38.4e12, now, units.Estimate),
		Sources: []pool.SourceState{
			{
				Name: "ocean", Kind: "pool", Where: "mine.ocean.xyz:3334", Up: true, Since: up, Payer: "ocean", Height: 932_017, Difficulty: 65536,
				Accepted: 25_418, Rejected: 3, Credited: job.Work(2_372_000_000), Several: &yes, Probe: "it takes shares of several workers on one connection",
				Drift: "Ocean's reports agree with the shares: 0.3% less than expected over 3 days, which is within luck.",
			},
		},
		Heaters: []pool.HeaterState{
			{
				Name: "mini3", Online: true, Since: now.Add(-11 * time.Hour), Protocol: 1, Agent: "cgminer/4.11.1", Remote: "192.168.1.40", Source: "ocean",
				Rate: units.Know[units.HashRate](37.2e12, now, units.Estimate), Difficulty: 131_072, Accepted: 13_104, Stale: 72, Rejected: 1, Work: 2_299_000_000, LastShare: now.Add(-14 * time.Second),
			},
			{
				Name: "bitaxe", Online: true, Since: now.Add(-9 * 24 * time.Hour), Protocol: 1, Agent: "bitaxe/BM1370/v2.9.0", Remote: "192.168.1.41", Source: "ocean",
				Rate: units.Know[units.HashRate](1.21e12, now, units.Estimate), Difficulty: 4096, Accepted: 12_744, Stale: 3, Work: 73_000_000, LastShare: now.Add(-6 * time.Second),
			},
			{
				Name: "shed", Rate: units.Unknown[units.HashRate]("it is not connected", now),
				Trouble: "It is not connected: is it on, and does it have the address, name and token of this pool?",
			},
		},
		Parties: []pool.PartyState{
			{Name: "host", Role: "Anna Berg", Weight: 300_000, Balance: balance["party:berg/host"], Paid: 600_000, Where: "anna@example.com"},
			{Name: "operator", Role: "Fjell Heat AS", Weight: 300_000, Balance: balance["party:berg/operator"], Where: "stays where it comes in"},
			{Name: "financier", Role: "Dalen Savings Bank", Weight: 400_000, Balance: balance["party:berg/financier"], Where: "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"},
		},
		Payouts: []pool.PayoutState{{
			ID: "berg/host/2026-01-13", At: now.Add(-79 * time.Minute), Party: "berg/host", Rail: "lnd", To: "anna@example.com", Millisats: 600_000, Fee: 1_000, State: "paid",
			Proof: strings.Repeat("5e", 32),
		}},
		Money: pool.MoneyState{
			Rail: "lnd", Day: units.Know[units.Sats](1934, now, units.Estimate), Received: received, PerKWh: units.Know[units.Sats](99, now, units.Estimate),
			Price: units.Know(units.Money{Micros: 61_280_000_000, Currency: "EUR"}, now.Add(-12*time.Minute), units.Meter), From: "kraken",
		},
	}
}

// Rename gives everything in the pool that has a name this one, as whoever names
// miners, pools and parties might.
func (h *Home) Rename(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.repool(func(p *pool.State) {
		p.Sentence, p.Listen, p.Key, p.Money.By, p.Money.Rail, p.Money.From, p.Mode = name, name, name, name, name, name, name
		p.Trouble, p.Money.Stopped = []string{name}, true
		p.Rate = units.Unknown[units.HashRate](name, p.At)
		for i := range p.Heaters {
			x := &p.Heaters[i]
			x.Name, x.Agent, x.Remote, x.Source, x.Account, x.Trouble = name, name, name, name, name, name
		}
		for i := range p.Sources {
			x := &p.Sources[i]
			x.Name, x.Where, x.Why, x.Party, x.Probe, x.Drift = name, name, name, name, name, name
		}
		for i := range p.Parties {
			p.Parties[i] = pool.PartyState{Name: name, Role: name, Where: name}
		}
		for i := range p.Payouts {
			x := &p.Payouts[i]
			x.ID, x.Party, x.Rail, x.To, x.State, x.Proof, x.Why = name, name, name, name, name, name, name
		}
	})
}

// repool changes the pool of a home that is being made.
func (h *Home) repool(f func(*pool.State)) { f(h.pool) }

// noSuchMiner is the error about a miner that is not paired.
func noSuchMiner(name string) error {
	return fmt.Errorf("no miner is paired as %q: %w", name, site.ErrNotFound)
}

// device returns the device of an id; the caller holds the lock.
func (h *Home) device(id string) (site.DeviceState, error) {
	i := slices.IndexFunc(h.state.Devices, func(d site.DeviceState) bool { return d.ID == id })
	if i < 0 {
		return site.DeviceState{}, fmt.Errorf("device %q: %w", id, site.ErrNotFound)
	}
	return h.state.Devices[i], nil
}
