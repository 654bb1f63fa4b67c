package ledger_test

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/ledger"
	"hearth/units"
)

func TestCanonical(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, err := ledger.Canonical([]byte(in))
		if err != nil || string(got) != want {
			t.Errorf("Canonical(%s) = %s, %v; want %s", in, got, err, want)
		}
	}
	f(" {\t\"b\":2,\r\n\"a\":1} ", `{"a":1,"b":2}`)
	f(`{"a":"\u0041\/\u00e9\ud83d\udd25"}`, `{"a":"A/é🔥"}`)
	f(`{"a":"<&>  "}`, `{"a":"<&>  "}`)
	f(`{"a":"\u001F\u007f"}`, `{"a":"\u001f`+"\x7f"+`"}`)
	f(`{"a":"\b\f\n\r\t\u000b"}`, `{"a":"\b\f\n\r\t\u000b"}`)
	f(`{"a10":1,"a":1,"a1":1,"_":0,"0":0}`, `{"0":0,"_":0,"a":1,"a1":1,"a10":1}`)
	f(`{"a":[ ]}`, `{"a":[]}`)
	f(`{"a":"�"}`, `{"a":"�"}`)

	for _, in := range refused() {
		if got, err := ledger.Canonical([]byte(in)); err == nil {
			t.Errorf("Canonical(%q) = %s, want an error", in, got)
		}
	}
	deep := strings.Repeat(`{"a":`, 16) + `{}` + strings.Repeat(`}`, 16)
	f(deep, deep)
	if _, err := ledger.Canonical([]byte(`{"a":` + deep + `}`)); err == nil {
		t.Error("a body may be nested without bound")
	}
	long := `{"a":"` + strings.Repeat("x", ledger.MaxBody-8) + `"}`
	f(long, long)
	if _, err := ledger.Canonical([]byte(long + " ")); err == nil {
		t.Error("a body may be of any length")
	}
}

// FuzzCanonical: what is canonical stays as it is, means what it meant, and
// Go's own decoder reads it.
func FuzzCanonical(f *testing.F) {
	for _, c := range canonicalCases() {
		f.Add([]byte(c.In))
	}
	for _, s := range refused() {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		out, err := ledger.Canonical(in)
		if err != nil {
			return
		}
		again, err := ledger.Canonical(out)
		if err != nil || string(again) != string(out) {
			t.Fatalf("%q became %q, and that %q (%v)", in, out, again, err)
		}
		var a, b any
		if err := json.Unmarshal(in, &a); err != nil {
			t.Fatalf("took %q, which is not JSON: %v", in, err)
		}
		if err := json.Unmarshal(out, &b); err != nil || !reflect.DeepEqual(a, b) {
			t.Fatalf("%q became %q: another meaning (%v)", in, out, err)
		}
	})
}

func TestBodiesRoundTrip(t *testing.T) {
	for _, r := range everyKind(t) {
		body, err := r.Decode()
		if err != nil {
			t.Fatalf("%s: %v", r.Kind, err)
		}
		if body == nil {
			if r.Kind != "from_the_future" {
				t.Errorf("%s is not known", r.Kind)
			}
			continue
		}
		e, err := ledger.NewEntry(r.At, r.Subject, r.Simulated, body)
		if err != nil || e.Kind != r.Kind || string(e.Body) != string(r.Body) {
			t.Errorf("%s: %s became %s (%v)", r.Kind, r.Body, e.Body, err)
		}
	}
}

