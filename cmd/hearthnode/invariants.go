package main

import (
	"encoding/json"
	"fmt"

	"github.com/cosmos/cosmos-sdk/client"
	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/spf13/cobra"

	"hearth/chain/app"
)

// newInvariants returns the command that asks a node whether all invariants of
// its state hold.
func newInvariants() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "invariants",
		Short: "Ask whether all invariants of the state hold",
		Long: `Ask a node whether all invariants of its latest state hold: that coins are where
they are owed, that nothing is credited twice. What does not hold is named, and
the command fails. Nothing is changed, and the chain goes on.

A node looks for at most a tenth of the time: asked too soon again, it gives the
same answer, which says after which block it was looked.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := client.GetClientQueryContext(cmd)
			if err != nil {
				return err
			}
			text, _, err := c.Query(app.SoundPath)
			if err != nil {
				return fmt.Errorf("ask %s whether invariants hold: %w", c.NodeURI, err)
			}
			var s app.Soundness
			if err := json.Unmarshal(text, &s); err != nil {
				return fmt.Errorf("read what %s says of invariants: %w", c.NodeURI, err)
			}
			if err := s.Err(); err != nil {
				return fmt.Errorf("after block %d %d of %d invariants do not hold:\n%w", s.Height, len(s.Broken), s.Looked, err)
			}
			fmt.Fprintf(cmd.OutOrStdout(), "after block %d all %d invariants hold\n", s.Height, s.Looked)
			return nil
		},
	}
	flags.AddQueryFlagsToCmd(cmd)
	return cmd
}
