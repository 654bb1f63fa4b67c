// Package app is hearthnode's application.
package app

import (
	_ "github.com/cosmos/cosmos-sdk/server"
	_ "github.com/cosmos/cosmos-sdk/x/auth"
	_ "github.com/cosmos/cosmos-sdk/x/auth/tx"
	_ "github.com/cosmos/cosmos-sdk/x/authz/module"
	_ "github.com/cosmos/cosmos-sdk/x/bank"
	_ "github.com/cosmos/cosmos-sdk/x/consensus"
	_ "github.com/cosmos/cosmos-sdk/x/epochs"
	_ "github.com/cosmos/cosmos-sdk/x/feegrant/module"
	_ "github.com/cosmos/cosmos-sdk/x/gov"
	_ "github.com/cosmos/cosmos-sdk/x/upgrade"

	_ "github.com/bufbuild/protocompile"
	_ "github.com/consensys/gnark-crypto/ecc/bls12-381"
	_ "github.com/decred/dcrd/dcrec/secp256k1/v4"
)
