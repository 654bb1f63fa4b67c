package reward

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"hearth/pool/split"
)

// Credits are what miners are owed, or owe if negative, in millisats. They add
// up to zero: what one was paid too little, others were paid too much, and the
// next blocks make up for it. Nobody holds the difference.
type Credits map[string]int64

// Output is an output of a coinbase.
type Output struct {
	Miner string
	Sats  int64
}

// Coinbase is how a reward becomes outputs.
type Coinbase struct {
	// Dust is the least that is paid to a miner, in sats. It may differ by the
	// kind of address.
	Dust func(miner string) int64
	// Most is how many outputs there may be: at least 1.
	Most int
}

// Outputs pays out the dues of a block, which must add up to its reward in
// whole sats, and returns the outputs, largest first, and the credits after
// it.
//
// Each miner is to get its due and its credit. Whoever would get less than
// dust, or is not among the largest that there is room for, is carried. What
// is carried for some goes to the others in proportion, as a debit of theirs.
// If all are below dust, the largest gets everything.
func (c Coinbase) Outputs(dues []Due, credits Credits) ([]Output, Credits, error) {
	after, sats, err := c.claims(dues, credits)
	if err != nil {
		return nil, nil, fmt.Errorf("make the outputs of a coinbase: %w", err)
	}
	var claims []Due
	for m, msat := range after {
		if msat > 0 {
			claims = append(claims, Due{m, msat})
		}
	}
	slices.SortFunc(claims, func(a, b Due) int {
		return cmp.Or(cmp.Compare(b.Millisats, a.Millisats), compareDues(a, b))
	})
	claims, parts, err := c.portions(c.payable(claims), sats)
	if err != nil {
		return nil, nil, fmt.Errorf("make the outputs of a coinbase: %w", err)
	}
	outputs := make([]Output, len(claims))
	for i, claim := range claims {
		outputs[i] = Output{claim.Miner, parts[i]}
		after[claim.Miner] -= parts[i] * 1000
	}
	maps.DeleteFunc(after, func(_ string, msat int64) bool { return msat == 0 })
	slices.SortFunc(outputs, func(a, b Output) int {
		return cmp.Or(cmp.Compare(b.Sats, a.Sats), strings.Compare(a.Miner, b.Miner))
	})
	return outputs, after, nil
}

// maxMillisats bounds amounts: all the bitcoin there will be.
const maxMillisats = 21e6 * 100e6 * 1000

// claims is what everybody is to get, and the reward in sats.
func (c Coinbase) claims(dues []Due, credits Credits) (Credits, int64, error) {
	if c.Most < 1 {
		return nil, 0, fmt.Errorf("room for %d outputs is none", c.Most)
	}
	sum, err := credits.sum()
	if err != nil {
		return nil, 0, err
	}
	if sum != 0 {
		return nil, 0, fmt.Errorf("the credits add up to %d msat, not to zero", sum)
	}
	claims := make(Credits, len(credits)+len(dues))
	maps.Copy(claims, credits)
	var reward int64
	for _, d := range dues {
		if d.Millisats < 0 || d.Millisats > maxMillisats-reward {
			return nil, 0, fmt.Errorf("%q is due %d msat, which cannot be", d.Miner, d.Millisats)
		}
		reward += d.Millisats
		claims[d.Miner] += d.Millisats
	}
	if reward == 0 || reward%1000 != 0 {
		return nil, 0, fmt.Errorf("the dues add up to %d msat: want a reward in whole sats", reward)
	}
	return claims, reward / 1000, nil
}

// payable keeps those that are above dust, as many as there is room for, and
// at least the first.
func (c Coinbase) payable(claims []Due) []Due {
	first := claims[0] // the claims add up to a reward, so one is positive
	claims = slices.DeleteFunc(claims, func(d Due) bool { return d.Millisats/1000 < c.Dust(d.Miner) })
	if len(claims) == 0 {
		return []Due{first}
	}
	return claims[:min(len(claims), c.Most)]
}

// portions divides the reward by the claims. Debits of others may leave less
// than was claimed; who falls below dust by it is carried too, one by one, the
// smallest first.
func (c Coinbase) portions(claims []Due, sats int64) ([]Due, []int64, error) {
	for {
		weights := make([]uint64, len(claims))
		for i, d := range claims {
			weights[i] = uint64(d.Millisats)
		}
		parts, err := split.Divide(sats, weights)
		if err != nil {
			return nil, nil, err
		}
		small := len(claims) - 1
		for small >= 0 && parts[small] >= c.Dust(claims[small].Miner) {
			small--
		}
		if small < 0 || len(claims) == 1 {
			return claims, parts, nil
		}
		claims = slices.Delete(claims, small, small+1)
	}
}

func (c Credits) sum() (int64, error) {
	var sum int64
	for m, msat := range c {
		if msat > maxMillisats || msat < -maxMillisats || sum > maxMillisats || sum < -maxMillisats {
			return 0, fmt.Errorf("the credit of %q is %d msat, which cannot be", m, msat)
		}
		sum += msat
	}
	return sum, nil
}
