package wire_test

import (
	"bytes"
	"fmt"

	"hearth/chain/wire"
)

func ExampleTransaction_Sign() {
	secret := bytes.Repeat([]byte{1}, 32)
	key, err := wire.KeyFromBytes(secret)
	if err != nil {
		fmt.Println(err)
		return
	}
	pay := wire.Transaction{
		Messages: []wire.Any{wire.Send(key.Address(), wire.Address{}, wire.Coin{Denom: "uhth", Amount: 5})},
		Fee:      []wire.Coin{{Denom: "uhth", Amount: 1}},
		Gas:      100_000,
	}
	signed, err := pay.Sign(key, wire.Signer{Chain: "hearth-devnet", Account: 3, Sequence: 7})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(key)
	fmt.Printf("%d bytes, %X\n", len(signed), wire.Hash(signed))
	// Output:
	// hearth10xcqpzrky6eff2g52qdye53xkk9jxkvrzjfwwh
	// 310 bytes, 5FC86825BD12D62C0C44348B8DF4AE4F0C040991F2E2BEBB30858756DDE32B42
}
