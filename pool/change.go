package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/ledger"
	"hearth/pool/agreement"
)

// former is a text of the agreement's name besides the one that the service is
// given: it held before, or took that one's place. What came in for its days is
// shared by it, whenever that can be done.
type former struct {
	*agreement.Agreement
	evidence *agreement.Evidence
	why      error // why it cannot be worked out
}

// texts are the texts of one name in a ledger, and where the books of each were
// closed last.
type texts struct {
	others   []*agreement.Agreement
	closings map[ledger.Hash]ledger.Closing
}

// take takes in a record of the agreement.
func (t *texts) take(a *agreement.Agreement, r ledger.Record, body ledger.Body) error {
	if r.Simulated || r.Subject != a.Name {
		return nil
	}
	switch x := body.(type) {
	case ledger.Closing:
		t.closings[x.Digest] = x
	case ledger.Agreement:
		known := func(b *agreement.Agreement) bool { return b.Digest() == x.Digest }
		if known(a) || slices.ContainsFunc(t.others, known) {
			return nil
		}
		other, err := agreement.Parse([]byte(x.Text))
		if err != nil {
			return fmt.Errorf("record %d: another text of the agreement %s: %w", r.Seq, a.Name, err)
		}
		t.others = append(t.others, other)
	}
	return nil
}

// evidenceOf reads the ledger for a text, from where its books were closed.
func (b *books) evidenceOf(ctx context.Context, a *agreement.Agreement, closings map[ledger.Hash]ledger.Closing) (*agreement.Evidence, error) {
	from := uint64(1)
	e, err := agreement.NewEvidence(a, b.loc, false)
	if closing, closed := closings[a.Digest()]; closed && err == nil {
		e, err = agreement.Resume(a, b.loc, false, closing)
		from = closing.After + 1
	}
	if err != nil {
		return nil, err
	}
	if err := b.each(ctx, from, func(r ledger.Record) error { _, err := e.Add(r); return err }); err != nil {
		return nil, fmt.Errorf("read the ledger for the agreement: %w", err)
	}
	return e, nil
}

// openFormers reads the ledger for the other texts. One that cannot be worked out
// holds nobody up: what it set aside stays where it is.
func (b *books) openFormers(ctx context.Context, t texts) {
	for _, a := range t.others {
		f := &former{Agreement: a}
		f.evidence, f.why = b.evidenceOf(ctx, a, t.closings)
		b.formers = append(b.formers, f)
	}
}

// add takes in a record that was written since.
func (f *former) add(r ledger.Record) {
	if f.why == nil {
		_, f.why = f.evidence.Add(r)
	}
}

// lost is why a text cannot be worked out; nil if it can.
func (f *former) lost() error {
	if f.why == nil && !f.evidence.Whole() {
		return errors.New("records of its time are gone")
	}
	return f.why
}

// settleFormers shares what came in for the days of the other texts, as those
// say, and closes their books.
func (b *books) settleFormers(ctx context.Context) error {
	var failed error
	for _, f := range b.formers {
		e, ok, err := b.formerOutcome(f)
		if ok {
			err = errors.Join(err, b.append(ctx, e), b.follow(ctx))
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("share by the other text %s of the agreement %s: %w", short(f.Agreement), f.Name, err))
		}
	}
	return failed
}

// formerOutcome is what another text has written next.
func (b *books) formerOutcome(f *former) (ledger.Entry, bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.lost() != nil || f.evidence.Settled() {
		return ledger.Entry{}, false, nil // what cannot be worked out is said in formerly
	}
	return b.outcomeOf(f.Agreement, f.evidence)
}

// needsFormers is the time from which on the other texts need the ledger. The
// caller holds the lock.
func (b *books) needsFormers(wanted time.Time) time.Time {
	for _, f := range b.formers {
		if f.lost() != nil || f.evidence.Settled() {
			continue
		}
		if since := f.evidence.Needs(); since.Before(wanted) {
			wanted = since
		}
	}
	return wanted
}

// news is how long it is told that another text took over.
const news = 7 * day

// changed says of a changed agreement what a party must know, and nothing once a
// new text has held for a while and nothing is set aside by another. The caller
// holds the lock.
func (b *books) changed(now time.Time) error {
	if len(b.formers) == 0 {
		return nil
	}
	var say []string
	first, last, _ := b.evidence.Term()
	begins := first.In(b.loc)
	c := b.s.contract.Agreement
	switch {
	case !b.evidence.Ends.IsZero():
		say = append(say, fmt.Sprintf("The agreement %s has the text %s again, which the ledger ended: it counted from %s to %s, and another text of the name counts after it. "+
			"It does not come back as it is. Give the newer text again, or change a word of this one, such as its title: then it is a new text and counts from the next day on.",
			c.Name, short(c), first, last))
	case b.evidence.Follows && now.Before(begins.Add(news)):
		verb := "counts"
		if now.Before(begins) {
			verb = "will count"
		}
		say = append(say, fmt.Sprintf("The agreement %s was changed: its text %s %s from %s on, and what came in for the days before is shared as was agreed then.", c.Name, short(c), verb, first))
	}
	for _, f := range b.formers {
		if text := b.formerly(f, now, len(say) > 0); text != "" {
			say = append(say, text)
		}
	}
	if len(say) == 0 {
		return nil
	}
	return errors.New(strings.Join(say, " "))
}

