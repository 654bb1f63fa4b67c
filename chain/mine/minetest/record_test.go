package minetest_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/chain/beacon"
	"hearth/chain/commons"
	"hearth/chain/emission"
	"hearth/chain/mine/record"
	registry "hearth/chain/model"
	chain "hearth/chain/work"
	"hearth/infer/model"
	"hearth/work"
)

// marshaler is a record as the chain writes it.
type marshaler interface{ Marshal() ([]byte, error) }

// reads compares what is read of a record that the chain wrote.
func reads[T any](t *testing.T, written marshaler, read func([]byte) (T, error), want T) {
	t.Helper()
	b, err := written.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(b)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%T: %v\n(-chain's +read):\n%s", written, err, diff)
	}
}

func fill(n byte) (h model.Hash) {
	for i := range h {
		h[i] = n
	}
	return h
}

func TestRecordsAreReadAsTheChainWritesThem(t *testing.T) {
	h := func(n byte) []byte { x := fill(n); return x[:] }
	reads(t, &chain.Claim{
		Key: h(1), Job: h(2), Class: chain.CLASS_COMMONS, Owner: "o", Executor: h(3), Model: h(4), Height: 5, Prefix: 6, Beacon: h(7), Id: h(8),
		Opens: 9, Closes: 10, Deposit: 11, Status: chain.CLAIM_STATUS_DELIVERED, Tickets: 12, Pending: 3, Macs: 13, Output: h(1), Trace: h(2),
		Project: 14, Index: 15, Target: h(16), TicketMacs: 17, Reason: "r", Delivered: 18, Draw: 19, Forgotten: 20, Attempt: 21,
	}, record.ReadClaim, record.Claim{
		Name: fill(1), Job: fill(2), Class: record.Common, Owner: "o", Executor: work.Key(fill(3)), Model: fill(4), Height: 5, Prefix: 6, Beacon: fill(7), ID: fill(8),
		Opens: 9, Closes: 10, Deposit: 11, Status: record.Delivered, Tickets: 12, MACs: 13, Project: 14, Index: 15, Target: fill(16), TicketMACs: 17, Reason: "r", Delivered: 18,
	})
	reads(t, &chain.Claim{}, record.ReadClaim, record.Claim{})
	reads(t, &chain.Miner{
		Owner: "o", Hot: "h", Executor: h(1), Bond: 2, Locked: 3, Unbonding: 4, UnbondsAt: 5, OpenClaims: 6, Retired: true, Barred: true, Registered: 7,
		MegaPaid: 8, MegaAudit: 9, MegaCommons: 10, MegaVoided: 11, Seat: 12,
	}, record.ReadMiner, record.Miner{
		Owner: "o", Hot: "h", Executor: work.Key(fill(1)), Bond: 2, Locked: 3, OpenClaims: 6, Retired: true, Barred: true, Registered: 7, MegaPaid: 8, MegaAudit: 9, MegaCommon: 10, MegaVoided: 11,
	})
	reads(t, &chain.Job{
		Id: h(1), Class: chain.CLASS_PAID, Model: h(2), Client: "c", Macs: 3, Escrow: 4, Tip: 5, MaxFee: 6, Status: chain.JOB_STATUS_OPEN, Posted: 7, Expires: 8,
	}, record.ReadJob, record.Job{ID: fill(1), Class: record.Paid, Model: fill(2), MACs: 3, Tip: 5, MaxFee: 6, Status: record.JobOpen})
	reads(t, &chain.Assignment{Id: 1, Class: chain.CLASS_AUDIT, Owner: "o", Job: h(2), Project: 3, Index: 4, Expires: 5, Attempt: 6, Awaits: 7},
		record.ReadAssignment, record.Assignment{ID: 1, Class: record.Audit, Owner: "o", Job: fill(2), Project: 3, Index: 4, Expires: 5})
	reads(t, &chain.Ticket{Nullifier: h(1), Claim: h(2), Height: 3, Macs: 4, Hash: h(5), Status: chain.TICKET_STATUS_CREDITED, Reason: "r", Layer: 1},
		record.ReadTicket, record.Ticket{Nullifier: fill(1), Claim: fill(2), Height: 3, MACs: 4, Status: record.TicketCredited, Reason: "r"})
	p := chain.DefaultParams()
	reads(t, &p, record.ReadParams, record.Params{
		MostClaims: int(p.MaxOpenClaims), MostClaimsPerTx: int(p.MaxClaimsPerTx), Window: p.Window, MostTicketsPerTx: int(p.MaxTicketsPerTx),
		GasPerTicket: p.GasPerTicket, MostTickets: int(p.MaxTicketsPerClaim), ClaimDeposit: p.ClaimDeposit, LeastBond: p.MinerBond, MostTicketsABlock: int(p.MaxTicketsPerBlock),
	})
	reads(t, &chain.Market{BaseFee: 1, ClaimedMacs: 2, TicketMacs: 3, Tickets: 4, Level: 5}, record.ReadMarket, record.Market{BaseFee: 1, TicketMACs: 3})
	reads(t, &registry.Model{Id: h(1), Name: "n", Licence: "l", Sources: []string{"a", "b"}, Deposit: 3}, record.ReadModel, record.Model{ID: fill(1), Name: "n", Sources: []string{"a", "b"}})
	reads(t, &commons.Project{Id: 1, Proposer: "p", Title: "t", JobsRoot: h(2), Jobs: 3, Sources: []string{"a"}, Budget: 4},
		record.ReadProject, record.Project{ID: 1, Title: "t", Root: fill(2), Jobs: 3, Sources: []string{"a"}})
	reads(t, &beacon.Value{Height: 1, Round: 2, Reveal: 3, Value: h(4), KnownAt: 5}, record.ReadBeaconValue, record.BeaconValue{Height: 1, Round: 2, Value: fill(4), KnownAt: 5})
	reads(t, &emission.Earned{Owner: "o", PaidOut: 1, Vesting: 2, Lost: 3}, record.ReadEarned, record.Earned{Owner: "o", PaidOut: 1, Vesting: 2, Lost: 3})
}

func TestNamesOfClaimsAreTheChains(t *testing.T) {
	job, executor := fill(1), fill(2)
	if got, want := record.ClaimName(job, work.Key(executor)), chain.ClaimKey(job[:], executor[:]); got != want {
		t.Errorf("%v, the chain has %v", got, want)
	}
}
