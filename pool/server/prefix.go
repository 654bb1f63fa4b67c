package server

import (
	"encoding/binary"
	"errors"
	"sync"
)

var errPrefixes = errors.New("no extranonce is left for another miner: shape it with more bytes of its own")

// prefixes gives out the extranonces that tell miners apart. They go round, so
// that one that was given back is not somebody else's while shares of it may
// still be under way. It is safe for concurrent use.
type prefixes struct {
	mu   sync.Mutex
	next uint32
	used map[uint32]struct{}
}

// take returns a prefix of so many bytes, 1 to 4, that nobody has, and the
// number to give it back by.
func (p *prefixes) take(bytes int) (uint32, []byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	mask := uint32(1<<(8*bytes) - 1)
	// Among as many candidates as are taken, and one more, one is free.
	for range len(p.used) + 1 {
		p.next++
		id := p.next & mask
		if _, taken := p.used[id]; taken {
			continue
		}
		p.used[id] = struct{}{}
		b := binary.BigEndian.AppendUint32(nil, id)
		return id, b[4-bytes:], nil
	}
	return 0, nil, errPrefixes
}

// give gives a prefix back.
func (p *prefixes) give(id uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.used, id)
}
