package lnd

import (
	"encoding/hex"
	"encoding/json"
	"strings"
	"testing"

	"hearth/pool/payout"
)

// FuzzOutcome: whatever a node says of a payment, it is paid only with a proof.
func FuzzOutcome(f *testing.F) {
	zero := strings.Repeat("00", 32) // hashes to what follows
	hash := "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925"
	for _, status := range []string{"SUCCEEDED", "FAILED", "IN_FLIGHT", "INITIATED", "UNKNOWN"} {
		f.Add(hash, `{"payment_hash":"`+hash+`","status":"`+status+`","fee_msat":"7","payment_preimage":"`+zero+`","failure_reason":"FAILURE_REASON_NO_ROUTE"}`)
	}
	f.Fuzz(func(t *testing.T, hash, raw string) {
		o, err := outcome(json.RawMessage(raw), hash)
		if err != nil && o != (payout.Outcome{}) || o.State == payout.Failed {
			t.Errorf("%+v with %v", o, err)
		}
		if o.State == payout.Paid {
			if b, err := hex.DecodeString(o.Proof); err != nil || len(b) != 32 {
				t.Errorf("paid with the proof %q", o.Proof)
			}
		}
	})
}
