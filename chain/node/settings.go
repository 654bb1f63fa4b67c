package node

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	cmtcfg "github.com/cometbft/cometbft/config"
	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
	serverconfig "github.com/cosmos/cosmos-sdk/server/config"
	pruningtypes "github.com/cosmos/cosmos-sdk/store/v2/pruning/types"

	"hearth/chain/coin"
)

// Settings are what app.toml holds.
type Settings struct {
	serverconfig.Config `mapstructure:",squash"`

	Hearth Hearth `mapstructure:"hearth"`
}

// Hearth is the section of app.toml that is not the SDK's.
type Hearth struct {
	// Explorer is the address that pages are served at, empty for none.
	Explorer string `mapstructure:"explorer"`
	// Beacon lists the addresses of relays that the beacon's rounds are read from.
	Beacon []string `mapstructure:"beacon"`
	// Operator is the name of the key, in the node's keyring, that signs what a
	// validator owes: verdicts and attestations. Empty: the node does not judge.
	Operator string `mapstructure:"operator"`
	// Weights lists the addresses that weights of models are fetched from.
	Weights []string `mapstructure:"weights"`
	// Duty is the share of one processor's time that judging may take, in
	// thousandths: 1 to 1000.
	Duty int `mapstructure:"duty"`
	// Invariants is after how many blocks the node looks whether all invariants
	// of the state hold; 0 for never.
	Invariants int64 `mapstructure:"invariants"`
}

// check says what is wrong with the section.
func (h Hearth) check() error {
	if h.Duty < 1 || h.Duty > 1000 {
		return fmt.Errorf("duty = %d in the section [hearth] of app.toml: it is in thousandths of one processor's time, 1 to 1000", h.Duty)
	}
	if h.Invariants < 0 {
		return fmt.Errorf("invariants = %d in the section [hearth] of app.toml: it is a number of blocks, or 0 for never", h.Invariants)
	}
	return nil
}

// Template is app.toml with a place for every setting.
const Template = serverconfig.DefaultConfigTemplate + `
###############################################################################
###                                 Hearth                                  ###
###############################################################################

[hearth]
# The address of the explorer's pages; empty for none.
explorer = "{{ .Hearth.Explorer }}"

# Relays of the beacon, asked in turn.
beacon = [{{ range $i, $u := .Hearth.Beacon }}{{ if $i }}, {{ end }}"{{ $u }}"{{ end }}]

# The key in this node's keyring that signs verdicts. Empty: it does not judge.
operator = "{{ .Hearth.Operator }}"

# How much of one processor's time judging may take, in thousandths (1 to 1000).
# A validator that judges too few of the claims that it could loses income.
duty = {{ .Hearth.Duty }}

# After so many blocks the node looks whether all invariants of the state hold
# (that coins are where they are owed, for instance), and logs which do not. It
# never stops for one. 0: never; hearthnode query invariants looks once.
invariants = {{ .Hearth.Invariants }}

# Where the weights of models are fetched from. What is fetched is checked
# against the model's manifest.
weights = [{{ range $i, $u := .Hearth.Weights }}{{ if $i }}, {{ end }}"{{ $u }}"{{ end }}]
`

// DefaultSettings are for a node of a real network.
func DefaultSettings() *Settings {
	s := &Settings{Config: *serverconfig.DefaultConfig(), Hearth: Hearth{Explorer: "127.0.0.1:8430", Duty: 500}}
	s.MinGasPrices = "0.001" + coin.Denom
	s.QueryGasLimit = 50_000_000
	// Half a million nodes of the tree cost most of a gigabyte; this many are
	// enough for the accounts and miners that are busy.
	s.IAVLCacheSize = 100_000
	s.API.Enable = true
	s.API.MaxOpenConnections = mostConnections
	s.API.RPCMaxBodyBytes = mostBody
	s.StateSync.SnapshotInterval = 1000
	s.StateSync.SnapshotKeepRecent = 2
	s.Pruning = pruningtypes.PruningOptionDefault
	return s
}

const (
	// mostBody is the largest request: what the pool takes must come in, and a
	// request has it in base64.
	mostBody = 4 << 20
	// mostConnections of a home are few: apps, explorers and miners around it.
	mostConnections = 100
)

// DefaultComet is for a node of a real network: a block every two seconds, so
// that homes far from each other keep up.
func DefaultComet() *cmtcfg.Config {
	c := cmtcfg.DefaultConfig()
	c.Consensus.TimeoutCommit = 2 * time.Second
	c.RPC.PprofListenAddress = ""
	c.RPC.MaxBodyBytes = mostBody
	c.RPC.MaxOpenConnections = mostConnections
	c.RPC.MaxSubscriptionClients = mostConnections / 2
	// A home's line is shared with those who live there: each peer costs memory
	// and a copy of what is passed on.
	c.P2P.MaxNumInboundPeers = 24
	// A ticket is at most some kilobytes, a job 128 KiB, a challenge of the weights
	// of a large model 2 MiB and a little.
	c.Mempool.MaxTxBytes = 5 << 19
	// As much as sixteen full blocks: half a minute's, and a small computer has it.
	c.Mempool.MaxTxsBytes = 64 << 20
	return c
}

// Files are the files of the node at Home.
type Files struct{ Home string }

// Genesis is the path of the genesis file.
func (f Files) Genesis() string { return filepath.Join(f.Home, "config", "genesis.json") }

// AppConfig is the path of app.toml.
func (f Files) AppConfig() string { return filepath.Join(f.Home, "config", "app.toml") }

// CometConfig is the path of config.toml.
func (f Files) CometConfig() string { return filepath.Join(f.Home, "config", "config.toml") }

// Write writes a node's settings.
func (f Files) Write(comet *cmtcfg.Config, settings *Settings, client clientconfig.ClientConfig) error {
	for _, dir := range [...]string{"config", "data"} {
		if err := os.MkdirAll(filepath.Join(f.Home, dir), 0o700); err != nil {
			return fmt.Errorf("make the node's folder: %w", err)
		}
	}
	comet.SetRoot(f.Home)
	if err := comet.ValidateBasic(); err != nil {
		return fmt.Errorf("check the settings of CometBFT: %w", err)
	}
	cmtcfg.WriteConfigFile(f.CometConfig(), comet)
	if err := settings.ValidateBasic(); err != nil {
		return fmt.Errorf("check the settings of the application: %w", err)
	}
	serverconfig.SetConfigTemplate(Template)
	serverconfig.WriteConfigFile(f.AppConfig(), settings)
	text := fmt.Sprintf(clientTemplate, client.ChainID, client.KeyringBackend, client.Output, client.Node, client.BroadcastMode)
	if err := os.WriteFile(filepath.Join(f.Home, "config", "client.toml"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("write what commands ask: %w", err)
	}
	return nil
}

const clientTemplate = `# What commands of hearthnode use when no flag says otherwise.

chain-id = %q

# Where keys are kept: os, file, or test (for networks whose coins are worthless).
keyring-backend = %q
keyring-default-keyname = ""

# text or json
output = %q

# The node that is asked.
node = %q

# sync waits until the node has checked a transaction, async does not.
broadcast-mode = %q
`
