package follower_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/chain/light"
	"hearth/chain/light/follower"
	"hearth/chain/light/node"
)

// A home with three nodes to ask, at height 100 of the chain.
type home struct {
	chain *chain
	peers []*peer
	cfg   follower.Config
}

func newHome(t *testing.T) *home {
	c := newChain(1)
	h := &home{chain: c}
	for _, name := range []string{"first", "second", "third"} {
		p := &peer{name: name, chain: c, height: 100}
		h.peers = append(h.peers, p)
		h.cfg.Sources = append(h.cfg.Sources, p)
	}
	h.cfg.Rules = rules
	h.cfg.File = filepath.Join(t.TempDir(), "trust")
	h.cfg.Height, h.cfg.Hash = 10, c.header(10, "", 0).Hash()
	h.cfg.Clock = func() time.Time { return genesis.Add(time.Hour) }
	return h
}

func (h *home) open(t *testing.T) *follower.Follower {
	t.Helper()
	f, err := follower.Open(t.Context(), h.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestFollows(t *testing.T) {
	h := newHome(t)
	f := h.open(t)
	for _, height := range []int64{100, 100, 140, 141} {
		for _, p := range h.peers {
			p.height = height
		}
		b, err := f.Advance(t.Context())
		if err != nil || b.Header.Height != height || f.Latest().Header.Height != height {
			t.Fatalf("at %d, %v, want %d", b.Header.Height, err, height)
		}
	}
	f.Close()

	h.cfg.Height, h.cfg.Hash = 0, light.Digest{}
	for _, p := range h.peers {
		p.down = true
	}
	again := h.open(t)
	if again.Latest().Header.Height != 141 {
		t.Errorf("opened again at %d, want 141", again.Latest().Header.Height)
	}
}

func TestGoesOnWithWhoeverAnswers(t *testing.T) {
	for name, spoil := range map[string]func(*home){
		"the first is down":           func(h *home) { h.peers[0].down = true },
		"a witness is down":           func(h *home) { h.peers[1].down = true },
		"the first is behind":         func(h *home) { h.peers[0].height = 10 },
		"a witness is behind":         func(h *home) { h.peers[2].height = 20 },
		"the first shows a forgery":   func(h *home) { h.peers[0].chain = newChain(2) },
		"a witness shows a forgery":   func(h *home) { h.peers[1].chain = newChain(2) },
		"a witness is far in front":   func(h *home) { h.peers[2].height = 1 << 40 },
		"the first has another chain": func(h *home) { h.peers[0].chain, h.peers[0].height = newChain(2), 1<<40 },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			f := h.open(t)
			spoil(h)
			b, err := f.Advance(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if b.Header.Height != 100 || b.Header.Hash() != h.chain.header(100, "", 0).Hash() {
				t.Errorf("at block %d %s", b.Header.Height, b.Header.Hash())
			}
		})
	}
}

func TestTrustsNothingThatNoWitnessShows(t *testing.T) {
	h := newHome(t)
	f := h.open(t)
	h.peers[1].down, h.peers[2].down = true, true
	if _, err := f.Advance(t.Context()); !errors.Is(err, follower.ErrUnconfirmed) {
		t.Errorf("error %v, want that nobody confirms it", err)
	}
	if f.Latest().Header.Height != 10 {
		t.Errorf("trusts block %d", f.Latest().Header.Height)
	}

	alone := newHome(t)
	alone.cfg.Sources = alone.cfg.Sources[:1]
	b, err := alone.open(t).Advance(t.Context())
	if err != nil || b.Header.Height != 100 {
		t.Errorf("with one node, by choice: at %d, %v", b.Header.Height, err)
	}
}

// Validators who sign two histories are found out by one honest witness, and
// the follower does not forget it.
func TestAForkIsFinal(t *testing.T) {
	for name, liar := range map[string]int{"the leading node": 0, "a witness": 2} {
		t.Run(name, func(t *testing.T) {
			h := newHome(t)
			f := h.open(t)
			h.peers[liar].salt, h.peers[liar].from = "another", 60
			_, err := f.Advance(t.Context())
			var fork *light.Fork
			if !errors.As(err, &fork) {
				t.Fatalf("error %v, want a fork", err)
			}
			if fork.Attack() != light.Lunatic || len(fork.Culprits()) != 4 {
				t.Errorf("%s by %d validators", fork.Attack(), len(fork.Culprits()))
			}
			f.Close()

			h.peers[liar].salt = ""
			f = h.open(t)
			if _, err := f.Advance(t.Context()); !errors.As(err, &fork) {
				t.Errorf("opened again: %v, want the fork", err)
			}
			if _, err := f.Value(t.Context(), "bank", []byte("key")); !errors.As(err, &fork) {
				t.Errorf("a value was read: %v", err)
			}
			if _, err := f.Header(t.Context(), 5); !errors.As(err, &fork) {
				t.Errorf("a header was read: %v", err)
			}
		})
	}
}

func TestGoesBackAlongTheHashes(t *testing.T) {
	h := newHome(t)
	h.cfg.Height, h.cfg.Hash = 70, h.chain.header(70, "", 0).Hash()
	f := h.open(t)
	h.peers[0].salt, h.peers[0].from = "another", 1 // the leading node lies about the past
	got, err := f.Header(t.Context(), 55)
	if err != nil || got.Hash() != h.chain.header(55, "", 0).Hash() {
		t.Fatalf("header 55: %s, %v", got.Hash(), err)
	}
	for _, height := range []int64{71, 0, -3} {
		if _, err := f.Header(t.Context(), height); err == nil {
			t.Errorf("header %d was found", height)
		}
	}
	h.peers[1].salt, h.peers[2].salt = "another", "another"
	h.peers[1].from, h.peers[2].from = 1, 1
	if _, err := f.Header(t.Context(), 55); err == nil {
		t.Error("a forged past was taken")
	}
}

func TestTrustThatIsTooOldEnds(t *testing.T) {
	h := newHome(t)
	f := h.open(t)
	h.cfg.Clock = nil
	f.Close()
	h.cfg.Clock = func() time.Time { return genesis.Add(20 * 24 * time.Hour) }
	f = h.open(t)
	if _, err := f.Advance(t.Context()); !errors.Is(err, light.ErrExpired) {
		t.Errorf("error %v, want that trust has expired", err)
	}
	f.Close()
	// A newer block to start from helps.
	h.cfg.Height, h.cfg.Hash = 90, h.chain.header(90, "", 0).Hash()
	h.cfg.Clock = func() time.Time { return genesis.Add(time.Hour) }
	if got := h.open(t).Latest().Header.Height; got != 90 {
		t.Errorf("starts at %d, want 90", got)
	}
}

func TestStartsOnlyFromTheBlockThatWasNamed(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(*home)
		says  string
	}{
		"no block named":     {func(h *home) { h.cfg.Height = 0 }, "give the height and the hash"},
		"another hash":       {func(h *home) { h.cfg.Hash[0] ^= 1 }, "its hash is"},
		"nobody answers":     {func(h *home) { h.peers[0].down, h.peers[1].down, h.peers[2].down = true, true, true }, "connection refused"},
		"no nodes":           {func(h *home) { h.cfg.Sources = nil }, "no node is named"},
		"rules without time": {func(h *home) { h.cfg.Rules.Period = 0 }, "trusting period"},
	} {
		h := newHome(t)
		c.spoil(h)
		_, err := follower.Open(t.Context(), h.cfg)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", name, err, c.says)
		}
	}
}

