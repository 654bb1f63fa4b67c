package mine_test

import (
	"strings"
	"testing"

	"hearth/chain/mine"
	"hearth/chain/wire"
)

const hash = "F78F8A2020C75A4D80C5404C922EBD92B4A3D949AE0B0E443596F6829B68AD85"

func TestDescriptionsOfNetworks(t *testing.T) {
	n, err := mine.ParseNetwork([]byte(`{"chain_id":"hearth-1","nodes":["http://192.0.2.1:26657","https://node.example"],"trust":"120:` + hash + `","trusting_hours":72}`))
	if err != nil || n.Chain != "hearth-1" || len(n.Nodes) != 2 || n.Height != 120 || n.Hash.String() != hash || n.Period.Hours() != 72 || n.Test || n.Purse != nil {
		t.Errorf("%+v, %v", n, err)
	}
	local := `{"chain_id":"hearth-devnet","nodes":[{"name":"validator0","rpc":"127.0.0.1:26661"},{"rpc":"127.0.0.1:26671"}],
		"home":{"address":"x","secret":"0000000000000000000000000000000000000000000000000000000000000005"}}`
	n, err = mine.ParseNetwork([]byte(local))
	if err != nil || len(n.Nodes) != 2 || n.Nodes[1] != "http://127.0.0.1:26671" || !n.Test || n.Height != 0 || n.Purse == nil {
		t.Errorf("%+v, %v", n, err)
	}
	for name, c := range map[string]struct{ in, says string }{
		"no JSON":                 {`chain`, "invalid"},
		"no chain":                {`{"nodes":["http://127.0.0.1:1"]}`, "chain_id"},
		"no nodes":                {`{"chain_id":"c","nodes":[]}`, "1 to 64 nodes"},
		"nodes of another kind":   {`{"chain_id":"c","nodes":7}`, "not a list"},
		"far nodes without trust": {`{"chain_id":"c","nodes":["http://192.0.2.1:26657"]}`, "block to trust"},
		"one of them far":         {`{"chain_id":"c","nodes":["http://127.0.0.1:1","http://192.0.2.1:1"]}`, "block to trust"},
		"no trust":                {`{"chain_id":"c","nodes":["http://127.0.0.1:1"],"trust":"9"}`, "HEIGHT:HASH"},
		"half a hash":             {`{"chain_id":"c","nodes":["http://127.0.0.1:1"],"trust":"9:ABCD"}`, "64 hexadecimal"},
		"trust without end":       {`{"chain_id":"c","nodes":["http://127.0.0.1:1"],"trusting_hours":99999999}`, "more than a year"},
		"a purse that is no key":  {`{"chain_id":"c","nodes":["http://127.0.0.1:1"],"home":{"secret":"00"}}`, "32"},
	} {
		if _, err := mine.ParseNetwork([]byte(c.in)); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want an error that says %q", name, err, c.says)
		}
	}
}

func TestAPurseIsNotTakenFromAfar(t *testing.T) {
	n, err := mine.ParseNetwork([]byte(`{"chain_id":"c","nodes":["http://192.0.2.1:26657"],"trust":"9:` + hash + `","home":{"secret":"0000000000000000000000000000000000000000000000000000000000000005"}}`))
	if err != nil || n.Purse != nil {
		t.Errorf("%v, %v", n.Purse, err)
	}
}

func TestFoldersOfNetworks(t *testing.T) {
	for in, want := range map[string]string{"hearth-1": "hearth-1", "../up": "___up", "a/b": "a_b"} {
		if got := (mine.Network{Chain: in}).Folder(); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestAnUnsignedRegistrationIsReadable(t *testing.T) {
	var owner, hot wire.Address
	owner[0], hot[0] = 1, 2
	b, err := mine.Unsigned([]wire.Any{
		wire.RegisterMiner(owner, hot, [32]byte{1, 2, 3}, []byte("proof"), 100), wire.Send(owner, hot, wire.Coin{Denom: mine.Denom, Amount: 7}),
	}, 500_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"@type": "/hearth.work.v1.MsgRegisterMiner"`, `"owner": "` + owner.String() + `"`, `"hot": "` + hot.String() + `"`,
		`"executor": "AQID`, `"proof": "cHJvb2Y="`, `"bond": "100"`, `"gas_limit": "500000"`,
		`"@type": "/cosmos.bank.v1beta1.MsgSend"`, `"from_address"`, `"denom": "uhth"`, `"amount": "7"`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("it lacks %s:\n%s", want, b)
		}
	}
	if _, err := mine.Unsigned([]wire.Any{wire.CancelJob(owner, []byte{1})}, 1); err == nil {
		t.Error("a message that is none of a registration was written")
	}
}

func FuzzParseNetwork(f *testing.F) {
	f.Add([]byte(`{"chain_id":"c","nodes":["http://127.0.0.1:1"],"trust":"9:` + hash + `"}`))
	f.Add([]byte(`{"chain_id":"c","nodes":[{"rpc":"127.0.0.1:1"}],"home":{"secret":"05"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := mine.ParseNetwork(b)
		if err == nil && (n.Chain == "" || len(n.Nodes) == 0 || strings.ContainsAny(n.Folder(), `/\.`)) {
			t.Errorf("%q was taken for %+v", b, n)
		}
	})
}
