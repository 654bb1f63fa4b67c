package split

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"hearth/pool/job"
)

// Part is one party's part: its weight against the sum of all weights, for
// instance in parts per million.
type Part struct {
	Name   string
	Weight uint64
}

// Bounds that keep the arithmetic exact.
const (
	// MaxParts is the most parties that may share.
	MaxParts = 1024
	// MaxWeight is the most that weights may add up to.
	MaxWeight uint64 = 1 << 32
	// maxItem is the most work that is credited at once: ten times the
	// difficulty that the whole network had in 2026.
	maxItem = 1 << 60
	// maxTotal is the most work that is kept account of, see [scale.shrink]:
	// 600 years of a PH/s.
	maxTotal = 1 << 62
)

func checkParts(parts []Part) (sum uint64, err error) {
	if len(parts) == 0 || len(parts) > MaxParts {
		return 0, fmt.Errorf("%d parties cannot share: want 1 to %d", len(parts), MaxParts)
	}
	seen := make(map[string]bool, len(parts))
	for _, p := range parts {
		switch {
		case p.Name == "":
			return 0, errors.New("a party without a name")
		case seen[p.Name]:
			return 0, fmt.Errorf("party %q appears twice", p.Name)
		case p.Weight > MaxWeight:
			return 0, fmt.Errorf("party %q: weight %d is above %d", p.Name, p.Weight, MaxWeight)
		}
		seen[p.Name] = true
		sum += p.Weight
	}
	if sum == 0 || sum > MaxWeight {
		return 0, fmt.Errorf("the weights add up to %d: want 1 to %d", sum, MaxWeight)
	}
	return sum, nil
}

// scale weighs what parties were credited against what they are due.
type scale struct {
	epoch    uint64
	parts    []Part
	sum      uint64   // of the weights
	credited []uint64 // work, in this epoch
	total    uint64   // of it
	// forgiven is taken off what a party is owed, in work times sum; it adds
	// up to zero.
	forgiven []wide
}

func newScale(parts []Part) (scale, error) {
	sum, err := checkParts(parts)
	if err != nil {
		return scale{}, err
	}
	return scale{
		epoch: 1, parts: slices.Clone(parts), sum: sum,
		credited: make([]uint64, len(parts)), forgiven: make([]wide, len(parts)),
	}, nil
}

// owed is how far party i is behind its due when ahead more work is done, in
// work times the sum of the weights; negative if it has had too much.
func (s *scale) owed(i int, ahead uint64) wide {
	return times(s.parts[i].Weight, s.total+ahead).minus(times(s.sum, s.credited[i])).minus(s.forgiven[i])
}

// furthest is the party that is furthest behind, the earliest of equals, among
// those that may; -1 if none may.
func (s *scale) furthest(ahead uint64, may func(int) bool) int {
	best, most := -1, wide{}
	for i := range s.parts {
		if may != nil && !may(i) {
			continue
		}
		if owed := s.owed(i, ahead); best < 0 || owed.above(most) {
			best, most = i, owed
		}
	}
	return best
}

func (s *scale) credit(i int, work uint64) {
	if s.total+work > maxTotal {
		s.shrink()
	}
	if s.total+work > maxTotal { // some party had next to nothing of it all
		s.epoch++
		s.total = 0
		clear(s.credited)
		clear(s.forgiven)
	}
	s.credited[i] += work
	s.total += work
}

// shrink takes from everyone what is in exact proportion to the weights. It
// leaves what is owed as it is, and makes room for as much again.
func (s *scale) shrink() {
	rounds := uint64(maxTotal)
	for i, p := range s.parts {
		if p.Weight > 0 {
			rounds = min(rounds, s.credited[i]/p.Weight)
		}
	}
	for i, p := range s.parts {
		s.credited[i] -= rounds * p.Weight
	}
	s.total -= rounds * s.sum
}

func (s *scale) uncredit(i int, work uint64) {
	work = min(work, s.credited[i])
	s.credited[i] -= work
	s.total -= work
}

func (s *scale) index(name string) int {
	return slices.IndexFunc(s.parts, func(p Part) bool { return p.Name == name })
}

// change begins another epoch if the parts are others than before.
func (s *scale) change(parts []Part) (bool, error) {
	if slices.Equal(parts, s.parts) {
		return false, nil
	}
	next, err := newScale(parts)
	if err != nil {
		return false, fmt.Errorf("change the parts: %w", err)
	}
	next.epoch = s.epoch + 1
	*s = next
	return true, nil
}

// Standing is where a party stands in the current epoch.
type Standing struct {
	Part
	// Credited is what it had so far.
	Credited job.Work
	// Owed is how much it is behind its due, negative if it is ahead, in units
	// of [job.Work], rounded towards zero.
	Owed int64
	// Forgiven is what it missed for good while it was down, negative for
	// those who had it instead, in the same units.
	Forgiven int64
}

func (s *scale) standings() []Standing {
	list := make([]Standing, len(s.parts))
	for i, p := range s.parts {
		list[i] = Standing{p, job.Work(s.credited[i]), s.owed(i, 0).over(s.sum), s.forgiven[i].over(s.sum)}
	}
	return list
}

// state is a scale as it is kept.
type state struct {
	Epoch uint64      `json:"epoch"`
	Parts []partState `json:"parts"`
}

type partState struct {
	Name     string `json:"name"`
	Weight   uint64 `json:"weight"`
	Credited uint64 `json:"credited,string"`
	// The high and low half of what was forgiven.
	High int64  `json:"high,string,omitempty"`
	Low  uint64 `json:"low,string,omitempty"`
}

func (s *scale) marshal() ([]byte, error) {
	out := state{Epoch: s.epoch, Parts: make([]partState, len(s.parts))}
	for i, p := range s.parts {
		out.Parts[i] = partState{p.Name, p.Weight, s.credited[i], s.forgiven[i].hi, s.forgiven[i].lo}
	}
	return json.Marshal(out)
}

// maxState bounds what is read back.
const maxState = 1 << 20

func (s *scale) unmarshal(b []byte) error {
	if len(b) > maxState {
		return fmt.Errorf("read the state of a split: %d bytes are more than %d", len(b), maxState)
	}
	var in state
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		return fmt.Errorf("read the state of a split: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("read the state of a split: bytes after the object")
	}
	parts := make([]Part, len(in.Parts))
	for i, p := range in.Parts {
		parts[i] = Part{p.Name, p.Weight}
	}
	next, err := newScale(parts)
	if err != nil {
		return fmt.Errorf("read the state of a split: %w", err)
	}
	next.epoch = in.Epoch
	const far = 1 << 31 // half of 2^96
	var balance wide
	for i, p := range in.Parts {
		if p.Credited > maxTotal || next.total+p.Credited > maxTotal || p.High > far || p.High < -far {
			return fmt.Errorf("read the state of a split: party %q has more than there can be", p.Name)
		}
		next.credited[i], next.forgiven[i] = p.Credited, wide{p.High, p.Low}
		next.total += p.Credited
		balance = balance.plus(next.forgiven[i])
	}
	if balance != (wide{}) {
		return errors.New("read the state of a split: what was forgiven does not add up to zero")
	}
	*s = next
	return nil
}
