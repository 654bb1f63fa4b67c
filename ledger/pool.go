package ledger

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// The kinds of record that sat sharing adds.
const (
	KindShares    Kind = "shares"    // [Shares], subject: the worker
	KindTransfer  Kind = "transfer"  // [Transfer], subject: the agreement or pool
	KindPayout    Kind = "payout"    // [Payout], subject: the party
	KindRate      Kind = "rate"      // [Rate], subject: the currency, ISO 4217
	KindAgreement Kind = "agreement" // [Agreement], subject: its name
)

// The units in which the work of [Shares] is added up: 1/1024 of a share of
// difficulty 1, for work that somebody pays and for work that nobody does.
const (
	UnitWork   Kind = "difficulty_1024th"
	UnitUnpaid Kind = "unpaid_difficulty_1024th"
)

// Shares is what one worker did for one source of work, for one party, in a
// span of time.
type Shares struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Work is the difficulty credited, in 1/1024 of difficulty 1.
	Work int64 `json:"work"`
	// Count is how many shares it came in, some perhaps too easy to be
	// credited with anything; Stale and Rejected are not among them.
	Count    int64 `json:"count"`
	Stale    int64 `json:"stale"`
	Rejected int64 `json:"rejected"`
	// Source gave the work: a pool, a node, or the fallback.
	Source string `json:"source"`
	// Party is whom the work is credited to; empty where that is not decided
	// share by share.
	Party string `json:"party,omitempty"`
	// Unpaid says that nobody pays for it: it made heat only.
	Unpaid bool `json:"unpaid"`
	// Digest is of the journal segment that the shares lie in one by one.
	Digest Hash `json:"digest"`
}

// Kind implements [Body].
func (Shares) Kind() Kind { return KindShares }

// WorkUnit is the unit that the work is added up in: [UnitWork] or [UnitUnpaid].
func (s Shares) WorkUnit() Kind {
	if s.Unpaid {
		return UnitUnpaid
	}
	return UnitWork
}

func (s Shares) check() error {
	if err := checkSpan(s.From, s.To); err != nil {
		return err
	}
	for _, n := range []int64{s.Work, s.Count, s.Stale, s.Rejected} {
		if n < 0 {
			return fmt.Errorf("%d is not an amount of shares", n)
		}
	}
	if s.Work > 0 && s.Count == 0 {
		return errors.New("work without shares")
	}
	if s.Digest == (Hash{}) {
		return errors.New("shares without the digest of their journal")
	}
	if err := checkName("source", s.Source); err != nil {
		return err
	}
	if err := checkSubject(s.Party); err != nil {
		return err
	}
	return checkUTC(s.From, s.To)
}

