package report

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"hearth/plan"
)

// Remark is something worth knowing beside an answer, in a sentence or two.
type Remark struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// journey is how long a machine is on its way to the other hemisphere, days.
const journey = 7

// Further says what would turn the verdict, what planning ahead would save, and
// what a machine would gain that follows the winter. Planning ahead takes some
// 0.2 s, and is looked at only if ahead is set and prices of power vary.
func Further(s *plan.Site, ahead bool) ([]Remark, error) {
	q := s.Question()
	var all []Remark
	if q.Machine.Price.IsKnown() {
		if flip, unknown := s.Flip(); unknown == "" {
			if text := Turns(flip, q.Money.Currency); text != "" {
				all = append(all, Remark{"What would turn it", text})
			}
		}
	}
	if ahead && slices.Min(q.Power.Hourly) < slices.Max(q.Power.Hourly) {
		switch schedule, err := s.Optimal(); {
		case err == nil && schedule.Gains >= 1:
			all = append(all, Remark{"When to heat", schedule.Sentence})
		case err == nil:
			all = append(all, Remark{"When to heat", "Planning ahead would save next to nothing here."})
		case !errors.Is(err, plan.ErrNothingStored):
			return nil, err
		}
	}
	with := Option(s.Answer(), plan.WithMachine) // if it stands still, it need not travel
	if text := winter(s, &q.Machine); text != "" && (with == nil || with.Unknown != "" || with.FullLoad > 0) {
		all = append(all, Remark{"Following the winter", text})
	}
	return all, nil
}

// winter says what a machine would gain that moves between the hemispheres.
func winter(s *plan.Site, m *plan.Machine) string {
	power := float64(m.Draw) * float64(m.Count) / 1000 * float64(m.Recovery)
	if power <= 0 {
		return ""
	}
	f := plan.Follow(s.Demand(), plan.HalfYearLater(s.Demand()), power, journey)
	if f.Moving < 1.1*f.Here || f.Here == 0 {
		return ""
	}
	day := func(d int) string {
		return time.Date(2025, time.January, 1+d, 0, 0, 0, 0, time.UTC).Format("2 January")
	}
	return fmt.Sprintf("A portable one that leaves on %s for a home like this in the other hemisphere and starts back on %s, %d days on its way each time, would heat for %s full-load hours a year in place of %s, if that pays for the freight.",
		day(f.Leaves), day(f.Returns), journey, Whole(f.Moving), Whole(f.Here))
}
