package picture

import (
	"fmt"
	"math"
	"strings"

	"hearth/units"
)

// size of charts; maps choose their own.
const (
	chartWidth = 720
	marginX    = 16
)

// Caption is what stands above a chart.
type Caption struct {
	Title string
	// Says is what the chart shows, in a sentence or two.
	Says string
}

// Tone says what a mark stands for.
type Tone uint8

// What marks stand for.
const (
	Rest    Tone = iota // neither of the two below
	Machine             // the machine whose heat is used
	Today               // what it is measured against
)

func (t Tone) ink() ink {
	switch t {
	case Machine:
		return warm
	case Today:
		return cool
	}
	return sand
}

// Bar is one bar with the range that it may have.
type Bar struct {
	Name string
	Tone Tone
	// Low and High are the ends of the range, whichever is larger.
	Low, Mid, High float64
	// Figure is Mid as people read it, with its unit.
	Figure string
	// Unknown says why there is no figure; nothing is drawn then.
	Unknown string
}

// Bars draws level bars from zero, one below the other.
func Bars(c Caption, unit string, bars []Bar) *Drawing {
	const row, thick = 34, 18
	d := &Drawing{Width: chartWidth, Title: c.Title}
	top := d.head(c.Says) + 8
	names, figures := 0.0, 0.0
	least, most := 0.0, 0.0
	var says []string
	for _, b := range bars {
		names = max(names, nameWidth(b.Name))
		if b.Unknown != "" {
			says = append(says, b.Name+": unknown, "+b.Unknown)
			continue
		}
		figures = max(figures, width(b.Figure, 12))
		least, most = min(least, b.Low, b.Mid, b.High), max(most, b.Low, b.Mid, b.High)
		says = append(says, b.Name+": "+b.Figure)
	}
	d.Description = strings.Join(says, ". ")
	left := marginX + names + 12
	bottom := top + row*float64(len(bars))
	a := newAxis(least, most, left, chartWidth-marginX-figures-14, 5)
	d.across(a, top, bottom, unit)
	d.line(soft, 1, point{a.at(0), top}, point{a.at(0), bottom})
	for i, b := range bars {
		y := top + row*float64(i) + row/2
		d.name(left-10, y, b.Name)
		if b.Unknown != "" {
			says := clip("unknown: "+b.Unknown, 12, chartWidth-marginX-left-12)
			d.rect(left+2, y-thick/2, width(says, 12)+8, thick, paper, b.Unknown) // over the lines
			d.text(left+6, y+4, 12, soft, start, says)
			continue
		}
		mark := b.Tone.ink()
		low, high := min(b.Low, b.High), max(b.Low, b.High)
		tip := fmt.Sprintf("%s: %s", b.Name, b.Figure)
		zero, mid := a.at(0), a.at(b.Mid)
		d.rect(min(zero, mid), y-thick/2, max(math.Abs(mid-zero), 1), thick, mark, tip)
		if high > low {
			d.whisker(a.at(low), a.at(high), y)
		}
		d.text(chartWidth-marginX, y+4, 12, text, end, b.Figure)
	}
	d.Height = bottom + 44
	return d
}

// mostName is how wide names beside bars may be; longer ones take two lines.
const mostName = 230

// nameWidth is what a name takes beside its bar.
func nameWidth(s string) float64 { return min(width(s, 13), mostName) }

// name writes what a bar stands for at its left.
func (d *Drawing) name(x, y float64, s string) {
	if width(s, 13) <= mostName {
		d.text(x, y+4, 13, text, end, s)
		return
	}
	lines := wrap(s, 12, mostName)
	if len(lines) > 2 {
		lines[1] = clip(lines[1]+"…", 12, mostName)
	}
	if len(lines) == 1 {
		d.text(x, y+4, 12, text, end, lines[0])
		return
	}
	for i, l := range lines[:2] {
		d.text(x, y-3+14*float64(i), 12, text, end, l)
	}
}

