package devicetest

import (
	"context"
	"errors"
	"strings"
	"time"

	"hearth/device"
	"hearth/units"
)

// here is the pool that the suite points miners at.
func here() device.Pool {
	return device.Pool{URL: "stratum+tcp://192.168.77.2:3333", User: "conformance.attic"}
}

// miner returns the device as one whose pools can be set, and what they are.
// A device that is no such miner, or is closed to it, stops the check.
func (b Bench) miner(t T) (device.Repointer, device.Pools) {
	t.Helper()
	m, ok := b.Device.(device.Repointer)
	if !ok {
		t.Skipf("its pools cannot be set")
	}
	p := b.pools(t, m)
	if p.Gate == "" {
		return m, p
	}
	before := b.Settings()
	if err := b.setPools(t, m, []device.Pool{here()}); !errors.Is(err, device.ErrRefused) {
		t.Errorf("it says %q, and to pools %v; want %v", p.Gate, err, device.ErrRefused)
	}
	if b.Settings() != before {
		t.Errorf("it says %q, and its settings went from %s to %s", p.Gate, before, b.Settings())
	}
	t.Skipf("%s", p.Gate)
	return nil, device.Pools{}
}

// pools reads the pools of a miner that may be restarting.
func (b Bench) pools(t T, m device.Repointer) device.Pools {
	t.Helper()
	p, err := ask(t, m.Pools)
	for range 300 {
		if !errors.Is(err, device.ErrUnreachable) {
			break
		}
		b.Advance(time.Second)
		p, err = ask(t, m.Pools)
	}
	if err != nil {
		t.Fatalf("pools: %v", err)
	}
	if p.Places < 1 || len(p.Order) > p.Places {
		t.Errorf("%d pools in %d places", len(p.Order), p.Places)
	}
	for _, q := range p.Order {
		if _, told := q.Password.Get(); !told && q.Password.Why() == "no reading yet" {
			t.Errorf("the password of %s is unknown and it is not said why", q)
		}
	}
	return p
}

func (b Bench) setPools(t T, m device.Repointer, order []device.Pool) error {
	_, err := ask(t, func(ctx context.Context) (struct{}, error) { return struct{}{}, m.SetPools(ctx, order) })
	return err
}

// point sets pools, lets the miner take them, and holds it to them.
func (b Bench) point(t T, m device.Repointer, order []device.Pool) device.Pools {
	t.Helper()
	if err := b.setPools(t, m, order); err != nil {
		t.Fatalf("set pools %v: %v", order, err)
	}
	b.Advance(2 * time.Second) // a restart that was asked for begins
	p := b.pools(t, m)
	if !samePools(p.Order, order) {
		t.Fatalf("set to %v, it reads back %v", order, p.Order)
	}
	if b.Mines != nil && !b.Mines().Same(order[0]) {
		t.Fatalf("set to %v, it mines as %v", order, b.Mines())
	}
	return p
}

func samePools(a, b []device.Pool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !a[i].Same(b[i]) {
			return false
		}
	}
	return true
}

func pools(t T, b Bench) {
	m, before := b.miner(t)
	var first device.Pool
	if b.Mines != nil {
		first = b.Mines()
	}
	order, left := before.Pointed(here())
	for _, q := range before.Order {
		kept := false
		for _, r := range append(append([]device.Pool(nil), order...), left...) {
			kept = kept || r.Same(q)
		}
		if !kept {
			t.Errorf("pointed, %s is neither kept nor told as lost", q)
		}
	}
	b.point(t, m, order)
	writes := 0
	if b.FlashWrites != nil {
		writes = b.FlashWrites()
	}
	b.point(t, m, order)
	if b.FlashWrites != nil && b.FlashWrites() != writes {
		t.Errorf("set again, it wrote flash %d times", b.FlashWrites()-writes)
	}
	if len(before.Order) == 0 {
		return
	}
	b.point(t, m, before.Order)
	if b.Mines == nil {
		return
	}
	was, _ := first.Password.Get()
	if is, _ := b.Mines().Password.Get(); is != was && !strings.Contains(strings.Join(before.Notes, " "), "password") {
		t.Errorf("put back, the first pool's password is %q, was %q, and nothing says so", is, was)
	}
	// With a password of its own.
	order[0].Password = units.Know("token", b.Now(), units.Chosen)
	b.point(t, m, order)
	if is, _ := b.Mines().Password.Get(); is != "token" {
		t.Errorf("told the password token, it gives %q", is)
	}
}

func badPools(t T, b Bench) {
	m, p := b.miner(t)
	before := b.Settings()
	long, comma, portless, strange := here(), here(), here(), here()
	long.User = strings.Repeat("w", device.MaxPoolUser+1)
	comma.User = "a,b"
	portless.URL = "stratum+tcp://192.168.77.2"
	strange.URL = "http://192.168.77.2:3333"
	many := make([]device.Pool, p.Places+1)
	for i := range many {
		many[i] = here()
	}
	for _, order := range [][]device.Pool{nil, many, {long}, {comma}, {portless}, {strange}} {
		if err := b.setPools(t, m, order); !errors.Is(err, device.ErrUnsupported) {
			t.Errorf("%v: %v; want %v", order, err, device.ErrUnsupported)
		}
	}
	if b.Settings() != before {
		t.Errorf("refused pools changed %s to %s", before, b.Settings())
	}
}

// cutPools cuts a switch at each of its requests, restarts the miner, and looks
// at what is left; then the switch must still work.
func cutPools(t T, b Bench) {
	m, before := b.miner(t)
	if len(before.Order) == 0 {
		t.Skipf("it has no pools to begin with")
	}
	order, _ := before.Pointed(here())
	for n := range 30 {
		b.Faults.CutAfter(n)
		err := b.setPools(t, m, order)
		b.Faults.Plug()
		if err == nil {
			if n == 0 {
				t.Errorf("it sets pools without a word to the miner")
			}
			return
		}
		if !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("cut at request %d: %v; want %v", n+1, err, device.ErrUnreachable)
		}
		b.Advance(2 * time.Second)
		b.pools(t, m)
		b.Faults.Reboot()
		for i, q := range b.pools(t, m).Order {
			old, made := false, false
			for _, r := range before.Order {
				old = old || q.Same(r) && (i > 0 || r.Same(before.Order[0]))
			}
			for _, r := range order {
				made = made || q.Same(r) && (i > 0 || r.Same(order[0]))
			}
			if !old && !made {
				t.Errorf("cut at request %d and restarted, place %d holds %s: neither old nor new", n+1, i+1, q)
			}
		}
		b.point(t, m, order)
		b.point(t, m, before.Order)
	}
	t.Errorf("it is not done after 30 requests")
}
