package work_test

import (
	"crypto/ed25519"
	"slices"
	"testing"

	"hearth/chain/work"
	format "hearth/work"
)

// ready is a world with a miner whose claim of a text is open, and mined.
type ready struct {
	*world
	m   *machine
	job []byte
	key []byte
	y   *yield
}

// claimed brings a job of a client to an open window, mined by its miner.
func claimed(t testing.TB, p work.Params) *ready {
	t.Helper()
	r := &ready{world: newWorld(t, p)}
	r.m = r.embedder()
	r.aim(1 << 22)
	r.register("miner", 20e6)
	r.block(func() { r.job = r.post("client", r.m.text(1, 40), 5000, 700) })
	r.block(func() { r.key = r.take("miner", r.job) })
	r.blocks(2)
	r.y = r.mine(r.m, "miner", r.key)
	if len(r.y.tickets) < 4 {
		t.Fatalf("mining yielded %d tickets", len(r.y.tickets))
	}
	return r
}

func (r *ready) submission(tickets ...[]byte) *work.MsgSubmitTickets {
	return &work.MsgSubmitTickets{Hot: address("hot miner"), Claim: r.key, Tickets: tickets}
}

// altered is a ticket changed and signed anew.
func (r *ready) altered(i int, change func(*format.Ticket)) []byte {
	x := *r.y.tickets[i]
	x.Row = append([]uint8(nil), x.Row...)
	change(&x)
	x.Sign(executor("miner"))
	return x.Encode()
}

