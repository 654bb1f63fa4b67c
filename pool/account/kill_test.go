package account_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/store"
)

// roleVariable makes the test program keep accounts in the folder it names,
// until it is killed.
const roleVariable = "HEARTH_ACCOUNT_TEST_FOLDER"

func TestMain(m *testing.M) {
	if dir := os.Getenv(roleVariable); dir != "" {
		if err := keepAccounts(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func openStore(ctx context.Context, dir string) (*store.Store, error) {
	return store.Open(ctx, filepath.Join(dir, "hearth.db"), store.Options{Key: key(), HeadPath: filepath.Join(dir, "head")})
}

func replay(ctx context.Context, s *store.Store, upTo uint64) (*account.Book, error) {
	records, err := s.Find(ctx, store.Filter{Limit: -1})
	if err != nil {
		return nil, err
	}
	for i, r := range records {
		if r.Seq > upTo {
			records = records[:i]
			break
		}
	}
	return account.Replay(false, each(records))
}

// word is what the keeper of accounts says when something is on the disk.
type word struct {
	Seq    uint64         `json:"seq"`
	Totals account.Totals `json:"totals"`
}

// keepAccounts earns, shares, pays and prunes as fast as it can.
func keepAccounts(dir string) error {
	ctx := context.Background()
	s, err := openStore(ctx, dir)
	if err != nil {
		return err
	}
	if err := s.Trouble(); err != nil {
		return err
	}
	book, err := replay(ctx, s, s.Head().Seq)
	if err != nil {
		return err
	}
	write := func(entries ...ledger.Entry) error {
		before := s.Head().Seq
		if _, err := s.Append(ctx, entries...); err != nil {
			return err
		}
		records, err := s.Records(ctx, before+1, -1)
		if err != nil {
			return err
		}
		for _, r := range records {
			if err := book.Apply(r); err != nil {
				return err
			}
		}
		line, err := json.Marshal(word{s.Head().Seq, book.Totals()})
		if err != nil {
			return err
		}
		_, err = fmt.Printf("%s\n", line)
		return err
	}
	for {
		n := s.Head().Seq
		rnd := rand.New(rand.NewPCG(n, 1))
		if err := write(entry("pool", ledger.Earning{Millisats: 1000 + rnd.Int64N(100_000)})); err != nil {
			return err
		}
		t, err := account.Share(fmt.Sprint("share/", n), account.Revenue("pool"), book.Unshared("pool"), parties, "", "")
		if err != nil {
			return err
		}
		if err := book.Check(t); err != nil {
			return err
		}
		if err := write(entry("farm", t)); err != nil {
			return err
		}
		if msat := book.Balance(host); msat > 10 {
			p := ledger.Payout{ID: fmt.Sprint(n), Rail: "lnd", To: "host", Millisats: msat - 10, State: ledger.PayoutBegun}
			if err := write(pay(p, host)...); err != nil {
				return err
			}
			if p.State = ledger.PayoutFailed; rnd.IntN(2) == 0 {
				p.State, p.Fee = ledger.PayoutPaid, rnd.Int64N(10)
			}
			if err := write(pay(p, host)...); err != nil {
				return err
			}
		}
		if rnd.IntN(20) == 0 {
			if _, err := s.Prune(ctx, noon.Add(time.Hour)); err != nil {
				return err
			}
		}
	}
}

// TestKill kills the keeper of accounts at random instants, again and again.
// Each time all that it said is in the book, the book is even, and nothing
// came or went besides.
func TestKill(t *testing.T) {
	t.Parallel() // it mostly waits
	kills := 60
	if testing.Short() {
		kills = 8
	}
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(9, 9))
	var said uint64
	for range kills {
		last, ok := killOnce(t, dir, time.Duration(rnd.IntN(60_000))*time.Microsecond)
		s, err := openStore(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		report, err := s.Verify(t.Context())
		if err != nil || !report.OK() {
			t.Fatal(report, err)
		}
		now, err := replay(t.Context(), s, s.Head().Seq)
		if err != nil {
			t.Fatal(err)
		}
		if off := now.Totals().Off(); off != 0 {
			t.Fatalf("the book is off by %d", off)
		}
		if ok && last.Seq < said {
			t.Fatalf("it said record %d, and before that %d", last.Seq, said)
		}
		if ok && (report.Pruned == 0 || last.Seq > report.Pruned+1) {
			said = last.Seq
			then, err := replay(t.Context(), s, last.Seq)
			if err != nil {
				t.Fatal(err)
			}
			// A checkpoint behind its last word stands for what it had said.
			if report.Pruned == 0 || checkpointBefore(t, s, last.Seq) {
				if diff := cmp.Diff(last.Totals, then.Totals()); diff != "" {
					t.Fatalf("at record %d:\n%s", last.Seq, diff)
				}
			}
		}
		s.Close()
	}
	if said == 0 {
		t.Error("it never lived long enough to say anything")
	}
	t.Logf("%d kills, %d records", kills, said)
}

// checkpointBefore reports whether the checkpoint that stands for what was
// removed is no later than a record.
func checkpointBefore(t *testing.T, s *store.Store, seq uint64) bool {
	t.Helper()
	list, err := s.Find(t.Context(), store.Filter{Kinds: []ledger.Kind{ledger.KindCheckpoint}, Limit: 1, Newest: true})
	if err != nil {
		t.Fatal(err)
	}
	return len(list) == 1 && list[0].Seq <= seq
}

// killOnce runs the keeper, kills it and returns its last word.
func killOnce(t *testing.T, dir string, after time.Duration) (last word, ok bool) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), roleVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	next := func() bool {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				t.Fatal(err)
			}
			return false // a line that was not finished promises nothing
		}
		if err := json.Unmarshal(line, &last); err != nil {
			t.Fatal(err)
		}
		ok = true
		return true
	}
	next()
	var killed atomic.Bool
	timer := time.AfterFunc(after, func() {
		killed.Store(true)
		cmd.Process.Kill()
	})
	defer timer.Stop()
	for next() {
	}
	if err := cmd.Wait(); err == nil || !killed.Load() {
		t.Fatalf("the keeper ended by itself: %v", err)
	}
	return last, ok
}