// whisker draws a range so that it shows on its bar and on the paper.
func (d *Drawing) whisker(x0, x1, y float64) {
	for _, s := range [...]struct {
		ink   ink
		width float64
	}{{paper, 4}, {text, 1.5}} {
		d.line(s.ink, s.width, point{x0, y}, point{x1, y})
		d.line(s.ink, s.width, point{x0, y - 5}, point{x0, y + 5})
		d.line(s.ink, s.width, point{x1, y - 5}, point{x1, y + 5})
	}
}

// Months draws the heat of each month: what the machine makes, and the rest.
// Both are in kWh; made is never more than wanted.
func Months(c Caption, wanted, made [12]float64, rest string) *Drawing {
	const height = 220
	d := &Drawing{Width: chartWidth, Title: c.Title}
	top := d.head(c.Says) + 8
	d.legend(top+10, key{warm, "made by the machine"}, key{coolWash, rest})
	top += 46
	bottom := top + height
	most := 0.0
	for _, w := range wanted {
		most = max(most, w)
	}
	const left = 66
	a := newAxis(0, 1.06*most, bottom, top, 5) // with room for the shares
	d.upright(a, left, chartWidth-marginX, "kWh in the month")
	slot := (chartWidth - marginX - left) / 12.0
	var says []string
	for m, name := range monthNames {
		x := left + slot*(float64(m)+0.16)
		share := "no heat wanted"
		if wanted[m] > 0 {
			share = fmt.Sprintf("%.0f %%", 100*made[m]/wanted[m])
		}
		tip := fmt.Sprintf("%s: %s kWh wanted, %s kWh by the machine (%s)", name, whole(wanted[m]), whole(made[m]), share)
		says = append(says, tip)
		d.rect(x, a.at(wanted[m]), slot*0.68, bottom-a.at(wanted[m]), coolWash, tip)
		d.rect(x, a.at(made[m]), slot*0.68, bottom-a.at(made[m]), warm, tip)
		d.text(x+slot*0.34, bottom+16, 11, soft, middle, name)
		if wanted[m] > 0 {
			d.text(x+slot*0.34, a.at(wanted[m])-5, 10, text, middle, share)
		}
	}
	d.line(soft, 1, point{left, bottom}, point{chartWidth - marginX, bottom})
	d.Description = strings.Join(says, ". ")
	d.Height = bottom + 30
	return d
}

var monthNames = [...]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}

func whole(v float64) string { return units.Grouped(fmt.Sprintf("%.0f", v), ",") }

// key is an entry of a legend.
type key struct {
	ink  ink
	name string
}

func (d *Drawing) legend(y float64, keys ...key) {
	x := float64(marginX)
	for _, k := range keys {
		if k.ink != none {
			d.rect(x, y-9, 12, 12, k.ink, "")
		}
		d.text(x+18, y+2, 12, text, start, k.name)
		x += 18 + width(k.name, 12) + 22
	}
}

// Point is a figure with its range at a place of the level axis.
type Point struct{ X, Low, Mid, High float64 }

// Mark is a place of the level axis with a name.
type Mark struct {
	X    float64
	Name string
}

// Curve draws figures with their range over something that grows.
type Curve struct {
	Caption
	// Across and Up are the axes, with units: "size, kW", "USD".
	Across, Up string
	Points     []Point
	Marks      []Mark
	// Range names the band, such as "pessimistic to optimistic".
	Range string
	// Label writes a figure of the level axis; nil for plain numbers.
	Label func(float64) string
	// Whole keeps the level axis to the points, without rounding.
	Whole bool
}

