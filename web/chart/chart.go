// Package chart draws lines over time as SVG, on the server.
//
// A [Chart] has one time axis and one [Panel] below the other, each with a
// scale and a unit of its own. A gap in what is known is a gap in the line:
// nothing is joined across it and nothing falls to zero. Widths are in percent
// and heights in pixels, so that a chart fills any width with text of one
// size; the marks of the scale stand left of it, where the page leaves room; colours come from the page's style sheet by class, so that it is crisp
// in light and dark.
package chart

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"
)

// Point is the mean over one span from At on. A point that is not OK is
// unknown; its V means nothing.
type Point struct {
	At time.Time
	V  float64
	OK bool
}

// Shape is how a series is drawn.
type Shape int

// The shapes.
const (
	// Line joins the means of neighbouring spans.
	Line Shape = iota
	// Step holds each value for its span, for what is set rather than measured.
	Step
	// Area fills down to zero, span by span.
	Area
)

// Series is one line.
type Series struct {
	Name   string
	Class  string // of the style sheet
	Shape  Shape
	Points []Point // by rising time
}

// Panel is one scale with its series.
type Panel struct {
	Unit   string
	Height int // pixels
	// FromZero starts the scale at zero.
	FromZero bool
	// Least is the least span of the scale, so that noise does not fill it.
	Least  float64
	Series []Series
}

// Chart is panels over one span of time.
type Chart struct {
	// Title says what is drawn, for those who cannot see it.
	Title    string
	From, To time.Time
	// Span is the time that one point stands for.
	Span   time.Duration
	Panels []Panel
}

const (
	inner = 1000 // units of a panel's own coordinates, both ways
	gap   = 28   // pixels above a panel
	foot  = 24   // pixels below, for the times
)

// SVG draws the chart. The result is safe to put into a page.
func (c Chart) SVG() template.HTML {
	var b strings.Builder
	height := foot
	for _, p := range c.Panels {
		height += gap + p.Height
	}
	fmt.Fprintf(&b, `<svg class="chart" width="100%%" height="%d" role="img" aria-label="%s" data-from="%d" data-to="%d" data-span="%d">`,
		height, template.HTMLEscapeString(c.Title), c.From.UnixMilli(), c.To.UnixMilli(), c.Span.Milliseconds())
	ticks := c.ticks()
	bottom := height - foot
	for _, t := range ticks {
		fmt.Fprintf(&b, `<line class="grid" x1="%s%%" x2="%[1]s%%" y1="%d" y2="%d"/>`, pct(t.x), gap, bottom)
	}
	y := 0
	for _, p := range c.Panels {
		y += gap
		c.panel(&b, p, y)
		y += p.Height
	}
	for _, t := range ticks {
		if t.x > 0.03 && t.x < 0.97 {
			fmt.Fprintf(&b, `<text class="when" x="%s%%" y="%d" text-anchor="middle">%s</text>`,
				pct(t.x), height-6, template.HTMLEscapeString(t.label))
		}
	}
	fmt.Fprintf(&b, `<line class="cursor" x1="0" x2="0" y1="%d" y2="%d" visibility="hidden"/></svg>`, gap, bottom)
	return template.HTML(b.String()) //nolint:gosec // everything foreign in it is escaped
}

func (c Chart) panel(b *strings.Builder, p Panel, top int) {
	s := p.scale()
	for v := s.lo; v <= s.hi+s.step/2; v += s.step {
		y := float64(top) + (1-s.at(v))*float64(p.Height)
		fmt.Fprintf(b, `<line class="grid" x1="0" x2="100%%" y1="%s" y2="%[1]s"/>`, px(y))
	}
	fmt.Fprintf(b, `<svg y="%d" width="100%%" height="%d" viewBox="0 0 %d %d" preserveAspectRatio="none" overflow="hidden">`,
		top, p.Height, inner, inner)
	for _, series := range p.Series {
		class := template.HTMLEscapeString(series.Class)
		switch series.Shape {
		case Area:
			fmt.Fprintf(b, `<path class="area %s" d="%s"/>`, class, c.area(series.Points, s))
			fmt.Fprintf(b, `<path class="line %s" d="%s"/>`, class, c.step(series.Points, s))
		case Step:
			fmt.Fprintf(b, `<path class="line %s" d="%s"/>`, class, c.step(series.Points, s))
		case Line:
			fmt.Fprintf(b, `<path class="line %s" d="%s"/>`, class, c.line(series.Points, s))
		}
	}
	b.WriteString(`</svg>`)
	for v := s.lo; v <= s.hi+s.step/2; v += s.step {
		y := float64(top) + (1-s.at(v))*float64(p.Height)
		text := strconv.FormatFloat(v, 'f', s.places, 64)
		if v > s.hi-s.step/2 { // the topmost names the unit
			text += " " + p.Unit
		}
		fmt.Fprintf(b, `<text class="value" x="-8" y="%s" text-anchor="end">%s</text>`, px(y+4), template.HTMLEscapeString(text))
	}
}

