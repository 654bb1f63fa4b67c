package plan_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"

	"hearth/plan"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The answers to a few questions, kept to 1e-9: the same on every processor,
// whether it fuses products with sums or not.
func TestAnswersStayWhatTheyWere(t *testing.T) {
	answers := map[string]any{}
	for name, change := range map[string]func(*plan.Question){
		"farmhouse": func(*plan.Question) {},
		"pump and tariff": func(q *plan.Question) {
			q.Backup, q.Today = q.Others[3], q.Others[3]
			q.Power.Hourly = nights(0.25, 0.11)
			q.Money.Drift, q.Money.Rate = 0.015, 0.05
		},
		"every use":       func(q *plan.Question) { q.Home.Uses = everyUse() },
		"air and answers": func(q *plan.Question) { q.Machine.Hottest, q.Machine.Kind = 0, plan.Inference },
		"plain heat": func(q *plan.Question) {
			q.Machine.Plain, q.Machine.Draw, q.Power.Hourly = 1000, 1400, nights(0.09, 0.05)
		},
	} {
		q := question(t)
		change(&q)
		s := prepare(t, q)
		answers[name] = map[string]any{"answer": s.Answer(), "size": s.Size(0.1, 0.3, 1)}
	}
	golden(t, "testdata/answers.golden.json", answers)
}

// golden compares a value, as JSON, with the file that keeps it; -update writes
// the file anew.
func golden(t *testing.T, file string, value any) {
	t.Helper()
	got, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	alike(t, "", decoded(t, got), decoded(t, want))
}

func decoded(t *testing.T, b []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// alike compares two documents, numbers to 1e-9 of their size.
func alike(t *testing.T, path string, got, want any) {
	t.Helper()
	switch w := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		if len(g) != len(w) {
			t.Errorf("%s has %d members, want %d", path, len(g), len(w))
		}
		for key := range w {
			alike(t, path+"/"+key, g[key], w[key])
		}
	case []any:
		g, _ := got.([]any)
		if len(g) != len(w) {
			t.Errorf("%s has %d members, want %d", path, len(g), len(w))
			return
		}
		for i := range w {
			alike(t, fmt.Sprintf("%s/%d", path, i), g[i], w[i])
		}
	case float64:
		g, ok := got.(float64)
		if !ok || !close9(g, w) {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	case string: // a quantity with its unit, or words
		g, _ := got.(string)
		x, unit, _ := strings.Cut(w, " ")
		y, same, _ := strings.Cut(g, " ")
		a, err := strconv.ParseFloat(x, 64)
		b, other := strconv.ParseFloat(y, 64)
		if g != w && (err != nil || other != nil || unit != same || !close9(b, a)) {
			t.Errorf("%s is %q, want %q", path, g, w)
		}
	default:
		if got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
}

// close9 compares to 1e-9; what is nought but for rounding may be any small
// number.
func close9(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(b)) }
