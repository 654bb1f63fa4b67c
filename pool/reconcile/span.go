package reconcile

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"hearth/pool/job"
	"hearth/units"
)

// Yield is what work is worth: Millisats for Work of it. Where a block has a
// difficulty and pays a reward, subsidy and fees, it is the one for the other.
type Yield struct {
	Work      job.Work
	Millisats int64
}

// Piece is work done while the yield was the same.
type Piece struct {
	Work  job.Work
	Yield units.Known[Yield]
}

// Expected is what the pieces are worth in millisats, less the fee. It is
// unknown as soon as the yield of one of them is.
func Expected(pieces []Piece, fee units.Fraction) units.Known[int64] {
	sum := units.Know(0.0, time.Time{}, units.Chosen)
	for _, p := range pieces {
		if p.Work == 0 {
			continue
		}
		worth := units.Map(p.Yield, func(y Yield) float64 {
			return float64(p.Work) / float64(max(y.Work, 1)) * float64(y.Millisats)
		})
		sum = units.Join(sum, worth, func(a, b float64) float64 { return a + b })
	}
	if v, ok := sum.Get(); ok && !(v >= 0 && v < 1<<62) || !(fee >= 0 && fee <= 1) {
		return units.Unknown[int64]("the work or the fee cannot be", sum.At())
	}
	return units.Map(sum, func(v float64) int64 { return int64(math.Round(v * (1 - float64(fee)))) })
}

// Span is what a pool reported for a span of time, and what was to be expected.
type Span struct {
	From, To time.Time
	// Expected and Reported are millisats.
	Expected units.Known[int64]
	Reported units.Known[int64]
	// Shares is how many shares of the pool's own difficulty the work should
	// have made: the work over that difficulty.
	Shares float64
	// Blocks is how many blocks the pool should have found in the span, where
	// it pays only for those it finds; 0 where it pays for every share.
	Blocks float64
}

// Bounds of judgement.
const (
	// Limit is how many standard deviations a span may be off.
	Limit = 3
	// fewest is how many shares a span must have to be judged at all: below it
	// chance is not like a bell any more.
	fewest = 25
)

// Finding is a span that could be judged.
type Finding struct {
	From, To           time.Time
	Expected, Reported int64   // millisats
	Sigma              float64 // of the ratio of the two, by chance alone
	Deviation          float64 // in sigmas, negative if less was reported
}

// Judge compares what was reported with what was expected. It is unknown where
// either is, and where there were too few shares for any judgement.
func Judge(s Span) units.Known[Finding] {
	both := units.Join(s.Expected, s.Reported, func(expected, reported int64) Finding {
		f := Finding{From: s.From, To: s.To, Expected: expected, Reported: reported}
		variance := 1 / s.Shares
		if s.Blocks > 0 {
			variance += 1 / s.Blocks
		}
		f.Sigma = math.Sqrt(variance)
		f.Deviation = (float64(reported)/float64(expected) - 1) / f.Sigma
		return f
	})
	f, ok := both.Get()
	switch {
	case !ok:
		return both
	case !(s.Shares >= fewest) || s.Blocks < 0 || math.IsInf(s.Shares, 0):
		return units.Unknown[Finding]("too few shares to judge by", s.To)
	case f.Expected <= 0 || math.IsNaN(f.Deviation) || math.IsInf(f.Deviation, 0):
		return units.Unknown[Finding]("there was nothing to be expected", s.To)
	}
	return both
}

// Alarm reports whether the span is off by more than [Limit].
func (f Finding) Alarm() bool { return math.Abs(f.Deviation) > Limit }

// Sentence says in plain words what was found. The pool is its name.
func (f Finding) Sentence(pool string) string {
	text := fmt.Sprintf("From %s to %s %s reported %s sats, %s the %s that the shares were worth.",
		day(f.From), day(f.To), pool, sats(f.Reported), against(f.Expected, f.Reported), sats(f.Expected))
	if f.Alarm() {
		return text + fmt.Sprintf(" Chance alone does that %s.", rarity(f.Deviation))
	}
	return text + " That is within chance."
}

func day(t time.Time) string { return t.UTC().Format("2 January 2006 15:04") }

// against is "2.1 % less than" and the like.
func against(expected, reported int64) string {
	percent := 100 * (float64(reported)/float64(expected) - 1)
	switch {
	case math.Abs(percent) < 0.05:
		return "as much as"
	case percent < 0:
		return fmt.Sprintf("%.1f %% less than", -percent)
	default:
		return fmt.Sprintf("%.1f %% more than", percent)
	}
}

// rarity says how rarely chance is so far off, to either side.
func rarity(sigmas float64) string {
	p := math.Erfc(math.Abs(sigmas) / math.Sqrt2)
	if p < 1e-6 {
		return "less than once in a million such spans"
	}
	n, err := strconv.ParseFloat(strconv.FormatFloat(1/p, 'g', 2, 64), 64)
	if err != nil {
		return "very rarely"
	}
	return "once in " + grouped(int64(n)) + " such spans"
}

// sats writes millisats as whole sats.
func sats(msat int64) string { return grouped(int64(math.Round(float64(msat) / 1000))) }

// grouped writes 12,345.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}