// line joins neighbours. A point without neighbours becomes a dot: a line of
// no length with round ends.
func (c Chart) line(points []Point, s scale) string {
	var b strings.Builder
	open := false
	var last time.Time
	for _, p := range points {
		if !p.OK || !c.shows(p) {
			open = false
			continue
		}
		cmd := "L"
		if !open || p.At.Sub(last) > c.Span*3/2 {
			cmd = "M"
		}
		x, y := c.x(p.At.Add(c.Span/2)), s.y(p.V)
		fmt.Fprintf(&b, "%s%s %s", cmd, px(x), px(y))
		if cmd == "M" {
			fmt.Fprintf(&b, "h0")
		}
		open, last = true, p.At
	}
	return b.String()
}

// step holds each value for its span; a change between neighbours is an
// upright.
func (c Chart) step(points []Point, s scale) string {
	var b strings.Builder
	open := false
	var last time.Time
	for _, p := range points {
		if !p.OK || !c.shows(p) {
			open = false
			continue
		}
		y := px(s.y(p.V))
		if !open || p.At.Sub(last) > c.Span*3/2 {
			fmt.Fprintf(&b, "M%s %s", px(c.x(p.At)), y)
		} else {
			fmt.Fprintf(&b, "V%s", y)
		}
		fmt.Fprintf(&b, "H%s", px(c.x(p.At.Add(c.Span))))
		open, last = true, p.At
	}
	return b.String()
}

func (c Chart) area(points []Point, s scale) string {
	var b strings.Builder
	zero := px(s.y(max(s.lo, 0)))
	for _, p := range points {
		if p.OK && c.shows(p) {
			fmt.Fprintf(&b, "M%s %sV%sH%sV%[2]sz", px(c.x(p.At)), zero, px(s.y(p.V)), px(c.x(p.At.Add(c.Span))))
		}
	}
	return b.String()
}

func (c Chart) shows(p Point) bool {
	return p.At.Before(c.To) && p.At.Add(c.Span).After(c.From) && !math.IsNaN(p.V) && !math.IsInf(p.V, 0)
}

// x maps a time to panel coordinates, held to the panel.
func (c Chart) x(t time.Time) float64 {
	if !c.To.After(c.From) {
		return 0
	}
	return min(max(float64(t.Sub(c.From))/float64(c.To.Sub(c.From)), 0), 1) * inner
}

// scale maps values to a panel.
type scale struct {
	lo, hi, step float64
	places       int
}

func (s scale) at(v float64) float64 { return (v - s.lo) / (s.hi - s.lo) }
func (s scale) y(v float64) float64  { return (1 - s.at(v)) * inner }

// scale picks a round step that gives about four intervals, and ends that are
// whole steps.
func (p Panel) scale() scale {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, s := range p.Series {
		for _, q := range s.Points {
			if q.OK && !math.IsNaN(q.V) && !math.IsInf(q.V, 0) {
				lo, hi = min(lo, q.V), max(hi, q.V)
			}
		}
	}
	if lo > hi {
		lo, hi = 0, 1
	}
	if p.FromZero {
		lo, hi = min(lo, 0), max(hi, 0)
	}
	if d := max(p.Least, 1e-9) - (hi - lo); d > 0 {
		if p.FromZero {
			hi += d
		} else {
			lo, hi = lo-d/2, hi+d/2
		}
	}
	raw := (hi - lo) / 4
	unit := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * unit
	for _, m := range []float64{1, 2, 2.5, 5} {
		if m*unit >= raw*(1-1e-9) {
			step = m * unit
			break
		}
	}
	s := scale{lo: math.Floor(lo/step+1e-9) * step, hi: math.Ceil(hi/step-1e-9) * step, step: step}
	if s.hi <= s.lo {
		s.hi = s.lo + step
	}
	for d := step; s.places < 6 && math.Abs(d-math.Round(d)) > 1e-9; d *= 10 {
		s.places++
	}
	return s
}

// tick is a time on the axis.
type tick struct {
	x     float64 // share of the width
	label string
}

// ticks marks whole hours of a day, days of a week, and dates of a longer
// span, in the location of From.
func (c Chart) ticks() []tick {
	total := c.To.Sub(c.From)
	if total <= 0 {
		return nil
	}
	var out []tick
	add := func(t time.Time, layout string) {
		out = append(out, tick{float64(t.Sub(c.From)) / float64(total), t.Format(layout)})
	}
	year, month, day := c.From.Date()
	loc := c.From.Location()
	if total <= 50*time.Hour {
		hours := 1
		for _, h := range []int{1, 2, 4, 6, 12} {
			if hours = h; total/time.Duration(h) <= 7*time.Hour {
				break
			}
		}
		for h := 0; ; h += hours {
			t := time.Date(year, month, day, h, 0, 0, 0, loc)
			if !t.Before(c.To) {
				return out
			}
			if t.After(c.From) {
				add(t, "15:04")
			}
		}
	}
	days := max(1, int(math.Ceil(total.Hours()/24/7)))
	layout := "Mon 2"
	if days > 1 {
		layout = "2 Jan"
	}
	for d := 0; ; d += days {
		t := time.Date(year, month, day+d, 0, 0, 0, 0, loc)
		if !t.Before(c.To) {
			return out
		}
		if t.After(c.From) {
			add(t, layout)
		}
	}
}

func pct(share float64) string { return px(share * 100) }

// px prints a coordinate with at most two decimals.
func px(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}
