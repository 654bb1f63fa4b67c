package device_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device"
	"hearth/units"
)

func TestEndpointsAreReadAsPeopleWriteThem(t *testing.T) {
	const key = "9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh"
	for _, c := range []struct {
		text, want string // want empty: refused
	}{
		{"stratum+tcp://Pool.Example:3333", "stratum+tcp://pool.example:3333"},
		{"pool.example:3333", "stratum+tcp://pool.example:3333"},
		{" stratum+tcp://10.0.0.2:3333/ ", "stratum+tcp://10.0.0.2:3333"},
		{"stratum+tcp://[fd12::5]:3333", "stratum+tcp://[fd12::5]:3333"},
		{"stratum+ssl://pool.example:443", "stratum+tls://pool.example:443"},
		{"stratum+tls://pool.example:443", "stratum+tls://pool.example:443"},
		{"stratum2+tcp://pool.example:3336/" + key, "stratum2+tcp://pool.example:3336/" + key},
		{"stratum2+tcp://pool.example:3336", "stratum2+tcp://pool.example:3336"},
		{"pool.example", ""},
		{"stratum+tcp://pool.example:0", ""},
		{"stratum+tcp://pool.example:65536", ""},
		{"http://pool.example:3333", ""},
		{"stratum+tcp://user:pass@pool.example:3333", ""},
		{"stratum+tcp://pool.example:3333?x=1", ""},
		{"stratum+tcp://pool.example:3333/path", ""},
		{"stratum2+tcp://pool.example:3336/../0OIl", ""},
		{"stratum+tcp://pool,example:3333", ""},
		{"stratum+tcp://:3333", ""},
		{"0000::1", ""},
		{"stratum+tcp://[fe80::1%25eth0]:3333", ""},
		{"", ""},
		{"stratum+tcp://" + strings.Repeat("a", 400) + ":1", ""},
	} {
		got, err := device.ParseEndpoint(c.text)
		switch {
		case (err == nil) != (c.want != ""):
			t.Errorf("%q: %v, %v", c.text, got, err)
		case err == nil && got.String() != c.want:
			t.Errorf("%q is read as %s, want %s", c.text, got, c.want)
		}
	}
}

func TestAPoolIsCheckedBeforeItIsSent(t *testing.T) {
	good := device.Pool{URL: "stratum+tcp://10.0.0.2:3333", User: strings.Repeat("w", 63)}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for what, spoil := range map[string]func(*device.Pool){
		"no user":        func(p *device.Pool) { p.User = "" },
		"64 bytes":       func(p *device.Pool) { p.User += "w" },
		"a comma":        func(p *device.Pool) { p.User = "a,b" },
		"a bar":          func(p *device.Pool) { p.User = "a|b" },
		"a space":        func(p *device.Pool) { p.User = "a b" },
		"not ASCII":      func(p *device.Pool) { p.User = "größe" },
		"no port":        func(p *device.Pool) { p.URL = "stratum+tcp://10.0.0.2" },
		"a bad password": func(p *device.Pool) { p.Password = units.Know("a,b", time.Time{}, units.Chosen) },
		"a long password": func(p *device.Pool) {
			p.Password = units.Know(strings.Repeat("x", 64), time.Time{}, units.Chosen)
		},
	} {
		p := good
		spoil(&p)
		if err := p.Check(); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%s: %v, want %v", what, err, device.ErrUnsupported)
		}
	}
}

func TestPointingKeepsWhatThereIsRoomFor(t *testing.T) {
	pool := func(host string) device.Pool { return device.Pool{URL: "stratum+tcp://" + host + ":3333", User: "w"} }
	hosts := func(ps []device.Pool) string {
		var s []string
		for _, p := range ps {
			e, err := device.ParseEndpoint(p.URL)
			if err != nil {
				t.Fatal(err)
			}
			s = append(s, e.Host)
		}
		return strings.Join(s, " ")
	}
	for _, c := range []struct {
		name        string
		before      string
		places      int
		keeps       bool
		order, left string
	}{
		{"two places tied to passwords: the second stays, the first is remembered", "a b", 2, false, "hearth b", "a"},
		{"room for the first behind the others", "a", 2, false, "hearth a", ""},
		{"three places", "a b", 3, false, "hearth b a", ""},
		{"passwords go with their pools: the first is the better fallback", "a b", 2, true, "hearth a", "b"},
		{"one place", "a", 1, false, "hearth", "a"},
		{"pointed already", "hearth b", 2, false, "hearth b", ""},
		{"pointed already as the fallback", "a hearth", 2, true, "hearth a", ""},
		{"none before", "", 2, false, "hearth", ""},
	} {
		p := device.Pools{Places: c.places, Keeps: c.keeps}
		for h := range strings.FieldsSeq(c.before) {
			p.Order = append(p.Order, pool(h))
		}
		before := hosts(p.Order)
		order, left := p.Pointed(pool("HEARTH"))
		if got := [2]string{hosts(order), hosts(left)}; got != [2]string{c.order, c.left} {
			t.Errorf("%s: %q", c.name, got)
		}
		if hosts(p.Order) != before {
			t.Errorf("%s: it changed what was read", c.name)
		}
	}
}

func TestAPasswordIsNowherePrinted(t *testing.T) {
	p := device.Pool{URL: "stratum+tcp://10.0.0.2:3333", User: "w", Password: units.Know("secret", time.Time{}, units.Chosen)}
	b, err := json.Marshal(device.Pools{Order: []device.Pool{p}, Places: 1})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b) + p.String(); strings.Contains(s, "secret") {
		t.Errorf("printed: %s", s)
	}
	if diff := cmp.Diff(`{"order":[{"url":"stratum+tcp://10.0.0.2:3333","user":"w"}],"places":1}`, string(b)); diff != "" {
		t.Error(diff)
	}
}

func FuzzEndpoint(f *testing.F) {
	for _, s := range []string{"stratum+tcp://a:1", "stratum2+tcp://[::1]:3336/9bXi", "a:65535", "://", "stratum+tcp://a:1/%zz"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := device.ParseEndpoint(s)
		if err != nil {
			return
		}
		again, err := device.ParseEndpoint(e.String())
		if err != nil || again != e {
			t.Fatalf("%q is %+v; written and read again %+v, %v", s, e, again, err)
		}
	})
}
