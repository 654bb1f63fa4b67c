package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/ledger"
	"hearth/plan"
	"hearth/site"
	"hearth/store"
	"hearth/units"
)

type planCheckCmd struct {
	question `embed:""`
	ledgerAt `embed:""`
	Rooms    []string `help:"Rooms that the plan's building stands for; all that were heated where nothing is said." placeholder:"ROOM"`
	Days     int      `help:"How many days back from the last record." default:"30"`
	JSON     bool     `help:"Print JSON."`
}

// Run holds the plan against the ledger.
func (c *planCheckCmd) Run(p *program) error {
	asked, err := c.ask()
	if err != nil {
		return err
	}
	if c.Days < 2 || c.Days > 3660 {
		return coded(exitUsage, fmt.Errorf("--days=%d: say from 2 to 3660; the day after each gap is lost", c.Days))
	}
	s, err := c.open(p.ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	lived, err := livedIn(p.ctx, s, c.Rooms, c.Days)
	if err != nil {
		return err
	}
	agreement, err := plan.Agree(asked.Question.Home, asked.Question.Year, lived.hours)
	if err != nil {
		return coded(exitUsage, err)
	}
	if c.JSON {
		return printJSON(p.out, newChecked(agreement, lived))
	}
	fmt.Fprintln(p.out, agreement)
	if lived.simulated {
		fmt.Fprintln(p.out, "The home is simulated: this compares one model with another, not with the world.")
	}
	if !agreement.Off.IsKnown() {
		return nil
	}
	fmt.Fprintf(p.out, "Rooms: %s. From %s to %s, %d hours counted, %d left out because something is unknown or follows on such a gap.\n\n",
		strings.Join(lived.rooms, " and "), agreement.From.Format("2 January 2006"), agreement.To.Format("2 January 2006"), agreement.Hours, agreement.Left)
	rows := [][]string{{"day", "hours", "measured", "planned", "difference"}}
	for _, d := range agreement.Days {
		rows = append(rows, []string{
			d.Start.Format("2006-01-02"), fmt.Sprint(d.Hours), d.Measured.String(), d.Planned.String(),
			fmt.Sprintf("%+.2f kWh", float64(d.Planned-d.Measured)),
		})
	}
	table(p.out, rows)
	fmt.Fprintln(p.out, "\nMeasured: heat records of the ledger. Planned: what the plan's building needs to go through the same room and outdoor\ntemperatures, under the sunshine of a typical year, which no meter tells.")
	if off, _ := agreement.Off.Get(); agreement.Hours >= 14*24 && (off > 0.1 || off < -0.1) {
		fmt.Fprintln(p.out, advice(float64(off)))
	}
	return nil
}

// advice says what to change in a plan that is far off.
func advice(off float64) string {
	if off < 0 {
		return "The home takes more than its plan says: raise air-changes or wall-u, or lower internal, until they agree."
	}
	return "The home takes less than its plan says: lower air-changes or wall-u, or raise internal, until they agree."
}

// lived is what a ledger tells of a home, hour by hour.
type lived struct {
	rooms     []string
	hours     []plan.Measured
	simulated bool
}

// livedIn reads the last days of a home: heat from the signed records, room and
// outdoor temperatures from the samples beside them.
func livedIn(ctx context.Context, s *store.Store, rooms []string, days int) (*lived, error) {
	newest, err := s.Find(ctx, store.Filter{Kinds: []ledger.Kind{ledger.KindHeat}, Limit: 1, Newest: true})
	if err != nil {
		return nil, err
	}
	if len(newest) == 0 {
		return nil, coded(exitProblem, fmt.Errorf("compare the home with its plan: the ledger has no record of heat yet"))
	}
	to := ledger.Hour(newest[0].At)
	from := to.AddDate(0, 0, -days)
	records, err := s.Find(ctx, store.Filter{Kinds: []ledger.Kind{ledger.KindHeat}, From: from, To: to.Add(time.Hour), Limit: -1})
	if err != nil {
		return nil, err
	}
	l := &lived{rooms: rooms}
	heats, err := l.heats(records, from, to)
	if err != nil {
		return nil, err
	}
	if len(l.rooms) == 0 {
		return nil, coded(exitProblem, fmt.Errorf("compare the home with its plan: no room was heated in the last %d days", days))
	}
	for _, room := range rooms {
		if !slices.ContainsFunc(records, func(r ledger.Record) bool { return r.Subject == room }) {
			return nil, coded(exitUsage, fmt.Errorf("compare the home with its plan: no heat was given to a room %q in the last %d days: heated were %s", room, days, strings.Join(heated(records), ", ")))
		}
	}
	outdoor, err := means(ctx, s, "home", site.MetricOutdoor, from, to)
	if err != nil {
		return nil, err
	}
	inside := make([][]units.Known[units.Celsius], len(l.rooms))
	for i, room := range l.rooms {
		if inside[i], err = means(ctx, s, room, site.MetricTemp, from, to); err != nil {
			return nil, err
		}
	}
	for i := range outdoor {
		m := plan.Measured{Start: from.Add(time.Duration(i) * time.Hour).In(time.Local), Outdoor: outdoor[i], Room: inside[0][i], Heat: heats[i]}
		for _, room := range inside[1:] {
			m.Room = units.Join(m.Room, room[i], func(a, b units.Celsius) units.Celsius { return a + b })
		}
		m.Room = units.Map(m.Room, func(t units.Celsius) units.Celsius { return t / units.Celsius(len(inside)) })
		l.hours = append(l.hours, m)
	}
	return l, nil
}

// heated returns the rooms and tanks that records of heat are about.
func heated(records []ledger.Record) []string {
	var list []string
	for _, r := range records {
		list = append(list, r.Subject)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// heats spreads the records of heat over the hours that they were given in.
// An hour that the records cover only in part is unknown.
func (l *lived) heats(records []ledger.Record, from, to time.Time) ([]units.Known[units.KilowattHours], error) {
	type hour struct {
		joules units.Joules
		worst  units.Provenance
		known  map[string]time.Duration
	}
	hours := make([]hour, int(to.Sub(from)/time.Hour))
	all := len(l.rooms) == 0
	for _, r := range records {
		body, err := r.Decode()
		if err != nil {
			return nil, fmt.Errorf("read record %d: %w", r.Seq, err)
		}
		given, ok := body.(ledger.Heat)
		if !ok {
			continue
		}
		if all && !slices.Contains(l.rooms, r.Subject) {
			l.rooms = append(l.rooms, r.Subject)
		}
		if !slices.Contains(l.rooms, r.Subject) {
			continue
		}
		l.simulated = l.simulated || r.Simulated
		length := given.To.Sub(given.From)
		for at := ledger.Hour(given.From); at.Before(given.To); at = at.Add(time.Hour) {
			i := int(at.Sub(from) / time.Hour)
			if at.Before(from) || i >= len(hours) {
				continue
			}
			h := &hours[i]
			if h.known == nil {
				h.known, h.worst = map[string]time.Duration{}, units.Chosen
			}
			within := earlier(given.To, at.Add(time.Hour)).Sub(later(given.From, at))
			h.joules += given.Joules * units.Joules(within.Seconds()/length.Seconds())
			h.worst = units.Worst(h.worst, given.Provenance)
			h.known[r.Subject] += within
		}
	}
	slices.Sort(l.rooms)
	out := make([]units.Known[units.KilowattHours], len(hours))
	for i, h := range hours {
		at := from.Add(time.Duration(i) * time.Hour)
		if h.known == nil || slices.ContainsFunc(l.rooms, func(room string) bool { return h.known[room] < mostOfAnHour }) {
			out[i] = units.Unknown[units.KilowattHours]("the records do not cover the hour", at)
			continue
		}
		out[i] = units.Know(h.joules.KilowattHours(), at, h.worst)
	}
	return out, nil
}

// mostOfAnHour is how much of an hour has to be known for it to count.
const mostOfAnHour = 58 * time.Minute

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// means reads the hourly means of a temperature.
func means(ctx context.Context, s *store.Store, subject string, metric site.Metric, from, to time.Time) ([]units.Known[units.Celsius], error) {
	hours := int(to.Sub(from) / time.Hour)
	out := make([]units.Known[units.Celsius], hours)
	for i := range out {
		out[i] = units.Unknown[units.Celsius]("it was not recorded", from.Add(time.Duration(i)*time.Hour))
	}
	const most = 30 * 24 // hours in one reading, so that each point is an hour
	for first := 0; first < hours; first += most {
		begin := from.Add(time.Duration(first) * time.Hour)
		n := min(most, hours-first)
		points, span, err := s.History(ctx, subject, string(metric), begin, begin.Add(time.Duration(n)*time.Hour), n)
		if err != nil {
			return nil, fmt.Errorf("read the %s of %s: %w", metric, subject, err)
		}
		if span != time.Hour {
			return nil, fmt.Errorf("read the %s of %s: the history came by %v, not by the hour", metric, subject, span)
		}
		for _, p := range points {
			i := int(p.At.Sub(from) / time.Hour)
			if p.Mean != nil && p.Known >= mostOfAnHour && i >= 0 && i < hours {
				out[i] = units.Know(units.Celsius(*p.Mean), p.At, p.Provenance)
			}
		}
	}
	return out, nil
}

// checked is a comparison for programs.
type checked struct {
	From      time.Time                   `json:"from"`
	To        time.Time                   `json:"to"`
	Rooms     []string                    `json:"rooms"`
	Simulated bool                        `json:"simulated"`
	Hours     int                         `json:"hours"`
	Left      int                         `json:"left"`
	Measured  float64                     `json:"measured_kwh"`
	Planned   float64                     `json:"planned_kwh"`
	Off       units.Known[units.Fraction] `json:"off"`
	DayOff    float64                     `json:"day_off_kwh"`
	Days      []checkedDay                `json:"days"`
	Says      string                      `json:"says"`
}

type checkedDay struct {
	Day      string  `json:"day"`
	Hours    int     `json:"hours"`
	Measured float64 `json:"measured_kwh"`
	Planned  float64 `json:"planned_kwh"`
}

func newChecked(a plan.Agreement, l *lived) checked {
	c := checked{
		From: a.From, To: a.To, Rooms: l.rooms, Simulated: l.simulated, Hours: a.Hours, Left: a.Left,
		Measured: float64(a.Measured), Planned: float64(a.Planned), Off: a.Off, DayOff: float64(a.DayOff), Says: a.String(),
	}
	for _, d := range a.Days {
		c.Days = append(c.Days, checkedDay{d.Start.Format("2006-01-02"), d.Hours, float64(d.Measured), float64(d.Planned)})
	}
	return c
}
