package pool

import (
	"time"

	"hearth/pool/job"
	"hearth/units"
)

// State is everything there is to show of a service at one instant. Amounts of
// money are whole millisats, amounts of work are [job.Work].
type State struct {
	At       time.Time `json:"at"`
	Sentence string    `json:"sentence"`
	Role     Role      `json:"role"`
	Mode     string    `json:"split,omitempty"`
	Scheme   Scheme    `json:"scheme,omitempty"`
	Network  string    `json:"network"`
	// Location is where the agreement's days begin, nil without an agreement.
	Location *time.Location `json:"-"`
	// Test says that the network's coins are worth nothing.
	Test   bool   `json:"test"`
	Listen string `json:"listen"`
	// Key is what V2 miners may pin, in the text form of Stratum V2.
	Key string `json:"key,omitempty"`
	// Unpaid says that heaters make heat and nothing else at present.
	Unpaid  bool                        `json:"unpaid"`
	Trouble []string                    `json:"trouble,omitempty"`
	Rate    units.Known[units.HashRate] `json:"hash_rate"`
	Sources []SourceState               `json:"sources"`
	Heaters []HeaterState               `json:"heaters"`
	Parties []PartyState                `json:"parties,omitempty"`
	Payouts []PayoutState               `json:"payouts,omitempty"`
	Money   MoneyState                  `json:"money"`
}

// SourceState is somebody who gives work.
type SourceState struct {
	Name string `json:"name"`
	Kind string `json:"kind"` // "pool", "node" or "fallback"
	// Where is its address, without secrets.
	Where string    `json:"where,omitempty"`
	Up    bool      `json:"up"`
	Since time.Time `json:"since,omitzero"` // when it came up or went down
	Why   string    `json:"why,omitempty"`  // why it is down
	// Payer is who pays for its work now, as the ledger calls them.
	Payer string `json:"payer,omitempty"`
	// Party is whose it is, if the split says so.
	Party      string         `json:"party,omitempty"`
	Height     int64          `json:"height,omitempty"`
	Difficulty job.Difficulty `json:"difficulty,omitempty"`
	// Accepted, Rejected and Unanswered count what was handed on since the start,
	// Credited the work that it acknowledged.
	Accepted   int64    `json:"accepted"`
	Rejected   int64    `json:"rejected"`
	Unanswered int64    `json:"unanswered"`
	Credited   job.Work `json:"credited"`
	Unpaid     bool     `json:"unpaid,omitempty"`
	// Several tells whether it credits several workers on one connection, as
	// far as a probe can tell.
	Several *bool  `json:"several,omitempty"`
	Probe   string `json:"probe,omitempty"`
	// Drift is what reconciliation found, in plain words; Alarm that a person
	// should look.
	Drift string `json:"drift,omitempty"`
	Alarm bool   `json:"alarm,omitempty"`
}

// HeaterState is a paired miner.
type HeaterState struct {
	Name     string    `json:"name"`
	Online   bool      `json:"online"`
	Since    time.Time `json:"since,omitzero"`
	Protocol int       `json:"protocol,omitempty"` // 1 or 2
	Agent    string    `json:"agent,omitempty"`
	Remote   string    `json:"remote,omitempty"`
	Source   string    `json:"source,omitempty"`
	Unpaid   bool      `json:"unpaid,omitempty"`
	Account  string    `json:"account,omitempty"`

	Rate       units.Known[units.HashRate] `json:"hash_rate"`
	Difficulty job.Difficulty              `json:"difficulty,omitempty"`
	// Accepted, Stale and Rejected count shares since the start of the service.
	Accepted  int64     `json:"accepted"`
	Stale     int64     `json:"stale"`
	Rejected  int64     `json:"rejected"`
	Work      job.Work  `json:"work"`
	LastShare time.Time `json:"last_share,omitzero"`
	// Trouble is why it brings nothing, as far as can be told.
	Trouble string `json:"trouble,omitempty"`
}

// PartyState is what one party of the agreement has of it.
type PartyState struct {
	Name string `json:"name"`
	Role string `json:"role,omitempty"`
	// Weight is its share of what is divided, in millionths; unknown where the
	// contract fixes none.
	Weight int64 `json:"weight"`
	// Credited is the work that was credited to it, where work is divided.
	Credited job.Work `json:"credited"`
	// Balance is what it is owed, Paid what it got.
	Balance int64 `json:"balance_msat"`
	Paid    int64 `json:"paid_msat"`
	// Where is where it is paid.
	Where string `json:"where,omitempty"`
}

// PayoutState is one payment.
type PayoutState struct {
	ID        string    `json:"id"`
	At        time.Time `json:"at"`
	Party     string    `json:"party"`
	Rail      string    `json:"rail"`
	To        string    `json:"to"`
	Millisats int64     `json:"msat"`
	Fee       int64     `json:"fee_msat"`
	State     string    `json:"state"`
	Proof     string    `json:"proof,omitempty"`
	Why       string    `json:"why,omitempty"`
}

// MoneyState is what came in and what it came to per heat.
type MoneyState struct {
	// Stopped is set while the kill switch holds payments back; By says who set it.
	Stopped bool   `json:"stopped"`
	By      string `json:"stopped_by,omitempty"`
	// Rail is how payments leave; empty if nothing is paid from here.
	Rail string `json:"rail,omitempty"`
	// Day is what the last 24 hours were expected to earn by shares and
	// difficulty, Received what really came in over 30 days.
	Day      units.Known[units.Sats] `json:"day"`
	Received int64                   `json:"received_30d_msat"`
	// PerKWh is expected sats per kilowatt-hour of heat over the last 24 hours.
	PerKWh units.Known[units.Sats] `json:"per_kwh"`
	// Price is what a bitcoin costs, From who says so.
	Price units.Known[units.Money] `json:"price"`
	From  string                   `json:"price_from,omitempty"`
}
