package light_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"hearth/chain/light"
)

// The vectors were made by CometBFT, the SDK and IAVL; see package lighttest.
type vectors struct {
	root, next, far light.Block
	hashes          map[string]string
	encoded         map[string][]byte
	proofs          []proven
}

type proven struct {
	key, value []byte
	proof      light.StateProof
}

var (
	rules = light.Rules{Chain: "hearth-test", Period: 14 * 24 * time.Hour, Drift: 10 * time.Second}
	now   = time.Date(2026, 3, 1, 13, 0, 0, 0, time.UTC)
)

func read(t testing.TB) vectors {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	v := vectors{hashes: map[string]string{}, encoded: map[string][]byte{}}
	blocks := map[string]*light.Block{"root": &v.root, "next": &v.next, "far": &v.far}
	for line := range strings.Lines(string(text)) {
		name, digits, _ := strings.Cut(strings.TrimSpace(line), " ")
		b, err := hex.DecodeString(digits)
		if err != nil {
			t.Fatal(err)
		}
		last := len(v.proofs) - 1
		switch name {
		case "key":
			v.proofs = append(v.proofs, proven{key: b})
		case "value":
			v.proofs[last].value = b
		case "proof":
			v.proofs[last].proof.Store = b
		case "stores":
			v.proofs[last].proof.Stores = b
		case "root-hash", "next-hash", "far-hash":
			v.hashes[strings.TrimSuffix(name, "-hash")] = strings.ToUpper(digits)
		default:
			v.encoded[name] = b
			if *blocks[name], err = light.DecodeBlock(b); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
	}
	return v
}

func TestBlocksOfARealChainAreFollowed(t *testing.T) {
	v := read(t)
	for name, b := range map[string]light.Block{"root": v.root, "next": v.next, "far": v.far} {
		if got := b.Header.Hash().String(); got != v.hashes[name] {
			t.Errorf("%s: hash %s, want %s", name, got, v.hashes[name])
		}
		if !bytes.Equal(b.Encode(), v.encoded[name]) {
			t.Errorf("%s is not written as it was read", name)
		}
	}
	if err := rules.Root(v.root, v.root.Header.Hash()); err != nil {
		t.Error(err)
	}
	if err := rules.Verify(v.root, v.next, now); err != nil {
		t.Error(err)
	}
	if err := rules.Verify(v.root, v.far, now); err != nil {
		t.Error(err)
	}
	strict := rules
	strict.Trust = light.Fraction{Num: 2, Den: 3}
	if err := strict.Verify(v.root, v.far, now); !errors.Is(err, light.ErrFar) {
		t.Errorf("two thirds of the trusted have not signed: %v", err)
	}
	if err := rules.Verify(v.far, v.next, now); err == nil {
		t.Error("an earlier block was verified from a later one")
	}
}

// Whichever byte of a block is changed, what its header says cannot be: it is
// refused, or the change was to something that does not matter, such as a
// signature beyond two thirds.
func TestNoByteOfAHeaderCanBeChanged(t *testing.T) {
	v := read(t)
	for name, good := range map[string]light.Block{"next": v.next, "far": v.far} {
		encoded := v.encoded[name]
		for i := range encoded {
			changed := bytes.Clone(encoded)
			changed[i] ^= 1 << (i % 8)
			b, err := light.DecodeBlock(changed)
			if err != nil || rules.Verify(v.root, b, now) != nil {
				continue
			}
			if b.Header.Hash() != good.Header.Hash() || b.Validators.Hash() != good.Validators.Hash() {
				t.Errorf("%s: with byte %d changed another block is verified", name, i)
			}
		}
	}
}

func TestRealProofsProveAndChangedOnesDoNot(t *testing.T) {
	v := read(t)
	h := v.next.Header
	for _, p := range v.proofs {
		prove := func(p proven) error {
			if len(p.value) > 0 {
				return h.Holds("work", p.key, p.value, p.proof)
			}
			return h.Lacks("work", p.key, p.proof)
		}
		if err := prove(p); err != nil {
			t.Fatal(err)
		}
		for i := range p.proof.Store {
			c := p
			c.proof.Store = bytes.Clone(p.proof.Store)
			c.proof.Store[i] ^= 1 << (i % 8)
			// Of an absence the proof repeats the key, which is not looked at.
			if prove(c) == nil && !(len(p.value) == 0 && i < 5+len(p.key)) {
				t.Errorf("key %s: proven with byte %d changed", p.key, i)
			}
		}
		for i := range p.proof.Stores {
			c := p
			c.proof.Stores = bytes.Clone(p.proof.Stores)
			c.proof.Stores[i] ^= 1 << (i % 8)
			if prove(c) == nil {
				t.Errorf("key %s: proven with byte %d of the stores' changed", p.key, i)
			}
		}
		if h.Holds("bank", p.key, p.value, p.proof) == nil || h.Lacks("bank", p.key, p.proof) == nil {
			t.Errorf("key %s: a proof of one store was taken for another", p.key)
		}
		if v.far.Header.Holds("work", p.key, p.value, p.proof) == nil || v.far.Header.Lacks("work", p.key, p.proof) == nil {
			t.Errorf("key %s: a proof of one state was taken for another", p.key)
		}
	}
}

func FuzzDecodeBlock(f *testing.F) {
	v := read(f)
	f.Add(v.encoded["root"])
	f.Add(v.encoded["next"])
	f.Add(v.encoded["far"])
	f.Add([]byte{0x1a, 0x00, 0x1a, 0x00})
	f.Add([]byte{0x12, 0x04, 0x22, 0x02, 0x08, 0x09})
	f.Fuzz(func(t *testing.T, in []byte) {
		b, err := light.DecodeBlock(in)
		if err != nil {
			return
		}
		again, err := light.DecodeBlock(b.Encode())
		if err != nil || !bytes.Equal(again.Encode(), b.Encode()) {
			t.Fatalf("read as %+v, and when written again as %+v (%v)", b, again, err)
		}
	})
}

func FuzzStateProof(f *testing.F) {
	v := read(f)
	for _, p := range v.proofs {
		f.Add(p.proof.Store, p.proof.Stores)
	}
	here, absent := v.proofs[0], v.proofs[1]
	f.Fuzz(func(t *testing.T, store, stores []byte) {
		p := light.StateProof{Store: store, Stores: stores}
		if v.next.Header.Lacks("work", here.key, p) == nil {
			t.Error("a key that is there was proven absent")
		}
		if v.next.Header.Holds("work", absent.key, here.value, p) == nil {
			t.Error("a key that is absent was proven to be there")
		}
	})
}
