package work

import (
	"bytes"
	"slices"

	"hearth/chain/judge"
	"hearth/infer/model"
)

// ruling is what more than two thirds of power say of something.
type ruling int

const (
	undecided ruling = iota
	holds
	wrong
)

// finding is the ruling about one ticket, and why it is wrong.
type finding struct {
	ruling ruling
	reason string
}

// outcome is what a trial comes to.
type outcome struct {
	tickets          []finding
	receipt, against ruling
	standing         []Standing // of the verdicts
}

// enough tells whether a part is more than two thirds of all power. Powers are
// far below 2^60.
func enough(part, total uint64) bool { return total > 0 && 3*part > 2*total }

// opens tells whether the seal of a verdict is over a digest.
func (v *Verdict) opens(digest []byte) bool {
	if len(digest) != 32 {
		return false
	}
	seal := judge.Seal(v.Validator, model.Hash(digest))
	return bytes.Equal(v.Seal, seal[:])
}

// fault returns why a verdict finds a ticket void, and whether it does. Faults
// stand in the order of their tickets.
func (v *Verdict) fault(nullifier []byte) (string, bool) {
	i, found := slices.BinarySearchFunc(v.Faults, nullifier, func(f Fault, id []byte) int { return bytes.Compare(f.Nullifier, id) })
	if !found {
		return "", false
	}
	return v.Faults[i].Reason, true
}

// agreed is the power of the verdicts whose seals are over a digest.
func agreed(verdicts []Verdict, digest []byte) (power uint64) {
	for i := range verdicts {
		if verdicts[i].opens(digest) {
			power += verdicts[i].Power
		}
	}
	return power
}

// decide counts the verdicts of a trial whose digest is known; without one,
// empty, nothing is decided. tickets are nullifiers, disputed is whether the
// receipt of another claim was tried too.
func decide(verdicts []Verdict, digest []byte, tickets [][]byte, disputed bool, total uint64) outcome {
	o := outcome{tickets: make([]finding, len(tickets)), standing: make([]Standing, len(verdicts))}
	ran := make([]bool, len(verdicts))
	for i := range verdicts {
		ran[i] = verdicts[i].opens(digest)
		switch {
		case len(digest) == 0:
			o.standing[i] = STANDING_UNDECIDED
		case ran[i]:
			o.standing[i] = STANDING_STOOD
		default:
			o.standing[i] = STANDING_LAZY
		}
	}
	// rule counts who of those that ran the job finds something wrong, and holds
	// it against those who said the opposite of what is decided.
	rule := func(faulty func(*Verdict) bool) ruling {
		var against, in uint64
		for i := range verdicts {
			switch v := &verdicts[i]; {
			case !ran[i]:
			case faulty(v):
				against += v.Power
			default:
				in += v.Power
			}
		}
		r := undecided
		if enough(against, total) {
			r = wrong
		} else if enough(in, total) {
			r = holds
		}
		for i := range verdicts {
			if ran[i] && r != undecided && faulty(&verdicts[i]) != (r == wrong) {
				o.standing[i] = STANDING_WRONG
			}
		}
		return r
	}
	for i, id := range tickets {
		o.tickets[i].ruling = rule(func(v *Verdict) bool { _, found := v.fault(id); return found })
		if o.tickets[i].ruling == wrong {
			o.tickets[i].reason = reason(verdicts, ran, id)
		}
	}
	o.receipt = rule(func(v *Verdict) bool { return v.ReceiptWrong })
	if disputed {
		o.against = rule(func(v *Verdict) bool { return v.AgainstWrong })
	}
	return o
}

// reason is why most power finds a ticket void; of several the first in the
// order of their letters.
func reason(verdicts []Verdict, ran []bool, nullifier []byte) string {
	power := map[string]uint64{}
	best := ""
	for i := range verdicts {
		if r, found := verdicts[i].fault(nullifier); ran[i] && found {
			power[r] += verdicts[i].Power
		}
	}
	for i := range verdicts {
		if r, found := verdicts[i].fault(nullifier); ran[i] && found &&
			(best == "" || power[r] > power[best] || power[r] == power[best] && r < best) {
			best = r
		}
	}
	return best
}
