package explorer

import (
	"fmt"
	"html/template"
	"math/bits"
	"slices"
	"strings"

	"hearth/chain/emission"
)

// chart is credited work by epoch and class, oldest first.
type chart struct {
	SVG  template.HTML
	Rows [][]cell // the same as a table
	Top  string   // what the highest bar stands for
	Note string
}

// parts returns how many thousandths of whole a part is.
func parts(part, whole uint64) int {
	if whole == 0 {
		return 0
	}
	hi, lo := bits.Mul64(min(part, whole), 1000)
	q, _ := bits.Div64(hi, lo, whole) // hi < whole: were it not, whole would be under 1000, and hi zero
	return int(q)                     //nolint:gosec // at most 1000
}

// newChart draws epochs, which come newest first, as stacked bars.
func newChart(newest []emission.Epoch) *chart {
	if len(newest) == 0 {
		return &chart{Note: "No epoch has ended yet."}
	}
	epochs := slices.Clone(newest)
	slices.Reverse(epochs)
	var top uint64
	for _, v := range epochs {
		top = max(top, v.MegaPaid+v.MegaCommons+v.MegaAudit)
	}
	c := &chart{Top: mega(top)}
	if top == 0 {
		c.Note = "No work was credited in these epochs."
	}
	const height, gap = 1000, 200 // of a bar's own coordinates; a bar and its gap are 1000 wide
	first, last := number(epochs[0].Number), number(epochs[len(epochs)-1].Number)
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="bars" viewBox="0 0 %d %d" preserveAspectRatio="none" role="img" aria-label="Credited work by class, epochs %s to %s; at most %s in one">`,
		max(len(epochs), 12)*1000, height, first, last, mega(top))
	for i, v := range epochs {
		y := height
		for _, part := range []struct {
			class string
			macs  uint64
		}{{"paid", v.MegaPaid}, {"commons", v.MegaCommons}, {"audit", v.MegaAudit}} {
			h := parts(part.macs, top)
			if h == 0 {
				continue
			}
			y -= h
			fmt.Fprintf(&b, `<rect class="%s" x="%d" y="%d" width="%d" height="%d"/>`, part.class, i*1000+gap/2, y, 1000-gap, h)
		}
	}
	b.WriteString(`</svg>`)
	c.SVG = template.HTML(b.String()) //nolint:gosec // numbers and words of this file only
	for _, v := range newest {
		c.Rows = append(c.Rows, []cell{count(v.Number), millions(v.MegaPaid), millions(v.MegaCommons), millions(v.MegaAudit)})
	}
	return c
}
