package agreement_test

import (
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/agreement"
)

// TestANewTextTakesOver: the parties agree on other shares. The old text holds to
// the end of a day, the new one from the next on; nothing is shared twice and
// nothing falls between.
func TestANewTextTakesOver(t *testing.T) {
	const text = `agreement: 1
name: farm
mode: ledger
time_zone: Europe/Oslo
start: 2026-10-01
parties:
  host: {name: Anna, paid: stays}
  operator: {name: Fjell, paid: stays}
meters: {workers: [cellar], income: [pool]}
shares: {host: 40%, operator: 60%}
`
	before := parse(t, text)
	for name, c := range map[string]struct{ start, holds string }{
		"from a day to come": {"2026-10-04", "2026-10-04"},
		// Nobody changes what was agreed for days that are over.
		"backdated": {"2026-10-01", "2026-10-03"},
	} {
		t.Run(name, func(t *testing.T) {
			after := parse(t, replace(t, replace(t, text, "start: 2026-10-01", "start: "+c.start), "host: 40%, operator: 60%", "host: 90%, operator: 10%"))
			loc := zone(t, before.Zone)
			b := newBook(t)
			at := before.Start.In(loc)
			b.add(at.Add(-time.Hour), before.Name, before.Record())
			for i := range 6 * 96 {
				x := at.Add(time.Duration(i) * 15 * time.Minute)
				if i == 96+40 { // on the second day
					b.add(x, after.Name, after.Record())
				}
				b.shares("cellar", "pool", "", x, x.Add(15*time.Minute), 1000)
			}
			end := at.AddDate(0, 0, 6)
			b.add(end, "pool", ledger.Earning{Millisats: 6 * 96 * 1000})
			days := map[string]string{}
			sum := int64(0)
			for text, a := range map[string]*agreement.Agreement{"old": before, "new": after} {
				e := evidence(t, a, loc, false, b.records)
				for iv, err := range e.Intervals(end) {
					if err != nil {
						t.Fatal(err)
					}
					if day := iv.From.Format(time.DateOnly); iv.Income > 0 {
						if was, ok := days[day]; ok && was != text {
							t.Errorf("both texts share %s", day)
						}
						days[day] = text
					}
					sum += iv.Income
				}
				entry, ok, err := e.Transfer(end)
				if err != nil || !ok {
					t.Fatal(ok, err)
				}
				if !strings.Contains(string(entry.Body), a.Digest().String()[:16]) {
					t.Errorf("the transfer does not name its text: %s", entry.Body)
				}
			}
			if sum != 6*96*1000 {
				t.Errorf("%d msat are shared", sum)
			}
			for day, text := range days {
				if (day >= c.holds) != (text == "new") {
					t.Errorf("on %s the %s text holds", day, text)
				}
			}
		})
	}
}

func TestOtherTextsOfTheName(t *testing.T) {
	a := parse(t, example(t, "own-miner"))
	loc := zone(t, a.Zone)
	for want, text := range map[string]string{
		"cannot be read": "agreement: 3\n",
		"has its days in America/New_York, this one in America/Denver": replace(t, a.Text(), "America/Denver", "America/New_York"),
	} {
		b := newBook(t)
		b.add(a.Start.In(loc), a.Name, a.Record())
		other := ledger.Agreement{Text: text, Parties: []string{"x"}}
		other.Digest = digest(text)
		b.add(a.Start.In(loc), a.Name, other)
		e := evidence(t, a, loc, false, b.records[:2])
		if _, err := e.Add(b.records[2]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestNotBookedBeforeItIsRecorded(t *testing.T) {
	a := parse(t, example(t, "farmhouse"))
	loc := zone(t, a.Zone)
	b := newBook(t)
	b.shares("cellar", "braiins", "", a.Start.In(loc), a.Start.In(loc).Add(time.Minute), 5)
	b.add(a.Start.In(loc).Add(time.Hour), "braiins", ledger.Earning{Millisats: 5})
	_, _, err := evidence(t, a, loc, false, b.records).Transfer(a.Start.In(loc).Add(2 * time.Hour))
	if err == nil || !strings.Contains(err.Error(), "record it first") {
		t.Error(err)
	}
	// Neither is what nobody holds, nor what was worked out of a part.
	own := parse(t, example(t, "own-miner"))
	if _, _, err := evidence(t, own, zone(t, own.Zone), false, b.records).Transfer(time.Now()); err == nil || !strings.Contains(err.Error(), "without anybody in between") {
		t.Error(err)
	}
	if _, _, err := evidence(t, a, loc, false, b.records[1:]).Transfer(time.Now()); err == nil || !strings.Contains(err.Error(), "records are missing") {
		t.Error(err)
	}
}

// Of several texts that are to follow, the one that begins first takes over,
// whichever was recorded first: no day is shared by two.
func TestTheSoonestTextTakesOver(t *testing.T) {
	first := parse(t, example(t, "farmhouse"))
	loc := zone(t, first.Zone)
	at := first.Start.In(loc)
	begin := "start: " + first.Start.String()
	late := parse(t, replace(t, first.Text(), begin, "start: "+at.AddDate(0, 0, 30).Format(time.DateOnly)))
	soon := parse(t, replace(t, first.Text(), begin, "start: "+at.AddDate(0, 0, 10).Format(time.DateOnly)))
	b := newBook(t)
	for i, a := range []*agreement.Agreement{first, late, soon} {
		b.add(at.Add(time.Duration(i)*time.Hour), a.Name, a.Record())
	}
	for day := range 40 {
		from := at.AddDate(0, 0, day)
		var by []string
		for name, a := range map[string]*agreement.Agreement{"first": first, "late": late, "soon": soon} {
			if e := evidence(t, a, loc, false, b.records); e.Holds(from, from.AddDate(0, 0, 1)) {
				by = append(by, name)
			}
		}
		want := "first"
		if day >= 10 {
			want = "soon"
		}
		if len(by) != 1 || by[0] != want {
			t.Errorf("on day %d %v hold, want %s", day, by, want)
		}
	}
}
