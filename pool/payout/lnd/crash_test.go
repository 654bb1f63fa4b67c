package lnd_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/pool/payout"
	"hearth/pool/payout/lnd"
	"hearth/pool/payout/lnd/rest"
)

// order is what the process that pays is told to do.
type order struct {
	Ledger string // path
	Node   rest.Config
	Due    payout.Due
	// Die says when it ends as if it was killed: "before pay", "while paying",
	// "after pay"; never if empty.
	Die string
}

// orderEnv makes the test's program the process that pays.
const orderEnv = "HEARTH_TEST_PAYOUT"

func TestMain(m *testing.M) {
	if text := os.Getenv(orderEnv); text != "" {
		if err := obey(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func obey(text string) error {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return err
	}
	p, err := payer(o)
	if err != nil {
		return err
	}
	ctx := context.Background()
	if _, _, err := p.Begin(ctx, []payout.Due{o.Due}); err != nil {
		return err
	}
	return p.Step(ctx)
}

// payer goes on with what the ledger holds.
func payer(o order) (*payout.Payer, error) {
	rail, err := lnd.New(lnd.Config{Config: o.Node, Timeout: 20 * time.Second})
	if err != nil {
		return nil, err
	}
	book := payout.NewBook("test")
	entries, err := file(o.Ledger).entries()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := book.Apply(ledger.Record{At: e.At, Kind: e.Kind, Subject: e.Subject, Body: e.Body}); err != nil {
			return nil, err
		}
	}
	return payout.NewPayer(book, payout.Config{
		Rails: []payout.Rail{mortal{rail, o.Die}}, Append: file(o.Ledger).append, Now: time.Now,
		Policy: func() payout.Policy {
			return payout.Policy{
				Rails:  map[string]payout.Terms{"lnd": {FeeBase: 10_000}},
				Limits: payout.Limits{Intent: 1e9, Day: 1e9, Total: 1e9},
			}
		},
	})
}

// mortal is a rail in a process that is killed at one of its steps.
type mortal struct {
	payout.Rail
	die string
}

func (m mortal) Pay(ctx context.Context, t payout.Ticket) (payout.Outcome, error) {
	switch m.die {
	case "before pay":
		kill()
	case "while paying":
		go func() {
			_, _ = m.Rail.Pay(ctx, t)
		}()
		for {
			o, err := m.Look(ctx, t)
			if err != nil || o.State != payout.Unsent {
				kill() // lnd has it
			}
		}
	}
	o, err := m.Rail.Pay(ctx, t)
	if m.die == "after pay" {
		kill()
	}
	return o, err
}

// kill ends this process as kill -9 does.
func kill() {
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {}
}

// file is a ledger as a file of lines, each synced.
type file string

func (f file) append(_ context.Context, entries ...ledger.Entry) error {
	var b bytes.Buffer
	for _, e := range entries {
		if err := json.NewEncoder(&b).Encode(e); err != nil {
			return err
		}
	}
	w, err := os.OpenFile(string(f), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = w.Write(b.Bytes())
	return errors.Join(err, w.Sync(), w.Close())
}

func (f file) entries() ([]ledger.Entry, error) {
	text, err := os.ReadFile(string(f))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var list []ledger.Entry
	for line := range bytes.Lines(text) {
		var e ledger.Entry
		if err := json.Unmarshal(line, &e); err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// payouts returns the payouts of a ledger, in order.
func (f file) payouts(t *testing.T) []ledger.Payout {
	t.Helper()
	entries, err := f.entries()
	if err != nil {
		t.Fatal(err)
	}
	var list []ledger.Payout
	for _, e := range entries {
		body, err := (ledger.Record{Kind: e.Kind, Body: e.Body}).Decode()
		if err != nil {
			t.Fatal(err)
		}
		if p, ok := body.(ledger.Payout); ok {
			list = append(list, p)
		}
	}
	return list
}

func states(list []ledger.Payout) string {
	var s []string
	for _, p := range list {
		s = append(s, string(p.State))
	}
	return fmt.Sprint(s)
}

// crash has another process pay, which dies on the way, and lets this one go on.
func crash(t *testing.T, n *network, die, want string) {
	in := n.Payee.Invoice(t, 40_000_000, 3600)
	o := order{
		Ledger: filepath.Join(t.TempDir(), "ledger"), Node: n.node, Die: die,
		Due: payout.Due{Party: "farm/host", Rail: "lnd", To: in.Request, Millisats: 100_000_000, Exact: 40_000_000},
	}
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	before := n.Payer.Balance(t)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), orderEnv+"="+string(text))
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.Exited() {
		t.Fatalf("the paying process was not killed: %v\n%s", err, out)
	}
	if got := states(file(o.Ledger).payouts(t)); got != "[begun prepared sent]" {
		t.Fatalf("it left the records %s", got)
	}

	o.Die = ""
	p, err := payer(o)
	if err != nil {
		t.Fatal(err)
	}
	for len(p.Open()) > 0 {
		if err := p.Step(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	list := file(o.Ledger).payouts(t)
	if got := states(list); got != want {
		t.Errorf("records %s, want %s", got, want)
	}
	paid := list[len(list)-1]
	if msat, settled := n.Payee.Received(t, in.Hash); msat != 40_000_000 || !settled {
		t.Errorf("the payee received %d msat, settled %t", msat, settled)
	}
	if paid.Fee != 1040 || paid.Ticket != in.Hash {
		t.Errorf("recorded %+v", paid)
	}
	n.cost(t, before, 40_000_000+paid.Fee)

	// Nothing is left to do, and the same invoice is not paid again.
	_, held, err := p.Begin(t.Context(), []payout.Due{o.Due})
	if err != nil || len(held) != 1 || held[0].Why != "this was paid before, as "+paid.ID {
		t.Errorf("the same invoice again: %v, %v", held, err)
	}
}
