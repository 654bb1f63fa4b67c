package beacon_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/chain/beacon"
	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/relay"
	"hearth/chain/beacon/rule"
)

// A claim of block 1 gets the value of the first round published later than
// the time of block 2 and the margin: time is 102 s after the beacon's
// genesis, the margin 4 s, a period 3 s, so that it is round 37, at 108 s.
func TestValueOfABlock(t *testing.T) {
	n := start(t, params(t))
	for {
		b := n.next(1, 0)
		n.execute(b, n.prepare(b))
		if v, known := n.value(1); known {
			r, err := key(t, 1).SignRound(37)
			if err != nil {
				t.Fatal(err)
			}
			if want := rule.Value(chainID, 1, r.Signature.Randomness()); v != want {
				t.Errorf("the value is %x, want %x", v, want)
			}
			if b.Time != genesis+104 { // the first whose time plus the margin is the round's
				t.Errorf("it is known at %d s", b.Time-genesis)
			}
			if got, at, err := n.keeper.Latest(n.ctx); err != nil || got != r.Signature.Randomness() || at != b.Height {
				t.Errorf("the latest is %x of height %d, %v", got, at, err)
			}
			return
		}
		if b.Height > 10 {
			t.Fatal("it never becomes known")
		}
	}
}

func TestAwaitInItsOwnBlockOnly(t *testing.T) {
	n := start(t, params(t))
	b := n.next(1, 0)
	n.execute(b, nil)
	for _, h := range []int64{0, 2, -1} {
		if err := n.keeper.Await(n.ctx, h); !errors.Is(err, beacon.ErrLate) {
			t.Errorf("awaiting a value for height %d in block 1: %v", h, err)
		}
	}
	if err := n.keeper.Await(n.ctx, 1); err != nil {
		t.Errorf("awaiting it twice: %v", err)
	}
	if _, _, _, err := n.keeper.Value(n.ctx, 99); !errors.Is(err, beacon.ErrNoValue) {
		t.Errorf("a height that nothing waits at: %v", err)
	}
}

func TestInjectionsThatAreRefused(t *testing.T) {
	n := start(t, params(t))
	b := n.next(10, 0)
	good := n.prepare(b)
	if err := n.keeper.Check(n.ctx, b, good); err != nil || !beacon.IsInjection(good) {
		t.Fatalf("a good one: %v", err)
	}
	if in, err := beacon.ReadInjection(good); err != nil || in.First != 36 || len(in.Signatures) != 4 || in.Reveal != nil {
		t.Errorf("it is read as %v, %v", in, err)
	}
	edit := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(good)) }
	for name, tx := range map[string][]byte{
		"empty":            {},
		"a transaction":    {0x0a, 0x01, 0x00},
		"the mark alone":   good[:4],
		"cut":              good[:len(good)-1],
		"longer":           append(bytes.Clone(good), 0),
		"an unknown field": append(bytes.Clone(good), 0x78, 1),
		"another version":  edit(func(b []byte) []byte { b[3]++; return b }),
		"a field twice":    append(bytes.Clone(good), good[4:6]...),
		"a wrong bit":      edit(func(b []byte) []byte { b[len(b)-1] ^= 1; return b }),
		"short signature":  append(bytes.Clone(good[:4]), 0x08, 36, 0x12, 1, 7),
		"giant":            append(bytes.Clone(good), make([]byte, 20<<10)...),
	} {
		if err := n.keeper.Check(n.ctx, b, tx); !errors.Is(err, beacon.ErrInjection) {
			t.Errorf("%s: %v", name, err)
		}
	}

	// In a decided block it is passed over, and the chain goes on.
	bad := edit(func(b []byte) []byte { b[len(b)-1] ^= 1; return b })
	before := n.export().State
	n.execute(b, bad)
	if after := n.export().State; after.LastRound != before.LastRound {
		t.Errorf("after a bad injection the last round is %d, not %d", after.LastRound, before.LastRound)
	}
	if ev := n.ctx.EventManager().Events(); len(ev) != 1 || ev[0].Type != "beacon_refused" {
		t.Errorf("events %v", ev)
	}
	b = n.next(1, 0)
	n.execute(b, n.prepare(b))
}

