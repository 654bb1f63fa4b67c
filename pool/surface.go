package pool

import "time"

// Pairing is what a person sets in a miner to let it in.
type Pairing struct {
	Name string `json:"name"`
	// Token is told this once; empty for a miner that is known by its address.
	Token string `json:"token,omitempty"`
	// URL and User go into the miner's page; for Stratum V2, which has no
	// passwords, User2 holds the token too.
	URL   string `json:"url"`
	URL2  string `json:"url_v2,omitempty"`
	User  string `json:"user"`
	User2 string `json:"user_v2,omitempty"`
}

// Receipt is what somebody paid for work, or took back, as a person or a program
// enters it.
type Receipt struct {
	// Source is who paid: an upstream of the configuration, or "node".
	Source    string    `json:"source"`
	At        time.Time `json:"at"`
	Millisats int64     `json:"msat"`
	For       string    `json:"for,omitempty"`
	// Proof is how it can be looked up: a transaction, a payment hash. The same
	// proof is taken once.
	Proof string `json:"proof"`
}

// Reported is what a pool says that work in a span earned, before it pays.
type Reported struct {
	Source    string    `json:"source"`
	From      time.Time `json:"from"`
	To        time.Time `json:"to"`
	Millisats int64     `json:"msat"`
}