func TestWhoMayBeAMiner(t *testing.T) {
	w := newWorld(t, easy())
	w.fund("miner", 100e6)
	w.fund("other", 100e6)
	w.block(func() {
		for name, c := range map[string]struct {
			change func(*work.MsgRegisterMiner)
			want   error
		}{
			"a bond below the least":             {func(m *work.MsgRegisterMiner) { m.Bond = easy().MinerBond - 1 }, work.ErrBond},
			"no address":                         {func(m *work.MsgRegisterMiner) { m.Hot = "hearth1nobody" }, work.ErrAddress},
			"the owner's own key as the hot key": {func(m *work.MsgRegisterMiner) { m.Hot = m.Owner }, work.ErrKeys},
			"a short key":                        {func(m *work.MsgRegisterMiner) { m.Executor = m.Executor[:31] }, work.ErrKeys},
			"a key that anybody can sign for":    {func(m *work.MsgRegisterMiner) { m.Executor = append([]byte{1}, make([]byte, 31)...) }, work.ErrKeys},
			"a key without its signature":        {func(m *work.MsgRegisterMiner) { m.Proof[3]++ }, work.ErrKeys},
			"a signature for another owner": {func(m *work.MsgRegisterMiner) {
				m.Proof = ed25519.Sign(executor("miner"), work.ExecutorMessage(chainID, address("other")))
			}, work.ErrKeys},
			"a signature for another chain": {func(m *work.MsgRegisterMiner) {
				m.Proof = ed25519.Sign(executor("miner"), work.ExecutorMessage("hearth-1", address("miner")))
			}, work.ErrKeys},
		} {
			msg := registration("miner", 20e6)
			c.change(msg)
			if _, err := tx(w, w.msgs.RegisterMiner, msg); !isA(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
		}
		must(w, w.msgs.RegisterMiner, registration("miner", 20e6))
		refused(w, work.ErrMiner, w.msgs.RegisterMiner, registration("miner", 20e6))

		// Keys of one miner are no other's, now or later.
		stolen := registration("other", 20e6)
		stolen.Hot = address("hot miner")
		refused(w, work.ErrKeys, w.msgs.RegisterMiner, stolen)
		key := executor("next")
		must(w, w.msgs.SetKeys, &work.MsgSetKeys{
			Owner: address("miner"), Hot: address("hot next"), Executor: key.Public().(ed25519.PublicKey),
			Proof: ed25519.Sign(key, work.ExecutorMessage(chainID, address("miner"))),
		})
		old := registration("other", 20e6)
		old.Executor = executor("miner").Public().(ed25519.PublicKey)
		old.Proof = ed25519.Sign(executor("miner"), work.ExecutorMessage(chainID, address("other")))
		refused(w, work.ErrKeys, w.msgs.RegisterMiner, old)
		old = registration("other", 20e6)
		old.Hot = address("hot miner") // which nobody has any more
		must(w, w.msgs.RegisterMiner, old)
	})
}

func TestABondLeavesSlowlyAndNotBelowWhatIsNeeded(t *testing.T) {
	w := newWorld(t, easy())
	w.block(func() { w.register("miner", 25e6) })
	out := func(n uint64) *work.MsgUnbond { return &work.MsgUnbond{Owner: address("miner"), Amount: n} }
	w.block(func() {
		refused(w, work.ErrBond, w.msgs.Unbond, out(0))
		refused(w, work.ErrBond, w.msgs.Unbond, out(26e6))
		refused(w, work.ErrBond, w.msgs.Unbond, out(16e6)) // less than a miner's bond would be left
		must(w, w.msgs.Unbond, out(15e6))
	})
	if m := w.miner("miner"); m.Bond != 10e6 || m.Unbonding != 15e6 || m.Barred || m.Seat != 1 {
		t.Errorf("got %+v", m)
	}
	w.blocks(int(easy().Unbonding) - 1)
	if got := w.balance("miner"); got != 0 {
		t.Errorf("%d came out early", got)
	}
	w.block()
	if got := w.balance("miner"); got != 15e6 {
		t.Errorf("%d came out, want 15000000", got)
	}
	w.block(func() {
		must(w, w.msgs.Retire, &work.MsgRetire{Owner: address("miner"), Retired: true})
		must(w, w.msgs.Unbond, out(10e6))
	})
	if m := w.miner("miner"); m.Bond != 0 || !m.Barred || m.Seat != 0 {
		t.Errorf("got %+v", m)
	}
	w.blocks(int(easy().Unbonding))
	if got := w.balance("miner"); got != 25e6 {
		t.Errorf("%d came out in all, want 25000000", got)
	}
}

func TestWhichJobsAreTaken(t *testing.T) {
	w := newWorld(t, easy())
	m := w.embedder()
	w.fund("client", 1e9)
	post := func(j format.Job, fee, tip uint64) *work.MsgPostJob {
		return &work.MsgPostJob{Client: address("client"), Job: j.Encode(), MaxFee: fee, Tip: tip}
	}
	good := m.text(1, 40)
	w.block(func() {
		for name, c := range map[string]func(*work.MsgPostJob, *format.Job){
			"a private job":                  func(p *work.MsgPostJob, j *format.Job) { j.Public, j.Salt = false, [32]byte{1}; p.Job = j.Encode() },
			"an answer of an encoder":        func(p *work.MsgPostJob, j *format.Job) { j.Most = 5; p.Job = j.Encode() },
			"more tokens than the model has": func(p *work.MsgPostJob, j *format.Job) { *j = m.text(1, 97); p.Job = j.Encode() },
			"another model":                  func(p *work.MsgPostJob, j *format.Job) { j.Model[0]++; p.Job = j.Encode() },
			"a seed where nothing is drawn":  func(p *work.MsgPostJob, j *format.Job) { j.Seed[0]++; p.Job = j.Encode() },
			"a word beyond the vocabulary":   func(p *work.MsgPostJob, j *format.Job) { j.Prompt[3] = 120; p.Job = j.Encode() },
			"bytes left over":                func(p *work.MsgPostJob, _ *format.Job) { p.Job = append(p.Job, 0) },
			"no job":                         func(p *work.MsgPostJob, _ *format.Job) { p.Job = nil },
			"very long":                      func(p *work.MsgPostJob, _ *format.Job) { p.Job = make([]byte, 1<<20) },
			"too much of a tip":              func(p *work.MsgPostJob, _ *format.Job) { p.Tip = 1e13 },
		} {
			msg, job := post(good, 10, 10), m.text(1, 40)
			c(msg, &job)
			if _, err := tx(w, w.msgs.PostJob, msg); !isA(err, work.ErrJob) {
				t.Errorf("%s: got %v", name, err)
			}
		}
		refused(w, work.ErrFee, w.msgs.PostJob, post(good, 0, 700)) // nobody could claim it
		must(w, w.msgs.PostJob, post(good, 10, 20))
		refused(w, work.ErrJob, w.msgs.PostJob, post(good, 10, 20))
		id := good.ID()
		refused(w, work.ErrJob, w.msgs.CancelJob, &work.MsgCancelJob{Client: address("other"), Id: id[:]})
		must(w, w.msgs.CancelJob, &work.MsgCancelJob{Client: address("client"), Id: id[:]})
		if got := w.balance("client"); got != 1e9 {
			t.Errorf("a cancelled job cost %d", 1e9-got)
		}
		must(w, w.msgs.PostJob, post(good, 10, 20)) // what nobody claimed may come again
	})
	w.blocks(int(easy().JobTtl))
	if got := w.balance("client"); got != 1e9 {
		t.Errorf("a job that nobody took cost %d", 1e9-got)
	}
	id := good.ID()
	if j, err := w.keep.Job(w.ctx, id[:]); err != nil || j.Status != work.JOB_STATUS_EXPIRED {
		t.Errorf("the job is %v, %v", j.Status, err)
	}
}

func TestAHigherTipTakesThePlaceOfTheLowest(t *testing.T) {
	p := easy()
	p.MaxOpenJobs = 3
	w := newWorld(t, p)
	m := w.embedder()
	post := func(n, tokens int, tip uint64) *work.MsgPostJob {
		w.fund("client", 5000+tip)
		job := m.text(n, tokens)
		return &work.MsgPostJob{Client: address("client"), Job: job.Encode(), MaxFee: 5000, Tip: tip}
	}
	open := func() (tips []uint64) {
		out, err := w.asks.Jobs(w.ctx, &work.QueryJobsRequest{Status: work.JOB_STATUS_OPEN})
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range out.Jobs {
			tips = append(tips, j.Tip)
		}
		slices.Sort(tips)
		return tips
	}
	var long, low []byte
	w.block(func() {
		long = must(w, w.msgs.PostJob, post(1, 80, 500)).Id // the largest tip, for most work
		low = must(w, w.msgs.PostJob, post(2, 10, 100)).Id
		must(w, w.msgs.PostJob, post(3, 10, 200))
		// Spam that pays nothing, or as little as what is there, finds no room.
		refused(w, work.ErrTooMany, w.msgs.PostJob, post(4, 10, 0))
		j, err := w.keep.Job(w.ctx, long)
		if err != nil || j.Macs*100 < 500*w.jobMACs(low) {
			t.Fatalf("the long job has a higher rate than the other: %v", err)
		}
		before := w.balance("client")
		must(w, w.msgs.PostJob, post(5, 10, 300))
		// Its whole escrow is back, and what was posted paid for.
		if got := w.balance("client"); got != before+5500 {
			t.Errorf("the client has %d, had %d and was outbid with 5500 in escrow", got, before)
		}
	})
	if got := open(); !slices.Equal(got, []uint64{100, 200, 300}) {
		t.Errorf("open are jobs with tips of %v", got)
	}
	if j, err := w.keep.Job(w.ctx, long); err != nil || j.Status != work.JOB_STATUS_EXPIRED || j.Escrow != 0 {
		t.Errorf("the outbid job is %+v, %v", j, err)
	}
	w.block(func() {
		refused(w, work.ErrTooMany, w.msgs.PostJob, post(6, 10, 100)) // no more than the lowest
		must(w, w.msgs.PostJob, post(7, 10, 101))
		if j, err := w.keep.Job(w.ctx, low); err != nil || j.Status != work.JOB_STATUS_EXPIRED {
			t.Errorf("the lowest job is %v, %v", j.Status, err)
		}
		// What was outbid may come again, with more.
		must(w, w.msgs.PostJob, post(2, 10, 1000))
	})
	if got := open(); !slices.Equal(got, []uint64{200, 300, 1000}) {
		t.Errorf("open are jobs with tips of %v", got)
	}
	w.again()
}

func (w *world) jobMACs(id []byte) uint64 {
	w.t.Helper()
	j, err := w.keep.Job(w.ctx, id)
	if err != nil {
		w.t.Fatal(err)
	}
	return j.Macs
}

func TestWhoMayClaimWhat(t *testing.T) {
	p := easy()
	p.MaxOpenClaims = 3
	w := newWorld(t, p)
	m := w.embedder()
	w.register("miner", p.MinerBond+2*p.ClaimDeposit)
	w.register("rich", 50e6)
	var ids [][]byte
	w.block(func() {
		for n := range 5 {
			ids = append(ids, w.post("client", m.text(n+1, 70), 5000, 0))
		}
		ids = append(ids, w.post("client", m.text(9, 70), 2, 700)) // as much as it costs now
	})
	take := func(name string, jobs ...[]byte) *work.MsgClaim {
		msg := &work.MsgClaim{Hot: address("hot " + name)}
		for _, j := range jobs {
			msg.Takes = append(msg.Takes, work.Take{Job: j})
		}
		return msg
	}
	w.price(30)
	w.block(func() {
		refused(w, work.ErrNotFound, w.msgs.Claim, take("nobody", ids[0]))
		refused(w, work.ErrTooMany, w.msgs.Claim, take("miner"))
		refused(w, work.ErrNotFound, w.msgs.Claim, take("miner", make([]byte, 32)))
		refused(w, work.ErrFee, w.msgs.Claim, take("miner", ids[5]))           // the fee has risen
		refused(w, work.ErrClaim, w.msgs.Claim, take("miner", ids[0], ids[0])) // once
		refused(w, work.ErrClaim, w.msgs.Claim, &work.MsgClaim{Hot: address("hot miner"), Takes: []work.Take{{Job: ids[0], Assignment: 1}}})
		refused(w, work.ErrNotFound, w.msgs.Claim, &work.MsgClaim{Hot: address("hot miner"), Takes: []work.Take{{Assignment: 1}}})
		refused(w, work.ErrTooMany, w.msgs.Claim, take("rich", ids[0], ids[1], ids[2], ids[3]))
		must(w, w.msgs.Claim, take("miner", ids[0]))
		refused(w, work.ErrClaim, w.msgs.Claim, take("rich", ids[0])) // another has it
		must(w, w.msgs.Retire, &work.MsgRetire{Owner: address("rich"), Retired: true})
		refused(w, work.ErrMiner, w.msgs.Claim, take("rich", ids[1]))
	})
	if got := w.miner("miner").OpenClaims; got != 1 {
		t.Errorf("the miner has %d claims", got)
	}
	if b := w.balance("client"); b > 5*5000 {
		t.Errorf("the client has %d", b)
	}
}

func TestADepositTakesFreeBond(t *testing.T) {
	p := easy()
	p.ClaimDeposit = p.MinerBond
	w := newWorld(t, p)
	m := w.embedder()
	w.register("miner", p.MinerBond+p.MinerBond/2)
	w.block(func() {
		first, second := w.post("client", m.text(1, 70), 5000, 0), w.post("client", m.text(2, 70), 5000, 0)
		w.take("miner", first)
		refused(w, work.ErrBond, w.msgs.Claim, &work.MsgClaim{Hot: address("hot miner"), Takes: []work.Take{{Job: second}}})
		must(w, w.msgs.Retire, &work.MsgRetire{Owner: address("miner"), Retired: true})
		refused(w, work.ErrBond, w.msgs.Unbond, &work.MsgUnbond{Owner: address("miner"), Amount: p.MinerBond/2 + 1})
		must(w, w.msgs.Unbond, &work.MsgUnbond{Owner: address("miner"), Amount: p.MinerBond / 2})
	})
}

func TestWhichTicketsAreIncluded(t *testing.T) {
	p := easy()
	p.MaxTicketsPerClaim, p.MaxTicketsPerBlock, p.MaxTicketsPerTx = 3, 3, 2
	r := claimed(t, p)
	r.register("other", 20e6)
	good := r.y.encoded(4)
	r.block(func() {
		for name, c := range map[string]struct {
			msg  *work.MsgSubmitTickets
			want error
		}{
			"none":             {r.submission(), work.ErrTooMany},
			"three at a time":  {r.submission(good[:3]...), work.ErrTooMany},
			"twice in one":     {r.submission(good[0], good[0]), work.ErrNullifier},
			"cut short":        {r.submission(good[0][:len(good[0])-1]), work.ErrTicket},
			"nothing":          {r.submission(nil), work.ErrTicket},
			"very long":        {r.submission(make([]byte, 1<<20)), work.ErrTicket},
			"no such claim":    {&work.MsgSubmitTickets{Hot: address("hot miner"), Claim: []byte{1}, Tickets: good[:1]}, work.ErrNotFound},
			"another's claim":  {&work.MsgSubmitTickets{Hot: address("hot other"), Claim: r.key, Tickets: good[:1]}, work.ErrClaim},
			"an unsigned one":  {r.submission(append(good[0][:len(good[0])-1:len(good[0])-1], good[0][len(good[0])-1]^1)), work.ErrTicket},
			"the wrong claim":  {r.submission(r.altered(0, func(x *format.Ticket) { x.Claim[0]++ })), work.ErrTicket},
			"layer 0's first":  {r.submission(r.altered(0, func(x *format.Ticket) { x.At.Layer, x.At.Kind = 0, 0 })), work.ErrTicket},
			"a tile too far":   {r.submission(r.altered(0, func(x *format.Ticket) { x.Tile = 1 << 20 })), work.ErrTicket},
			"a row beyond 95":  {r.submission(r.altered(0, func(x *format.Ticket) { x.Row[3] = 250 })), work.ErrTicket},
			"a place not read": {r.submission(r.altered(0, func(x *format.Ticket) { x.Position = 40 })), work.ErrTicket},
		} {
			if _, err := tx(r.world, r.msgs.SubmitTickets, c.msg); !isA(err, c.want) {
				t.Errorf("%s: got %v, want %v", name, err, c.want)
			}
			if err := r.keep.Tier0(r.ctx, c.msg, r.ctx.BlockHeight(), r.m.benches); !isA(err, c.want) {
				t.Errorf("%s: tier 0: got %v, want %v", name, err, c.want)
			}
		}
		must(r.world, r.msgs.SubmitTickets, r.submission(good[0]))
		refused(r.world, work.ErrNullifier, r.msgs.SubmitTickets, r.submission(good[0]))
		// The same attempt with another signature is the same ticket.
		refused(r.world, work.ErrNullifier, r.msgs.SubmitTickets, r.submission(r.altered(0, func(x *format.Ticket) { x.Row[0] ^= 1 })))
		must(r.world, r.msgs.SubmitTickets, r.submission(good[1:3]...))
		refused(r.world, work.ErrTooMany, r.msgs.SubmitTickets, r.submission(good[3]))
	})
	r.block(func() { r.deliver("miner", r.key, r.y.receipt) })
	r.block(func() {
		refused(r.world, work.ErrWindow, r.msgs.SubmitTickets, r.submission(good[3])) // what is delivered is complete
		refused(r.world, work.ErrWindow, r.msgs.Deliver, r.delivery("miner", r.key, r.y.receipt))
	})
}

// A block may hold a ticket that does not win only if its proposer and more
// than two thirds of power let it pass. Tier 0 sees it where the weights are,
// the trial in any case.
func TestATicketThatDoesNotWinIsSeenByWhoHasTheWeights(t *testing.T) {
	r := claimed(t, easy())
	msg := r.submission(r.altered(0, func(x *format.Ticket) { x.Row[7] ^= 1 }))
	next := r.ctx.BlockHeight() + 1
	if err := r.keep.Tier0(r.ctx, msg, next, r.m.benches); !isA(err, work.ErrTicket) {
		t.Errorf("a node with the weights: %v", err)
	}
	nowhere := func(*format.Model) (work.Bench, bool) { return nil, false }
	if err := r.keep.Tier0(r.ctx, msg, next, nowhere); err != nil {
		t.Errorf("a node without: %v", err)
	}
	if err := r.keep.Tier0(r.ctx, r.submission(r.y.encoded(1)...), next-1, r.m.benches); !isA(err, work.ErrWindow) {
		t.Errorf("a block too early: %v", err)
	}
}

func TestWhichReceiptsAreTaken(t *testing.T) {
	p := easy()
	p.AuditPermille = 30
	r := claimed(t, p)
	other := *r.y.receipt
	other.Trace[0]++ // its signature does not hold any more
	bare := *r.y.receipt
	bare.Disclosed = nil
	r.block(func() {
		refused(r.world, work.ErrReceipt, r.msgs.Deliver, r.delivery("miner", r.key, &other))
		refused(r.world, work.ErrReceipt, r.msgs.Deliver, r.delivery("miner", r.key, &bare))
		spaced := r.delivery("miner", r.key, r.y.receipt)
		spaced.Receipt = append(spaced.Receipt, '\n')
		refused(r.world, work.ErrReceipt, r.msgs.Deliver, spaced)
		long := &work.MsgDeliver{Hot: address("hot miner"), Claim: r.key, Receipt: make([]byte, 1<<20)}
		refused(r.world, work.ErrReceipt, r.msgs.Deliver, long)
		long.Receipt = nil
		refused(r.world, work.ErrReceipt, r.msgs.Deliver, long)
		refused(r.world, work.ErrNotFound, r.msgs.Deliver, r.delivery("nobody", r.key, r.y.receipt))

		// A receipt of the same output by another executor, and one without a trace.
		stolen, err := format.NewReceipt(r.m.registered, &r.y.claim.Job, r.y.output, nil, executor("miner"))
		if err != nil {
			t.Fatal(err)
		}
		refused(r.world, work.ErrReceipt, r.msgs.Deliver, r.delivery("miner", r.key, stolen))
		r.deliver("miner", r.key, r.y.receipt)
	})
	if c := r.claim(r.key); c.Status != work.CLAIM_STATUS_SETTLED {
		t.Errorf("a claim without tickets is %v when it is delivered", c.Status)
	}
	if got := r.balance("miner"); got != 700 {
		t.Errorf("the miner has %d of a tip of 700", got)
	}
}

func TestAClaimThatIsNotDeliveredIsLost(t *testing.T) {
	r := claimed(t, easy())
	r.block(func() { must(r.world, r.msgs.SubmitTickets, r.submission(r.y.encoded(3)...)) })
	before, burned := r.balance("client"), r.tally().Burned
	r.blocks(int(easy().Window))
	if c := r.claim(r.key); c.Status != work.CLAIM_STATUS_LOST || c.Reason == "" {
		t.Errorf("the claim is %v: %q", c.Status, c.Reason)
	}
	// The client has lost nothing: the base fee comes out of the deposit.
	if burned == 0 || before != 5000-burned {
		t.Fatalf("%d were burned at the claim, and the client has %d", burned, before)
	}
	if got := r.tally(); got.JobsLost != 1 || got.TicketsVoided != 3 || got.Burned != easy().ClaimDeposit {
		t.Errorf("the tally is %+v: fee and the rest of the deposit are burned", got)
	}
	if got := r.balance("client"); got != 5000+700 {
		t.Errorf("the client has %d of 5700", got)
	}
	if m := r.miner("miner"); m.Bond != 20e6-easy().ClaimDeposit || m.Locked != 0 || m.MegaVoided != 3*r.claim(r.key).TicketMacs/1_000_000 {
		t.Errorf("the miner is left with %+v", m)
	}
	out, err := r.asks.Claim(r.ctx, &work.QueryClaimRequest{Key: hexed(r.key)})
	if err != nil || len(out.Tickets) != 3 || out.Tickets[0].Reason != "not delivered in time" {
		t.Errorf("its tickets are %+v, %v", out, err)
	}
	r.block(func() { refused(r.world, work.ErrWindow, r.msgs.Deliver, r.delivery("miner", r.key, r.y.receipt)) })
}

// A deposit that is smaller than the fee, or less than is left of the bond, pays
// back what there is. A wrong receipt is no delivery either.
func TestADepositPaysNoMoreBackThanItIs(t *testing.T) {
	for name, c := range map[string]struct {
		deposit uint64
		lie     bool
	}{"not delivered": {deposit: 2}, "a wrong receipt": {deposit: 2, lie: true}, "a large deposit and a wrong receipt": {deposit: 50, lie: true}} {
		t.Run(name, func(t *testing.T) {
			p := easy()
			p.ClaimDeposit = c.deposit
			r := &ready{world: newWorld(t, p)}
			r.m = r.embedder()
			r.aim(1 << 22)
			r.register("miner", 20e6)
			r.block(func() { r.job = r.post("client", r.m.text(1, 40), 5000, 700) })
			r.price(100)
			r.block(func() { r.key = r.take("miner", r.job) })
			job, err := r.keep.Job(r.ctx, r.job)
			if err != nil || job.Fee <= 2 || job.Fee >= 50 || r.balance("client") != 5000-job.Fee {
				t.Fatalf("the job is %+v, %v", job, err)
			}
			r.blocks(2)
			if c.lie {
				r.y = r.mine(r.m, "miner", r.key)
				r.block(func() {
					must(r.world, r.msgs.SubmitTickets, r.submission(r.y.encoded(1)...))
					r.deliver("miner", r.key, lie(t, r.y, "miner"))
				})
				r.try(r.m, r.key)
			} else {
				r.blocks(int(p.Window) + 1)
			}
			if got := r.claim(r.key).Status; got != work.CLAIM_STATUS_LOST {
				t.Fatalf("the claim is %v", got)
			}
			if got, want := r.balance("client"), 5700-job.Fee+min(c.deposit, job.Fee); got != want {
				t.Errorf("the client has %d, want %d", got, want)
			}
		})
	}
}

// Who is client and claimant at once gains nothing by not delivering: the fee is
// burned all the same, or the deposit, whichever is more.
func TestNotDeliveringOnesOwnJobCostsFeeOrDeposit(t *testing.T) {
	for _, deposit := range []uint64{1, 100_000} {
		p := easy()
		p.ClaimDeposit = deposit
		w := newWorld(t, p)
		m := w.embedder()
		w.register("miner", 20e6)
		w.block(func() { w.take("miner", w.post("miner", m.text(1, 40), 5000, 700)) })
		fee := w.tally().Burned
		w.blocks(int(p.Window) + 4)
		if got := w.balance("miner") + w.miner("miner").Bond; got != 20e6+5700-max(fee, deposit) || fee == 0 {
			t.Errorf("of %d there are %d left: the fee is %d, the deposit %d", uint64(20e6+5700), got, fee, deposit)
		}
	}
}

func TestAClaimWhoseBeaconNeverComesIsHandedBack(t *testing.T) {
	w := newWorld(t, easy())
	m := w.embedder()
	w.register("miner", 20e6)
	w.beacon.silent = true
	var job, key []byte
	w.block(func() { job = w.post("client", m.text(1, 40), 5000, 700) })
	w.block(func() { key = w.take("miner", job) })
	fee := w.tally().Burned
	w.blocks(int(easy().BeaconWait))
	if c := w.claim(key); c.Status != work.CLAIM_STATUS_RETURNED {
		t.Fatalf("the claim is %v", c.Status)
	}
	if got := w.balance("client"); got != 5700-fee {
		t.Errorf("the client has %d of 5700, %d were burned", got, fee)
	}
	if m := w.miner("miner"); m.Bond != 20e6 || m.Locked != 0 {
		t.Errorf("the miner is left with %+v", m)
	}
	w.beacon.silent = false
	// Nothing can have been mined, so the same job may come again.
	w.register("other", 20e6)
	w.block(func() {
		again := w.post("client", m.text(1, 40), 5000, 700)
		refused(w, work.ErrClaim, w.msgs.Claim, &work.MsgClaim{Hot: address("hot miner"), Takes: []work.Take{{Job: again}}})
		w.take("other", again)
	})
}

func TestBeginningsThatOthersMineEarnNothing(t *testing.T) {
	w := newWorld(t, easy())
	m := w.writer()
	w.register("miner", 20e6)
	w.register("other", 20e6)
	answer := func(seed byte) format.Job {
		prompt := make([]int32, 100)
		for i := range prompt {
			prompt[i] = int32(1 + i)
		}
		prompt[99] += int32(seed)
		return format.Job{Model: m.registered.ID(), Public: true, Prompt: prompt, Most: 4}
	}
	var first, second, third []byte
	w.block(func() {
		a, b := w.post("client", answer(0), 50000, 0), w.post("client", answer(1), 50000, 0)
		first, second = w.take("miner", a), w.take("other", b)
	})
	if got := [2]uint32{w.claim(first).Prefix, w.claim(second).Prefix}; got != [2]uint32{0, 64} {
		t.Errorf("the prefixes are %v, want 0 and 64: the first 64 tokens are the same", got)
	}
	w.blocks(int(easy().Window) + 3) // both are lost
	w.block(func() { third = w.take("miner", w.post("client", answer(2), 50000, 0)) })
	if got := w.claim(third).Prefix; got != 0 {
		t.Errorf("nobody mines the beginning any more, and the prefix is %d", got)
	}
	// A prompt that is all of another claim's has nothing new.
	same := answer(2)
	same.Most = 5
	w.block(func() {
		id := w.post("client", same, 50000, 0)
		refused(w, work.ErrClaim, w.msgs.Claim, &work.MsgClaim{Hot: address("hot other"), Takes: []work.Take{{Job: id}}})
	})
}

func TestOnlyGovernanceChangesParameters(t *testing.T) {
	w := newWorld(t, easy())
	p := easy()
	p.Window = 33
	w.block(func() {
		refused(w, work.ErrAuthority, w.msgs.UpdateParams, &work.MsgUpdateParams{Authority: address("miner"), Params: p})
		bad := p
		bad.ClaimDeposit = bad.MinerBond + 1
		refused(w, work.ErrParams, w.msgs.UpdateParams, &work.MsgUpdateParams{Authority: address("gov"), Params: bad})
		bad = p
		bad.Window = -1
		refused(w, work.ErrParams, w.msgs.UpdateParams, &work.MsgUpdateParams{Authority: address("gov"), Params: bad})
		must(w, w.msgs.UpdateParams, &work.MsgUpdateParams{Authority: address("gov"), Params: p})
	})
	if got, err := w.keep.Params(w.ctx); err != nil || got != p {
		t.Errorf("got %+v, %v", got, err)
	}
	for name, p := range map[string]work.Params{"the real network's": work.DefaultParams(), "a devnet's": work.FastParams()} {
		if err := p.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A node without weights cannot tell which tickets win: it must not take more of
// them into its pool than the claim may have.
func TestAPoolHoldsNoMoreTicketsThanAClaimMayHave(t *testing.T) {
	p := easy()
	p.MaxTicketsPerClaim = 2
	r := claimed(t, p)
	next := r.ctx.BlockHeight() + 1
	pool, _ := r.ctx.CacheContext()
	for i, want := range []error{nil, nil, work.ErrTooMany} {
		if err := r.keep.Pool(pool, r.submission(r.y.encoded(3)[i]), next); !isA(err, want) {
			t.Errorf("ticket %d: %v", i+1, err)
		}
	}
	if err := r.keep.Pool(r.ctx, r.submission(r.y.encoded(1)...), r.claim(r.key).Closes+1); !isA(err, work.ErrWindow) {
		t.Errorf("after the window: %v", err)
	}
}