// A proposer whose relays are of another chain, or whose key is not the
// registered one, makes a block without the beacon's part.
func TestProposerWithWrongSources(t *testing.T) {
	n := start(t, params(t))
	n.beacon = key(t, 9)
	if tx := n.prepare(n.next(10, 0)); tx != nil {
		t.Errorf("rounds of another chain are proposed: %x", tx)
	}
	n.speaks = false
	for range 10 {
		n.execute(n.next(5, 0), nil)
	}
	b := n.next(5, 0)
	if tx := n.prepare(b); tx == nil {
		t.Fatal("nothing is revealed in silence")
	}
	from := n.sources(b)
	from.Reveal = func(m []byte) (drand.Signature, error) { return key(t, 9).Sign(drand.Reveals, m) }
	if tx, err := n.keeper.Prepare(n.ctx, b, from); tx != nil || err != nil {
		t.Errorf("a reveal with another key is proposed: %x, %v", tx, err)
	}
	from.Reveal = func([]byte) (drand.Signature, error) { return drand.Signature{}, errors.New("locked") }
	if tx, err := n.keeper.Prepare(n.ctx, b, from); tx != nil || err != nil {
		t.Errorf("a reveal that cannot be signed is proposed: %x, %v", tx, err)
	}
}

// Whoever proposes, records, leaves out, reveals or withholds: two nodes agree,
// invariants hold after every block, what honest nodes propose is accepted, a
// chain can go on from what was exported, and every value becomes known.
func TestChainUnderAnyBehaviour(t *testing.T) {
	p := params(t)
	p.Keep = 2000
	for seed := range uint64(12) {
		draw := rand.New(rand.NewPCG(seed, 0))
		one, other := start(t, p), start(t, p)
		quiet, silence := draw.IntN(12), draw.IntN(25)
		for i := range quiet + silence + 15 {
			one.speaks = i < quiet || i >= quiet+silence
			b := one.next(draw.Int64N(6), byte(draw.IntN(5)))
			tx := one.prepare(b)
			if tx != nil && i%8 == 3 {
				if err := other.keeper.Check(other.ctx, b, tx); err != nil {
					t.Fatalf("seed %d: block %d of an honest proposer is refused: %v", seed, b.Height, err)
				}
			}
			if draw.IntN(4) == 0 {
				tx = nil
			}
			one.execute(b, tx)
			other.execute(b, tx)
			if i == quiet+silence/2 {
				other = again(t, other)
			}
		}
		if diff := cmp.Diff(one.export(), other.export()); diff != "" {
			t.Fatalf("seed %d: two nodes differ:\n%s", seed, diff)
		}
		last := one.ctx.BlockHeight()
		for range 25 { // honest ones again
			one.speaks = true
			b := one.next(3, byte(one.ctx.BlockHeight())%4)
			one.execute(b, one.prepare(b))
		}
		for h := int64(1); h <= last; h++ {
			if _, known := one.value(h); !known {
				t.Fatalf("seed %d: the value of height %d never becomes known", seed, h)
			}
		}
	}
}

// again is a chain that goes on from another's export.
func again(t fatal, n *node) *node {
	t.Helper()
	g := n.export()
	c := empty(t)
	c.ctx = c.ctx.WithBlockHeight(n.ctx.BlockHeight()).WithBlockTime(n.ctx.BlockTime())
	if err := c.keeper.InitGenesis(c.ctx, *g); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g, c.export()); diff != "" {
		t.Fatalf("what is imported is not what was exported:\n%s", diff)
	}
	return c
}

