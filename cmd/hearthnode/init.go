package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	clientconfig "github.com/cosmos/cosmos-sdk/client/config"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/spf13/cobra"

	"hearth/chain/app"
	"hearth/chain/node"
)

// newInit returns the command that makes the files of a node.
func newInit(shape *app.App) *cobra.Command {
	var genesis, moniker string
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make the files of a node",
		Long: `Make the files of a node: settings, keys, and the genesis it begins from.

With --genesis the genesis of a network that is there already is taken. Without,
a new one is written, with no validators yet: add them to its state of power,
give everybody the same file, and start. To join a network that runs, use join.`,
		Args: cobra.NoArgs,
		// Nothing is read from files that are not there yet.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := cmd.Flags().GetString(flags.FlagHome)
			if err != nil {
				return err
			}
			chainID, err := cmd.Flags().GetString(flags.FlagChainID)
			if err != nil {
				return err
			}
			f := node.Files{Home: home}
			if _, err := os.Stat(f.Genesis()); !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("%s is there already (%w): choose another --%s", f.Genesis(), fs.ErrExist, flags.FlagHome)
			}
			comet := node.DefaultComet()
			comet.Moniker = moniker
			client := *clientconfig.DefaultConfig()
			client.ChainID = chainID
			if err := f.Write(comet, node.DefaultSettings(), client); err != nil {
				return err
			}
			who, err := f.Identify()
			if err != nil {
				return err
			}
			if genesis != "" {
				b, err := os.ReadFile(genesis)
				if err != nil {
					return fmt.Errorf("read the network's genesis: %w", err)
				}
				if err := os.WriteFile(f.Genesis(), b, 0o644); err != nil {
					return fmt.Errorf("keep the network's genesis: %w", err)
				}
			} else if err := newGenesis(shape, f, chainID); err != nil {
				return err
			}
			key, err := shape.Codec.MarshalInterfaceJSON(who.PubKey)
			if err != nil {
				return fmt.Errorf("write the node's key: %w", err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "made %s\npeer %s\nkey  %s\n%s\n", home, who.Peer, key, app.Worthless)
			return nil
		},
	}
	cmd.Flags().StringVar(&genesis, "genesis", "", "take the genesis from this `file`")
	cmd.Flags().StringVar(&moniker, "moniker", "hearth", "what the node calls itself to its peers")
	cmd.Flags().String(flags.FlagChainID, "hearth-1", "name of the network")
	cmd.Flags().String(flags.FlagHome, defaultHome(), "the node's folder")
	return cmd
}

func newGenesis(shape *app.App, f node.Files, chainID string) error {
	state, err := shape.DefaultGenesis()
	if err != nil {
		return err
	}
	g, err := node.NewGenesis(chainID, time.Now(), state)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(g, "", " ")
	if err != nil {
		return fmt.Errorf("write the genesis: %w", err)
	}
	if err := os.WriteFile(f.Genesis(), text, 0o644); err != nil {
		return fmt.Errorf("write the genesis: %w", err)
	}
	return nil
}
