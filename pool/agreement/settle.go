package agreement

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/pool/split"
)

// Transfer returns the entry that books what the agreement came to by a time and
// is not booked yet, false if nothing is. Working it out again, or after a crash,
// gives the same entry until it is in the ledger and none from then on. What is
// simulated makes a simulated entry.
//
// A reading that comes late may take from a party what was booked to it: then
// the entry has an amount below zero for it.
func (e *Evidence) Transfer(asOf time.Time) (ledger.Entry, bool, error) {
	fail := func(err error) (ledger.Entry, bool, error) {
		return ledger.Entry{}, false, fmt.Errorf("book agreement %s: %w", e.a.Name, err)
	}
	if !e.a.Mode.Custodial() {
		return fail(fmt.Errorf("in mode %s the parties are paid without anybody in between", e.a.Mode))
	}
	switch {
	case e.gaps:
		return fail(errors.New("records are missing, since the ledger was pruned before the agreement was in it: go on with a copy from before that, else what comes in stays where it came in"))
	case e.Recorded == 0:
		return fail(errors.New("the ledger does not hold it: record it first"))
	}
	s, err := e.course(asOf, e.end(asOf), nil)
	if err != nil {
		return fail(err)
	}
	t := ledger.Transfer{ID: e.a.transferPrefix() + strconv.FormatUint(e.last, 10), For: "agreement " + e.a.Name}
	post := func(account string, msat int64) {
		if msat != 0 {
			t.Entries = append(t.Entries, ledger.Posting{Account: account, Millisats: msat})
		}
	}
	for i, payer := range e.a.Meters.Income {
		post(account.Revenue(payer), e.booked.Payers[i]-s.Got.Payers[i])
	}
	for p := range e.a.Parties {
		post(e.a.PartyAccount(p), s.Got.Parties[p]-e.booked.Parties[p])
	}
	// What was taken back after it was shared is set aside below zero until what
	// comes in makes it good.
	post(e.a.HeldAccount(), s.Got.Held-s.Short-e.booked.Held)
	if len(t.Entries) == 0 {
		return ledger.Entry{}, false, nil
	}
	entry, err := ledger.NewEntry(asOf, e.a.Name, e.simulated, t)
	if err != nil {
		return fail(err)
	}
	return entry, true, nil
}

// Weights are the parts of the work that each party is to get from now on, in
// millionths by party: what the agreement gave it in the last interval in which
// there was work, and what it was given too little or too much of before.
//
// The work that a party was given never differs from what is its own by more
// than the work of one interval at full power, and what splits the work (half a
// share, or a slice).
func (e *Evidence) Weights(asOf time.Time) ([]int64, error) {
	var plan int64
	last := make([]int64, len(e.a.Parties)) // by party, of the last interval with work
	recent := [day]int64{}
	s, err := e.course(asOf, e.end(asOf), func(iv Interval) bool {
		recent[iv.Index%day] = iv.Work
		if iv.Work > 0 {
			copy(last, iv.Owed)
		}
		return true
	})
	if err != nil {
		return nil, fmt.Errorf("weigh agreement %s: %w", e.a.Name, err)
	}
	for _, w := range recent {
		plan = max(plan, w)
	}
	terms := e.terms(dateOf(asOf.In(e.loc)))
	if terms == nil {
		terms = &e.a.Terms
	}
	weights := make([]uint64, len(last))
	var sum uint64
	var of int64
	for _, w := range last {
		of += w
	}
	for p := range last {
		want := int64(s.Owed[p])
		if of > 0 {
			part, _ := mulDiv(plan, last[p], of)
			want += part
		}
		weights[p] = uint64(max(0, want))
		sum += weights[p]
	}
	if sum == 0 {
		for p, ppm := range terms.Shares {
			weights[p] = uint64(ppm)
		}
	}
	parts, err := split.Divide(million, weights)
	if err != nil {
		return nil, fmt.Errorf("weigh agreement %s: %w", e.a.Name, err)
	}
	return parts, nil
}

// day is how many of the last intervals are looked at for the most work of one.
const day = 96
