package beacon

import (
	"fmt"

	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/rule"
)

// leastKeep is for how many blocks values are remembered at least. Claims wait
// for theirs up to 1000 blocks, and ask once more when they end.
const leastKeep = 1100

// DefaultParams are those of the real network: drand's quicknet.
func DefaultParams() Params {
	return following(drand.Quicknet(), Params{
		Margin:        6, // three blocks' time
		MaxRounds:     64,
		StaleAfter:    300,
		StaleBlocks:   50,
		FallbackDelay: 12,
		Keep:          43_200, // a day of blocks
	})
}

// LocalParams follow a beacon of one key, for networks that are only tried out:
// blocks of a second or less, everything sooner.
func LocalParams(chain drand.Chain) Params {
	return following(chain, Params{
		Local: true, Margin: 1, MaxRounds: 64, StaleAfter: 10, StaleBlocks: 10, FallbackDelay: 5, Keep: 2000,
	})
}

func following(c drand.Chain, p Params) Params {
	p.PublicKey, p.GenesisTime, p.Period, p.ChainHash = c.PublicKey[:], c.Genesis, uint32(c.Period), c.Hash[:]
	return p
}

// rules are the parameters as package rule has them.
func (p Params) rules() (rule.Params, error) {
	r := rule.Params{
		Chain:  drand.Chain{Genesis: p.GenesisTime, Period: int64(p.Period)},
		Margin: int64(p.Margin), MaxRounds: int(p.MaxRounds),
		StaleAfter: int64(p.StaleAfter), StaleBlocks: int64(p.StaleBlocks), FallbackDelay: uint64(p.FallbackDelay),
	}
	if copy(r.Chain.PublicKey[:], p.PublicKey) != len(r.Chain.PublicKey) || len(p.PublicKey) != len(r.Chain.PublicKey) {
		return r, fmt.Errorf("the public key has %d bytes: want %d", len(p.PublicKey), len(r.Chain.PublicKey))
	}
	if copy(r.Chain.Hash[:], p.ChainHash) != len(r.Chain.Hash) || len(p.ChainHash) != len(r.Chain.Hash) {
		return r, fmt.Errorf("the chain hash has %d bytes: want %d", len(p.ChainHash), len(r.Chain.Hash))
	}
	return r, nil
}

// Chain is the drand chain that a node has to fetch rounds of.
func (p Params) Chain() (drand.Chain, error) {
	r, err := p.rules()
	return r.Chain, err
}

// Validate tells whether a chain can live by the parameters.
func (p Params) Validate() error {
	r, err := p.rules()
	if err != nil {
		return ErrParams.Wrap(err.Error())
	}
	if err := r.Validate(); err != nil {
		return ErrParams.Wrap(err.Error())
	}
	if local := r.Chain.Hash == drand.Local(r.Chain.PublicKey, p.GenesisTime, p.Period).Hash; local != p.Local {
		return ErrParams.Wrapf("local is %v, and the chain hash says %v", p.Local, local)
	}
	if p.Keep < leastKeep || p.Keep > 10_000_000 {
		return ErrParams.Wrapf("rounds and values are kept for %d blocks: want %d to 10000000", p.Keep, leastKeep)
	}
	return nil
}
