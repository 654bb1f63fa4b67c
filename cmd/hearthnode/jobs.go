package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"hearth/chain/commons/library"
	"hearth/chain/commons/tree"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/infer/text"
	"hearth/infer/token"
	"hearth/work"
)

// newJobs returns the commands for lists of jobs, which projects of the commons
// are about.
func newJobs() *cobra.Command {
	root := &cobra.Command{
		Use: "jobs", Short: "Make and serve the jobs of a project of the commons",
		Long: `Make and serve the jobs of a project of the commons.

To propose a project, cut a text into jobs, serve them where miners can fetch
them, and send what "make" prints:

  hearthnode jobs make books.txt --model all-minilm-l6-v2.hearth --out books.jobs
  hearthnode jobs serve books.jobs --listen 0.0.0.0:8432
  hearthnode tx commons propose ... --from me`,
		// Nothing of it needs a node that runs.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
	}
	root.AddCommand(newJobsMake(), newJobsServe())
	return root
}

func newJobsMake() *cobra.Command {
	var out, file string
	cut := tree.Cut{Least: 12, Longest: 120}
	cmd := &cobra.Command{
		Use: "make TEXT", Short: "Cut a text into jobs: one for each passage, which empty lines part",
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "" {
				return errors.New("say with --out which file the jobs shall be in")
			}
			content, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("read the text: %w", err)
			}
			m, words, err := modelOf(file)
			if err != nil {
				return err
			}
			if m.Config().Kind == model.Decoder && cut.Answer == 0 {
				cut.Answer = 16
			}
			jobs, err := cut.Passages(m, words.Text, string(content))
			if err != nil {
				return fmt.Errorf("cut %s into jobs: %w", args[0], err)
			}
			dearest, all, err := jobs.Cost(m.Config())
			if err != nil {
				return err
			}
			var b bytes.Buffer
			if _, err := jobs.WriteTo(&b); err != nil {
				return err
			}
			if err := write(cmd, out, b.Bytes()); err != nil {
				return err
			}
			root := jobs.Root()
			fmt.Fprintf(cmd.OutOrStdout(), `model      %v
jobs       %d
jobs-root  %x
job-macs   %d (of the dearest job)
budget     %d (all of them, and room for the dearest, which is set aside for each)
path       /%s (below the address they are served at)
`, m.ID(), jobs.Len(), root, dearest, all+dearest, library.Path(root))
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&out, "out", "", "write the jobs to this `file`")
	f.StringVar(&file, "model", "", "model `file` (*.hearth); by default the small one that the program carries")
	f.IntVar(&cut.Least, "least", cut.Least, "tokens of a prompt, at least: shorter passages are left out")
	f.IntVar(&cut.Longest, "longest", cut.Longest, "tokens of a prompt, at most: longer passages become several jobs")
	f.IntVar(&cut.Answer, "answer", 0, "tokens that a decoder goes on for (default 16); an encoder embeds")
	f.IntVar(&cut.Jobs, "most", 0, "jobs to make, at most; 0 for all")
	return cmd
}

// modelOf reads a model file, to the extent that jobs need it.
func modelOf(file string) (*work.Model, *text.Coder, error) {
	var in io.ReaderAt = mini.File()
	size := mini.File().Size()
	if file != "" {
		f, err := os.Open(file)
		if err != nil {
			return nil, nil, fmt.Errorf("open the model: %w", err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			return nil, nil, fmt.Errorf("open the model: %w", err)
		}
		in, size = f, info.Size()
	}
	_, manifest, tokenizer, err := model.Read(in, size)
	if err != nil {
		return nil, nil, fmt.Errorf("read the model: %w", err)
	}
	m, err := work.NewModel(manifest)
	if err != nil {
		return nil, nil, err
	}
	t, err := token.Parse(tokenizer)
	if err != nil {
		return nil, nil, fmt.Errorf("read the model's tokenizer: %w", err)
	}
	words, err := text.NewCoder(t, "", manifest.Template)
	if err != nil {
		return nil, nil, fmt.Errorf("read the model's form of text: %w", err)
	}
	return m, words, nil
}

func newJobsServe() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "serve FILE...", Short: "Serve jobs over HTTP to those who run them",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, files []string) error {
			var lists []*tree.List
			for _, name := range files {
				l, err := listOf(name)
				if err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				lists = append(lists, l)
			}
			return serveJobs(cmd.Context(), cmd.OutOrStdout(), listen, lists)
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:8432", "`address` to serve at")
	return cmd
}

func listOf(name string) (*tree.List, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return tree.Read(f, info.Size())
}

// serveJobs serves until the context ends.
func serveJobs(ctx context.Context, out io.Writer, address string, lists []*tree.List) error {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen at %s: %w", address, err)
	}
	for _, jobs := range lists {
		fmt.Fprintf(out, "%d jobs at http://%s/%s\n", jobs.Len(), l.Addr(), library.Path(jobs.Root()))
	}
	srv := &http.Server{Handler: library.NewHandler(lists...), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { srv.Close() })
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve jobs at %s: %w", address, err)
	}
	return nil
}