// TestBodiesRefused is what cannot be said.
func TestBodiesRefused(t *testing.T) {
	from, to := start, start.Add(time.Minute)
	ok := ledger.Energy{From: from, To: to, Joules: 1, Provenance: units.Meter}
	with := func(change func(*ledger.Energy)) ledger.Body {
		e := ok
		change(&e)
		return ledger.Heat(e)
	}
	bad := map[string]ledger.Body{
		"negative energy":       with(func(e *ledger.Energy) { e.Joules = -1 }),
		"not a number":          with(func(e *ledger.Energy) { e.Joules = units.Joules(math.NaN()) }),
		"infinite energy":       with(func(e *ledger.Energy) { e.Joules = units.Joules(math.Inf(1)) }),
		"absurd energy":         with(func(e *ledger.Energy) { e.Joules = 1e13 }),
		"unknown provenance":    with(func(e *ledger.Energy) { e.Provenance = units.None }),
		"chosen energy":         with(func(e *ledger.Energy) { e.Provenance = units.Chosen }),
		"an empty span":         with(func(e *ledger.Energy) { e.To = e.From }),
		"a span backwards":      with(func(e *ledger.Energy) { e.To = e.From.Add(-1) }),
		"a zone with a newline": with(func(e *ledger.Energy) { e.Zone = "a\nb" }),
		"no verb":               ledger.Command{},
		"negative power":        ledger.Command{Verb: "off", Power: -1},
		"a trip without a rule": ledger.Trip{ID: "x"},
		"an event without code": ledger.Event{Severity: "info"},
		"a nameless setting":    ledger.Setting{},
		"an empty gap":          ledger.Gap{From: from, To: to},
		"work without a unit":   ledger.Work{From: from, To: to, Provenance: units.Meter},
		"too long a text":       ledger.Event{Severity: "info", Code: "x", Text: strings.Repeat("x", ledger.MaxBody)},
	}
	for name, body := range bad {
		if e, err := ledger.NewEntry(start, "heater", false, body); err == nil {
			t.Errorf("%s: encoded as %s", name, e.Body)
		}
	}
	simulated, err := ledger.NewEntry(start, "heater", false, with(func(e *ledger.Energy) { e.Provenance = units.Simulated }))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := simulated.Seal(2, ledger.Hash{1}, key()); err == nil {
		t.Error("a simulated amount was sealed as real")
	}
	for name, e := range map[string]ledger.Entry{
		"no kind":            {At: start, Body: []byte(`{}`)},
		"a kind in capitals": {At: start, Kind: "Event", Body: []byte(`{}`)},
		"too long a kind":    {At: start, Kind: ledger.Kind(strings.Repeat("k", 33)), Body: []byte(`{}`)},
		"too long a subject": {At: start, Kind: "k", Subject: strings.Repeat("s", 256), Body: []byte(`{}`)},
		"broken text":        {At: start, Kind: "k", Subject: "\xff", Body: []byte(`{}`)},
		"no body":            {At: start, Kind: "k"},
		"a loose body":       {At: start, Kind: "k", Body: []byte(`{ }`)},
		"a second genesis":   {At: start, Kind: "genesis", Body: genesis(t).Body},
		"a strange member":   {At: start, Kind: "event", Body: []byte(`{"code":"c","more":1,"severity":"info","text":""}`)},
		"a missing member":   {At: start, Kind: "event", Body: []byte(`{"code":"c","severity":"info"}`)},
		"an empty member":    {At: start, Kind: "command", Body: []byte(`{"confirmed":true,"level":"","verb":"off"}`)},
		"a loose time":       {At: start, Kind: "gap", Body: []byte(`{"dropped":1,"from":"2026-01-01T00:00:00+00:00","to":"2026-01-01T00:00:00Z","why":""}`)},
		"the year 3000":      {At: start.AddDate(1000, 0, 0), Kind: "k", Body: []byte(`{}`)},
	} {
		if err := e.Check(); err == nil {
			t.Errorf("%s: no error", name)
		}
		if _, err := e.Seal(2, ledger.Hash{1}, key()); err == nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

func TestRecordBinary(t *testing.T) {
	var file []byte
	records := everyKind(t)
	for _, r := range records {
		one, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, rest, err := ledger.ParseRecord(one)
		if err != nil || len(rest) != 0 {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, got); diff != "" {
			t.Error(diff)
		}
		for n := range one {
			if _, _, err := ledger.ParseRecord(one[:n]); err == nil {
				t.Fatalf("%s: read from %d of %d bytes", r.Kind, n, len(one))
			}
		}
		file = append(file, one...)
	}
	i := 0
	for r, err := range ledger.Read(strings.NewReader(string(file))) {
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(records[i], r); diff != "" {
			t.Error(diff)
		}
		i++
	}
	if i != len(records) {
		t.Errorf("read %d of %d records", i, len(records))
	}
	report := ledger.Verify(ledger.Read(strings.NewReader(string(file[:len(file)-1]))), ledger.Expect{Key: public()})
	if p := report.Problem; p == nil || p.Fault != ledger.FaultUnreadable || p.Seq != uint64(len(records)) {
		t.Errorf("a chain file that ends early: %v", report)
	}
}

// FuzzParseRecord: what is read is written back byte for byte, so a record
// has one encoding.
func FuzzParseRecord(f *testing.F) {
	for _, r := range everyKind(f) {
		b, err := r.AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r, rest, err := ledger.ParseRecord(in)
		if err != nil {
			return
		}
		out, err := r.AppendBinary(nil)
		if err != nil || string(out) != string(in[:len(in)-len(rest)]) {
			t.Fatalf("%x was read and written as %x (%v)", in, out, err)
		}
		if err := (ledger.Sums{}).Add(r); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzBody: a body of a known kind that is accepted is written back byte for
// byte.
func FuzzBody(f *testing.F) {
	for _, r := range everyKind(f) {
		f.Add(string(r.Kind), []byte(r.Body))
	}
	f.Fuzz(func(t *testing.T, kind string, in []byte) {
		r := ledger.Record{Kind: ledger.Kind(kind), Body: in}
		body, err := r.Decode()
		if err != nil || body == nil {
			return
		}
		e, err := ledger.NewEntry(start, "", true, body)
		if err != nil || string(e.Body) != string(in) || string(e.Kind) != kind {
			t.Fatalf("%s %s was read and written as %s (%v)", kind, in, e.Body, err)
		}
	})
}

// FuzzParseHead: a head that is read is written back byte for byte.
func FuzzParseHead(f *testing.F) {
	line, err := headOf(everyKind(f)).MarshalLine()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(line)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		h, err := ledger.ParseHead(in)
		if err != nil {
			return
		}
		out, err := h.MarshalLine()
		if err != nil || string(out) != string(in) {
			t.Fatalf("%q was read and written as %q (%v)", in, out, err)
		}
	})
}
