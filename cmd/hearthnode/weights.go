package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"github.com/cosmos/cosmos-sdk/client/flags"
	"github.com/spf13/cobra"

	"hearth/chain/weights"
	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/work"
)

// newWeights returns the commands for the weights that a node keeps.
func newWeights() *cobra.Command {
	root := &cobra.Command{
		Use: "weights", Short: "Keep the weights of models, and register models",
		Long: `Keep the weights of models, and register models.

To register a model, take it in, write its manifest, and send it:

  hearthnode weights add all-minilm-l6-v2.hearth
  hearthnode weights manifest ID --out manifest.json
  hearthnode tx model register --name all-MiniLM-L6-v2 --licence Apache-2.0 \
    --sources https://example.org/weights --manifest @manifest.json --from me

Validators fetch ID.hearth from the sources, examine it, and attest.`,
		// Nothing of it needs a node that runs.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
	}
	root.PersistentFlags().String(flags.FlagHome, defaultHome(), "the node's folder")
	root.AddCommand(newWeightsAdd(), newWeightsList(), newWeightsManifest(), newWeightsOpen())
	return root
}

// kept opens the weights of a node.
func kept(cmd *cobra.Command) (*weights.Store, error) {
	home, err := cmd.Flags().GetString(flags.FlagHome)
	if err != nil {
		return nil, err
	}
	return weights.Open(weights.Options{
		Dir: filepath.Join(home, "weights"), Carried: []weights.Carried{mini.File()}, Level: kernel.Best(),
	})
}

func newWeightsAdd() *cobra.Command {
	return &cobra.Command{
		Use: "add FILE...", Short: "Take in model files (*.hearth), after examining them",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			s, err := kept(cmd)
			if err != nil {
				return err
			}
			for _, name := range files {
				id, err := s.Add(cmd.Context(), name)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%v %s\n", id, name)
			}
			return nil
		},
	}
}

func newWeightsList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: "List the models whose weights are here",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := kept(cmd)
			if err != nil {
				return err
			}
			ids, err := s.List()
			if err != nil {
				return err
			}
			for _, id := range ids {
				f, err := s.Manifest(id)
				if err != nil {
					return err
				}
				name := "-"
				if f.Source != nil && f.Source.Name != "" {
					name = f.Source.Name
				}
				fmt.Fprintf(cmd.OutOrStdout(), "%v %s %s\n", id, f.Config.Kind, name)
			}
			return nil
		},
	}
}

func newWeightsManifest() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "manifest ID", Short: "Write the manifest that registers a model",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, f, err := keptModel(cmd, args[0])
			if err != nil {
				return err
			}
			if err := s.Fit(f); err != nil {
				return err
			}
			b, err := f.Encode()
			if err != nil {
				return err
			}
			return write(cmd, out, b)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this `file` (default: to the terminal)")
	return cmd
}

func newWeightsOpen() *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use: "open ID MATRIX TILE", Short: "Open a tile of a matrix such as layers.3.up, for a challenge",
		Args: cobra.ExactArgs(3),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, f, err := keptModel(cmd, args[0])
			if err != nil {
				return err
			}
			tile, err := strconv.Atoi(args[2])
			if err != nil {
				return fmt.Errorf("%q is no number of a tile", args[2])
			}
			id, err := f.ID()
			if err != nil {
				return err
			}
			m, _, err := s.Weights(cmd.Context(), id)
			if err != nil {
				return err
			}
			x := matrix(m, args[1])
			if x == nil {
				return fmt.Errorf("the model has no matrix %q that is mined: name one such as layers.1.up", args[1])
			}
			b, err := work.Open(kernel.Best(), x.Weight, x.N, x.K, tile)
			if err != nil {
				return err
			}
			if out == "" {
				return errors.New("an opening is not text: say with --out which file to write")
			}
			return write(cmd, out, b)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "write to this `file`")
	return cmd
}

// keptModel reads the manifest of a model that is here.
func keptModel(cmd *cobra.Command, text string) (*weights.Store, *model.Manifest, error) {
	var id model.Hash
	if err := id.UnmarshalText([]byte(text)); err != nil {
		return nil, nil, fmt.Errorf("%q is no id of a model: %w", text, err)
	}
	s, err := kept(cmd)
	if err != nil {
		return nil, nil, err
	}
	f, err := s.Manifest(id)
	return s, f, err
}

// matrix returns a matrix of a model's layers by its name.
func matrix(m *model.Model, name string) *model.Linear {
	for i := range m.Layers {
		l := &m.Layers[i]
		for _, x := range []*model.Linear{l.QKV, l.Out, l.Up, l.Down} {
			if x.Name == name {
				return x
			}
		}
	}
	return nil
}

// write writes to a file, or to the terminal if there is none.
func write(cmd *cobra.Command, name string, b []byte) error {
	if name == "" {
		_, err := cmd.OutOrStdout().Write(b)
		return err
	}
	return os.WriteFile(name, b, 0o644)
}
