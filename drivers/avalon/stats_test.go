package avalon

import (
	"errors"
	"strings"
	"testing"
	"time"

	"hearth/device"
	"hearth/units"
)

// Whatever the string says, a figure is in its bounds or unknown.
func FuzzStats(f *testing.F) {
	for _, s := range []string{
		"'STATS':{Ver[Q-25052801] SYSTEMSTATU[Work: In Work, Hash Board: 1] Elapsed[1] ITemp[-273] TMax[0] PS[0 1222 4 0 0 2245 146] GHSspd[0.00] WORKMODE[0] WORKLEVEL[-1] ADJ[1] Nonce Mask[25]}",
		"Ver[x] SYSTEMSTATU[] GHSspd[inf] PS[0 0 0 0 0 0 1e999] FanR[33%] Fan1[-1]",
		"Ver[[[ SYSTEMSTATU[Work:] GHSspd[] PS[] ]]]", "Ver[a]SYSTEMSTATU[b]GHSspd[c]PS[d",
	} {
		f.Add(s)
	}
	at := time.Unix(1, 0)
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := parseStats(raw)
		if err != nil {
			if !errors.Is(err, device.ErrGarbage) {
				t.Fatalf("%q: %v", raw, err)
			}
			return
		}
		for _, prod := range []string{"Nano3", "Nano3s", "Mini3", "Avalon Q", "1466"} {
			m := modelOf(prod, "")
			if w, ok := s.watts(m.most, at).Get(); ok && !(w > 0 && w <= m.most*3/2) {
				t.Fatalf("%q: %s draws %v", raw, prod, w)
			}
			if l, ok := m.level(s, at).Get(); ok {
				if _, there := m.step(l); !there {
					t.Fatalf("%q: %s is at level %q", raw, prod, l)
				}
			}
			for _, c := range m.temps {
				if v, ok := s.temperature(c.key, c.kind, at).Get(); ok && !(v > -40 && v <= 150) {
					t.Fatalf("%q: %s is %v", raw, c.name, v)
				}
			}
		}
		if h, ok := known[units.HashRate](s, "GHSspd", 0, 1e9, at, units.Estimate).Get(); ok && !(h >= 0 && h <= 1e9) {
			t.Fatalf("%q: hash rate %v", raw, h)
		}
		_ = s.faults()
		_ = s.work()
	})
}

// The word of a key is what stands right before its bracket, and the first of
// two equal keys counts.
func TestParseStats(t *testing.T) {
	s, err := parseStats("'STATS':{Ver[Q-1]LVer[] SYSTEMSTATU[Work: In Idle, Hash Board: 1] Nonce Mask[25] PS[ 0 1 ] GHSspd[ 7.5 ] PS[9]}")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, key := range []string{"Ver", "LVer", "Mask", "PS", "GHSspd"} {
		got = append(got, key+"="+s[key])
	}
	if want := "Ver=Q-1 LVer= Mask=25 PS=0 1 GHSspd=7.5"; strings.Join(got, " ") != want {
		t.Errorf("%s; want %s", got, want)
	}
	if s.work() != "In Idle" {
		t.Errorf("work %q", s.work())
	}
}
