//go:build unix

package journal

import (
	"context"
	"errors"
	"fmt"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/job"
)

func diskRoles() map[string]func(dir string) error {
	return map[string]func(string) error{"filelimit": fileLimitRole}
}

// TestRealFullDisk fills a real disk under a journal and its ledger, in a
// process of its own whose files may not grow beyond a size.
func TestRealFullDisk(t *testing.T) {
	if out, err := play(t, "filelimit", t.TempDir()).Output(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
}

func fileLimitRole(dir string) error {
	// Go ends a program that exceeds the limit unless it says that it copes.
	signal.Ignore(syscall.SIGXFSZ)
	ctx := context.Background()
	s, err := openStore(ctx, dir)
	if err != nil {
		return err
	}
	j, err := Open(dir+"/journal", s, Config{Buffer: 200})
	if err != nil {
		return err
	}
	var was syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 100_000, Max: was.Max}); err != nil {
		return err
	}
	const shares = 5000
	var full error
	for i := range shares {
		j.Add(Share{At: time.Now(), Worker: fmt.Sprint("w", i%7), Source: "pool", Work: 1, Header: job.Header{Nonce: uint32(i) + 1}})
		if i%50 == 49 {
			full = errors.Join(full, j.Sync(ctx))
		}
	}
	if !errors.Is(full, ErrPaused) || !errors.Is(full, syscall.EFBIG) {
		return fmt.Errorf("on a full disk: %w", full)
	}
	if st := j.Status(); st.Waiting != 200 || st.Added == 0 || st.Paused == nil {
		return fmt.Errorf("on a full disk: %+v", st)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &was); err != nil {
		return err
	}
	if err := j.Fold(ctx); err != nil {
		return err
	}
	var count int64
	for r, err := range s.Since(ctx, time.Time{}, ledger.KindShares) {
		if err != nil {
			return err
		}
		body, err := r.Decode()
		if err != nil {
			return err
		}
		if x, ok := body.(ledger.Shares); ok {
			count += x.Count
		}
	}
	if count != shares {
		return fmt.Errorf("%d shares are in the ledger, %d were added", count, shares)
	}
	return errors.Join(j.Close(ctx), s.Close())
}
