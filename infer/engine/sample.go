package engine

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/zeebo/blake3"
)

// Sampling says how the next token is chosen. The zero value takes the most
// likely one.
type Sampling struct {
	// Temperature in units of 2^-16: 0 takes the most likely token, 1<<16 leaves
	// the probabilities as they are. At most 100.
	Temperature uint32
	// TopK keeps the K most likely tokens; 0 keeps all.
	TopK int
	// TopP, in units of 2^-16, then keeps the fewest most likely tokens that
	// have that share of the probability; 0 keeps all, and so does 1<<16.
	TopP uint32
	// Presence is taken from the logits of every token that the answer has
	// already, Frequency as often as it has it. In units of 2^-16, within ±100.
	Presence, Frequency int32
}

// one is 1 in units of 2^-16.
const one = 1 << 16

// Check tells what is wrong with settings.
func (s Sampling) Check() error {
	bounded := func(v int32) bool { return v >= -100*one && v <= 100*one }
	switch {
	case s.Temperature > 100*one:
		return fmt.Errorf("a temperature of %d/65536: use 0 to 100: %w", s.Temperature, ErrRequest)
	case s.TopK < 0:
		return fmt.Errorf("the %d most likely tokens: use 0 for all: %w", s.TopK, ErrRequest)
	case s.TopP > one:
		return fmt.Errorf("a share of %d/65536 of the probability: use 0 to 1: %w", s.TopP, ErrRequest)
	case !bounded(s.Presence) || !bounded(s.Frequency):
		return fmt.Errorf("penalties of %d/65536 and %d/65536: use -100 to 100: %w", s.Presence, s.Frequency, ErrRequest)
	}
	return nil
}

// Chooser chooses tokens. It holds only room to work in, so that every Chooser
// makes the same choice. One serves one goroutine.
type Chooser struct {
	logits  []int32
	counts  []int32  // of each token in the answer
	weights []uint64 // of each token
	order   []int32  // a heap of tokens, likeliest first; then those taken off, last to first
	taken   int      // off the heap
}

// Choose returns the token that follows, given its logits in units of 2^-16
// (|l| ≤ 2^30), the answer so far, and the number of tokens before it, prompt
// and answer. It is a function of its arguments alone:
//
//   - Penalties: l[t] -= Presence + n·Frequency for every token t that the
//     answer has n > 0 times, then held within ±2^30.
//   - Temperature 0: the largest logit, of several the one with the lowest
//     number. What follows is for other temperatures T.
//   - Weights: w[t] = [Weight](M - l[t], T), where M is the largest logit.
//   - Order: by logit, the larger first, then by number, the lower first. TopK
//     keeps the first K tokens. TopP then keeps the fewest first tokens whose
//     weights have a sum A with A·2^16 ≥ TopP·B, where B is the sum of the
//     weights that TopK kept.
//   - Draw: W is the sum of the weights kept, R the first 8 bytes, little
//     endian, of BLAKE3("hearth sampling 1" ‖ seed ‖ position as 8 bytes, little
//     endian), u = ⌊R·W / 2^64⌋. The token is the first by number of those kept
//     for which the sum of the weights up to and with its own exceeds u.
func (c *Chooser) Choose(logits []int32, s Sampling, answer []int32, seed *[32]byte, position int) int32 {
	if s.Presence != 0 || s.Frequency != 0 {
		logits = c.penalise(logits, s, answer)
	}
	best := Likeliest(logits)
	if s.Temperature == 0 {
		return best
	}
	c.weights = grown(c.weights, len(logits))
	for t, l := range logits {
		c.weights[t] = Weight(uint32(logits[best]-l), s.Temperature)
	}
	if n := c.keep(logits, s); n < len(logits) {
		for _, t := range c.order[:len(logits)-n] {
			c.weights[t] = 0
		}
	}
	return draw(c.weights, seed, position)
}

