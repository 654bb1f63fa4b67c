package pooltest_test

import (
	"fmt"
	"testing"

	"hearth/pool/pooltest"
)

func TestLightningPaysOverTheNodeBetween(t *testing.T) {
	n := pooltest.StartLightning(t)
	before := n.Payer.Balance(t)
	in := n.Payee.Invoice(t, 50_000_000, 3600)
	if err := n.Payer.Call(t.Context(), "POST", "/v2/router/send", map[string]any{
		"payment_request": in.Request, "timeout_seconds": 30, "fee_limit_sat": "100", "no_inflight_updates": true,
	}, nil); err != nil {
		t.Fatal(err)
	}
	pooltest.Eventually(t, "the invoice is settled", func() error {
		if msat, settled := n.Payee.Received(t, in.Hash); msat != 50_000_000 || !settled {
			return fmt.Errorf("received %d msat, settled %t", msat, settled)
		}
		return nil
	})
	// One sat and a millionth of the amount for the node in between.
	pooltest.Eventually(t, "the balance shows it", func() error {
		if cost := before - n.Payer.Balance(t); cost != 50_000_000+1000+50 {
			return fmt.Errorf("it cost %d msat", cost)
		}
		return nil
	})
}
