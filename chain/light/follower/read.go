package follower

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"hearth/chain/light"
)

// A Proven is a value of the state with what proves it. It can be kept and
// checked again by whoever trusts the header.
type Proven struct {
	Store string
	Key   []byte
	// Found says whether the store holds the key; Value is what it holds.
	Found bool
	Value []byte
	// Header is that of the block after the one whose state was read.
	Header light.Header
	Proof  light.StateProof
}

// Height is the height of the block after which the store was so.
func (p Proven) Height() int64 { return p.Header.Height - 1 }

// Check checks the proof against the header.
func (p Proven) Check() error {
	if p.Found {
		return p.Header.Holds(p.Store, p.Key, p.Value, p.Proof)
	}
	return p.Header.Lacks(p.Store, p.Key, p.Proof)
}

// Value reads what a store held under a key before the newest trusted block.
// Several calls between two of [Follower.Advance] read one state.
func (f *Follower) Value(ctx context.Context, store string, key []byte) (Proven, error) {
	f.asking.Lock()
	defer f.asking.Unlock()
	t := f.now()
	if t.fork != nil {
		return Proven{}, t.fork
	}
	h := t.newest().Header
	if f.rules.Expired(t.newest(), f.clock()) {
		return Proven{}, fmt.Errorf("read %s %X: %w", store, key, light.ErrExpired)
	}
	var causes []error
	for i := range f.sources {
		s := f.sources[(f.lead+i)%len(f.sources)]
		a, err := s.Value(ctx, store, key, h.Height-1)
		if err != nil {
			causes = append(causes, err)
			continue
		}
		p := Proven{Store: store, Key: slices.Clone(key), Value: a.Value, Header: h, Proof: a.Proof}
		// An empty value and none look alike; the proof knows.
		if len(a.Value) == 0 && p.Check() == nil {
			return p, nil
		}
		p.Found = true
		if err := p.Check(); err != nil {
			causes = append(causes, fmt.Errorf("node %s: %w", s, err))
			continue
		}
		return p, nil
	}
	return Proven{}, fmt.Errorf("read %s %X after block %d: %w", store, key, h.Height-1, errors.Join(causes...))
}

// furthestBack is how many blocks Header goes back, each a question to a node.
const furthestBack = 1000

// Header returns the header of a block that is not newer than the newest trusted
// one. Older ones than the file holds are found by going back along the hashes.
func (f *Follower) Header(ctx context.Context, height int64) (light.Header, error) {
	f.asking.Lock()
	defer f.asking.Unlock()
	t := f.now()
	if t.fork != nil {
		return light.Header{}, t.fork
	}
	at := slices.IndexFunc(t.blocks, func(b light.Block) bool { return b.Header.Height >= height })
	if at < 0 || height < 1 {
		return light.Header{}, fmt.Errorf("header %d: the newest trusted is %d", height, t.newest().Header.Height)
	}
	h := t.blocks[at].Header
	if h.Height-height > furthestBack {
		return light.Header{}, fmt.Errorf("header %d: it is more than %d blocks before %d", height, furthestBack, h.Height)
	}
	for h.Height > height {
		before, err := f.before(ctx, h)
		if err != nil {
			return light.Header{}, fmt.Errorf("header %d: %w", height, err)
		}
		h = before
	}
	return h, nil
}

func (f *Follower) before(ctx context.Context, h light.Header) (light.Header, error) {
	var causes []error
	for i := range f.sources {
		s := f.sources[(f.lead+i)%len(f.sources)]
		b, err := s.Block(ctx, h.Height-1)
		if err == nil {
			err = f.rules.VerifyBefore(h, b.Header)
		}
		if err == nil {
			return b.Header, nil
		}
		causes = append(causes, fmt.Errorf("node %s: %w", s, err))
	}
	return light.Header{}, errors.Join(causes...)
}
