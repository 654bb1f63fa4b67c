package share_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/units"
)

// firmware is when a miner uses a difficulty that it was told.
type firmware int

const (
	nextJob  firmware = iota // for the next job, as most do and Stratum V2 wants
	atOnce                   // for the job that it has, too
	jobAfter                 // for the job after the next
	firmwares
)

// heater is a miner that hashes indeed, some hashes a second of a simulated
// time, and the channel that it talks to.
type heater struct {
	firmware firmware
	channel  *share.Channel
	now      time.Time
	jobs     *job.Counter
	job      *job.Job
	given    time.Time // when the job was
	latency  time.Duration

	told, older   job.Difficulty // by the server, last and before
	threshold     job.Difficulty // of the job in hand
	nonce         uint32
	owed          float64 // hashes not made yet
	under         []sent  // on the way to the server
	hashed        float64
	credit, noise float64 // in hashes, and its variance if it is unbiased
	refused       int
	accepted      []time.Time
}

// sent is a share on its way.
type sent struct {
	share.Submission
	arrives time.Time
}

func newHeater(f firmware, c share.Config, latency time.Duration) *heater {
	c.Extranonce1, c.Extranonce2 = []byte{1, 2, 3, 4}, 4
	h := &heater{
		firmware: f, channel: share.NewChannel(c), now: time.Unix(1_700_000_000, 0), jobs: job.NewCounter(0), latency: latency,
	}
	h.offer()
	return h
}

// offer gives the heater another job.
func (h *heater) offer() {
	j := work(h.jobs.Next())
	binary.LittleEndian.PutUint32(j.Prev[:], j.ID)
	h.job, h.given, h.nonce = j, h.now, 0
	d, told := h.channel.Offer(j, h.now)
	if h.older == 0 {
		h.older = d
	} else {
		h.older = h.told
	}
	h.told = d
	h.threshold = d
	if h.firmware == jobAfter && told {
		h.threshold = h.older
	}
}

// run lets the heater hash at a rate for some time. The server gives a job
// twice a minute, and looks after its difficulty each second.
func (h *heater) run(rate float64, d time.Duration) {
	const step = time.Second
	for end := h.now.Add(d); h.now.Before(end); {
		h.now = h.now.Add(step)
		h.owed += rate * step.Seconds()
		h.hash()
		h.deliver()
		if h.channel.Tick(h.now) || h.now.Sub(h.given) >= 30*time.Second {
			h.offer()
		}
	}
}

func (h *heater) hash() {
	n := math.Floor(h.owed)
	h.owed -= n
	h.hashed += n
	h.noise += n * h.channel.Worth(h.job.ID).Hashes()
	threshold := h.threshold
	if h.firmware == atOnce {
		threshold = h.told
	}
	s := share.Submission{Job: h.job.ID, Extranonce2: []byte{0, 0, 0, 0}, Time: h.job.Time, HasBits: true}
	target := threshold.Target()
	header := h.job.Header([]byte{1, 2, 3, 4, 0, 0, 0, 0}, h.job.Version, h.job.Time, 0)
	for range int(n) {
		header.Nonce = h.nonce
		h.nonce++
		if header.Hash().Meets(target) {
			s.Nonce = header.Nonce
			h.under = append(h.under, sent{s, h.now.Add(h.latency)})
		}
	}
}

func (h *heater) deliver() {
	for len(h.under) > 0 && !h.under[0].arrives.After(h.now) {
		s := h.under[0]
		h.under = h.under[1:]
		v := h.channel.Check(s.Submission, h.now)
		if v.Reason != share.Accepted {
			h.refused++
			continue
		}
		h.accepted = append(h.accepted, h.now)
		if v.Credit > 0 {
			h.credit += h.channel.Worth(s.Job).Hashes()
		}
	}
}

// perMinute is how many shares came in a minute, over the last minutes.
func (h *heater) perMinute(minutes float64) float64 {
	n := 0
	for i := len(h.accepted) - 1; i >= 0 && h.now.Sub(h.accepted[i]).Minutes() < minutes; i-- {
		n++
	}
	return float64(n) / minutes
}

// off is by how many standard deviations the credit misses the hashes.
func (h *heater) off() float64 { return (h.credit - h.hashed) / math.Sqrt(h.noise) }

// The band that the controller keeps to, and what chance may add to it in half an
// hour's count: five standard deviations.
func inBand(perMinute float64) bool {
	const edge = math.Sqrt2 * 1.3
	low, high := 6/edge*30, 6*edge*30
	n := perMinute * 30
	return n > low-5*math.Sqrt(low) && n < high+5*math.Sqrt(high)
}

// Whatever a heater did before, and whatever its firmware does with a
// difficulty: once it is steady its shares come at the rate that is aimed at, its
// hash rate is known, and none of its shares is refused.
func TestHistoriesOfThrottling(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := newHeater(
			firmware(rapid.IntRange(0, int(firmwares)-1).Draw(t, "firmware")),
			share.Config{
				Start:   hashes(rapid.Float64Range(2, 20).Draw(t, "start")),
				Vardiff: share.Vardiff{Floor: hashes(0)},
			},
			time.Duration(rapid.IntRange(0, 3).Draw(t, "latency"))*time.Second,
		)
		for i := range rapid.IntRange(0, 4).Draw(t, "phases") {
			rate := rapid.OneOf(rapid.Just(0.0), rapid.Float64Range(1, 40)).Draw(t, fmt.Sprint("rate ", i))
			h.run(rate, time.Duration(rapid.IntRange(1, 60).Draw(t, fmt.Sprint("minutes ", i)))*time.Minute)
		}
		rate := rapid.Float64Range(2, 40).Draw(t, "last rate")
		h.run(rate, 90*time.Minute)

		if n := h.perMinute(30); !inBand(n) {
			t.Errorf("%.2f shares a minute at %.1f H/s and %v", n, rate, power(h.channel.Difficulty()))
		}
		if h.refused > 0 {
			t.Errorf("%d shares refused", h.refused)
		}
		got, ok := h.channel.Rate(h.now).Get()
		if !ok || float64(got) < rate*0.3 || float64(got) > rate*2 {
			t.Errorf("%v of %v", h.channel.Rate(h.now), units.HashRate(rate))
		}
	})
}

// Credit is unbiased to a fraction of a percent, also through changes that come
// all the time: a heater of a quick thermostat, for a week, and each firmware.
func TestCreditIsUnbiased(t *testing.T) {
	for f := range firmwares {
		r := rand.New(rand.NewPCG(7, uint64(f)))
		h := newHeater(f, share.Config{Start: hashes(8), Vardiff: share.Vardiff{Floor: hashes(0)}}, time.Second)
		for range 7 * 24 * 2 {
			h.run(math.Exp2(1+5*r.Float64()), time.Duration(5+r.IntN(20))*time.Minute)
			h.run(0, time.Duration(r.IntN(10))*time.Minute)
		}
		z, relative := h.off(), h.credit/h.hashed-1
		t.Logf("firmware %d: %.0f hashes, credit off by %+.3f %% or %+.1f standard deviations; %d shares", f, h.hashed, 100*relative, z, len(h.accepted))
		if math.Abs(z) > 4 || h.refused > 0 {
			t.Errorf("firmware %d: credited %.0f hashes of %.0f (%.1f standard deviations), %d refused", f, h.credit, h.hashed, z, h.refused)
		}
	}
}
