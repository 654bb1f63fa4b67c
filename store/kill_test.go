package store_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/store"
	"hearth/units"
)

// ack is a line with which the writer says what is safe.
type ack struct {
	Seq     uint64      `json:"seq"`
	Hash    ledger.Hash `json:"hash"`
	Setting int         `json:"setting"`
	Samples float64     `json:"samples"`
}

// writerRole opens the store and writes as fast as it can until it is killed,
// saying after each write what has been acknowledged.
func writerRole(dir string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, filepath.Join(dir, "hearth.db"), store.Options{Key: testKey(), HeadPath: filepath.Join(dir, "head")})
	if err != nil {
		return err
	}
	if err := s.Trouble(); err != nil {
		return err
	}
	var setting int
	if b, ok, err := s.Get(ctx, "counter"); err != nil {
		return err
	} else if ok {
		if setting, err = strconv.Atoi(string(b)); err != nil {
			return err
		}
	}
	total, err := s.Totals(ctx, "heater", "heat", time.Time{}, noon.Add(1000*time.Hour))
	if err != nil {
		return err
	}
	samples := total.Sum
	say := func() error {
		h := s.Head()
		b, err := json.Marshal(ack{h.Seq, h.Hash, setting, samples})
		if err != nil {
			return err
		}
		_, err = fmt.Printf("%s\n", b) // one write, straight to the pipe
		return err
	}
	for i := 0; ; i++ {
		if err := say(); err != nil {
			return err
		}
		switch i % 4 {
		case 2:
			setting++
			err = s.Put(ctx, "counter", strconv.AppendInt(nil, int64(setting), 10))
		case 3:
			samples++
			err = s.PutSamples(ctx, []store.Sample{{
				At: noon.Add(time.Duration(i) * time.Minute), Subject: "heater", Metric: "heat",
				Sum: 1, Provenance: units.Meter, Known: time.Second,
			}})
		default:
			_, err = s.Append(ctx, heat(i), event(noon, "written"))
		}
		if err != nil {
			return err
		}
		if i%50 == 49 {
			if _, err := s.Prune(ctx, noon.Add(time.Duration(i-25)*time.Minute)); err != nil {
				return err
			}
		}
	}
}

// TestKill kills a writer at random instants, again and again, and looks each
// time whether everything that it acknowledged is there.
func TestKill(t *testing.T) {
	t.Parallel() // it mostly waits
	kills := 200
	if testing.Short() {
		kills = 20
	}
	rnd := rand.New(rand.NewPCG(2, 0))
	const perFile = 20 // lives of one file
	var dir string
	var acked, before uint64 // records: in all, in this file so far
	for i := range kills {
		if i%perFile == 0 {
			dir, before = t.TempDir(), 0
		}
		last, ok := killOnce(t, dir, time.Duration(rnd.IntN(50_000))*time.Microsecond)
		if !ok {
			continue // killed before it said anything
		}
		acked += last.Seq - before
		before = last.Seq
		mustKeep(t, dir, last)
	}
	if acked == 0 {
		t.Error("no writer lived long enough to acknowledge anything")
	}
	t.Logf("%d kills, %d records acknowledged", kills, acked)
}

// killOnce runs a writer, kills it some time after its first word or, one
// time in four, after its start, and returns its last word.
func killOnce(t *testing.T, dir string, after time.Duration) (last ack, ok bool) {
	t.Helper()
	cmd := play(t, "writer", dir)
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
	if after/time.Microsecond%4 != 0 {
		next()
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
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return last, ok
}

func mustKeep(t *testing.T, dir string, last ack) {
	t.Helper()
	ctx := t.Context()
	s, err := store.Open(ctx, filepath.Join(dir, "hearth.db"), store.Options{Key: testKey(), HeadPath: filepath.Join(dir, "head")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Trouble(); err != nil {
		t.Fatal(err)
	}
	report, err := s.Verify(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !report.OK() {
		t.Fatal(report.Problem)
	}
	r, err := s.Records(ctx, last.Seq, 1)
	if err != nil {
		t.Fatal(err)
	}
	if last.Seq > report.Pruned+1 && (len(r) == 0 || r[0].Seq != last.Seq || r[0].Hash != last.Hash) {
		t.Fatalf("record %d was acknowledged and is lost", last.Seq)
	}
	b, _, err := s.Get(ctx, "counter")
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := strconv.Atoi(string(b)); n < last.Setting {
		t.Fatalf("setting is %d, but %d was acknowledged", n, last.Setting)
	}
	total, err := s.Totals(ctx, "heater", "heat", time.Time{}, noon.Add(1000*time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if total.Sum < last.Samples {
		t.Fatalf("samples add up to %v, but %v was acknowledged", total.Sum, last.Samples)
	}
}
