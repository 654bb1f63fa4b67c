package rule_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/rule"
)

const (
	chainID = "hearth-test-1"
	genesis = 1_700_000_000
)

func key(n byte) drand.SecretKey {
	k, err := drand.NewSecretKey(bytes.Repeat([]byte{n}, drand.LeastSeed))
	if err != nil {
		panic(err)
	}
	return k
}

func params() rule.Params {
	return rule.Params{
		Chain:  drand.Local(key(1).Public(), genesis, 3),
		Margin: 4, MaxRounds: 5, StaleAfter: 30, StaleBlocks: 6, FallbackDelay: 3,
	}
}

func verifier(t testing.TB, p rule.Params) *drand.Verifier {
	t.Helper()
	v, err := drand.NewVerifier(p.Chain.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// run are rounds of the beacon with the test's key.
func run(first uint64, count int) []drand.Signature {
	var out []drand.Signature
	for i := range count {
		r, err := key(1).SignRound(first + uint64(i))
		if err != nil {
			panic(err)
		}
		out = append(out, r.Signature)
	}
	return out
}

func reveal(k drand.SecretKey, b rule.Block, fallback [32]byte) *drand.Signature {
	s, err := k.Sign(drand.Reveals, rule.RevealMessage(b.ChainID, b.Height, fallback))
	if err != nil {
		panic(err)
	}
	return &s
}

func TestParams(t *testing.T) {
	if err := params().Validate(); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*rule.Params){
		"margin":         func(p *rule.Params) { p.Margin = 0 },
		"margin is -1":   func(p *rule.Params) { p.Margin = -1 },
		"rounds":         func(p *rule.Params) { p.MaxRounds = 257 },
		"seconds":        func(p *rule.Params) { p.StaleAfter = p.Chain.Period },
		"blocks":         func(p *rule.Params) { p.StaleBlocks = 0 },
		"fallback delay": func(p *rule.Params) { p.FallbackDelay = 0 },
		"period":         func(p *rule.Params) { p.Chain.Period = 0 },
	} {
		p := params()
		change(&p)
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %q, got %v", want, err)
		}
	}
}

func TestWhatABlockMayHold(t *testing.T) {
	p, me := params(), key(2)
	public := me.Public()
	start := rule.Genesis(p, chainID, genesis+300)
	if want := uint64((300+4)/3 + 1); start.LastRound != want {
		t.Fatalf("the chain begins after round %d, want %d", start.LastRound, want)
	}
	next := start.LastRound + 1
	quiet := rule.Block{ChainID: chainID, Height: 5, Time: genesis + 310}    // rounds up to next+3 are due
	silent := rule.Block{ChainID: chainID, Height: 500, Time: genesis + 400} // nothing for 100 s
	owing := start
	owing.Owed = 1
	good := reveal(me, silent, start.Fallback)
	forged := run(next, 3)
	forged[1], forged[2] = forged[2], forged[1]

	for _, k := range []struct {
		name  string
		state rule.State
		block rule.Block
		in    rule.Injection
		key   *drand.PublicKey
		want  string // in the error; empty if it may
	}{
		{"the next rounds", start, quiet, rule.Injection{First: next, Rounds: run(next, 3)}, nil, ""},
		{"one of them", start, quiet, rule.Injection{First: next, Rounds: run(next, 1)}, nil, ""},
		{"with a gap", start, quiet, rule.Injection{First: next + 1, Rounds: run(next+1, 1)}, nil, "the next one is"},
		{"one again", start, quiet, rule.Injection{First: next - 1, Rounds: run(next-1, 2)}, nil, "the next one is"},
		{"of the future", start, quiet, rule.Injection{First: next, Rounds: run(next, 4)}, nil, "this block takes 3"},
		{"too many", start, silent, rule.Injection{First: next, Rounds: run(next, 6)}, nil, "this block takes 5"},
		{"forged", start, quiet, rule.Injection{First: next, Rounds: forged}, nil, "not this key's"},
		{"nothing", start, quiet, rule.Injection{}, nil, "leave it out"},
		{"a number without rounds", start, silent, rule.Injection{First: next, Reveal: good}, &public, "holds none"},
		{"a reveal in silence", start, silent, rule.Injection{Reveal: good}, &public, ""},
		{"a reveal and rounds", start, silent, rule.Injection{First: next, Rounds: run(next, 2), Reveal: good}, &public, ""},
		{"a reveal without need", start, quiet, rule.Injection{Reveal: reveal(me, quiet, start.Fallback)}, &public, "not silent"},
		{"a reveal that is owed", owing, quiet, rule.Injection{Reveal: reveal(me, quiet, start.Fallback)}, &public, ""},
		{"a reveal without key", start, silent, rule.Injection{Reveal: good}, nil, "without a beacon key"},
		{"another's reveal", start, silent, rule.Injection{Reveal: reveal(key(3), silent, start.Fallback)}, &public, "not this key's"},
		{"a reveal for another height", start, silent, rule.Injection{Reveal: reveal(me, quiet, start.Fallback)}, &public, "not this key's"},
		{"a reveal after another value", start, silent, rule.Injection{Reveal: reveal(me, silent, [32]byte{1})}, &public, "not this key's"},
		{"a reveal for another chain", start, silent, rule.Injection{Reveal: reveal(me, rule.Block{ChainID: "x", Height: 500}, start.Fallback)}, &public, "not this key's"},
	} {
		err := k.state.Check(p, k.block, k.in, verifier(t, p), k.key)
		if (err == nil) != (k.want == "") || (err != nil && !strings.Contains(err.Error(), k.want)) {
			t.Errorf("%s: got %v, want %q", k.name, err, k.want)
		}
	}
}

