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
		Messages: []wire.Any{wire.Send(key.Address(), wire.Address{}, wire.Coin{Denom: "ember", Amount: 5})},
		Fee:      []wire.Coin{{Denom: "ember", Amount: 1}},
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
	// 312 bytes, 473A04C26F2E296FCA92A76A46A76457120B345B0FEA424AF59F29D331887271
}
