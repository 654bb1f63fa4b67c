package invariant_test

import (
	"context"
	"errors"
	"testing"

	"hearth/chain/invariant"
)

func TestEveryBrokenInvariantIsNamed(t *testing.T) {
	lost, twice := errors.New("3 uhth are owed to nobody"), errors.New("a ticket counts twice")
	holds := invariant.Invariant{Name: "escrow", Check: func(context.Context) error { return nil }}
	fails := func(name string, err error) invariant.Invariant {
		return invariant.Invariant{Name: name, Check: func(context.Context) error { return err }}
	}
	if err := invariant.Check(t.Context(), holds, holds); err != nil {
		t.Errorf("nothing is broken: %v", err)
	}
	err := invariant.Check(t.Context(), fails("bonds", lost), holds, fails("nullifiers", twice))
	if !errors.Is(err, lost) || !errors.Is(err, twice) {
		t.Errorf("not all causes are in %v", err)
	}
	if want := "bonds: 3 uhth are owed to nobody\nnullifiers: a ticket counts twice"; err == nil || err.Error() != want {
		t.Errorf("got %q, want %q", err, want)
	}
}
