package split

import (
	"fmt"

	"hearth/pool/job"
)

// Deficit assigns shares to parties one by one.
//
// A share of work d goes to the party i with the largest e_i = w_i·T − G_i,
// where w is its weight as a fraction, G what it was credited, and T what all
// were credited, this share included; the earliest of equals. Ever since the
// epoch began nobody among n parties has had more than (n−1)/n of the largest
// share D too much, or more than (1/2 + … + 1/n)·D too little. For two that is
// half a share both ways, for three 0.67 and 0.83.
//
// Too much: before an assignment the e_i add up to d, so the largest is at
// least d/n and, once it is served, at least d/n − d.
//
// Too little: let A_k be the most that the average e of any k parties ever is,
// after an assignment; A_n is 0. If one of the k was served last, their average
// did not grow. If another was, its e was no smaller than any of theirs, so
// their average was no larger than that of all k+1 together before it was
// served, which is at most A_(k+1) + D/(k+1). Hence A_1 ≤ D/2 + … + D/n.
type Deficit struct{ scale }

// NewDeficit returns an assigner in its first epoch, with nothing credited.
func NewDeficit(parts []Part) (*Deficit, error) {
	s, err := newScale(parts)
	if err != nil {
		return nil, fmt.Errorf("split by deficit: %w", err)
	}
	return &Deficit{s}, nil
}

// Resume returns an assigner that goes on from a state that was kept, if its
// parts are the same; else the parts begin another epoch after it.
func Resume(parts []Part, kept []byte) (*Deficit, error) {
	var d Deficit
	if err := d.UnmarshalJSON(kept); err != nil {
		return nil, err
	}
	if _, err := d.change(parts); err != nil {
		return nil, err
	}
	return &d, nil
}

// Assign returns the party that gets the next share and credits it.
func (d *Deficit) Assign(work job.Work) string {
	item := min(uint64(work), maxItem)
	i := d.furthest(item, nil)
	d.credit(i, item)
	return d.parts[i].Name
}

// Credit credits a share to the party it was assigned to earlier: so a state
// that was kept is brought up to date from a journal. An unknown party, of an
// earlier epoch, is passed over.
func (d *Deficit) Credit(name string, work job.Work) {
	if i := d.index(name); i >= 0 {
		d.credit(i, min(uint64(work), maxItem))
	}
}

// Return takes back the credit of a share that came to nothing: whoever it was
// assigned to refused it. The shares that follow make it up.
func (d *Deficit) Return(name string, work job.Work) {
	if i := d.index(name); i >= 0 {
		d.uncredit(i, min(uint64(work), maxItem))
	}
}

// Change sets other parts, or other weights. It begins another epoch: what was
// owed, at most half a share, is settled by nobody. The same parts change
// nothing, and Change reports false.
func (d *Deficit) Change(parts []Part) (bool, error) { return d.change(parts) }

// Epoch counts how often the parts were changed, from 1.
func (d *Deficit) Epoch() uint64 { return d.epoch }

// Standings returns where each party stands, in the order of the parts.
func (d *Deficit) Standings() []Standing { return d.standings() }

// MarshalJSON implements [json.Marshaler].
func (d *Deficit) MarshalJSON() ([]byte, error) { return d.marshal() }

// UnmarshalJSON implements [json.Unmarshaler].
func (d *Deficit) UnmarshalJSON(b []byte) error { return d.unmarshal(b) }
