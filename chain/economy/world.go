package economy

import (
	"math/rand/v2"

	"hearth/chain/emission/schedule"
	"hearth/chain/power/weight"
	"hearth/chain/work/market"
)

// class is what pays for a job.
type class uint8

const (
	paid class = iota
	commons
	classes
)

// job is work that somebody wants done.
type job struct {
	id     uint64
	macs   uint64
	class  class
	most   uint64 // base fee that its client burns at most, for 10^9 MACs
	by     *miner // client, if a miner deals with itself
	posted int
}

// miner is a machine with an account.
type miner struct {
	id     uint64
	rate   uint64 // MACs in a block
	attack Kind   // what it does instead of mining; Honest if nothing
	rng    *rand.Rand
	effort uint64 // to its next ticket

	work    job
	left    uint64 // of the job under way
	found   []uint64
	busy    bool
	locked  []int // squatters: blocks in which deposits are lost
	bond    uint64
	barred  bool
	seen    uint64
	spent   uint64          // burned before this day
	credits [classes]uint64 // of the epoch, in millions of MACs

	// What it comes to.
	Income   uint64 // emission and tips
	Burned   uint64 // base fees of its own jobs, deposits, slashes
	Tickets  uint64 // included
	Credited uint64 // tickets
	Mega     uint64 // credited, in millions of MACs
}

// validator tries what miners deliver.
type validator struct {
	operator string
	kind     Kind
	bond     uint64 // parts of a thousand of what it began with
	power    uint64
	failed   int // day, plus one, in which it last failed
}

// trial is a claim that validators run again.
type trial struct {
	of     *miner
	job    job
	macs   []uint64 // behind each ticket
	valid  bool
	opened int
	left   uint64 // MACs until the validators have run it
}

// world is a network under way.
type world struct {
	Params
	plan       Plan
	rng        *rand.Rand // of clients
	doubt      *rand.Rand // of validators
	block      int
	fee        uint64
	level      market.Level
	behind     uint64 // MACs behind a ticket
	claimed    uint64 // MACs of paid jobs in this block
	tickets    uint32 // in this block
	jobs       list
	jobID      uint64
	demand     uint64
	miners     []*miner
	validators []*validator
	trials     []trial
	nullifiers map[uint64]bool
	done       []bool // jobs that were claimed, by number
	curve      schedule.Curve
	released   uint64
	day        int
	failed     uint64 // power in the day
	largest    uint64 // of it
	frozen     bool

	Refused   uint64 // messages of attackers that no block took
	Void      uint64 // tickets
	Undecided uint64
	Minted    uint64
	Burned    uint64 // base fees of all
}

func newWorld(p Params, plan Plan) *world {
	w := &world{
		Params: p, plan: plan, rng: stream(plan.Seed, plan.Luck<<33), doubt: stream(plan.Seed, 1<<32), fee: p.Fee.Floor,
		level: market.LevelOf(largest), behind: largest,
		nullifiers: map[uint64]bool{}, done: []bool{false},
	}
	w.curve, _ = schedule.NewCurve(schedule.HalfLife) // within its bounds
	for _, size := range plan.Sizes {
		w.join(size*core, Honest)
	}
	if plan.Rate > 0 {
		w.join(plan.Rate, plan.Attack)
	}
	var rate uint64
	for _, size := range plan.Sizes {
		rate += size * core
	}
	w.level = market.LevelOf(rate * 100 / uint64(p.Difficulty.Per100)) // as it comes to rest
	w.behind = w.level.MACs()
	// Twenty validators with as much power each.
	for i := range 20 {
		v := &validator{operator: string(rune('a' + i)), bond: 1000, power: uint64(weight.Total) / 20}
		if i < plan.Corrupt {
			v.kind = plan.Attack
		}
		w.validators = append(w.validators, v)
	}
	return w
}

func stream(seed, of uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, of)) }

func (w *world) join(rate uint64, attack Kind) {
	id := uint64(len(w.miners) + 1)
	m := &miner{id: id, rate: rate, attack: attack, rng: stream(w.plan.Seed, id), bond: w.MinerBond}
	m.effort = wait(m.rng)
	w.miners = append(w.miners, m)
}

// run plays so many blocks.
func (w *world) run(blocks int) {
	for range blocks {
		w.step()
	}
}

