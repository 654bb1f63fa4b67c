package sensor

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/internal/jsonpath"
	"hearth/units"
)

func plausible(t *testing.T, in string, c units.Celsius) {
	t.Helper()
	if !(c >= jsonpath.Coldest && c <= jsonpath.Hottest) {
		t.Errorf("%q reads as %v", in, c)
	}
}

func FuzzMilli(f *testing.F) {
	for _, s := range []string{"21312\n", "85000", "-127000", "", "99999999999999999999", "-0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		c, err := milli(s)
		if err != nil {
			return
		}
		plausible(t, s, c)
		if n, _ := strconv.Atoi(strings.TrimSpace(s)); n == 85000 || n == -127000 {
			t.Errorf("%q is a sentinel and reads as %v", s, c)
		}
	})
}

func FuzzSlave(f *testing.F) {
	f.Add("55 01 4b 46 7f ff 0c 10 cf : crc=cf YES\n55 01 4b 46 7f ff 0c 10 cf t=21312\n")
	f.Add("crc=00 NO\nt=1")
	f.Fuzz(func(t *testing.T, s string) {
		if c, err := slave(s); err == nil {
			plausible(t, s, c)
			if !strings.Contains(s, "YES") {
				t.Errorf("%q has no good checksum", s)
			}
		}
	})
}

// FuzzValue covers the decoding of HTTP, MQTT and Home Assistant: all read a
// value out of a document.
func FuzzValue(f *testing.F) {
	f.Add("t", "°C", `{"t": 20.5}`)
	f.Add("", "°F", "69.8")
	f.Add("a[0]", "m°C", `{"a": ["1e309"]}`)
	f.Fuzz(func(t *testing.T, path, unit, doc string) {
		var v Value
		if v.Path.UnmarshalText([]byte(path)) != nil {
			return
		}
		v.Unit = unit
		if v.check() != nil {
			return
		}
		got := v.of([]byte(doc), time.Time{})
		if c, ok := got.Get(); ok {
			plausible(t, doc, c)
		} else if got.Why() == "no reading yet" {
			t.Errorf("%q is unknown and does not say why", doc)
		}
	})
}
