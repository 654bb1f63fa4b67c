package engine

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/zeebo/blake3"
)

// cache holds the keys and values of decoders' sequences in blocks of 16
// tokens, out of one piece of memory of fixed size. A block holds its tokens'
// keys and values of every layer and head.
//
// Blocks of a sequence that ended are kept until their room is needed: another
// sequence that begins with the same tokens takes them over instead of
// computing them again. What they hold depends on nothing but those tokens, so
// this changes no bit.
type cache struct {
	heads        int       // of keys, over all layers
	size         int       // channels of a head
	keys, values [][]int16 // by layer and head: the blocks
	blocks       []block
	oldest       int32            // of the blocks that no sequence has, a list
	newest       int32            // its other end
	unused       int              // how many they are
	known        map[digest]int32 // full blocks, by all tokens up to their end
}

// block is what is known of a block of the cache.
type block struct {
	sequences    int   // that have it
	older, newer int32 // neighbours in the list of those that none has, or nowhere
	holds        digest
	held         bool // holds says what is in it
}

// digest stands for the tokens of a sequence up to the end of a block.
type digest [32]byte

const nowhere = -1

// newCache makes a cache of at most so many bytes.
func newCache(layers, kvHeads, size int, bytes int64) (*cache, error) {
	c := &cache{heads: layers * kvHeads, size: size}
	each := int64(c.heads) * blockTokens * int64(size) * 2 * 2 // int16 keys and values
	n := bytes / each
	switch {
	case bytes > int64(^uint(0)>>1):
		return nil, fmt.Errorf("make a cache of %d bytes: it is more than this computer can address", bytes)
	case n < 1:
		return nil, fmt.Errorf("make a cache of %d bytes: %d tokens of this model need %d", bytes, blockTokens, each)
	case n > 1<<24:
		n = 1 << 24
	}
	c.blocks = make([]block, n)
	c.known = make(map[digest]int32, n)
	// One piece of memory: the system can map it in large pages.
	part := int(n) * blockTokens * size
	all := make([]int16, 2*c.heads*part)
	for range c.heads {
		c.keys, c.values = append(c.keys, all[:part]), append(c.values, all[part:2*part])
		all = all[2*part:]
	}
	c.oldest, c.newest = nowhere, nowhere
	for i := range c.blocks {
		c.release(int32(i))
	}
	return c, nil
}

// release puts a block that no sequence has to the end of the list.
func (c *cache) release(i int32) {
	b := &c.blocks[i]
	b.older, b.newer = c.newest, nowhere
	if c.newest == nowhere {
		c.oldest = i
	} else {
		c.blocks[c.newest].newer = i
	}
	c.newest = i
	c.unused++
}

// claim takes a block out of the list.
func (c *cache) claim(i int32) {
	b := &c.blocks[i]
	if b.older == nowhere {
		c.oldest = b.newer
	} else {
		c.blocks[b.older].newer = b.newer
	}
	if b.newer == nowhere {
		c.newest = b.older
	} else {
		c.blocks[b.newer].older = b.older
	}
	c.unused--
}

// begin gives a sequence blocks for so many tokens and returns how many tokens
// of its prompt, all but the last at most, they hold already. It reports false
// where the blocks do not suffice.
func (c *cache) begin(s *Sequence, prompt []int32, room int) (have int, ok bool) {
	want := (room + blockTokens - 1) / blockTokens
	s.blocks = s.blocks[:0]
	var d digest
	for have+blockTokens < len(prompt) && len(s.blocks) < want {
		d = d.extend(prompt[have : have+blockTokens])
		i, ok := c.known[d]
		if !ok {
			break
		}
		s.blocks = append(s.blocks, i)
		have += blockTokens
	}
	idle := 0 // of those found
	for _, i := range s.blocks {
		if c.blocks[i].sequences == 0 {
			idle++
		}
	}
	if want-len(s.blocks)+idle > c.unused {
		s.blocks = s.blocks[:0]
		return 0, false
	}
	for _, i := range s.blocks {
		if c.blocks[i].sequences == 0 {
			c.claim(i)
		}
		c.blocks[i].sequences++
	}
	found := len(s.blocks)
	for len(s.blocks) < want {
		s.blocks = append(s.blocks, c.fresh(s.blocks))
	}
	slices.Sort(s.blocks[found:]) // for longer runs
	s.runs = s.runs[:0]
	for _, i := range s.blocks {
		if n := len(s.runs); n > 0 && s.runs[n-1].from+s.runs[n-1].blocks == int(i) {
			s.runs[n-1].blocks++
		} else {
			s.runs = append(s.runs, run{int(i), 1})
		}
	}
	return have, true
}

// fresh claims a block for new tokens: the one behind the sequence's last, if
// it is empty, because attention likes long runs; else the oldest.
func (c *cache) fresh(blocks []int32) int32 {
	i := c.oldest
	if n := len(blocks); n > 0 {
		next := blocks[n-1] + 1
		if int(next) < len(c.blocks) && c.blocks[next].sequences == 0 && !c.blocks[next].held {
			i = next
		}
	}
	c.claim(i)
	b := &c.blocks[i]
	if b.held {
		delete(c.known, b.holds)
		b.held = false
	}
	b.sequences = 1
	return i
}

// end takes a sequence's blocks back and keeps in mind what they hold. The last
// ones go first: without those before them they are of no use.
func (c *cache) end(s *Sequence) {
	var d digest
	for i := range len(s.tokens) / blockTokens {
		d = d.extend(s.tokens[i*blockTokens : (i+1)*blockTokens])
		b := &c.blocks[s.blocks[i]]
		if _, ok := c.known[d]; !ok && !b.held {
			b.holds, b.held = d, true
			c.known[d] = s.blocks[i]
		}
	}
	for _, i := range slices.Backward(s.blocks) {
		if c.blocks[i].sequences--; c.blocks[i].sequences == 0 {
			c.release(i)
		}
	}
	s.blocks, s.runs = s.blocks[:0], s.runs[:0]
}

// extend returns the digest of what d stands for and one more block of tokens.
func (d digest) extend(tokens []int32) digest {
	var b [len(d) + 4*blockTokens]byte
	copy(b[:], d[:])
	for i, t := range tokens {
		binary.LittleEndian.PutUint32(b[len(d)+4*i:], uint32(t))
	}
	return blake3.Sum256(b[:])
}
