package stratum

import (
	"fmt"
	"time"
)

// Credential is a worker's name at a pool and its password there.
type Credential struct {
	User, Password string
}

// Share is a share for a pool.
type Share struct {
	// Worker is who gets the credit, if the pool heeds that; empty: the first one
	// that logged in.
	Worker string
	Job    uint32 // id of the job, or of V2's header
	// Extranonce fills the space that the job leaves; empty on a standard channel.
	Extranonce []byte
	// Version is the whole version as mined.
	Version, Time, Nonce uint32
}

// Outcome is what a pool made of a share.
type Outcome uint8

// The outcomes. Unknown is neither of the others: the connection ended before
// the pool answered, or its answer says neither yes nor no.
const (
	Unknown Outcome = iota
	Accepted
	Rejected
)

var outcomes = [...]string{"unknown", "accepted", "rejected"}

// String is the outcome in a word.
func (o Outcome) String() string {
	if int(o) < len(outcomes) {
		return outcomes[o]
	}
	return fmt.Sprintf("outcome(%d)", uint8(o))
}

// Answer is what a pool says to a share.
type Answer struct {
	Cookie  uint64 // as given with the share
	Worker  string
	Outcome Outcome
	// Code is V1's number of the error, 0 if there is none.
	Code int
	// Reason is the pool's own words, if it gave any, or why there is no answer.
	Reason string
	// Took is how long the answer was under way; 0 if none came.
	Took time.Duration
}
