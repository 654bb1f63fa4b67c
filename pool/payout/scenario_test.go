package payout_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/payout"
)

var update = flag.Bool("update", false, "write what happens into the scenarios")

// TestScenarios plays the files of testdata. A line is something that is done
// or set; the indented lines behind it say what comes of it, in order: what
// rails are asked, what they answer, and what is written down.
//
//	at 2026-11-03 12:00            the clock is set
//	after 90m                      it goes on
//	policy KEY VALUE…              stop, fees, giveup, intent, day, total
//	rail NAME KEY VALUE…           minimum, base, ppm, batch, gather; or off
//	wallet NAME ask answer…        the next answer to prepare, pay or look
//	due PARTY RAIL TO MSAT KEY VALUE…   threshold, monthly, since, exact
//	nothing due
//	begin, step, open, restart
//	cancel PARTY, settle PARTY paid|failed WHY
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(text))
			if *update {
				if err := os.WriteFile(name, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want := strings.Split(string(text), "\n")
			for i, line := range strings.Split(got, "\n") {
				if i >= len(want) || line != want[i] {
					t.Fatalf("line %d:\n%q, want\n%q\n\nall of it:\n%s", i+1, line, append(want, "")[min(i, len(want))], got)
				}
			}
		})
	}
}

// stage is where a scenario plays.
type stage struct {
	t       *testing.T
	out     strings.Builder
	now     time.Time
	policy  payout.Policy
	entries []ledger.Entry
	names   map[string]string // of intents, by ID
	rails   []payout.Rail
	script  map[string][]string // answers of wallets, by name and question
	dues    []payout.Due
	payer   *payout.Payer
	tickets int
}

func play(t *testing.T, text string) string {
	s := &stage{
		t: t, names: make(map[string]string), script: make(map[string][]string),
		policy: payout.Policy{
			Rails:  make(map[string]payout.Terms),
			Limits: payout.Limits{Intent: 1e12, Day: 1e12, Total: 1e12},
		},
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue // what was expected; what is done says it anew
		}
		fmt.Fprintln(&s.out, line)
		if f := strings.Fields(line); len(f) > 0 && f[0] != "#" {
			s.do(f)
		}
	}
	return s.out.String()
}

func (s *stage) say(format string, args ...any) { fmt.Fprintf(&s.out, "  "+format+"\n", args...) }

