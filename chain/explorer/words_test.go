package explorer

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFiguresForPeople(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{macs(0), "0 MAC"},
		{macs(999), "999 MAC"},
		{macs(1000), "1.00 kMAC"},
		{macs(1234), "1.23 kMAC"},
		{macs(9_996), "10.0 kMAC"},
		{macs(99_960), "100 kMAC"},
		{macs(999_499), "999 kMAC"},
		{macs(999_500), "1.00 MMAC"},
		{macs(math.MaxUint64), "18.4 EMAC"},
		{mega(0), "0 MAC"},
		{mega(5), "5 MMAC"},
		{mega(1_500), "1.50 GMAC"},
		{mega(math.MaxUint64), "18.4 YMAC"},
		{hth(0), "0 HTH"},
		{hth(1), "0.000001 HTH"},
		{hth(1_234_567_890), "1,234.56789 HTH"},
		{share(0, 0), "–"},
		{share(0, 5), "0 %"},
		{share(1, 100_000), "under 0.1 %"},
		{share(99_999, 100_000), "99.9 %"},
		{share(7, 7), "100 %"},
		{share(math.MaxUint64-1, math.MaxUint64), "99.9 %"},
		{share(1, 3), "33.3 %"},
		{permille(310), "31 %"},
		{permille(5), "0.5 %"},
		{number(-1234), "−1,234"},
		{number(uint64(math.MaxUint64)), "18,446,744,073,709,551,615"},
		{product(3, 2), "layers.3.up"},
		{product(3, 9), "layer 3, kind 9"},
		{verb("/hearth.work.v1.MsgSubmitTickets"), "submit tickets"},
		{verb(""), ""},
		{plain("a\u202eb\x00c\nd"), "a�b�c d"},
		{plain("naïve café 家"), "naïve café 家"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// A share never says all of what is not all, nor nothing of what is something;
// and parts are drawn as large as they are, within a thousandth.
func TestSharesAreHonest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Uint64Range(1, math.MaxUint64).Draw(t, "whole")
		part := rapid.Uint64Range(0, whole).Draw(t, "part")
		s := share(part, whole)
		if (s == "100 %") != (part == whole) || (s == "0 %") != (part == 0) {
			t.Errorf("%d of %d is %s", part, whole, s)
		}
		var tenths int
		if n, _ := fmt.Sscanf(strings.Replace(s, ".", "", 1), "%d %%", &tenths); n == 1 && strings.Contains(s, ".") {
			if exact := float64(part) / float64(whole) * 1000; math.Abs(float64(tenths)-exact) > 1 {
				t.Errorf("%d of %d is %s", part, whole, s)
			}
		}
		if exact := float64(part) / float64(whole) * 1000; math.Abs(float64(parts(part, whole))-exact) > 1 {
			t.Errorf("%d of %d is drawn as %d", part, whole, parts(part, whole))
		}
	})
}

// Three figures count, whatever the number.
func TestWorkIsRoundedToThreeFigures(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64().Draw(t, "n")
		s := macs(n)
		var v float64
		var unit string
		if _, err := fmt.Sscanf(s, "%f %s", &v, &unit); err != nil {
			t.Fatalf("%d is %q: %v", n, s, err)
		}
		scale := map[string]float64{"MAC": 1, "kMAC": 1e3, "MMAC": 1e6, "GMAC": 1e9, "TMAC": 1e12, "PMAC": 1e15, "EMAC": 1e18}[unit]
		if math.Abs(v*scale-float64(n)) > float64(n)*0.00501 {
			t.Errorf("%d is %q", n, s)
		}
	})
}

// What strangers write is at most so long and has nothing invisible in it.
func TestStrangersTextsAreBounded(t *testing.T) {
	check := func(t rapid.TB, s string) {
		got := plain(s)
		if again := plain(got); len([]rune(got)) <= 2000 && again != got {
			t.Errorf("%q becomes %q, and then %q", s, got, again)
		}
		if strings.ContainsAny(got, "\x00\n\r\u202e\u200b") || len([]rune(got)) > 2001 {
			t.Errorf("%q becomes %q", s, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		check(t, rapid.String().Draw(t, "text"))
		check(t, string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		check(t, strings.Repeat(rapid.String().Draw(t, "part"), 1000))
	})
}