// Draw draws the curve. Without points there is only the caption.
func (c Curve) Draw() *Drawing {
	const height, left = 240, 72
	d := &Drawing{Width: chartWidth, Title: c.Title}
	top := d.head(c.Says) + 8
	if len(c.Points) == 0 {
		d.Height = top + 8
		d.Description = c.Says
		return d
	}
	d.legend(top+10, key{warm, "middle"}, key{warmWash, c.Range})
	top += 52
	bottom := top + height
	least, most := math.Inf(1), math.Inf(-1)
	for _, p := range c.Points {
		least, most = min(least, p.Low, p.Mid, p.High), max(most, p.Low, p.Mid, p.High)
	}
	y := newAxis(least, most, bottom, top, 5)
	first, last := c.Points[0].X, c.Points[len(c.Points)-1].X
	right := float64(chartWidth - marginX - 12)
	x := newAxis(first, last, left, right, 8)
	if c.Whole {
		x.least, x.most = first, last
	}
	d.upright(y, left, right, c.Up)
	label := c.Label
	if label == nil {
		label = x.label
	}
	for i := 0; ; i++ {
		v := math.Ceil(x.least/x.step-1e-9)*x.step + float64(i)*x.step
		if v > x.most+1e-9*x.step {
			break
		}
		d.line(line, 1, point{x.at(v), bottom}, point{x.at(v), bottom + 4})
		d.text(x.at(v), bottom+18, 11, soft, middle, label(v))
	}
	d.text((left+right)/2, bottom+36, 12, soft, middle, c.Across)
	band := make([]point, 0, 2*len(c.Points))
	mid := make([]point, 0, len(c.Points))
	for _, p := range c.Points {
		band = append(band, point{x.at(p.X), y.at(p.Low)})
		mid = append(mid, point{x.at(p.X), y.at(p.Mid)})
	}
	for i := range c.Points {
		p := c.Points[len(c.Points)-1-i]
		band = append(band, point{x.at(p.X), y.at(p.High)})
	}
	d.area(warmWash, band...)
	if y.least < 0 && y.most > 0 {
		d.line(soft, 1.2, point{left, y.at(0)}, point{right, y.at(0)})
	}
	step, before := 0, math.Inf(-1)
	for _, m := range c.Marks {
		if m.X < x.least || m.X > x.most {
			continue
		}
		at := x.at(m.X)
		if step++; at-before > 100 {
			step = 0
		}
		before = at
		d.line(text, 1, point{at, top - 4}, point{at, bottom}).dashed = true
		anchor, dx := start, 4.0
		if at > chartWidth*0.7 {
			anchor, dx = end, -4
		}
		d.text(at+dx, top+6+14*float64(step%3), 11, text, anchor, m.Name)
	}
	d.line(warm, 2.2, mid...)
	a, z := c.Points[0], c.Points[len(c.Points)-1]
	d.Description = fmt.Sprintf("%s. From %s (range %s to %s) at %s to %s (range %s to %s) at %s.", c.Up,
		y.figure(a.Mid), y.figure(a.Low), y.figure(a.High), label(a.X), y.figure(z.Mid), y.figure(z.Low), y.figure(z.High), label(z.X))
	d.Height = bottom + 48
	return d
}

// figure writes a value with one decimal more than the marks have.
func (a axis) figure(v float64) string {
	a.step /= 10
	return a.label(v)
}

// Swing is what one input does to a figure when it goes from its low to its
// high end.
type Swing struct {
	Name string
	// At is the figure when the input is at its low and at its high end, and
	// Inputs how these are written.
	AtLow, AtHigh       float64
	InputLow, InputHigh string
}