func (s *stage) number(text string) int64 {
	n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

func (s *stage) length(text string) time.Duration {
	d, err := time.ParseDuration(text)
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

func (s *stage) moment(day, clock string) time.Time {
	at, err := time.Parse("2006-01-02 15:04", day+" "+clock)
	if err != nil {
		s.t.Fatal(err)
	}
	return at
}

func (s *stage) do(f []string) {
	ctx := context.Background()
	switch f[0] {
	case "at":
		s.now = s.moment(f[1], f[2])
	case "after":
		s.now = s.now.Add(s.length(f[1]))
	case "policy":
		s.set(f[1:])
	case "rail":
		if s.terms(f[1], f[2:]); f[2:] != nil && f[len(f)-1] == "off" {
			delete(s.policy.Rails, f[1])
		}
	case "wallet":
		key := f[1] + " " + f[2]
		s.script[key] = append(s.script[key], strings.Join(f[3:], " "))
	case "due":
		s.due(f[1:])
	case "nothing":
		s.dues = nil
	case "restart":
		s.payer = nil
	case "begin":
		_, held, err := s.start().Begin(ctx, s.dues)
		for _, h := range held {
			why := h.Why
			for id, name := range s.names {
				why = strings.ReplaceAll(why, id, name)
			}
			if s.say("%s is held: %s", h.Party, why); !h.Until.IsZero() {
				s.say("  until %s", h.Until.UTC().Format("2006-01-02 15:04"))
			}
		}
		s.failed(err)
	case "step":
		s.failed(s.start().Step(ctx))
	case "open":
		for _, o := range s.start().Open() {
			s.say("%s %s, %s", s.name(o.ID, o.Party), o.State, cmp.Or(o.Why, "nothing said"))
		}
		if at, ok := s.start().Next(); ok && at.IsZero() {
			s.say("next at once")
		} else if ok {
			s.say("next %s", at.Sub(s.now).Round(time.Second))
		}
	case "cancel":
		s.failed(s.start().Cancel(ctx, s.id(f[1]), strings.Join(f[2:], " ")))
	case "settle":
		o := payout.Outcome{State: payout.Failed, Why: strings.Join(f[3:], " ")}
		if f[2] == "paid" {
			o.State, o.Proof = payout.Paid, "by hand"
		}
		s.failed(s.start().Settle(ctx, s.id(f[1]), o))
	default:
		s.t.Fatalf("nobody knows how to %q", f)
	}
}

func (s *stage) failed(err error) {
	if err != nil {
		text := err.Error()
		for id, name := range s.names {
			text = strings.ReplaceAll(text, id, name)
		}
		s.say("error: %s", text)
	}
}

func (s *stage) id(party string) string {
	for _, o := range s.payer.Open() {
		if o.Party == party {
			return o.ID
		}
	}
	return "none"
}

// name numbers the intents of a party, since an ID says nothing to a reader.
func (s *stage) name(id, party string) string {
	if s.names[id] == "" {
		n := 1
		for _, name := range s.names {
			if strings.HasPrefix(name, party+"#") {
				n++
			}
		}
		s.names[id] = fmt.Sprintf("%s#%d", party, n)
	}
	return s.names[id]
}

func (s *stage) set(f []string) {
	switch f[0] {
	case "stop":
		s.policy.Stop = f[1] == "yes"
	case "fees":
		s.policy.FeesFrom = f[1]
	case "giveup":
		s.policy.GiveUp = s.length(f[1])
	case "intent":
		s.policy.Limits.Intent = s.number(f[1])
	case "day":
		s.policy.Limits.Day = s.number(f[1])
	case "total":
		s.policy.Limits.Total = s.number(f[1])
	default:
		s.t.Fatalf("a policy has no %q", f)
	}
}

func (s *stage) terms(name string, f []string) {
	terms, known := s.policy.Rails[name]
	for ; len(f) >= 2; f = f[2:] {
		switch f[0] {
		case "minimum":
			terms.Minimum = s.number(f[1])
		case "base":
			terms.FeeBase = s.number(f[1])
		case "ppm":
			terms.FeePPM = s.number(f[1])
		case "batch":
			terms.Batch = int(s.number(f[1]))
		case "gather":
			terms.Gather = s.length(f[1])
		default:
			s.t.Fatalf("terms have no %q", f)
		}
	}
	if s.policy.Rails[name] = terms; known {
		return
	}
	if terms.Batch > 0 {
		s.rails = append(s.rails, scriptedBatches{scripted{s, name}})
	} else {
		s.rails = append(s.rails, scripted{s, name})
	}
}

func (s *stage) due(f []string) {
	d := payout.Due{Party: f[0], Rail: f[1], To: f[2], Millisats: s.number(f[3])}
	for f = f[4:]; len(f) >= 2; f = f[2:] {
		switch f[0] {
		case "threshold":
			d.Threshold = s.number(f[1])
		case "monthly":
			d.Monthly = int(s.number(f[1]))
		case "since":
			d.Since = s.moment(f[1], "00:00")
		case "exact":
			d.Exact = s.number(f[1])
		default:
			s.t.Fatalf("a due has no %q", f)
		}
	}
	for i := range s.dues {
		if s.dues[i].Party == d.Party {
			s.dues[i] = d
			return
		}
	}
	s.dues = append(s.dues, d)
}

func (s *stage) start() *payout.Payer {
	if s.payer != nil {
		return s.payer
	}
	book := payout.NewBook("scenario")
	for _, e := range s.entries {
		if err := book.Apply(ledger.Record{At: e.At, Kind: e.Kind, Subject: e.Subject, Body: e.Body}); err != nil {
			s.t.Fatal(err)
		}
	}
	var err error
	if s.payer, err = payout.NewPayer(book, payout.Config{
		Rails: s.rails, Append: s.write,
		Policy: func() payout.Policy { return s.policy }, Now: func() time.Time { return s.now },
	}); err != nil {
		s.t.Fatal(err)
	}
	return s.payer
}

func (s *stage) write(_ context.Context, entries ...ledger.Entry) error {
	s.entries = append(s.entries, entries...)
	for _, e := range entries {
		body, err := (ledger.Record{Kind: e.Kind, Body: e.Body}).Decode()
		if err != nil {
			s.t.Fatal(err)
		}
		switch b := body.(type) {
		case ledger.Payout:
			text := fmt.Sprintf("%s %s", s.name(b.ID, e.Subject), b.State)
			if b.State == ledger.PayoutBegun {
				text += fmt.Sprintf(" %d, fee at most %d", b.Millisats, b.MaxFee)
			}
			if b.State == ledger.PayoutPrepared {
				text += fmt.Sprintf(" %s of %d", b.Ticket, b.Of)
			}
			if b.State == ledger.PayoutPaid {
				text += fmt.Sprintf(", fee %d, proof %s", b.Fee, b.Proof)
			}
			if b.Why != "" {
				text += ": " + b.Why
			}
			s.say("%s", text)
		case ledger.Transfer:
			for _, p := range b.Entries {
				account, id, _ := strings.Cut(p.Account, ":")
				s.say("  %+d %s:%s", p.Millisats, account, cmp.Or(s.names[id], id))
			}
		}
	}
	return nil
}

// scripted is a wallet that answers what the scenario says.
type scripted struct {
	s    *stage
	name string
}

func (r scripted) Name() string { return r.name }

func (r scripted) answer(question string) string {
	key := r.name + " " + question
	list := r.s.script[key]
	if len(list) == 0 {
		return ""
	}
	r.s.script[key] = list[1:]
	return list[0]
}

func (r scripted) Prepare(ctx context.Context, in payout.Intent) (payout.Ticket, error) {
	return r.prepare(ctx, []payout.Intent{in})
}

func (r scripted) prepare(_ context.Context, list []payout.Intent) (payout.Ticket, error) {
	var to []string
	for _, in := range list {
		to = append(to, fmt.Sprintf("%d to %s", in.Millisats, in.To))
	}
	answer := cmp.Or(r.answer("prepare"), "ok")
	r.s.say("%s prepares %s: %s", r.name, strings.Join(to, ", "), answer)
	switch word, rest, _ := strings.Cut(answer, " "); word {
	case "ok":
		r.s.tickets++
		return payout.Ticket{Key: fmt.Sprintf("t%d", r.s.tickets)}, nil
	case "ticket":
		return payout.Ticket{Key: rest}, nil
	case "refuse":
		party, why, _ := strings.Cut(rest, " ")
		for _, in := range list {
			if in.Party == party {
				return payout.Ticket{}, &payout.Refusal{ID: in.ID, Why: why}
			}
		}
	}
	return payout.Ticket{}, errors.New(answer)
}

func (r scripted) say(question string, t payout.Ticket) (payout.Outcome, error) {
	answer := cmp.Or(r.answer(question), "paid 0")
	r.s.say("%s %ss %s: %s", r.name, question, t.Key, answer)
	word, rest, _ := strings.Cut(answer, " ")
	switch word {
	case "paid":
		return payout.Outcome{State: payout.Paid, Fee: r.s.number(rest), Proof: "p-" + t.Key}, nil
	case "failed":
		return payout.Outcome{State: payout.Failed, Why: rest}, nil
	case "pending":
		return payout.Outcome{State: payout.Pending, Why: rest}, nil
	case "unsent":
		return payout.Outcome{State: payout.Unsent, Why: rest}, nil
	}
	return payout.Outcome{}, errors.New(answer)
}

func (r scripted) Pay(_ context.Context, t payout.Ticket) (payout.Outcome, error) {
	return r.say("pay", t)
}

func (r scripted) Look(_ context.Context, t payout.Ticket) (payout.Outcome, error) {
	return r.say("look", t)
}

type scriptedBatches struct{ scripted }

func (r scriptedBatches) PrepareBatch(ctx context.Context, list []payout.Intent) (payout.Ticket, error) {
	return r.prepare(ctx, list)
}
