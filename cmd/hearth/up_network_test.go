package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"hearth/chain/mine"
	"hearth/chain/mine/record"
	"hearth/config"
	"hearth/infer/model"
	"hearth/ledger"
)

// What is mined goes into the home's ledger as coins of its network, each with its
// proof, once; and nothing of it is money there.
func TestWhatIsMinedIsWrittenAsCoinsWithTheirProof(t *testing.T) {
	dir := t.TempDir()
	f, err := config.Parse([]byte("name: Test house\n"))
	if err != nil {
		t.Fatal(err)
	}
	d := deps{dir: dir, data: dir, log: slog.New(slog.DiscardHandler)}
	open := func() *residence {
		h, err := assemble(t.Context(), f, d)
		if err != nil {
			t.Fatal(err)
		}
		return newResidence(h, d, "", dir)
	}
	home := open()
	proof := func(height int64, key byte) mine.Proof {
		return mine.Proof{Chain: "hearth-test", Height: height, Header: "AB12", Store: record.Work, Key: []byte{key}}
	}
	at := time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)
	tipped := mine.Event{Kind: mine.Ended, At: at, Claim: model.Hash{1}, Class: record.Paid, Status: "settled", Tickets: 3, Credited: 228e6, Amount: 10_000, Proof: proof(40, 1)}
	common := mine.Event{Kind: mine.Ended, At: at, Claim: model.Hash{2}, Class: record.Common, Status: "settled", Tickets: 1, Credited: 52e6, Proof: proof(40, 2)}
	income := mine.Event{Kind: mine.Income, At: at.Add(time.Second), Amount: 49_548_108, Sum: 49_548_108, Proof: proof(41, 3)}
	tell := func() {
		n := &networking{test: true, home: home, log: d.log}
		for _, e := range []mine.Event{tipped, common, income} {
			if err := n.tell(t.Context(), e); err != nil {
				t.Fatal(err)
			}
		}
	}
	tell()
	tell() // a worker that was killed tells again
	home.now.close(t.Context())
	home = open() // so does one of a home that was started again
	defer func() { home.now.close(t.Context()) }()
	tell()

	var coins []ledger.Coin
	var mined []string
	records, err := home.LedgerRecords(t.Context(), 1, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		body, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		switch b := body.(type) {
		case ledger.Coin:
			coins = append(coins, b)
		case ledger.Event:
			if b.Code == "mined" {
				mined = append(mined, b.Text)
			}
		case ledger.Earning:
			t.Errorf("coins were written down as a payment: %+v", b)
		}
	}
	want := []ledger.Coin{
		{Amount: 10_000, Unit: mine.Denom, Test: true, For: "a client's job", Proof: tipped.Proof.String()},
		{Amount: 49_548_108, Unit: mine.Denom, Test: true, For: "verified work", Proof: income.Proof.String()},
	}
	if len(coins) != len(want) || coins[0] != want[0] || coins[1] != want[1] {
		t.Errorf("coins %+v, want %+v", coins, want)
	}
	if len(mined) != 2 || !strings.HasSuffix(mined[0], tipped.Proof.String()) || !strings.HasSuffix(mined[1], common.Proof.String()) {
		t.Errorf("events %q, want one for each claim, with its proof", mined)
	}
	if earned, known := home.State().Today.Earned.Get(); known {
		t.Errorf("%v were earned today, where nothing but coins came in", earned)
	}
	report, err := home.LedgerVerify(t.Context())
	if err != nil {
		t.Errorf("the ledger does not hold: %+v, %v", report, err)
	}
}
