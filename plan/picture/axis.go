package picture

import (
	"math"
	"strconv"

	"hearth/units"
)

// axis maps figures to a place between two ends of the drawing.
type axis struct {
	least, most float64 // figures
	from, to    float64 // places
	step        float64
}

// newAxis rounds the range to whole steps, some count of them, and keeps zero
// in where it lies near.
func newAxis(least, most, from, to float64, count int) axis {
	if !(least < most) { // one figure only, or none
		least, most = least-1, least+1
	}
	if least > 0 && least < most/2 {
		least = 0
	}
	if most < 0 && most > least/2 {
		most = 0
	}
	raw := (most - least) / float64(count)
	decade := math.Pow(10, math.Floor(math.Log10(raw)))
	step := 10 * decade
	for _, m := range [...]float64{1, 2, 2.5, 5} {
		if m*decade >= raw*0.999 {
			step = m * decade
			break
		}
	}
	return axis{least: math.Floor(least/step+1e-9) * step, most: math.Ceil(most/step-1e-9) * step, from: from, to: to, step: step}
}

func (a axis) at(v float64) float64 {
	v = min(max(v, a.least), a.most)
	return a.from + (v-a.least)/(a.most-a.least)*(a.to-a.from)
}

// ticks are the figures at the axis's marks.
func (a axis) ticks() []float64 {
	n := int(math.Round((a.most - a.least) / a.step))
	t := make([]float64, 0, n+1)
	for i := range n + 1 {
		t = append(t, a.least+float64(i)*a.step)
	}
	return t
}

// label writes the figure at a mark with as many decimals as the step needs.
func (a axis) label(v float64) string {
	decimals := 0
	for s := a.step; decimals < 6 && math.Abs(s-math.Round(s)) > 1e-6*s; decimals++ {
		s *= 10
	}
	if math.Abs(v) < a.step/2 {
		v = 0
	}
	return units.Grouped(strconv.FormatFloat(v, 'f', decimals, 64), ",")
}

// across draws the marks of a level axis: lines from top to bottom, figures
// below, and the unit below these.
func (d *Drawing) across(a axis, top, bottom float64, unit string) {
	for _, v := range a.ticks() {
		x := a.at(v)
		d.line(line, 1, point{x, top}, point{x, bottom})
		d.text(x, bottom+15, 11, soft, middle, a.label(v))
	}
	d.text((a.from+a.to)/2, bottom+32, 12, soft, middle, unit)
}

// upright draws the marks of an upright axis: lines from left to right, figures
// at the left, and the unit above.
func (d *Drawing) upright(a axis, left, right float64, unit string) {
	for _, v := range a.ticks() {
		y := a.at(v)
		d.line(line, 1, point{left, y}, point{right, y})
		d.text(left-6, y+4, 11, soft, end, a.label(v))
	}
	if unit != "" {
		d.text(marginX, a.to-12, 12, soft, start, unit)
	}
}
