package agreement_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/ledger"
	"hearth/pool/agreement"
	"hearth/units"
)

// closings returns the closings among records, with their numbers.
func closings(t require, records []ledger.Record) (out []ledger.Closing, at []int) {
	for i, r := range records {
		body, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := body.(ledger.Closing); ok {
			out, at = append(out, c), append(at, i)
		}
	}
	return out, at
}

// TestClosing plays random agreements over four months and closes the books of
// each month as soon as that can be done. Whoever goes on from a closing, without
// the records before, comes to the same as whoever has them all.
func TestClosing(t *testing.T) {
	loc := zone(t, "Europe/Oslo")
	rapid.Check(t, func(rt *rapid.T) {
		text := contract(rt, "farm", "cellar")
		text = strings.Replace(text, "end: 2026-11-20\n", "", 1) + "books_close: after 30 days\n"
		a := mustParse(rt, text)
		b := newBook(t)
		b.unsigned = true
		b.add(time.Date(2026, 9, 1, 0, 0, 0, 0, loc), a.Name, a.Record())
		// A few hours are busy; the pool pays at times for work of months before.
		for _, day := range []string{"2026-10-20", "2026-10-31", "2026-11-16", "2026-12-01", "2026-12-16", "2027-01-01"} {
			from, err := time.ParseInLocation(time.DateOnly, day, loc)
			if err != nil {
				rt.Fatal(err)
			}
			from = from.Add(-time.Duration(rapid.IntRange(0, 20).Draw(rt, "before")) * 15 * time.Minute)
			b.happen(rt, from, rapid.IntRange(0, 8).Draw(rt, "quarters"), func(int) float64 { return 1 })
		}
		// The service adds closings where they fall due.
		live := take(rt, a, loc, nil)
		var records []ledger.Record
		write := func(r ledger.Record) {
			r.Seq = uint64(len(records) + 1)
			records = append(records, r)
			add(rt, live, records[len(records)-1:])
		}
		late := time.Duration(rapid.IntRange(0, 10*24).Draw(rt, "hours late")) * time.Hour
		for _, r := range b.records {
			for last := (time.Time{}); ; {
				entry, ok, err := live.Close(r.At.Add(-late))
				if err != nil {
					rt.Fatal(err)
				}
				if !ok {
					break
				}
				var c ledger.Closing
				if err := json.Unmarshal(entry.Body, &c); err != nil {
					rt.Fatal(err)
				}
				if !c.Until.After(last) {
					rt.Fatal("closed twice")
				}
				last = c.Until
				write(ledger.Record{At: r.At, Kind: entry.Kind, Subject: entry.Subject, Body: entry.Body, Hash: ledger.Hash{byte(len(records)), 7}})
			}
			write(r)
			if len(records) == 1 {
				continue
			}
			if rapid.IntRange(0, 59).Draw(rt, "books") == 59 {
				entry, ok, err := live.Transfer(r.At)
				if err != nil {
					rt.Fatal(err)
				}
				if ok {
					write(ledger.Record{At: r.At, Kind: entry.Kind, Subject: entry.Subject, Body: entry.Body, Hash: ledger.Hash{byte(len(records)), 8}})
				}
			}
		}
		end := records[len(records)-1].At.Add(24 * time.Hour)
		head := ledger.Head{Seq: uint64(len(records)), At: end}
		want := intervals(rt, live, end)
		wantTransfer, wantOK, err := live.Transfer(end)
		if err != nil {
			rt.Fatal(err)
		}
		all, _ := closings(rt, records)
		for _, c := range all {
			resumed, err := agreement.Resume(a, loc, false, c)
			if err != nil {
				rt.Fatal(err)
			}
			add(rt, resumed, records[c.After:])
			if !resumed.Whole() {
				rt.Fatal("records are missing")
			}
			if diff := differ(want, intervals(rt, resumed, end)); diff != "" {
				rt.Fatalf("resumed from %s: %s", c.Until, diff)
			}
			got, ok, err := resumed.Transfer(end)
			if err != nil {
				rt.Fatal(err)
			}
			if diff := cmp.Diff(wantTransfer, got); ok != wantOK || diff != "" {
				rt.Fatalf("resumed from %s: %s", c.Until, diff)
			}
			from := time.Date(2027, 1, 1, 0, 0, 0, 0, loc)
			s1, err1 := live.Statement("host", from, end, end, head)
			s2, err2 := resumed.Statement("host", from, end, end, head)
			if diff := cmp.Diff(s1, s2); diff != "" || (err1 == nil) != (err2 == nil) {
				rt.Fatalf("resumed from %s: %s, %v, %v", c.Until, diff, err1, err2)
			}
		}
		// Whoever reads the whole ledger anew comes to the same.
		again := take(rt, a, loc, records)
		if diff := differ(want, intervals(rt, again, end)); diff != "" {
			rt.Fatal(diff)
		}
		// Nothing was lost on the way: what came in is with the parties, or set
		// aside, or not shared yet.
		if len(all) > 0 {
			if _, err := live.Statement("host", a.Start.In(loc), end, end, head); err == nil || !strings.Contains(err.Error(), "are closed") {
				rt.Fatalf("a statement of closed books: %v", err)
			}
		}
	})
}