func TestOldRecordsAreForgotten(t *testing.T) {
	p := params(t)
	n := start(t, p)
	for i := range int(p.Keep) + 60 {
		n.speaks = i%40 < 15
		seconds := int64(4)
		if 60 < i && i < int(p.Keep) {
			seconds = 0 // nothing new, so that the test is done sooner
		}
		b := n.next(seconds, byte(i)%4)
		n.execute(b, n.prepare(b))
	}
	g := n.export()
	oldest := n.ctx.BlockHeight() - int64(p.Keep)
	for _, r := range g.Rounds {
		if r.Height <= oldest {
			t.Errorf("round %d of height %d is kept at height %d", r.Number, r.Height, n.ctx.BlockHeight())
		}
	}
	for _, v := range g.Values {
		if v.Height <= oldest {
			t.Errorf("the value of height %d is kept", v.Height)
		}
	}
	if len(g.Reveals) == 0 || g.Reveals[0].Height <= oldest {
		t.Errorf("%d reveals are kept", len(g.Reveals))
	}
	if len(g.Values) != int(p.Keep) {
		t.Errorf("%d values are kept, want %d", len(g.Values), p.Keep)
	}
}

func TestParams(t *testing.T) {
	for name, p := range map[string]beacon.Params{"default": beacon.DefaultParams(), "local": params(t)} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if c, err := beacon.DefaultParams().Chain(); err != nil || c != drand.Quicknet() {
		t.Errorf("the default follows %v, %v", c, err)
	}
	for want, change := range map[string]func(*beacon.Params){
		"95 bytes":              func(p *beacon.Params) { p.PublicKey = p.PublicKey[1:] },
		"97 bytes":              func(p *beacon.Params) { p.PublicKey = append(bytes.Clone(p.PublicKey), 0) },
		"chain hash has":        func(p *beacon.Params) { p.ChainHash = nil },
		"local is true":         func(p *beacon.Params) { p.Local = true },
		"margin":                func(p *beacon.Params) { p.Margin = 0 },
		"kept for 1099":         func(p *beacon.Params) { p.Keep = 1099 },
		"rounds per block":      func(p *beacon.Params) { p.MaxRounds = 0 },
		"is not a Unix time":    func(p *beacon.Params) { p.GenesisTime = 0 },
		"silence before reveal": func(p *beacon.Params) { p.StaleBlocks = 0 },
	} {
		p := beacon.DefaultParams()
		change(&p)
		if err := p.Validate(); !errors.Is(err, beacon.ErrParams) || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error about %q, got %v", want, err)
		}
	}
	p := params(t)
	p.Local = false
	if err := p.Validate(); err == nil {
		t.Error("a local beacon passes for another")
	}
}

func TestGenesisThatMakesNoSense(t *testing.T) {
	n := start(t, params(t))
	n.speaks = false
	for range 12 {
		b := n.next(5, 0)
		n.execute(b, n.prepare(b))
	}
	n.speaks = true
	for range 5 {
		b := n.next(5, 0)
		n.execute(b, n.prepare(b))
	}
	for name, change := range map[string]func(*beacon.GenesisState){
		"parameters":           func(g *beacon.GenesisState) { g.Params.Margin = 0 },
		"short fallback":       func(g *beacon.GenesisState) { g.State.Fallback = g.State.Fallback[1:] },
		"records, no state":    func(g *beacon.GenesisState) { g.State = beacon.State{} },
		"a gap in rounds":      func(g *beacon.GenesisState) { g.Rounds[1].Number++ },
		"rounds end early":     func(g *beacon.GenesisState) { g.Rounds = g.Rounds[:1] },
		"a short signature":    func(g *beacon.GenesisState) { g.Rounds[0].Signature = nil },
		"a gap in reveals":     func(g *beacon.GenesisState) { g.Reveals[1].Number++ },
		"a reveal's value":     func(g *beacon.GenesisState) { g.Reveals[0].Value = nil },
		"values out of order":  func(g *beacon.GenesisState) { g.Values[1].Height = g.Values[0].Height },
		"a short value":        func(g *beacon.GenesisState) { g.Values[0].Value = []byte{1} },
		"waits for two things": func(g *beacon.GenesisState) { g.Values[0].Round, g.Values[0].Reveal = 1, 1 },
	} {
		g := n.export()
		if len(g.Rounds) < 2 || len(g.Reveals) < 2 {
			t.Fatalf("%d rounds and %d reveals to try with", len(g.Rounds), len(g.Reveals))
		}
		change(g)
		if g.Validate() == nil {
			t.Errorf("%s: a chain would begin with it", name)
		}
	}
	if err := beacon.DefaultGenesis().Validate(); err != nil {
		t.Error(err)
	}
}

