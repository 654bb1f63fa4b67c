package economy

import (
	"cmp"
	"fmt"
	"html"
	"slices"
	"strings"
)

// drawing is an SVG that is written from the top down. Places are whole pixels,
// so that it is the same everywhere.
type drawing struct {
	strings.Builder
	title string
	says  []string
}

const (
	pictureWidth = 760
	panelLeft    = 250
	panelRight   = pictureWidth - 90
)

func (d *drawing) text(x, y, size int, class, anchor, s string) {
	fmt.Fprintf(d, `<text x="%d" y="%d" font-size="%d" class="%s" text-anchor="%s">%s</text>`+"\n", x, y, size, class, anchor, html.EscapeString(s))
}

func (d *drawing) line(class string, points ...[2]int) {
	d.WriteString(`<polyline class="` + class + `" points="`)
	for i, p := range points {
		if i > 0 {
			d.WriteByte(' ')
		}
		fmt.Fprintf(d, "%d,%d", p[0], p[1])
	}
	d.WriteString("\"/>\n")
}

func (d *drawing) rect(x, y, w, h int, class, tip string) {
	fmt.Fprintf(d, `<rect x="%d" y="%d" width="%d" height="%d" class="%s"><title>%s</title></rect>`+"\n", x, y, w, h, class, html.EscapeString(tip))
}

