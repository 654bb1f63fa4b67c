package agreement

import (
	"crypto/sha256"
	"slices"
	"time"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/units"
)

// Mode is how the parties come to their parts.
type Mode string

// The modes. In the first three nobody holds anybody else's sats: what is split
// is the work, by [Weights]. In the last the sats come in at one place and are
// booked to the parties by transfers.
const (
	Coinbase Mode = "coinbase"  // a block pays the parties itself
	PerShare Mode = "per-share" // each share is handed in for one party
	Slices   Mode = "slices"    // the miner works for one party after the other
	Ledger   Mode = "ledger"    // sats are divided after they came in
)

// Custodial reports whether one party holds what belongs to others.
func (m Mode) Custodial() bool { return m == Ledger }

// Way is how a party gets its part.
type Way string

// The ways. Account and Pool are for parties that keep their own account at a
// pool; Stays is for whoever keeps the wallet that the sats come into.
const (
	Lightning Way = "lightning" // a Lightning address: name@host
	Address   Way = "address"   // a Bitcoin address
	Node      Way = "node"      // the public key of a Lightning node
	Account   Way = "account"   // a user name at the pool that all the work goes to
	Pool      Way = "pool"      // a pool of its own, by the name it has in Hearth
	Stays     Way = "stays"     // the sats stay where they came in
)

// Party has a part in the agreement.
type Party struct {
	ID   string // in accounts and statements
	Name string // in full
	Way  Way
	To   string // empty for Stays
}

// Meters says what counts.
type Meters struct {
	Electricity []string // subjects of electricity records: devices
	Heat        []string // subjects of heat records: rooms and tanks
	Workers     []string // subjects of shares records
	Income      []string // subjects of earnings, which are sources of shares
	// Complete is how much of an interval must be measured for the interval to
	// be known, in millionths. What is not measured is not guessed.
	Complete int64
	// Worst is the worst provenance that counts.
	Worst units.Provenance
}

// Market says where the price of a bitcoin comes from, for whatever is agreed in
// a currency.
type Market struct {
	Source string
	MaxAge time.Duration
}

// Tariff is a price of a kilowatt-hour.
type Tariff struct {
	Base int64 // micros per kWh
	// Follows names the price records that the price follows: it is
	// Base + Part of (recorded − At), not below Least and not above Most. Empty:
	// the price is fixed.
	Follows string
	At      int64
	Part    int64 // millionths
	Least   int64
	Most    int64 // 0: no bound
}

// Kind is what a step is for.
type Kind string

// The kinds of steps, and of the lines that come of them. Floor and Share stand
// behind the steps of the waterfall.
const (
	Electricity Kind = "electricity" // gives back what electricity cost
	Rebate      Kind = "heat_rebate" // pays for heat that was useful to whoever houses the heater
	HeatPrice   Kind = "heat_price"  // heat that is bought
	Fee         Kind = "fee"         // so much a month
	Floor       Kind = "floor"       // what a month lacked
	Share       Kind = "share"       // of what remains
)

// pot is the index that stands for what came in, in place of a party.
const pot = -1

// Step is a step of the waterfall.
type Step struct {
	Kind Kind
	// From and To are indexes of parties. From is -1 where the step is paid out
	// of what came in; a party's index where it is paid out of that party's part,
	// once all parts are known.
	From, To int
	Tariff   Tariff // of Electricity, Rebate and HeatPrice
	Part     int64  // of the energy, in millionths
	Monthly  Amount // of Fee
	// Cap is the most it comes to in a month, in micros; 0: no bound.
	Cap int64
	// Outside says that it is not paid in sats: the statement says who owes what
	// to whom.
	Outside bool
}

// Terms are the steps, in their order, and the shares of what remains.
type Terms struct {
	Steps  []Step
	Shares []int64 // by party, in millionths: together a whole
}

// Bound is an amount of a party and month.
type Bound struct {
	Party  int
	Amount Amount
}

// mainnet is the network whose coins are worth something.
const mainnet = "mainnet"

// Agreement is a contract that was read. It is not changed once it is made.
type Agreement struct {
	Name     string
	Title    string // in full; may be empty
	Mode     Mode
	Network  string // of Bitcoin
	Currency string // ISO 4217
	Zone     string // IANA name of the time zone in which days begin
	Start    Date
	End      Date // the last day; zero: none
	Notice   int  // days
	Interval time.Duration
	Parties  []Party
	Meters   Meters
	Market   Market
	Terms    Terms
	// Season is the part of the year in which Terms hold, nil for all of it.
	// Outside holds in the rest; nil: then nothing is shared.
	Season  *Span
	Outside *Terms
	Caps    []Bound
	Floors  []Bound
	// Carried says that what could not be paid is owed on; else it lapses.
	Carried bool
	// Release is how long sats are set aside for what is unknown; 0: for good.
	Release time.Duration

	// Close is how long after a month its books may be closed.
	Close time.Duration

	text   []byte
	digest ledger.Hash
	list   []Item
}

// Text is the contract as it was read.
func (a *Agreement) Text() string { return string(a.text) }

// Digest is the SHA-256 of the text.
func (a *Agreement) Digest() ledger.Hash { return a.digest }

// Record is what the ledger keeps of the agreement.
func (a *Agreement) Record() ledger.Agreement {
	r := ledger.Agreement{Digest: a.digest, Text: a.Text()}
	for _, p := range a.Parties {
		r.Parties = append(r.Parties, p.ID)
	}
	return r
}

// Party returns the index of a party, or -1.
func (a *Agreement) Party(id string) int {
	return slices.IndexFunc(a.Parties, func(p Party) bool { return p.ID == id })
}

// terms returns what holds on a day, nil where nothing is shared.
func (a *Agreement) terms(d Date) *Terms {
	switch {
	case d.before(a.Start) || !a.End.IsZero() && a.End.before(d):
		return nil
	case a.Season == nil || a.Season.Has(d):
		return &a.Terms
	}
	return a.Outside
}

// all yields the terms there are.
func (a *Agreement) all() []*Terms {
	if a.Outside == nil {
		return []*Terms{&a.Terms}
	}
	return []*Terms{&a.Terms, a.Outside}
}

// PartyAccount is the account in the ledger of what a party is owed.
func (a *Agreement) PartyAccount(party int) string {
	return account.Party(a.Name, a.Parties[party].ID)
}

// HeldAccount is the account in the ledger of what is set aside because a
// reading or a price is unknown. It is nobody's and is never paid out.
func (a *Agreement) HeldAccount() string { return account.Held(a.Name) }

// transferPrefix begins the id of every transfer that books the agreement.
func (a *Agreement) transferPrefix() string {
	return "agreement/" + a.Name + "/" + a.digest.String()[:16] + "/"
}

func (a *Agreement) seal(text []byte) {
	a.text = slices.Clone(text)
	a.digest = sha256.Sum256(text)
	a.list = a.items()
}
