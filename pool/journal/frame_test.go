package journal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/ledger"
	"hearth/pool/job"
)

var update = flag.Bool("update", false, "write the golden files")

var noon = time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)

func testHead() head {
	return head{number: 7, begun: noon.UnixNano(), interval: 15 * time.Minute, prev: ledger.Hash{1, 2, 3}}
}

func newEncoder(h head) *encoder {
	return &encoder{chain: h.chain(), names: map[string]uint64{}, last: h.begun}
}

// equal compares items with what is not exported in them.
func equal() cmp.Option { return cmp.AllowUnexported(item{}, tally{}) }

func decode(b []byte) (*decoder, []item, error) {
	var list []item
	d, err := scan(bytes.NewReader(b), func(it item) { list = append(list, it) })
	return d, list, err
}

// draw draws what a segment may hold.
func draw(r *rapid.T) item {
	t := noon.Add(time.Duration(rapid.Int64Range(-1e12, 1e12).Draw(r, "at")))
	s := Share{
		At:     t,
		Worker: rapid.SampledFrom([]string{"", "bitaxe", "küche", strings.Repeat("x", 255)}).Draw(r, "worker"),
		Source: rapid.SampledFrom([]string{"pool", "node"}).Draw(r, "source"),
		Party:  rapid.SampledFrom([]string{"", "host"}).Draw(r, "party"),
		Unpaid: rapid.Bool().Draw(r, "unpaid"),
	}
	amount := func(name string) uint64 { return rapid.Uint64Range(0, maxAmount).Draw(r, name) }
	switch rapid.IntRange(0, 4).Draw(r, "kind") {
	case 0:
		span := rapid.Int64Range(0, 1e12).Draw(r, "span")
		it := item{Share: s, tally: tally{t.UnixNano(), t.UnixNano() + span, amount("work"), 1 + amount("count")/2, amount("stale"), amount("rejected")}}
		it.At = time.Time{}
		return it
	case 1:
		return item{tally: tally{from: t.UnixNano(), to: t.UnixNano() + 5}, dropped: 1 + amount("dropped")/2}
	default:
		if s.Verdict = Verdict(rapid.IntRange(0, 2).Draw(r, "verdict")); s.Verdict == Accepted {
			s.Work = job.Work(amount("work"))
		}
		if rapid.Bool().Draw(r, "header") {
			s.Header = job.Header{Version: 1, Nonce: 1 + rapid.Uint32().Draw(r, "nonce")/2, Root: job.Hash{5}}
		}
		return s.item()
	}
}

// TestFrames: what is written is read, frame by frame, with the same chain; and
// after a write that failed as if it had not been.
func TestFrames(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		h := testHead()
		e := newEncoder(h)
		b := h.bytes()
		var want []item
		for range rapid.IntRange(0, 6).Draw(r, "commits") {
			list := rapid.SliceOfN(rapid.Custom(draw), 1, 20).Draw(r, "items")
			was := e.mark()
			next := e.frames(bytes.Clone(b), slices.Values(list))
			if rapid.IntRange(0, 3).Draw(r, "fails") == 0 {
				e.undo(was)
				continue
			}
			e.keep()
			b, want = next, append(want, list...)
		}
		d, got, err := decode(b)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(want, got, equal()); diff != "" {
			r.Fatal(diff)
		}
		if d.head != h || d.chain != e.chain || d.size != int64(len(b)) {
			r.Fatalf("head %+v, %d of %d bytes, chain %s, want %s", d.head, d.size, len(b), d.chain, e.chain)
		}
	})
}

