package agreement

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// WriteCSV writes the statement as CSV (RFC 4180): a row for each entry, the
// totals, what is open and what was paid out. Nothing of coins of a test network
// has a worth, and nothing is due or paid of what waits. No cell can pass for a formula.
func (s Statement) WriteCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	rows := [][]string{{
		"what", "for", "simulated", "from (UTC)", "to (UTC)", "energy (kWh)", "provenance", "price least (per kWh)", "price most (per kWh)",
		"due", "unit of due", "owed at end", "sats", "worth", "currency", "price source", "intervals waiting", "proof",
	}}
	row := func(what, text string, cells map[int]string) {
		r := make([]string, len(rows[0]))
		r[0], r[1], r[2] = what, text, strconv.FormatBool(s.Simulated)
		r[3], r[4] = s.From.Format(time.RFC3339), s.To.Format(time.RFC3339)
		for i, c := range cells {
			r[i] = c
		}
		rows = append(rows, r)
	}
	row("statement", s.Title, nil)
	valued := s.Currency != "" && s.Network == "" // coins of a test network have no worth
	for _, e := range s.Entries {
		c := map[int]string{9: decimal(e.Due, microDigits, 2), 10: s.Currency, 11: decimal(e.Arrears, microDigits, 2), 16: strconv.FormatInt(e.Waiting, 10)}
		if e.Sats {
			c[9], c[10], c[11] = decimal(e.Due, satDigits, 0), satUnit, decimal(e.Arrears, satDigits, 0)
		}
		if e.unknown() { // what is owed from before stays owed
			c[9] = ""
		}
		if e.Kind == Share {
			c[9], c[10], c[11] = "", "", ""
		}
		if e.Provenance != "" {
			c[5], c[6] = decimal(e.Millijoules/(millijoules/1_000_000), 6, 3), e.Provenance
		}
		if e.Priced {
			c[7], c[8] = decimal(e.Least, microDigits, 2), decimal(e.Most, microDigits, 2)
		}
		if !e.Outside && !e.unknown() {
			sign := ""
			if e.Pays && e.Millisats != 0 {
				sign = "-"
			}
			c[12] = sign + decimal(e.Millisats, satDigits, 0)
			if valued {
				c[13], c[14], c[15] = sign+decimal(e.Micros, microDigits, 2), s.Currency, s.PriceSource
			}
		}
		row("entry", e.Text, c)
	}
	total := map[int]string{12: decimal(s.Millisats, satDigits, 0)}
	if valued {
		total[13], total[14], total[15] = decimal(s.Micros, microDigits, 2), s.Currency, s.PriceSource
	}
	row("total", "", total)
	for _, o := range s.Open {
		row("open", o.Text, map[int]string{
			3: o.From.Format(time.RFC3339), 4: o.To.Format(time.RFC3339),
			12: decimal(o.Held, satDigits, 0), 16: strconv.FormatInt(o.Intervals, 10),
		})
	}
	for _, p := range s.Payouts {
		row("payout", p.State+" by "+p.Rail, map[int]string{3: p.At.Format(time.RFC3339), 12: decimal(p.Millisats, satDigits, 0), 17: p.Proof})
	}
	for _, r := range rows {
		for i := range r {
			r[i] = harmless(r[i])
		}
	}
	if err := out.WriteAll(rows); err != nil {
		return fmt.Errorf("write statement: %w", err)
	}
	return nil
}

// harmless keeps a spreadsheet from taking a cell for a formula: names come from
// outside. See OWASP, "CSV Injection". A number below zero stays a number.
func harmless(s string) string {
	if s == "" || !strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return s
	}
	if s[0] == '-' && len(s) > 1 && strings.Trim(s[1:], "0123456789.") == "" {
		return s
	}
	return "'" + s
}
