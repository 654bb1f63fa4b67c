package devnet_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	rpc "github.com/cometbft/cometbft/rpc/client/http"
	"github.com/cosmos/cosmos-sdk/client"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/app"
	"hearth/chain/coin"
	"hearth/chain/devnet"
	"hearth/chain/keys"
	"hearth/chain/mine"
	"hearth/chain/node"
	"hearth/chain/weights"
	"hearth/chain/wire"
	"hearth/chain/work"
	"hearth/infer/kernel"
	"hearth/infer/mini"
)

// program is hearthnode, built once for the tests of this package.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "hearthnode-")
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "hearthnode")
	cmd := exec.Command("go", "build", "-o", name, "hearth/cmd/hearthnode")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, fmt.Errorf("build hearthnode: %w\n%s", err, out)
	}
	return name, nil
})

var built = false // whether there is a program to be removed

func TestMain(m *testing.M) {
	code := m.Run()
	if built {
		if name, _ := program(); name != "" {
			os.RemoveAll(filepath.Dir(name))
		}
	}
	os.Exit(code)
}

func hearthnode(t testing.TB) string {
	t.Helper()
	built = true
	name, err := program()
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// patience is how long a test waits for what must come. On an idle computer it
// comes in seconds.
const patience = 4 * time.Minute

// scene is a network of processes, and what asks them.
type scene struct {
	*devnet.Network

	t         *testing.T
	program   string
	processes []*devnet.Process // nil where none runs
	conns     []client.Context
	alice     *node.Signer // who registers the model, and has texts embedded
	log       *slog.Logger
	wait      sync.WaitGroup
}

// newScene makes a network of four and starts none of it.
func newScene(t *testing.T) *scene {
	t.Helper()
	return planned(t, devnet.Plan{ChainID: "hearth-test", Validators: 4, Pace: devnet.Fast})
}

// planned makes a network in a folder of the test's, and starts none of it.
func planned(t *testing.T, plan devnet.Plan) *scene {
	t.Helper()
	plan.Home = t.TempDir()
	n, err := devnet.Create(plan, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	encoding, err := app.NewEncoding()
	if err != nil {
		t.Fatal(err)
	}
	s := &scene{Network: n, t: t, program: hearthnode(t), processes: make([]*devnet.Process, len(n.Nodes))}
	said := new(journal)
	s.log = slog.New(slog.NewTextHandler(said, &slog.HandlerOptions{Level: slog.LevelWarn}))
	for _, one := range n.Nodes {
		c, err := rpc.New("http://"+one.RPC, "/websocket")
		if err != nil {
			t.Fatal(err)
		}
		s.conns = append(s.conns, node.Connect(encoding, c, n.ChainID))
	}
	if s.alice, err = n.Connect(0, "alice"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for i, p := range s.processes {
			if p != nil {
				p.Kill()
			}
			if t.Failed() {
				log, _ := os.ReadFile(filepath.Join(n.Files(i).Home, "node.log"))
				t.Logf("%s:\n%s", n.Nodes[i].Name, log[max(0, len(log)-2000):])
			}
		}
		s.wait.Wait()
		if t.Failed() {
			t.Logf("miners and clients:\n%s", said.tail(4000))
		}
	})
	return s
}

// journal keeps what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) tail(most int) []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Clone(j.text.Bytes()[max(0, j.text.Len()-most):])
}

// launch starts a node.
func (s *scene) launch(i int) {
	s.t.Helper()
	p, err := s.Launch(i, s.program)
	if err != nil {
		s.t.Fatal(err)
	}
	s.processes[i] = p
}

// kill ends a node as a power cut would.
func (s *scene) kill(i int) {
	s.processes[i].Kill()
	s.processes[i] = nil
}

// beside runs something until the returned function is called, or the test
// ends.
func (s *scene) beside(what string, do func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	s.wait.Go(func() {
		defer close(done)
		if err := do(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("ended", "what", what, "err", err)
		}
	})
	s.t.Cleanup(cancel)
	return func() {
		cancel()
		<-done
	}
}

// until asks again and again until the answer is what must come.
func (s *scene) until(t *testing.T, what string, come func(ctx context.Context) (bool, error)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var last error
	for {
		ok, err := come(ctx)
		if ok && err == nil {
			return
		}
		if err != nil && ctx.Err() == nil {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: this has not come (last trouble: %v)", what, last)
		case <-time.After(150 * time.Millisecond):
		}
	}
}

// reach waits until a node has a block of that height.
func (s *scene) reach(t *testing.T, i int, height int64) {
	t.Helper()
	s.until(t, fmt.Sprintf("block %d of %s", height, s.Nodes[i].Name), func(ctx context.Context) (bool, error) {
		h, err := s.Height(ctx, i)
		return h >= height, err
	})
}

