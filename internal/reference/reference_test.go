package reference_test

import (
	"bufio"
	"strings"
	"testing"

	"hearth/internal/reference"
)

func TestYearsBeginWithTheirPlace(t *testing.T) {
	for name, place := range map[string]string{reference.Denver: "Denver", reference.Duluth: "Duluth", reference.Seattle: "Seattle"} {
		t.Run(place, func(t *testing.T) {
			line, err := bufio.NewReader(reference.Weather(t, name)).ReadString('\n')
			if err != nil || !strings.HasPrefix(line, "LOCATION,"+place) {
				t.Errorf("the file begins with %q (%v)", line, err)
			}
		})
	}
}

// outcome is a test that notes how it was stopped.
type outcome struct {
	testing.TB
	skipped, failed bool
}

func (o *outcome) Helper()               {}
func (o *outcome) Skipf(string, ...any)  { o.skipped = true; panic(o) }
func (o *outcome) Fatalf(string, ...any) { o.failed = true; panic(o) }

func TestMissingYearSkipsButFailsInCI(t *testing.T) {
	stopped := func() (o *outcome) {
		o = &outcome{TB: t}
		defer func() {
			if r := recover(); r != any(o) {
				t.Errorf("a missing year stopped nothing: %v", r)
			}
		}()
		reference.Weather(o, "no-such-place")
		return o
	}
	t.Setenv("CI", "")
	if o := stopped(); o != nil && !o.skipped {
		t.Error("without CI a missing year should skip")
	}
	t.Setenv("CI", "true")
	if o := stopped(); o != nil && !o.failed {
		t.Error("in CI a missing year should fail")
	}
}
