package server

import (
	"net/netip"
	"sync"
	"time"
)

// limits counts connections and grievances, and knows who is turned away. It
// is safe for concurrent use, and forgets: it never holds more addresses than
// there are connections, and maxGrievances besides.
type limits struct {
	total, perAddress int
	ban               Ban

	mu        sync.Mutex
	open      int
	addresses map[netip.Prefix]*household
	grieved   map[netip.Prefix]*grievance
	banned    map[ban]time.Time // until when
}

// household is who is here from one address.
type household struct{ conns, miners int }

// maxGrievances bounds what is remembered of those who are not here.
const maxGrievances = 4096

type grievance struct {
	count int
	since time.Time
}

// ban is who is turned away: a worker at an address, so that nobody can have
// another's worker banned from afar, or all of an address (worker "").
type ban struct {
	from   netip.Prefix
	worker string
}

func newLimits(total, perAddress int, b Ban) *limits {
	return &limits{
		total: total, perAddress: perAddress, ban: b,
		addresses: make(map[netip.Prefix]*household),
		grieved:   make(map[netip.Prefix]*grievance),
		banned:    make(map[ban]time.Time),
	}
}

// whole is the part of an address that one household has for itself.
func whole(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.WithZone("").Prefix(bits)
	if err != nil {
		return netip.Prefix{} // an address of no family: all such count as one
	}
	return p
}

// refusal is why a connection was not accepted.
type refusal uint8

const (
	welcome refusal = iota
	tooMany
	tooManyOfAddress
	isBanned
)

// enter counts a connection in, or says why it may not be. An address that
// has miners here is not refused for what another of its devices does: houses
// and containers share one.
func (l *limits) enter(a netip.Addr, now time.Time) refusal {
	from := whole(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.addresses[from]
	switch {
	case (h == nil || h.miners == 0) && l.isBanned(ban{from: from}, now):
		return isBanned
	case l.open >= l.total:
		return tooMany
	case h != nil && h.conns >= l.perAddress:
		return tooManyOfAddress
	case h == nil:
		h = new(household)
		l.addresses[from] = h
	}
	l.open++
	h.conns++
	return welcome
}

// leave counts a connection out.
func (l *limits) leave(a netip.Addr) {
	from := whole(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.open--
	h := l.addresses[from]
	if h.conns--; h.conns == 0 {
		delete(l.addresses, from)
	}
}

// seat counts miners of an address that is here.
func (l *limits) seat(a netip.Addr, n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.addresses[whole(a)].miners += n
}

// grieve notes a login in vain or a broken protocol. It tells whether the
// address is banned now.
func (l *limits) grieve(a netip.Addr, now time.Time) bool {
	from := whole(a)
	l.mu.Lock()
	defer l.mu.Unlock()
	g := l.grieved[from]
	switch {
	case g == nil:
		forget(l.grieved, func(g *grievance) bool { return now.Sub(g.since) >= l.ban.For })
		g = &grievance{since: now}
		l.grieved[from] = g
	case now.Sub(g.since) >= l.ban.For:
		*g = grievance{since: now}
	}
	if g.count++; g.count <= l.ban.Logins {
		return false
	}
	delete(l.grieved, from)
	l.turnAway(ban{from: from}, now)
	return true
}

// banWorker turns a worker at an address away.
func (l *limits) banWorker(a netip.Addr, worker string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turnAway(ban{from: whole(a), worker: worker}, now)
}

// workerBanned tells whether a worker at an address is turned away.
func (l *limits) workerBanned(a netip.Addr, worker string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isBanned(ban{from: whole(a), worker: worker}, now)
}

func (l *limits) isBanned(b ban, now time.Time) bool {
	until, ok := l.banned[b]
	if ok && !now.Before(until) {
		delete(l.banned, b)
		return false
	}
	return ok
}

func (l *limits) turnAway(b ban, now time.Time) {
	forget(l.banned, func(until time.Time) bool { return !now.Before(until) })
	l.banned[b] = now.Add(l.ban.For)
}

// forget makes room in a full map: all that is past goes, and if that is
// little, any others too. A quarter is freed at least, so that a flood of
// strangers does not make every one of them cost a search.
func forget[K comparable, V any](m map[K]V, past func(V) bool) {
	if len(m) < maxGrievances {
		return
	}
	for k, v := range m {
		if past(v) {
			delete(m, k)
		}
	}
	for k := range m {
		if len(m) <= maxGrievances*3/4 {
			return
		}
		delete(m, k)
	}
}

// count is how many connections there are.
func (l *limits) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.open
}
