package split

import (
	"cmp"
	"errors"
	"fmt"
	"math/bits"
	"slices"
)

// Million is the sum of weights that are given in parts per million.
const Million = 1_000_000

// Divide shares total out by the weights, by largest remainder (Hamilton's
// method): everyone gets the whole units of its due, and the units left over
// go one each to the largest fractions, the earlier of equals first. The parts
// add up to the total. A negative total is shared out like a positive one.
//
// Weights whose sum is zero or passes 2^64 are an error.
func Divide(total int64, weights []uint64) ([]int64, error) {
	var sum uint64
	for _, w := range weights {
		var carry uint64
		if sum, carry = bits.Add64(sum, w, 0); carry != 0 {
			return nil, errors.New("divide: the weights add up to more than 2^64")
		}
	}
	if sum == 0 {
		return nil, fmt.Errorf("divide %d: nobody has any weight", total)
	}
	amount := uint64(total)
	if total < 0 {
		amount = -amount // right for the least of all numbers too
	}
	parts := make([]int64, len(weights))
	rest := make([]uint64, len(weights))
	left := amount
	for i, w := range weights {
		hi, lo := bits.Mul64(amount, w)
		var q uint64
		q, rest[i] = bits.Div64(hi, lo, sum) // hi < w <= sum
		parts[i] = int64(q)
		left -= q
	}
	for _, i := range largest(rest, left) {
		parts[i]++
	}
	if total < 0 {
		for i := range parts {
			parts[i] = -parts[i]
		}
	}
	return parts, nil
}

// largest returns the places of the n largest numbers, the earlier of equals
// first.
func largest(list []uint64, n uint64) []int {
	if n == 0 {
		return nil
	}
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(list[b], list[a]) })
	return order[:n]
}
