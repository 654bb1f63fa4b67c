package axeos_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device"
	fake "hearth/emulate/axeos"
	"hearth/units"
)

func pool(url, user, password string) device.Pool {
	p := device.Pool{URL: url, User: user}
	if password != "" {
		p.Password = units.Know(password, time.Time{}, units.Chosen)
	}
	return p
}

// A switch to Hearth and back, on each dialect: what is mined, with which
// password, and whether the firmware restarted.
func TestPointedAndPutBack(t *testing.T) {
	const (
		first  = "hearth.emulated at stratum+tcp://pool.example.org:3333, first secret"
		second = "hearth.backup at stratum+tcp://backup.example.org:3333"
	)
	for _, c := range []struct {
		name                string
		config              fake.Config
		password            string // that Hearth gives
		order               string
		mines, back         string
		restarts            bool
		flashThere, andBack int
	}{
		{
			"a password that is not given stays for the pool that comes back",
			fake.Config{},
			"",
			"attic at stratum+tcp://10.0.0.2:3333; " + second, "attic at stratum+tcp://10.0.0.2:3333, first secret", first, true, 2, 2,
		},
		{
			"one that is given is written over it",
			fake.Config{},
			"token",
			"attic at stratum+tcp://10.0.0.2:3333; " + second, "attic at stratum+tcp://10.0.0.2:3333, token",
			"hearth.emulated at stratum+tcp://pool.example.org:3333, token", true, 3, 2,
		},
		{
			"a NerdQAxe reconnects",
			fake.Config{Model: fake.NerdQAxe},
			"",
			"attic at stratum+tcp://10.0.0.2:3333; " + second, "attic at stratum+tcp://10.0.0.2:3333, first secret", first, false, 2, 2,
		},
		{
			"a table loses nothing",
			fake.Config{Firmware: "v2.15.1"},
			"token",
			"attic at stratum+tcp://10.0.0.2:3333; hearth.emulated at stratum+tcp://pool.example.org:3333", "attic at stratum+tcp://10.0.0.2:3333, token", first, false, 3, 2,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := start(t, c.config)
			mines := func() string {
				p := b.emu.Pool()
				password, _ := p.Password.Get()
				return p.String() + ", " + password
			}
			before, err := b.Pools(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if before.Restarts != c.restarts {
				t.Errorf("it says that it restarts: %v", before.Restarts)
			}
			order, _ := before.Pointed(pool("stratum+tcp://10.0.0.2:3333", "attic", c.password))
			set := func(order []device.Pool, writes int) {
				t.Helper()
				was := b.emu.FlashWrites()
				if err := b.SetPools(t.Context(), order); err != nil {
					t.Fatal(err)
				}
				if got := b.emu.FlashWrites() - was; got != writes {
					t.Errorf("%d writes to flash, want %d", got, writes)
				}
				b.clock.Advance(2 * time.Second)
				if _, err := b.Read(t.Context()); errors.Is(err, device.ErrUnreachable) != c.restarts {
					t.Errorf("two seconds later: %v", err)
				}
				b.clock.Advance(time.Minute)
			}
			set(order, c.flashThere)
			after, err := b.Pools(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, p := range after.Order {
				got = append(got, p.String())
			}
			if diff := cmp.Diff(c.order, strings.Join(got, "; ")); diff != "" {
				t.Error(diff)
			}
			if mines() != c.mines {
				t.Errorf("it mines as %s", mines())
			}
			set(before.Order, c.andBack)
			if mines() != c.back {
				t.Errorf("put back, it mines as %s", mines())
			}
		})
	}
}

func TestPoolsOfOtherKinds(t *testing.T) {
	const key = "9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh"
	v2, tls := "stratum2+tcp://10.0.0.2:3336/"+key, "stratum+tls://10.0.0.2:443"
	for _, c := range []struct {
		name    string
		config  fake.Config
		v2, tls error
	}{
		{"old firmware", fake.Config{Firmware: "v2.9.0"}, device.ErrUnsupported, device.ErrUnsupported},
		{"2.14", fake.Config{}, nil, nil},
		{"2.15", fake.Config{Firmware: "v2.15.0"}, nil, nil},
		{"a NerdQAxe", fake.Config{Model: fake.NerdQAxe}, device.ErrUnsupported, nil},
	} {
		for url, want := range map[string]error{v2: c.v2, tls: c.tls} {
			b := start(t, c.config)
			err := b.SetPools(t.Context(), []device.Pool{pool(url, "attic", "")})
			if !errors.Is(err, want) || err == nil != (want == nil) {
				t.Errorf("%s, %s: %v, want %v", c.name, url, err, want)
				continue
			}
			b.clock.Advance(time.Minute)
			p, err := b.Pools(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if want == nil && (len(p.Order) != 1 || p.Order[0].URL != url || b.emu.Pool().URL != url) {
				t.Errorf("%s, %s: it tells %v and mines at %v", c.name, url, p.Order, b.emu.Pool())
			}
			if want != nil && (len(p.Order) != 2 || b.emu.Pool().User != "hearth.emulated") {
				t.Errorf("%s: refused %s, it has %v", c.name, url, p.Order)
			}
		}
	}
}

func send(t *testing.T, url, method, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: status %d", method, url, resp.StatusCode)
	}
}

func TestAFullTableIsNotOverwritten(t *testing.T) {
	b := start(t, fake.Config{Firmware: "v2.15.0"})
	for i := 2; i < 8; i++ {
		send(t, fmt.Sprintf("http://%s/api/system/pools/%d", b.addr, i), http.MethodPut,
			fmt.Sprintf(`{"stratumURL":"p%d.example.org","stratumPort":3333,"stratumUser":"w"}`, i))
	}
	before := b.emu.Settings()
	err := b.SetPools(t.Context(), []device.Pool{pool("stratum+tcp://10.0.0.2:3333", "attic", "")})
	if !errors.Is(err, device.ErrRefused) || !strings.Contains(err.Error(), "delete one") || b.emu.Settings() != before {
		t.Errorf("%v; settings %s", err, b.emu.Settings())
	}
	// What is in the table can still be selected, alone too.
	one := []device.Pool{pool("stratum+tcp://p5.example.org:3333", "w", "")}
	if err := b.SetPools(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if p, err := b.Pools(t.Context()); err != nil || len(p.Order) != 1 || !p.Order[0].Same(one[0]) {
		t.Errorf("%v, %v", p.Order, err)
	}
}

func TestACertificateOfItsOwnIsNotLost(t *testing.T) {
	b := start(t, fake.Config{})
	send(t, "http://"+b.addr+"/api/system", http.MethodPatch, `{"stratumTLS":2}`)
	before := b.emu.Settings()
	p, err := b.Pools(t.Context())
	if err != nil || !strings.Contains(p.Gate, "certificate") {
		t.Errorf("gate %q, %v", p.Gate, err)
	}
	if err := b.SetPools(t.Context(), []device.Pool{pool("stratum+tcp://10.0.0.2:3333", "attic", "")}); !errors.Is(err, device.ErrRefused) || b.emu.Settings() != before {
		t.Errorf("%v", err)
	}
}

// A call whose answer to the PATCH was lost has stored pools that are not in
// use. The next call brings the restart that is still owed.
func TestAnOwedRestartIsMadeUpFor(t *testing.T) {
	b := start(t, fake.Config{})
	order := []device.Pool{pool("stratum+tcp://10.0.0.2:3333", "attic", "")}
	b.emu.Faults().CutAfter(1)
	if err := b.SetPools(t.Context(), order); !errors.Is(err, device.ErrUnreachable) {
		t.Fatal(err)
	}
	b.emu.Faults().Plug()
	p, err := b.Pools(t.Context())
	if err != nil || !p.Order[0].Same(order[0]) || b.emu.Pool().User != "hearth.emulated" {
		t.Fatalf("stored %v, in use %v, %v", p.Order, b.emu.Pool(), err)
	}
	if err := b.SetPools(t.Context(), order); err != nil {
		t.Fatal(err)
	}
	b.clock.Advance(time.Minute)
	if got := b.emu.Pool(); !got.Same(order[0]) {
		t.Errorf("it mines as %v", got)
	}
}
