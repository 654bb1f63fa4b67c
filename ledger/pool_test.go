package ledger_test

import (
	"crypto/sha256"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/ledger"
)

var (
	digest = ledger.Hash{9}
	to     = start.Add(15 * time.Minute)
)

func transfer(entries ...ledger.Posting) ledger.Transfer {
	return ledger.Transfer{ID: "t", Entries: entries}
}

// TestPoolBodiesThatMakeNoSense: none of these can be written.
func TestPoolBodiesThatMakeNoSense(t *testing.T) {
	many := make([]ledger.Posting, 513)
	for i := range many {
		many[i] = ledger.Posting{Account: "party:a/" + strings.Repeat("x", i), Millisats: 1}
	}
	many[512].Millisats = -512
	text := "name: farmhouse\n"
	sum := ledger.Hash(sha256.Sum256([]byte(text)))
	for why, body := range map[string]ledger.Body{
		"is empty":                         ledger.Shares{From: to, To: to, Work: 1, Count: 1, Source: "p", Digest: digest},
		"is not an amount of shares":       ledger.Shares{From: start, To: to, Work: 1, Count: 1, Stale: -1, Source: "p", Digest: digest},
		"work without shares":              ledger.Shares{From: start, To: to, Work: 1, Source: "p", Digest: digest},
		"without the digest":               ledger.Shares{From: start, To: to, Work: 1, Count: 1, Source: "p"},
		"source is empty":                  ledger.Shares{From: start, To: to, Work: 1, Count: 1, Digest: digest},
		"is not in UTC":                    ledger.Shares{From: start, To: to.In(time.FixedZone("", 3600)), Work: 1, Count: 1, Source: "p", Digest: digest},
		"control character":                ledger.Shares{From: start, To: to, Work: 1, Count: 1, Source: "p", Party: "a\n", Digest: digest},
		"id is empty":                      ledger.Transfer{Entries: []ledger.Posting{{"a", 1}, {"b", -1}}},
		"1 entries: want 2 to 512":         transfer(ledger.Posting{"a", 1}),
		"513 entries: want 2 to 512":       transfer(many...),
		"not to zero":                      transfer(ledger.Posting{"a", 2}, ledger.Posting{"b", -1}),
		"appears twice":                    transfer(ledger.Posting{"a", 2}, ledger.Posting{"a", -2}),
		"is given nothing":                 transfer(ledger.Posting{"a", 2}, ledger.Posting{"b", -2}, ledger.Posting{"c", 0}),
		"account is empty":                 transfer(ledger.Posting{"", 2}, ledger.Posting{"b", -2}),
		"more than can be written":         transfer(ledger.Posting{"a", math.MinInt64}, ledger.Posting{"b", math.MinInt64}),
		"rail is empty":                    ledger.Payout{ID: "i", To: "x", Millisats: 1, State: ledger.PayoutBegun},
		"a payout to nobody":               ledger.Payout{ID: "i", Rail: "lnd", Millisats: 1, State: ledger.PayoutBegun},
		"is not a payment":                 ledger.Payout{ID: "i", Rail: "lnd", To: "x", State: ledger.PayoutBegun},
		`state "done"`:                     ledger.Payout{ID: "i", Rail: "lnd", To: "x", Millisats: 1, State: "done"},
		"a fee in a payout that is failed": ledger.Payout{ID: "i", Rail: "lnd", To: "x", Millisats: 1, Fee: 1, State: ledger.PayoutFailed},
		"the most it may cost":             ledger.Payout{ID: "i", Rail: "lnd", To: "x", Millisats: 1, MaxFee: 1, State: ledger.PayoutSent},
		"has its ticket from prepared on":  ledger.Payout{ID: "i", Rail: "lnd", To: "x", Millisats: 1, Of: 1, State: ledger.PayoutPrepared},
		"in prepared and in no other":      ledger.Payout{ID: "i", Rail: "lnd", To: "x", Millisats: 1, Ticket: "h", State: ledger.PayoutPrepared},
		"data has 32769 bytes":             ledger.Payout{ID: "i", Rail: "lnd", To: "x", Millisats: 1, Ticket: "h", Of: 1, Data: make([]byte, 32769), State: ledger.PayoutPrepared},
		"is not a price":                   ledger.Rate{Source: "s"},
		"the digest is not that":           ledger.Agreement{Digest: sum, Text: text + " ", Parties: []string{"a"}},
		"an agreement of nobody":           ledger.Agreement{Digest: sum, Text: text},
		`party "a" appears twice`:          ledger.Agreement{Digest: sum, Text: text, Parties: []string{"a", "a"}},
	} {
		if _, err := ledger.NewEntry(start, "x", false, body); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%+v: error %v, want one that says %q", body, err, why)
		}
	}
}