// TestTornAndChanged: wherever a segment is cut or changed, what is read is
// what was whole before that place, and nothing made up.
func TestTornAndChanged(t *testing.T) {
	h := testHead()
	e := newEncoder(h)
	b := h.bytes()
	var ends []int // of frames
	var all []item
	for i := range 5 {
		list := []item{
			Share{At: noon.Add(time.Duration(i) * time.Second), Worker: "w", Source: "pool", Work: job.Work(i + 1)}.item(),
			Share{At: noon, Worker: strings.Repeat("v", i+1), Source: "pool", Verdict: Stale}.item(),
		}
		b = e.frames(b, slices.Values(list))
		ends, all = append(ends, len(b)), append(all, list...)
	}
	whole := func(n int) (frames int) {
		for frames < len(ends) && ends[frames] <= n {
			frames++
		}
		return frames
	}
	check := func(what string, place int, damaged []byte) {
		t.Helper()
		at := 0 // the first byte that is another
		for at < len(b) && at < len(damaged) && b[at] == damaged[at] {
			at++
		}
		d, got, err := decode(damaged)
		if at < headerSize {
			if !errors.Is(err, errTorn) {
				t.Fatalf("%s at %d: %v", what, place, err)
			}
			return
		}
		if err != nil {
			t.Fatalf("%s at %d: %v", what, place, err)
		}
		n := whole(at)
		if diff := cmp.Diff(all[:2*n], got, equal()); diff != "" && 2*n+len(got) > 0 {
			t.Fatalf("%s at %d:\n%s", what, place, diff)
		}
		if want := append([]int{headerSize}, ends...)[n]; d.size != int64(want) {
			t.Fatalf("%s at %d: %d bytes are whole, want %d", what, place, d.size, want)
		}
	}
	for i := range b {
		check("cut", i, b[:i])
		changed := bytes.Clone(b)
		changed[i] ^= 0x10
		check("changed", i, changed)
		if i >= headerSize {
			check("zeros", i, append(bytes.Clone(b[:i]), make([]byte, 300)...))
		}
	}
	// A frame that is taken out, or put in twice, breaks the chain.
	check("frame gone", ends[0], append(bytes.Clone(b[:ends[0]]), b[ends[1]:]...))
	check("frame twice", ends[1], append(bytes.Clone(b[:ends[1]]), b[ends[0]:]...))
}

// TestTidy: whatever a miner calls itself fits into the ledger.
func TestTidy(t *testing.T) {
	for in, want := range map[string]string{
		"bitaxe.1":                        "bitaxe.1",
		"küche":                           "küche",
		"a\nb\x7f\u0085c":                 "a?b??c",
		"\xff\xfe":                        "?",
		strings.Repeat("é", 200):          strings.Repeat("é", 127),
		strings.Repeat("x", 300):          strings.Repeat("x", 255),
		strings.Repeat("x", 254) + "é":    strings.Repeat("x", 254),
		strings.Repeat("x", 253) + "é":    strings.Repeat("x", 253) + "é",
		strings.Repeat("x", 254) + "\xff": strings.Repeat("x", 254) + "?",
	} {
		if got := (Share{Worker: in}).tidy().Worker; got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
	s := Share{At: time.Time{}, Work: math.MaxUint64, Verdict: 9}.tidy()
	if s.Source != "unknown" || s.Verdict != Rejected || s.Work != 0 {
		t.Errorf("%+v", s)
	}
	if s := (Share{Work: math.MaxUint64}).tidy(); s.Work != maxAmount {
		t.Errorf("work %d", s.Work)
	}
	for in, want := range map[time.Time]int64{
		{}: earliest, time.Unix(0, 0): earliest, noon: noon.UnixNano(),
		time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC): latest,
	} {
		if got := moment(in); got != want {
			t.Errorf("%s is kept as %s", in, at(got))
		}
	}
}

