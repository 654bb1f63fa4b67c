package store

import (
	"context"
	"crypto/ed25519"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hearth/ledger"
)

// Backup writes a whole copy of the data file to path, as it is at one
// instant, while the store goes on. It returns when the copy is on the disk;
// path must not exist yet. The key and the head are files of their own.
func (s *Store) Backup(ctx context.Context, path string) error {
	if err := s.backup(ctx, path); err != nil {
		return fmt.Errorf("back up ledger to %s: %w", path, err)
	}
	return nil
}

func (s *Store) backup(ctx context.Context, path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: choose another name, or move it away", fs.ErrExist)
	}
	tmp := path + ".part"
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer os.Remove(tmp)
	// A connection of its own, since those for reading may not write at all,
	// not even another file, and the one for writing is not to be kept waiting.
	db, err := sql.Open("sqlite", s.dsn("ro"))
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "vacuum into ?", tmp); err != nil {
		return err
	}
	if err := syncFile(tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// CheckBackup reads the copy at path, which it does not change, and verifies
// its ledger against the key. An error says why it cannot be used at all;
// what is wrong with its ledger is in the report.
func CheckBackup(ctx context.Context, path string, key ed25519.PublicKey) (ledger.Report, error) {
	report, err := checkBackup(ctx, path, key)
	if err != nil {
		return ledger.Report{}, fmt.Errorf("check backup %s: %w", path, classify(err))
	}
	return report, nil
}

func checkBackup(ctx context.Context, path string, key ed25519.PublicKey) (ledger.Report, error) {
	var report ledger.Report
	if _, err := os.Stat(path); err != nil {
		return report, err
	}
	if st, err := os.Stat(path + "-wal"); err == nil && st.Size() > 0 {
		return report, errors.New("it is a data file in use, or one that was not closed, and no backup: its newest records are in the file beside it (-wal); make a backup with `hearth backup`")
	}
	s := &Store{path: path}
	db, err := sql.Open("sqlite", s.dsn("ro", "query_only(1)")+"&immutable=1")
	if err != nil {
		return report, err
	}
	defer db.Close()
	var version int
	if err := db.QueryRowContext(ctx, "pragma user_version").Scan(&version); err != nil {
		return report, err
	}
	if err := checkVersion(version); err != nil {
		return report, err
	}
	if version == 0 {
		return report, errors.New("it is a database, but not one of Hearth's")
	}
	if err := quickCheck(ctx, db); err != nil {
		return report, err
	}
	return ledger.Verify(each(ctx, db, "order by seq"), ledger.Expect{Key: key}), nil
}

// Restore puts the backup in the place of the data file at path, once it has
// verified it, and returns what it found in it. No store may be open there.
// The file that was there is kept beside it, under the name returned; that is
// empty if there was none. At the next start the ledger says that an older
// copy was put back.
func Restore(ctx context.Context, backup, path string, key ed25519.PublicKey) (report ledger.Report, kept string, err error) {
	report, kept, err = restore(ctx, backup, path, key)
	if err != nil {
		err = fmt.Errorf("restore %s: %w", backup, err)
	}
	return report, kept, err
}

func restore(ctx context.Context, backup, path string, key ed25519.PublicKey) (_ ledger.Report, _ string, err error) {
	s := &Store{path: path}
	unclean, err := s.hold()
	if err != nil {
		return ledger.Report{}, "", err
	}
	defer func() { s.release(!unclean || err == nil) }()
	report, err := checkBackup(ctx, backup, key)
	if err != nil {
		return report, "", classify(err)
	}
	if !report.OK() {
		return report, "", fmt.Errorf("its ledger is not whole: %w", report.Problem)
	}
	tmp := path + ".restoring"
	if err := copySynced(backup, tmp); err != nil {
		return report, "", errors.Join(err, os.Remove(tmp))
	}
	kept, err := s.putAside(ctx)
	if err != nil {
		return report, "", errors.Join(err, os.Remove(tmp))
	}
	if err := os.Rename(tmp, path); err != nil {
		return report, kept, err
	}
	return report, kept, syncDir(filepath.Dir(path))
}

// putAside gives the data file a second name. What its WAL holds is brought
// into it first, since a WAL that stayed would be taken for the new file's.
func (s *Store) putAside(ctx context.Context) (string, error) {
	if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	name := s.path + ".replaced"
	for i := 2; ; i++ {
		if _, err := os.Lstat(name); errors.Is(err, fs.ErrNotExist) {
			break
		}
		name = fmt.Sprintf("%s.replaced-%d", s.path, i)
	}
	if db, err := sql.Open("sqlite", s.dsn("rw")); err == nil {
		// A damaged file may refuse: then its WAL is put aside with it.
		_, _ = db.ExecContext(ctx, "pragma wal_checkpoint(truncate)")
		db.Close()
	}
	if err := copySynced(s.path, name); err != nil {
		return "", err
	}
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Rename(s.path+suffix, name+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return name, syncDir(filepath.Dir(s.path))
}

func copySynced(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Sync(), out.Close())
}
