package beacon_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/chain/beacon"
)

func TestGenesisAsJSON(t *testing.T) {
	n := start(t, params(t))
	for range 4 {
		b := n.next(5, 0)
		n.execute(b, n.prepare(b))
	}
	cdc := codecs()
	m := beacon.NewAppModule(n.keeper)
	text := m.ExportGenesis(n.ctx, cdc)
	if err := m.ValidateGenesis(cdc, nil, text); err != nil {
		t.Fatal(err)
	}
	other := empty(t)
	beacon.NewAppModule(other.keeper).InitGenesis(other.ctx, cdc, text)
	if diff := cmp.Diff(n.export(), other.export()); diff != "" {
		t.Errorf("through JSON the state changes:\n%s", diff)
	}
	if err := m.ValidateGenesis(cdc, nil, m.DefaultGenesis(cdc)); err != nil {
		t.Error(err)
	}
	if err := m.ValidateGenesis(cdc, nil, []byte(`{"params":`)); err == nil {
		t.Error("half a genesis is taken")
	}
}