// Not every block is written: the file's card is to last.
func TestTheFileIsWrittenNowAndThen(t *testing.T) {
	h := newHome(t)
	f := h.open(t)
	for _, c := range []struct {
		height  int64
		written bool
	}{{100, false}, {609, false}, {610, true}, {1200, false}, {1210, true}} {
		before, err := os.ReadFile(h.cfg.File)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range h.peers {
			p.height = c.height
		}
		if _, err := f.Advance(t.Context()); err != nil {
			t.Fatal(err)
		}
		after, err := os.ReadFile(h.cfg.File)
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Equal(before, after) == c.written {
			t.Errorf("at block %d: written is %v, want %v", c.height, !c.written, c.written)
		}
	}
}

func TestAFileOfAnotherHistoryIsNotedAndDamageIsSeen(t *testing.T) {
	h := newHome(t)
	f := h.open(t)
	if _, err := follower.Open(t.Context(), h.cfg); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	f.Close()

	c := h.cfg
	c.Hash[0] ^= 1
	if _, err := follower.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "of another chain") {
		t.Errorf("another block to start from: %v", err)
	}
	c = h.cfg
	c.Rules.Chain = "hearth-other"
	if _, err := follower.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), `not "hearth-other"`) {
		t.Errorf("another chain: %v", err)
	}

	good, err := os.ReadFile(h.cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"cut off": good[:len(good)-1], "empty": {}, "one bit": append(bytes.Clone(good[:len(good)-9]), append([]byte{good[len(good)-9] ^ 1}, good[len(good)-8:]...)...), "text": []byte("hello"),
	} {
		if err := os.WriteFile(h.cfg.File, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := follower.Open(t.Context(), h.cfg); err == nil || !strings.Contains(err.Error(), "move the file away") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestValuesThatAreNotProvenAreNotRead(t *testing.T) {
	h := newHome(t)
	f := h.open(t)
	for _, p := range h.peers {
		p.answer = func(height int64) (node.Answer, error) {
			return node.Answer{Height: height, Value: []byte("a million"), Proof: light.StateProof{Store: []byte{0x0a, 0}, Stores: []byte{0x0a, 0}}}, nil
		}
	}
	if p, err := f.Value(t.Context(), "bank", []byte("key")); err == nil {
		t.Errorf("%q was read", p.Value)
	}
}
