package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"hearth/chain/app"
	"hearth/chain/devnet"
	"hearth/chain/mine"
	"hearth/chain/node"
)

// newDevnet returns the command that runs a network on this machine.
func newDevnet() *cobra.Command {
	plan := devnet.Plan{ChainID: "hearth-devnet"}
	var fast, idle bool
	cmd := &cobra.Command{
		Use:   "devnet",
		Short: "Run a whole network on this machine",
		Long: `Run a whole network on this machine: every validator a process of its own, with
a beacon, accounts with coins, a model and work to be done.

The first run makes the network in --home; later runs take it up where it
stopped. Ctrl-C stops all of it. ` + app.Worthless,
		Args:              cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if fast {
				plan.Pace = devnet.Fast
			}
			program, err := os.Executable()
			if err != nil {
				return fmt.Errorf("find this program: %w", err)
			}
			held, err := node.Hold(plan.Home)
			if err != nil {
				return err
			}
			defer held.Close()
			n, err := devnet.Open(plan.Home)
			if errors.Is(err, fs.ErrNotExist) {
				n, err = devnet.Create(plan, time.Now())
			}
			if err != nil {
				return err
			}
			return runDevnet(ctx, cmd.OutOrStdout(), n, program, !idle)
		},
	}
	cmd.Flags().StringVar(&plan.Home, "home", filepath.Join(defaultHome(), "devnet"), "the network's folder")
	cmd.Flags().IntVar(&plan.Validators, "validators", 4, "how many, 1 to 64; counts when the network is made")
	cmd.Flags().IntVar(&plan.Port, "port", 26650, "the first of the ports, ten for each validator; 0 takes any; counts when the network is made")
	cmd.Flags().BoolVar(&fast, "fast", false, "several blocks a second; counts when the network is made")
	cmd.Flags().BoolVar(&idle, "idle", false, "no miner and no paid jobs of its own")
	return cmd
}

func runDevnet(ctx context.Context, out io.Writer, n *devnet.Network, program string, busy bool) error {
	file, err := os.OpenFile(filepath.Join(n.Dir, "devnet.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("open the network's log: %w", err)
	}
	defer file.Close()
	log := slog.New(slog.NewTextHandler(file, nil))
	group, ctx := errgroup.WithContext(ctx)
	fmt.Fprintf(out, "starting %d validators in %s\n", len(n.Nodes), n.Dir)
	group.Go(func() error { return n.Serve(ctx) })
	group.Go(func() error {
		return n.Run(ctx, out, func(ctx context.Context) error {
			screen(out, n, program)
			if busy {
				group.Go(func() error { return n.Order(ctx, log) })
				group.Go(func() error { return mineOn(ctx, n, log) })
			}
			return nil
		}, program)
	})
	return group.Wait()
}

// mineOn mines until the context ends. A miner that fails is started again: the
// network is there without it.
func mineOn(ctx context.Context, n *devnet.Network, log *slog.Logger) error {
	for {
		err := n.Mine(ctx, 1, func(e mine.Event) { log.Info("mined", "event", e) }, log)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // the end of the context is how it ends
		}
		log.Error("the miner has stopped and is started again", "err", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(5 * time.Second):
		}
	}
}

// screen says what runs and what to do with it.
func screen(out io.Writer, n *devnet.Network, program string) {
	first := n.Nodes[0]
	fmt.Fprintf(out, `
%s is running. %s

  pages      http://%s
  REST       http://%s
  gRPC       %s
  RPC        http://%s
  beacon     http://%s (a key of this machine: it proves nothing to strangers)
  logs       %s (the miner's and the client's: devnet.log)

Accounts, whose keys are with the first validator:
`, n.ChainID, app.Worthless, first.Explorer, first.API, first.GRPC, first.RPC, n.Relay,
		filepath.Join(n.Dir, "node*", "node.log"))
	for _, a := range n.Accounts {
		fmt.Fprintf(out, "  %-12s %s  %s\n", a.Name, a.Address, a.About)
	}
	ask := fmt.Sprintf("--home %s", filepath.Join(n.Dir, first.Home))
	fmt.Fprintf(out, `
To try:
  %[1]s query power validators %[2]s
  %[1]s query work tally %[2]s
  %[1]s query commons projects %[2]s
  %[1]s tx bank send %[3]s 5000000uhth --from alice --gas auto --gas-adjustment 1.5 %[2]s

To mine, at home or here:
  hearth mine work --network %[4]s
  hearth up --network %[4]s

Ctrl-C stops all; the same command goes on.
`, filepath.Base(program), ask, address(n, "bob"), filepath.Join(n.Dir, "network.json"))
}

func address(n *devnet.Network, name string) string {
	for _, a := range n.Accounts {
		if a.Name == name {
			return a.Address
		}
	}
	return name
}