// checkName is for text that must say something.
func checkName(what, s string) error {
	if s == "" {
		return fmt.Errorf("%s is empty", what)
	}
	if err := checkSubject(s); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// Posting is one account's part in a transfer.
type Posting struct {
	// Account is one of:
	//	revenue:<who>               what came from whoever paid, below zero by what was shared out
	//	party:<agreement>/<name>    what a party is owed
	//	payout:<intent>             what went out to a party, or is on its way
	//	fees:<rail>                 what paying cost
	//	held:<agreement>            what is set aside until it is known whose it is
	//	rounding                    what shares left over
	Account   string `json:"account"`
	Millisats int64  `json:"msat"` // into the account, or out of it if negative
}

// payoutAccount begins the name of an account for what goes out.
const payoutAccount = "payout:"

// maxPostings is the most accounts a transfer may have: as many as surely fit
// into a body, with names of ordinary length.
const maxPostings = 512

// Transfer moves money between accounts. What it takes from some it gives to
// others: its entries add up to zero.
type Transfer struct {
	// ID tells it from every other transfer for ever, and is the same when
	// the same transfer is worked out again.
	ID      string    `json:"id"`
	Entries []Posting `json:"entries"`
	// For says what it was for, Proof how that can be looked up.
	For   string `json:"for,omitempty"`
	Proof string `json:"proof,omitempty"`
}

// Kind implements [Body].
func (Transfer) Kind() Kind { return KindTransfer }

func (t Transfer) check() error {
	if err := checkName("id", t.ID); err != nil {
		return err
	}
	if n := len(t.Entries); n < 2 || n > maxPostings {
		return fmt.Errorf("%d entries: want 2 to %d", n, maxPostings)
	}
	var sum int64
	seen := make(map[string]bool, len(t.Entries))
	for _, p := range t.Entries {
		if err := checkName("account", p.Account); err != nil {
			return err
		}
		switch {
		case seen[p.Account]:
			return fmt.Errorf("account %q appears twice", p.Account)
		case p.Millisats == 0:
			return fmt.Errorf("account %q is given nothing", p.Account)
		case p.Millisats > maxInteger || p.Millisats < -maxInteger:
			return fmt.Errorf("account %q: %d msat is more than can be written", p.Account, p.Millisats)
		}
		seen[p.Account] = true
		sum += p.Millisats // 512 times 2^53 is below 2^63
	}
	if sum != 0 {
		return fmt.Errorf("the entries add up to %d msat, not to zero", sum)
	}
	return nil
}

// PayoutState is how far a payout has come.
type PayoutState string

// The states of a payout. Each is a record of its own; begun comes first, and
// after paid or failed nothing more.
const (
	PayoutBegun    PayoutState = "begun"    // about to be paid: the money is set aside
	PayoutPrepared PayoutState = "prepared" // its ticket is fixed, nothing was asked of the rail
	PayoutSent     PayoutState = "sent"     // the rail is asked to pay from now on
	PayoutPaid     PayoutState = "paid"     // paid for good
	PayoutFailed   PayoutState = "failed"   // will never be paid: the money is given back
	PayoutUnknown  PayoutState = "unknown"  // cannot be told yet: the money stays set aside
)

// Payout is a step in paying a party.
type Payout struct {
	// ID is the intent's, the same in all records of one payout.
	ID   string `json:"id"`
	Rail string `json:"rail"` // how it is paid: "lnd", "onchain", …
	To   string `json:"to"`   // address, invoice or name, as the rail reads it
	// Millisats is what the party gets, Fee what it cost besides, known once
	// it is paid, MaxFee the most it may cost, said when it is begun.
	Millisats int64       `json:"msat"`
	Fee       int64       `json:"fee"`
	MaxFee    int64       `json:"max_fee,omitempty"`
	State     PayoutState `json:"state"`
	// Ticket names the payment at the rail: payment hash, transaction id. One
	// payout has one ticket for ever, from prepared on.
	Ticket string `json:"ticket,omitempty"`
	// Data is what the rail needs to go on after a restart, in prepared only:
	// an invoice, an unsigned transaction. Of is how many payouts the ticket
	// pays; the data of several stands with the first.
	Data  []byte `json:"data,omitempty"`
	Of    int    `json:"of,omitempty"`
	Proof string `json:"proof,omitempty"` // preimage, transaction id
	Why   string `json:"why,omitempty"`   // it failed, or is unknown
}

// maxTicketData is the most bytes that a payout's data may have: such as fit
// into a body, with the rest.
const maxTicketData = 32 << 10

// Kind implements [Body].
func (Payout) Kind() Kind { return KindPayout }

func (p Payout) check() error {
	if err := errors.Join(checkName("id", p.ID), checkName("rail", p.Rail), checkSubject(p.Ticket)); err != nil {
		return err
	}
	switch p.State {
	case PayoutBegun, PayoutPrepared, PayoutSent, PayoutPaid, PayoutFailed, PayoutUnknown:
	default:
		return fmt.Errorf("state %q: want begun, prepared, sent, paid, failed or unknown", p.State)
	}
	prepared := p.State == PayoutPrepared
	switch {
	case p.To == "":
		return errors.New("a payout to nobody")
	case p.Millisats <= 0 || p.Fee < 0 || p.MaxFee < 0:
		return fmt.Errorf("%d msat with a fee of %d msat, at most %d, is not a payment", p.Millisats, p.Fee, p.MaxFee)
	case p.Fee > 0 && p.State != PayoutPaid:
		return fmt.Errorf("a fee in a payout that is %s", p.State)
	case p.MaxFee > 0 && p.State != PayoutBegun:
		return fmt.Errorf("the most it may cost in a payout that is %s", p.State)
	case p.Ticket != "" && p.State == PayoutBegun || p.Ticket == "" && prepared:
		return errors.New("a payout has its ticket from prepared on, and not before")
	case (p.Of > 0) != prepared || p.Of < 0 || len(p.Data) > 0 && !prepared:
		return errors.New("how many a ticket pays, and its data, stand in prepared and in no other state")
	case len(p.Data) > maxTicketData:
		return fmt.Errorf("the ticket's data has %d bytes, more than %d", len(p.Data), maxTicketData)
	}
	return nil
}

// Transfer returns the transfer that goes into the ledger together with the
// record, in one append: begun sets the money aside, failed gives it back,
// paid charges the fee. The account is the party's, or for the fee that of
// whoever bears it. It reports false where nothing moves.
func (p Payout) Transfer(account string) (Transfer, bool) {
	move := func(to string, msat int64) (Transfer, bool) {
		return Transfer{
			ID:      "payout/" + p.ID + "/" + string(p.State),
			Entries: []Posting{{account, -msat}, {to, msat}},
			For:     "payout " + p.ID, Proof: p.Proof,
		}, msat != 0
	}
	switch p.State {
	case PayoutBegun:
		return move(payoutAccount+p.ID, p.Millisats)
	case PayoutFailed:
		return move(payoutAccount+p.ID, -p.Millisats)
	case PayoutPaid:
		return move("fees:"+p.Rail, p.Fee)
	case PayoutPrepared, PayoutSent, PayoutUnknown:
	}
	return Transfer{}, false
}

// Rate is what a bitcoin was worth in a currency, the record's subject.
type Rate struct {
	// Micros is the price of one bitcoin in millionths of the currency.
	Micros int64 `json:"micros,string"`
	// Source says who said so.
	Source string `json:"source"`
}

// Kind implements [Body].
func (Rate) Kind() Kind { return KindRate }

func (r Rate) check() error {
	if r.Micros <= 0 {
		return fmt.Errorf("%d millionths is not a price", r.Micros)
	}
	return checkName("source", r.Source)
}

// Agreement is a contract about heat and sats, as its parties agreed to it.
type Agreement struct {
	// Digest is the SHA-256 of Text.
	Digest  Hash     `json:"digest"`
	Text    string   `json:"text"`
	Parties []string `json:"parties"`
}

// Kind implements [Body].
func (Agreement) Kind() Kind { return KindAgreement }

func (a Agreement) check() error {
	if a.Text == "" || sha256.Sum256([]byte(a.Text)) != a.Digest {
		return errors.New("the digest is not that of the text")
	}
	if len(a.Parties) == 0 {
		return errors.New("an agreement of nobody")
	}
	seen := make(map[string]bool, len(a.Parties))
	for _, p := range a.Parties {
		if err := checkName("party", p); err != nil {
			return err
		}
		if seen[p] {
			return fmt.Errorf("party %q appears twice", p)
		}
		seen[p] = true
	}
	return nil
}