// TestPriceBeyondDoubles: a price in a currency of small units passes 2^53.
func TestPriceBeyondDoubles(t *testing.T) {
	want := ledger.Rate{Micros: math.MaxInt64, Source: "set by hand"}
	e, err := ledger.NewEntry(start, "IRR", false, want)
	if err != nil {
		t.Fatal(err)
	}
	r := extend(t, []ledger.Record{genesis(t)}, e)[1]
	if got, err := r.Decode(); err != nil || got != ledger.Body(want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

// TestPayoutTransfer: what a payout moves, and that a failed one moves nothing
// in the end.
func TestPayoutTransfer(t *testing.T) {
	const host = "party:farmhouse/host"
	p := ledger.Payout{ID: "i", Rail: "lnd", To: "x", Millisats: 9000}
	for _, c := range []struct {
		state ledger.PayoutState
		fee   int64
		want  []ledger.Posting
	}{
		{ledger.PayoutBegun, 0, []ledger.Posting{{host, -9000}, {"payout:i", 9000}}},
		{ledger.PayoutFailed, 0, []ledger.Posting{{host, 9000}, {"payout:i", -9000}}},
		{ledger.PayoutPaid, 5, []ledger.Posting{{host, -5}, {"fees:lnd", 5}}},
		{ledger.PayoutPaid, 0, nil},
		{ledger.PayoutPrepared, 0, nil},
		{ledger.PayoutSent, 0, nil},
		{ledger.PayoutUnknown, 0, nil},
	} {
		p.State, p.Fee = c.state, c.fee
		got, ok := p.Transfer(host)
		if ok != (c.want != nil) {
			t.Errorf("%s with a fee of %d moves: %t", c.state, c.fee, ok)
			continue
		}
		if !ok {
			continue
		}
		if diff := cmp.Diff(c.want, got.Entries); diff != "" {
			t.Errorf("%s:\n%s", c.state, diff)
		}
		if want := "payout/i/" + string(c.state); got.ID != want {
			t.Errorf("the transfer is called %q, want %q", got.ID, want)
		}
		if _, err := ledger.NewEntry(start, "farmhouse", false, got); err != nil {
			t.Error(err)
		}
	}
}

// TestSumsOfPool: balances outlive the records they come from, and the
// accounts of single payouts count as one.
func TestSumsOfPool(t *testing.T) {
	records := []ledger.Record{genesis(t)}
	add := func(subject string, body ledger.Body) {
		t.Helper()
		e, err := ledger.NewEntry(start, subject, false, body)
		if err != nil {
			t.Fatal(err)
		}
		records = extend(t, records, e)
	}
	add("bitaxe", ledger.Shares{From: start, To: to, Work: 100, Count: 2, Source: "pool", Party: "host", Digest: digest})
	add("nerdqaxe", ledger.Shares{From: start, To: to, Work: 11, Count: 1, Source: "pool", Party: "host", Digest: digest})
	add("bitaxe", ledger.Shares{From: start, To: to, Work: 7, Count: 1, Source: "fallback", Unpaid: true, Digest: digest})
	add("farm", ledger.Transfer{ID: "1", Entries: []ledger.Posting{{"revenue:pool", -100}, {"party:farm/host", 99}, {"rounding", 1}}})
	for _, id := range []string{"x", "y"} {
		p := ledger.Payout{ID: id, Rail: "lnd", To: "host", Millisats: 40, State: ledger.PayoutBegun}
		move, _ := p.Transfer("party:farm/host")
		add("party:farm/host", p)
		add("farm", move)
	}
	paid := ledger.Payout{ID: "x", Rail: "lnd", To: "host", Millisats: 40, Fee: 2, State: ledger.PayoutPaid}
	fee, _ := paid.Transfer("party:farm/host")
	add("party:farm/host", paid)
	add("farm", fee)

	want := []ledger.Sum{
		{Key: ledger.Key{Kind: "payout", Subject: "party:farm/host", Unit: "msat"}, Total: 40, Records: 1},
		{Key: ledger.Key{Kind: "shares", Subject: "fallback", Unit: "unpaid_difficulty_1024th"}, Total: 7, Records: 1},
		{Key: ledger.Key{Kind: "shares", Subject: "pool", Zone: "host", Unit: "difficulty_1024th"}, Total: 111, Records: 2},
		{Key: ledger.Key{Kind: "transfer", Subject: "fees:lnd", Unit: "msat"}, Total: 2, Records: 1},
		{Key: ledger.Key{Kind: "transfer", Subject: "party:farm/host", Unit: "msat"}, Total: 17, Records: 4},
		{Key: ledger.Key{Kind: "transfer", Subject: "payout:", Unit: "msat"}, Total: 80, Records: 2},
		{Key: ledger.Key{Kind: "transfer", Subject: "revenue:pool", Unit: "msat"}, Total: -100, Records: 1},
		{Key: ledger.Key{Kind: "transfer", Subject: "rounding", Unit: "msat"}, Total: 1, Records: 1},
	}
	for _, name := range []string{"whole", "pruned"} {
		report := ledger.Verify(stream(records), ledger.Expect{Key: public(), Head: headOf(records)})
		if !report.OK() {
			t.Fatal(report)
		}
		if diff := cmp.Diff(want, report.Sums); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
		records = pruned(t, records, records[len(records)-2].Seq)
	}
}
