package ledger_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"hearth/ledger"
)

func TestBodiesOfAgreements(t *testing.T) {
	from, to := start, start.Add(time.Hour)
	local := time.FixedZone("", 3600)
	for want, body := range map[string]ledger.Body{
		"is empty":                        ledger.Price{From: to, To: from, Currency: "EUR", Source: "s"},
		"want three letters":              ledger.Price{From: from, To: to, Source: "s"},
		"source is empty":                 ledger.Price{From: from, To: to, Currency: "EUR"},
		"not in UTC":                      ledger.Price{From: from.In(local), To: to, Currency: "EUR", Source: "s"},
		"is not a yield":                  ledger.Yield{Millisats: 1, Source: "s"},
		"0 msat for -1":                   ledger.Yield{Work: -1, Source: "s"},
		"-5 msat for 1":                   ledger.Yield{Work: 1, Millisats: -5, Source: "s"},
		"source is empty\n":               ledger.Yield{Work: 1},
		"without the agreement's digest":  ledger.Closing{Until: start, State: json.RawMessage(`{}`)},
		"without what is brought forward": ledger.Closing{Digest: ledger.Hash{1}, Until: start, State: json.RawMessage(`[]`)},
		"Until not in UTC":                ledger.Closing{Digest: ledger.Hash{1}, Until: start.In(local), State: json.RawMessage(`{}`)},
	} {
		_, err := ledger.NewEntry(start, "s", false, body)
		if want = strings.TrimPrefix(strings.TrimSpace(want), "Until "); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", body, err, want)
		}
	}
}

func TestOneRecordAlone(t *testing.T) {
	records := chain(t, 3)
	for _, r := range records {
		if err := r.Verify(public()); err != nil {
			t.Errorf("a good record: %v", err)
		}
	}
	edited := records[1]
	edited.Subject = "another"
	forged := records[1]
	forged.Sig[0] ^= 1
	for want, r := range map[string]ledger.Record{
		"record 2 was changed after it was written":    edited,
		"record 2 is not signed with the ledger's key": forged,
	} {
		if err := r.Verify(public()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
