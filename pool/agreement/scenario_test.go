package agreement_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"hearth/ledger"
	"hearth/pool/agreement"
	"hearth/units"
)

var update = flag.Bool("update", false, "write the outcome of the scenarios down as wanted")

// TestScenarios plays the stories in testdata/scenarios. Each has a contract,
// what happened line by line, and what came of it. A line of what happened is
// one of:
//
//	day DATE                                    the day of the times that follow
//	electricity DEVICE SPAN KWH [PROVENANCE]
//	heat ROOM SPAN KWH [PROVENANCE]
//	shares WORKER SPAN WORK SOURCE [PARTY]
//	earning PAYER TIME MSAT
//	rate TIME PRICE SOURCE                      of a bitcoin
//	price TARIFF SPAN PRICE                     of a kilowatt-hour
//	yield SOURCE TIME MSAT WORK
//	recorded TIME                               the ledger takes in the contract
//	simulate on|off                             mark what follows as simulated
//	intervals TIME                              print those that ended by then
//	transfer TIME                               book, and print what was booked
//	weights TIME
//	statement PARTY SPAN TIME                   print it as seen at the time
//
// A TIME is 15:04 or DATE/15:04, a SPAN two of them with ".." between. Any line
// may end with "@TIME": recorded then, rather than at the span's end.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			arch, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			parts := map[string]string{}
			for _, f := range arch.Files {
				parts[f.Name] = string(f.Data)
			}
			s := story{book: newBook(t), a: parse(t, parts["agreement.yaml"])}
			s.loc = zone(t, s.a.Zone)
			for i, line := range strings.Split(parts["happened"], "\n") {
				if f := strings.Fields(line); len(f) > 0 && f[0][0] != '#' {
					s.line, s.words = i+1, f
					s.play()
				}
			}
			if *update {
				for i := range arch.Files {
					if arch.Files[i].Name == "came of it" {
						arch.Files[i].Data = []byte(s.out.String())
					}
				}
				if err := os.WriteFile(file, txtar.Format(arch), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(strings.Split(parts["came of it"], "\n"), strings.Split(s.out.String(), "\n")); diff != "" && !*update {
				t.Error(diff)
			}
		})
	}
}

type story struct {
	*book
	a     *agreement.Agreement
	loc   *time.Location
	day   string
	line  int
	words []string
	out   strings.Builder
}

func (s *story) fatal(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("line %d, %q: %s", s.line, strings.Join(s.words, " "), fmt.Sprintf(format, args...))
}

func (s *story) time(w string) time.Time {
	s.t.Helper()
	if !strings.Contains(w, "/") {
		w = s.day + "/" + w
	}
	if u, ok := strings.CutSuffix(w, "Z"); ok {
		at, err := time.Parse("2006-01-02/15:04", u)
		if err != nil {
			s.fatal("%v", err)
		}
		return at
	}
	layout := "2006-01-02/15:04"
	if strings.Count(w, ":") == 2 {
		layout += ":05"
	}
	at, err := time.ParseInLocation(layout, w, s.loc)
	if err != nil {
		s.fatal("%v", err)
	}
	return at
}

func (s *story) span(w string) (from, to time.Time) {
	s.t.Helper()
	a, b, ok := strings.Cut(w, "..")
	if !ok {
		s.fatal("%q is not a span", w)
	}
	return s.time(a), s.time(b)
}

func (s *story) number(w string) float64 {
	s.t.Helper()
	x, err := strconv.ParseFloat(w, 64)
	if err != nil {
		s.fatal("%v", err)
	}
	return x
}

func (s *story) whole(w string) int64 {
	s.t.Helper()
	n, err := strconv.ParseInt(strings.ReplaceAll(w, "_", ""), 10, 64)
	if err != nil {
		s.fatal("%v", err)
	}
	return n
}

// recorded is when the line's record is written.
func (s *story) recorded(at time.Time) time.Time {
	if last := s.words[len(s.words)-1]; last[0] == '@' {
		return s.time(last[1:])
	}
	return at
}

func (s *story) play() {
	w := s.words
	at := func(t time.Time) time.Time { return s.recorded(t) }
	if last := w[len(w)-1]; last[0] == '@' {
		w = w[:len(w)-1]
	}
	switch w[0] {
	case "day":
		s.day = w[1]
	case "electricity":
		from, to := s.span(w[2])
		s.add(at(to), w[1], ledger.Electricity{From: from, To: to, Joules: joules(s.number(w[3])), Provenance: provenance(s, w, 4)})
	case "heat":
		from, to := s.span(w[2])
		s.add(at(to), w[1], ledger.Heat{From: from, To: to, Joules: joules(s.number(w[3])), Provenance: provenance(s, w, 4)})
	case "shares":
		from, to := s.span(w[2])
		party := ""
		if len(w) > 5 {
			party = w[5]
		}
		s.shares(w[1], w[4], party, from, to, s.whole(w[3]))
	case "earning":
		s.add(s.time(w[2]), w[1], ledger.Earning{Millisats: s.whole(w[3])})
	case "rate":
		s.add(s.time(w[1]), s.a.Currency, ledger.Rate{Micros: s.whole(w[2]) * 1e6, Source: w[3]})
	case "price":
		from, to := s.span(w[2])
		s.add(at(from), w[1], ledger.Price{From: from.UTC(), To: to.UTC(), Micros: int64(s.number(w[3]) * 1e6), Currency: s.a.Currency, Source: "test"})
	case "yield":
		s.add(s.time(w[2]), w[1], ledger.Yield{Work: s.whole(w[4]), Millisats: s.whole(w[3]), Source: "test"})
	case "recorded":
		s.add(s.time(w[1]), s.a.Name, s.a.Record())
	case "simulate":
		s.simulated = w[1] == "on"
	case "intervals":
		s.intervals(s.time(w[1]))
	case "transfer":
		s.transfer(s.time(w[1]))
	case "weights":
		s.weights(s.time(w[1]))
	case "statement":
		from, to := s.span(w[2])
		s.statement(w[1], from, to, s.time(w[3]))
	default:
		s.fatal("not known")
	}
}