func TestSilence(t *testing.T) {
	p := params()
	s := rule.State{LastHeight: 100, LastTime: 1000}
	for _, k := range []struct {
		height, time int64
		stale        bool
	}{
		{101, 1002, false},
		{150, 1030, false}, // long in blocks, not in time
		{106, 9999, false}, // the chain stood still
		{107, 1031, true},
		{107, 1030, false},
	} {
		if got := s.Stale(p, rule.Block{Height: k.height, Time: k.time}); got != k.stale {
			t.Errorf("height %d, time %d: silent is %v", k.height, k.time, got)
		}
	}
}

// The figures are this package's own; they hold other implementations to it.
func TestDerivations(t *testing.T) {
	var r [32]byte
	for i := range r {
		r[i] = byte(i)
	}
	v := rule.Value(chainID, 7, r)
	m := rule.RevealMessage(chainID, 7, r)
	x := rule.Mix(r, drand.Signature{1, 2, 3})
	g := rule.Genesis(params(), chainID, genesis).Fallback
	for name, k := range map[string][2]string{
		"value":          {hex.EncodeToString(v[:]), "42ae26bbdecc7983989d2438005d7bfdc2ffd3d66f5b5dd2175d5eacb65e0b42"},
		"reveal message": {hex.EncodeToString(m), "1f2fd4574ef394d33b402a8057186c9af3dfdd4a087604669ab13ba8e186b6d8"},
		"mix":            {hex.EncodeToString(x[:]), "ca236d98cc7434885a26c90b97a3fb746bdd305b59b298eaa2ada08d324a897b"},
		"genesis":        {hex.EncodeToString(g[:]), "90ca138886daef8d4a2ab9673194942ab23103613337836332209d90a0727c96"},
	} {
		if k[0] != k[1] {
			t.Errorf("%s is %s, want %s", name, k[0], k[1])
		}
	}
	if rule.Value(chainID, 8, r) == v || rule.Value("hearth-test-2", 7, r) == v {
		t.Error("two blocks or two chains have the same value")
	}
}

// course is a chain in memory: what a keeper does with the rules.
type course struct {
	params  rule.Params
	state   rule.State
	height  int64
	waiting map[int64]rule.Awaits // by height
	known   map[int64][32]byte
	settled map[int64]rule.Awaits
}

func begin(p rule.Params) *course {
	return &course{
		params: p, state: rule.Genesis(p, chainID, genesis+100), waiting: map[int64]rule.Awaits{},
		known: map[int64][32]byte{}, settled: map[int64]rule.Awaits{},
	}
}

func (c *course) next(time int64) rule.Block {
	return rule.Block{ChainID: chainID, Height: c.height + 1, Time: time}
}

