package payout

import (
	"errors"
	"fmt"
	"math/bits"
	"time"
)

// Policy is what the owner of the money decided. It may change at any time.
type Policy struct {
	// Stop is the kill switch: while it is set nothing new is begun, prepared
	// or sent. What was sent before is still looked up.
	Stop bool
	// Rails says for each rail that may be used what it may be used for.
	Rails map[string]Terms
	// Limits bound what goes out. A limit of zero lets nothing out: whoever
	// wants to pay says how much.
	Limits Limits
	// FeesFrom is the account that bears the fees. If it is empty each party
	// bears its own.
	FeesFrom string
	// GiveUp is how long an intent may stay without a ticket before it fails:
	// the party's wallet cannot be reached, fees are too high. Zero: a day.
	GiveUp time.Duration
}

// Terms are what a rail may be used for. Amounts are in millisats.
type Terms struct {
	// Minimum is the least that one payment is made for.
	Minimum int64
	// FeeBase and FeePPM are the most that paying an amount may cost: the base
	// and so many millionths of the amount.
	FeeBase, FeePPM int64
	// Batch is the most intents that one ticket of a [Batcher] pays; 0 and 1
	// mean no batches. Gather is how long an intent waits for others.
	Batch  int
	Gather time.Duration
}

// Limits bound what goes out, fees included, in millisats.
type Limits struct {
	Intent int64 // one payment
	Day    int64 // all that is begun within 24 hours
	Total  int64 // all that ever went out or is on its way
}

// MaxBatch is the most intents that one ticket may pay.
const MaxBatch = 100

// Check reports what is wrong with a policy.
func (p Policy) Check() error {
	var errs []error
	for name, t := range p.Rails {
		for _, n := range []int64{t.Minimum, t.FeeBase, t.FeePPM, int64(t.Batch), int64(t.Gather)} {
			if n < 0 {
				errs = append(errs, fmt.Errorf("terms of %s: %d is below zero", name, n))
			}
		}
		if t.FeePPM > million {
			errs = append(errs, fmt.Errorf("terms of %s: a fee of %d millionths is more than what is paid", name, t.FeePPM))
		}
		if t.Batch > MaxBatch {
			errs = append(errs, fmt.Errorf("terms of %s: a batch of %d, want %d at most", name, t.Batch, MaxBatch))
		}
	}
	if l := p.Limits; l.Intent < 0 || l.Day < 0 || l.Total < 0 {
		errs = append(errs, errors.New("a limit is below zero"))
	}
	if p.GiveUp < 0 {
		errs = append(errs, errors.New("the time to give up is below zero"))
	}
	return errors.Join(errs...)
}

func (p Policy) giveUp() time.Duration {
	if p.GiveUp > 0 {
		return p.GiveUp
	}
	return 24 * time.Hour
}

const million = 1_000_000

// fee is the most that paying an amount may cost.
func (t Terms) fee(amount int64) int64 { return t.FeeBase + mulDiv(amount, t.FeePPM, million) }

// within is the largest amount that, with the most its fee may be, is not more
// than so many millisats; negative if not even the base is.
func (t Terms) within(msat int64) int64 {
	if msat < t.FeeBase {
		return -1
	}
	return mulDiv(msat-t.FeeBase, million, million+t.FeePPM)
}

// mulDiv is a·b/c, rounded down, for a and b not negative and b at most c.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, _ := bits.Div64(hi, lo, uint64(c))
	return int64(q)
}

// Due is what a party is owed, and how it wants to be paid.
type Due struct {
	Party string
	// Rail and To say how: a rail's name and a destination in its notation.
	Rail, To string
	// Millisats is all that the party is owed now: the balance of its account.
	Millisats int64
	// Threshold is the sum from which on it is paid.
	Threshold int64
	// Monthly is the day of the month, 1 to 28, from which on whatever is owed
	// is paid even below the threshold, as long as it is worth a payment; 0:
	// never. The day begins at midnight in the time zone of the time given.
	Monthly int
	// Since is when the party came to be paid this way: a monthly day before
	// it does not count.
	Since time.Time
	// Exact is set when To is good for one payment of one amount, as an invoice
	// is: that amount is paid, once, as soon as it is owed.
	Exact int64
}

// Held is why a party is not paid now.
type Held struct {
	Party string
	Why   string
	// Until is when that may change by itself, zero if time does not change it.
	Until time.Time
}
