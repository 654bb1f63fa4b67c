package server

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/pool/job"
)

func TestDetect(t *testing.T) {
	key := func(first ...byte) []byte { return append(first, make([]byte, 64-len(first))...) }
	for _, tc := range []struct {
		name string
		b    []byte
		want protocol
	}{
		{"nothing", nil, undecided},
		{"V1", []byte(`{"id":1,"method":"mining.subscribe"}` + "\n"), stratumV1},
		{"V1 with a space", []byte(`{ "id": 1, "method": "mining.configure"}`), stratumV1},
		{"V1, a byte", []byte(`{`), undecided},
		{"V1, a few bytes", []byte(`{"id": 1, "met`), undecided},
		{"V1, sixteen bytes", []byte(`{"id": 1, "metho`), stratumV1},
		{"V1, a short line", []byte(`{"id":1}` + "\r\n"), stratumV1},
		{"V1, a short line and a space", []byte("{ \"id\": 1}\n{"), stratumV1},
		{"V2", key(0x8b, 0x00), stratumV2},
		{"V2, a byte", []byte{0x8b}, stratumV2},
		{"V2 that begins with a brace", key('{', 0x17), stratumV2},
		{"V2 that begins like an object", key('{', '"', 'a', 'b', 0x80), stratumV2},
		{"V2 that begins with a brace and a line feed", key('{', '\n'), stratumV2},
		{"V2 that begins with a brace and a letter", []byte("{abcdefghijklmnopqrstuvw"), stratumV2},
		{"V2 that begins with a brace, a letter and a line feed", key('{', 'a', '\n'), stratumV2},
		{"V2 that begins with an empty object", key('{', '}', '\n'), stratumV2},
		{"TLS", []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, tlsHello},
		{"TLS, a few bytes", []byte{0x16, 3, 1, 2, 0, 1}, undecided},
		{"V2 that begins as TLS does", key(0x16, 0x17), stratumV2},
		{"V2 that begins more like TLS", key(0x16, 3, 1, 2, 0, 2), stratumV2},
		{"a browser", []byte("GET / HTTP/1.1\r\nHost: hearth:3333\r\n"), http},
		{"a browser, a byte", []byte("G"), undecided},
		{"V2 that begins with a G", key('G', 'E', 'T', 0), stratumV2},
		{"a scanner", []byte("POST /api"), http},
		{"another scanner", []byte("HEAD / HTTP/1.0"), http},
	} {
		if got := detect(tc.b); got != tc.want {
			t.Errorf("%s: got %d, want %d", tc.name, got, tc.want)
		}
	}
}

// What is random is V2, whatever two bytes it begins with: a server that takes
// one connection in 65,536 for something else turns a miner away now and then.
func TestDetectTakesNothingRandomForSomethingElse(t *testing.T) {
	random := rand.NewChaCha8([32]byte{'d', 'e', 't', 'e', 'c', 't'})
	b := make([]byte, 64)
	for first := range 1 << 16 {
		for range 64 {
			_, _ = random.Read(b)
			binary.BigEndian.PutUint16(b, uint16(first))
			if got := detect(b); got != stratumV2 {
				t.Fatalf("% x is taken for %d", b, got)
			}
		}
	}
}

// However the first bytes are cut up, they say the same; and a whole first
// message of V2 never leaves a doubt.
func TestDetectPiecemeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 64, 64).Draw(t, "bytes")
		if rapid.Bool().Draw(t, "like JSON") {
			copy(b, `{"id":1,"method"`[:rapid.IntRange(0, 16).Draw(t, "so far")])
		}
		all := detect(b)
		if all == undecided {
			t.Fatalf("%q is undecided", b)
		}
		for n := range b {
			if got := detect(b[:n]); got != undecided && got != all {
				t.Fatalf("the first %d bytes say %d, all say %d", n, got, all)
			}
		}
	})
}

