package split

import (
	"fmt"

	"hearth/pool/job"
)

// Slices chooses, slice of time by slice of time, where a miner works.
//
// The next slice goes to the destination with the largest w_i·T' − G_i: G is
// what it credited so far and T' all of that and what the next slice should
// bring. The error is at most the work of one slice, plus the luck of the
// shares in it.
//
// A destination that is down is owed ever more; when it comes back it gets
// every slice until that is made up. So that this does not go on for days,
// only so much as the limit is remembered: the rest is forgiven, which
// [Slices.Standings] reports.
//
// A destination that is up and yet credits nothing would get every slice for
// ever. After [Patience] slices without any credit it counts as down for one
// slice, after as many more for two, then for four, until it credits something.
type Slices struct {
	scale
	limit job.Work
	dry   []dryness
}

// dryness is how long a destination was worked for without any credit.
type dryness struct {
	slices int // since the last credit
	skip   int // slices during which it counts as down
	times  int // how often it was skipped
}

// Patience is how many slices may bring a destination no credit before it is
// passed over: with one share a slice that happens by chance once in 160,000.
const Patience = 12

// maxDoublings bounds for how long it is: 1,024 slices.
const maxDoublings = 10

// NewSlices returns a chooser in its first epoch. Of what a destination misses
// while it is down, limit is remembered: a sensible one is what the miner does
// in an hour.
func NewSlices(parts []Part, limit job.Work) (*Slices, error) {
	s, err := newScale(parts)
	if err != nil {
		return nil, fmt.Errorf("split by slices: %w", err)
	}
	return &Slices{s, limit, make([]dryness, len(parts))}, nil
}

// ResumeSlices returns a chooser that goes on from a state that was kept, if
// its parts are the same; else the parts begin another epoch after it.
func ResumeSlices(parts []Part, limit job.Work, kept []byte) (*Slices, error) {
	s := Slices{limit: limit}
	if err := s.UnmarshalJSON(kept); err != nil {
		return nil, err
	}
	if _, err := s.Change(parts); err != nil {
		return nil, err
	}
	return &s, nil
}

// Credit says that work was done for a destination and counts there. Where a
// destination takes only the best shares, all that were valid count: they say
// sooner and better how much work it was. An unknown destination, of an
// earlier epoch, is passed over.
func (s *Slices) Credit(name string, work job.Work) {
	if i := s.index(name); i >= 0 && work > 0 {
		s.credit(i, min(uint64(work), maxItem))
		s.dry[i] = dryness{}
	}
}

// Return takes back credit for work that a destination refused.
func (s *Slices) Return(name string, work job.Work) {
	if i := s.index(name); i >= 0 {
		s.uncredit(i, min(uint64(work), maxItem))
	}
}

// Choose returns the destination of the slice that begins now, and false if
// all are down. What the slice should bring, ahead, may be 0 if nobody can
// tell.
func (s *Slices) Choose(ahead job.Work, up func(name string) bool) (string, bool) {
	usable := make([]bool, len(s.parts))
	var reachable []int
	some := false
	for i, p := range s.parts {
		if !up(p.Name) {
			continue
		}
		reachable = append(reachable, i)
		usable[i] = s.dry[i].skip == 0
		some = some || usable[i]
	}
	if !some { // better a dry one than none
		for _, i := range reachable {
			usable[i] = true
		}
	}
	s.forgive(usable)
	for i := range s.dry {
		s.dry[i].skip = max(0, s.dry[i].skip-1)
	}
	i := s.furthest(min(uint64(ahead), maxItem), func(i int) bool { return usable[i] })
	if i < 0 {
		return "", false
	}
	if d := &s.dry[i]; d.slices < Patience {
		d.slices++
	} else {
		*d = dryness{skip: 1 << d.times, times: min(d.times+1, maxDoublings)}
	}
	return s.parts[i].Name, true
}

// forgive takes off what destinations that are down are owed beyond the limit,
// in favour of those that are up, by their weights.
func (s *Slices) forgive(up []bool) {
	var weights uint64
	last := -1
	for i, p := range s.parts {
		if up[i] && p.Weight > 0 {
			weights += p.Weight
			last = i
		}
	}
	if last < 0 {
		return
	}
	limit := times(uint64(s.limit), s.sum)
	for i := range s.parts {
		owed := s.owed(i, 0)
		if up[i] || !owed.above(limit) {
			continue
		}
		excess := owed.minus(limit)
		s.forgiven[i] = s.forgiven[i].plus(excess)
		left := excess
		for j, p := range s.parts {
			if !up[j] || j == last {
				continue
			}
			portion := excess.portion(p.Weight, weights)
			s.forgiven[j] = s.forgiven[j].minus(portion)
			left = left.minus(portion)
		}
		s.forgiven[last] = s.forgiven[last].minus(left)
	}
}

// Change sets other parts, or other weights, and begins another epoch with
// nothing owed. The same parts change nothing, and Change reports false.
func (s *Slices) Change(parts []Part) (bool, error) {
	changed, err := s.change(parts)
	if changed {
		s.dry = make([]dryness, len(parts))
	}
	return changed, err
}

// Epoch counts how often the parts were changed, from 1.
func (s *Slices) Epoch() uint64 { return s.epoch }

// Standings returns where each destination stands, in the order of the parts.
func (s *Slices) Standings() []Standing { return s.standings() }

// MarshalJSON implements [json.Marshaler].
func (s *Slices) MarshalJSON() ([]byte, error) { return s.marshal() }

// UnmarshalJSON implements [json.Unmarshaler]. The limit stays as it is.
func (s *Slices) UnmarshalJSON(b []byte) error {
	if err := s.unmarshal(b); err != nil {
		return err
	}
	s.dry = make([]dryness, len(s.parts))
	return nil
}
