package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"hearth/ledger"
	"hearth/store"
)

type ledgerCmd struct {
	Verify ledgerVerifyCmd `cmd:"" help:"Check every record: any edit, gap, swap, cut tail or rollback is found."`
	Show   ledgerShowCmd   `cmd:"" help:"Print records."`
	Head   ledgerHeadCmd   `cmd:"" help:"Print the signed head. Keep it elsewhere: it proves later that nothing was cut off."`
	Export ledgerExportCmd `cmd:"" help:"Write records as CSV, as Parquet, or as the chain itself."`
	Prune  ledgerPruneCmd  `cmd:"" help:"Remove old detail behind a signed checkpoint that keeps its hash and sums."`
}

// ledgerAt says where the ledger is.
type ledgerAt struct {
	Data string `help:"Folder of the ledger; the simulated home's is DIR/simulated." default:"${data}" type:"path" placeholder:"DIR"`
}

// folder finds the ledger. A folder with only a simulated home in it means
// that one.
func (a ledgerAt) folder() (string, error) {
	for _, dir := range []string{a.Data, filepath.Join(a.Data, simulatedDir)} {
		if _, err := os.Stat(filepath.Join(dir, databaseFile)); err == nil {
			return dir, nil
		}
	}
	return "", coded(exitUsage, fmt.Errorf("there is no ledger in %s: name its folder with --data", a.Data))
}

// open opens the ledger for reading, also while a home writes it. head is a
// file to hold it against in place of the folder's own; it may be empty.
func (a ledgerAt) open(ctx context.Context, head string) (*store.Store, error) {
	dir, err := a.folder()
	if err != nil {
		return nil, err
	}
	key, err := store.LoadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return nil, err
	}
	opts := options(dir, key)
	if head != "" {
		opts.HeadPath = head
	}
	return store.View(ctx, filepath.Join(dir, databaseFile), opts)
}

func options(dir string, key ed25519.PrivateKey) store.Options {
	return store.Options{Key: key, HeadPath: filepath.Join(dir, headFile), Log: slog.New(slog.DiscardHandler), Location: time.Local}
}

type ledgerVerifyCmd struct {
	ledgerAt `embed:""`
	Head     string `help:"A head kept elsewhere, as \"hearth ledger head\" printed it." type:"path" placeholder:"FILE"`
	JSON     bool   `help:"Print JSON."`
}

// Run verifies the ledger.
func (c *ledgerVerifyCmd) Run(p *program) error {
	s, err := c.open(p.ctx, c.Head)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	report, err := s.Verify(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		if err := printJSON(p.out, report); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(p.out, report)
	}
	if !report.OK() {
		return coded(exitProblem, errors.New("the ledger is not as it was written"))
	}
	return nil
}

type ledgerShowCmd struct {
	ledgerAt `embed:""`
	Last     int    `help:"How many of the newest records." default:"20"`
	Kind     string `help:"Only this kind: electricity, heat, command, trip, event, setting …" placeholder:"KIND"`
	Subject  string `help:"Only this device or zone." placeholder:"NAME"`
	JSON     bool   `help:"Print JSON, one record a line."`
}

// Run prints records.
func (c *ledgerShowCmd) Run(p *program) error {
	s, err := c.open(p.ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	f := store.Filter{Subject: c.Subject, Limit: c.Last, Newest: true}
	if c.Kind != "" {
		f.Kinds = []ledger.Kind{ledger.Kind(c.Kind)}
	}
	records, err := s.Find(p.ctx, f)
	if err != nil {
		return err
	}
	rows := [][]string{{"no.", "time", "kind", "subject", "what"}}
	for _, r := range slices.Backward(records) {
		if c.JSON {
			if err := json.NewEncoder(p.out).Encode(r); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, []string{fmt.Sprint(r.Seq), r.At.Local().Format(time.DateTime), string(r.Kind), label(r.Subject, r.Simulated), oneLine(string(r.Body))})
	}
	if !c.JSON {
		table(p.out, rows)
	}
	return nil
}

type ledgerHeadCmd struct {
	ledgerAt `embed:""`
	Key      bool `help:"Print the ledger's public key instead: give it to whoever is to check its records or statements."`
}

// Run prints the head, or the key that it is signed with.
func (c *ledgerHeadCmd) Run(p *program) error {
	if c.Key {
		dir, err := c.folder()
		if err != nil {
			return err
		}
		key, err := store.LoadKey(filepath.Join(dir, keyFile))
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(p.out, "%x\n", key.Public())
		return err
	}
	s, err := c.open(p.ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	line, err := s.Head().MarshalLine()
	if err != nil {
		return err
	}
	_, err = p.out.Write(line)
	return err
}

type ledgerExportCmd struct {
	ledgerAt `embed:""`
	Format   string `help:"csv, parquet, or chain: what a stranger needs to verify." enum:"csv,parquet,chain" default:"csv"`
	From     string `help:"First day, such as 2027-01-01." placeholder:"DAY"`
	To       string `help:"Day after the last." placeholder:"DAY"`
	Out      string `help:"File to write; standard output without it." short:"o" type:"path" placeholder:"FILE"`
}

// Run writes records for other programs.
func (c *ledgerExportCmd) Run(p *program) (err error) {
	from, to := time.Time{}, time.Now().AddDate(100, 0, 0)
	for _, x := range []struct {
		text string
		t    *time.Time
	}{{c.From, &from}, {c.To, &to}} {
		if x.text == "" {
			continue
		}
		if *x.t, err = time.ParseInLocation(time.DateOnly, x.text, time.Local); err != nil {
			return coded(exitUsage, fmt.Errorf("%q is not a day such as 2027-01-01", x.text))
		}
	}
	s, err := c.open(p.ctx, "")
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	var w io.Writer = p.out
	if c.Out != "" {
		f, openErr := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if openErr != nil {
			return fmt.Errorf("write the export: %w", openErr)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		w = f
	}
	return s.Export(p.ctx, w, store.Format(c.Format), from, to)
}

type ledgerPruneCmd struct {
	ledgerAt `embed:""`
	Older    time.Duration `help:"Remove detail older than this." default:"9528h"`
}

// leastDetail is what no pruning removes, so that a slip of the hand does not
// empty a ledger.
const leastDetail = 31 * 24 * time.Hour

// Run prunes a ledger that no running home holds.
func (c *ledgerPruneCmd) Run(p *program) error {
	if c.Older < leastDetail {
		return coded(exitUsage, fmt.Errorf("--older %v: detail of the last %d days is always kept", c.Older, leastDetail/(24*time.Hour)))
	}
	dir, err := c.folder()
	if err != nil {
		return err
	}
	key, err := store.LoadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	s, err := store.Open(p.ctx, filepath.Join(dir, databaseFile), options(dir, key))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	done, err := s.Prune(p.ctx, time.Now().Add(-c.Older))
	if err != nil {
		return err
	}
	fmt.Fprintf(p.out, "Removed %d records and %d minutes of history older than %s; a signed checkpoint stands for the records.\n",
		done.Records, done.Minutes, time.Now().Add(-c.Older).Format(time.DateOnly))
	return nil
}
