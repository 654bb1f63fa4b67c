package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"cosmossdk.io/log/v2"
	cmtcfg "github.com/cometbft/cometbft/config"
	cmtnode "github.com/cometbft/cometbft/node"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	"github.com/cometbft/cometbft/proxy"
	rpc "github.com/cometbft/cometbft/rpc/client/local"
	cmttypes "github.com/cometbft/cometbft/types"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/crypto/keyring"
	"github.com/cosmos/cosmos-sdk/server"
	cmtlog "github.com/cosmos/cosmos-sdk/server/log"
	genutiltypes "github.com/cosmos/cosmos-sdk/x/genutil/types"
	"github.com/spf13/viper"

	"hearth/chain/app"
)

// Running is a node that runs in this process: for tests and measurements. It
// serves CometBFT's RPC if its settings say so, and none of the SDK's APIs.
type Running struct {
	App   *app.App
	Comet *cmtnode.Node
	// Client asks this node without a socket.
	Client *rpc.Local
}

// Open opens the state of a node that does not run.
func (f Files) Open(logger log.Logger) (*app.App, error) {
	comet, options, err := f.load()
	if err != nil {
		return nil, err
	}
	db, err := dbm.NewDB("application", server.GetAppDBBackend(options), comet.DBDir())
	if err != nil {
		return nil, fmt.Errorf("open the state in %s: %w", comet.DBDir(), err)
	}
	a, err := app.New(logger, db, app.Node{Home: f.Home}, server.DefaultBaseappOptions(options)...)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return a, nil
}

// Start starts the node whose files these are.
func (f Files) Start(ctx context.Context, logger log.Logger) (*Running, error) {
	comet, _, err := f.load()
	if err != nil {
		return nil, err
	}
	a, err := f.Open(logger)
	if err != nil {
		return nil, err
	}
	key, err := p2p.LoadNodeKey(comet.NodeKeyFile())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read the key of the node: %w", err), a.Close())
	}
	n, err := cmtnode.NewNodeWithContext(ctx, comet,
		privval.LoadFilePV(comet.PrivValidatorKeyFile(), comet.PrivValidatorStateFile()), key,
		proxy.NewLocalClientCreator(server.NewCometABCIWrapper(a)),
		func() (*cmttypes.GenesisDoc, error) {
			g, err := genutiltypes.AppGenesisFromFile(f.Genesis())
			if err != nil {
				return nil, err
			}
			return g.ToGenesisDoc()
		},
		cmtcfg.DefaultDBProvider, cmtnode.DefaultMetricsProvider(comet.Instrumentation),
		cmtlog.CometLoggerWrapper{Logger: logger})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("set up the node of %s: %w", f.Home, err), a.Close())
	}
	own := rpc.New(n)
	a.RegisterTxService(Connect(a.Encoding, own, a.ChainID()))
	if err := n.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start the node of %s: %w", f.Home, err), a.Close())
	}
	return &Running{App: a, Comet: n, Client: own}, nil
}

// ServeOwn does beside a node of this process what its settings say, until the
// context ends, with a keyring that needs no passphrase.
func (f Files) ServeOwn(ctx context.Context, r *Running, log *slog.Logger) error {
	_, options, err := f.load()
	if err != nil {
		return err
	}
	settings := DefaultSettings()
	if err := options.Unmarshal(settings); err != nil {
		return fmt.Errorf("read %s: %w", f.AppConfig(), err)
	}
	ring, err := keyring.New(app.Name, keyring.BackendTest, f.Home, nil, r.App.Codec)
	if err != nil {
		return fmt.Errorf("open the node's keyring: %w", err)
	}
	return f.Serve(ctx, r.App, r.Client, settings.Hearth, ring, log)
}

// load reads config.toml and app.toml.
func (f Files) load() (*cmtcfg.Config, *viper.Viper, error) {
	v := viper.New()
	v.SetConfigFile(f.CometConfig())
	if err := v.ReadInConfig(); err != nil {
		return nil, nil, fmt.Errorf("read the settings of CometBFT: %w", err)
	}
	comet := cmtcfg.DefaultConfig()
	if err := v.Unmarshal(comet); err != nil {
		return nil, nil, fmt.Errorf("read %s: %w", f.CometConfig(), err)
	}
	comet.SetRoot(f.Home)
	v.SetConfigFile(f.AppConfig())
	if err := v.MergeInConfig(); err != nil {
		return nil, nil, fmt.Errorf("read the settings of the application: %w", err)
	}
	v.Set(flags.FlagHome, f.Home)
	return comet, v, nil
}

// Stop stops the node; its files stay.
func (r *Running) Stop() error {
	err := r.Comet.Stop()
	r.Comet.Wait()
	return errors.Join(err, r.App.Close())
}