// formerly says how things stand with another text; nothing if it has nothing
// left to share and needs not be told.
func (b *books) formerly(f *former, now time.Time, tell bool) string {
	c := b.s.contract
	if err := f.lost(); err != nil {
		held := b.account.Balance(f.HeldAccount())
		if held == 0 {
			return ""
		}
		return fmt.Sprintf("The text %s, from %s on, cannot be worked out: %v. Of what is set aside under the agreement, %s in all, its part stays in the account %s and is not shared: "+
			"run \"hearth ledger verify\", and start again when the ledger is in order; else the parties must agree on whose it is.",
			short(f.Agreement), f.Start, err, agreement.Told(held), f.HeldAccount())
	}
	first, last, ok := f.evidence.Term()
	if !ok {
		return "" // another took over before it began
	}
	verb, when := "counts", "from "+first.String()+" on"
	if !last.IsZero() {
		when = fmt.Sprintf("from %s to %s, that day included", first, last)
		if !f.evidence.Holds(now, now.Add(news)) {
			verb = "counted"
		}
	}
	say := []string{fmt.Sprintf("The text %s %s %s.", short(f.Agreement), verb, when)}
	if held := f.evidence.Held(); held > 0 {
		tell = true
		text := fmt.Sprintf("Under it %s are set aside, in the account %s: ", agreement.Told(held), f.HeldAccount())
		switch {
		case f.evidence.Settled():
			text += "they stay there, since the books of that time are closed. The parties must agree on whose they are."
		case f.Release > 0:
			text += fmt.Sprintf("it shares them as soon as what is missing is recorded, else %d days after each interval.", int(f.Release/day))
		default:
			text += fmt.Sprintf("it shares them when what is missing is recorded before the books of the month are closed, %d days after it. \"hearth pool statement\" for a month of that time says what is missing.", int(f.Close/day))
		}
		say = append(say, text)
	} else if f.Mode.Custodial() {
		say = append(say, "Nothing is set aside under it.")
	}
	for i, p := range f.Parties {
		if owed := b.account.Balance(f.PartyAccount(i)); owed > 0 && p.Way != agreement.Stays && c.Party(p.ID) < 0 {
			tell = true
			say = append(say, fmt.Sprintf("%s is owed %s by it and is not in the text that was given, so nothing pays that out: name the party there again, or pay it otherwise.", p.ID, agreement.Told(owed)))
		}
	}
	if !tell {
		return ""
	}
	return strings.Join(say, " ")
}

// showChange keeps the line about a changed agreement as it is now.
func (b *books) showChange() {
	if b.evidence == nil {
		return
	}
	b.mu.Lock()
	err := b.changed(b.s.opt.Now())
	b.mu.Unlock()
	b.troubled("change of the agreement", err)
}

// tellChange has it written that another text takes over.
func (b *books) tellChange() {
	b.mu.Lock()
	err := b.changed(b.s.opt.Now())
	b.mu.Unlock()
	if err != nil {
		b.s.tell("warning", "agreement_changed", err.Error())
	}
}

// stated is a statement with the text that it is by.
type stated struct {
	agreement.Statement
	by contract
}

// statements are those by the texts that held in a span up to now, in the order
// in which they did; by the one that the service works by if none did. The caller
// holds the lock.
func (b *books) statements(party string, from, to, now time.Time) ([]stated, error) {
	all := append([]*former{{Agreement: b.s.contract.Agreement, evidence: b.evidence}}, b.formers...)
	past := slices.DeleteFunc(slices.Clone(all), func(f *former) bool {
		return f.lost() != nil || f.Party(party) < 0 || !f.evidence.Holds(from, to) || !f.evidence.Holds(from, now)
	})
	if len(past) == 0 {
		past = all[:1]
	}
	slices.SortStableFunc(past, func(x, y *former) int {
		begins, _, _ := x.evidence.Term()
		other, _, _ := y.evidence.Term()
		return strings.Compare(begins.String(), other.String())
	})
	var out []stated
	for _, f := range past {
		by := contract{f.Agreement}
		err := by.has(from, to, now)
		st := agreement.Statement{}
		if err == nil {
			st, err = f.evidence.Statement(party, from, to, now, b.s.opt.Book.Head())
		}
		if err != nil {
			return nil, err
		}
		out = append(out, stated{st, by})
	}
	return out, nil
}

// short is a text's digest as people compare it.
func short(a *agreement.Agreement) string { return a.Digest().String()[:16] }
