package work_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/cosmos/cosmos-sdk/runtime"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	"pgregory.net/rapid"

	"hearth/chain/work"
	format "hearth/work"
)

// state is all that the module has in its store.
func (w *world) state() map[string]string {
	w.t.Helper()
	all := map[string]string{}
	store := runtime.NewKVStoreService(w.keys[work.ModuleName]).OpenKVStore(w.ctx)
	it, err := store.Iterator(nil, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	defer it.Close()
	for ; it.Valid(); it.Next() {
		all[string(it.Key())] = string(it.Value())
	}
	return all
}

// again begins a chain with what this one exports, and sees that nothing is
// missing.
func (w *world) again() {
	w.t.Helper()
	g, err := w.keep.ExportGenesis(w.ctx)
	if err != nil {
		w.t.Fatal(err)
	}
	text := w.cdc.MustMarshalJSON(g)
	before := w.state()
	store := w.ctx.MultiStore().GetKVStore(w.keys[work.ModuleName])
	clear(w.t, store)
	var read work.GenesisState
	w.cdc.MustUnmarshalJSON(text, &read)
	if err := w.keep.InitGenesis(w.ctx, &read); err != nil {
		w.t.Fatalf("begin with what was exported: %v", err)
	}
	after := w.state()
	for key, value := range before {
		if got, found := after[key]; !found || got != value {
			w.t.Fatalf("key %x is %x after export and import, was %x", key, got, value)
		}
	}
	if len(after) != len(before) {
		w.t.Fatalf("%d keys after export and import, were %d", len(after), len(before))
	}
	back, err := w.keep.ExportGenesis(w.ctx)
	if err != nil || !bytes.Equal(w.cdc.MustMarshalJSON(back), text) {
		w.t.Fatalf("the export of an import differs, %v", err)
	}
}

func clear(t testing.TB, store storetypes.KVStore) {
	t.Helper()
	var all [][]byte
	it := store.Iterator(nil, nil)
	for ; it.Valid(); it.Next() {
		all = append(all, bytes.Clone(it.Key()))
	}
	if err := it.Close(); err != nil {
		t.Fatal(err)
	}
	for _, key := range all {
		store.Delete(key)
	}
}

// network is a world in which everybody does what chance says.
type network struct {
	*world
	m      *machine
	rt     *rapid.T
	miners []string
	texts  int
	yields map[string]*yield
}

func (n *network) some(name string, most int) int { return rapid.IntRange(0, most).Draw(n.rt, name) }

// jobs are the ids of open jobs.
func (n *network) jobs() [][]byte {
	out, err := n.asks.Jobs(n.ctx, &work.QueryJobsRequest{Status: work.JOB_STATUS_OPEN})
	if err != nil {
		n.t.Fatal(err)
	}
	var ids [][]byte
	for _, j := range out.Jobs {
		ids = append(ids, j.Id)
	}
	return ids
}

// claims are the keys of claims with a status, and their miners.
func (n *network) claims(status work.ClaimStatus) (all []work.Claim) {
	out, err := n.asks.Claims(n.ctx, &work.QueryClaimsRequest{})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, c := range out.Claims {
		if c.Status == status {
			all = append(all, c)
		}
	}
	slices.SortFunc(all, func(a, b work.Claim) int { return bytes.Compare(a.Key, b.Key) })
	return all
}

func (n *network) nameOf(owner string) string {
	for _, name := range n.miners {
		if address(name) == owner {
			return name
		}
	}
	n.t.Fatalf("%s is nobody's address", owner)
	return ""
}

// mined is the yield of an open claim, computed once.
func (n *network) mined(c work.Claim) *yield {
	y := n.yields[string(c.Key)]
	if y == nil {
		y = n.mine(n.m, n.nameOf(c.Owner), c.Key)
		n.yields[string(c.Key)] = y
	}
	return y
}

func (n *network) step() {
	switch n.some("step", 9) {
	case 0, 1: // a client posts
		n.texts++
		job := n.m.text(n.texts, 8+n.some("length", 20))
		n.fund("client", 6000)
		_, _ = tx(n.world, n.msgs.PostJob, &work.MsgPostJob{Client: address("client"), Job: job.Encode(), MaxFee: uint64(n.some("fee", 5000)), Tip: uint64(n.some("tip", 1000))})
	case 2, 3: // a miner claims
		if jobs := n.jobs(); len(jobs) > 0 {
			name := n.miners[n.some("miner", len(n.miners)-1)]
			_, _ = tx(n.world, n.msgs.Claim, &work.MsgClaim{Hot: address("hot " + name), Takes: []work.Take{{Job: jobs[n.some("job", len(jobs)-1)]}}})
		}
	case 4: // a miner takes what was assigned
		name := n.miners[n.some("miner", len(n.miners)-1)]
		out, err := n.asks.Assignments(n.ctx, &work.QueryAssignmentsRequest{Owner: address(name)})
		if err != nil {
			n.t.Fatal(err)
		}
		for _, a := range out.Assignments {
			take := work.Take{Assignment: a.Id}
			if a.Class == work.CLASS_COMMONS {
				take.Encoding = n.commons.jobs[a.Index]
			}
			_, _ = tx(n.world, n.msgs.Claim, &work.MsgClaim{Hot: address("hot " + name), Takes: []work.Take{take}})
		}
	case 5, 6: // a miner sends tickets, right or forged, and delivers, right or wrong
		open := n.claims(work.CLAIM_STATUS_OPEN)
		if len(open) == 0 {
			return
		}
		c := open[n.some("claim", len(open)-1)]
		name, y := n.nameOf(c.Owner), n.mined(c)
		tickets := y.encoded(n.some("tickets", 3))
		if len(tickets) > 0 && n.some("forged", 4) == 0 {
			x := *y.tickets[0]
			x.Row = bytes.Clone(x.Row)
			x.Row[3] ^= 1
			x.Sign(executor(name))
			tickets[0] = x.Encode()
		}
		_, _ = tx(n.world, n.msgs.SubmitTickets, &work.MsgSubmitTickets{Hot: address("hot " + name), Claim: c.Key, Tickets: tickets})
		if n.some("deliver", 3) > 0 {
			r := y.receipt
			if n.some("lie", 5) == 0 {
				r = lie(n.t, y, name)
			}
			_, _ = tx(n.world, n.msgs.Deliver, n.delivery(name, c.Key, r))
		}
	case 7, 8: // validators judge, and reveal
		n.judge()
	case 9: // what is rare
		n.rare()
	}
}

func (n *network) judge() {
	out, err := n.asks.Trials(n.ctx, &work.QueryTrialsRequest{})
	if err != nil {
		n.t.Fatal(err)
	}
	for _, t := range out.Trials {
		if t.Closed {
			continue
		}
		v := n.verdict(n.m, t.Claim)
		for i := range 4 {
			msg := n.judgement(i, t.Claim, v)
			switch n.some("verdict", 12) {
			case 0:
				msg.Seal = make([]byte, 32)
			case 1:
				msg.ReceiptWrong = !msg.ReceiptWrong
			case 2:
				continue
			}
			_, _ = tx(n.world, n.msgs.Judge, msg)
		}
		_, _ = tx(n.world, n.msgs.Reveal, &work.MsgReveal{Validator: validator(n.some("who", 3)), Claim: t.Claim, Digest: v.Digest[:]})
	}
}

func (n *network) rare() {
	name := n.miners[n.some("miner", len(n.miners)-1)]
	switch n.some("rare", 6) {
	case 0:
		n.beacon.silent = !n.beacon.silent
	case 1:
		_, _ = tx(n.world, n.msgs.Retire, &work.MsgRetire{Owner: address(name), Retired: n.some("retired", 1) == 0})
	case 2:
		_, _ = tx(n.world, n.msgs.Unbond, &work.MsgUnbond{Owner: address(name), Amount: uint64(n.some("amount", 20e6))})
	case 3:
		n.fund(name, 10e6)
		_, _ = tx(n.world, n.msgs.Bond, &work.MsgBond{Owner: address(name), Amount: 10e6})
	case 4:
		index := len(n.commons.jobs)
		job := n.m.text(1000+n.texts, 8+index)
		n.commons.jobs = append(n.commons.jobs, job.Encode())
		if _, err := n.keep.Assign(n.ctx, work.Assignment{Class: work.CLASS_COMMONS, Project: 1, Index: uint64(index)}); err != nil {
			n.t.Fatal(err)
		}
	case 5:
		if jobs := n.jobs(); len(jobs) > 0 {
			_, _ = tx(n.world, n.msgs.CancelJob, &work.MsgCancelJob{Client: address("client"), Id: jobs[0]})
		}
	case 6:
		p, err := n.keep.Params(n.ctx)
		if err != nil {
			n.t.Fatal(err)
		}
		p.MaxOpenTrials = uint32(1 + n.some("trials", 3))
		p.AuditPermille = uint32(n.some("audits", 1000))
		p.Window = int64(3 + n.some("window", 10))
		must(n.world, n.msgs.UpdateParams, &work.MsgUpdateParams{Authority: address("gov"), Params: p})
	}
}

// hasty are parameters under which everything ends soon.
func hasty() work.Params {
	p := work.FastParams()
	p.AuditPermille, p.JobTtl, p.Window, p.BeaconWait = 500, 12, 6, 8
	p.VerdictPeriod, p.RevealPeriod, p.AssignmentTtl = 4, 3, 5
	p.Keep, p.Unbonding, p.MaxOpenClaims, p.MaxOpenTrials = 25, 40, 3, 2
	p.MaxOpenJobs = 3
	return p
}

// Whatever people do, every invariant holds after every block, coins vanish only
// where the tally says so, the state survives export and import key by key, and
// what was credited is what emission and power were told of.
func TestWhateverHappensTheInvariantsHold(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := &network{world: newWorld(t, hasty()), rt: rt, miners: []string{"ann", "bob", "cyd"}, yields: map[string]*yield{}}
		n.m = n.embedder()
		n.aim(format.MaxTileWork)
		for _, name := range n.miners {
			n.register(name, 25e6)
		}
		for range rapid.IntRange(10, 40).Draw(rt, "blocks") {
			n.block(func() {
				for range n.some("messages", 4) {
					n.step()
				}
			})
		}
		n.again()
		n.beacon.silent = false
		p, err := n.keep.Params(n.ctx)
		if err != nil {
			t.Fatal(err)
		}
		n.blocks(10*int(p.AssignmentTtl) + 3*int(p.Keep))
		n.ends()
	})
}

