package main

import (
	"fmt"
	"net/http"
	"time"

	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/units"
)

type poolStatusCmd struct {
	remote `embed:""`
	JSON   bool `help:"Print the whole state as JSON."`
}

// Run prints the state of the pool.
func (c *poolStatusCmd) Run(p *program) error {
	var st pool.State
	if err := c.do(p.ctx, http.MethodGet, "/api/v1/pool", nil, &st); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, st)
	}
	fmt.Fprintln(p.out, p.paint(bold, oneLine(st.Sentence)))
	if st.Test {
		fmt.Fprintln(p.out, p.paint(warm, "Coins of "+st.Network+" are worth nothing: every amount here is for trying things out."))
	}
	if st.Unpaid {
		fmt.Fprintln(p.out, p.paint(bad, "Unpaid: nobody gives paid work now, so the heaters make heat and nothing else."))
	}
	for _, s := range st.Sources {
		if s.Alarm {
			fmt.Fprintln(p.out, p.paint(bad, oneLine(s.Name+": "+s.Drift)))
		}
	}
	for _, t := range st.Trouble {
		fmt.Fprintln(p.out, p.paint(warm, oneLine(t)))
	}
	fmt.Fprintf(p.out, "Per kWh of heat %s; last 24 h %s; came in over 30 days %s; hash rate %s.\n",
		reason(st.Money.PerKWh), reason(st.Money.Day), agreement.Sats(st.Money.Received), reason(st.Rate))
	if st.Money.Price.IsKnown() {
		fmt.Fprintf(p.out, "One bitcoin costs %s, says %s.\n", st.Money.Price, oneLine(st.Money.From))
	}
	if len(st.Heaters) > 0 {
		fmt.Fprintln(p.out)
		table(p.out, heaterRows(st))
	}
	if len(st.Sources) > 0 {
		rows := [][]string{{"source", "", "shares", "where"}}
		for _, s := range st.Sources {
			how := "does not answer: " + s.Why
			switch {
			case s.Unpaid:
				how = "unpaid"
			case s.Up:
				how = "answers"
			}
			rows = append(rows, []string{oneLine(s.Name), oneLine(how), fmt.Sprintf("%d taken, %d refused", s.Accepted, s.Rejected), oneLine(s.Where)})
		}
		fmt.Fprintln(p.out)
		table(p.out, rows)
	}
	if len(st.Parties) > 0 {
		rows := [][]string{{"party", "share", "owed", "paid", "where"}}
		for _, x := range st.Parties {
			share := ""
			if x.Weight > 0 {
				share = agreement.Percent(x.Weight)
			}
			rows = append(rows, []string{oneLine(x.Name), share, agreement.Sats(x.Balance), agreement.Sats(x.Paid), oneLine(x.Where)})
		}
		fmt.Fprintln(p.out)
		table(p.out, rows)
	}
	c.payments(p, st)
	fmt.Fprintf(p.out, "\nMiners come in at %s, Stratum V1 and V2.\n", oneLine(st.Listen))
	if st.Key != "" {
		fmt.Fprintf(p.out, "The key for V2 is %s\n", oneLine(st.Key))
	}
	return nil
}

// payments prints what left, and whether anything may.
func (c *poolStatusCmd) payments(p *program, st pool.State) {
	switch {
	case st.Money.Stopped:
		fmt.Fprintln(p.out, "\n"+p.paint(bad, "Payments are stopped, by "+oneLine(st.Money.By)+". \"hearth pool resume-payouts\" lets them go out again."))
	case st.Money.Rail == "":
		fmt.Fprintln(p.out, "\nNothing is paid out from here: no wallet is configured.")
	}
	if len(st.Payouts) == 0 {
		return
	}
	rows := [][]string{{"payout", "to", "amount", "cost", "state"}}
	for _, x := range st.Payouts {
		state := x.State
		if x.Why != "" {
			state += ": " + x.Why
		}
		rows = append(rows, []string{x.At.Local().Format(time.DateTime), oneLine(x.Party), agreement.Sats(x.Millisats), agreement.Sats(x.Fee), oneLine(state)})
	}
	fmt.Fprintln(p.out)
	table(p.out, rows)
}

// heaterRows are the paired miners as a table.
func heaterRows(st pool.State) [][]string {
	rows := [][]string{{"miner", "hash rate", "mines for", "shares", "late", "refused", ""}}
	for _, h := range st.Heaters {
		source := h.Source
		switch {
		case !h.Online:
			source = "not connected"
		case h.Unpaid:
			source = "nobody: unpaid"
		}
		rate := "unknown"
		if v, ok := h.Rate.Get(); ok {
			rate = v.String()
		}
		rows = append(rows, []string{
			oneLine(h.Name), rate, oneLine(source), fmt.Sprint(h.Accepted), fmt.Sprint(h.Stale), fmt.Sprint(h.Rejected), oneLine(h.Trouble),
		})
	}
	return rows
}

// reason prints a value, or why it is not known.
func reason[T any](k units.Known[T]) string {
	if !k.IsKnown() {
		return "unknown (" + oneLine(k.Why()) + ")"
	}
	return k.String()
}