// keep returns how many tokens TopK and TopP keep; the others lie before them
// in the order.
func (c *Chooser) keep(logits []int32, s Sampling) int {
	k, all := len(logits), len(logits)
	if s.TopK > 0 {
		k = min(k, s.TopK)
	}
	if k == all && (s.TopP == 0 || s.TopP == one) {
		return all
	}
	c.heap(logits)
	if s.TopP == 0 {
		c.nth(logits, k-1)
		return k
	}
	var total, sum uint64
	if k == all {
		total = add(c.weights)
	} else {
		for i := range k {
			total += c.weights[c.nth(logits, i)]
		}
	}
	for i := range k {
		if sum += c.weights[c.nth(logits, i)]; reaches(sum, s.TopP, total) {
			return i + 1
		}
	}
	return k
}

// reaches is sum·2^16 ≥ p·total.
func reaches(sum uint64, p uint32, total uint64) bool {
	ah, al := bits.Mul64(sum, one)
	bh, bl := bits.Mul64(total, uint64(p))
	return ah > bh || ah == bh && al >= bl
}

// draw draws a token by weight.
func draw(weights []uint64, seed *[32]byte, position int) int32 {
	const label = "hearth sampling 1"
	var b [len(label) + 32 + 8]byte
	copy(b[:], label)
	copy(b[len(label):], seed[:])
	binary.LittleEndian.PutUint64(b[len(label)+32:], uint64(position))
	h := blake3.Sum256(b[:])
	u, _ := bits.Mul64(binary.LittleEndian.Uint64(h[:]), add(weights))
	t := 0
	for ; u >= weights[t]; t++ {
		u -= weights[t]
	}
	return int32(t)
}

func add(weights []uint64) (sum uint64) {
	for _, w := range weights {
		sum += w
	}
	return sum
}

// penalise returns a copy of the logits less what the answer costs them.
func (c *Chooser) penalise(logits []int32, s Sampling, answer []int32) []int32 {
	c.logits, c.counts = grown(c.logits, len(logits)), grown(c.counts, len(logits))
	copy(c.logits, logits)
	clear(c.counts)
	for _, t := range answer {
		c.counts[t]++
	}
	for t, n := range c.counts {
		if n > 0 {
			l := int64(logits[t]) - int64(s.Presence) - int64(n)*int64(s.Frequency)
			c.logits[t] = int32(min(max(l, -1<<30), 1<<30))
		}
	}
	return c.logits
}

// Likely is a token and the natural logarithm of its probability, in units of
// 2^-16.
type Likely struct{ Token, Log int32 }

// Likeliest returns the n most likely tokens in their order, appended to dst.
func (c *Chooser) Likeliest(dst []Likely, logits []int32, n int) []Likely {
	c.heap(logits)
	sum := LogSum(logits)
	for i := range min(n, len(logits)) {
		t := c.nth(logits, i)
		dst = append(dst, Likely{t, logarithm(logits[t], sum)})
	}
	return dst
}

// heap puts all tokens in order, as far as a heap is.
func (c *Chooser) heap(logits []int32) {
	c.order, c.taken = grown(c.order, len(logits)), 0
	for t := range c.order {
		c.order[t] = int32(t)
	}
	for i := len(c.order)/2 - 1; i >= 0; i-- {
		sink(c.order, logits, i)
	}
}

// nth returns the token that is n-th in order, from 0, after heap.
func (c *Chooser) nth(logits []int32, n int) int32 {
	last := len(c.order) - 1
	for ; c.taken <= n; c.taken++ {
		heap := c.order[:last-c.taken+1]
		end := len(heap) - 1
		heap[0], heap[end] = heap[end], heap[0]
		sink(heap[:end], logits, 0)
	}
	return c.order[last-n]
}

// sink moves a token down to where it belongs in the heap.
func sink(heap, logits []int32, i int) {
	before := func(i, j int) bool {
		a, b := heap[i], heap[j]
		return logits[a] > logits[b] || logits[a] == logits[b] && a < b
	}
	for {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && before(child+1, child) {
			child++
		}
		if !before(child, i) {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// Likeliest returns the token with the largest logit, the first of several.
func Likeliest(logits []int32) int32 {
	best := 0
	for t, l := range logits {
		if l > logits[best] {
			best = t
		}
	}
	return int32(best)
}

func grown[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
