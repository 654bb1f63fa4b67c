package economy

// Kind is what a participant does.
type Kind uint8

// Kinds.
const (
	Honest     Kind = iota
	Forger          // sends tickets that its rows do not give
	Thief           // sends others' tickets
	Replayer        // sends its own tickets again, beside honest work
	WrongRow        // mines rows that are no job's, which pass the first check
	Substitute      // answers with a cheap model, and mines the tickets of the real one
	Lazy            // validator: gives verdicts without running the work
	Liar            // validator: says the opposite of what it found
	Squatter        // claims jobs and does not deliver
	Duplicator      // claims jobs that were claimed before
	Oversizer       // sends tickets that are too long
	Spammer         // fills the list of jobs
	Cheater         // every job is wrong, at two thirds of the cost
	Dealer          // posts jobs to mine them itself
)

// factor is how much faster than an honest one a machine finds tickets.
func (k Kind) factor() (times, of uint64) {
	switch k {
	case WrongRow: // no attention, no other layers
		return 2, 1
	case Substitute:
		return 4, 1
	case Cheater:
		return 3, 2
	}
	return 1, 1
}

// purse is what an attacker burns in a day, at most: as much as all miners can
// earn in it.
func (w *world) purse() uint64 {
	pots := w.Shares.Split(0, w.curve.Epoch(w.released))
	return (pots.Work + pots.Commons) * uint64(w.DayBlocks/w.EpochBlocks)
}

func (w *world) attackers(ms []*miner) {
	for _, m := range ms {
		if m.Burned-m.spent < w.purse() {
			w.attack(m)
		}
	}
}

// attack plays an attacker's block.
func (w *world) attack(m *miner) {
	switch m.attack {
	case Forger:
		for range 100 {
			w.include(m, m.rng.Uint64(), false, true)
		}
	case Thief:
		for range 100 {
			w.include(m, m.rng.Uint64(), true, false)
		}
	case Oversizer: // cannot be read, so that nothing of it is known
		for range 100 {
			w.include(m, 0, false, false)
		}
	case Replayer:
		w.mine(m, m.rate, true)
		for i := range min(m.seen, 10) {
			w.include(m, m.id<<48|(m.seen-i), true, true)
		}
	case WrongRow, Substitute, Cheater:
		// Barred after the first void ticket, it fills its bond up and goes on.
		m.bond, m.barred = w.MinerBond, false
		times, of := m.attack.factor()
		w.mine(m, m.rate*times/of, false)
	case Squatter:
		w.squat(m)
	case Duplicator:
		for range 10 {
			if id := m.rng.Uint64N(w.jobID + 1); w.done[id] && !w.claim(job{id: id, macs: largest}) {
				w.Refused++
			}
		}
	case Spammer:
		for w.post(job{macs: smallest, most: w.fee, by: m}) { // until it is full
			m.seen++
		}
	default: // a dealer differs in what it takes
		w.mine(m, m.rate, true)
	}
}

// squat holds as many claims as ten accounts may, and delivers none.
func (w *world) squat(m *miner) {
	for len(m.locked) > 0 && m.locked[0]+w.Window < w.block {
		m.locked = m.locked[1:]
		m.Burned += w.Deposit
	}
	for len(m.locked) < 10*w.MaxOpenClaims {
		if _, found := w.pick(); !found {
			return
		}
		m.locked = append(m.locked, w.block)
	}
}

// gain is what paid work earns beyond commons, for 10^9 MACs in a network at its
// target: as long as the base fee is below, it pays to be one's own client.
func (w *world) gain() uint64 {
	pots := w.Shares.Split(0, w.curve.Epoch(w.released))
	return (pots.Work - pots.Commons) / (w.FullMega / 1000)
}
