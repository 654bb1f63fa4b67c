package chart_test

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/web/chart"
)

var start = time.Date(2026, 1, 14, 0, 0, 0, 0, time.UTC)

// day makes hourly points; NaN stands for unknown.
func day(v ...float64) []chart.Point {
	var out []chart.Point
	for i, x := range v {
		out = append(out, chart.Point{At: start.Add(time.Duration(i) * time.Hour), V: x, OK: !math.IsNaN(x)})
	}
	return out
}

func draw(shape chart.Shape, points []chart.Point) string {
	c := chart.Chart{
		Title: "test", From: start, To: start.Add(10 * time.Hour), Span: time.Hour,
		Panels: []chart.Panel{{Unit: "°C", Height: 100, FromZero: true, Series: []chart.Series{{Class: "s", Shape: shape, Points: points}}}},
	}
	return string(c.SVG())
}

func TestShapes(t *testing.T) {
	unknown := math.NaN()
	f := func(shape chart.Shape, points []chart.Point, want string) {
		t.Helper()
		if got := draw(shape, points); !strings.Contains(got, ` d="`+want+`"`) {
			t.Errorf("no path %q in\n%s", want, got)
		}
	}
	// The scale is 0 to 10, the panel 1000 by 1000, y downwards.
	f(chart.Line, day(0, 10), "M50 1000h0L150 0")
	f(chart.Step, day(0, 10), "M0 1000H100V0H200")
	f(chart.Area, day(5, 10), "M0 1000V500H100V1000zM100 1000V0H200V1000z")
	// A gap is a gap, and a lone point is a dot.
	f(chart.Line, day(0, 10, unknown, 5), "M50 1000h0L150 0M350 500h0")
	f(chart.Step, day(10, unknown, 5), "M0 0H100M200 500H300")
	f(chart.Area, day(10, unknown), "M0 1000V0H100V1000z")
	// Points that are not there are a gap too.
	f(chart.Line, append(day(0, 10)[:1], day(0, 0, 0, 10)[3]), "M50 1000h0M350 0h0")
	// Nothing known draws nothing.
	f(chart.Line, day(unknown, unknown), "")
}

func TestForeignTextIsEscaped(t *testing.T) {
	c := chart.Chart{Title: `"><script>`, From: start, To: start.Add(time.Hour), Panels: []chart.Panel{{Unit: "</svg>", Height: 9}}}
	if got := string(c.SVG()); strings.Contains(got, "<script>") || strings.Count(got, "</svg>") != 2 {
		t.Errorf("foreign text gets through: %s", got)
	}
}

// Whatever the numbers, the chart is well-formed, has no NaN in it, and ends
// soon.
func TestAnyNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var points []chart.Point
		at := start
		for range rapid.IntRange(0, 40).Draw(t, "n") {
			at = at.Add(time.Duration(rapid.Int64Range(0, int64(3*time.Hour)).Draw(t, "step")))
			points = append(points, chart.Point{At: at, V: rapid.OneOf(rapid.Float64Range(-1e6, 1e6), rapid.Just(math.NaN()), rapid.Just(math.Inf(1)), rapid.Just(21.0)).Draw(t, "v"), OK: rapid.Bool().Draw(t, "ok")})
		}
		c := chart.Chart{
			From: start, To: start.Add(time.Duration(rapid.Int64Range(-1, int64(60*24*time.Hour)).Draw(t, "length"))), Span: time.Hour,
			Panels: []chart.Panel{{
				Height: 100, FromZero: rapid.Bool().Draw(t, "zero"), Least: rapid.Float64Range(0, 10).Draw(t, "least"),
				Series: []chart.Series{{Shape: chart.Line, Points: points}, {Shape: chart.Area, Points: points}, {Shape: chart.Step, Points: points}},
			}},
		}
		svg := string(c.SVG())
		if strings.Contains(svg, "NaN") || strings.Contains(svg, "Inf") {
			t.Fatalf("not a number in %s", svg)
		}
		d := xml.NewDecoder(strings.NewReader(svg))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatalf("%v in %s", err, svg)
			}
		}
		if n := strings.Count(svg, `class="value"`); n < 2 || n > 12 {
			t.Fatalf("%d marks on the scale", n)
		}
		if n := strings.Count(svg, `class="when"`); n > 14 {
			t.Fatalf("%d marks of time", n)
		}
	})
}