func TestPrefixesAreUnique(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.IntRange(1, 4).Draw(t, "bytes")
		p := prefixes{next: rapid.Uint32().Draw(t, "first"), used: make(map[uint32]struct{})}
		held := make(map[string]uint32)
		for range rapid.IntRange(1, 600).Draw(t, "steps") {
			if len(held) > 0 && rapid.IntRange(0, 3).Draw(t, "give") == 0 {
				for k, id := range held {
					p.give(id)
					delete(held, k)
					break
				}
				continue
			}
			id, b, err := p.take(bytes)
			if err != nil {
				if len(held) < 1<<(8*bytes) {
					t.Fatalf("refused though only %d are taken: %v", len(held), err)
				}
				continue
			}
			if len(b) != bytes {
				t.Fatalf("%x has %d bytes, not %d", b, len(b), bytes)
			}
			if _, taken := held[string(b)]; taken {
				t.Fatalf("%x was given out twice", b)
			}
			held[string(b)] = id
		}
	})
}

// One that was given back is the last to be given out again.
func TestPrefixesGoRound(t *testing.T) {
	p := prefixes{used: make(map[uint32]struct{})}
	id, first, err := p.take(2)
	if err != nil {
		t.Fatal(err)
	}
	p.give(id)
	for range 1<<16 - 1 {
		id, b, err := p.take(2)
		if err != nil {
			t.Fatal(err)
		}
		if string(b) == string(first) {
			t.Fatalf("%x came again before all others", b)
		}
		p.give(id)
	}
	if _, b, _ := p.take(2); string(b) != string(first) {
		t.Errorf("after all others came %x, not %x", b, first)
	}
}

func TestWheelComesByOnceInATurn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w wheel
		age := make(map[*conn]int) // spokes since it was looked at, or came
		for range rapid.IntRange(1, 4*spokes).Draw(t, "steps") {
			for range rapid.IntRange(0, 3).Draw(t, "new") {
				c := new(conn)
				w.add(c)
				age[c] = 0
			}
			if rapid.IntRange(0, 3).Draw(t, "one leaves") == 0 {
				for c := range age {
					w.remove(c)
					delete(age, c)
					break
				}
			}
			for c := range age {
				age[c]++
			}
			for _, c := range w.next(nil) {
				if a, there := age[c]; !there || a != spokes {
					t.Fatalf("looked at after %d of %d spokes", a, spokes)
				}
				age[c] = 0
			}
			for c, a := range age {
				if a >= spokes {
					t.Fatalf("%p was not looked at for %d spokes", c, a)
				}
			}
		}
		if got := len(w.all()); got != len(age) {
			t.Fatalf("%d connections are on the wheel, not %d", got, len(age))
		}
	})
}

