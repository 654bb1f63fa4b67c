package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"hearth/chain/devnet"
)

// newBench returns the command that measures this machine.
func newBench() *cobra.Command {
	var plan devnet.Plan
	var load devnet.Load
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure blocks and transactions per second on this machine",
		Long: `Measure blocks and transactions per second on this machine: a network in one
process, over the loopback, without a pause between blocks. Nothing is kept.`,
		Args:              cobra.NoArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := os.MkdirTemp("", "hearthnode-bench-")
			if err != nil {
				return fmt.Errorf("make a folder for the network: %w", err)
			}
			defer func() { _ = os.RemoveAll(dir) }()
			plan.Home, plan.ChainID = dir, "hearth-bench"
			f, err := devnet.Measure(cmd.Context(), plan, load)
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				e := json.NewEncoder(out)
				e.SetIndent("", "  ")
				return e.Encode(f)
			}
			fmt.Fprintf(out, "%d validators, %d processors\n", f.Validators, f.Processors)
			fmt.Fprintf(out, "%8.1f blocks/s over %d empty blocks\n", f.BlocksPerSecond, f.Blocks)
			fmt.Fprintf(out, "%8.0f transfers/s over %d, at most %d waiting in a pool\n", f.TransactionsPerSecond, f.Transactions, f.Waiting)
			fmt.Fprintf(out, "%8.1f MB of memory for all of them\n", float64(f.Memory)/1e6)
			fmt.Fprintf(out, "%8.1f kB on disk for an empty block, %.2f kB for a transfer, %.1f MB in all for each\n",
				f.DiskPerBlock/1e3, f.DiskPerTransfer/1e3, float64(f.Disk)/1e6)
			return nil
		},
	}
	cmd.Flags().IntVar(&plan.Validators, "validators", 4, "how many")
	cmd.Flags().Int64Var(&load.Blocks, "blocks", 1000, "empty blocks to make")
	cmd.Flags().IntVar(&load.Transfers, "transfers", 10_000, "transfers of coins to put into blocks")
	cmd.Flags().IntVar(&load.Waiting, "waiting", 1000, "transfers in a node's pool when senders hold back")
	cmd.Flags().BoolVar(&asJSON, "json", false, "write figures for programs")
	return cmd
}
