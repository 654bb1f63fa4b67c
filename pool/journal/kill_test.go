package journal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/job"
	"hearth/store"
)

// roleVariable makes the test program keep a journal in the folder it names
// until it is killed, or fill the disk under one.
const roleVariable = "HEARTH_JOURNAL_TEST_ROLE"

func TestMain(m *testing.M) {
	roles := map[string]func(dir string) error{"miner": minerRole}
	maps.Copy(roles, diskRoles())
	if name := os.Getenv(roleVariable); name != "" {
		if err := roles[name](os.Args[1]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// play returns the command that plays a role in the folder dir.
func play(t *testing.T, role, dir string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, dir)
	cmd.Env = append(os.Environ(), roleVariable+"="+role)
	cmd.Stderr = os.Stderr
	return cmd
}

func journalIn(dir string, s *store.Store) (*Journal, error) {
	return Open(filepath.Join(dir, "journal"), s, Config{Interval: 25 * time.Millisecond, Commit: 2 * time.Millisecond})
}

// minerRole adds shares as fast as it can, each of a worker of its own, in a
// journal that commits and folds all the time, and says after each sync how
// many are promised. It goes on where the life before it can have ended.
func minerRole(dir string) error {
	ctx := context.Background()
	s, err := openStore(ctx, dir)
	if err != nil {
		return err
	}
	j, err := journalIn(dir, s)
	if err != nil {
		return err
	}
	first, err := strconv.Atoi(os.Getenv("HEARTH_JOURNAL_TEST_FIRST"))
	if err != nil {
		return err
	}
	go j.Run(ctx)
	for n := first; ; {
		for range 4 {
			x := share(n)
			x.At = time.Now()
			x.Header = job.Header{Nonce: uint32(n)}
			j.Add(x)
			n++
			fmt.Printf("added %d\n", n)
		}
		if err := j.Sync(ctx); err != nil {
			return err
		}
		fmt.Printf("safe %d\n", n)
	}
}

// TestKill kills a journal at random instants, again and again: while it
// writes, syncs, folds into the store, or starts. In the end every share that
// was promised is in the ledger once, and none twice.
func TestKill(t *testing.T) {
	t.Parallel() // it mostly waits
	kills := 100
	if testing.Short() {
		kills = 10
	}
	rnd := rand.New(rand.NewPCG(7, 7))
	const perFolder = 10 // lives of one journal
	var promised, segments int
	for range kills / perFolder {
		p, n := killMany(t, t.TempDir(), perFolder, rnd)
		promised, segments = promised+p, segments+n
	}
	if promised == 0 || segments < kills/2 {
		t.Errorf("only %d shares promised, %d segments folded", promised, segments)
	}
	t.Logf("%d kills, %d shares promised, %d segments", kills, promised, segments)
}

// killMany kills the lives of one journal one after the other, and looks at
// what is left of them.
func killMany(t *testing.T, dir string, kills int, rnd *rand.Rand) (promised, segments int) {
	t.Helper()
	type span struct{ first, safe, added int }
	var lives []span
	next := 0
	for range kills {
		safe, added := killOnce(t, dir, next, time.Duration(rnd.IntN(80_000))*time.Microsecond)
		lives = append(lives, span{next, max(safe, next), max(added, next)})
		promised += max(safe, next) - next
		next = max(added, next) + 100
	}
	s, err := openStore(t.Context(), dir)
	must(t, err)
	j, err := journalIn(dir, s)
	must(t, err)
	must(t, j.Fold(t.Context()))
	must(t, j.Close(t.Context()))
	report, err := s.Verify(t.Context())
	if err != nil || !report.OK() {
		t.Fatal(report, err)
	}
	records, err := s.Find(t.Context(), store.Filter{Limit: -1, Kinds: []ledger.Kind{ledger.KindShares, ledger.KindGap}})
	must(t, err)
	times := map[string]int64{}
	for _, r := range records {
		body, err := r.Decode()
		must(t, err)
		times[r.Subject] += body.(ledger.Shares).Count
	}
	for _, l := range lives {
		for n := l.first; n < l.added+100; n++ {
			if got := times[share(n).Worker]; got > 1 || n < l.safe && got != 1 {
				t.Fatalf("share %d is in the ledger %d times; of the life %+v", n, got, l)
			}
		}
	}
	must(t, s.Close())
	names, err := filepath.Glob(filepath.Join(dir, "journal", "*"+foldedEnd))
	must(t, err)
	for _, name := range names {
		// The headers are made up, and so prove nothing.
		if rep, err := Verify(name, each(records)); err != nil || len(rep.Missing)+len(rep.Extra) > 0 || rep.Excess > 0 {
			t.Fatal(rep, err)
		}
	}
	return promised, len(names)
}

// killOnce runs a miner, kills it, and returns how many shares it had promised
// and added.
func killOnce(t *testing.T, dir string, first int, after time.Duration) (safe, added int) {
	t.Helper()
	cmd := play(t, "miner", dir)
	cmd.Env = append(cmd.Env, fmt.Sprint("HEARTH_JOURNAL_TEST_FIRST=", first))
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	lines := bufio.NewReader(out)
	next := func() bool {
		line, err := lines.ReadString('\n')
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrClosed) {
				t.Fatal(err)
			}
			return false // a line that was not finished promises nothing
		}
		word, number, _ := strings.Cut(strings.TrimSpace(line), " ")
		n, err := strconv.Atoi(number)
		must(t, err)
		if word == "safe" {
			safe = n
		}
		added = n
		return true
	}
	if after/time.Microsecond%5 != 0 {
		next() // one time in five it is killed while it starts
	}
	var killed atomic.Bool
	timer := time.AfterFunc(after, func() {
		killed.Store(true)
		cmd.Process.Kill()
	})
	defer timer.Stop()
	for next() {
	}
	if err := cmd.Wait(); err == nil || !killed.Load() {
		t.Fatalf("the miner ended by itself: %v", err)
	}
	return safe, added
}