// Tornado draws what moves a figure most, in the order given; base is the
// figure when nothing moves.
func Tornado(c Caption, unit string, base float64, swings []Swing) *Drawing {
	const row, thick = 40, 20
	d := &Drawing{Width: chartWidth, Title: c.Title}
	top := d.head(c.Says) + 8
	d.legend(top+10, key{cool, "when the input is at its low end"}, key{warm, "at its high end"})
	top += 30
	names, inputs := 0.0, 0.0
	least, most := base, base
	for _, s := range swings {
		names = max(names, nameWidth(s.Name))
		least, most = min(least, s.AtLow, s.AtHigh), max(most, s.AtLow, s.AtHigh)
		inputs = max(inputs, width(s.InputLow, 11), width(s.InputHigh, 11))
	}
	left := marginX + names + 12
	a := newAxis(least, most, left+inputs+8, chartWidth-marginX-inputs-8, 5)
	bottom := top + row*float64(len(swings))
	d.across(a, top, bottom, unit)
	var says []string
	for i, s := range swings {
		y := top + row*float64(i) + row/2
		d.name(left-10, y, s.Name)
		tip := fmt.Sprintf("%s: %s at %s, %s at %s", s.Name, a.figure(s.AtLow), s.InputLow, a.figure(s.AtHigh), s.InputHigh)
		says = append(says, tip)
		if (s.AtLow-base)*(s.AtHigh-base) > 0 { // both on one side: the wider one below
			d.half(a, base, s.AtLow, y-thick/4, thick/2, cool, tip)
			d.half(a, base, s.AtHigh, y+thick/4, thick/2, warm, tip)
		} else {
			d.half(a, base, s.AtLow, y, thick, cool, tip)
			d.half(a, base, s.AtHigh, y, thick, warm, tip)
		}
		lowText, highText := s.InputLow, s.InputHigh
		x0, x1 := a.at(min(s.AtLow, s.AtHigh, base)), a.at(max(s.AtLow, s.AtHigh, base))
		if s.AtLow > s.AtHigh {
			lowText, highText = highText, lowText
		}
		d.text(x0-5, y+4, 11, text, end, lowText)
		d.text(x1+5, y+4, 11, text, start, highText)
	}
	d.line(text, 1.2, point{a.at(base), top}, point{a.at(base), bottom})
	d.Description = "Base " + a.figure(base) + " " + unit + ". " + strings.Join(says, ". ")
	d.Height = bottom + 44
	return d
}

func (d *Drawing) half(a axis, base, v, y, thick float64, fill ink, tip string) {
	d.rect(a.at(base), y-thick/2, a.at(v)-a.at(base), thick, fill, tip)
}

// Spread draws how often a figure came out where: counts of equal steps
// between from and to. The marks name figures such as the median.
func Spread(c Caption, unit string, from, to float64, counts []int, marks []Mark) *Drawing {
	const height, left = 200, 60
	d := &Drawing{Width: chartWidth, Title: c.Title}
	top := d.head(c.Says) + 8
	d.legend(top+10, key{warm, "gain"}, key{sand, "loss"}, key{none, "height: % of the runs"})
	top += 96
	bottom := top + height
	most, total := 0, 0
	for _, n := range counts {
		most, total = max(most, n), total+n
	}
	right := float64(chartWidth - marginX - 12)
	if total == 0 || !(from < to) {
		d.Height, d.Description = top, c.Says
		return d
	}
	y := newAxis(0, 100*float64(most)/float64(total), bottom, top, 4)
	x := newAxis(from, to, left, right, 7)
	d.upright(y, left, right, "")
	step := (to - from) / float64(len(counts))
	for i, n := range counts {
		low := from + float64(i)*step
		colour := warm
		if low+step/2 < 0 {
			colour = sand
		}
		share := 100 * float64(n) / float64(total)
		x0, x1 := x.at(low), x.at(low+step)
		d.rect(x0+0.5, y.at(share), x1-x0-1, bottom-y.at(share), colour, fmt.Sprintf("%s to %s %s: %.1f %% of the runs", x.figure(low), x.figure(low+step), unit, share))
	}
	for _, v := range x.ticks() {
		d.text(x.at(v), bottom+16, 11, soft, middle, x.label(v))
	}
	d.text((left+right)/2, bottom+34, 12, soft, middle, unit)
	var says []string
	for i, m := range marks {
		at := x.at(m.X)
		d.line(text, 1, point{at, top - 32 - 13*float64(i%3)}, point{at, bottom}).dashed = true
		anchor, dx := start, 4.0
		if at > chartWidth*0.7 {
			anchor, dx = end, -4
		}
		d.text(at+dx, top-26-13*float64(i%3), 11, text, anchor, m.Name)
		says = append(says, m.Name)
	}
	d.line(soft, 1, point{left, bottom}, point{right, bottom})
	d.Description = c.Says + " " + strings.Join(says, ". ")
	d.Height = bottom + 46
	return d
}
