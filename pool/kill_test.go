package pool_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool"
	"hearth/pool/pooltest"
)

// How a process that is to be killed is told what to do.
const (
	victimDir   = "HEARTH_TEST_VICTIM_DIR"
	victimPool  = "HEARTH_TEST_VICTIM_POOL"
	victimRound = "HEARTH_TEST_VICTIM_ROUND"
)

// receipts is how many are entered, in every life of the process: each must be
// booked once.
const receipts = 12

// victim is the configuration that is killed, in a folder.
func victim(url string) pool.Config {
	return pool.Config{Agreement: "agreement.yaml", Upstreams: []pool.Upstream{{Name: "ours", URL: url, User: "house"}}}
}

// TestVictim is no test: it is the process that TestAServiceIsKilled kills.
func TestVictim(t *testing.T) {
	dir := os.Getenv(victimDir)
	if dir == "" {
		t.Skip("only the process that is to be killed runs this")
	}
	round, err := strconv.Atoi(os.Getenv(victimRound))
	if err != nil {
		t.Fatal(err)
	}
	d := open(t, dir, victim(os.Getenv(victimPool)))
	d.later(time.Duration(round) * time.Hour)
	fmt.Fprintf(os.Stderr, "\nlistens %s\n", d.Address())
	for i := 0; ; i++ { // until it is killed
		r := pool.Receipt{Source: "ours", Millisats: int64(1000 + i%receipts), Proof: strconv.Itoa(i % receipts)}
		if err := d.Receive(t.Context(), r, "test"); err == nil {
			d.later(time.Minute)
		}
		_ = d.Settle(t.Context())
	}
}

// A service is killed at any instant, again and again: what is in the ledger
// afterwards is in order, no share is in it that the pool did not see, no receipt
// and no transfer is in it twice, and all that came in is somebody's.
func TestAServiceIsKilled(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	upstream := pooltest.NewFakePool(t, pooltest.FakePoolConfig{})
	dir := contract(t, byLedger)
	if err := os.Mkdir(filepath.Join(dir, "pool"), 0o700); err != nil {
		t.Fatal(err)
	}
	d := open(t, dir, victim(upstream.URL()))
	p, err := d.Pair(pool.Miner{Name: "heater-0"})
	if err != nil {
		t.Fatal(err)
	}
	d.stop()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))
	for round := range rounds {
		killed(t, dir, upstream.URL(), p.User2, round, time.Duration(chance.IntN(2500))*time.Millisecond)
	}

	d = open(t, dir, victim(upstream.URL()))
	d.later(time.Duration(rounds+1) * time.Hour)
	for i := range receipts { // what no life came to
		_ = d.Receive(t.Context(), pool.Receipt{Source: "ours", Millisats: int64(1000 + i), Proof: strconv.Itoa(i)}, "test")
	}
	d.later(20 * time.Minute)
	if err := d.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if report, err := d.store.Verify(t.Context()); err != nil || !report.OK() {
		t.Errorf("the ledger is not in order: %+v %v", report, err)
	}
	d.accounts(receipts*1000+receipts*(receipts-1)/2, int64(upstream.Accepted("house")), int64(rounds))
}

// killed is one life of the process.
func killed(t *testing.T, dir, url, user string, round int, life time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestVictim$", "-test.timeout=120s")
	cmd.Env = append(os.Environ(), victimDir+"="+dir, victimPool+"="+url, victimRound+"="+strconv.Itoa(round))
	out, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	address := ""
	for lines := bufio.NewScanner(out); address == "" && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "listens %s", &address)
	}
	if address == "" {
		t.Fatalf("round %d: it does not start", round)
	}
	f, err := pooltest.StartFleet(t.Context(), pooltest.FleetConfig{Address: address, V1: 1, User: func(int) string { return user }})
	if err != nil {
		t.Fatalf("round %d: %v", round, err)
	}
	mined := make(chan struct{})
	go func() {
		defer close(mined)
		f.Mine(1)
	}()
	<-time.After(life) // any instant will do
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	f.Close()
	<-mined
}

// accounts holds the ledger against what came in and what the pool saw.
func (d *desk) accounts(paid, seen, kills int64) {
	t := d.t
	t.Helper()
	each := func(kind ledger.Kind, do func(ledger.Record, ledger.Body)) {
		for _, r := range d.records(kind) {
			body, err := r.Decode()
			if err != nil {
				t.Fatal(err)
			}
			do(r, body)
		}
	}
	shares, earned := int64(0), int64(0)
	each(ledger.KindShares, func(_ ledger.Record, b ledger.Body) { shares += b.(ledger.Shares).Count })
	// What was under way from the heater to the pool when the process was killed
	// was journalled and not seen by the pool: a few shares of each life.
	if most := seen + 64*kills; shares == 0 || shares > most {
		t.Errorf("%d shares are in the ledger, the pool saw %d", shares, seen)
	}
	once := map[string]bool{}
	each(ledger.KindEarning, func(r ledger.Record, b ledger.Body) {
		e := b.(ledger.Earning)
		earned += e.Millisats
		if once["receipt "+e.Proof] {
			t.Errorf("record %d: receipt %s is there twice", r.Seq, e.Proof)
		}
		once["receipt "+e.Proof] = true
	})
	if earned != paid {
		t.Errorf("%d msat were booked, %d came in", earned, paid)
	}
	shared := int64(0)
	each(ledger.KindTransfer, func(r ledger.Record, b ledger.Body) {
		x := b.(ledger.Transfer)
		if once["transfer "+x.ID] {
			t.Errorf("record %d: transfer %s is there twice", r.Seq, x.ID)
		}
		once["transfer "+x.ID] = true
		sum := int64(0)
		for _, e := range x.Entries {
			sum += e.Millisats
			if e.Account == "revenue:ours" {
				shared -= e.Millisats
			}
		}
		if sum != 0 {
			t.Errorf("record %d: transfer %s is off by %d msat", r.Seq, x.ID, sum)
		}
	})
	owed := int64(0)
	for _, p := range d.State(t.Context()).Parties {
		owed += p.Balance
	}
	if shared > earned || owed > shared {
		b, _ := json.Marshal(d.State(t.Context()).Parties)
		t.Errorf("%d msat came in, %d were shared out, the parties have %s", earned, shared, b)
	}
	t.Logf("%d shares in the ledger, %d at the pool; %d msat came in, %d shared out, %d owed", shares, seen, earned, shared, owed)
}
