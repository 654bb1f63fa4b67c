package picture

import (
	"fmt"
	"html"
	"strconv"
	"strings"
)

// Drawing is a picture as shapes, in units of a CSS pixel, with the origin at
// the top left. It is built by the functions of this package and may then be
// shared.
type Drawing struct {
	Width, Height float64
	// Title says what is shown, and Description what it says, for those who
	// cannot see it.
	Title, Description string
	shapes             []shape
}

// shape is a polygon, a line or a text.
type shape struct {
	points []point
	closed bool
	fill   ink
	stroke ink
	width  float64
	dashed bool
	text   string
	at     anchor
	size   float64
	bold   bool
	// tip is what the mark stands for, as text.
	tip string
}

type point struct{ x, y float64 }

// ink is a colour by its meaning, so that a page can be light or dark.
type ink uint8

const (
	none ink = iota
	paper
	text
	soft
	line
	warm // the machine
	warmWash
	cool // what it is compared with
	coolWash
	sand // the rest
	good
	bad
	// Steps of the map, from much worse (0) over even (3) to much better (6).
	step0
	step1
	step2
	step3
	step4
	step5
	step6
	inks
)

// name is the ink's CSS variable.
func (i ink) name() string {
	return [inks]string{
		"none", "paper", "text", "soft", "line", "warm", "warm-wash", "cool", "cool-wash", "sand", "good", "bad",
		"s0", "s1", "s2", "s3", "s4", "s5", "s6",
	}[i]
}

// Colours on light and on dark paper. Text on paper has at least 7:1, marks on
// paper at least 3:1; the steps of the map differ in lightness as well as in
// hue, and carry their figure.
func (i ink) light() uint32 {
	return [inks]uint32{
		0, 0xffffff, 0x231f1b, 0x5c544b, 0xd9d1c5, 0xb8430f, 0xf0cdb8, 0x1f5fbf, 0xc7d8f1, 0x85796a, 0x37652f, 0xa3201d,
		0x8c510a, 0xcf9a4b, 0xf0dcb4, 0xf2f0ec, 0xc2e2dd, 0x63b3a8, 0x13766b,
	}[i]
}

func (i ink) dark() uint32 {
	return [inks]uint32{
		0, 0x161311, 0xf2ece4, 0xb5aa9d, 0x3d362f, 0xf2935a, 0x5a3722, 0x8ab8ff, 0x28405f, 0x9c9183, 0x9fce93, 0xff9c92,
		0xe0a458, 0x8a5a1c, 0x564024, 0x3a3531, 0x1f4a45, 0x256f66, 0x6fd0c3,
	}[i]
}

// on returns the ink of text that stands on a step of the map.
func (i ink) on() string {
	if i == step0 || i == step6 {
		return "on-deep"
	}
	return "on-pale"
}

// anchor says which end of a text its position is.
type anchor uint8

const (
	start anchor = iota
	middle
	end
)

func (d *Drawing) rect(x, y, w, h float64, fill ink, tip string) {
	if w < 0 {
		x, w = x+w, -w
	}
	d.shapes = append(d.shapes, shape{points: []point{{x, y}, {x + w, y}, {x + w, y + h}, {x, y + h}}, closed: true, fill: fill, tip: tip})
}

func (d *Drawing) line(stroke ink, width float64, points ...point) *shape {
	d.shapes = append(d.shapes, shape{points: points, stroke: stroke, width: width})
	return &d.shapes[len(d.shapes)-1]
}

func (d *Drawing) area(fill ink, points ...point) {
	d.shapes = append(d.shapes, shape{points: points, closed: true, fill: fill})
}

func (d *Drawing) text(x, y, size float64, colour ink, at anchor, s string) *shape {
	d.shapes = append(d.shapes, shape{points: []point{{x, y}}, text: s, fill: colour, at: at, size: size})
	return &d.shapes[len(d.shapes)-1]
}

// head writes the title and, below it, what is drawn.
// It returns where the rest may begin.
func (d *Drawing) head(subtitle string) (y float64) {
	y = 26
	for _, l := range wrap(d.Title, 17, d.Width-2*marginX) { // bold is a little wider
		d.text(16, y, 16, text, start, l).bold = true
		y += 20
	}
	for _, l := range wrap(subtitle, 12, d.Width-2*marginX) {
		d.text(16, y, 12, soft, start, l)
		y += 16
	}
	return y
}

