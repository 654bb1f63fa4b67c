package weight

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Share is a validator's voting power.
type Share struct {
	Operator string
	Power    int64
}

// Set is who votes, in the order of their names, each once and with power.
type Set []Share

// Power returns an operator's power, 0 if it has none.
func (s Set) Power(operator string) int64 {
	if i, found := slices.BinarySearchFunc(s, operator, byName); found {
		return s[i].Power
	}
	return 0
}

// Sum is the power of all.
func (s Set) Sum() int64 {
	var sum int64
	for _, v := range s {
		sum += v.Power
	}
	return sum
}

// Check says what would make CometBFT stop: nobody, too many, the same twice,
// power that is none or too much.
func (s Set) Check() error {
	switch {
	case len(s) == 0:
		return errors.New("nobody has power")
	case len(s) > MostSeats:
		return fmt.Errorf("%d validators have power and %d may", len(s), MostSeats)
	}
	var sum int64
	for i, v := range s {
		if v.Power <= 0 {
			return fmt.Errorf("the power of %q is %d", v.Operator, v.Power)
		}
		if i > 0 && s[i-1].Operator >= v.Operator {
			return fmt.Errorf("%q stands after %q", v.Operator, s[i-1].Operator)
		}
		if v.Power > Total-sum || Total > mostOfComet {
			return fmt.Errorf("all power together is more than %d", Total)
		}
		sum += v.Power
	}
	return nil
}

// Without returns the set without those at fault, and those that had to stay
// because otherwise nobody would be left: of them the most powerful.
func (s Set) Without(operators ...string) (left Set, stays string) {
	for _, v := range s {
		if !slices.Contains(operators, v.Operator) {
			left = append(left, v)
		}
	}
	if len(left) > 0 || len(s) == 0 {
		return left, ""
	}
	last := slices.MaxFunc(s, func(a, b Share) int {
		return cmp.Or(cmp.Compare(a.Power, b.Power), cmp.Compare(b.Operator, a.Operator))
	})
	return Set{last}, last.Operator
}

// Churn is how much power moved from one set to another: the larger of what
// was gained and what was lost.
func Churn(from, to Set) int64 {
	var up, down int64
	for _, v := range to {
		up += max(v.Power-from.Power(v.Operator), 0)
	}
	for _, v := range from {
		down += max(v.Power-to.Power(v.Operator), 0)
	}
	return max(up, down)
}

// Nakamoto is the least number of validators that together have more than a
// third of all power: as many as must stand still to halt the network.
func (s Set) Nakamoto() int {
	powers := make([]int64, 0, len(s))
	for _, v := range s {
		powers = append(powers, v.Power)
	}
	slices.SortFunc(powers, func(a, b int64) int { return cmp.Compare(b, a) })
	var sum int64
	for i, p := range powers {
		if sum += p; 3*sum > s.Sum() {
			return i + 1
		}
	}
	return 0
}

func byName(v Share, operator string) int { return cmp.Compare(v.Operator, operator) }
