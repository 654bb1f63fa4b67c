package upstream

import (
	"errors"

	"hearth/pool/job"
	"hearth/pool/stratum"
)

// The errors of Submit that a caller may want to tell apart.
var (
	// ErrDown: there is no connection.
	ErrDown = errors.New("the upstream is down")
	// ErrGone: the job is over, or was never one of this upstream.
	ErrGone = errors.New("the job is over")
	// ErrBusy: too much waits for the pool already.
	ErrBusy = errors.New("the upstream is busy")
	// ErrRefused: the pool refuses the worker. Another name or password may help,
	// trying again will not.
	ErrRefused = errors.New("the pool refuses the worker")
)

// Handler is told what comes from a pool. Its methods are called one at a time,
// in the order of what happened, and must not wait for long. They may call
// Submit.
type Handler interface {
	// Up says that the pool has let the house in. Of a Group: which pool the jobs
	// come from, from now on.
	Up(l Login)
	// Down says that the pool cannot be mined at: because the connection ended,
	// or could not be made. It is said of every attempt. Of a Group: that none of
	// the pools can be mined at; said once.
	Down(upstream string, why error)
	// Job is what to work on from now on.
	Job(j *job.Job)
	// Answer is what became of a share.
	Answer(a Answer)
	// Notice is what a person may want to know.
	Notice(n Notice)
}

// Login is what a pool granted.
type Login struct {
	Upstream string
	// Version of Stratum: 1 or 2.
	Version int
	// Encrypted says that nobody on the way can read or change what is said;
	// Verified that the pool is who it should be.
	Encrypted, Verified bool
	// Room is how many bytes of extranonce the pool leaves to the house.
	Room int
	// Named says that the pool has agreed to credit shares to the worker they
	// name: V2's extension 2. V1 has no way to say so: see Probe.
	Named bool
}

// What a pool made of a share: see [stratum.Outcome].
const (
	Unknown  = stratum.Unknown
	Accepted = stratum.Accepted
	Rejected = stratum.Rejected
)

// Answer is what became of a share.
type Answer struct {
	stratum.Answer        // its Cookie as given to Submit
	Upstream       string // which pool it was for
}

// NoticeKind says what a Notice is.
type NoticeKind uint8

// The kinds of notices.
const (
	// WorkerIn and WorkerOut: the pool let another worker than the first in, or
	// not.
	WorkerIn NoticeKind = iota + 1
	WorkerOut
	// Message: the pool has something to say to a person.
	Message
	// Trouble: something about the pool does not work. Of a member of a Group it
	// is also said why it cannot be mined at, with every attempt.
	Trouble
	// Sent: the pool asked the house to connect anew, perhaps elsewhere. The
	// house connects again to the host it was told by its owner.
	Sent
)

// Notice is what a person may want to know of a pool.
type Notice struct {
	Kind     NoticeKind
	Upstream string
	User     string // WorkerIn, WorkerOut
	Text     string // printable
}

// Share is a share for a pool.
type Share = stratum.Share
