package pool_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/agreement"
	"hearth/pool/pooltest"
	"hearth/store"
)

const byLedger = `
agreement: 1
name: farm
mode: ledger
time_zone: UTC
start: 2020-01-01
parties:
  host: {name: Anna Berg, paid: {lightning: anna@example.com}}
  operator: {name: Fjell Heat, paid: stays}
  financier: {name: Dalen Bank, paid: {address: bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4}}
meters: {workers: [heater-0], income: [ours]}
shares: {host: 30%, operator: 30%, financier: 40%}
`

// What a pool pays is booked to the parties to the last millisat, once, and each
// party can check its statement without trusting anybody.
func TestWhatAPoolPaysIsShared(t *testing.T) {
	upstream := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	dir := contract(t, byLedger)
	cfg := pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "house"}}}
	d := open(t, dir, cfg)
	f := d.fleet(1, 0, 0)
	d.mine(f, "work is done", func() error {
		if n := d.State(t.Context()).Sources[0].Accepted; n < 10 {
			return fmt.Errorf("%d shares", n)
		}
		return nil
	})
	paid := pool.Receipt{Source: "ours", Millisats: 123_456_789, Proof: "tx-1"}
	if err := d.Receive(t.Context(), paid, "test"); err != nil {
		t.Fatal(err)
	}
	if err := d.Receive(t.Context(), paid, "test"); !errors.Is(err, pool.ErrRepeated) {
		t.Errorf("the same receipt twice: %v", err)
	}
	if err := d.Receive(t.Context(), pool.Receipt{Source: "nobody", Millisats: 1, Proof: "x"}, "test"); err == nil {
		t.Error("a receipt of a stranger was booked")
	}
	d.later(20 * time.Minute)
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	shares := map[string]int64{}
	total := int64(0)
	for _, p := range d.State(t.Context()).Parties {
		shares[p.Name] = p.Balance
		total += p.Balance
	}
	if total != paid.Millisats {
		t.Errorf("%d msat came in, the parties have %d: %v", paid.Millisats, total, shares)
	}
	if shares["financier"] != 49_382_716 && shares["financier"] != 49_382_715 {
		t.Errorf("shares %v", shares)
	}
	// Again, and after a restart: nothing is booked twice.
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	d.stop()
	d = open(t, dir, cfg)
	d.later(20 * time.Minute)
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(d.records(ledger.KindTransfer)); n != 1 {
		t.Errorf("%d transfers", n)
	}
	if err := d.Receive(t.Context(), paid, "test"); !errors.Is(err, pool.ErrRepeated) {
		t.Errorf("the same receipt after a restart: %v", err)
	}

	for _, format := range []string{"text", "csv", "json"} {
		b, err := d.Statement(t.Context(), "host", time.Now(), format)
		if err != nil || len(b) == 0 {
			t.Fatalf("statement as %s: %v", format, err)
		}
		if format == "text" {
			t.Logf("%s", b)
			if where := d.State(t.Context()).Location; where != time.UTC || !strings.Contains(string(b), "Times are those of UTC.") {
				t.Errorf("the agreement reckons in UTC, the state says %v and the statement\n%s", where, b)
			}
			if _, everybody, _ := strings.Cut(string(b), "Everybody's part"); !strings.Contains(everybody, "Dalen Bank") || strings.Contains(everybody, "financier") {
				t.Errorf("the parties are not called by their names:\n%s", b)
			}
		}
		if format != "json" {
			continue
		}
		records, err := d.store.Records(t.Context(), 1, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		v, err := agreement.Verify(b, []byte(byLedger), func() iter.Seq2[ledger.Record, error] {
			return func(yield func(ledger.Record, error) bool) {
				for _, r := range records {
					if !yield(r, nil) {
						return
					}
				}
			}
		}, d.key.Public().(ed25519.PublicKey), time.UTC)
		if err != nil || !v.OK() {
			t.Errorf("the statement cannot be verified: %v %v", v, err)
		}
	}
	if _, err := d.Statement(t.Context(), "nobody", time.Now(), "text"); err == nil {
		t.Error("a stranger has a statement")
	}
	for want, month := range map[string]time.Time{
		"begins on 2020-01-01": time.Date(2019, 12, 1, 0, 0, 0, 0, time.UTC), "is to come": time.Now().AddDate(2, 0, 0),
	} {
		if b, err := d.Statement(t.Context(), "host", month, "text"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q:\n%s", month.Format("January 2006"), err, want, b)
		}
	}
	if _, err := d.Statement(t.Context(), "host", time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), "text"); err != nil {
		t.Errorf("the first month of the agreement: %v", err)
	}
}

// The kill switch holds at once and across restarts.
func TestPaymentsStayStopped(t *testing.T) {
	dir := contract(t, byLedger)
	cfg := pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: refuses(t), User: "house"}}}
	d := open(t, dir, cfg)
	if err := d.StopPayouts(t.Context(), true, "Anna"); err != nil {
		t.Fatal(err)
	}
	d.stop()
	d = open(t, dir, cfg)
	if m := d.State(t.Context()).Money; !m.Stopped || m.By != "Anna" {
		t.Errorf("after a restart: %+v", m)
	}
	if err := d.StopPayouts(t.Context(), false, "Sam"); err != nil {
		t.Fatal(err)
	}
	if m := d.State(t.Context()).Money; m.Stopped || m.By != "Sam" {
		t.Errorf("released: %+v", m)
	}
}

