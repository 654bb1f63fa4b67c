package web

import (
	"fmt"
	"strings"
	"time"

	"hearth/ledger"
	"hearth/pool/agreement"
	"hearth/pool/job"
)

// satsText says in plain words what a record of sat sharing says; false for
// every other.
func (p *pages) satsText(subject string, body ledger.Body, span func(from, to time.Time) string) (string, bool) {
	switch b := body.(type) {
	case ledger.Shares:
		text := fmt.Sprintf("%d shares, work of difficulty %s for %s, %s", b.Count, difficulty(job.Work(max(b.Work, 0))), b.Source, span(b.From, b.To))
		if b.Unpaid {
			text = fmt.Sprintf("%d shares that nobody pays for, heat only, %s", b.Count, span(b.From, b.To))
		}
		if b.Party != "" {
			text += ", for " + b.Party
		}
		if b.Stale+b.Rejected > 0 {
			text += fmt.Sprintf("; %d too late, %d refused", b.Stale, b.Rejected)
		}
		return text, true
	case ledger.Transfer:
		var parts []string
		for _, e := range b.Entries {
			sign := "+"
			if e.Millisats < 0 {
				sign = "" // its own
			}
			parts = append(parts, accountText(e.Account)+" "+sign+agreement.Told(e.Millisats))
		}
		text := "Shared out: " + strings.Join(parts, ", ")
		if b.For != "" {
			text += ". For " + b.For
		}
		return text, true
	case ledger.Payout:
		text := fmt.Sprintf("%s to %s by %s: %s", agreement.Told(b.Millisats), b.To, b.Rail, payoutText(string(b.State)))
		if b.Fee > 0 {
			text += ", cost " + agreement.Told(b.Fee)
		}
		if b.Why != "" {
			text += ". " + capital(b.Why)
		}
		if b.Proof != "" {
			text += ". Proof: " + b.Proof
		}
		return text, true
	case ledger.Rate:
		return fmt.Sprintf("One bitcoin costs %s, says %s", agreement.Money(b.Micros, subject), b.Source), true
	case ledger.Agreement:
		return fmt.Sprintf("Agreement between %s, digest %s", strings.Join(b.Parties, ", "), b.Digest.String()[:16]), true
	case ledger.Price:
		return fmt.Sprintf("Electricity costs %s, %s, says %s", agreement.Price(b.Micros, b.Currency), span(b.From, b.To), b.Source), true
	case ledger.Yield:
		return fmt.Sprintf("Work of difficulty %s should earn %s, says %s", difficulty(job.Work(max(b.Work, 0))), agreement.Told(b.Millisats), b.Source), true
	case ledger.Closing:
		return fmt.Sprintf("The books are closed up to %s", p.at(b.Until)), true
	}
	return "", false
}

// accountText is the name of an account for people.
func accountText(name string) string {
	kind, rest, _ := strings.Cut(name, ":")
	switch kind {
	case "revenue":
		return "from " + rest
	case "party":
		return "to " + rest
	case "payout":
		return "under way as " + rest
	case "fees":
		return "cost of " + rest
	case "held":
		return "set aside for " + rest
	}
	return name
}
