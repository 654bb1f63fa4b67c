package reward

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"hearth/pool/job"
	"hearth/pool/split"
)

// Batch is work that one miner did, in one go as far as the order of work is
// known.
type Batch struct {
	Miner string
	Work  job.Work
}

// Due is what a miner gets.
type Due struct {
	Miner     string
	Millisats int64
}

// Proportional shares the reward out by work. There is a due for each miner
// that did any, if only of 0, in order of name. Without any work there is
// nobody to share with: an error.
func Proportional(work []Batch, reward int64) ([]Due, error) {
	miners, weights, err := byMiner(work)
	if err != nil {
		return nil, fmt.Errorf("share out %d msat: %w", reward, err)
	}
	parts, err := split.Divide(reward, weights)
	if err != nil {
		return nil, fmt.Errorf("share out %d msat among %d miners: %w", reward, len(miners), err)
	}
	dues := make([]Due, len(miners))
	for i, m := range miners {
		dues[i] = Due{m, parts[i]}
	}
	return dues, nil
}

// byMiner adds work up by miner, in order of name.
func byMiner(work []Batch) (miners []string, sums []uint64, err error) {
	total := make(map[string]uint64)
	for _, b := range work {
		if b.Work == 0 {
			continue
		}
		sum, carry := bits.Add64(total[b.Miner], uint64(b.Work), 0)
		if carry != 0 {
			return nil, nil, fmt.Errorf("miner %q did more than 2^64 of work", b.Miner)
		}
		total[b.Miner] = sum
	}
	for m := range total {
		miners = append(miners, m)
	}
	slices.Sort(miners)
	for _, m := range miners {
		sums = append(sums, total[m])
	}
	return miners, sums, nil
}

// Price is what work is worth: Millisats for Work of it. For a whole block
// that is its reward for its difficulty; a fee is taken off the Millisats.
type Price struct {
	Millisats int64
	Work      job.Work
}

// PerShare pays for the work at once, out of the budget. If that does not
// suffice, the work that came first is paid, and the rest of it, which the
// last batch paid may be cut for, is returned unpaid. What rounding leaves,
// less than one millisat a call, stays with the budget.
//
// The budget after it is less by the sum of the dues.
func PerShare(work []Batch, p Price, budget int64) (dues []Due, unpaid []Batch, err error) {
	if p.Millisats <= 0 || p.Work == 0 || budget < 0 {
		return nil, nil, fmt.Errorf("pay per share: %d msat for %d of work out of %d msat is not a price", p.Millisats, p.Work, budget)
	}
	var sum, carry uint64
	for _, b := range work {
		if sum, carry = bits.Add64(sum, uint64(b.Work), 0); carry != 0 {
			return nil, nil, errors.New("pay per share: more than 2^64 of work")
		}
	}
	paid := min(sum, affordable(p, budget))
	hi, lo := bits.Mul64(paid, uint64(p.Millisats))
	if hi >= uint64(p.Work) {
		return nil, nil, fmt.Errorf("pay per share: %d of work at %d msat for %d is more than there can be", paid, p.Millisats, p.Work)
	}
	value, _ := bits.Div64(hi, lo, uint64(p.Work))
	first, rest := cut(work, job.Work(paid))
	if value == 0 {
		return nil, rest, nil
	}
	if dues, err = Proportional(first, int64(value)); err != nil {
		return nil, nil, fmt.Errorf("pay per share: %w", err)
	}
	return dues, rest, nil
}

// affordable is the most work w that the budget pays for:
// floor(w·price/work) ≤ budget, so w·price < (budget+1)·work.
func affordable(p Price, budget int64) uint64 {
	hi, lo := bits.Mul64(uint64(budget)+1, uint64(p.Work))
	lo, borrow := bits.Sub64(lo, 1, 0)
	hi -= borrow
	if hi >= uint64(p.Millisats) {
		return math.MaxUint64
	}
	w, _ := bits.Div64(hi, lo, uint64(p.Millisats))
	return w
}

// cut divides work behind so much of it.
func cut(work []Batch, after job.Work) (first, rest []Batch) {
	for i, b := range work {
		if b.Work <= after {
			after -= b.Work
			continue
		}
		first, rest = slices.Clone(work[:i]), slices.Clone(work[i:])
		if after > 0 {
			first = append(first, Batch{b.Miner, after})
			rest[0].Work -= after
		}
		return first, rest
	}
	return work, nil
}

func compareDues(a, b Due) int { return strings.Compare(a.Miner, b.Miner) }