// Picture draws the report: what attacks cost the honest, how power follows
// rented work, and how the fee answers a shock. Every mark has its figure as
// text.
func (r Report) Picture() string {
	d := &drawing{title: "What attacks do to the network"}
	y := d.bars(r.Attacks, 40)
	y = d.powers(r.Takeovers, y+40)
	y = d.fees(r.Fees, y+40)
	var out strings.Builder
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" aria-labelledby="t d" font-family="system-ui, sans-serif">
<title id="t">%s</title>
<desc id="d">%s</desc>
<style>
svg{background:#fff}.ink{fill:#231f1b}.soft{fill:#5c544b}.rule{stroke:#d9d1c5;fill:none}.edge{stroke:#5c544b;fill:none;stroke-dasharray:4 3}
.bad{fill:#b8430f}.good{fill:#1f5fbf}.l0{stroke:#b8430f;fill:none;stroke-width:2}.l1{stroke:#1f5fbf;fill:none;stroke-width:2}.l2{stroke:#37652f;fill:none;stroke-width:2}.l3{stroke:#231f1b;fill:none;stroke-width:2}.dash{stroke-dasharray:6 4}
@media (prefers-color-scheme:dark){svg{background:#161311}.ink{fill:#f2ece4}.soft{fill:#b5aa9d}.rule{stroke:#3d362f}.edge{stroke:#b5aa9d}.bad{fill:#f2935a}.good{fill:#8ab8ff}.l0{stroke:#f2935a}.l1{stroke:#8ab8ff}.l2{stroke:#9fce93}.l3{stroke:#f2ece4}}
</style>
`, pictureWidth, y, pictureWidth, y, html.EscapeString(d.title), html.EscapeString(strings.Join(d.says, ". ")))
	out.WriteString(d.String())
	out.WriteString("</svg>\n")
	return out.String()
}

func (d *drawing) heading(y int, title, says string) {
	d.text(20, y, 17, "ink", "start", title)
	d.text(20, y+20, 12, "soft", "start", says)
}

// bars shows the effect of each attack on all honest miners, from −4 % to 4 %.
func (d *drawing) bars(effects []Effect, y int) int {
	d.heading(y, "What honest miners earn under attack", "Simulated, against the same world without the attack. Dashed: two per cent.")
	const middle = (panelLeft + panelRight) / 2
	at := func(v int64) int { return middle + int(v)*(panelRight-panelLeft)/800 }
	top, row := y+36, 24
	bottom := top + row*len(effects)
	for _, v := range []int64{-400, -200, 0, 200, 400} {
		class := "rule"
		if v == -200 || v == 200 {
			class = "edge"
		}
		d.line(class, [2]int{at(v), top}, [2]int{at(v), bottom})
		d.text(at(v), bottom+16, 11, "soft", "middle", strings.Replace(fmt.Sprintf("%d %%", v/100), "-", "−", 1))
	}
	for i, e := range effects {
		x, mid := at(min(max(e.All, -400), 400)), top+row*i+row/2
		class, left, width := "good", middle, x-middle
		if x < middle {
			class, left, width = "bad", x, middle-x
		}
		says := e.Name + ": " + percent(e.All)
		d.says = append(d.says, says)
		d.text(panelLeft-10, mid+4, 12, "ink", "end", e.Name)
		d.rect(left, mid-7, max(width, 1), 14, class, says)
		d.text(pictureWidth-14, mid+4, 12, "ink", "end", percent(e.All))
	}
	return bottom + 24
}

// powers shows how an attacker's power follows rented work.
func (d *drawing) powers(ts []Takeover, y int) int {
	d.heading(y, "Power of rented work, from the day it begins", "Dashed while guardians have 34 %. Work is a multiple of what all others do together.")
	const left, right, height = 60, pictureWidth - 110, 220
	top := y + 40
	bottom := top + height
	at := func(day int, share int64) [2]int {
		return [2]int{left + day*(right-left)/takeoverDays, bottom - int(share)*height/1000}
	}
	for _, m := range []struct {
		share int64
		name  string
	}{{0, "0"}, {333, "1/3"}, {500, "1/2"}, {667, "2/3"}, {1000, "all"}} {
		d.line("rule", at(0, m.share), at(takeoverDays, m.share))
		d.text(left-8, at(0, m.share)[1]+4, 11, "soft", "end", m.name)
	}
	for n := 0; n <= takeoverDays; n += 10 {
		d.text(at(n, 0)[0], bottom+16, 11, "soft", "middle", fmt.Sprint(n))
	}
	d.text((left+right)/2, bottom+32, 12, "soft", "middle", "days")
	type label struct {
		y    int
		name string
	}
	var labels []label
	for i, t := range ts {
		class := fmt.Sprintf("l%d", i/2%4)
		if t.Guarded {
			class += " dash"
		}
		points := [][2]int{at(0, 0)}
		for n, s := range t.Share {
			points = append(points, at(n+1, s))
		}
		d.line(class, points...)
		last := t.Share[len(t.Share)-1]
		labels = append(labels, label{at(0, last)[1] + 4, permille(int64(t.Rented)) + ": " + permille(last)})
		d.says = append(d.says, fmt.Sprintf("rented %s, guardians %v: %s of power after %d days", permille(int64(t.Rented)), t.Guarded, permille(last), takeoverDays))
	}
	// Names beside the ends of the lines, from the bottom up, none on another.
	slices.SortFunc(labels, func(a, b label) int { return cmp.Compare(b.y, a.y) })
	free := bottom + 4
	for _, l := range labels {
		l.y = min(l.y, free)
		d.text(right+6, l.y, 11, "ink", "start", l.name)
		free = l.y - 12
	}
	return bottom + 36
}

// fees shows the base fee through an hour of tenfold demand.
func (d *drawing) fees(fs []FeeShock, y int) int {
	d.heading(y, "Base fee while demand is tenfold for an hour", "uhth for 10⁹ multiply-accumulates, by the most it may move in a block.")
	const left, right, height = 60, pictureWidth - 110, 180
	top := y + 40
	bottom := top + height
	var most uint64
	for _, f := range fs {
		for _, v := range f.Fees {
			most = max(most, v)
		}
	}
	most = (most + 999) / 1000 * 1000
	at := func(minute int, fee uint64, of int) [2]int {
		return [2]int{left + minute*(right-left)/of, bottom - int(fee*height/most)}
	}
	for v := uint64(0); v <= most; v += 1000 {
		d.line("rule", at(0, v, 1), at(1, v, 1))
		d.text(left-8, at(0, v, 1)[1]+4, 11, "soft", "end", grouped(v))
	}
	for h := range 7 {
		d.text(left+h*(right-left)/6, bottom+16, 11, "soft", "middle", fmt.Sprintf("%d h", h))
	}
	for i, f := range fs {
		var points [][2]int
		for n, v := range f.Fees {
			points = append(points, at(n, v, len(f.Fees)))
		}
		d.line(fmt.Sprintf("l%d", i), points...)
		d.text(right+4, top+12+16*i, 11, "ink", "start", "step "+permille(int64(f.Step)))
		d.line(fmt.Sprintf("l%d", i), [2]int{right + 74, top + 8 + 16*i}, [2]int{right + 94, top + 8 + 16*i})
		d.says = append(d.says, fmt.Sprintf("with a step of %s the fee goes from %d to %d", permille(int64(f.Step)), f.Before, f.Settled))
	}
	return bottom + 36
}