// Light clients prove state by its keys, which spec/network/beacon.md gives.
func TestKeysOfTheState(t *testing.T) {
	n := start(t, params(t))
	for i := range 20 {
		n.speaks = i < 4
		b := n.next(5, 0)
		n.execute(b, n.prepare(b))
	}
	g := n.export()
	last := g.Values[len(g.Values)-2] // waits for a reveal
	be := func(prefix byte, numbers ...uint64) []byte {
		k := []byte{prefix}
		for _, n := range numbers {
			k = binary.BigEndian.AppendUint64(k, n)
		}
		return k
	}
	for name, k := range map[string]struct {
		key  []byte
		want interface{ Marshal() ([]byte, error) }
	}{
		"parameters": {be(0x00), &g.Params},
		"state":      {be(0x01), &g.State},
		"round":      {be(0x10, g.Rounds[0].Number), &g.Rounds[0]},
		"reveal":     {be(0x11, g.Reveals[0].Number), &g.Reveals[0]},
		"value":      {be(0x12, uint64(g.Values[0].Height)), &g.Values[0]},
		"waiting":    {be(0x14, last.Reveal, uint64(last.Height)), nil},
	} {
		got, err := n.store.OpenKVStore(n.ctx).Get(k.key)
		if err != nil {
			t.Fatal(err)
		}
		want := []byte{}
		if k.want != nil {
			if want, err = k.want.Marshal(); err != nil {
				t.Fatal(err)
			}
		}
		if got == nil || !bytes.Equal(got, want) {
			t.Errorf("%s: at %x is %x, want %x", name, k.key, got, want)
		}
	}
}

// From a beacon's socket to a value: what a devnet does, without its network.
func TestNodeFedByARelay(t *testing.T) {
	n := start(t, params(t))
	// The beacon is ahead of the chain, so that nothing here waits for time.
	clock := func() time.Time { return time.Unix(genesis+1000, 0) }
	local, err := relay.NewLocal(key(t, 1), genesis, 3, clock)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(local)
	defer server.Close()
	p, err := n.keeper.Params(n.ctx)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := p.Chain()
	if err != nil || chain != local.Chain() {
		t.Fatalf("the chain follows %v, %v", chain, err)
	}
	client, err := relay.New(relay.Config{Chain: chain, Relays: []string{server.URL}})
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	feed := relay.NewFeed(client, clock)
	go feed.Run(t.Context())
	for {
		b := n.next(2, 0)
		tx, err := n.keeper.Prepare(n.ctx, b, beacon.Sources{Rounds: feed.Rounds})
		if err != nil {
			t.Fatal(err)
		}
		if tx == nil { // the feed is not there yet: the same block a little later
			time.Sleep(time.Millisecond)
			if _, count, _ := wanted(t, n, b); count > 0 {
				continue
			}
		}
		n.execute(b, tx)
		if _, known := n.value(1); known {
			return
		}
		if b.Height > 20 {
			t.Fatal("the value of height 1 never becomes known")
		}
	}
}

func wanted(t *testing.T, n *node, b rule.Block) (first uint64, count int, reveal bool) {
	t.Helper()
	g := n.export()
	p := rule.Params{Chain: drand.Local(key(t, 1).Public(), genesis, 3), Margin: int64(g.Params.Margin), MaxRounds: int(g.Params.MaxRounds)}
	return rule.State{LastRound: g.State.LastRound, LastTime: b.Time}.Wanted(p, b)
}