func TestLimits(t *testing.T) {
	var (
		now  = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
		ban  = Ban{Logins: 3, For: 10 * time.Minute}
		one  = netip.MustParseAddr("192.0.2.1")
		two  = netip.MustParseAddr("192.0.2.2")
		six  = netip.MustParseAddr("2001:db8::1")
		six2 = netip.MustParseAddr("2001:db8::ffff:2")
	)
	t.Run("of one address", func(t *testing.T) {
		l := newLimits(100, 2, ban)
		for i, want := range []refusal{welcome, welcome, tooManyOfAddress} {
			if got := l.enter(one, now); got != want {
				t.Errorf("connection %d: %d, want %d", i+1, got, want)
			}
		}
		if got := l.enter(two, now); got != welcome {
			t.Errorf("another address: %d", got)
		}
		l.leave(one)
		if got := l.enter(netip.MustParseAddr("::ffff:192.0.2.1"), now); got != welcome {
			t.Errorf("after one left: %d", got)
		}
		if got := l.enter(one, now); got != tooManyOfAddress {
			t.Errorf("an IPv4 address in IPv6's spelling is another: %d", got)
		}
	})
	t.Run("of one household's IPv6 network", func(t *testing.T) {
		l := newLimits(100, 1, ban)
		l.enter(six, now)
		if got := l.enter(six2, now); got != tooManyOfAddress {
			t.Errorf("got %d", got)
		}
	})
	t.Run("in all", func(t *testing.T) {
		l := newLimits(1, 5, ban)
		l.enter(one, now)
		if got := l.enter(two, now); got != tooMany {
			t.Errorf("got %d", got)
		}
		l.leave(one)
		if got := l.enter(two, now); got != welcome {
			t.Errorf("after one left: %d", got)
		}
	})
	t.Run("grievances", func(t *testing.T) {
		l := newLimits(100, 100, ban)
		for i, want := range []bool{false, false, false, true} {
			if got := l.grieve(one, now); got != want {
				t.Errorf("grievance %d: banned %t", i+1, got)
			}
		}
		if got := l.enter(one, now.Add(ban.For-1)); got != isBanned {
			t.Errorf("banned: %d", got)
		}
		if got := l.enter(two, now); got != welcome {
			t.Errorf("another: %d", got)
		}
		if got := l.enter(one, now.Add(ban.For)); got != welcome {
			t.Errorf("after the ban: %d", got)
		}
	})
	t.Run("an address with miners", func(t *testing.T) {
		l := newLimits(100, 100, ban)
		l.enter(one, now)
		l.seat(one, 1)
		for range 4 {
			l.grieve(one, now)
		}
		if got := l.enter(one, now); got != welcome {
			t.Errorf("with a miner: %d", got)
		}
		l.seat(one, -1)
		if got := l.enter(one, now); got != isBanned {
			t.Errorf("when it has gone: %d", got)
		}
	})
	t.Run("grievances are forgotten", func(t *testing.T) {
		l := newLimits(100, 100, ban)
		for i := range 50 {
			if l.grieve(one, now.Add(time.Duration(i)*4*time.Minute)) {
				t.Fatalf("banned after one in 4 minutes, the %dth", i+1)
			}
		}
	})
	t.Run("a worker is banned where it is", func(t *testing.T) {
		l := newLimits(100, 100, ban)
		l.banWorker(one, "a", now)
		for _, tc := range []struct {
			addr   netip.Addr
			worker string
			at     time.Time
			want   bool
		}{
			{one, "a", now, true}, {two, "a", now, false}, {one, "b", now, false}, {one, "a", now.Add(ban.For), false},
		} {
			if got := l.workerBanned(tc.addr, tc.worker, tc.at); got != tc.want {
				t.Errorf("%s at %s at %s: %t", tc.worker, tc.addr, tc.at, got)
			}
		}
	})
	t.Run("memory", func(t *testing.T) {
		l := newLimits(100, 100, Ban{Logins: 1, For: time.Hour})
		for i := range 3 * maxGrievances {
			a := netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(i))))
			l.grieve(a, now)
			if i%2 == 0 {
				l.grieve(a, now)
			}
			l.banWorker(a, "w", now)
		}
		if len(l.grieved) > maxGrievances || len(l.banned) > maxGrievances || len(l.addresses) != 0 {
			t.Errorf("remembers %d grievances, %d bans, %d addresses", len(l.grieved), len(l.banned), len(l.addresses))
		}
	})
}