// TestGolden: what an earlier version wrote is still read.
func TestGolden(t *testing.T) {
	h := testHead()
	e := newEncoder(h)
	b := h.bytes()
	list := []item{
		Share{At: noon, Worker: "bitaxe", Source: "pool", Party: "host", Work: 1024, Header: job.Header{Version: 0x20000000, Nonce: 42}}.item(),
		Share{At: noon.Add(10 * time.Second), Worker: "bitaxe", Source: "pool", Verdict: Stale}.item(),
		Share{At: noon.Add(11 * time.Second), Worker: "nerdqaxe", Source: "fallback", Work: 1, Unpaid: true}.item(),
		Share{At: noon.Add(12 * time.Second), Source: "pool", Verdict: Rejected}.item(),
	}
	b = e.frames(b, slices.Values(list))
	more := []item{
		{Share: Share{Worker: "bitaxe", Source: "pool"}, tally: tally{noon.UnixNano(), noon.UnixNano() + 1e9, 5, 4, 3, 2}},
		{tally: tally{from: noon.UnixNano(), to: noon.UnixNano() + 1}, dropped: 9},
	}
	b = e.frames(b, slices.Values(more))
	name := filepath.Join("testdata", "segment.hex")
	if *update {
		var out bytes.Buffer
		for c := range slices.Chunk(b, 40) {
			out.WriteString(hex.EncodeToString(c) + "\n")
		}
		if err := os.WriteFile(name, out.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	want, err := hex.DecodeString(strings.ReplaceAll(string(golden), "\n", ""))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b, want) {
		t.Error("segments are written in another form: old ones must stay readable")
	}
	d, got, err := decode(want)
	if diff := cmp.Diff(append(list, more...), got, equal()); diff != "" || err != nil || d.head != h {
		t.Error(diff, err)
	}
}

// TestManyFrames: a large write is cut into frames that can be read.
func TestManyFrames(t *testing.T) {
	h := testHead()
	e := newEncoder(h)
	s := Share{At: noon, Worker: "w", Source: "pool", Work: 1, Header: job.Header{Nonce: 1}}
	b := e.frames(h.bytes(), func(yield func(item) bool) {
		for range 30_000 {
			yield(s.item())
		}
	})
	_, got, err := decode(b)
	if err != nil || len(got) != 30_000 {
		t.Errorf("%d items of 30,000 in %d bytes, %v", len(got), len(b), err)
	}
	t.Logf("%.1f bytes a share", float64(len(b))/30_000)
}

func FuzzScan(f *testing.F) {
	h := testHead()
	e := newEncoder(h)
	b := e.frames(h.bytes(), slices.Values([]item{
		Share{At: noon, Worker: "bitaxe", Source: "pool", Work: 1024, Header: job.Header{Nonce: 42}}.item(),
		{Share: Share{Worker: "bitaxe", Source: "pool", Unpaid: true}, tally: tally{noon.UnixNano(), noon.UnixNano() + 1e9, 5, 4, 3, 2}},
		{tally: tally{from: noon.UnixNano(), to: noon.UnixNano() + 1}, dropped: 9},
	}))
	f.Add(b)
	f.Add(b[:headerSize])
	f.Add(b[:len(b)-1])
	f.Fuzz(func(t *testing.T, b []byte) {
		d, list, err := decode(b)
		if err != nil {
			return
		}
		again := newEncoder(d.head)
		_, same, err := decode(again.frames(d.head.bytes(), slices.Values(list)))
		if diff := cmp.Diff(list, same, equal()); diff != "" || err != nil {
			t.Fatal(diff, err)
		}
		// Whatever is in it, it can be folded.
		sum, err := newAdding(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range sum.entries {
			if err := e.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// FuzzItems reads payloads past the checksum, which keeps a fuzzer from them.
func FuzzItems(f *testing.F) {
	h := testHead()
	e := newEncoder(h)
	b := e.frames(nil, slices.Values([]item{
		Share{At: noon, Worker: "bitaxe", Source: "pool", Work: 1024, Header: job.Header{Nonce: 42}}.item(),
		{Share: Share{Worker: "bitaxe", Source: "pool", Unpaid: true}, tally: tally{noon.UnixNano(), noon.UnixNano() + 1e9, 5, 4, 3, 2}},
		{tally: tally{from: noon.UnixNano(), to: noon.UnixNano() + 1}, dropped: 9},
	}))
	f.Add(b[frameSize:])
	f.Fuzz(func(t *testing.T, payload []byte) {
		d := &decoder{head: h, last: h.begun, names: []string{""}}
		list, err := d.items(payload)
		if err != nil {
			return
		}
		sum := newAdder(h.interval)
		for _, it := range list {
			sum.add(it)
		}
		entries, err := sum.entries(h, ledger.Hash{1})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if err := e.Check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
