package server_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/pool/pooltest"
)

// A fleet in a process of its own, so that what the server costs can be told
// from what its miners cost, and that each has its own file descriptors. The
// test binary starts itself again with this variable set, and then obeys what
// it reads: see command.
const crewVariable = "HEARTH_TEST_CREW"

func TestMain(m *testing.M) {
	if os.Getenv(crewVariable) != "" {
		if err := obey(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "crew:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// obey is the other process's life. It reads one command a line:
//
//	start ADDRESS V1 V2 STANDARD  → ok, when all have logged in
//	mine WINDOW                   → ok
//	listen ID                     → ok; and when all miners have heard the job
//	                                (ID "*": any), four times in nanoseconds since
//	                                1970: the first, the median, the 99th of a
//	                                hundred and the last
func obey(in io.Reader, out io.Writer) error {
	var f *pooltest.Fleet
	var e ears
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var what, arg string
		var v1, v2, standard int
		_, _ = fmt.Sscan(lines.Text(), &what, &arg, &v1, &v2, &standard)
		switch what {
		case "start":
			e.at = make([]int64, v1+v2+standard)
			var err error
			f, err = pooltest.StartFleet(context.Background(), pooltest.FleetConfig{Address: arg, V1: v1, V2: v2, Standard: standard, Heard: e.hear})
			if err != nil {
				return err
			}
			defer f.Close()
		case "mine":
			var window int
			if _, err := fmt.Sscan(arg, &window); err != nil {
				return err
			}
			f.Mine(window)
		case "listen":
			e.listen(arg, func(at []int64) {
				fmt.Fprintln(out, at[0], at[len(at)/2], at[len(at)*99/100], at[len(at)-1])
			})
		}
		fmt.Fprintln(out, "ok")
	}
	return lines.Err()
}

// ears note when each miner heard a job.
type ears struct {
	left atomic.Int64 // who has not heard it; below 1: nobody listens

	mu    sync.Mutex
	id    string
	at    []int64
	ready func([]int64)
}

func (e *ears) listen(id string, ready func([]int64)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.id, e.ready = id, ready
	clear(e.at)
	e.left.Store(int64(len(e.at)))
}

func (e *ears) hear(miner int, id string, at time.Time) {
	if e.left.Load() < 1 || e.id != "*" && e.id != id || e.at[miner] != 0 {
		return
	}
	e.at[miner] = at.UnixNano()
	if e.left.Add(-1) == 0 {
		e.mu.Lock()
		defer e.mu.Unlock()
		slices.Sort(e.at)
		e.ready(e.at)
	}
}

// crewmates are a fleet in another process.
type crewmates struct {
	tb  testing.TB
	in  io.Writer
	out *bufio.Reader
}

func muster(tb testing.TB, h *house, v1, v2, standard int) *crewmates {
	tb.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), crewVariable+"=1")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close()
		defer cancel()
		_ = cmd.Wait()
	})
	c := &crewmates{tb: tb, in: in, out: bufio.NewReader(out)}
	c.tell("start %s %d %d %d", h.address, v1, v2, standard)
	return c
}

func (c *crewmates) tell(format string, args ...any) {
	c.tb.Helper()
	if _, err := fmt.Fprintf(c.in, format+"\n", args...); err != nil {
		c.tb.Fatal(err)
	}
	if line, err := c.out.ReadString('\n'); err != nil || line != "ok\n" {
		c.tb.Fatalf("the crew says %q: %v", line, err)
	}
}

// arrivals are when the job that the crew listens for had come to the first
// miner, to half of them, to 99 in 100 and to all.
type arrivals struct{ first, median, most, last time.Time }

func (c *crewmates) heard() arrivals {
	c.tb.Helper()
	var ns [4]int64
	line, err := c.out.ReadString('\n')
	if err == nil {
		_, err = fmt.Sscan(line, &ns[0], &ns[1], &ns[2], &ns[3])
	}
	if err != nil {
		c.tb.Fatalf("the crew says %q: %v", line, err)
	}
	return arrivals{time.Unix(0, ns[0]), time.Unix(0, ns[1]), time.Unix(0, ns[2]), time.Unix(0, ns[3])}
}
