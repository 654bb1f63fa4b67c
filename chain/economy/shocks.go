package economy

import (
	"hearth/chain/work/market"
)

// FeeShock is how the base fee answers demand that grows tenfold for an hour.
type FeeShock struct {
	Step uint32 // permille in a block
	// Before, Peak and Settled are fees: before the shock, the highest, and what
	// it comes to rest at, in uhth for 10^9 MACs.
	Before, Peak, Settled uint64
	// Up and Down are blocks until what is claimed in a minute is within a tenth
	// of the target, after the shock began and after it ended.
	Up, Down int
	// Over is what was claimed beyond the target until then, in blocks' worth.
	Over uint64
	// Sway is how far the fee swings in quiet times, permille of its mean.
	Sway uint64
	Fees []uint64 // of every thirtieth block
}

// FeeShock plays it with a step of the fee.
func (s Suite) FeeShock(step uint32) FeeShock {
	const hour = 1800
	f := s.Fee
	f.Step = step
	r := stream(s.Seeds[0], 99)
	out := FeeShock{Step: step}
	fee := f.Floor
	recent := make([]uint64, 30) // a minute
	var least, most, sum uint64 = 1 << 62, 0, 0
	for block := range 6 * hour {
		shock := block >= 3*hour && block < 4*hour
		left := uint64(offered)
		if shock {
			left *= 10
		}
		var claimed uint64
		for left > 0 {
			macs := smallest + r.Uint64N(largest-smallest)
			if spread(r, 4, 12) >= fee {
				claimed += macs
			}
			left -= min(left, macs)
		}
		fee = f.Next(fee, claimed)
		recent[block%30] = claimed
		var minute uint64
		for _, c := range recent {
			minute += c
		}
		calm := minute > 27*f.Target && minute < 33*f.Target
		switch {
		case block >= 2*hour && block < 3*hour:
			least, most, sum = min(least, fee), max(most, fee), sum+fee
			out.Before = sum / uint64(block-2*hour+1)
		case shock:
			out.Peak = max(out.Peak, fee)
			if out.Up == 0 {
				out.Over += claimed - min(claimed, f.Target)
				if calm && block >= 3*hour+30 {
					out.Up = block - 3*hour
				}
			}
		case block >= 4*hour && out.Down == 0 && calm && block >= 4*hour+30:
			out.Down = block - 4*hour
		}
		if block == 4*hour-1 {
			out.Settled = fee
		}
		if block%30 == 0 {
			out.Fees = append(out.Fees, fee)
		}
	}
	out.Sway = (most - least) * 1000 / out.Before
	out.Over /= f.Target
	return out
}

// HashShock is how difficulty answers miners that come at once, ten times as
// many as there were, and leave again.
type HashShock struct {
	HalfLife int64
	// Up and Down are blocks until the tickets of an hour are within a tenth of
	// the aim.
	Up, Down int
	// Flood is how many tickets came in the first hour, where the aim is Aim.
	Flood, Aim int
	// Sway is how far the MACs behind a ticket swing in quiet times, permille.
	Sway uint64
}

// HashShock plays it with a half-life of difficulty.
func (s Suite) HashShock(halfLife int64) HashShock {
	const hour, quiet = 1800, 30_000
	d := s.Difficulty
	d.HalfLife = halfLife
	r := stream(s.Seeds[0], 98)
	out := HashShock{HalfLife: halfLife, Aim: int(d.Per100) * hour / 100}
	level := market.LevelOf(cores * core / 2)
	next := wait(r)
	var window [hour]int
	in := 0
	var least, most, sum uint64 = 1 << 62, 0, 0
	for block := range 3 * quiet {
		rate := uint64(cores * core)
		if block >= quiet && block < 2*quiet {
			rate *= 10
		}
		tickets := 0
		e := effort(rate, level.MACs())
		for ; e >= next; tickets++ {
			e -= next
			next = wait(r)
		}
		next -= e
		level = d.Next(level, uint32(tickets))
		in += tickets - window[block%hour]
		window[block%hour] = tickets
		calm := 10*in > 9*out.Aim && 10*in < 11*out.Aim
		switch {
		case block > quiet/2 && block < quiet:
			least, most, sum = min(least, level.MACs()), max(most, level.MACs()), sum+level.MACs()>>8
		case block >= quiet && block < quiet+hour:
			out.Flood += tickets
		case block >= quiet+hour && block < 2*quiet && out.Up == 0 && calm:
			out.Up = block - quiet
		case block >= 2*quiet+hour && out.Down == 0 && calm:
			out.Down = block - 2*quiet
		}
	}
	out.Sway = (most - least) >> 8 * 1000 / (sum / (quiet/2 - 1))
	return out
}

// Dealing is what a self-dealer gains beyond honest work, in a network that has
// room for it.
type Dealing struct {
	Floor uint64 // of the base fee, uhth for 10^9 MACs
	// Share of the network's machines that deal, permille.
	Share uint64
	// Gain is what the dealer has more than from honest work, and Loss what the
	// honest have less, in parts of 10,000 of their income.
	Gain, Loss int64
	// Fee is the base fee in the end.
	Fee uint64
}

// Dealing plays a fifth or a half of machines that deal with themselves, with
// little demand by others.
func (s Suite) Dealing(floor, share uint64) Dealing {
	s.Fee.Floor = floor
	plan := Plan{Seed: s.Seeds[0], Blocks: 10 * s.EpochBlocks, Sizes: sizes(), Demand: offered / 4, Rate: cores * core * share / (1000 - share)}
	twin := plan
	twin.Attack = Honest
	plan.Attack = Dealer
	with, without := s.play(plan), s.play(twin)
	net := func(w *world) uint64 { m := w.miners[len(w.miners)-1]; return m.Income - min(m.Burned, m.Income) }
	others := func(w *world) (sum uint64) {
		for _, m := range w.miners[:len(w.miners)-1] {
			sum += m.Income
		}
		return sum
	}
	return Dealing{
		Floor: floor, Share: share, Fee: with.fee,
		Gain: change(net(with), net(without)), Loss: -change(others(with), others(without)),
	}
}
