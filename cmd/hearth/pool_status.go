package main

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"hearth/internal/loopback"
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
	fmt.Fprintln(p.out)
	table(p.out, figureRows(st))
	if len(st.Heaters) > 0 {
		fmt.Fprintln(p.out)
		printHeaters(p.out, st)
	}
	printSources(p.out, st)
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
	if loopback.Host(st.Listen) {
		fmt.Fprintln(p.out, p.paint(warm, thisComputerOnly))
	}
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

// figureRows are the figures of the page, under the names that they have there,
// each with where it comes from.
func figureRows(st pool.State) [][]string {
	worth := ""
	if st.Test {
		worth = ", worth nothing"
	}
	return [][]string{
		{"Per kWh of heat", stated(st.Money.PerKWh, "expected"+worth)},
		{"Last 24 h", stated(st.Money.Day, "expected by the shares that came in"+worth)},
		{"Came in, 30 days", agreement.Sats(st.Money.Received) + ", booked" + worth},
		{"Hash rate", stated(st.Rate, "by the shares that come in")},
		{"One bitcoin", stated(st.Money.Price, "says "+oneLine(st.Money.From))},
	}
}

// printSources prints where work comes from, and beneath why it does not.
func printSources(w io.Writer, st pool.State) {
	if len(st.Sources) == 0 {
		return
	}
	rows := [][]string{{"source", "", "shares", "where"}}
	var why []string
	for _, s := range st.Sources {
		how := "answers"
		switch {
		case s.Unpaid:
			how = "unpaid"
		case !s.Up:
			how = "does not answer"
			why = append(why, oneLine(s.Called()+": "+s.Why))
		}
		shares := "" // a node takes none: it is given blocks
		if s.Accepted+s.Rejected > 0 {
			shares = fmt.Sprintf("%d taken, %d refused", s.Accepted, s.Rejected)
		}
		rows = append(rows, []string{oneLine(s.Called()), how, shares, oneLine(s.Where)})
	}
	fmt.Fprintln(w)
	table(w, rows)
	printLines(w, why)
}

// printHeaters prints the paired miners, and beneath what is wrong with them.
func printHeaters(w io.Writer, st pool.State) {
	rows := [][]string{{"miner", "hash rate", "mines for", "shares", "late", "refused"}}
	var trouble []string
	for _, h := range st.Heaters {
		source := h.Source
		from, known := st.Of(h)
		switch {
		case !h.Online:
			source = "not connected"
		case h.Unpaid:
			source = "nobody: unpaid"
		case known && !from.Up:
			source = "nobody: " + from.Called() + " does not answer"
		case known:
			source = from.Called()
		}
		rate := "unknown"
		if v, ok := h.Rate.Get(); ok {
			rate = v.String()
		}
		rows = append(rows, []string{
			oneLine(h.Name), rate, oneLine(source), fmt.Sprint(h.Accepted), fmt.Sprint(h.Stale), fmt.Sprint(h.Rejected),
		})
		if h.Trouble != "" {
			trouble = append(trouble, oneLine(h.Name+": "+h.Trouble))
		}
	}
	table(w, rows)
	printLines(w, trouble)
}

func printLines(w io.Writer, lines []string) {
	for _, l := range lines {
		fmt.Fprintln(w, l)
	}
}

// stated prints a value and where it comes from, or why it is not known.
func stated[T any](k units.Known[T], from string) string {
	if !k.IsKnown() {
		return "unknown (" + oneLine(k.Why()) + ")"
	}
	return k.String() + ", " + from
}
