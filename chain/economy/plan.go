package economy

import (
	"runtime"
	"sync"
)

// Plan is one world that is played.
type Plan struct {
	Seed   uint64
	Blocks int
	// Sizes are those of honest miners, in cores.
	Sizes []uint64
	// Demand is what clients would have done in a block at a fee of nothing, in
	// MACs.
	Demand uint64
	// Attack is what the attacker does: a machine of Rate MACs in a block, or so
	// many Corrupt ones of twenty validators.
	Attack  Kind
	Rate    uint64
	Corrupt int
	// Luck gives clients other jobs to post, and changes nothing else.
	Luck uint64
}

// Effect is what an attack did.
type Effect struct {
	Name string
	// Pay says whether the machines of the attacker earn in the attack. If so,
	// the twin is the world in which they mine honestly, else that without them.
	Pay bool
	// Tickets is the least that any honest miner had, in any of the worlds.
	Tickets uint64
	// All is by how many parts in 10,000 the income of all honest miners is
	// higher in the attacked world, on average of the seeds; Worst that of the
	// miner that loses most.
	All, Worst int64
	// Of the attacker, in uhth and a day of the network.
	Income, Burned uint64
	// Refused, Void and Undecided count its messages and tickets a day.
	Refused, Void, Undecided uint64
}

// Suite is a network and how long everything in it is played. Seeds are one or
// more.
type Suite struct {
	Params
	Seeds  []uint64
	Blocks int // of every attack
}

// Short is what every full run of the tests plays.
func Short() Suite { return Suite{Params: Defaults(), Seeds: []uint64{1}, Blocks: 2 * 43_200} }

// Long is played by a flag.
func Long() Suite {
	s := Short()
	s.Blocks = 432_000
	for seed := uint64(2); seed <= 4; seed++ {
		s.Seeds = append(s.Seeds, seed)
	}
	return s
}

// sizes are of eight homes, in cores, together cores of them.
func sizes() []uint64 { return []uint64{3, 3, 3, 4, 4, 5, 6, 8} }

const (
	// offered is demand that the network cannot meet: its price is some 100 uhth.
	offered = 3_000_000 * mega
	cores   = 36
	// fifth and twentieth of all machines, the attacker's included.
	fifth     = cores * core / 4
	twentieth = cores * core / 19
)

// Attacks plays every attack against its twin.
func (s Suite) Attacks() []Effect {
	plans := []struct {
		name string
		plan Plan
	}{
		{"none, but other luck of clients", Plan{Luck: 1}},
		{"forged tickets", Plan{Attack: Forger, Rate: fifth}},
		{"tickets for another's job", Plan{Attack: Thief, Rate: fifth}},
		{"replayed tickets", Plan{Attack: Replayer, Rate: fifth}},
		{"wrong rows that pass tier 0", Plan{Attack: WrongRow, Rate: fifth}},
		{"another model behind the answer", Plan{Attack: Substitute, Rate: fifth}},
		{"lazy validators, 30 % of power", Plan{Attack: Lazy, Corrupt: 6}},
		{"lying validators, 30 % of power", Plan{Attack: Liar, Corrupt: 6}},
		{"claims that squat", Plan{Attack: Squatter, Rate: fifth}},
		{"jobs claimed twice", Plan{Attack: Duplicator, Rate: fifth}},
		{"tickets that are too long", Plan{Attack: Oversizer, Rate: fifth}},
		{"spam in the list of jobs", Plan{Attack: Spammer, Rate: fifth}},
		{"cheaters, 20 % of machines", Plan{Attack: Cheater, Rate: fifth}},
		{"cheaters, 5 % of machines", Plan{Attack: Cheater, Rate: twentieth}},
		{"dealing with oneself", Plan{Attack: Dealer, Rate: fifth}},
	}
	// Worlds have nothing in common and are played beside each other, one on each
	// processor. Twins are shared.
	var start sync.WaitGroup
	gate := make(chan struct{}, runtime.GOMAXPROCS(0))
	promise := func(p Plan) func() *world {
		w := sync.OnceValue(func() *world { return s.play(p) })
		start.Go(func() {
			gate <- struct{}{}
			defer func() { <-gate }()
			w()
		})
		return w
	}
	type pair struct{ seed, rate uint64 }
	twins := map[pair]func() *world{}
	type match struct{ with, without func() *world }
	matches := make([][]match, len(plans))
	for i, p := range plans {
		for _, seed := range s.Seeds {
			plan := p.plan
			plan.Seed, plan.Blocks, plan.Sizes, plan.Demand = seed, s.Blocks, sizes(), offered
			twin := plan
			twin.Attack, twin.Corrupt, twin.Luck = Honest, 0, 0
			if !pays(plan.Attack) {
				twin.Rate = 0
			}
			at := pair{seed, twin.Rate}
			if twins[at] == nil {
				twins[at] = promise(twin)
			}
			matches[i] = append(matches[i], match{promise(plan), twins[at]})
		}
	}
	start.Wait()
	var effects []Effect
	for i, p := range plans {
		e := Effect{Name: p.name, Pay: pays(p.plan.Attack), Tickets: 1 << 62, Worst: 1 << 62}
		diff := make([]int64, len(sizes()))
		for _, m := range matches[i] {
			e.count(m.with(), m.without(), diff, len(s.Seeds))
		}
		for _, d := range diff {
			e.Worst = min(e.Worst, d/int64(len(s.Seeds)))
		}
		effects = append(effects, e)
	}
	return effects
}

// pays tells whether who attacks so does work that is credited.
func pays(k Kind) bool { return k == Replayer || k == Dealer }

func (s Suite) play(p Plan) *world {
	w := newWorld(s.Params, p)
	w.run(p.Blocks)
	w.nullifiers, w.done, w.jobs, w.trials = nil, nil, list{}, nil // only the books are looked at
	return w
}

// count adds one seed.
func (e *Effect) count(with, without *world, diff []int64, seeds int) {
	var a, b uint64
	for i := range diff {
		m, twin := with.miners[i], without.miners[i]
		a, b = a+m.Income, b+twin.Income
		diff[i] += change(m.Income, twin.Income)
		e.Tickets = min(e.Tickets, m.Credited, twin.Credited)
	}
	e.All += change(a, b) / int64(seeds)
	day := func(n uint64) uint64 { return n * uint64(with.DayBlocks) / uint64(with.plan.Blocks*seeds) }
	if len(with.miners) > len(diff) {
		m := with.miners[len(diff)]
		e.Income += day(m.Income)
		e.Burned += day(m.Burned)
	}
	e.Refused += day(with.Refused)
	e.Void += day(with.Void)
	e.Undecided += day(with.Undecided)
}

// change is by how many parts in 10,000 a is more than b.
func change(a, b uint64) int64 {
	return (int64(a) - int64(b)) * 10_000 / int64(max(b, 1))
}
