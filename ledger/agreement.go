package ledger

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The kinds of record that agreements are worked out from, beside those of
// sat sharing.
const (
	KindPrice   Kind = "price"   // [Price], subject: the tariff
	KindYield   Kind = "yield"   // [Yield], subject: the source of work
	KindClosing Kind = "closing" // [Closing], subject: the agreement
)

// Price is what a kilowatt-hour of electricity costs in a span of time.
type Price struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Micros is the price in millionths of the currency. It may be negative:
	// dynamic tariffs go below zero.
	Micros   int64  `json:"micros"`
	Currency string `json:"currency"` // ISO 4217
	Source   string `json:"source"`   // who said so
}

// Kind implements [Body].
func (Price) Kind() Kind { return KindPrice }

func (p Price) check() error {
	if err := checkSpan(p.From, p.To); err != nil {
		return err
	}
	if len(p.Currency) != 3 {
		return fmt.Errorf("currency %q: want three letters", p.Currency)
	}
	if err := errors.Join(checkName("currency", p.Currency), checkName("source", p.Source)); err != nil {
		return err
	}
	return checkUTC(p.From, p.To)
}

// Yield is what work is expected to earn from its time on, as the network's
// difficulty and the block's subsidy and fees have it.
type Yield struct {
	Work      int64 `json:"work"` // in 1/1024 of difficulty 1
	Millisats int64 `json:"msat"` // expected for it
	// Height is of the block that it was worked out for, 0 if that is unknown.
	Height int64  `json:"height,omitempty"`
	Source string `json:"source"` // who said so
}

// Kind implements [Body].
func (Yield) Kind() Kind { return KindYield }

func (y Yield) check() error {
	if y.Work <= 0 || y.Millisats < 0 || y.Height < 0 {
		return fmt.Errorf("%d msat for %d of work at height %d is not a yield", y.Millisats, y.Work, y.Height)
	}
	return checkName("source", y.Source)
}

// Closing ends the books of an agreement up to a time. What it brings forward is
// enough to go on without the records before.
type Closing struct {
	Digest Hash `json:"digest"` // of the agreement's text
	// Until is the time before which everything is final.
	Until time.Time `json:"until"`
	// After is the number of the last record that need not be read again.
	After uint64 `json:"after"`
	// State is what is brought forward: an object.
	State json.RawMessage `json:"state"`
}

// Kind implements [Body].
func (Closing) Kind() Kind { return KindClosing }

func (c Closing) check() error {
	if c.Digest == (Hash{}) {
		return errors.New("a closing without the agreement's digest")
	}
	if len(c.State) == 0 || c.State[0] != '{' {
		return errors.New("a closing without what is brought forward")
	}
	return checkUTC(c.Until)
}

// Verify reports whether the record is as it was written and signed with the key
// pub. That none is missing beside it only [Verify] can tell.
func (r Record) Verify(pub ed25519.PublicKey) error {
	switch {
	case r.sum() != r.Hash:
		return fmt.Errorf("record %d was changed after it was written: it does not match its own hash", r.Seq)
	case !ed25519.Verify(pub, r.Hash.message(), r.Sig[:]):
		return fmt.Errorf("record %d is not signed with the ledger's key", r.Seq)
	}
	if err := r.check(); err != nil {
		return fmt.Errorf("record %d: %w", r.Seq, err)
	}
	return nil
}
