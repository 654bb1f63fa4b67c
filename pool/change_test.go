package pool_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/pool/pooltest"
	"hearth/units"
)

const withPower = `
agreement: 1
name: farm
mode: ledger
currency: EUR
time_zone: UTC
start: %s
parties:
  host: {name: Anna Berg, paid: {lightning: anna@example.com}}
  operator: {name: Fjell Heat, paid: stays}
meters: {electricity: [meter-1], workers: [heater-0], income: [ours]}
bitcoin_price: {source: test, max_age: 6h}
waterfall:
  - electricity: {to: host, price: 0.10 EUR/kWh}
shares: {host: 40%%, operator: 60%%}
arrears: carried
unknown: hold
`

// A changed agreement is told of, and what was set aside under the text before
// stays in sight and is shared by that text once it can be.
func TestAChangedAgreementIsToldAndTheOldOneKept(t *testing.T) {
	text := fmt.Sprintf(withPower, time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly))
	other := strings.Replace(text, "host: 40%, operator: 60%", "host: 90%, operator: 10%", 1)
	dir := contract(t, text)
	cfg := pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: refuses(t), User: "house"}}}
	d := open(t, dir, cfg)
	from := time.Now().UTC().Add(-20 * time.Minute).Truncate(15 * time.Minute)
	to := from.Add(15 * time.Minute)
	d.write(from.Add(-time.Hour), "EUR", ledger.Rate{Micros: 50_000_000_000, Source: "test"})
	d.write(time.Now(), "heater-0", ledger.Shares{From: from, To: to, Work: 1 << 20, Count: 1, Source: "ours", Digest: ledger.Hash{1}})
	const came = 625_000_000
	if err := d.Receive(t.Context(), pool.Receipt{Source: "ours", Millisats: came, Proof: "tx"}, "test"); err != nil {
		t.Fatal(err)
	}
	d.settle()
	d.shared(0, 0)
	if d.troubled(digest(text)) {
		t.Error("it tells of a change before there was one")
	}
	d.stop()

	// Another text is given.
	rewrite(t, dir, other)
	d = open(t, dir, cfg)
	held := "Under it " + agreement.Told(came) + " are set aside, in the account held:farm"
	for range 2 {
		for _, what := range []string{digest(text), digest(other), held} {
			if !d.troubled(what) {
				t.Errorf("%q is not told: %q", what, d.State(t.Context()).Trouble)
			}
		}
		d.shared(0, 0)
		d.settle()
	}
	// The statement of the month is by the text that held.
	for _, format := range []string{"text", "csv", "json"} {
		b, err := d.Statement(t.Context(), "host", from, format)
		if err != nil || format == "text" && !strings.Contains(string(b), digest(text)) || format == "json" && !strings.Contains(string(b), digest(text)) || strings.Contains(string(b), digest(other)) {
			t.Errorf("the statement as %s: %v\n%s", format, err, b)
		}
	}
	pooltest.Eventually(t, "the change is an event", func() error {
		if told := d.changes(); len(told) != 1 || !strings.Contains(told[0], held) {
			return fmt.Errorf("the events are %q", told)
		}
		return nil
	})
	d.stop()

	// The text before is given again: it does not come back as it is.
	rewrite(t, dir, text)
	d = open(t, dir, cfg)
	if what := "the text " + digest(text) + " again"; !d.troubled(what) {
		t.Errorf("%q is not told: %q", what, d.State(t.Context()).Trouble)
	}
	d.stop()

	// What was missing comes: 1 kWh, at 10 cents 200 sats.
	rewrite(t, dir, other)
	d = open(t, dir, cfg)
	d.write(time.Now(), "meter-1", ledger.Electricity{From: from, To: to, Joules: 3_600_000, Provenance: units.Meter})
	d.settle()
	d.shared(200_000+(came-200_000)*4/10, (came-200_000)*6/10)
	if !d.troubled("Nothing is set aside under it.") {
		t.Errorf("after it was shared it says %q", d.State(t.Context()).Trouble)
	}
	d.settle()
	if n := len(d.records(ledger.KindTransfer)); n != 2 {
		t.Errorf("%d transfers, want one that set aside and one that shared", n)
	}
	// On the days after, both texts have their statement.
	d.later(24 * time.Hour)
	d.settle()
	if from.Month() == from.AddDate(0, 0, 1).Month() {
		b, err := d.Statement(t.Context(), "host", from, "text")
		if err != nil || !strings.Contains(string(b), digest(text)) || !strings.Contains(string(b), digest(other)) {
			t.Errorf("the statements of the month: %v\n%s", err, b)
		}
	}
	// In the end there is nothing to tell.
	d.later(10 * 24 * time.Hour)
	d.settle()
	if d.troubled(digest(text)) {
		t.Errorf("it still says %q", d.State(t.Context()).Trouble)
	}
	if told := d.changes(); len(told) != 1 {
		t.Errorf("the events are %q", told)
	}
}

// digest is the beginning of a text's digest, as it is told.
func digest(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text)))[:16] }

// write appends a record.
func (d *desk) write(at time.Time, subject string, body ledger.Body) {
	d.t.Helper()
	e, err := ledger.NewEntry(at, subject, false, body)
	if err == nil {
		_, err = d.store.Append(d.t.Context(), e)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// troubled reports whether a line of trouble says something.
func (d *desk) troubled(what string) bool {
	return strings.Contains(strings.Join(d.State(d.t.Context()).Trouble, "\n"), what)
}

// shared holds what the host and the operator have.
func (d *desk) shared(host, operator int64) {
	d.t.Helper()
	if got := d.owed(); got["host"] != host || got["operator"] != operator {
		d.t.Errorf("the parties have %v, want %d and %d", got, host, operator)
	}
}

// changes are the events that tell of a changed agreement.
func (d *desk) changes() []string {
	d.t.Helper()
	var out []string
	for _, r := range d.records(ledger.KindEvent) {
		body, err := r.Decode()
		if err != nil {
			d.t.Fatal(err)
		}
		if e := body.(ledger.Event); e.Code == "agreement_changed" && e.Severity == "warning" {
			out = append(out, e.Text)
		}
	}
	return out
}
