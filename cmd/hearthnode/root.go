package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"cosmossdk.io/log/v2"
	dbm "github.com/cosmos/cosmos-db"
	"github.com/cosmos/cosmos-sdk/client"
	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
	"github.com/cosmos/cosmos-sdk/client/debug"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/cosmos/cosmos-sdk/client/keys"
	"github.com/cosmos/cosmos-sdk/client/pruning"
	"github.com/cosmos/cosmos-sdk/client/snapshot"
	"github.com/cosmos/cosmos-sdk/server"
	servertypes "github.com/cosmos/cosmos-sdk/server/types"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"
	"github.com/spf13/cast"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"hearth/chain/app"
	"hearth/chain/node"
)

// newRoot returns the command with all that it can do.
func newRoot() (*cobra.Command, error) {
	// An application without a state, to know the modules by.
	shape, err := app.New(log.NewNopLogger(), dbm.NewMemDB(), app.Node{Home: os.TempDir()})
	if err != nil {
		return nil, fmt.Errorf("set up the modules: %w", err)
	}
	base := client.Context{}.
		WithCodec(shape.Codec).
		WithInterfaceRegistry(shape.Registry).
		WithTxConfig(shape.Tx).
		WithLegacyAmino(shape.Amino).
		WithInput(os.Stdin).
		WithAccountRetriever(authtypes.AccountRetriever{}).
		WithHomeDir(defaultHome()).
		WithViper("HEARTHNODE")

	root := &cobra.Command{
		Use:           app.Name,
		Short:         "Run a node of Hearth's network, and ask it",
		Long:          "Run a node of Hearth's network, and ask it.\n\n" + app.Worthless,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRunE: func(cmd *cobra.Command, _ []string) error {
			cmd.SetOut(cmd.OutOrStdout())
			cmd.SetErr(cmd.ErrOrStderr())
			if cmd.Name() == "start" {
				if err := made(cmd); err != nil {
					return err
				}
			}
			c, err := client.ReadPersistentCommandFlags(base.WithCmdContext(cmd.Context()), cmd.Flags())
			if err != nil {
				return err
			}
			if c, err = clientconfig.ReadFromClientConfig(c); err != nil {
				return fmt.Errorf("read config/client.toml: %w", err)
			}
			if err := client.SetCmdClientContextHandler(c, cmd); err != nil {
				return err
			}
			return server.InterceptConfigsPreRunHandler(cmd, node.Template, node.DefaultSettings(), node.DefaultComet())
		},
	}
	own := new(process)
	start := server.StartCmdOptions{PostSetup: func(s *server.Context, c client.Context, ctx context.Context, group *errgroup.Group) error {
		return own.serve(ctx, s, c, group)
	}, AddFlags: func(*cobra.Command) {}}
	server.AddCommandsWithStartCmdOptions(root, defaultHome(), own.open, export, start)
	if err := holdWhileStarted(root); err != nil {
		return nil, err
	}
	root.AddCommand(
		newInit(shape), newBench(), newDevnet(), newJoin(), newJobs(), newWeights(),
		newQuery(shape), newTx(shape),
		keys.Commands(), server.StatusCommand(), debug.Cmd(),
		snapshot.Cmd(own.open), pruning.Cmd(own.open, defaultHome()),
	)
	return root, nil
}

// made returns an error if there is no node to start.
func made(cmd *cobra.Command) error {
	home, err := cmd.Flags().GetString(flags.FlagHome)
	if err != nil {
		return err
	}
	if _, err := os.Stat(node.Files{Home: home}.Genesis()); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no node in %s: make one with hearthnode join URL (of a network that runs), or try hearthnode devnet", home)
	}
	return nil
}

// holdWhileStarted lets one process at a time run what is in a folder.
func holdWhileStarted(root *cobra.Command) error {
	start, _, err := root.Find([]string{"start"})
	if err != nil {
		return fmt.Errorf("find the command that starts a node: %w", err)
	}
	run := start.RunE
	start.RunE = func(cmd *cobra.Command, args []string) error {
		held, err := node.Hold(server.GetServerContextFromCmd(cmd).Config.RootDir)
		if err != nil {
			return err
		}
		defer held.Close()
		return run(cmd, args)
	}
	return nil
}

// open is called by the SDK's server, which takes no error: what a node cannot
// start with ends it here.
func (p *process) open(logger log.Logger, db dbm.DB, options servertypes.AppOptions) servertypes.Application {
	a, err := openApp(logger, db, options)
	if err != nil {
		panic(err)
	}
	p.app = a
	return a
}

func openApp(logger log.Logger, db dbm.DB, options servertypes.AppOptions) (*app.App, error) {
	skip := map[int64]bool{}
	for _, h := range cast.ToIntSlice(options.Get(server.FlagUnsafeSkipUpgrades)) {
		skip[int64(h)] = true
	}
	n := app.Node{Home: cast.ToString(options.Get(flags.FlagHome)), SkipUpgrades: skip}
	return app.New(logger, db, n, server.DefaultBaseappOptions(options)...)
}

// export writes the state at a height (-1: the latest) as a genesis state.
func export(logger log.Logger, db dbm.DB, height int64, zero bool, _ []string, options servertypes.AppOptions, only []string) (servertypes.ExportedApp, error) {
	if zero || len(only) > 0 {
		return servertypes.ExportedApp{}, fmt.Errorf("hearthnode exports the whole state as it stands: leave out --%s and --%s",
			server.FlagForZeroHeight, server.FlagModulesToExport)
	}
	a, err := openApp(logger, db, options)
	if err != nil {
		return servertypes.ExportedApp{}, err
	}
	if height >= 0 {
		return a.ExportAt(height)
	}
	return a.Export()
}