// quarterYear is three months of the farmhouse, a day of each, with the books of
// the first closed, and the host's statement of the third.
func quarterYear(t *testing.T) (a *agreement.Agreement, b *book, doc []byte) {
	t.Helper()
	a = parse(t, replace(t, example(t, "farmhouse"), "books_close: after 60 days", "books_close: after 30 days"))
	loc := zone(t, a.Zone)
	b = newBook(t)
	b.add(a.Start.In(loc), a.Name, a.Record())
	e := evidence(t, a, loc, false, b.records)
	for _, day := range []time.Time{
		time.Date(2026, 10, 5, 0, 0, 0, 0, loc), time.Date(2026, 10, 20, 0, 0, 0, 0, loc), time.Date(2026, 11, 20, 0, 0, 0, 0, loc), time.Date(2026, 12, 10, 0, 0, 0, 0, loc),
	} {
		for i := range 8 {
			x := day.Add(time.Duration(i) * 15 * time.Minute)
			y := x.Add(15 * time.Minute)
			b.add(x, "EUR", ledger.Rate{Micros: 60_000e6, Source: "kraken"})
			b.add(x, "home", ledger.Price{From: x.UTC(), To: y.UTC(), Micros: 150_000, Currency: "EUR", Source: "s"})
			b.electricity("miner-cellar", x, y, 0.8, units.Meter)
			b.electricity("miner-barn", x, y, 0.75, units.Meter)
			b.heat("living", x, y, 0.7, units.Meter)
			b.heat("tank", x, y, 0.72, units.Meter)
			b.shares("cellar", "braiins", "", x, y, 90_000)
		}
		b.add(day.Add(3*time.Hour), "braiins", ledger.Earning{Millisats: 3_000_000})
		feed(t, e, b.records[e.Last():])
		entry, ok, err := e.Close(day.Add(4 * time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			b.append(entry)
			feed(t, e, b.records[e.Last():])
		}
	}
	from, to := time.Date(2026, 12, 1, 0, 0, 0, 0, loc), time.Date(2027, 1, 1, 0, 0, 0, 0, loc)
	s, err := e.Statement("host", from, to, to, b.head())
	if err != nil {
		t.Fatal(err)
	}
	if s.Closing == 0 || s.Millisats == 0 {
		t.Fatalf("the statement rests on closing %d and has %d msat", s.Closing, s.Millisats)
	}
	return a, b, sign(t, s)
}

// pruned is the ledger with the records up to a number removed behind a
// checkpoint.
func pruned(t *testing.T, b *book, last int) []ledger.Record {
	t.Helper()
	c, err := ledger.Condense(b.records[0].Hash, nil, stream(b.records[1:last])())
	if err != nil {
		t.Fatal(err)
	}
	b.add(b.records[len(b.records)-1].At, "", c)
	return append(b.records[:1:1], b.records[last:]...)
}

func TestVerifyWithoutWhatWasPruned(t *testing.T) {
	a, b, doc := quarterYear(t)
	if v := verify(t, a, doc, a.Text(), b.records); !v.OK() {
		t.Fatal(v)
	}
	all, _ := closings(t, b.records)
	after := int(all[len(all)-1].After)
	if after < 50 {
		t.Fatalf("the closing needs all but %d records", after)
	}
	kept := pruned(t, b, after)
	if v := verify(t, a, doc, a.Text(), kept); !v.OK() {
		t.Error(v)
	}
	// One record too many is gone.
	b.records = b.records[:len(b.records)-1]
	wantDiffers(t, verify(t, a, doc, a.Text(), pruned(t, b, after+1)), "were removed from this ledger")
}

func TestVerifyFindsAFalseClosing(t *testing.T) {
	a, b, doc := quarterYear(t)
	s, err := agreement.ParseStatement(doc, public())
	if err != nil {
		t.Fatal(err)
	}
	_, at := closings(t, b.records)
	false1 := slices.Clone(b.records)
	body(t, &false1[at[0]], func(x ledger.Body) ledger.Body {
		c := x.(ledger.Closing)
		c.State = []byte(strings.Replace(string(c.State), `"short":0`, `"short":1`, 1))
		return c
	})
	reseal(t, false1, at[0])
	s.Head = false1[len(false1)-1].Head(false1[0].Hash, key())
	wantDiffers(t, verify(t, a, sign(t, s), a.Text(), false1), "with other sums than its own ledger gives")
}

func TestRefusedClosings(t *testing.T) {
	a, b, _ := quarterYear(t)
	loc := zone(t, a.Zone)
	all, at := closings(t, b.records)
	for want, change := range map[string]func(*ledger.Closing){
		"is of another text": func(c *ledger.Closing) { c.Digest[0]++ },
		"not such as this":   func(c *ledger.Closing) { c.State = []byte(`{"items":[]}`) },
		"unknown field":      func(c *ledger.Closing) { c.State = []byte(`{"extra":1}`) },
		"not such as this agree": func(c *ledger.Closing) {
			c.State = []byte(strings.Replace(string(c.State), `"rest":0`, `"rest":-1`, 1))
		},
	} {
		c := all[0]
		change(&c)
		if _, err := agreement.Resume(a, loc, false, c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	// In the ledger a closing must lie where a month begins.
	e := evidence(t, a, loc, false, b.records[:at[0]])
	moved := b.records[at[0]]
	body(t, &moved, func(x ledger.Body) ledger.Body {
		c := x.(ledger.Closing)
		c.Until = c.Until.Add(time.Hour)
		return c
	})
	if _, err := e.Add(moved); err == nil || !strings.Contains(err.Error(), "not where a month begins") {
		t.Error(err)
	}
}