func provenance(s *story, w []string, i int) units.Provenance {
	p := units.Meter
	if len(w) > i {
		if err := p.UnmarshalText([]byte(w[i])); err != nil {
			s.fatal("%v", err)
		}
	}
	return p
}

func (s *story) evidence() *agreement.Evidence {
	return evidence(s.t, s.a, s.loc, s.simulated, s.records)
}

// intervals prints what the intervals came to, those in which nothing at all
// happened left out.
func (s *story) intervals(asOf time.Time) {
	items := s.a.Items()
	fmt.Fprintf(&s.out, "as of %s\n", asOf.Format("2006-01-02 15:04"))
	for iv, err := range s.evidence().Intervals(asOf) {
		if err != nil {
			s.fatal("%v", err)
		}
		var b strings.Builder
		quiet := iv.Income == 0 && iv.Held == 0 && iv.Work == 0
		for _, l := range iv.Lines {
			it := items[l.Item]
			idle := it.Kind == agreement.Share && l.Paid == 0 && l.State == agreement.Settled
			if idle || quiet && l.Source == units.None {
				continue
			}
			fmt.Fprintf(&b, "    %-14s %-8s", it.Key, l.State)
			if it.Kind != agreement.Share {
				fmt.Fprintf(&b, " due %s, owed %s,", agreement.Amount{Units: l.Due, Sats: it.Sats()}.Text(s.a.Currency), agreement.Amount{Units: l.Owed, Sats: it.Sats()}.Text(s.a.Currency))
			}
			fmt.Fprintf(&b, " paid %s", agreement.Sats(l.Paid))
			if why := s.a.Reason(l); why != "" {
				fmt.Fprintf(&b, ": %s", why)
			}
			b.WriteByte('\n')
		}
		if quiet && b.Len() == 0 {
			continue
		}
		fmt.Fprintf(&s.out, "  %s %s", iv.From.Format("01-02 15:04"), agreement.Sats(iv.Income))
		for p, msat := range iv.Paid {
			if msat != 0 {
				fmt.Fprintf(&s.out, ", %s %s", s.a.Parties[p].ID, agreement.Sats(msat))
			}
		}
		if iv.Held != 0 {
			fmt.Fprintf(&s.out, ", set aside %s", agreement.Sats(iv.Held))
		}
		if iv.Short != 0 {
			fmt.Fprintf(&s.out, ", made good %s", agreement.Sats(iv.Short))
		}
		if !s.a.Mode.Custodial() {
			fmt.Fprintf(&s.out, ", work %d, owed %v, given %v", iv.Work, iv.Owed, iv.Given)
		}
		s.out.WriteByte('\n')
		s.out.WriteString(b.String())
	}
}

func (s *story) transfer(asOf time.Time) {
	e, ok, err := s.evidence().Transfer(asOf)
	if err != nil {
		s.fatal("%v", err)
	}
	if !ok {
		fmt.Fprintf(&s.out, "transfer: nothing to book\n")
		return
	}
	s.append(e)
	fmt.Fprintf(&s.out, "transfer%s: %s\n", map[bool]string{true: " (simulated)"}[e.Simulated], e.Body)
}

func (s *story) weights(asOf time.Time) {
	w, err := s.evidence().Weights(asOf)
	if err != nil {
		s.fatal("%v", err)
	}
	fmt.Fprintf(&s.out, "weights")
	for p, ppm := range w {
		fmt.Fprintf(&s.out, " %s %s", s.a.Parties[p].ID, agreement.Percent(ppm))
	}
	s.out.WriteByte('\n')
}

func (s *story) statement(party string, from, to, asOf time.Time) {
	st, err := s.evidence().Statement(party, from, to, asOf, s.head())
	if err != nil {
		s.fatal("%v", err)
	}
	v := st.View(s.loc)
	fmt.Fprintf(&s.out, "%s\n", v.Title)
	print := func(title string, rows ...agreement.Row) {
		if len(rows) > 0 {
			fmt.Fprintf(&s.out, "%s:\n", title)
		}
		for _, r := range rows {
			fmt.Fprintf(&s.out, "    %s | %s | %s | %s | %s | %s\n", r.What, r.How, r.Due, r.Sats, r.Worth, r.Source)
		}
	}
	list := func(title string, lines ...string) {
		if len(lines) > 0 && lines[0] != "" {
			fmt.Fprintf(&s.out, "%s:\n    %s\n", title, strings.Join(lines, "\n    "))
		}
	}
	list("warning", v.Warning)
	list("test coins", v.Test)
	list("summary", v.Summary...)
	rows := v.Rows
	if v.Total != (agreement.Row{}) {
		rows = append(rows, v.Total)
	}
	print("entries", rows...)
	print("outside", v.Outside...)
	list("price", v.Fiat)
	list("open", v.Open...)
	print("payouts", v.Payouts...)
	print("everyone", v.Everyone...)
}
