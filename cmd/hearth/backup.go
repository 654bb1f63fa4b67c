package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hearth/store"
)

type backupCmd struct {
	Data string `help:"Folder for the ledger and settings." default:"${data}" type:"path" placeholder:"DIR"`
	File string `arg:"" help:"File to write." type:"path" placeholder:"FILE.tar.gz"`
}

// keepsakes are the small files of a data folder that a backup holds beside
// the database.
func keepsakes() []string { return []string{keyFile, headFile, "auth.json", "tls.pem", homeFile} }

// maxBackup bounds what a restore unpacks.
const maxBackup = 64 << 30

// Run copies the data folder, also of a running home, into one file.
func (c *backupCmd) Run(p *program) (err error) {
	dir, err := ledgerAt{c.Data}.folder()
	if err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(filepath.Dir(c.File), ".hearth-backup-*")
	if err != nil {
		return fmt.Errorf("back up to %s: %w", c.File, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	copied := filepath.Join(tmp, databaseFile)
	if err := copyDatabase(p.ctx, dir, copied); err != nil {
		return err
	}
	out, err := os.OpenFile(c.File, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("back up to %s: %w", c.File, err)
	}
	defer func() {
		if err = errors.Join(err, out.Close()); err != nil {
			_ = os.Remove(c.File)
		}
	}()
	zip := gzip.NewWriter(out)
	arc := tar.NewWriter(zip)
	// The simulated home's files go below its folder, and are put back there.
	prefix := ""
	if filepath.Base(dir) == simulatedDir {
		prefix = simulatedDir + "/"
	}
	names := []string{}
	add := func(name, path string) error {
		err := pack(arc, prefix+name, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		names = append(names, name)
		return err
	}
	errs := []error{add(databaseFile, copied)}
	for _, name := range keepsakes() {
		errs = append(errs, add(name, filepath.Join(dir, name)))
	}
	errs = append(errs, arc.Close(), zip.Close(), out.Sync())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("back up to %s: %w", c.File, err)
	}
	if prefix != "" {
		fmt.Fprintln(p.out, p.paint(warm, "This is the simulated home: it is restored as such."))
	}
	fmt.Fprintf(p.out, "%s holds %s.\nIt contains the key that signs this home's ledger: keep it where only you can read it.\n", c.File, strings.Join(names, ", "))
	return nil
}

func copyDatabase(ctx context.Context, dir, to string) error {
	key, err := store.LoadKey(filepath.Join(dir, keyFile))
	if err != nil {
		return err
	}
	s, err := store.View(ctx, filepath.Join(dir, databaseFile), options(dir, key))
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	return s.Backup(ctx, to)
}

// pack adds one file to the archive.
func pack(arc *tar.Writer, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h := &tar.Header{Name: name, Mode: 0o600, Size: info.Size(), ModTime: info.ModTime(), Format: tar.FormatPAX}
	if err := arc.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(arc, io.LimitReader(f, info.Size()))
	return err
}

type restoreCmd struct {
	Data string `help:"Folder to restore into." default:"${data}" type:"path" placeholder:"DIR"`
	File string `arg:"" help:"A file that \"hearth backup\" wrote." type:"path" placeholder:"FILE.tar.gz"`
}

// Run verifies the backup and puts it in place; what was there is kept beside
// it.
func (c *restoreCmd) Run(p *program) error {
	if err := os.MkdirAll(c.Data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	tmp, err := os.MkdirTemp(c.Data, ".restore-*")
	if err != nil {
		return fmt.Errorf("restore %s: %w", c.File, err)
	}
	defer func() { _ = os.RemoveAll(tmp) }()
	simulated, err := unpack(c.File, tmp)
	if err != nil {
		return fmt.Errorf("restore %s: %w", c.File, err)
	}
	dir := c.Data
	if simulated {
		dir = filepath.Join(c.Data, simulatedDir)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("make the data folder: %w", err)
		}
	}
	key, err := store.LoadKey(filepath.Join(tmp, keyFile))
	if err != nil {
		return err
	}
	report, kept, err := store.Restore(p.ctx, filepath.Join(tmp, databaseFile), filepath.Join(dir, databaseFile), key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	stamp := time.Now().UTC().Format("20060102T150405Z")
	for _, name := range keepsakes() {
		from, to := filepath.Join(tmp, name), filepath.Join(dir, name)
		if _, err := os.Stat(from); err != nil {
			continue
		}
		if _, err := os.Stat(to); err == nil {
			if err := os.Rename(to, to+".replaced-"+stamp); err != nil {
				return fmt.Errorf("put %s aside: %w", name, err)
			}
		}
		if err := os.Rename(from, to); err != nil {
			return fmt.Errorf("restore %s: %w", name, err)
		}
	}
	fmt.Fprintln(p.out, report)
	fmt.Fprintf(p.out, "Restored into %s.\n", dir)
	if kept != "" {
		fmt.Fprintf(p.out, "What was there is kept as %s and *.replaced-%s.\n", filepath.Base(kept), stamp)
	}
	return nil
}

// unpack takes only the files a backup can hold, whatever the archive says,
// and reports whether they are of a simulated home.
func unpack(path, dir string) (simulated bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	zip, err := gzip.NewReader(f)
	if err != nil {
		return false, fmt.Errorf("it is not a backup of Hearth: %w", err)
	}
	arc := tar.NewReader(zip)
	wanted := append([]string{databaseFile}, keepsakes()...)
	seen := map[string]bool{}
	for {
		h, err := arc.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return false, fmt.Errorf("it is damaged: %w", err)
		}
		name, below := strings.CutPrefix(h.Name, simulatedDir+"/")
		switch {
		case !slices.Contains(wanted, name) || seen[name] || h.Typeflag != tar.TypeReg || len(seen) > 0 && below != simulated:
			return false, fmt.Errorf("it is not a backup of Hearth: it holds %q", h.Name)
		case h.Size > maxBackup:
			return false, fmt.Errorf("%s in it is larger than any ledger", h.Name)
		}
		seen[name], simulated = true, below
		if err := write(filepath.Join(dir, name), io.LimitReader(arc, h.Size)); err != nil {
			return false, err
		}
	}
	if !seen[databaseFile] || !seen[keyFile] {
		return false, errors.New("it is not a whole backup of Hearth: the ledger or its key is missing")
	}
	return simulated, nil
}

func write(path string, r io.Reader) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}
