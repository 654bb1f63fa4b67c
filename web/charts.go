package web

import (
	"fmt"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/control"
	"hearth/site"
	"hearth/units"
	"hearth/web/chart"
)

// chartView is a chart with its legend, and the same figures as a table for
// those who read rather than look.
type chartView struct {
	ID     string
	Title  string
	SVG    template.HTML
	Legend []legend
	Head   []string
	Rows   []row
	// Empty says why there is nothing to see, if there is not.
	Empty string
}

type legend struct{ Name, Class, Source string }

// row is one span: its start and a cell for each series.
type row struct {
	At    time.Time
	Text  string
	Cells []cell
}

// cell is a figure with its unit, or unknown.
type cell struct {
	Text      string
	Known     bool
	Simulated bool
}

// line is a series before it is drawn.
type line struct {
	name, class string
	shape       chart.Shape
	h           site.History
}

func (l line) points() []chart.Point {
	out := make([]chart.Point, 0, len(l.h.Points))
	for _, p := range l.h.Points {
		q := chart.Point{At: p.At}
		if p.Mean != nil {
			q.V, q.OK = *p.Mean, true
		}
		out = append(out, q)
	}
	return out
}

// worst is the worst provenance among what is known.
func (l line) worst() units.Provenance {
	worst := units.None
	for _, p := range l.h.Points {
		if p.Mean != nil {
			worst = max(worst, p.Provenance)
		}
	}
	return worst
}

// dayPoints makes the last day's points a quarter of an hour each: 96 of
// them, and a begun one at either end.
const dayPoints = 98

// dayChart is a zone's last 24 hours: room, set-point and power.
func (p *pages) dayChart(r *http.Request, s site.State, z site.ZoneState) (*chartView, error) {
	to := s.At.In(p.loc)
	from := to.Add(-24 * time.Hour)
	get := func(m site.Metric) (site.History, error) {
		return p.home.History(r.Context(), site.HistoryQuery{Subject: z.ID, Metric: m, From: from, To: to, Points: dayPoints})
	}
	var lines []line
	var panels []chart.Panel
	add := func(panel chart.Panel, list ...line) error {
		for i := range list {
			h, err := get(list[i].h.Metric)
			if err != nil {
				return err
			}
			list[i].h = h
			panel.Unit = h.Unit
			panel.Series = append(panel.Series, chart.Series{Name: list[i].name, Class: list[i].class, Shape: list[i].shape, Points: list[i].points()})
		}
		lines, panels = append(lines, list...), append(panels, panel)
		return nil
	}
	if z.Kind != control.Manual {
		name := "Room"
		if z.Kind == control.Tank {
			name = "Water"
		}
		err := add(chart.Panel{Height: 170, Least: 4},
			line{"Set-point", "set", chart.Step, site.History{Metric: site.MetricSetPoint}},
			line{name, "temp", chart.Line, site.History{Metric: site.MetricTemp}})
		if err != nil {
			return nil, err
		}
	}
	if err := add(chart.Panel{Height: 80, FromZero: true, Least: 100}, line{"Power", "power", chart.Area, site.History{Metric: site.MetricPower}}); err != nil {
		return nil, err
	}
	return p.chartOf("day", z.Name+", last 24 hours", from, to, panels, lines), nil
}

// metricChart is one metric of one subject.
func (p *pages) metricChart(r *http.Request, s site.State, subject string, m site.Metric, to time.Time, sp span) (*chartView, error) {
	from := to.Add(-sp.Length)
	h, err := p.home.History(r.Context(), site.HistoryQuery{Subject: subject, Metric: m, From: from, To: to, Points: sp.Points})
	if err != nil {
		return nil, err
	}
	l := line{metricName(m), "temp", chart.Line, h}
	panel := chart.Panel{Height: 300, Unit: h.Unit, Least: 4}
	switch m {
	case site.MetricPower, site.MetricElectricity, site.MetricHeat:
		l.class, l.shape = "power", chart.Area
		panel.FromZero, panel.Least = true, 100
	case site.MetricSetPoint:
		l.class, l.shape = "set", chart.Step
	case site.MetricTemp, site.MetricOutdoor:
	}
	panel.Series = []chart.Series{{Name: l.name, Class: l.class, Shape: l.shape, Points: l.points()}}
	name := subject
	switch z, err := zoneByID(s, subject); {
	case err == nil:
		name = z.Name
	case subject == "home":
		name = "Whole home"
	default:
		if d, ok := deviceByID(s, subject); ok {
			name = d.Name
		}
	}
	title := fmt.Sprintf("%s, %s, %s to %s", name, strings.ToLower(l.name), p.day(from), p.day(to))
	return p.chartOf("history", title, from, to, []chart.Panel{panel}, []line{l}), nil
}

func (p *pages) day(t time.Time) string { return t.In(p.loc).Format("2 Jan 15:04") }

func (p *pages) chartOf(id, title string, from, to time.Time, panels []chart.Panel, lines []line) *chartView {
	v := &chartView{ID: id, Title: title, Empty: "Nothing is recorded for this time yet."}
	span := time.Duration(0)
	index := make(map[time.Time]int) // of rows
	for i, l := range lines {
		span = max(span, l.h.Span)
		v.Legend = append(v.Legend, legend{l.name, l.class, provenanceText(l.worst())})
		v.Head = append(v.Head, l.name)
		for _, pt := range l.h.Points {
			n, ok := index[pt.At]
			if !ok {
				n = len(v.Rows)
				index[pt.At] = n
				v.Rows = append(v.Rows, row{At: pt.At.In(p.loc), Text: p.day(pt.At), Cells: make([]cell, len(lines))})
			}
			if pt.Mean != nil {
				v.Rows[n].Cells[i] = cell{amount(*pt.Mean, l.h.Unit), true, pt.Provenance == units.Simulated}
				v.Empty = ""
			}
		}
	}
	slices.SortStableFunc(v.Rows, func(a, b row) int { return a.At.Compare(b.At) })
	v.SVG = chart.Chart{Title: title, From: from, To: to, Span: span, Panels: panels}.SVG()
	return v
}

func provenanceText(p units.Provenance) string {
	if p == units.None {
		return "nothing known"
	}
	return source(units.Know(0, time.Time{}, p))
}

// amount writes a figure of a chart with its unit.
func amount(v float64, unit string) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "unknown"
	}
	places := 0
	switch unit {
	case "°C":
		places = 1
	case "Wh":
		if math.Abs(v) >= 1000 {
			return units.KilowattHours(v / 1000).String()
		}
	case "W":
		return units.Watts(math.Round(v)).String()
	}
	return strconv.FormatFloat(v, 'f', places, 64) + " " + unit
}
