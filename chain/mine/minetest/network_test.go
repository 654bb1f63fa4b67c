package minetest_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hearth/chain/devnet"
	"hearth/chain/keys"
	"hearth/chain/mine"
	"hearth/chain/weights"
	"hearth/device"
	"hearth/furnace"
	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/units"
)

// build builds a program of this module.
func build(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name)
	cmd := exec.Command("go", "build", "-o", out, "hearth/cmd/"+name)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, text)
	}
	return out
}

// net is a network of four validators on this machine, each a process.
type net struct {
	*devnet.Network
	t         *testing.T
	program   string
	processes []*devnet.Process
}

func startNetwork(ctx context.Context, t *testing.T) *net {
	t.Helper()
	made, err := devnet.Create(devnet.Plan{Home: t.TempDir(), ChainID: "hearth-test", Validators: 4, Pace: devnet.Fast}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	n := &net{Network: made, t: t, program: build(t, "hearthnode"), processes: make([]*devnet.Process, len(made.Nodes))}
	ctx, cancel := context.WithCancel(ctx)
	served, ordered := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(served)
		if err := n.Serve(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("serve what a network needs: %v", err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-served
		<-ordered
		for i, p := range n.processes {
			p.Kill()
			if t.Failed() {
				log, _ := os.ReadFile(filepath.Join(n.Files(i).Home, "node.log"))
				t.Logf("%s:\n%s", n.Nodes[i].Name, log[max(0, len(log)-2000):])
			}
		}
	})
	for i := range n.Nodes {
		n.launch(i)
	}
	if err := n.WaitHeight(ctx, 0, 3); err != nil {
		t.Fatal(err)
	}
	go func() { // clients
		defer close(ordered)
		for ctx.Err() == nil {
			_ = n.Order(ctx, slog.New(slog.DiscardHandler)) // a node that it asks may be killed
			select {
			case <-ctx.Done():
			case <-time.After(time.Second):
			}
		}
	}()
	return n
}

func (n *net) launch(i int) {
	n.t.Helper()
	var err error
	if n.processes[i], err = n.Launch(i, n.program); err != nil {
		n.t.Fatal(err)
	}
}

// home is a data folder with keys whose owner is the network's purse, registered
// as a miner.
type home struct {
	dir, network, lock, keys string
	chain                    mine.Network
}

func register(ctx context.Context, t *testing.T, n *net) home {
	t.Helper()
	h := home{dir: t.TempDir(), network: filepath.Join(n.Dir, "network.json")}
	h.lock, h.keys = filepath.Join(h.dir, "lock"), filepath.Join(h.dir, "keys.json")
	secret := make([]byte, 32)
	if _, err := rand.Read(secret); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(h.lock, secret, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(h.network)
	if err != nil {
		t.Fatal(err)
	}
	if h.chain, err = mine.ParseNetwork(b); err != nil {
		t.Fatal(err)
	}
	lock, err := keys.KeyFile(h.lock)
	if err != nil {
		t.Fatal(err)
	}
	hot, err := keys.NewHot(rand.Reader, h.chain.Purse.Address())
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Create(h.keys, hot, lock); err != nil {
		t.Fatal(err)
	}
	chain, err := mine.Connect(ctx, h.chain, filepath.Join(h.dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer chain.Close()
	if err := chain.Advance(ctx); err != nil {
		t.Fatal(err)
	}
	messages := mine.Registration{Bond: 200e6, Hot: 50e6}.Messages(n.ChainID, hot, nil, 0)
	if err := chain.Wallet(*h.chain.Purse, 1000, "").Do(ctx, messages...); err != nil {
		t.Fatal(err)
	}
	miner, found, err := chain.Miner(ctx, hot.Owner())
	if err != nil || !found || miner.Bond != 200e6 {
		t.Fatalf("the miner is not registered: %+v, %v", miner, err)
	}
	if left := (mine.Registration{Bond: 200e6, Hot: 50e6}).Messages(n.ChainID, hot, &miner, 50e6); len(left) != 0 {
		t.Errorf("all is registered, and %d messages are still to be sent", len(left))
	}
	return h
}

// work starts a worker as a process of its own.
func (h home) work(t *testing.T, hearth string, out *bytes.Buffer, flags ...string) *exec.Cmd {
	t.Helper()
	all := []string{"mine", "work", "--network", h.network, "--data", h.dir, "--keys", h.keys, "--key-file", h.lock, "--threads", "1", "--log", "info"}
	cmd := exec.Command(hearth, append(all, flags...)...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// journal reads what the worker has written down.
func (h home) journal(t *testing.T) (held []*mine.Held, events []mine.Event) {
	t.Helper()
	dirs, err := filepath.Glob(filepath.Join(h.dir, "mine", "*", "journal"))
	if err != nil || len(dirs) > 1 {
		t.Fatalf("journals %v, %v", dirs, err)
	}
	if len(dirs) == 1 {
		if _, held, events, err = mine.ReadJournal(dirs[0]); err != nil {
			t.Fatal(err)
		}
	}
	return held, events
}

// A worker is killed in the middle of jobs, again and again, and the node that it
// asks first too. Whatever it has claimed is delivered all the same, once, and paid;
// and what it says it has earned is proven.
func TestAWorkerThatIsKilledLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a network for a minute")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	n := startNetwork(ctx, t)
	hearth := build(t, "hearth")
	h := register(ctx, t, n)
	var out bytes.Buffer
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the worker says:\n%s", out.String())
		}
	})
	// reached tells whether the worker has got so far.
	reached := func(so func(held []*mine.Held, events []mine.Event) bool) func() bool {
		return func() bool { return so(h.journal(t)) }
	}
	until := func(what string, so func() bool) {
		t.Helper()
		for !so() {
			select {
			case <-ctx.Done():
				t.Fatalf("it did not come to this: %s", what)
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	for kill, when := range []func(held []*mine.Held, events []mine.Event) bool{
		func(held []*mine.Held, _ []mine.Event) bool { return len(held) > 0 },
		func(held []*mine.Held, events []mine.Event) bool {
			for _, h := range held { // a receipt is written and not accepted yet
				if h.Receipt != nil && h.Tries > 0 {
					return true
				}
			}
			return false
		},
		func(_ []*mine.Held, events []mine.Event) bool { return len(events) >= 3 },
	} {
		worker := h.work(t, hearth, &out)
		until("the worker has something to lose", reached(when))
		if err := worker.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = worker.Wait() // it was killed
		if kill == 1 {    // while the worker is away, so that it meets a node that is down
			n.processes[0].Kill()
		}
	}
	worker := h.work(t, hearth, &out)
	defer worker.Wait()
	defer worker.Process.Kill()
	_, before := h.journal(t)
	until("work goes on while a node is down", reached(func(_ []*mine.Held, events []mine.Event) bool { return len(events) >= len(before)+3 }))
	n.launch(0)
	kinds := map[string]int{}
	until("paid and common work is credited, and the network pays", func() bool {
		_, events := h.journal(t)
		clear(kinds)
		for _, e := range events {
			switch {
			case e.Kind == mine.Income:
				kinds["income"]++
			case e.Credited > 0:
				kinds[e.Class.String()]++
			}
		}
		return kinds["income"] > 0 && kinds["paid"] > 0 && kinds["commons"] > 0
	})
	if err := worker.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = worker.Wait()
	stop(t, h, hearth, &out)
	_, events := h.journal(t)
	seen := map[string]bool{}
	for _, e := range events {
		if e.Kind != mine.Ended {
			continue
		}
		if seen[e.Claim.String()] {
			t.Errorf("claim %v ended twice", e.Claim)
		}
		seen[e.Claim.String()] = true
		if e.Status != "settled" {
			t.Errorf("claim %v is %s: %s", e.Claim, e.Status, e.Reason)
		}
		if e.Credited == 0 && e.Tickets > 0 {
			t.Errorf("claim %v had %d tickets and none was credited", e.Claim, e.Tickets)
		}
	}
	prove(ctx, t, h, events)
	heat(ctx, t, n, h)
}

// stop has a worker work for a while and end by itself: whatever it has claimed is
// delivered before it does.
func stop(t *testing.T, h home, hearth string, out *bytes.Buffer) {
	t.Helper()
	if err := h.work(t, hearth, out, "--for", "10s").Wait(); err != nil {
		t.Errorf("the worker ended with %v", err)
	}
	held, _ := h.journal(t)
	for _, one := range held {
		if one.Undelivered(0) {
			t.Errorf("the worker ended with claim %v under way: %+v", one.Claim, one.Last)
		}
	}
}

// still is what a computer does without work: nothing.
type still struct{}

func (still) Name() string          { return "nothing" }
func (still) Work() device.Work     { return device.Burning }
func (still) Done() []device.Output { return nil }
func (still) Run(ctx context.Context, _ int, _ func() units.Fraction) error {
	<-ctx.Done()
	return nil
}

// heat has a home with another journal go on: what is under way is taken up from
// the chain and delivered, heat or not, and new jobs are claimed only while heat is
// wanted.
func heat(ctx context.Context, t *testing.T, n *net, h home) {
	t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	lock, err := keys.KeyFile(h.lock)
	if err != nil {
		t.Fatal(err)
	}
	hot, err := keys.Load(h.keys, lock)
	if err != nil {
		t.Fatal(err)
	}
	chain, err := mine.Connect(ctx, h.chain, filepath.Join(h.dir, "warm"))
	if err != nil {
		t.Fatal(err)
	}
	defer chain.Close()
	store, err := weights.Open(weights.Options{Dir: filepath.Join(h.dir, "weights"), Carried: []weights.Carried{mini.File()}, Level: kernel.Best()})
	if err != nil {
		t.Fatal(err)
	}
	journal, err := mine.OpenJournal(filepath.Join(chain.Dir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	x := furnace.New(still{}, time.Now)
	turns := x.Turns()
	w := mine.New(mine.Config{
		Chain: chain, Keys: hot, Journal: journal, Weights: store, Level: kernel.Best(), Threads: 1, Price: 1000,
		Heat: &mine.Heat{
			Wanted: x.Wanted, Enter: x.Enter, Ran: func() { x.Count("job", 1) },
			Turn: func(ctx context.Context) error { _, err := turns.Next(ctx); return err },
		},
	})
	ended := make(chan error, 1)
	go func() { ended <- w.Run(ctx) }()
	wait := func(what string, so func() bool) {
		t.Helper()
		for !so() {
			select {
			case err := <-ended:
				t.Fatalf("the worker ended: %v", err)
			case <-ctx.Done():
				t.Fatalf("it did not come to this: %s (%+v)", what, w.View().Summary())
			case <-time.After(50 * time.Millisecond):
			}
		}
	}
	wait("no heat is wanted, and all that was under way is delivered", func() bool {
		v := w.View()
		return v.Idle == "no heat is wanted" && len(v.Held) == 0
	})
	began := w.View().Height
	wait("some blocks go by", func() bool { return w.View().Height > began+5 })
	if v := w.View(); len(v.Held) > 0 {
		t.Errorf("%d jobs were claimed although no heat is wanted", len(v.Held))
	}
	done := func() (n int64) {
		for _, o := range x.Done() {
			n, _ = o.Count.Get()
		}
		return n
	}
	before := done()
	go x.Run(ctx, 1, func() units.Fraction { return 1 })
	wait("jobs are run for heat", func() bool { return done() >= before+3 })
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("the worker ended with %v", err)
	}
}

// prove checks what the worker says against headers that somebody else follows.
func prove(ctx context.Context, t *testing.T, h home, events []mine.Event) {
	t.Helper()
	chain, err := mine.Connect(ctx, h.chain, filepath.Join(h.dir, "other"))
	if err != nil {
		t.Fatal(err)
	}
	defer chain.Close()
	if err := chain.Advance(ctx); err != nil {
		t.Fatal(err)
	}
	for _, e := range events[max(0, len(events)-5):] {
		if err := chain.Check(ctx, e.Proof); err != nil {
			t.Errorf("event %d is not proven: %v", e.Number, err)
		}
		forged := e.Proof
		forged.Value = append(bytes.Clone(forged.Value), 1)
		if err := chain.Check(ctx, forged); err == nil {
			t.Errorf("event %d is proven with another value too", e.Number)
		}
	}
}
