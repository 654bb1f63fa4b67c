// Package coin is the one coin of the chain, in the Cosmos SDK's terms.
//
// Hearth's messages and its own state count amounts as whole numbers of the
// smallest unit, 64 bits wide: all coins there can ever be fit easily. Only
// where the bank is asked to move them do they become the SDK's big integers;
// this package is that border. It does not move anything itself.
package coin

import (
	"fmt"

	"cosmossdk.io/math"
	sdk "github.com/cosmos/cosmos-sdk/types"
)

const (
	// Denom is the smallest unit.
	Denom = "uhth"
	// Display is the coin's name for people: Unit of the smallest.
	Display = "HTH"
	// Unit is how many of the smallest unit make a coin.
	Unit = 1_000_000
)

// Of returns an amount as the bank takes it. Nothing at all is the empty set,
// which the bank moves without complaint.
func Of(amount uint64) sdk.Coins {
	if amount == 0 {
		return sdk.Coins{}
	}
	return sdk.Coins{One(amount)}
}

// One returns an amount as a single coin.
func One(amount uint64) sdk.Coin {
	return sdk.Coin{Denom: Denom, Amount: math.NewIntFromUint64(amount)}
}

// Amount returns how much of the chain's coin a set holds. A set with another
// coin in it, or with more than 64 bits hold, is an error.
func Amount(coins sdk.Coins) (uint64, error) {
	switch {
	case len(coins) == 0:
		return 0, nil
	case len(coins) > 1 || coins[0].Denom != Denom:
		return 0, fmt.Errorf("read %q as an amount: expected %s and nothing else", coins, Denom)
	}
	return Read(coins[0].Amount)
}

// Read returns an amount of the bank as a number. One that is negative or has
// more than 64 bits is an error.
func Read(amount math.Int) (uint64, error) {
	if amount.IsNil() || !amount.IsUint64() {
		return 0, fmt.Errorf("read an amount of %s: not a whole number of 64 bits", Denom)
	}
	return amount.Uint64(), nil
}