// height is that of a node's latest block.
func (s *scene) height(t *testing.T, i int) int64 {
	t.Helper()
	h, err := s.Height(t.Context(), i)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// asked are the questions that a test asks: of one node, about the state after
// one block, or the latest if that is 0.
type asked struct {
	t    *testing.T
	conn client.Context
}

func (s *scene) at(t *testing.T, i int, height int64) asked {
	return asked{t, s.conns[i].WithHeight(height)}
}

// answer takes an answer that must come.
func answer[Q, A any](a asked, ask func(context.Context, *Q) (*A, error), question *Q) *A {
	a.t.Helper()
	out, err := ask(a.t.Context(), question)
	if err != nil {
		a.t.Fatalf("%T: %v", question, err)
	}
	return out
}

func (a asked) tally() work.Tally {
	a.t.Helper()
	out, err := work.NewQueryClient(a.conn).Tally(a.t.Context(), &work.QueryTallyRequest{})
	if err != nil {
		a.t.Fatal(err)
	}
	return out.Tally
}

func (a asked) balance(address string) int64 {
	a.t.Helper()
	out, err := banktypes.NewQueryClient(a.conn).Balance(a.t.Context(), &banktypes.QueryBalanceRequest{Address: address, Denom: coin.Denom})
	if err != nil {
		a.t.Fatal(err)
	}
	return out.Balance.Amount.Int64()
}

func (a asked) supply() int64 {
	a.t.Helper()
	out, err := banktypes.NewQueryClient(a.conn).SupplyOf(a.t.Context(), &banktypes.QuerySupplyOfRequest{Denom: coin.Denom})
	if err != nil {
		a.t.Fatal(err)
	}
	return out.Amount.Amount.Int64()
}

// account is the address of one of the network's accounts.
func (s *scene) account(name string) string {
	s.t.Helper()
	for _, a := range s.Accounts {
		if a.Name == name {
			return a.Address
		}
	}
	s.t.Fatalf("the network has no account of %s", name)
	return ""
}

// join registers another miner, out of the purse that lies open, lends its work
// to a validator, and mines until the test ends. It returns the owner.
func (s *scene) join(t *testing.T, validator int) string {
	t.Helper()
	ctx := t.Context()
	description, err := os.ReadFile(filepath.Join(s.Dir, "network.json"))
	if err != nil {
		t.Fatal(err)
	}
	where, err := mine.ParseNetwork(description)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(s.Dir, "joined")
	chain, err := mine.Connect(ctx, where, dir)
	if err != nil {
		t.Fatal(err)
	}
	words, err := keys.NewMnemonic(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cold, err := words.Key(0, "")
	if err != nil {
		t.Fatal(err)
	}
	hot, err := keys.NewHot(rand.Reader, cold.Address())
	if err != nil {
		t.Fatal(err)
	}
	const price = 1000
	if err := chain.Fund(ctx, cold.Address(), 1_000_000_000, price); err != nil {
		t.Fatal(err)
	}
	to, err := wire.ParseAddress(s.Nodes[validator].Operator)
	if err != nil {
		t.Fatal(err)
	}
	lacking := mine.Registration{Bond: 200_000_000, Hot: 200_000_000}.Messages(s.ChainID, hot, nil, 0)
	if err := chain.Wallet(cold, price, "").Do(ctx, append(lacking, wire.AssignPower(cold.Address(), to))...); err != nil {
		t.Fatal(err)
	}
	store, err := weights.Open(weights.Options{
		Dir: filepath.Join(dir, "weights"), Carried: []weights.Carried{mini.File()}, Level: kernel.Best(),
		Sources: []string{"http://" + s.Content + "/weights"},
	})
	if err != nil {
		t.Fatal(err)
	}
	held, err := mine.OpenJournal(filepath.Join(chain.Dir(), "journal"))
	if err != nil {
		t.Fatal(err)
	}
	s.beside("the miner that joined", func(ctx context.Context) error {
		defer chain.Close()
		defer held.Close()
		return mine.New(mine.Config{
			Chain: chain, Keys: hot, Journal: held, Weights: store, Level: kernel.Best(), Threads: 1, Price: price, Log: s.log,
		}).Run(ctx)
	})
	return cold.Address().String()
}

// agree checks that all nodes have the same header at a height, and with it the
// same state before it.
func (s *scene) agree(t *testing.T, height int64) {
	t.Helper()
	var want []byte
	for i, one := range s.Nodes {
		s.reach(t, i, height)
		got := s.header(t, i, height)
		if i == 0 {
			want = got
		}
		if len(got) == 0 || !bytes.Equal(got, want) {
			t.Errorf("block %d of %s:\n%s\nof %s:\n%s", height, one.Name, got, s.Nodes[0].Name, want)
		}
	}
}

// header is a header as a node tells it, with its application hash.
func (s *scene) header(t *testing.T, i int, height int64) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://%s/header?height=%d", s.Nodes[i].RPC, height), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(b, []byte("app_hash")) {
		t.Fatalf("block %d of %s: %s", height, s.Nodes[i].Name, b)
	}
	return b
}

func hexed(b []byte) string { return hex.EncodeToString(b) }
