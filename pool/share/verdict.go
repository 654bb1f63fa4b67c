package share

import (
	"fmt"

	"hearth/pool/job"
)

// Submission is one share as a miner says it.
type Submission struct {
	Job uint32 // id of the job
	// Extranonce2 is the miner's own part of the extranonce (Stratum V1, and
	// extended channels of V2); nil on a standard channel.
	Extranonce2 []byte
	Time, Nonce uint32
	// Version is the whole version as mined: Stratum V2.
	Version uint32
	// HasBits says that Bits holds the version bits that the miner rolled, 0 if
	// it says nothing of any, and that the channel is to reckon the version from
	// the job: Stratum V1, always.
	HasBits bool
	Bits    uint32
}

// Reason is why a share was refused, or that it was not.
type Reason uint8

// The reasons.
const (
	Accepted      Reason = iota
	Stale                // a job that is over: its block was found, or its turn
	UnknownJob           // no such job, or one too long ago to be remembered
	Duplicate            // the very same share as before
	LowDifficulty        // the hash does not reach what was asked for
	BadVersion           // version bits rolled that are not the miner's to roll
	BadTime              // a time before or after what the job allows
	BadExtranonce        // an extranonce of the wrong length
	Flood                // more shares of one job than are remembered; easier than it should be
)

var reasonNames = [...]string{
	"accepted", "stale", "unknown job", "duplicate", "low difficulty", "bad version", "bad time", "bad extranonce", "flood",
}

// String is the reason in two words, for logs, metrics and the ledger.
func (r Reason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("reason(%d)", uint8(r))
}

// Verdict is what became of a submission.
type Verdict struct {
	Reason Reason
	// Job is nil if it is unknown.
	Job *job.Job
	// Extranonce is all of it, the server's part and the miner's. It is valid
	// until the next call of the channel.
	Extranonce []byte
	Header     job.Header // zero if the share was refused before it was hashed
	Hash       job.Hash
	// Credit is what the share is worth: the difficulty its job was offered at,
	// or nothing.
	Credit job.Work
	// Goal says that the source wants to see this share.
	Goal bool
	// Block says that the share is a block. It is set whatever else is wrong
	// with the share, unless the job is stale.
	Block bool
}
