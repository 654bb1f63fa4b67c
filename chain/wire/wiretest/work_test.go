package wiretest_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/power"
	"hearth/chain/wire"
	"hearth/chain/work"
)

func TestMessagesOfMinersAndClients(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := func(name string) []byte { return rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, name) }
		many := func(name string) [][]byte {
			return rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 40), 0, 4).Draw(t, name)
		}
		owner, hot := keys().Draw(t, "owner").Address(), keys().Draw(t, "hot").Address()
		executor := [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "executor"))
		amount, tip := rapid.Uint64().Draw(t, "amount"), rapid.Uint64().Draw(t, "tip")
		a, b, list := data("first"), data("second"), many("list")
		truth := rapid.Bool().Draw(t, "truth")

		same(t, wire.RegisterMiner(owner, hot, executor, a, amount), &work.MsgRegisterMiner{Owner: owner.String(), Hot: hot.String(), Executor: executor[:], Proof: a, Bond: amount})
		same(t, wire.SetKeys(owner, hot, executor, a), &work.MsgSetKeys{Owner: owner.String(), Hot: hot.String(), Executor: executor[:], Proof: a})
		same(t, wire.Bond(owner, amount), &work.MsgBond{Owner: owner.String(), Amount: amount})
		same(t, wire.Unbond(owner, amount), &work.MsgUnbond{Owner: owner.String(), Amount: amount})
		same(t, wire.Retire(owner, truth), &work.MsgRetire{Owner: owner.String(), Retired: truth})
		same(t, wire.PostJob(owner, a, amount, tip), &work.MsgPostJob{Client: owner.String(), Job: a, MaxFee: amount, Tip: tip})
		same(t, wire.CancelJob(owner, a), &work.MsgCancelJob{Client: owner.String(), Id: a})
		same(t, wire.Claim(hot, wire.Take{Job: a}, wire.Take{Assignment: amount, Encoding: b, Proof: list}),
			&work.MsgClaim{Hot: hot.String(), Takes: []work.Take{{Job: a}, {Assignment: amount, Encoding: b, Proof: list}}})
		same(t, wire.SubmitTickets(hot, a, list...), &work.MsgSubmitTickets{Hot: hot.String(), Claim: a, Tickets: list})
		same(t, wire.Deliver(hot, a, b), &work.MsgDeliver{Hot: hot.String(), Claim: a, Receipt: b})
		same(t, wire.AssignPower(owner, hot), &power.MsgAssign{Owner: owner.String(), Validator: hot.String()})
	})
}

func TestExecutorsSayWhatTheChainExpects(t *testing.T) {
	owner := key(t, 1).Address()
	if got, want := wire.ExecutorStatement("hearth-1", owner), work.ExecutorMessage("hearth-1", owner.String()); !bytes.Equal(got, want) {
		t.Errorf("the statement is %q, the chain expects %q", got, want)
	}
}