func (w *world) step() {
	w.block++
	w.claimed, w.tickets = 0, 0
	w.clients()
	// Another is first in every block, the attacker in every other.
	honest := len(w.plan.Sizes)
	attackers := w.miners[honest:]
	if w.block%2 == 0 {
		w.attackers(attackers)
	}
	for i := range honest {
		m := w.miners[(i+w.block)%honest]
		w.mine(m, m.rate, true)
	}
	if w.block%2 == 1 {
		w.attackers(attackers)
	}
	w.try()
	w.fee = w.Fee.Next(w.fee, w.claimed)
	w.level = w.Difficulty.Next(w.level, w.tickets)
	w.behind = w.level.MACs()
	if w.block%w.EpochBlocks == 0 {
		w.pay()
	}
	if w.block%w.DayBlocks == 0 {
		w.newDay()
	}
}

// clients post jobs, as long as the list has room. A client posts what it would
// pay the fee of now; the others go elsewhere.
func (w *world) clients() {
	for w.demand += w.plan.Demand; w.demand > 0; {
		macs := smallest + w.rng.Uint64N(largest-smallest)
		w.post(job{macs: macs, most: spread(w.rng, 4, 12)}) // from 16 to 4,096 uhth
		w.demand -= min(w.demand, macs)
	}
	if w.block%100 == 0 {
		w.jobs.expire(w.block - w.JobTTL)
	}
}

// post offers a job. It must pay the fee of today; where the list is full, it
// takes the place of one that pays less.
func (w *world) post(j job) bool {
	if j.most < w.fee || w.jobs.size >= w.MaxOpenJobs && !w.jobs.evict(j.most) {
		return false
	}
	j.id, j.posted = w.number(), w.block
	w.jobs.add(j)
	return true
}

// take gives a miner a paid job if there is one, or one of the commons. Who deals with itself takes its own.
func (w *world) take(m *miner) job {
	if m.attack == Dealer && w.fee < w.gain() {
		j := job{id: w.number(), macs: smallest, by: m}
		w.claim(j)
		return j
	}
	if j, found := w.pick(); found {
		return j
	}
	return job{macs: smallest + m.rng.Uint64N(largest-smallest), class: commons}
}

// pick claims a job that pays today's fee, of those that would pay most.
func (w *world) pick() (j job, found bool) {
	if j, found = w.jobs.take(w.fee); found {
		w.claim(j)
	}
	return j, found
}

// number names a new job.
func (w *world) number() uint64 {
	w.jobID++
	w.done = append(w.done, false)
	return w.jobID
}

// claim burns the base fee of a job, once ever.
func (w *world) claim(j job) bool {
	if w.done[j.id] {
		return false
	}
	w.done[j.id] = true
	cost := market.Cost(w.fee, j.macs)
	w.claimed += j.macs
	w.Burned += cost
	if j.by != nil {
		j.by.Burned += cost
	}
	return true
}

// mine lets a miner work for a block's MACs, and deliver what it finishes.
func (w *world) mine(m *miner, macs uint64, valid bool) {
	for macs > 0 && !m.barred {
		if !m.busy {
			m.work = w.take(m)
			m.left, m.busy, m.found = m.work.macs, true, nil
		}
		n := min(macs, m.left)
		per := w.behind
		for e := effort(n, per); ; {
			if e < m.effort {
				m.effort -= e
				break
			}
			e -= m.effort
			m.effort = wait(m.rng)
			m.seen++
			if w.include(m, m.id<<48|m.seen, true, true) {
				m.found = append(m.found, per)
			}
		}
		macs -= n
		if m.left -= n; m.left == 0 {
			w.deliver(m, valid)
		}
	}
}

// include is what a block takes of tickets: those whose first check is well,
// for the claim of whoever sends them, never twice, as many as have room.
func (w *world) include(m *miner, nullifier uint64, tier0, own bool) bool {
	if !tier0 || !own || w.nullifiers[nullifier] || int(w.tickets) >= w.MaxTickets {
		w.Refused++
		return false
	}
	w.nullifiers[nullifier] = true
	w.tickets++
	m.Tickets++
	return true
}

