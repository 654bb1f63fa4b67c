package agreement_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/pool/agreement"
	"hearth/units"
)

// contract draws an agreement between three parties. Its days begin in Oslo.
func contract(t *rapid.T, name, worker string) string {
	pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
	steps := func(label string) string {
		list := rapid.SliceOfN(rapid.SampledFrom([]string{
			"electricity: {to: host, price: 0.20 EUR/kWh}",
			"electricity: {to: host, price: {base: 0.10 EUR/kWh, follows: home, at: 0.12 EUR/kWh, part: 75%, most: 0.4 EUR/kWh}, part: 50%}",
			"electricity: {to: host, price: 0.17 EUR/kWh, monthly_cap: 3 EUR}",
			"heat_rebate: {to: host, price: 0.033 EUR/kWh}",
			"heat_rebate: {from: operator, to: host, price: 0.05 EUR/kWh}",
			"heat_price: {from: host, to: operator, price: 0.04 EUR/kWh}",
			"heat_price: {from: host, to: financier, price: 0.04 EUR/kWh, settle: outside}",
			"fee: {to: operator, monthly: 31.07 EUR}",
			"fee: {to: financier, monthly: 12345.678 sat}",
			"fee: {from: financier, to: operator, monthly: 2 EUR}",
		}), 0, 5).Draw(t, label)
		if len(list) == 0 {
			return ""
		}
		return "waterfall:\n  - " + strings.Join(list, "\n  - ") + "\n"
	}
	shares := func(label string) string {
		a := rapid.IntRange(1, 999_998).Draw(t, label)
		b := rapid.IntRange(1, 999_999-a).Draw(t, label)
		pct := func(n int) string { return fmt.Sprintf("%d.%04d%%", n/10000, n%10000) }
		return fmt.Sprintf("shares: {host: %s, operator: %s, financier: %s}\n", pct(a), pct(b), pct(1_000_000-a-b))
	}
	text := "agreement: 1\nname: " + name + "\nmode: ledger\ncurrency: EUR\ntime_zone: Europe/Oslo\nstart: 2026-10-20\n" +
		pick("end", "", "end: 2026-11-20\n") +
		"parties:\n  host: {name: Anna, paid: stays}\n  operator: {name: Fjell, paid: stays}\n  financier: {name: Bank, paid: stays}\n" +
		"meters: {electricity: [miner, fan], heat: [tank], workers: [" + worker + "], income: [pool, node], complete: " + pick("complete", "100%", "80%") + "}\n" +
		"bitcoin_price: {source: kraken, max_age: 6h}\narrears: " + pick("arrears", "carried", "lapse") + "\n" +
		"unknown: " + pick("unknown", "hold", "release after 1 days", "release after 30 days") + "\n" +
		steps("steps") + shares("shares") +
		pick("caps", "", "monthly_caps: {operator: 3 EUR}\n", "monthly_caps: {operator: 4000 sat, financier: 2 EUR}\n") +
		pick("floors", "", "monthly_floors: {host: 5 EUR}\n", "monthly_floors: {financier: 0.5 EUR, host: 900 sat}\n")
	switch pick("season", "none", "nothing", "other") {
	case "nothing":
		text += "season: {from: 1 October, to: 27 October, outside: nothing}\n"
	case "other":
		text += "season:\n  from: 1 November\n  to: 5 November\n  outside:\n    " + strings.ReplaceAll(strings.TrimSpace(steps("outside")+shares("others")), "\n", "\n    ") + "\n"
	}
	return text
}

