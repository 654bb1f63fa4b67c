package coin_test

import (
	"math"
	"testing"

	sdkmath "cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
	"pgregory.net/rapid"

	"hearth/chain/coin"
)

func TestAmountsGoToTheBankAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Uint64().Draw(t, "amount")
		coins := coin.Of(amount)
		if err := coins.Validate(); err != nil {
			t.Fatalf("the bank would refuse %d: %v", amount, err)
		}
		back, err := coin.Amount(coins)
		if err != nil || back != amount {
			t.Fatalf("%d came back as %d, %v", amount, back, err)
		}
	})
}

func TestWhatIsNoAmount(t *testing.T) {
	tooMany := sdkmath.NewIntFromUint64(math.MaxUint64).AddRaw(1)
	for name, coins := range map[string]sdk.Coins{
		"another coin":      {sdk.NewInt64Coin("uatom", 5)},
		"two coins":         {sdk.NewInt64Coin("uatom", 5), sdk.NewInt64Coin(coin.Denom, 5)},
		"more than 64 bits": {sdk.NewCoin(coin.Denom, tooMany)},
		"less than nothing": {sdk.Coin{Denom: coin.Denom, Amount: sdkmath.NewInt(-1)}},
		"no number":         {sdk.Coin{Denom: coin.Denom}},
	} {
		if amount, err := coin.Amount(coins); err == nil {
			t.Errorf("%s was read as %d", name, amount)
		}
	}
}