// What a miner gets depends on what it has: whoever missed a job that made
// others stale is told so by the next.
func TestNoticeFoldsWhatWasMissed(t *testing.T) {
	var last *notice
	for i, clean := range []bool{false, false, true, false, false} {
		last = notify(&job.Job{ID: uint32(i + 1), Source: "node", Clean: clean, Extranonce: 8}, last, time.Time{})
	}
	for _, tc := range []struct {
		seen  uint64
		fresh bool
	}{{0, true}, {1, true}, {2, true}, {3, false}, {4, false}} {
		p := last.since(tc.seen)
		if p.job.ID != 5 || p.job.Clean != tc.fresh {
			t.Errorf("seen %d: got job %d, clean %t", tc.seen, p.job.ID, p.job.Clean)
		}
		if want := fmt.Sprintf("%t]}\n", tc.fresh); string(p.line[len(p.line)-len(want):]) != want {
			t.Errorf("seen %d: the line ends with %q", tc.seen, p.line[len(p.line)-8:])
		}
	}
	if p := last.since(5); p.job.ID != 5 || p.job.Clean {
		t.Errorf("seen 5: got job %d, clean %t", p.job.ID, p.job.Clean)
	}
}

// Who has a job and gets it again gets it with a time that it has not had, and
// shares it with who needs it in the same second; up to the last time that the
// source takes.
func TestNoticeAgain(t *testing.T) {
	at := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	ids := job.NewCounter(100)
	n := notify(&job.Job{ID: 1, Source: "node", Time: 5000, MaxTime: 5015, Extranonce: 8}, nil, at)
	for _, tc := range []struct {
		had      uint32
		after    time.Duration
		id, time uint32
	}{
		{5000, 0, 101, 5001},
		{5000, 0, 101, 5001},
		{5001, 0, 102, 5002},
		{5000, 999 * time.Millisecond, 102, 5002},
		{5000, 10 * time.Second, 103, 5010},
		{5000, 9 * time.Second, 103, 5010},
		{5000, -time.Hour, 103, 5010},
		{5010, 15 * time.Second, 104, 5015},
		{5015, 15 * time.Second, 1, 5000},
		{5000, 500 * time.Hour, 1, 5000},
	} {
		p := n.again(tc.had, ids.Next, at.Add(tc.after))
		if p.job.ID != tc.id || p.job.Time != tc.time || p.job.Clean {
			t.Errorf("had %d, after %s: job %d of %d, clean %t; want job %d of %d", tc.had, tc.after, p.job.ID, p.job.Time, p.job.Clean, tc.id, tc.time)
		}
		if !strings.HasSuffix(string(p.line), "true]}\n") || !strings.Contains(string(p.line), fmt.Sprintf("%08x", tc.id)) {
			t.Errorf("the line is %s", p.line)
		}
	}
}

func TestPace(t *testing.T) {
	now := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	p := newPace(100)
	if w := p.take(200, now); w != 0 {
		t.Errorf("the burst waits %s", w)
	}
	if w := p.take(50, now); w != 500*time.Millisecond {
		t.Errorf("50 more wait %s", w)
	}
	if w := p.take(50, now.Add(time.Second)); w != 0 {
		t.Errorf("a second later 50 wait %s", w)
	}
	if w := p.take(201, now.Add(time.Hour)); w != 10*time.Millisecond {
		t.Errorf("an hour later a burst and one wait %s", w)
	}
}

func TestTallyOfWorthlessShares(t *testing.T) {
	b := Ban{Shares: 64, Fraction: 0.8}
	for _, tc := range []struct {
		name        string
		bad         func(i int) bool
		first, last int // the share after which it is: between the two; 0: never
	}{
		{"all", func(int) bool { return true }, 64, 64},
		{"half", func(i int) bool { return i%2 == 0 }, 0, 0},
		{"nine in ten", func(i int) bool { return i%10 != 0 }, 71, 71},
		// The past does not weigh for ever.
		{"good for long, then bad", func(i int) bool { return i > 5000 }, 5064, 6000},
	} {
		var ta tally
		got := 0
		for i := 1; i <= 10_000 && got == 0; i++ {
			if tc.bad(i) {
				ta.bad++
			} else {
				ta.good++
			}
			if ta.worthless(b) {
				got = i
			}
		}
		if got < tc.first || got > tc.last {
			t.Errorf("%s: banned after %d shares, want %d to %d", tc.name, got, tc.first, tc.last)
		}
	}
}