// happen writes down what happened from a time on, in n quarters of an hour:
// meters that fail and report late, miners that stop, a pool that pays when it
// likes and takes back, a neighbour on the same pool, prices that go missing.
func (b *book) happen(t *rapid.T, from time.Time, n int, heat func(i int) float64) {
	chance := func(label string, percent int) bool { return rapid.IntRange(0, 99).Draw(t, label) < percent }
	var late []func(at time.Time)
	var came int64
	for i := range n {
		a := from.Add(time.Duration(i) * 15 * time.Minute)
		z := a.Add(15 * time.Minute)
		now := z.Add(time.Second)
		if i%16 == 0 && !chance("rate fails", 15) {
			b.add(a, "EUR", ledger.Rate{Micros: rapid.Int64Range(40_000e6, 90_000e6).Draw(t, "rate"), Source: "kraken"})
		}
		if i%4 == 0 && !chance("tariff fails", 10) {
			b.add(a, "home", ledger.Price{From: a.UTC(), To: a.UTC().Add(time.Hour), Micros: rapid.Int64Range(-50_000, 600_000).Draw(t, "tariff"), Currency: "EUR", Source: "s"})
		}
		for _, device := range []string{"miner", "fan"} {
			kwh := rapid.Float64Range(0, 1.5).Draw(t, "kWh")
			write := func(at time.Time) {
				b.add(at, device, ledger.Electricity{From: a, To: z, Joules: joules(kwh), Provenance: units.Meter})
			}
			switch {
			case chance("meter fails", 5):
			case chance("meter is late", 5):
				late = append(late, write)
			default:
				write(now)
			}
		}
		if !chance("thermometer fails", 5) {
			b.add(now, "tank", ledger.Heat{From: a, To: z, Joules: joules(heat(i)), Provenance: units.Estimate, Zone: "tank"})
		}
		for _, worker := range []string{"cellar", "attic"} {
			source := rapid.SampledFrom([]string{"pool", "pool", "pool", "node"}).Draw(t, "source")
			if work := rapid.Int64Range(0, 100_000).Draw(t, "work"); work > 10_000 {
				b.shares(worker, source, "", a, z, work)
			}
		}
		if chance("pays", 8) {
			payer, msat := rapid.SampledFrom([]string{"pool", "node"}).Draw(t, "payer"), rapid.Int64Range(1, 5_000_000).Draw(t, "msat")
			b.add(now, payer, ledger.Earning{Millisats: msat})
			if payer == "pool" {
				came += msat
			}
		}
		if came > 0 && chance("takes back", 2) {
			msat := rapid.Int64Range(1, came).Draw(t, "msat")
			b.add(now, "pool", ledger.Earning{Millisats: -msat})
			came -= msat
		}
		if chance("late", 10) {
			for _, w := range late {
				w(now)
			}
			late = nil
		}
	}
}

// interval is what is kept of one for comparison.
type interval struct {
	From         string
	Income, Held int64
	Short, Rate  int64
	Paid         []int64
	Lines        []agreement.Line
}

func intervals(t require, e *agreement.Evidence, asOf time.Time) []interval {
	var out []interval
	for iv, err := range e.Intervals(asOf) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, interval{iv.From.Format(time.RFC3339), iv.Income, iv.Held, iv.Short, iv.Rate, slices.Clone(iv.Paid), slices.Clone(iv.Lines)})
	}
	return out
}

// differ says how two courses differ, empty if they do not. Looking for what is
// the same is much the faster.
func differ(a, b []interval) string {
	if reflect.DeepEqual(a, b) {
		return ""
	}
	return cmp.Diff(a, b)
}

