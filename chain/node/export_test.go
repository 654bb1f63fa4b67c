package node

import (
	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/spf13/viper"

	"hearth/chain/app"
	"hearth/chain/judge/court"
	registry "hearth/chain/model"
	"hearth/chain/work"
)

// Load reads config.toml and app.toml.
func (f Files) Load() (*cmtcfg.Config, *viper.Viper, error) { return f.load() }

// Check says what is wrong with a node's own settings.
func (h Hearth) Check() error { return h.check() }

// NewBar returns the chain as a validator's court sees it.
func NewBar(a *app.App, s *Signer) court.Chain {
	return bar{app: a, signer: s, operator: s.Address, work: work.NewQueryClient(s.conn), models: registry.NewQueryClient(s.conn)}
}
