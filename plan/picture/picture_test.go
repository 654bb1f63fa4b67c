package picture

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// gallery has one drawing of each kind, with the awkward figures that plans
// have: negative ones, unknown ones, names that need escaping, months without
// heat.
func gallery() map[string]*Drawing {
	c := Caption{Title: "A title", Says: "What it shows, in a sentence that is so long that it does not fit on one line of the drawing and has to be parted in two."}
	bars := []Bar{
		{Name: "Propane boiler", Tone: Today, Low: 9.8, Mid: 9.8, High: 9.8, Figure: "9.8 ct"},
		{Name: `"Fish & chips" <heater>`, Mid: 14, Low: 14, High: 14, Figure: "14.0 ct"},
		{Name: "Machine", Tone: Machine, Low: 9.1, Mid: 5.4, High: -1.2, Figure: "5.4 ct"},
		{Name: "Oil boiler", Unknown: "no price of oil is known there"},
	}
	var wanted, made [12]float64
	for m := range wanted {
		wanted[m] = max(0, 1400+1600*math.Cos(float64(m)*math.Pi/6))
		made[m] = min(wanted[m], 900)
	}
	var points []Point
	for m := range 120 {
		v := 28 * math.Pow(0.99, float64(m))
		points = append(points, Point{X: 2026 + float64(m)/12, Low: v * 0.6, Mid: v, High: v * 1.4})
	}
	tiles := []Tile{
		{Code: "US-ME", Name: "Maine", Value: 12, Figure: "+12"},
		{Code: "US-TX", Name: "Texas", Value: -7, Figure: "−7"},
		{Code: "DE", Name: "Germany", Value: 0.1, Figure: "0"},
		{Code: "GE", Name: "Georgia", Unknown: "no climate is like it"},
		{Code: "NZ", Name: "New Zealand", Value: 3, Figure: "+3"},
	}
	return map[string]*Drawing{
		"bars":   Bars(c, "ct for a useful kWh", bars),
		"months": Months(c, wanted, made, "made by the backup"),
		"curve": Curve{
			Caption: c, Across: "year", Up: "$ for a PH/s and day", Points: points, Range: "range", Whole: true,
			Marks: []Mark{{2028.3, "halving"}, {2050, "beyond the end"}},
		}.Draw(),
		"tornado": Tornado(c, "USD", 2400, []Swing{
			{"Hash price", -800, 5200, "18 $", "52 $"}, {"Power", 4100, 600, "0.10", "0.18"}, {"Both on one side", 2900, 3300, "a", "b"},
		}),
		"spread": Spread(c, "USD", -3000, 9000, []int{1, 4, 9, 20, 9, 4, 1}, []Mark{{-500, "5 %"}, {2400, "median"}, {6100, "95 %"}}),
		"map":    Map(c, "ct for a kWh of heat", tiles),
		"grid": Grid(c, "ct", []string{"Maine", "Texas"}, []string{"propane", "gas"},
			[][]Cell{{{Value: 4, Figure: "+4.0"}, {Unknown: "no gas"}}, {{Value: -4, Figure: "−4.0"}, {Figure: "0.0"}}}),
		"empty":   Curve{Caption: c}.Draw(),
		"no runs": Spread(c, "USD", 0, 1, nil, nil),
	}
}

