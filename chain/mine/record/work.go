package record

import (
	"bytes"
	"math"
	"math/bits"

	"github.com/zeebo/blake3"

	"hearth/chain/wire"
	"hearth/infer/model"
	"hearth/work"
)

// ParamsKey is the key of the parameters.
func ParamsKey() []byte { return []byte{0x00} }

// MarketKey is the key of the market.
func MarketKey() []byte { return []byte{0x01} }

// MinerKey is the key of a miner, by its owner's address.
func MinerKey(owner string) []byte { return named(0x10, owner) }

// JobKey is the key of a job, by its id.
func JobKey(id model.Hash) []byte { return hashed(0x20, id) }

// EncodingKey is the key of a job's encoding, by its id.
func EncodingKey(id model.Hash) []byte { return hashed(0x21, id) }

// AssignmentKey is the key of an assignment.
func AssignmentKey(id uint64) []byte { return numbered(0x30, id) }

// ClaimKey is the key of a claim, by its name.
func ClaimKey(name model.Hash) []byte { return hashed(0x40, name) }

// TicketKey is the key of a ticket, by its nullifier.
func TicketKey(nullifier model.Hash) []byte { return hashed(0x50, nullifier) }

// ClaimName is what a claim is kept by, before and after its beacon is known: the
// hash of job and executor.
func ClaimName(job model.Hash, executor work.Key) (name model.Hash) {
	blake3.DeriveKey("hearth chain 1 claim", append(bytes.Clone(job[:]), executor[:]...), name[:])
	return name
}

// Class is what a job is for.
type Class int32

// The classes.
const (
	Paid Class = 1 + iota
	Audit
	Common // of the commons
)

// String is the class in a word.
func (c Class) String() string {
	switch c {
	case Paid:
		return "paid"
	case Audit:
		return "audit"
	case Common:
		return "commons"
	}
	return "unknown"
}

// Params are the parameters of work that a worker obeys.
type Params struct {
	MostClaims        int // open, of one miner
	MostClaimsPerTx   int
	Window            int64
	MostTicketsPerTx  int
	GasPerTicket      uint64
	MostTickets       int // of one claim
	ClaimDeposit      uint64
	LeastBond         uint64
	MostTicketsABlock int
}

// ReadParams reads the parameters.
func ReadParams(b []byte) (p Params, err error) {
	err = read("the parameters of work", b, func(f wire.Field) error {
		switch f.Number {
		case 6:
			return number(&p.LeastBond, f)
		case 7:
			return number(&p.ClaimDeposit, f)
		case 8:
			return small(&p.MostClaims, f)
		case 9:
			return small(&p.MostClaimsPerTx, f)
		case 11:
			return height(&p.Window, f)
		case 15:
			return small(&p.MostTicketsPerTx, f)
		case 16:
			return small(&p.MostTicketsABlock, f)
		case 17:
			return number(&p.GasPerTicket, f)
		case 30:
			return small(&p.MostTickets, f)
		}
		return nil
	})
	return p, err
}

// Market is what claims cost and how hard tickets are.
type Market struct {
	BaseFee    uint64 // uhth for 10^9 MACs
	TicketMACs uint64
}

// ReadMarket reads the market.
func ReadMarket(b []byte) (m Market, err error) {
	err = read("the market of work", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return number(&m.BaseFee, f)
		case 3:
			return number(&m.TicketMACs, f)
		}
		return nil
	})
	return m, err
}

// Miner is who may claim jobs.
type Miner struct {
	Owner, Hot      string
	Executor        work.Key
	Bond, Locked    uint64 // uhth
	OpenClaims      int
	Retired, Barred bool
	Registered      int64
	// Credited and void, ever, in millions of MACs.
	MegaPaid, MegaAudit, MegaCommon, MegaVoided uint64
}

// ReadMiner reads a miner.
func ReadMiner(b []byte) (m Miner, err error) {
	err = read("a miner", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return text(&m.Owner, f)
		case 2:
			return text(&m.Hot, f)
		case 3:
			return hash(&m.Executor, f)
		case 4:
			return number(&m.Bond, f)
		case 5:
			return number(&m.Locked, f)
		case 8:
			return small(&m.OpenClaims, f)
		case 9:
			return truth(&m.Retired, f)
		case 10:
			return truth(&m.Barred, f)
		case 11:
			return height(&m.Registered, f)
		case 12:
			return number(&m.MegaPaid, f)
		case 13:
			return number(&m.MegaAudit, f)
		case 14:
			return number(&m.MegaCommon, f)
		case 15:
			return number(&m.MegaVoided, f)
		}
		return nil
	})
	return m, err
}

// Mega is all that the miner was credited, ever, in millions of MACs. Sums of the
// chain stay at the largest number; so does this.
func (m Miner) Mega() uint64 {
	var sum, carry uint64
	for _, n := range [...]uint64{m.MegaPaid, m.MegaAudit, m.MegaCommon} {
		if sum, carry = bits.Add64(sum, n, 0); carry > 0 {
			return math.MaxUint64
		}
	}
	return sum
}

