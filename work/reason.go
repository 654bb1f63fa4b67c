package work

import "fmt"

// Reason names why something was rejected. The names are part of the
// specification.
type Reason string

// The reasons, in the order in which they are looked for.
const (
	ReasonMalformed  Reason = "malformed"               // not an encoding of anything
	ReasonPrivate    Reason = "job is private"          // its owner did not make it public
	ReasonTooLarge   Reason = "job too large"           // its replay would cost more than a verifier must pay
	ReasonModel      Reason = "another model"           // the job is for another one
	ReasonClaim      Reason = "another claim"           // not the claim the verifier knows: job, executor or beacon differ
	ReasonOperation  Reason = "operation not mined"     //
	ReasonShape      Reason = "shape not mined"         //
	ReasonTile       Reason = "tile not mined"          // out of range, or refused by admission
	ReasonPosition   Reason = "position not mined"      // out of range, or in a prefix that is claimed already
	ReasonAnswer     Reason = "answer does not fit"     // not as many tokens as the position needs, or none the vocabulary has
	ReasonRow        Reason = "row out of range"        // an activation beyond ±95, or not as many as the operation has
	ReasonSignature  Reason = "signature"               // not by the executor
	ReasonWeights    Reason = "weights not the model's" //
	ReasonTarget     Reason = "target missed"           //
	ReasonDiverges   Reason = "answer diverges"         // a token is not what the job's settings draw
	ReasonOtherRow   Reason = "row not the job's"       //
	ReasonRepeated   Reason = "row repeats"             // an earlier position of the job has the same row
	ReasonNotReached Reason = "row not reached"         // the replay ended without it
	ReasonReceipt    Reason = "receipt does not hold"   //
)

// Rejection is an error with the reason for which something was rejected.
type Rejection struct {
	Reason Reason
	Detail string
}

func (r *Rejection) Error() string { return string(r.Reason) + ": " + r.Detail }

func reject(reason Reason, format string, args ...any) error {
	return &Rejection{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