// ends sees that in the end nothing is under way, and that the books agree.
func (n *network) ends() {
	n.t.Helper()
	for _, s := range []work.ClaimStatus{work.CLAIM_STATUS_WAITING, work.CLAIM_STATUS_OPEN, work.CLAIM_STATUS_DELIVERED} {
		if left := n.claims(s); len(left) > 0 {
			n.t.Fatalf("claim %x is %v for ever", left[0].Key, s)
		}
	}
	tally := n.tally()
	var paid, counted, miners uint64
	for _, name := range n.miners {
		paid += n.emission.credited[address(name)]
		counted += n.power.credited[address(name)]
		m := n.miner(name)
		miners += m.MegaPaid + m.MegaAudit + m.MegaCommons
		if m.Locked != 0 || m.OpenClaims != 0 {
			n.t.Fatalf("%s is left with %+v", name, m)
		}
	}
	all := tally.MegaPaid + tally.MegaAudit + tally.MegaCommons
	if paid != all || counted != all || miners != all {
		n.t.Fatalf("%d million MACs are credited, emission was told of %d, power of %d, miners have %d", all, paid, counted, miners)
	}
	seen := map[string]bool{}
	for _, s := range n.commons.settled {
		var project, index uint64
		if _, err := fmt.Sscan(s, &project, &index); err != nil || seen[fmt.Sprint(index)] {
			n.t.Fatalf("the commons heard %v: each assignment ends once, %v", n.commons.settled, err)
		}
		seen[fmt.Sprint(index)] = true
	}
	if len(seen) != len(n.commons.jobs) {
		n.t.Fatalf("%d jobs of the commons were assigned, and %d ended", len(n.commons.jobs), len(seen))
	}
}