func TestDrawings(t *testing.T) {
	for name, d := range gallery() {
		t.Run(name, func(t *testing.T) {
			svg := d.SVG()
			if again := gallery()[name].SVG(); !bytes.Equal(svg, again) {
				t.Error("the same figures gave another SVG")
			}
			if err := wellFormed(svg); err != nil {
				t.Errorf("SVG: %v", err)
			}
			for _, no := range []string{"NaN", "Inf", "script", "http://", "https://"} {
				if text := strings.Replace(string(svg), `xmlns="http://www.w3.org/2000/svg"`, "", 1); strings.Contains(text, no) {
					t.Errorf("SVG holds %q", no)
				}
			}
			for _, s := range d.shapes {
				for _, p := range s.points {
					if p.x < -1 || p.x > d.Width+1 || p.y < -1 || p.y > d.Height+1 {
						t.Errorf("%+v lies outside of %g × %g", s, d.Width, d.Height)
					}
				}
			}
			b, err := d.PNG(1)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := d.PNG(1); !bytes.Equal(b, again) {
				t.Error("the same figures gave another PNG")
			}
			img, err := png.Decode(bytes.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := img.Bounds().Dx(), int(math.Ceil(d.Width)); got != want {
				t.Errorf("PNG is %d wide, want %d", got, want)
			}
		})
	}
}

func wellFormed(svg []byte) error {
	d := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := d.Token(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// TestGolden keeps one picture as it was looked at; -update writes it anew.
func TestGolden(t *testing.T) {
	for _, name := range []string{"bars", "map"} {
		file := filepath.Join("testdata", name+".svg")
		got := gallery()[name].SVG()
		if *update {
			if err := os.WriteFile(file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s has changed: look at it, then write it anew with -update", file)
		}
	}
}

// TestUnknownIsNotDrawn: what is unknown has no bar and no colour, and says so.
func TestUnknownIsNotDrawn(t *testing.T) {
	d := gallery()["bars"]
	bars := 0
	for _, s := range d.shapes {
		if s.closed && s.fill != paper {
			bars++
		}
	}
	if bars != 3 {
		t.Errorf("%d bars are drawn for three figures and one unknown", bars)
	}
	for _, name := range []string{"bars", "map", "grid"} {
		if !strings.Contains(string(gallery()[name].SVG()), "unknown") {
			t.Errorf("%s does not say that a figure is unknown", name)
		}
	}
}

func TestAxis(t *testing.T) {
	for _, c := range []struct {
		least, most float64
		want        string
	}{
		{0, 9.8, "0 2 4 6 8 10"},
		{-1.2, 14, "−5 0 5 10 15"},
		{0, 0, "−1.0 −0.5 0.0 0.5 1.0"},
		{0.05, 0.31, "0.0 0.1 0.2 0.3 0.4"},
		{-800, 52000, "−20,000 0 20,000 40,000 60,000"},
		{90, 100, "90 92 94 96 98 100"},
	} {
		a := newAxis(c.least, c.most, 0, 100, 5)
		var got []string
		for _, v := range a.ticks() {
			got = append(got, a.label(v))
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("axis from %g to %g: %s, want %s", c.least, c.most, s, c.want)
		}
	}
}

// TestColours: text on paper has a contrast of 7:1, marks of 3:1, light and
// dark, and what is written on the map 4.5:1.
func TestColours(t *testing.T) {
	for _, theme := range []struct {
		name   string
		colour func(ink) uint32
		onDeep uint32
		onPale uint32
	}{{"light", ink.light, 0xffffff, 0x231f1b}, {"dark", ink.dark, 0x161311, 0xf2ece4}} {
		check := func(what string, a, b uint32, least float64) {
			if c := contrast(a, b); c < least {
				t.Errorf("%s: %s has a contrast of %.2f, want %g", theme.name, what, c, least)
			}
		}
		for _, i := range []ink{text, soft} {
			check(i.name(), theme.colour(i), theme.colour(paper), 7)
		}
		for _, i := range []ink{warm, cool, sand} {
			check(i.name(), theme.colour(i), theme.colour(paper), 3)
		}
		for i := step0; i <= step6; i++ {
			on := theme.onPale
			if i.on() == "on-deep" {
				on = theme.onDeep
			}
			check(fmt.Sprintf("a figure on %s", i.name()), on, theme.colour(i), 4.5)
		}
	}
}

// contrast is that of WCAG 2.
func contrast(a, b uint32) float64 {
	luminance := func(c uint32) float64 {
		var l float64
		for i, share := range []float64{0.0722, 0.7152, 0.2126} {
			v := float64(c>>(8*i)&0xff) / 255
			if v <= 0.04045 {
				v /= 12.92
			} else {
				v = math.Pow((v+0.055)/1.055, 2.4)
			}
			l += share * v
		}
		return l
	}
	x, y := luminance(a)+0.05, luminance(b)+0.05
	return max(x, y) / min(x, y)
}

// TestWidths: the widths by which SVGs are laid out are those of the font.
func TestWidths(t *testing.T) {
	f, err := sfnt.Parse(goregular.TTF)
	if err != nil {
		t.Fatal(err)
	}
	var buffer sfnt.Buffer
	for i, want := range widths {
		glyph, err := f.GlyphIndex(&buffer, rune(' '+i))
		if err != nil {
			t.Fatal(err)
		}
		a, err := f.GlyphAdvance(&buffer, glyph, fixed.I(1000), font.HintingNone)
		if err != nil {
			t.Fatal(err)
		}
		if got := a.Round(); got != int(want) {
			t.Errorf("%q is %d wide, not %d", rune(' '+i), got, want)
		}
	}
}

func TestPNGRefusesAbsurdScales(t *testing.T) {
	d := gallery()["bars"]
	for _, scale := range []float64{0, -1, 1e6, math.NaN(), math.Inf(1)} {
		if _, err := d.PNG(scale); err == nil || !strings.Contains(err.Error(), "choose another scale") {
			t.Errorf("PNG(%g): %v, want a refusal that says what to do", scale, err)
		}
	}
}
