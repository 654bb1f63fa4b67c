package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"hearth/chain/keys"
	"hearth/chain/mine"
	"hearth/chain/wire"
)

type mineRegisterCmd struct {
	networkAt `embed:""`
	keysFrom  `embed:""`
	coldWords `embed:""`
	Bond      uint64 `help:"Least bond in uhth; 0 is ten times what the network asks for. It is lost where work is not delivered or wrong." default:"0"`
	HotCoins  uint64 `help:"What the hot account shall have for fees, in uhth." default:"10000000"`
	Unsigned  string `help:"Do not sign: write the transaction to this file, for the machine that has the cold key (\"hearthnode tx sign\")." type:"path" placeholder:"FILE"`
	GasPrice  uint64 `help:"What a million units of gas are worth to you, in uhth." default:"1000"`
	JSON      bool   `help:"Print JSON."`
}

// registered is what came of a registration, for programs.
type registered struct {
	publicKeys
	Chain    string `json:"chain"`
	Changed  int    `json:"changed"` // messages that were sent
	Bond     uint64 `json:"bond_uhth"`
	Unsigned string `json:"unsigned,omitempty"`
}

// Run registers the hot keys.
func (c *mineRegisterCmd) Run(p *program) error {
	if (c.Words == "") == (c.Unsigned == "") {
		return coded(exitUsage, errors.New("the owner has to sign: give the words of the cold key with --words FILE, or --unsigned FILE to sign on another machine"))
	}
	hot, err := c.load(p, c.Data)
	if err != nil {
		return err
	}
	var cold *wire.Key
	if c.Words != "" {
		key, err := c.read(p)
		if err != nil {
			return err
		}
		if key.Address() != hot.Owner() {
			return coded(exitUsage, fmt.Errorf("the words are those of %s, and the hot keys were made for %s", key.Address(), hot.Owner()))
		}
		cold = &key
	}
	chain, err := c.connect(p.ctx)
	if err != nil {
		return err
	}
	defer func() { _ = chain.Close() }()
	messages, bond, err := registration(p.ctx, chain, hot, c.Bond, c.HotCoins)
	if err != nil {
		return explainChain(err)
	}
	out := registered{publicKeys: publicOf(hot.Public()), Chain: chain.Network().Chain, Changed: len(messages), Bond: bond, Unsigned: c.Unsigned}
	switch {
	case len(messages) == 0:
	case cold == nil:
		b, err := mine.Unsigned(messages, 400_000*uint64(len(messages)))
		if err != nil {
			return err
		}
		if err := os.WriteFile(c.Unsigned, b, 0o600); err != nil {
			return fmt.Errorf("write the transaction: %w", err)
		}
	default:
		if err := chain.Fund(p.ctx, hot.Owner(), bond+c.HotCoins+feeReserve, c.GasPrice); err != nil {
			return explainChain(err)
		}
		if err := chain.Wallet(*cold, c.GasPrice, "").Do(p.ctx, messages...); err != nil {
			if errors.Is(err, mine.ErrNoAccount) {
				return fmt.Errorf("the owner %s has no coins on %s: the bond of %d uhth and fees have to come from somewhere (%w)", hot.Owner(), out.Chain, bond, err)
			}
			return explainChain(err)
		}
	}
	if c.JSON {
		return printJSON(p.out, out)
	}
	switch {
	case len(messages) == 0:
		fmt.Fprintln(p.out, "All is registered as it should be.")
	case cold == nil:
		fmt.Fprintf(p.out, "The transaction is in %s. On the machine with the cold key: \"hearthnode tx sign %s --from NAME\", and send what it prints with \"hearthnode tx broadcast\".\n", c.Unsigned, c.Unsigned)
	default:
		fmt.Fprintf(p.out, "Registered on %s, with a bond of %d uhth. \"hearth mine work\" mines.\n", oneLine(out.Chain), bond)
	}
	if chain.Network().Test {
		fmt.Fprintln(p.out, p.paint(warm, worthless))
	}
	return nil
}

// feeReserve is what an owner shall have for fees, where a network of this
// computer hands out coins, in uhth.
const feeReserve = 1_000_000

// bondTimes the least bond is what a miner bonds who names no sum: enough for
// several claims at a time, and not barred by the first that is lost.
const bondTimes = 10

// registration is what is missing of a miner's registration, and its bond.
func registration(ctx context.Context, chain *mine.Chain, hot keys.Hot, bond, coins uint64) ([]wire.Any, uint64, error) {
	if err := chain.Advance(ctx); err != nil {
		return nil, 0, err
	}
	if bond == 0 {
		least, err := chain.LeastBond(ctx)
		if err != nil {
			return nil, 0, err
		}
		bond = bondTimes * least
	}
	m, found, err := chain.Miner(ctx, hot.Owner())
	if err != nil {
		return nil, 0, err
	}
	has, err := chain.Balance(ctx, hot.Public().Account)
	if err != nil {
		return nil, 0, err
	}
	r := mine.Registration{Bond: bond, Hot: coins}
	if found {
		return r.Messages(chain.Network().Chain, hot, &m, has), bond, nil
	}
	return r.Messages(chain.Network().Chain, hot, nil, has), bond, nil
}