// Style is the CSS of all drawings, for a page that holds several of them. An
// SVG file has it within.
func Style() string {
	var b strings.Builder
	palette := func(colour func(ink) uint32) {
		for i := paper; i < inks; i++ {
			fmt.Fprintf(&b, "--%s:#%06x;", i.name(), colour(i))
		}
	}
	b.WriteString(".picture{")
	palette(ink.light)
	b.WriteString("--on-deep:#fff;--on-pale:#231f1b}")
	b.WriteString("@media screen and (prefers-color-scheme:dark){.picture{")
	palette(ink.dark)
	b.WriteString("--on-deep:#161311;--on-pale:#f2ece4}}")
	for i := paper; i < inks; i++ {
		fmt.Fprintf(&b, ".picture .f-%[1]s{fill:var(--%[1]s)}.picture .s-%[1]s{stroke:var(--%[1]s)}", i.name())
	}
	b.WriteString(".picture .f-none{fill:none}.picture .f-on-deep{fill:var(--on-deep)}.picture .f-on-pale{fill:var(--on-pale)}")
	b.WriteString(".picture text{font-family:Helvetica,Arial,Liberation Sans,Go,system-ui,sans-serif}")
	return b.String()
}

// SVG returns the drawing as a file of its own.
func (d *Drawing) SVG() []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + d.svg(true) + "\n")
}

// Inline returns the drawing as an SVG element for a page that has [Style].
func (d *Drawing) Inline() string { return d.svg(false) }

func (d *Drawing) svg(alone bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" class="picture" viewBox="0 0 %s %s"`, num(d.Width), num(d.Height))
	if alone {
		fmt.Fprintf(&b, ` width="%s" height="%s"`, num(d.Width), num(d.Height))
	}
	fmt.Fprintf(&b, ` role="img"><title>%s</title><desc>%s</desc>`, html.EscapeString(d.Title), html.EscapeString(d.Description))
	if alone {
		fmt.Fprintf(&b, `<style>%s</style><rect width="100%%" height="100%%" class="f-paper"/>`, Style())
	}
	for _, s := range d.shapes {
		b.WriteByte('\n')
		s.svg(&b)
	}
	b.WriteString("\n</svg>")
	return b.String()
}

func (s shape) svg(b *strings.Builder) {
	if s.text != "" {
		fmt.Fprintf(b, `<text x="%s" y="%s" font-size="%s"`, num(s.points[0].x), num(s.points[0].y), num(s.size))
		if s.at != start {
			fmt.Fprintf(b, ` text-anchor="%s"`, [...]string{middle: "middle", end: "end"}[s.at])
		}
		if s.bold {
			b.WriteString(` font-weight="bold"`)
		}
		fill := s.fill.name()
		if s.fill >= step0 {
			fill = s.fill.on()
		}
		fmt.Fprintf(b, ` class="f-%s">%s</text>`, fill, html.EscapeString(s.text))
		return
	}
	b.WriteString(`<path d="`)
	for i, p := range s.points {
		verb := "L"
		if i == 0 {
			verb = "M"
		}
		b.WriteString(verb + num(p.x) + " " + num(p.y))
	}
	if s.closed {
		b.WriteString("Z")
	}
	// Colours are classes, not styles: a page that allows no style within it may
	// hold the picture all the same.
	fmt.Fprintf(b, `" class="f-%s`, s.fill.name())
	if s.stroke != none {
		fmt.Fprintf(b, ` s-%s" stroke-width="%s" stroke-linejoin="round`, s.stroke.name(), num(s.width))
		if s.dashed {
			b.WriteString(`" stroke-dasharray="4 3`)
		}
	}
	b.WriteString(`"`)
	if s.tip != "" {
		fmt.Fprintf(b, "><title>%s</title></path>", html.EscapeString(s.tip))
		return
	}
	b.WriteString("/>")
}

// num writes a coordinate with at most two decimals.
func num(v float64) string {
	s := strconv.FormatFloat(v, 'f', 2, 64)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" || s == "" {
		return "0"
	}
	return s
}