// require is what both kinds of tests have.
type require interface {
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func take(t require, a *agreement.Agreement, loc *time.Location, records []ledger.Record) *agreement.Evidence {
	e, err := agreement.NewEvidence(a, loc, false)
	if err != nil {
		t.Fatal(err)
	}
	add(t, e, records)
	return e
}

func add(t require, e *agreement.Evidence, records []ledger.Record) {
	for _, r := range records {
		if _, err := e.Add(r); err != nil {
			t.Fatal(err)
		}
	}
}

func mustParse(t require, text string) *agreement.Agreement {
	a, err := agreement.Parse([]byte(text))
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return a
}

// TestNothingIsLost plays random agreements on random histories, books as the
// service does, whenever it likes, and holds the accounts against the course.
func TestNothingIsLost(t *testing.T) {
	loc := zone(t, "Europe/Oslo")
	rapid.Check(t, func(rt *rapid.T) {
		a := mustParse(rt, contract(rt, "farm", "cellar"))
		b := newBook(t)
		b.unsigned = true
		b.add(time.Date(2026, 9, 1, 0, 0, 0, 0, loc), a.Name, a.Record())
		start := a.Start.In(loc).Add(time.Duration(rapid.IntRange(-10, 1100).Draw(rt, "begins")) * 15 * time.Minute)
		b.happen(rt, start, rapid.IntRange(1, 20).Draw(rt, "quarters"), func(int) float64 { return rapid.Float64Range(0, 2).Draw(rt, "heat") })

		e := take(rt, a, loc, nil)
		accounts := account.New(false)
		fed := 0
		step := func(upTo int) {
			add(rt, e, b.records[fed:upTo])
			for _, r := range b.records[fed:upTo] {
				if err := accounts.Apply(r); err != nil {
					rt.Fatal(err)
				}
			}
			fed = upTo
		}
		settle := func(asOf time.Time) {
			entry, ok, err := e.Transfer(asOf)
			if err != nil {
				rt.Fatal(err)
			}
			if !ok {
				return
			}
			again, _, _ := e.Transfer(asOf)
			if diff := cmp.Diff(entry, again); diff != "" {
				rt.Fatal("the same transfer, worked out again, differs:", diff)
			}
			tail := slices.Clone(b.records[fed:])
			b.records = b.records[:fed]
			b.append(entry)
			for _, r := range tail {
				b.append(r.Entry())
			}
			body, err := b.records[fed].Decode()
			if err != nil {
				rt.Fatal(err)
			}
			if err := accounts.Check(body.(ledger.Transfer)); err != nil {
				rt.Fatal(err)
			}
			step(fed + 1)
			if _, ok, _ := e.Transfer(asOf); ok {
				rt.Fatal("booked twice")
			}
		}
		for fed < len(b.records) {
			step(min(len(b.records), fed+rapid.IntRange(20, 300).Draw(rt, "goes on")))
			settle(b.records[fed-1].At.Add(time.Duration(rapid.IntRange(0, 60).Draw(rt, "hours")) * time.Hour))
		}
		end := b.records[len(b.records)-1].At.Add(40 * 24 * time.Hour)
		settle(end)

		var income, paid, held, short int64
		got := make([]int64, len(a.Parties))
		for _, iv := range intervals(rt, e, end) {
			sum := iv.Held + iv.Short
			for p, msat := range iv.Paid {
				got[p] += msat
				paid += msat
				sum += msat
				if msat < 0 {
					rt.Fatalf("%s: %s gets %d msat", iv.From, a.Parties[p].ID, msat)
				}
			}
			if sum != iv.Income {
				rt.Fatalf("%s: %d msat came in, and %d went out", iv.From, iv.Income, sum)
			}
			income, held, short = income+iv.Income, held+iv.Held, short+iv.Short
		}
		for p := range a.Parties {
			if balance := accounts.Balance(a.PartyAccount(p)); balance != got[p] {
				rt.Fatalf("%s has %d msat in its account, and the intervals gave %d", a.Parties[p].ID, balance, got[p])
			}
		}
		if balance := accounts.Balance(a.HeldAccount()); balance != held+short {
			rt.Fatalf("%d msat are set aside, and the intervals set aside %d", balance, held+short)
		}
		if off := accounts.Totals().Off(); off != 0 {
			rt.Fatalf("the accounts are off by %d msat", off)
		}
		// A course that is worked out at one go is the same.
		if diff := differ(intervals(rt, take(rt, a, loc, b.records), end), intervals(rt, e, end)); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// TestBounds: caps are never passed, and what a month lacked of a floor is owed.
func TestBounds(t *testing.T) {
	loc := zone(t, "Europe/Oslo")
	rapid.Check(t, func(rt *rapid.T) {
		a := mustParse(rt, contract(rt, "farm", "cellar"))
		b := newBook(t)
		b.unsigned = true
		b.happen(rt, time.Date(2026, 10, 31, 0, 0, 0, 0, loc), rapid.IntRange(1, 20).Draw(rt, "quarters"), func(int) float64 { return 1 })
		e := take(rt, a, loc, b.records)
		type month struct{ party, month int }
		msat, micros := map[month]int64{}, map[month]int64{}
		items := a.Items()
		for _, iv := range intervals(rt, e, time.Date(2027, 1, 1, 0, 0, 0, 0, loc)) {
			at, err := time.Parse(time.RFC3339, iv.From)
			if err != nil {
				rt.Fatal(err)
			}
			for p, got := range iv.Paid {
				m := month{p, int(at.Month())}
				msat[m] += got
				if iv.Rate > 0 {
					micros[m] += got * (iv.Rate / 1000) / 100_000_000 // at most what it was worth
				}
			}
			for _, l := range iv.Lines {
				if l.Owed < 0 || l.Paid < 0 || l.Due < 0 {
					rt.Fatalf("%s, %s: below zero: %+v", iv.From, items[l.Item].Key, l)
				}
				if l.State == agreement.Settled && l.Owed != 0 {
					rt.Fatalf("%s, %s: settled, and %d owed", iv.From, items[l.Item].Key, l.Owed)
				}
			}
		}
		for _, c := range a.Caps {
			for m := range msat {
				sum := micros
				if c.Amount.Sats {
					sum = msat
				}
				if m.party == c.Party && sum[m] > c.Amount.Units {
					rt.Fatalf("%s got %d in month %d, more than %d", a.Parties[c.Party].ID, sum[m], m.month, c.Amount.Units)
				}
			}
		}
	})
}

// TestMoreHeat: under a rebate, more heat never pays the host less, but for the
// thousandth of a satoshi that rounding may take in an interval.
func TestMoreHeat(t *testing.T) {
	loc := zone(t, "Europe/Oslo")
	rapid.Check(t, func(rt *rapid.T) {
		text := contract(rt, "farm", "cellar")
		lines := strings.Split(text, "\n")
		lines = slices.DeleteFunc(lines, func(l string) bool {
			// The host buys no heat here, and no bound ties the host's money to its
			// worth at another time.
			return strings.Contains(l, "heat_price") || strings.HasPrefix(l, "monthly_") || strings.Contains(l, "heat_rebate")
		})
		text = strings.Join(lines, "\n")
		const rebate = "\nwaterfall:\n  - heat_rebate: {to: host, price: 0.05 EUR/kWh}\n"
		if strings.Contains(text, "\nwaterfall:\n") {
			text = strings.Replace(text, "\nwaterfall:\n", rebate, 1)
		} else {
			text = strings.Replace(text, "\nshares:", rebate+"shares:", 1)
		}
		text = strings.Replace(text, "waterfall:\nshares", "shares", 1)
		text = strings.Replace(text, "    waterfall:\n    shares", "    shares", 1)
		a := mustParse(rt, text)
		b := newBook(t)
		b.unsigned = true
		n := rapid.IntRange(1, 30).Draw(rt, "quarters")
		warm := make([]float64, n)
		for i := range warm {
			warm[i] = rapid.Float64Range(0, 1).Draw(rt, "heat")
		}
		from := time.Date(2026, 10, 21, 0, 0, 0, 0, loc)
		b.happen(rt, from, n, func(i int) float64 { return warm[i] })
		// One price at all times, so that a msat is always worth the same.
		b.records = slices.DeleteFunc(b.records, func(r ledger.Record) bool { return r.Kind == ledger.KindRate })
		for i := range n {
			b.add(from.Add(time.Duration(i)*15*time.Minute), "EUR", ledger.Rate{Micros: 60_000e6, Source: "kraken"})
		}
		asOf := from.Add(time.Duration(n) * 15 * time.Minute)
		host := func() (sum int64) {
			for _, iv := range intervals(rt, take(rt, a, loc, b.records), asOf) {
				sum += iv.Paid[0]
			}
			return sum
		}
		less := host()
		for i, r := range b.records {
			body, err := r.Decode()
			if err != nil {
				rt.Fatal(err)
			}
			if h, ok := body.(ledger.Heat); ok {
				h.Joules += units.Joules(rapid.IntRange(0, 1_000_000).Draw(rt, "more heat"))
				entry, err := ledger.NewEntry(r.At, r.Subject, false, h)
				if err != nil {
					rt.Fatal(err)
				}
				b.records[i].Body = entry.Body
			}
		}
		if more := host(); more < less-2*int64(n) {
			rt.Fatalf("with more heat the host gets %d msat, with less %d\n%s", more, less, text)
		}
	})
}

// TestTwoAgreementsShareAPayer: the heater in the cellar and that in the attic
// have agreements of their own, and one account at the pool. Together they never
// get more than came in, and less by a msat a payment at most.
func TestTwoAgreementsShareAPayer(t *testing.T) {
	loc := zone(t, "Europe/Oslo")
	rapid.Check(t, func(rt *rapid.T) {
		const shares = "shares: {host: 50%, operator: 30%, financier: 20%}\n"
		plain := func(name, worker string) *agreement.Agreement {
			return mustParse(rt, "agreement: 1\nname: "+name+"\nmode: ledger\ntime_zone: Europe/Oslo\nstart: 2026-10-20\n"+
				"parties:\n  host: {name: Anna, paid: stays}\n  operator: {name: Fjell, paid: stays}\n  financier: {name: Bank, paid: stays}\n"+
				"meters: {workers: ["+worker+"], income: [pool, node]}\n"+shares)
		}
		b := newBook(t)
		b.unsigned = true
		from := time.Date(2026, 10, 21, 0, 0, 0, 0, loc)
		b.happen(rt, from, rapid.IntRange(1, 30).Draw(rt, "quarters"), func(int) float64 { return 1 })
		b.records = slices.DeleteFunc(b.records, func(r ledger.Record) bool {
			return r.Kind == ledger.KindEarning && strings.Contains(string(r.Body), "-")
		})
		for i := range b.records {
			b.records[i].Seq = uint64(i + 1)
		}
		// At the end each pays once more, so that nothing is left waiting.
		end := from.Add(48 * time.Hour)
		for _, source := range []string{"pool", "node"} {
			b.shares("cellar", source, "", end, end.Add(15*time.Minute), 1000)
			b.shares("cellar", source, "", end.Add(15*time.Minute), end.Add(30*time.Minute), 1000)
			b.add(end.Add(time.Hour), source, ledger.Earning{Millisats: 7})
		}
		var came, got, payments int64
		for _, r := range b.records {
			body, err := r.Decode()
			if err != nil {
				rt.Fatal(err)
			}
			if x, ok := body.(ledger.Earning); ok {
				came += x.Millisats
				payments++
			}
		}
		for _, a := range []*agreement.Agreement{plain("one", "cellar"), plain("two", "attic")} {
			for _, iv := range intervals(rt, take(rt, a, loc, b.records), end.Add(24*time.Hour)) {
				got += iv.Income
			}
		}
		if got > came || got < came-payments {
			rt.Fatalf("%d msat came in with %d payments, and the two agreements have %d", came, payments, got)
		}
	})
}

// TestAsOfChangesNothingBefore: intervals that are over stay as they are, as
// long as nothing is released and nothing is recorded.
func TestAsOfChangesNothingBefore(t *testing.T) {
	loc := zone(t, "Europe/Oslo")
	rapid.Check(t, func(rt *rapid.T) {
		text := contract(rt, "farm", "cellar")
		for _, u := range []string{"release after 1 days", "release after 30 days"} {
			text = strings.Replace(text, u, "hold", 1)
		}
		a := mustParse(rt, text)
		b := newBook(t)
		b.unsigned = true
		from := time.Date(2026, 10, 30, 0, 0, 0, 0, loc)
		n := rapid.IntRange(10, 30).Draw(rt, "quarters")
		b.happen(rt, from, n, func(int) float64 { return 1 })
		e := take(rt, a, loc, b.records)
		whole := intervals(rt, e, from.Add(3*24*time.Hour))
		part := intervals(rt, e, from.Add(time.Duration(rapid.IntRange(0, n).Draw(rt, "as of"))*15*time.Minute))
		if diff := differ(whole[:len(part)], part); diff != "" {
			rt.Fatal(diff)
		}
		// What is of no account here changes nothing, wherever it stands.
		other := take(rt, a, loc, nil)
		seq := uint64(0)
		for _, r := range b.records {
			for range rapid.IntRange(0, 1).Draw(rt, "others") {
				entry, err := ledger.NewEntry(r.At, "porch", false, ledger.Electricity{From: r.At.Add(-time.Hour), To: r.At, Joules: 1, Provenance: units.Meter})
				if err != nil {
					rt.Fatal(err)
				}
				seq++
				add(rt, other, []ledger.Record{{Seq: seq + 1, At: entry.At, Kind: entry.Kind, Subject: entry.Subject, Body: entry.Body}})
			}
			seq++
			if r.Kind == ledger.KindGenesis {
				continue
			}
			r.Seq = seq + 1
			add(rt, other, []ledger.Record{r})
		}
		if diff := differ(whole, intervals(rt, other, from.Add(3*24*time.Hour))); diff != "" {
			rt.Fatal(diff)
		}
	})
}
