package pool

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"hearth/internal/durable"
	"hearth/pool/reward"
)

// foundBlock is a block that a heater found.
type foundBlock struct {
	Hash   string     `json:"hash"`
	Height int64      `json:"height"`
	At     time.Time  `json:"at"`
	Finder string     `json:"finder"`
	Line   string     `json:"line"`
	Reward int64      `json:"reward"` // sats
	State  blockState `json:"state"`
	// Dues are the miners' parts of a block that is divided after it was paid.
	Dues []reward.Due `json:"dues,omitempty"`
	// Carried is what this block's coinbase changed in the credits of a pool that
	// pays in the block itself.
	Carried reward.Credits `json:"carried,omitempty"`
}

// blockState is what became of a block.
type blockState string

const (
	blockFound    blockState = "found"    // handed to the node, no answer yet
	blockAccepted blockState = "accepted" // in the chain, its coins are locked
	blockRefused  blockState = "refused"  // not taken by the node
	blockMature   blockState = "mature"   // its coins can be spent; booked
	blockLost     blockState = "lost"     // another block took its place
)

// maturity is how many blocks must follow before a coinbase can be spent: a rule
// of Bitcoin's.
const maturity = 100

// foundBlocks is the list of found blocks in a file. It is safe for concurrent
// use.
type foundBlocks struct {
	path string
	mu   sync.Mutex
	list []foundBlock
}

// keptBlocks is how many blocks that are over are kept in the file; the ledger
// has them all.
const keptBlocks = 200

func openFound(dir string) (*foundBlocks, error) {
	f := &foundBlocks{path: filepath.Join(dir, "blocks.json")}
	if err := readKept(f.path, &f.list); err != nil {
		return nil, fmt.Errorf("read the blocks that were found: %w; put a backup of %s in its place", err, f.path)
	}
	return f, nil
}

// add notes a block before anybody is told of it.
func (f *foundBlocks) add(b foundBlock) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if slices.ContainsFunc(f.list, func(o foundBlock) bool { return o.Hash == b.Hash }) {
		return nil
	}
	f.list = append(f.list, b)
	return f.save()
}

// set notes what became of a block.
func (f *foundBlocks) set(hash string, s blockState) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range f.list {
		if f.list[i].Hash == hash {
			f.list[i].State = s
		}
	}
	return f.save()
}

// open returns the blocks of which it is not known what becomes of them.
func (f *foundBlocks) open() []foundBlock {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []foundBlock
	for _, b := range f.list {
		if b.State == blockFound || b.State == blockAccepted {
			out = append(out, b)
		}
	}
	return out
}

// waits says that the node has not answered to a block yet.
func (f *foundBlocks) waits(hash string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.ContainsFunc(f.list, func(b foundBlock) bool { return b.Hash == hash && b.State == blockFound })
}

// raw is the file of a block that the node has not taken yet.
func (f *foundBlocks) raw(hash string) string {
	return filepath.Join(filepath.Dir(f.path), "block-"+hash+".raw")
}

func (f *foundBlocks) save() error {
	over := 0
	for _, b := range f.list {
		if b.State != blockFound && b.State != blockAccepted {
			over++
		}
	}
	f.list = slices.DeleteFunc(f.list, func(b foundBlock) bool {
		if over > keptBlocks && b.State != blockFound && b.State != blockAccepted {
			over--
			return true
		}
		return false
	})
	b, err := json.MarshalIndent(f.list, "", "  ")
	if err == nil {
		err = durable.Replace(f.path, append(b, '\n'), 0o600)
	}
	if err != nil {
		return fmt.Errorf("keep the blocks that were found: %w", err)
	}
	return nil
}
