package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	"hearth/pool"
	"hearth/pool/job"
	"hearth/pool/miner"
	"hearth/pool/upstream"
	"hearth/units"
)

type mineSha256Cmd struct {
	Pool     string        `help:"The pool: stratum+tcp://HOST:PORT, stratum+tls://HOST:PORT or stratum2+tcp://HOST:PORT/KEY (default: that of a home on this computer)." placeholder:"URL"`
	User     string        `help:"Your name at the pool, often with a worker's name behind it, such as you.computer." required:"" placeholder:"NAME"`
	Password string        `help:"Password at the pool; most want none. A real secret stands in a file: file:NAME." default:"x" placeholder:"WORD"`
	Threads  int           `help:"Threads to compute on; 0 is all processors." default:"0"`
	For      time.Duration `help:"Stop after this long." placeholder:"TIME"`
	JSON     bool          `help:"Print each event as a line of JSON."`
}

// lossMaking is what is said of mining with processors, wherever it shows.
const lossMaking = "This is for tests and education, and loses money: a Bitaxe, the smallest miner there is to buy, does 100,000 times this."

// tallyEvery is how often it is said how mining goes.
const tallyEvery = 10 * time.Second

// Run mines until it is interrupted, or the pool refuses the worker.
func (c *mineSha256Cmd) Run(p *program) error {
	client, err := c.client()
	if err != nil {
		return coded(exitUsage, err)
	}
	report := newHashReport(p, c.JSON)
	m, err := miner.New(miner.Config{Pool: client, Random: rand.Uint64, Hear: report})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(p.ctx)
	defer stop()
	if c.For > 0 {
		ctx, stop = context.WithTimeout(ctx, c.For)
		defer stop()
	}
	if !c.JSON {
		fmt.Fprintln(p.out, p.paint(bold, fmt.Sprintf("Mining Bitcoin on %s, at %s as %s", count(c.Threads, "thread"), client.Name(), oneLine(c.User))))
		fmt.Fprintln(p.out, p.paint(warm, lossMaking))
		fmt.Fprintln(p.out, p.paint(dim, "Stop with Ctrl-C."))
	}
	var work sync.WaitGroup
	work.Go(func() { _ = m.Run(ctx) })                                                 // it ends with ctx
	work.Go(func() { _ = m.Mine(ctx, c.Threads, func() units.Fraction { return 1 }) }) // so does this
	tick := time.NewTicker(tallyEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			report.tally(m.Tally())
		case err := <-report.refused: // and always will
			stop()
			work.Wait()
			report.end(m.Tally())
			return fmt.Errorf("mine at %s as %s: %w", client.Name(), c.User, err)
		case <-ctx.Done():
			work.Wait()
			report.end(m.Tally())
			return nil
		}
	}
}

// client is the way to the pool that is meant.
func (c *mineSha256Cmd) client() (*upstream.Client, error) {
	if c.Threads < 0 || c.For < 0 {
		return nil, errors.New("--threads and --for cannot be negative")
	}
	if c.Threads == 0 {
		c.Threads = runtime.NumCPU()
	}
	if c.Pool == "" {
		c.Pool = "stratum+tcp://" + pool.DefaultListen
	}
	password := c.Password
	if strings.HasPrefix(password, "file:") {
		here, err := filepath.Abs(".")
		if err == nil {
			password, err = secretFrom(here)(password)
		}
		if err != nil {
			return nil, fmt.Errorf("--password: %w", err)
		}
	}
	return poolClient(c.Pool, c.User, password, c.Threads)
}

// shareEvery is how often a share should be found: often enough to see that all is
// well, and no more often than pools like it.
const shareEvery = 10 * time.Second

// poolClient is the way to a pool for a computer that mines on so many threads.
func poolClient(url, user, password string, threads int) (*upstream.Client, error) {
	rate := miner.Guess * units.HashRate(threads)
	name := "the pool"
	if at, err := upstream.ParseURL(url); err == nil {
		name = at.HostPort
	}
	return upstream.New(upstream.Config{
		Name: name, URL: url, Workers: []upstream.Credential{{User: user, Password: password}},
		Agent: "hearth/" + version(), Mask: job.MaskV2, Rate: rate,
		Suggest: job.Difficulty(float64(rate) * shareEvery.Seconds() / job.Difficulty(1).Hashes()),
		Next:    job.NewCounter(rand.Uint32()).Next, Random: rand.Float64,
	})
}
