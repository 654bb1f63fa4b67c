package jsonpath_test

import (
	"math"
	"strings"
	"testing"

	"hearth/internal/jsonpath"
)

const doc = `{
  "temperature": 21.5,
  "text": "22.25",
  "on": true,
  "nothing": null,
  "meters": [{"power": 812.5}, {"power": -1}],
  "switch:0": {"apower": 40},
  "a.b": {"c[0]": 7},
  "": 5,
  "deep": [[1, 2], [3]],
  "big": 1e400,
  "nan": "NaN"
}`

func TestPathsFindValues(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"temperature", "21.5"},
		{"text", "22.25"},
		{"on", "true"},
		{"meters[0].power", "812.5"},
		{"meters[-1].power", "-1"},
		{"switch:0.apower", "40"},
		{`["switch:0"].apower`, "40"},
		{`["a.b"]["c[0]"]`, "7"},
		{`[""]`, "5"},
		{"deep[0][1]", "2"},
		{"deep[1][0]", "3"},
	} {
		p, err := jsonpath.Parse(c.path)
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := p.Text([]byte(doc)); err != nil || got != c.want {
			t.Errorf("%s is %q, %v; want %q", c.path, got, err, c.want)
		}
	}
}

func TestWhatIsNotThereIsAnErrorThatSaysWhere(t *testing.T) {
	for _, c := range []struct{ path, want string }{
		{"humidity", `there is no "humidity" in the answer`},
		{"meters[0].volt", `there is no "volt" in meters[0]`},
		{"meters[2].power", "meters has 2 elements: there is no [2]"},
		{"meters[-3]", "there is no [-3]"},
		{"meters", "meters is a list, not a value"},
		{"meters[0]", "meters[0] is an object, not a value"},
		{"temperature.c", `temperature is a number: there is no "c" in it`},
		{"temperature[0]", "temperature is a number, not a list"},
		{"nothing", "nothing is null"},
		{"nothing.x", "nothing is null"},
		{"on", `on is "true", not a number`},
		{"nan", `nan is "NaN", not a number`},
		{"big", `big is "1e400", not a number`},
		{`["a.b"]["c[1]"]`, `there is no "c[1]" in ["a.b"]`},
	} {
		p, err := jsonpath.Parse(c.path)
		if err != nil {
			t.Error(err)
			continue
		}
		if _, err := p.Number([]byte(doc)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.path, err, c.want)
		}
	}
}

func TestTheWholeDocument(t *testing.T) {
	for in, want := range map[string]string{
		"21.5": "21.5", " 21.5\n": "21.5", `"on"`: "on", "ON": "ON", "unavailable": "unavailable", "12,5": "12,5", "true": "true",
	} {
		if got, err := (jsonpath.Path{}).Text([]byte(in)); err != nil || got != want {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"", "  ", "null", "{}", "[]"} {
		if got, err := (jsonpath.Path{}).Text([]byte(in)); err == nil {
			t.Errorf("%q is %q", in, got)
		}
	}
	// With a path, what is cut off or followed by more is no document.
	p, err := jsonpath.Parse("a")
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range []string{`{"a": 1`, `{"a": 1} {"a": 2}`, "<html>", ""} {
		if got, err := p.Text([]byte(in)); err == nil || !strings.Contains(err.Error(), "not JSON") {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
}

func TestPathsThatAreNone(t *testing.T) {
	for _, in := range []string{".", "a.", ".a", "a..b", "a[", "a]", "a[x]", "a[]", "a[1", `a["b]`, `a["b"`, "a[0]b", "a[1.5]", "a]b"} {
		if p, err := jsonpath.Parse(in); err == nil || !strings.Contains(err.Error(), "write it as") {
			t.Errorf("%q was taken as %v, %v", in, p, err)
		}
	}
}

func TestFields(t *testing.T) {
	field := func(path string, scale float64, unknown ...float64) jsonpath.Field {
		var p jsonpath.Path
		if err := p.UnmarshalText([]byte(path)); err != nil {
			t.Fatal(err)
		}
		return jsonpath.Field{Path: p, Scale: scale, Unknown: unknown}
	}
	if v, err := field("meters[0].power", 0.001).Number([]byte(doc)); err != nil || v != 0.8125 {
		t.Errorf("scaled: %v, %v", v, err)
	}
	if v, err := field("text", 0).Number([]byte(doc)); err != nil || v != 22.25 {
		t.Errorf("not scaled: %v, %v", v, err)
	}
	if v, err := field("meters[1].power", 10, -127, -1).Number([]byte(doc)); err == nil || !strings.Contains(err.Error(), "stands for unknown") {
		t.Errorf("a sentinel reads as %v, %v", v, err)
	}
	if v, err := field("temperature", math.MaxFloat64).Number([]byte(doc)); err == nil {
		t.Errorf("too large a number is %v", v)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "a", "a.b[0].c", `a["x.y"][-1]`, "a..b", "[", `["\u00e9"]`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := jsonpath.Parse(s)
		if err != nil {
			return
		}
		if p.String() != s {
			t.Errorf("%q prints as %q", s, p)
		}
		if again, err := jsonpath.Parse(p.String()); err != nil || again.String() != s {
			t.Errorf("%q does not parse again: %v", s, err)
		}
	})
}

func FuzzNumber(f *testing.F) {
	f.Add("meters[0].power", []byte(doc))
	f.Add("", []byte("21.5"))
	f.Add("a[-1]", []byte(`{"a":["0x10"]}`))
	f.Fuzz(func(t *testing.T, path string, doc []byte) {
		p, err := jsonpath.Parse(path)
		if err != nil {
			return
		}
		if v, err := p.Number(doc); err == nil && (math.IsNaN(v) || math.IsInf(v, 0)) {
			t.Errorf("%s of %q is %v", path, doc, v)
		}
	})
}

func TestCelsius(t *testing.T) {
	for _, c := range []struct {
		v    float64
		unit string
		want string
	}{
		{21.5, "", "21.5 °C"},
		{21.5, "°C", "21.5 °C"},
		{-40, "C", "-40.0 °C"},
		{69.8, "°F", "21.0 °C"},
		{32, "F", "0.0 °C"},
		{21312, "m°C", "21.3 °C"},
		{-60, "", "-60.0 °C"},
		{150, "", "150.0 °C"},
		{-61, "", "cannot be"},
		{151, "", "cannot be"},
		{-127, "", "cannot be"},
		{500, "°F", "cannot be"},
		{math.NaN(), "", "cannot be"},
		{20, "K", "not a unit"},
		{20, "c", "not a unit"},
	} {
		got, err := jsonpath.Celsius(c.v, c.unit)
		if err == nil && got.String() != c.want || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v %s is %v, %v; want %s", c.v, c.unit, got, err, c.want)
		}
	}
}
