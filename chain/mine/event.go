package mine

import (
	"fmt"
	"time"

	"hearth/chain/light"
	"hearth/chain/light/follower"
	"hearth/chain/mine/record"
	"hearth/infer/model"
)

// EventKind is what an event is about.
type EventKind string

const (
	// Ended is the end of a claim.
	Ended EventKind = "claim"
	// Income is coins that the chain has paid the owner, or holds until they vest.
	Income EventKind = "income"
)

// Event is something that a worker has done or earned, as the chain proves it.
type Event struct {
	Number uint64    `json:"number"`
	Kind   EventKind `json:"kind"`
	// At is the time of the block whose header proves it.
	At time.Time `json:"at"`

	// Of a claim that ended.
	Claim    model.Hash   `json:"claim"`
	Job      model.Hash   `json:"job"`
	Model    model.Hash   `json:"model"`
	Class    record.Class `json:"class,omitempty"`
	Status   string       `json:"status,omitempty"`
	Reason   string       `json:"reason,omitempty"`
	Tickets  int          `json:"tickets,omitempty"`  // that were sent
	Credited uint64       `json:"credited,omitempty"` // MACs
	JobMACs  uint64       `json:"job_macs,omitempty"`

	// Amount is coins in uhth: the tip of a claim that was settled, or what came in.
	Amount uint64 `json:"uhth,omitempty"`
	// Sum is all that the owner was paid or is to be paid, with this income.
	Sum uint64 `json:"sum,omitempty"`

	Proof Proof `json:"proof"`
	// Told says that whoever keeps the books has taken it.
	Told bool `json:"told,omitempty"`
}

func (e Event) file() string { return fmt.Sprintf("%012d%s", e.Number, suffix) }

// Proof shows that the state of a chain held a value under a key: whoever trusts
// the header can check it, with [light.Header.Holds].
type Proof struct {
	Chain  string `json:"chain"`
	Height int64  `json:"height"` // of the header
	Header string `json:"header"` // its hash
	Store  string `json:"store"`
	Key    []byte `json:"key"`
	Value  []byte `json:"value"`
	// Path leads from the value to the header's application hash.
	Path light.StateProof `json:"path"`
}

func proofOf(p follower.Proven) Proof {
	return Proof{
		Chain: p.Header.Chain, Height: p.Header.Height, Header: p.Header.Hash().String(),
		Store: p.Store, Key: p.Key, Value: p.Value, Path: p.Proof,
	}
}

// String names what proves something, so that it can be looked up and compared.
func (p Proof) String() string {
	return fmt.Sprintf("chain %s, block %d, header %s, store %s, key %x", p.Chain, p.Height, p.Header, p.Store, p.Key)
}
