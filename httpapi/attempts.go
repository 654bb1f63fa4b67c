package httpapi

import (
	"net/netip"
	"time"
)

// attempts slows down guessing of the password. Each address may fail a few
// times at no cost and then waits twice as long each time; failures from
// everywhere together cost a short wait, which stops a guesser with many
// addresses without shutting the owner out for long. The zero value is ready.
// It is not safe for concurrent use.
type attempts struct {
	by  map[netip.Prefix]*failures
	all failures
}

type failures struct {
	n    int
	last time.Time
}

const (
	freePerAddress = 4
	freeTogether   = 30
	maxWait        = 15 * time.Minute
	maxWaitAll     = 10 * time.Second
	// forgiven is how long after the last failure an address starts afresh.
	forgiven     = time.Hour
	maxAddresses = 4096
)

// place is what counts as one address: an IPv6 host has a whole /64 to play
// with.
func place(addr netip.Addr) netip.Prefix {
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() {
		return netip.Prefix{}
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, err := addr.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

func (f *failures) wait(now time.Time, free int, most time.Duration) time.Duration {
	if f == nil || f.n < free || now.Sub(f.last) > forgiven {
		return 0
	}
	pause := min(time.Second<<min(f.n-free, 20), most)
	// A clock set back must not lock anybody out for longer than the pause.
	return min(max(0, f.last.Add(pause).Sub(now)), pause)
}

func (f *failures) add(now time.Time) {
	if now.Sub(f.last) > forgiven {
		f.n = 0
	}
	f.n, f.last = f.n+1, now
}

// wait returns how long the address must wait before it may try; 0 is now.
func (a *attempts) wait(addr netip.Addr, now time.Time) time.Duration {
	return max(a.by[place(addr)].wait(now, freePerAddress, maxWait), a.all.wait(now, freeTogether, maxWaitAll))
}

// failed counts an attempt that is not known to be right.
func (a *attempts) failed(addr netip.Addr, now time.Time) {
	if a.by == nil {
		a.by = make(map[netip.Prefix]*failures)
	}
	p := place(addr)
	f := a.by[p]
	if f == nil {
		if len(a.by) >= maxAddresses {
			a.forget(now)
		}
		f = new(failures)
		a.by[p] = f
	}
	f.add(now)
	a.all.add(now)
}

// succeeded forgives the address.
func (a *attempts) succeeded(addr netip.Addr) {
	delete(a.by, place(addr))
	a.all.n = max(0, a.all.n-1)
}

// forget drops what is forgiven, and if that is nothing, the oldest.
func (a *attempts) forget(now time.Time) {
	var oldest netip.Prefix
	var at time.Time
	n := len(a.by)
	for p, f := range a.by {
		if now.Sub(f.last) > forgiven {
			delete(a.by, p)
			continue
		}
		if at.IsZero() || f.last.Before(at) {
			oldest, at = p, f.last
		}
	}
	if len(a.by) == n {
		delete(a.by, oldest)
	}
}
