package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"hearth/pool/agreement"
)

// ErrNoAgreement is returned where a statement is asked for and nothing was
// agreed.
var ErrNoAgreement = errors.New("there is no agreement: name its file under pool: agreement")

// Statement works out what a party's part of a month came to, from the ledger as
// it is now, signed. Format is json, csv or text. Of a month in which several
// texts of the agreement held, there are as text and csv a statement by each, one
// after the other; as json that by the last.
func (s *Service) Statement(ctx context.Context, party string, month time.Time, format string) ([]byte, error) {
	if s.contract == nil {
		return nil, ErrNoAgreement
	}
	b := s.books
	if err := errors.Join(b.fold(ctx), b.follow(ctx)); err != nil {
		return nil, err
	}
	from := time.Date(month.Year(), month.Month(), 1, 0, 0, 0, 0, b.loc)
	to := from.AddDate(0, 1, 0)
	b.mu.Lock()
	defer b.mu.Unlock()
	now := s.opt.Now()
	list, err := b.statements(party, from, to, now)
	if err != nil {
		return nil, fmt.Errorf("statement of %s for %s: %w", party, from.Format("January 2006"), err)
	}
	var out bytes.Buffer
	switch format {
	case "json":
		return list[len(list)-1].Sign(s.opt.Key)
	case "csv":
		for _, st := range list {
			err = errors.Join(err, st.WriteCSV(&out))
		}
	case "text":
		for i, st := range list {
			if i > 0 {
				out.WriteString("\n\n")
			}
			v := st.View(b.loc)
			for i, r := range v.Everyone { // a statement knows the parties' ids only
				if p := st.by.Party(r.What); p >= 0 {
					v.Everyone[i].What = st.by.Parties[p].Name
				}
			}
			err = errors.Join(err, writeStatement(&out, v))
		}
	default:
		return nil, fmt.Errorf("a statement as %q: there is json, csv and text", format)
	}
	return out.Bytes(), err
}

// has says why there is nothing to state of a span yet, nil if there may be. What
// ended may still come in and be paid, so that the agreement's end is no bound.
func (c *contract) has(from, to, now time.Time) error {
	switch {
	case !c.Start.In(from.Location()).Before(to):
		return fmt.Errorf("the agreement %s begins on %s: ask for that month or a later one", c.Name, c.Start)
	case from.After(now):
		return errors.New("the month is to come: ask for it once it has begun")
	}
	return nil
}

// writeStatement writes a statement for a sheet of paper.
func writeStatement(w io.Writer, v agreement.View) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	line := func(format string, args ...any) { fmt.Fprintf(t, format+"\n", args...) }
	rows := func(title string, rows []agreement.Row) {
		if len(rows) == 0 {
			return
		}
		line("\n%s", title)
		for _, r := range rows {
			line("  %s\t%s\t%s\t%s\t%s\t%s", r.What, r.How, r.Due, r.Sats, r.Worth, r.Source)
		}
	}
	line("%s", v.Title)
	for _, text := range []string{v.Warning, v.Test} {
		if text != "" {
			line("%s", text)
		}
	}
	for _, text := range v.Summary {
		line("%s", text)
	}
	rows("What it came to", v.Rows)
	if v.Total.What != "" {
		rows("Total", []agreement.Row{v.Total})
	}
	rows("Settled otherwise than in sats", v.Outside)
	rows("Paid", v.Payouts)
	rows("Everybody's part", v.Everyone)
	if len(v.Open) > 0 {
		line("\nNot settled")
		for _, text := range v.Open {
			line("  %s", text)
		}
	}
	if v.Fiat != "" {
		line("\n%s", v.Fiat)
	}
	line("%s", v.Clock)
	line("%s", v.Check)
	return t.Flush()
}
