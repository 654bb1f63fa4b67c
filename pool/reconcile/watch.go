package reconcile

import (
	"fmt"
	"time"
)

// Allowance and Threshold are those of the [Watch]: what a span may be off, in
// standard deviations, before it counts, and how much may come together. They
// make for one false alarm in about twenty years of days.
const (
	Allowance = 0.25
	Threshold = 14
)

// Watch looks for a drift over many spans: two cumulative sums (Page, 1954),
// one for too little and one for too much. The zero Watch is ready. It can be
// kept as JSON, or made again from the spans.
type Watch struct {
	Less Drift `json:"less"`
	More Drift `json:"more"`
}

// Drift is what came together to one side.
type Drift struct {
	Sum      float64   `json:"sum"` // standard deviations beyond the allowance
	Spans    int       `json:"spans"`
	From     time.Time `json:"from"` // of the first of them
	To       time.Time `json:"to"`
	Expected int64     `json:"expected"` // millisats
	Reported int64     `json:"reported"`
}

// Add takes in the next span, and returns a drift that has passed the
// threshold, if one has. The watch for it then begins anew. A span that could
// not be judged changes nothing.
func (w *Watch) Add(f Finding) (Drift, bool) {
	// One wild span must not do alone what a drift has to: it has an alarm of
	// its own.
	z := min(max(f.Deviation, -Limit), Limit)
	for _, side := range []struct {
		drift *Drift
		by    float64
	}{{&w.Less, -z - Allowance}, {&w.More, z - Allowance}} {
		if d := side.drift; d.add(f, side.by) {
			found := *d
			*d = Drift{}
			return found, true
		}
	}
	return Drift{}, false
}

func (d *Drift) add(f Finding, by float64) bool {
	if d.Sum+by <= 0 {
		*d = Drift{}
		return false
	}
	if d.Spans == 0 {
		d.From = f.From
	}
	d.Sum += by
	d.Spans++
	d.To = f.To
	d.Expected += f.Expected
	d.Reported += f.Reported
	return d.Sum > Threshold
}

// Sentence says in plain words what was found. The pool is its name.
func (d Drift) Sentence(pool string) string {
	return fmt.Sprintf("From %s to %s %s reported %s sats, %s the %s that the shares were worth, in %d reports that lean one way. "+
		"By chance that happens about once in twenty years of daily reports. Compare the pool's fee with the one that is set here, then ask the pool.",
		day(d.From), day(d.To), pool, sats(d.Reported), against(d.Expected, d.Reported), sats(d.Expected), d.Spans)
}
