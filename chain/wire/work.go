package wire

import "slices"

// ExecutorStatement is what an executor's ed25519 key signs to show that it works
// for an owner on a chain.
func ExecutorStatement(chain string, owner Address) []byte {
	return slices.Concat([]byte("hearth executor 1\n"), []byte(chain), []byte("\n"), []byte(owner.String()))
}

// RegisterMiner makes an owner a miner with its hot keys and a first bond, in the
// coin's smallest unit. The proof is the executor's signature of its
// [ExecutorStatement]. The owner signs.
func RegisterMiner(owner, hot Address, executor [32]byte, proof []byte, bond uint64) Any {
	m := minerKeys(owner, hot, executor, proof)
	m.Uint(5, bond)
	return Any{Type: "/hearth.work.v1.MsgRegisterMiner", Value: m.b}
}

// SetKeys changes a miner's hot keys. Open claims keep their executor. The owner
// signs.
func SetKeys(owner, hot Address, executor [32]byte, proof []byte) Any {
	return Any{Type: "/hearth.work.v1.MsgSetKeys", Value: minerKeys(owner, hot, executor, proof).b}
}

func minerKeys(owner, hot Address, executor [32]byte, proof []byte) Message {
	var m Message
	m.Text(1, owner.String())
	m.Text(2, hot.String())
	m.Data(3, executor[:])
	m.Data(4, proof)
	return m
}

// Bond adds to a miner's bond. The owner signs.
func Bond(owner Address, amount uint64) Any {
	return Any{Type: "/hearth.work.v1.MsgBond", Value: amountOf(owner, amount).b}
}

// Unbond takes from a miner's bond, after the time that the chain keeps it. The
// owner signs.
func Unbond(owner Address, amount uint64) Any {
	return Any{Type: "/hearth.work.v1.MsgUnbond", Value: amountOf(owner, amount).b}
}

func amountOf(owner Address, amount uint64) Message {
	var m Message
	m.Text(1, owner.String())
	m.Uint(2, amount)
	return m
}

// Retire makes a miner claim no more, or again. The owner signs.
func Retire(owner Address, retired bool) Any {
	var m Message
	m.Text(1, owner.String())
	m.Bool(2, retired)
	return Any{Type: "/hearth.work.v1.MsgRetire", Value: m.b}
}

// PostJob offers a public job in its encoding (spec/work.md), with the most that
// is paid for it. The client signs.
func PostJob(client Address, job []byte, maxFee, tip uint64) Any {
	var m Message
	m.Text(1, client.String())
	m.Data(2, job)
	m.Uint(3, maxFee)
	m.Uint(4, tip)
	return Any{Type: "/hearth.work.v1.MsgPostJob", Value: m.b}
}

// CancelJob takes back a job that nobody has claimed. The client signs.
func CancelJob(client Address, id []byte) Any {
	var m Message
	m.Text(1, client.String())
	m.Data(2, id)
	return Any{Type: "/hearth.work.v1.MsgCancelJob", Value: m.b}
}

// A Take is one job that is claimed: a paid one by its ID, or one that was
// assigned by the assignment's number, from 1. Of a job for the commons the
// encoding and its proof in the project's tree are given too.
type Take struct {
	Job        []byte
	Assignment uint64
	Encoding   []byte
	Proof      [][]byte
}

// Claim takes jobs for the miner whose hot account signs.
func Claim(hot Address, takes ...Take) Any {
	var m Message
	m.Text(1, hot.String())
	for _, t := range takes {
		var one Message
		one.Data(1, t.Job)
		one.Uint(2, t.Assignment)
		one.Data(3, t.Encoding)
		for _, p := range t.Proof {
			one.Element(4, p)
		}
		m.Sub(2, one)
	}
	return Any{Type: "/hearth.work.v1.MsgClaim", Value: m.b}
}

// SubmitTickets hands in tickets of a claim, which is named by its key. The hot
// account signs.
func SubmitTickets(hot Address, claim []byte, tickets ...[]byte) Any {
	var m Message
	m.Text(1, hot.String())
	m.Data(2, claim)
	for _, t := range tickets {
		m.Element(3, t)
	}
	return Any{Type: "/hearth.work.v1.MsgSubmitTickets", Value: m.b}
}

// Deliver hands in the receipt of a claimed job. The hot account signs.
func Deliver(hot Address, claim, receipt []byte) Any {
	var m Message
	m.Text(1, hot.String())
	m.Data(2, claim)
	m.Data(3, receipt)
	return Any{Type: "/hearth.work.v1.MsgDeliver", Value: m.b}
}

// AssignPower lends the voting power of a miner's work to a validator, who is
// named by its operator's account. The owner signs.
func AssignPower(owner, validator Address) Any {
	var m Message
	m.Text(1, owner.String())
	m.Text(2, validator.String())
	return Any{Type: "/hearth.power.v1.MsgAssign", Value: m.b}
}
