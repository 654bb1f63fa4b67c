package mine

import (
	"bytes"
	"cmp"
	"math"
	"math/bits"
	"slices"

	"hearth/chain/mine/record"
	"hearth/infer/model"
)

// Offer is a job that may be claimed.
type Offer struct {
	Job        model.Hash
	Class      record.Class
	Model      model.Hash
	Assignment uint64
	Expires    int64 // of an assignment, the last block that may hold its claim
	Encoding   []byte
	Proof      [][]byte // of a commons job
	Tip        uint64
	MACs       uint64
}

// rate is the tip for 2^20 MACs, rounded down.
func (o Offer) rate() uint64 { return o.Tip / max(1, o.MACs>>20) }

// Pays tells whether a job brings in what the fees of its transactions cost: its
// tip, and what work of its size has earned so far, coins for millions of MACs. As
// long as nothing was credited yet nobody knows, and it does.
func (o Offer) Pays(earned, credited, fees uint64) bool {
	const million = 1_000_000
	if o.Tip >= fees || credited == 0 {
		return true
	}
	missing := fees - o.Tip
	if missing > math.MaxUint64/million { // more than there are coins
		return false
	}
	// earned · MACs ≥ missing · credited, both in MACs
	have, haveLow := bits.Mul64(earned, o.MACs)
	need, needLow := bits.Mul64(missing*million, credited)
	return have > need || have == need && haveLow >= needLow
}

// wheel is whose turn it is to be claimed. A class that has no jobs hands its turn
// on, so that while there are paid jobs, commons get one claim in five at most, and
// none waits longer than the wheel takes to go round.
var wheel = [...]record.Class{record.Paid, record.Paid, record.Audit, record.Paid, record.Common}

// Turns remembers whose turn it is, from one choice to the next. Its zero value is
// the beginning.
type Turns struct {
	next   int  // place on the wheel
	pushed bool // the last claim went to an audit before its turn
}

// pressing is how many blocks before it expires an audit is claimed before its
// turn: time to be sent again once.
const pressing = 2 * (ahead + patience)

// Choose takes at most so many offers, in turns: of paid jobs what pays most for
// its work first, of what was assigned what expires soonest. An audit that is
// about to expire goes before its turn, but never two in a row while others wait.
// Among equals each executor has an order of its own, so that many workers do not
// all run for the same job.
func (t *Turns) Choose(offers []Offer, most int, at int64, name func(job model.Hash) model.Hash) []Offer {
	queues := map[record.Class][]Offer{}
	for _, o := range offers {
		queues[o.Class] = append(queues[o.Class], o)
	}
	for _, q := range queues {
		slices.SortStableFunc(q, func(a, b Offer) int {
			x, y := name(a.Job), name(b.Job)
			return cmp.Or(cmp.Compare(a.Expires, b.Expires), cmp.Compare(b.rate(), a.rate()), bytes.Compare(x[:], y[:]))
		})
	}
	var out []Offer
	for len(out) < most {
		class, found := t.turn(queues, at)
		if !found {
			break
		}
		out, queues[class] = append(out, queues[class][0]), queues[class][1:]
	}
	return out
}

// turn is the class of the next claim.
func (t *Turns) turn(queues map[record.Class][]Offer, at int64) (record.Class, bool) {
	if audits := queues[record.Audit]; !t.pushed && len(audits) > 0 && audits[0].Expires < at+pressing {
		t.pushed = true
		return record.Audit, true
	}
	t.pushed = false
	for i := range wheel {
		place := (t.next + i) % len(wheel)
		if class := wheel[place]; len(queues[class]) > 0 {
			t.next = place + 1
			return class, true
		}
	}
	return 0, false
}