// What the books of an agreement still rest on is not pruned: after they were
// closed, and the detail before was removed, money goes on as before.
func TestPruningLeavesWhatTheAgreementNeeds(t *testing.T) {
	dir := contract(t, strings.Replace(byLedger, "2020-01-01", time.Now().UTC().Format(time.DateOnly), 1))
	cfg := pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: refuses(t), User: "house"}}}
	d := open(t, dir, cfg)
	begun := time.Now()
	if keep := d.Keep(begun); !keep.IsZero() {
		t.Errorf("before any books are closed, records from %v on are kept: want all", keep)
	}
	const day = 24 * time.Hour
	for at := 5 * day; at < 130*day; at += 5 * day {
		e, err := ledger.NewEntry(begun.Add(at), "EUR", false, ledger.Rate{Micros: 60_000e6, Source: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.store.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	d.later(130 * day)
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(d.records(ledger.KindClosing)); n == 0 {
		t.Fatal("no books were closed")
	}
	done, err := d.store.Prune(t.Context(), d.Keep(begun.Add(120*day)))
	if err != nil || done.Records == 0 {
		t.Fatalf("pruned %+v, %v", done, err)
	}
	d.stop()
	d = open(t, dir, cfg)
	d.later(130 * day)
	if err := d.Receive(t.Context(), pool.Receipt{Source: "ours", Millisats: 1000, Proof: "tx"}, "test"); err != nil {
		t.Fatal(err)
	}
	if err := d.Settle(t.Context()); err != nil {
		t.Errorf("after pruning: %v", err)
	}
}

// A clock that is set back takes nothing back that was shared.
func TestAClockThatIsSetBackTakesNothingBack(t *testing.T) {
	dir := contract(t, strings.Replace(byLedger, "2020-01-01", time.Now().UTC().AddDate(0, 0, -2).Format(time.DateOnly), 1))
	cfg := pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: refuses(t), User: "house"}}}
	d := open(t, dir, cfg)
	from := time.Now().Add(-20 * time.Minute).Truncate(15 * time.Minute)
	e, err := ledger.NewEntry(time.Now(), "heater-0", false, ledger.Shares{From: from.UTC(), To: from.Add(15 * time.Minute).UTC(), Work: 1 << 20, Count: 1, Source: "ours", Digest: ledger.Hash{1}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.store.Append(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	if err := d.Receive(t.Context(), pool.Receipt{Source: "ours", Millisats: 1000, Proof: "tx"}, "test"); err != nil {
		t.Fatal(err)
	}
	for _, by := range []time.Duration{0, -time.Hour, time.Hour} {
		d.later(by)
		if err := d.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := len(d.records(ledger.KindTransfer)); n != 1 {
			t.Fatalf("the clock put forward by %v: %d transfers, want 1", by, n)
		}
	}
}

// hesitant is a ledger whose first event waits for the second to come.
type hesitant struct {
	pool.Book
	begun, another chan struct{}
}

func (h hesitant) Append(ctx context.Context, entries ...ledger.Entry) (ledger.Head, error) {
	if slices.ContainsFunc(entries, func(e ledger.Entry) bool { return e.Kind == ledger.KindEvent }) {
		select {
		case h.begun <- struct{}{}:
			select {
			case <-h.another:
				time.Sleep(100 * time.Millisecond) // it goes first
			case <-time.After(500 * time.Millisecond): // it waits for this one
			}
		default:
			select {
			case h.another <- struct{}{}:
			default:
			}
		}
	}
	return h.Book.Append(ctx, entries...)
}

// Events are written in the order in which they were told, and those of the last
// moment too.
func TestEventsKeepTheirOrder(t *testing.T) {
	upstream := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	dir := t.TempDir()
	cfg := pool.Config{Upstreams: []pool.Upstream{{Name: "ours", URL: upstream.URL(), User: "house"}}}
	d := openOn(t, dir, cfg, func(s *store.Store) pool.Book {
		return hesitant{s, make(chan struct{}, 1), make(chan struct{}, 1)}
	})
	pooltest.Eventually(t, "the pool gives work", func() error {
		if s := d.State(t.Context()).Sources[0]; !s.Up {
			return errors.New(s.Why)
		}
		return nil
	})
	now := time.Now().UTC()
	from := now.Add(-time.Hour)
	for _, x := range []struct {
		subject string
		body    ledger.Body
	}{
		{"ours", ledger.Yield{Work: 1024, Millisats: 1000, Height: 1, Source: "test"}},
		{"heater-0", ledger.Shares{From: from, To: from.Add(15 * time.Minute), Work: 1 << 30, Count: 1 << 20, Source: "ours", Digest: ledger.Hash{1}}},
	} {
		e, err := ledger.NewEntry(from, x.subject, false, x.body)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := d.store.Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	for _, msat := range []int64{1_000_000, 2_000_000} {
		if err := d.Report(t.Context(), pool.Reported{Source: "ours", From: from.Add(-time.Minute), To: now, Millisats: msat}, "test"); err != nil {
			t.Fatal(err)
		}
	}
	d.stop()
	d = open(t, dir, cfg)
	var told []string
	for _, r := range d.records(ledger.KindEvent) {
		body, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if e := body.(ledger.Event); e.Code == "pool_drift" {
			told = append(told, e.Text)
		}
	}
	if len(told) != 2 || !strings.Contains(told[0], "reported 1,000 sats") || !strings.Contains(told[1], "reported 2,000 sats") {
		t.Errorf("the events are %q", told)
	}
}