// add is a block: something always waits.
func (c *course) add(b rule.Block, in rule.Injection) {
	c.height = b.Height
	c.state = c.state.Apply(b, in)
	give := func(match func(rule.Awaits) bool, randomness [32]byte) {
		for h, a := range c.waiting {
			if match(a) {
				c.known[h] = rule.Value(chainID, h, randomness)
				delete(c.waiting, h)
			}
		}
	}
	if in.Reveal != nil {
		give(func(a rule.Awaits) bool { return a.Reveal == c.state.Reveals }, c.state.Fallback)
	}
	for i, s := range in.Rounds {
		give(func(a rule.Awaits) bool { return a.Round == in.First+uint64(i) }, s.Randomness())
	}
	if b.Height > 1 {
		var a rule.Awaits
		c.state, a = c.state.Settle(c.params, b)
		c.waiting[b.Height-1], c.settled[b.Height-1] = a, a
	}
	if c.state.Stale(c.params, b) {
		for h, a := range c.waiting {
			if a.Reveal == 0 {
				c.state, a = c.state.Divert(c.params)
				c.waiting[h] = a
			}
		}
	}
}

// Whatever proposers record and leave out while the beacon speaks, the same
// round decides each value, and it is not out when the votes for the block
// that waits for it are cast.
func TestProposersChooseNothing(t *testing.T) {
	p := params()
	rapid.Check(t, func(t *rapid.T) {
		one, other := begin(p), begin(p)
		now := int64(genesis + 100)
		for range rapid.IntRange(5, 25).Draw(t, "blocks") {
			now += rapid.Int64Range(0, 4).Draw(t, "seconds")
			for i, c := range []*course{one, other} {
				b := c.next(now)
				first, most, _ := c.state.Wanted(p, b)
				if i == 1 && now-c.state.LastTime < p.StaleAfter-8 {
					most = rapid.IntRange(0, most).Draw(t, "recorded")
				}
				var in rule.Injection
				if most > 0 {
					in = rule.Injection{First: first, Rounds: run(first, most)}
				}
				before := c.state.LastRound
				c.add(b, in)
				if c.state.LastRound != before+uint64(most) {
					t.Fatalf("after round %d and %d more comes %d", before, most, c.state.LastRound)
				}
				if a, ok := c.settled[b.Height-1]; ok {
					if a.Round <= c.state.LastRound || p.Chain.TimeOf(a.Round) <= now+p.Margin {
						t.Fatalf("height %d waits for round %d, which may be known", b.Height-1, a.Round)
					}
				}
			}
		}
		for h, v := range other.known {
			if w, ok := one.known[h]; !ok || w != v {
				t.Fatalf("height %d has the value %x, and %x where all is recorded", h, v, w)
			}
		}
		for h, a := range one.settled {
			if other.settled[h] != a {
				t.Fatalf("height %d waits for %v and for %v", h, a, other.settled[h])
			}
		}
	})
}

// The beacon falls silent and comes back, at any time, for any time: every
// value becomes known, those that went to the fallback by the fallback, and
// what honest proposers put into their blocks is always taken.
func TestSilenceComesAndGoes(t *testing.T) {
	p := params()
	v := verifier(t, p)
	public := key(2).Public()
	rapid.Check(t, func(t *rapid.T) {
		c := begin(p)
		now, silence := int64(genesis+100), rapid.Int64Range(0, 80).Draw(t, "silence")
		from := now + rapid.Int64Range(0, 20).Draw(t, "from")
		diverted := map[int64]bool{}
		last := int64(0)
		for i := range 90 {
			now += rapid.Int64Range(1, 3).Draw(t, "seconds")
			b := c.next(now)
			first, count, reveals := c.state.Wanted(p, b)
			var in rule.Injection
			if speaks := now < from || now > from+silence; speaks && count > 0 {
				in.First, in.Rounds = first, run(first, count)
			}
			if reveals {
				in.Reveal = reveal(key(2), b, c.state.Fallback)
			}
			if i%16 == 7 && (in.Reveal != nil || len(in.Rounds) > 0) {
				if err := c.state.Check(p, b, in, v, &public); err != nil {
					t.Fatal(err)
				}
			}
			c.add(b, in)
			for h, a := range c.waiting {
				if a.Reveal > 0 {
					diverted[h] = true
					if a.Reveal <= c.state.Reveals || a.Reveal > c.state.Owed {
						t.Fatalf("height %d waits for reveal %d after %d, owed are %d", h, a.Reveal, c.state.Reveals, c.state.Owed)
					}
				} else if diverted[h] {
					t.Fatalf("height %d was sent to the fallback and waits for round %d", h, a.Round)
				}
			}
			last = b.Height
		}
		for h := int64(1); h < last-60; h++ {
			if _, ok := c.known[h]; !ok {
				t.Fatalf("height %d still waits for %v at height %d", h, c.waiting[h], last)
			}
		}
	})
}