// deliver hands a finished job in: the tip is paid, and what has tickets is
// tried.
func (w *world) deliver(m *miner, valid bool) {
	m.busy = false
	if len(m.found) > 0 {
		w.trials = append(w.trials, trial{of: m, job: m.work, macs: m.found, valid: valid, opened: w.block, left: m.work.macs})
		return
	}
	if !valid && within(m.rng, w.Audit) { // another miner runs it again, and finds it
		w.slash(m, w.SlashReceipt)
		return
	}
	w.tip(m, m.work)
}

// tip is a twentieth of the base fee.
func (w *world) tip(m *miner, j job) {
	if j.class == paid && j.by == nil {
		m.Income += market.Cost(w.fee, j.macs) / 20
	}
}

// try lets the validators run as much as eight cores do in a block, the oldest
// trial first, and closes those that are run or late.
func (w *world) try() {
	room := uint64(8 * core)
	for len(w.trials) > 0 {
		t := &w.trials[0]
		n := min(room, t.left)
		t.left -= n
		room -= n
		if t.left > 0 && w.block < t.opened+w.VerdictPeriod {
			return
		}
		w.close(*t, t.left == 0)
		w.trials = w.trials[1:]
	}
}

// close decides a trial by what each validator says of it.
func (w *world) close(t trial, run bool) {
	var says [2]uint64 // power that ran it and found it void, valid
	var total uint64
	for _, v := range w.validators {
		total += v.power
		if !run || within(w.doubt, 1) { // away for all of the verdict's time
			continue
		}
		switch v.kind {
		case Lazy:
			w.punish(v, w.SlashLazy)
		case Liar:
			says[truth(!t.valid)] += v.power
			w.punish(v, w.SlashVerdict)
		default:
			says[truth(t.valid)] += v.power
		}
	}
	n := uint64(len(t.macs))
	switch {
	case 3*says[1] > 2*total:
		for _, macs := range t.macs {
			t.of.credits[t.job.class] += macs / mega
			t.of.Mega += macs / mega
		}
		t.of.Credited += n
		w.tip(t.of, t.job)
	case 3*says[0] > 2*total:
		w.Void += n
		w.slash(t.of, w.SlashTicket)
	default:
		w.Undecided += n
	}
}

// slash burns a part of a miner's bond, and the deposit of the claim.
func (w *world) slash(m *miner, permille uint64) {
	lost := m.bond * permille / 1000
	m.bond -= lost
	m.Burned += lost + w.Deposit
	m.barred = m.bond < w.MinerBond
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// punish slashes a validator, unless so much power fails today that slashing is
// frozen.
func (w *world) punish(v *validator, permille uint64) {
	if v.failed != w.day+1 {
		v.failed = w.day + 1
		w.failed += v.power
		w.largest = max(w.largest, v.power)
	}
	if w.frozen = w.frozen || w.Rules.Frozen(int64(w.failed), int64(w.largest), weight.Total); !w.frozen {
		v.bond -= v.bond * permille / 1000
	}
}

// newDay moves the set of validators: who lost a tenth of its bond leaves, as
// churn allows.
func (w *world) newDay() {
	w.day++
	w.failed, w.largest, w.frozen = 0, 0, false
	for _, m := range w.miners {
		m.spent = m.Burned
	}
	d := weight.Day{Height: w.Rules.GuardianSunset, Yesterday: 1, Today: 1}
	for _, v := range w.validators {
		if v.power > 0 {
			d.Last = append(d.Last, weight.Share{Operator: v.operator, Power: int64(v.power)})
		}
		if v.bond >= 900 {
			d.Candidates = append(d.Candidates, weight.Candidate{Operator: v.operator, Work: 1_000_000})
		}
	}
	next, _ := w.Rules.Next(d)
	for _, v := range w.validators {
		v.power = uint64(next.Power(v.operator))
	}
}

// pay ends an epoch.
func (w *world) pay() {
	coins := w.curve.Epoch(w.released)
	w.released += coins
	pots := w.Shares.Split(0, coins)
	var all [classes]uint64
	for _, m := range w.miners {
		for c, mega := range m.credits {
			all[c] += mega
		}
	}
	for _, m := range w.miners {
		earned := schedule.Pay(pots.Work, m.credits[paid], all[paid], w.FullMega) +
			schedule.Pay(pots.Commons, m.credits[commons], all[commons], w.FullMega)
		m.Income += earned
		w.Minted += earned
		m.credits = [classes]uint64{}
	}
}
