package mine

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"time"

	"hearth/chain/keys"
	"hearth/chain/light/node"
	"hearth/chain/mine/record"
	"hearth/chain/wire"
)

// Wallet returns the wallet of a key. Price is what a million units of gas cost,
// in uhth; granter is the account that pays fees, empty where the key's own does.
func (c *Chain) Wallet(key wire.Key, price uint64, granter string) *Wallet {
	return &Wallet{on: c, key: key, price: price, granter: granter}
}

// Advance goes to the newest block that can be trusted.
func (c *Chain) Advance(ctx context.Context) error {
	_, err := c.follower.Advance(ctx)
	return err
}

// Miner reads a miner's record. Found is false where the owner has none.
func (c *Chain) Miner(ctx context.Context, owner wire.Address) (m record.Miner, found bool, err error) {
	p, err := get(ctx, c, record.Work, record.MinerKey(owner.String()), record.ReadMiner)
	return p.record, p.found, err
}

// Balance reads what an account has, in uhth.
func (c *Chain) Balance(ctx context.Context, of wire.Address) (uint64, error) {
	p, err := get(ctx, c, wire.BankStore, wire.BalanceKey(of, Denom), wire.ParseBalance)
	return p.record, err
}

// LeastBond reads the least bond of a miner, in uhth.
func (c *Chain) LeastBond(ctx context.Context) (uint64, error) {
	p, err := must(ctx, c, record.Work, record.ParamsKey(), record.ReadParams)
	return p.LeastBond, err
}

// Registration is what an owner signs so that hot keys may work for it.
type Registration struct {
	// Bond is what the miner's bond shall be at least, in uhth.
	Bond uint64
	// Hot is what the hot account shall have at least, for fees, in uhth.
	Hot uint64
}

// Messages are what is missing of a registration: nothing, where all is as it
// should be. miner is the chain's record, nil if it has none; hot is what the hot
// account has.
func (r Registration) Messages(chain string, k keys.Hot, miner *record.Miner, hot uint64) []wire.Any {
	p := k.Public()
	proof := func() []byte { return ed25519.Sign(k.Executor(), wire.ExecutorStatement(chain, p.Owner)) }
	var out []wire.Any
	switch {
	case miner == nil:
		out = append(out, wire.RegisterMiner(p.Owner, p.Account, p.Executor, proof(), r.Bond))
	default:
		if miner.Hot != p.Account.String() || [32]byte(miner.Executor) != p.Executor {
			out = append(out, wire.SetKeys(p.Owner, p.Account, p.Executor, proof()))
		}
		if miner.Bond < r.Bond {
			out = append(out, wire.Bond(p.Owner, r.Bond-miner.Bond))
		}
		if miner.Retired {
			out = append(out, wire.Retire(p.Owner, false))
		}
	}
	if hot < r.Hot {
		out = append(out, wire.Send(p.Owner, p.Account, wire.Coin{Denom: Denom, Amount: r.Hot - hot}))
	}
	return out
}

// Fund has the purse of a network on this machine give an account what it lacks
// of an amount. Elsewhere it does nothing: coins have to be had some other way.
func (c *Chain) Fund(ctx context.Context, account wire.Address, amount, price uint64) error {
	if c.network.Purse == nil {
		return nil
	}
	has, err := c.Balance(ctx, account)
	if err != nil || has >= amount {
		return err
	}
	purse := *c.network.Purse
	give := wire.Send(purse.Address(), account, wire.Coin{Denom: Denom, Amount: amount - has})
	if err := c.Wallet(purse, price, "").Do(ctx, give); err != nil {
		return fmt.Errorf("take test coins from the network's purse: %w", err)
	}
	return nil
}

// ErrLate says that a transaction came into no block in time.
var ErrLate = errors.New("the transaction came into no block in time")

// Do sends a transaction and waits until the chain has done what it asks. The
// error holds a [*node.Rejection] where the chain does not.
func (w *Wallet) Do(ctx context.Context, messages ...wire.Any) error {
	_, at := w.on.latest()
	until := at + 10*patience
	hash, err := w.Send(ctx, until, 0, messages...)
	if err != nil {
		return err
	}
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		in, err := w.on.transaction(ctx, hash)
		if err == nil && in.Rejection != nil {
			return in.Rejection
		}
		if advanced := w.on.Advance(ctx); advanced != nil {
			return advanced
		}
		_, at := w.on.latest()
		switch {
		case err == nil && at >= in.Height:
			return nil
		case err != nil && !errors.Is(err, node.ErrUnknown):
			return err
		case err != nil && at > until:
			return fmt.Errorf("%w (%d): try again", ErrLate, until)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// transaction asks the nodes in which block a transaction is.
func (c *Chain) transaction(ctx context.Context, hash [32]byte) (node.Inclusion, error) {
	var causes []error
	for _, n := range c.nodes {
		in, err := n.Transaction(ctx, hash)
		if err == nil || errors.Is(err, node.ErrUnknown) {
			return in, err
		}
		causes = append(causes, err)
	}
	return node.Inclusion{}, errors.Join(causes...)
}
