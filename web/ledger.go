package web

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"hearth/device"
	"hearth/httpapi"
	"hearth/ledger"
	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/site"
)

// recordsShown is how many records one page has.
const recordsShown = 30

type ledgerView struct {
	Ledger  site.LedgerState
	Records []recordView
	// Newer and Older are where the pages beside this one begin; 0 if there
	// are none.
	Newer, Older uint64
	// Report is set when the ledger was verified just now.
	Report *ledger.Report
}

type recordView struct {
	ledger.Record
	Name string
	Text string
	Hash string // its first digits
}

func (p *pages) ledger(w http.ResponseWriter, r *http.Request) error {
	s := p.home.State()
	q := r.URL.Query()
	last := s.Ledger.Records
	from := uint64(1)
	if last > recordsShown {
		from = last - recordsShown + 1
	}
	if v := q.Get("from"); v != "" {
		n, err := strconv.ParseUint(v, 10, 63)
		if err != nil {
			return invalid("%q is not the number of a record.", v)
		}
		from = max(n, 1)
	}
	list, err := p.home.LedgerRecords(r.Context(), from, recordsShown)
	if err != nil {
		return err
	}
	v := ledgerView{Ledger: s.Ledger}
	names := namesOf(s)
	for _, rec := range slices.Backward(list) {
		v.Records = append(v.Records, recordView{rec, either(names[rec.Subject], rec.Subject), p.recordText(rec), rec.Hash.String()[:12]})
	}
	if from > 1 {
		v.Older = max(from, recordsShown+1) - recordsShown
	}
	if from+recordsShown <= last {
		v.Newer = from + recordsShown
	}
	if q.Get("verify") != "" {
		if !p.verifying.TryLock() {
			return &httpapi.Problem{Status: http.StatusServiceUnavailable, Code: "busy", Message: "The ledger is being verified just now.", Hint: "Try again in a moment."}
		}
		defer p.verifying.Unlock()
		if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
			return fmt.Errorf("verify ledger: %w", err)
		}
		report, err := p.home.LedgerVerify(r.Context())
		if err != nil {
			return err
		}
		v.Report = &report
	}
	return p.show(w, r, http.StatusOK, "ledger", view{Title: "Ledger", Page: "ledger", State: s}, v)
}

// namesOf are the names of zones and devices by id.
func namesOf(s site.State) map[string]string {
	names := make(map[string]string)
	for _, z := range s.Zones {
		names[z.ID] = z.Name
	}
	for _, d := range s.Devices {
		names[d.ID] = d.Name
	}
	return names
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// recordText says in plain words what a record says.
func (p *pages) recordText(r ledger.Record) string {
	body, err := r.Decode()
	if err != nil {
		return "This record cannot be read: " + err.Error()
	}
	energy := func(e ledger.Energy, what string) string {
		text := amount(e.Joules.KilowattHours().Float()*1000, "Wh") + what + ", " + p.at(e.From) + " to " + e.To.In(p.loc).Format("15:04")
		if r.Simulated { // the mark beside it says so
			return text
		}
		return text + ", " + provenanceText(e.Provenance)
	}
	span := func(from, to time.Time) string { return p.at(from) + " to " + to.In(p.loc).Format("15:04") }
	if text, ok := p.satsText(r.Subject, body, span); ok {
		return text
	}
	switch b := body.(type) {
	case ledger.Genesis:
		return "The ledger begins."
	case ledger.Electricity:
		return energy(ledger.Energy(b), " drawn")
	case ledger.Heat:
		return energy(ledger.Energy(b), " of heat")
	case ledger.Work:
		return fmt.Sprintf("%d %s, %s, %s", b.Amount, b.Unit, span(b.From, b.To), provenanceText(b.Provenance))
	case ledger.Earning:
		return fmt.Sprintf("%s earned. %s", agreement.Told(b.Millisats), capital(b.For))
	case ledger.Coin:
		text := fmt.Sprintf("%d %s", b.Amount, b.Unit)
		if b.Test {
			text += " of test coins, worth nothing"
		}
		text += ". " + b.For
		if b.Proof != "" {
			text += ". Proof: " + b.Proof
		}
		return text
	case ledger.Command:
		text := "Told to " + verbText(device.Demand{Verb: device.Verb(b.Verb), Power: b.Power, Level: b.Level})
		if b.Why != "" {
			text += ", because: " + b.Why
		}
		if b.Confirmed {
			return text + ". Read back."
		}
		return text + ". Not believed: " + either(b.Trouble, "not read back") + "."
	case ledger.Trip:
		if b.Cleared {
			return "Cleared: " + b.Cause
		}
		return b.Cause + " " + b.Did
	case ledger.Event:
		return b.Text
	case ledger.Setting:
		text := b.Name + " set to " + b.To
		if b.From != "" {
			text += " from " + b.From
		}
		if b.By != "" {
			text += ", by " + b.By
		}
		return text
	case ledger.Gap:
		return fmt.Sprintf("%d records lost, %s: %s", b.Dropped, span(b.From, b.To), b.Why)
	case ledger.Checkpoint:
		return fmt.Sprintf("Stands for the %d records before %s, which were removed.", b.Last, p.at(b.Until))
	}
	return string(r.Body)
}

// hexBlocks writes a hash in blocks of eight digits, which can be compared by
// eye and wrap on a phone.
func hexBlocks(s string) []string {
	var out []string
	for c := range slices.Chunk([]byte(s), 8) {
		out = append(out, string(c))
	}
	return out
}

// amountOf writes a sum of the ledger with its unit.
func amountOf(s ledger.Sum) string {
	switch s.Unit {
	case "mj":
		return s.Joules().KilowattHours().String()
	case "msat":
		return agreement.Told(s.Total)
	case ledger.UnitWork:
		return "work of difficulty " + difficulty(job.Work(max(s.Total, 0)))
	case ledger.UnitUnpaid:
		return "unpaid work of difficulty " + difficulty(job.Work(max(s.Total, 0)))
	default:
	}
	return fmt.Sprintf("%d %s", s.Total, s.Unit)
}
