package units_test

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"testing"
)

// Mixing units does not compile. Every expression that mixes stands beside
// its twin that does not, so that the test would notice if it refused
// everything.
func TestMixingUnitsDoesNotCompile(t *testing.T) {
	const prelude = `package p
import ("time"; "hearth/units")
var (
	p units.Watts
	e units.Joules
	k units.KilowattHours
	t units.Celsius
	d units.Kelvin
	l units.Litres
	f units.LitresPerMinute
	h units.HashRate
	x units.Fraction
	g units.Grams
	s units.Sats
	m units.Money
	c units.Price
	hour = time.Hour
	kp units.Known[units.Watts]
	kt units.Known[units.Celsius]
)
func heat(units.Watts)
var _ = %s
var _ = hour
func _() { %s }`

	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "source", nil)
	compiles := func(expr, stmt string) error {
		file, err := parser.ParseFile(fset, "p.go", fmt.Sprintf(prelude, expr, stmt), 0)
		if err != nil {
			t.Fatalf("%s %s: %v", expr, stmt, err)
		}
		conf := types.Config{Importer: imports, IgnoreFuncBodies: false}
		_, err = conf.Check("p", fset, []*ast.File{file}, nil)
		return err
	}

	for _, c := range []struct{ mixed, sound string }{
		{"p + e", "p + p"},
		{"e + k", "e + k.Joules()"},
		{"k - p", "k - e.KilowattHours()"},
		{"p == e", "p == 2*p"},
		{"t + d", "t.Add(d)"},
		{"t < d", "t < t.Add(d)"},
		{"t.Add(t)", "t.Add(t.Sub(20))"},
		{"t.Sub(d)", "t.Sub(t)"},
		{"p.Over(3600.5)", "p.Over(hour)"},
		{"l + f", "l + l"},
		{"h + x", "h + h"},
		{"g - s", "g - g"},
		{"s + 0.5", "s + 1"},
		{"m + m", "m.Currency"},
		{"c.Of(e)", "c.Of(e.KilowattHours())"},
		{"units.Watts(5) + units.Joules(5)", "units.Watts(5) + units.Watts(5)"},
		{
			"units.Join(kp, kt, func(a, b units.Watts) units.Watts { return a + b })",
			"units.Join(kp, kp, func(a, b units.Watts) units.Watts { return a + b })",
		},
	} {
		if err := compiles(c.mixed, ""); err == nil {
			t.Errorf("%s compiles", c.mixed)
		}
		if err := compiles(c.sound, ""); err != nil {
			t.Errorf("%s does not compile: %v", c.sound, err)
		}
	}
	for _, c := range []struct{ mixed, sound string }{
		{"heat(e)", "heat(p)"},
		{"heat(kp)", "if v, ok := kp.Get(); ok { heat(v) }"},
		{"p = kp", "p, _ = kp.Get()"},
		{"var w units.Watts = hour; heat(w)", "var w units.Watts = 5; heat(w)"},
		{"kp = kt", "kp = kp"},
	} {
		if err := compiles("0", c.mixed); err == nil {
			t.Errorf("%s compiles", c.mixed)
		}
		if err := compiles("0", c.sound); err != nil {
			t.Errorf("%s does not compile: %v", c.sound, err)
		}
	}
}