// JobOpen is the status of a job that may be claimed.
const JobOpen = 1

// Job is what the chain knows of a job beside its encoding.
type Job struct {
	ID     model.Hash
	Class  Class
	Model  model.Hash
	MACs   uint64
	Tip    uint64
	MaxFee uint64
	Status int
}

// ReadJob reads a job.
func ReadJob(b []byte) (j Job, err error) {
	err = read("a job", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return hash(&j.ID, f)
		case 2:
			return enum(&j.Class, f)
		case 3:
			return hash(&j.Model, f)
		case 5:
			return number(&j.MACs, f)
		case 7:
			return number(&j.Tip, f)
		case 8:
			return number(&j.MaxFee, f)
		case 9:
			return small(&j.Status, f)
		}
		return nil
	})
	return j, err
}

// Assignment hands an audit or a commons job to one miner.
type Assignment struct {
	ID             uint64
	Class          Class
	Owner          string
	Job            model.Hash // of an audit
	Project, Index uint64     // of a commons job
	Expires        int64      // last height at which it may be claimed
}

// ReadAssignment reads an assignment.
func ReadAssignment(b []byte) (a Assignment, err error) {
	err = read("an assignment", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return number(&a.ID, f)
		case 2:
			return enum(&a.Class, f)
		case 3:
			return text(&a.Owner, f)
		case 4:
			return hash(&a.Job, f)
		case 5:
			return number(&a.Project, f)
		case 6:
			return number(&a.Index, f)
		case 7:
			return height(&a.Expires, f)
		}
		return nil
	})
	return a, err
}

// Status is how far a claim is.
type Status int32

// The statuses of a claim, as the chain numbers them.
const (
	Waiting   Status = 1 + iota // for its beacon
	Open                        // may be mined
	Delivered                   // its receipt is there, trials are under way
	Settled
	Lost     // no receipt in time, or a wrong one
	Returned // the beacon never came
)

// String is the status in a word.
func (s Status) String() string {
	switch s {
	case Waiting:
		return "waiting for its beacon"
	case Open:
		return "open"
	case Delivered:
		return "delivered"
	case Settled:
		return "settled"
	case Lost:
		return "lost"
	case Returned:
		return "returned"
	}
	return "unknown"
}

// Claim is a job that an executor has taken.
type Claim struct {
	Name           model.Hash
	Job            model.Hash
	Class          Class
	Owner          string
	Executor       work.Key
	Model          model.Hash
	Height         int64 // of its inclusion
	Prefix         int
	Beacon, ID     model.Hash // zero while waiting
	Opens, Closes  int64
	Deposit        uint64
	Status         Status
	Tickets        int // included
	MACs           uint64
	Target         model.Hash
	TicketMACs     uint64 // credited for a ticket
	Reason         string
	Delivered      int64
	Project, Index uint64
}

// ReadClaim reads a claim.
func ReadClaim(b []byte) (c Claim, err error) {
	err = read("a claim", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return hash(&c.Name, f)
		case 2:
			return hash(&c.Job, f)
		case 3:
			return enum(&c.Class, f)
		case 4:
			return text(&c.Owner, f)
		case 5:
			return hash(&c.Executor, f)
		case 6:
			return hash(&c.Model, f)
		case 7:
			return height(&c.Height, f)
		case 8:
			return small(&c.Prefix, f)
		case 9:
			return hash(&c.Beacon, f)
		case 10:
			return hash(&c.ID, f)
		case 11:
			return height(&c.Opens, f)
		case 12:
			return height(&c.Closes, f)
		case 13:
			return number(&c.Deposit, f)
		case 14:
			return enum(&c.Status, f)
		case 15:
			return small(&c.Tickets, f)
		case 17:
			return number(&c.MACs, f)
		case 20:
			return number(&c.Project, f)
		case 21:
			return number(&c.Index, f)
		case 22:
			return hash(&c.Target, f)
		case 23:
			return number(&c.TicketMACs, f)
		case 24:
			return text(&c.Reason, f)
		case 25:
			return height(&c.Delivered, f)
		}
		return nil
	})
	return c, err
}

// TicketStatus is what became of a ticket.
type TicketStatus int32

// The statuses of a ticket, as the chain numbers them.
const (
	TicketPending TicketStatus = 1 + iota
	TicketValid
	TicketVoid
	TicketUndecided
	TicketCredited
)

// Ticket is a ticket as the chain keeps it.
type Ticket struct {
	Nullifier model.Hash
	Claim     model.Hash
	Height    int64
	MACs      uint64
	Status    TicketStatus
	Reason    string
}

// ReadTicket reads a ticket.
func ReadTicket(b []byte) (t Ticket, err error) {
	err = read("a ticket", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return hash(&t.Nullifier, f)
		case 2:
			return hash(&t.Claim, f)
		case 3:
			return height(&t.Height, f)
		case 4:
			return number(&t.MACs, f)
		case 6:
			return enum(&t.Status, f)
		case 7:
			return text(&t.Reason, f)
		}
		return nil
	})
	return t, err
}
