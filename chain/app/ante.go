package app

import (
	"context"
	"fmt"

	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	"github.com/cosmos/cosmos-sdk/x/auth/ante"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"hearth/chain/coin"
)

// newAnte returns what every transaction must pass before its messages run.
func (a *App) newAnte() (sdk.AnteHandler, error) {
	return ante.NewAnteHandler(ante.HandlerOptions{
		AccountKeeper:   a.Account,
		BankKeeper:      a.Bank,
		FeegrantKeeper:  a.Feegrant,
		SignModeHandler: a.Tx.SignModeHandler(),
		SigGasConsumer:  ante.DefaultSigVerificationGasConsumer,
		TxFeeChecker:    a.fee,
	})
}

// fee returns what a transaction pays, and how early it comes in a node's pool.
// Whether it is enough each node decides for itself, when a transaction comes
// in; in a block any fee is right.
func (a *App) fee(ctx sdk.Context, tx sdk.Tx) (sdk.Coins, int64, error) {
	feeTx, ok := tx.(sdk.FeeTx)
	if !ok {
		return nil, 0, fmt.Errorf("%w: a transaction must name its fee", sdkerrors.ErrTxDecode)
	}
	offered, gas := feeTx.GetFee(), feeTx.GetGas()
	if ctx.IsCheckTx() && !ctx.MinGasPrices().IsZero() {
		free, err := a.duty(ctx, tx)
		if err != nil {
			return nil, 0, err
		}
		if !free {
			least := make(sdk.Coins, 0, len(ctx.MinGasPrices()))
			for _, price := range ctx.MinGasPrices() {
				least = append(least, sdk.NewCoin(price.Denom, price.Amount.MulInt64(int64(gas)).Ceil().RoundInt()))
			}
			if !offered.IsAnyGTE(least) {
				return nil, 0, fmt.Errorf("%w: offered %q, this node takes at least %s for %d gas", sdkerrors.ErrInsufficientFee, offered, least, gas)
			}
		}
	}
	return offered, price(offered, gas), nil
}

// price orders transactions by what they offer for a unit of gas, in millionths
// of the smallest unit.
func price(offered sdk.Coins, gas uint64) int64 {
	amount := offered.AmountOf(coin.Denom)
	if gas == 0 || !amount.IsUint64() || amount.Uint64() > 1<<40 {
		return 0
	}
	return int64(amount.Uint64() * 1e6 / gas)
}

// burnFees burns what the transactions of a block have paid.
func (a *App) burnFees(ctx context.Context) error {
	collector := a.Account.GetModuleAddress(authtypes.FeeCollectorName)
	paid := a.Bank.GetAllBalances(ctx, collector)
	if paid.IsZero() {
		return nil
	}
	if err := a.Bank.BurnCoins(ctx, authtypes.FeeCollectorName, paid); err != nil {
		return fmt.Errorf("burn the fees of the block: %w", err)
	}
	return nil
}

// duty tells whether a transaction only does what a validator owes the chain,
// which is free.
func (a *App) duty(context.Context, sdk.Tx) (bool, error) { return false, nil }
