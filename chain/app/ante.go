package app

import (
	"context"
	"fmt"

	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"
	sdkerrors "github.com/cosmos/cosmos-sdk/types/errors"
	"github.com/cosmos/cosmos-sdk/x/auth/ante"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/cosmos/cosmos-sdk/x/authz"

	"hearth/chain/coin"
	"hearth/chain/model"
	"hearth/chain/work"
	format "hearth/work"
)

// newAnte returns what every transaction must pass before its messages run.
func (a *App) newAnte() (sdk.AnteHandler, error) {
	standard, err := ante.NewAnteHandler(ante.HandlerOptions{
		AccountKeeper:   a.Account,
		BankKeeper:      a.Bank,
		FeegrantKeeper:  a.Feegrant,
		SignModeHandler: a.Tx.SignModeHandler(),
		SigGasConsumer:  ante.DefaultSigVerificationGasConsumer,
		TxFeeChecker:    a.fee,
	})
	if err != nil {
		return nil, err
	}
	return func(ctx sdk.Context, tx sdk.Tx, simulate bool) (sdk.Context, error) {
		if err := plain(tx); err != nil {
			return ctx, err
		}
		ctx, err := standard(ctx, tx, simulate)
		if err != nil || !ctx.IsCheckTx() || simulate {
			return ctx, err
		}
		// Tickets are looked at once; later only whether the claim still takes
		// what was sent.
		if !ctx.IsReCheckTx() {
			if err := a.tickets(ctx, tx, ctx.BlockHeight()+1); err != nil {
				return ctx, err
			}
		}
		return ctx, a.pool(ctx, tx)
	}, nil
}

// plain refuses tickets inside of other messages, where nobody would look at
// them before they are in a block.
func plain(tx sdk.Tx) error {
	for _, m := range tx.GetMsgs() {
		exec, ok := m.(*authz.MsgExec)
		if !ok {
			continue
		}
		for _, packed := range exec.Msgs {
			switch packed.GetCachedValue().(type) {
			case *work.MsgSubmitTickets, *authz.MsgExec:
				return fmt.Errorf("%w: tickets must be sent by the miner's hot key itself, and grants used one at a time", sdkerrors.ErrInvalidRequest)
			}
		}
	}
	return nil
}

// tickets checks the tickets of a transaction for the block of a height, with
// the node's weights if they are there.
func (a *App) tickets(ctx sdk.Context, tx sdk.Tx, height int64) error {
	for _, m := range tx.GetMsgs() {
		if msg, ok := m.(*work.MsgSubmitTickets); ok {
			if err := a.Work.Tier0(ctx, msg, height, a.benches()); err != nil {
				return err
			}
		}
	}
	return nil
}

// pool tells whether the node's pool may keep the tickets of a transaction.
func (a *App) pool(ctx sdk.Context, tx sdk.Tx) error {
	free := ctx.WithGasMeter(storetypes.NewInfiniteGasMeter())
	for _, m := range tx.GetMsgs() {
		if msg, ok := m.(*work.MsgSubmitTickets); ok {
			if err := a.Work.Pool(free, msg, ctx.BlockHeight()+1); err != nil {
				return err
			}
		}
	}
	return nil
}

// SetBenches says how this node weighs tickets. Without, it only looks at what
// needs no weights. It may be called while blocks are made.
func (a *App) SetBenches(b work.Benches) { a.weights.Store(&b) }

func (a *App) benches() work.Benches {
	if b := a.weights.Load(); b != nil {
		return *b
	}
	return noWeights
}

// noWeights are the benches of a node that has no model.
func noWeights(*format.Model) (work.Bench, bool) { return nil, false }

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
		if !a.duty(ctx, feeTx) {
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

// dutyGas is the most gas that a transaction without a fee may ask for.
const dutyGas = 5_000_000

// duty tells whether a transaction only does what a validator owes the chain,
// which is free, once: what was said is noted in the state that the pool is
// checked against until the next block. Otherwise one validator could fill
// pools and blocks with what says the same again, at no cost.
func (a *App) duty(ctx sdk.Context, tx sdk.FeeTx) bool {
	if tx.GetGas() > dutyGas {
		return false
	}
	free := ctx.WithGasMeter(storetypes.NewInfiniteGasMeter())
	for _, m := range tx.GetMsgs() {
		var err error
		if attest, ok := m.(*model.MsgAttest); ok {
			err = a.Model.Duty(free, attest)
		} else {
			err = a.Work.Duty(free, m)
		}
		if err != nil {
			return false
		}
	}
	return true
}
