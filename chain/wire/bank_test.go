package wire_test

import (
	"testing"

	"hearth/chain/wire"
)

func TestBalancesThatAreNotPlainNumbers(t *testing.T) {
	for _, v := range []string{"", "-1", "+1", "01", "1.0", " 1", "18446744073709551616", "uhth"} {
		if n, err := wire.ParseBalance([]byte(v)); err == nil {
			t.Errorf("%q was read as %d", v, n)
		}
	}
}

// baseAccount is the account as auth's store has it: an Any of a BaseAccount.
func baseAccount(a wire.Account) []byte {
	var base, any wire.Message
	base.Text(1, a.Address.String())
	base.Uint(3, a.Number)
	base.Uint(4, a.Sequence)
	any.Text(1, "/cosmos.auth.v1beta1.BaseAccount")
	any.Data(2, base.Bytes())
	return any.Bytes()
}

func FuzzParseAccount(f *testing.F) {
	f.Add(baseAccount(wire.Account{Address: key(f, 1).Address(), Number: 3, Sequence: 1 << 40}))
	f.Add([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := wire.ParseAccount(b)
		if err != nil {
			return
		}
		if again, err := wire.ParseAccount(baseAccount(a)); err != nil || again != a {
			t.Fatalf("read as %+v, and when written again as %+v (%v)", a, again, err)
		}
	})
}
