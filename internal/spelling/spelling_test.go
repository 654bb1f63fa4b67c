package spelling_test

import (
	"testing"

	"pgregory.net/rapid"

	"hearth/internal/spelling"
)

func TestDistance(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"tarif", "tariff", 1}, {"Oslo", "oslo", 1}, {"abc", "cba", 2},
	} {
		if got := spelling.Distance(c.a, c.b); got != c.want {
			t.Errorf("%q and %q are %d apart, want %d", c.a, c.b, got, c.want)
		}
	}
}

func TestDistanceIsOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringN(0, 12, 24)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		ab, ba := spelling.Distance(a, b), spelling.Distance(b, a)
		if ab != ba || (ab == 0) != (a == b) || ab > max(len(a), len(b)) || ab > spelling.Distance(a, c)+spelling.Distance(c, b) {
			t.Fatalf("%q and %q are %d and %d apart", a, b, ab, ba)
		}
	})
}
