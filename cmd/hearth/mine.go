package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"hearth/chain/keys"
	"hearth/chain/light"
	"hearth/chain/light/follower"
	"hearth/chain/mine"
	shelf "hearth/chain/weights"
	"hearth/infer/kernel"
	"hearth/infer/mini"
)

type mineCmd struct {
	Work     mineWorkCmd     `cmd:"" help:"Mine: claim jobs of the network, run them, hand in tickets and receipts."`
	Keys     mineKeysCmd     `cmd:"" help:"The keys to mine with."`
	Register mineRegisterCmd `cmd:"" help:"Have the owner's cold key register the hot keys, with a bond; or print what it has to sign elsewhere."`
	Status   mineStatusCmd   `cmd:"" help:"Say what was mined and earned, and what is under way."`
	Sha256   mineSha256Cmd   `cmd:"" name:"sha256" help:"Mine Bitcoin with processors, for tests and education: it loses money."`
}

// The files of mining in a data folder.
const (
	mineFolder    = "mine"
	mineKeysFile  = "keys.json"
	mineJournal   = "journal"
	weightsFolder = "weights"
)

// networkAt says which network.
type networkAt struct {
	Data    string   `help:"Folder for everything Hearth keeps." default:"${data}" type:"path" placeholder:"DIR"`
	Network string   `help:"A network's description: a file, an address, or \"devnet\" for the one that \"hearthnode devnet\" runs on this computer." placeholder:"NETWORK"`
	Node    string   `help:"RPC address of a node, such as http://192.168.1.20:26657, in place of --network." placeholder:"URL"`
	Witness []string `help:"Another node, which must show the same blocks; say it again for more." sep:"none" placeholder:"URL"`
	Trust   string   `help:"A block to start from, which somebody you trust vouches for. A network on this computer does without." placeholder:"HEIGHT:HASH"`
	Chain   string   `help:"The chain's name; by default what the node says, which the trusted hash binds." placeholder:"NAME"`
}

// find reads which network is meant.
func (a networkAt) find(ctx context.Context) (mine.Network, error) {
	var n mine.Network
	switch {
	case a.Network != "" && a.Node != "":
		return n, coded(exitUsage, errors.New("--network and --node: give one of them"))
	case a.Network == "" && a.Node == "":
		return n, coded(exitUsage, errors.New("which network? Give --network FILE, or --node URL with --trust HEIGHT:HASH, or --network devnet while \"hearthnode devnet\" runs here"))
	case a.Network != "":
		b, err := describe(ctx, a.Network)
		if err != nil {
			return n, coded(exitUsage, err)
		}
		if n, err = mine.ParseNetwork(b); err != nil {
			return n, coded(exitUsage, err)
		}
	default:
		n.Nodes = []string{a.Node}
	}
	n.Nodes = append(n.Nodes, a.Witness...)
	if a.Chain != "" {
		n.Chain = a.Chain
	}
	if a.Trust != "" {
		var err error
		if n.Height, n.Hash, err = mine.ParseTrust(a.Trust); err != nil {
			return n, coded(exitUsage, fmt.Errorf("--trust: %w", err))
		}
	}
	return n, nil
}

// localNetwork is the name of the network that runs on this computer.
const localNetwork = "devnet"

// largestDescription is more than the description of a network has.
const largestDescription = 1 << 20

// describe reads a network's description.
func describe(ctx context.Context, from string) ([]byte, error) {
	switch {
	case from == localNetwork:
		name, err := localNetworkFile()
		if err != nil {
			return nil, err
		}
		b, err := os.ReadFile(name)
		if errors.Is(err, os.ErrNotExist) {
			return nil, fmt.Errorf("no network runs on this computer: start one with \"hearthnode devnet\" (it would have written %s)", name)
		}
		return b, err
	case strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://"):
		ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
		if err != nil {
			return nil, fmt.Errorf("--network: %w", err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, fmt.Errorf("read the network's description: %w", err)
		}
		defer res.Body.Close()
		if res.StatusCode != http.StatusOK {
			return nil, fmt.Errorf("read the network's description: the server answers %s", res.Status)
		}
		return io.ReadAll(io.LimitReader(res.Body, largestDescription))
	}
	b, err := os.ReadFile(from)
	if err != nil {
		return nil, fmt.Errorf("read the network's description: %w", err)
	}
	return b, nil
}

// localNetworkFile is where "hearthnode devnet" describes its network, unless it
// was told otherwise.
func localNetworkFile() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find your home folder, where \"hearthnode devnet\" keeps its network: %w", err)
	}
	return filepath.Join(home, ".hearthnode", "devnet", "network.json"), nil
}

// connect follows the network.
func (a networkAt) connect(ctx context.Context) (*mine.Chain, error) {
	n, err := a.find(ctx)
	if err != nil {
		return nil, err
	}
	c, err := mine.Connect(ctx, n, filepath.Join(a.Data, mineFolder))
	if err != nil {
		return nil, explainChain(err)
	}
	return c, nil
}

// explainChain says what to do about a chain that cannot be followed.
func explainChain(err error) error {
	var fork *light.Fork
	switch {
	case errors.As(err, &fork):
		return fmt.Errorf("the network has two histories, and nothing it says can be trusted: ask those who run it what happened (%w)", err)
	case errors.Is(err, light.ErrExpired):
		return fmt.Errorf("%w: give a newer block with --trust HEIGHT:HASH, from somebody you trust", err)
	case errors.Is(err, follower.ErrUnconfirmed):
		return fmt.Errorf("%w: is the witness running, and a node of the same network?", err)
	}
	return err
}

// keysFrom says where the keys are and what opens them.
type keysFrom struct {
	Keys       string `help:"File of the keys to mine with (default: keys.json in the folder for mining)." type:"path" placeholder:"FILE"`
	Passphrase string `help:"File whose first line is the passphrase of the keys." type:"path" placeholder:"FILE"`
	KeyFile    string `help:"File of random bytes that opens the keys, for homes that start without a person." type:"path" placeholder:"FILE"`
}

func (k keysFrom) file(data string) string {
	if k.Keys != "" {
		return k.Keys
	}
	return filepath.Join(data, mineFolder, mineKeysFile)
}

// lock is what opens the keys. A person at a terminal is asked; twice for keys
// that are new.
func (k keysFrom) lock(p *program, fresh bool) (keys.Lock, error) {
	switch {
	case k.Passphrase != "" && k.KeyFile != "":
		return keys.Lock{}, coded(exitUsage, errors.New("--passphrase and --key-file: give one of them"))
	case k.KeyFile != "":
		l, err := keys.KeyFile(k.KeyFile)
		return l, coded(exitUsage, err)
	case k.Passphrase != "":
		line, err := firstLine(k.Passphrase)
		if err != nil {
			return keys.Lock{}, coded(exitUsage, fmt.Errorf("read the passphrase: %w", err))
		}
		return keys.Passphrase(line), nil
	}
	text, err := p.secret("Passphrase of the keys: ", fresh)
	if err != nil {
		return keys.Lock{}, err
	}
	return keys.Passphrase(text), nil
}

func firstLine(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	line, err := bufio.NewReader(io.LimitReader(f, 4096)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if line = strings.TrimRight(line, "\r\n"); line == "" {
		return "", fmt.Errorf("the first line of %s is empty", filepath.Base(name))
	}
	return line, nil
}

// load opens the keys.
func (k keysFrom) load(p *program, data string) (keys.Hot, error) {
	name := k.file(data)
	if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
		return keys.Hot{}, coded(exitUsage, fmt.Errorf("there are no keys in %s: make some with \"hearth mine keys make\"", name))
	}
	l, err := k.lock(p, false)
	if err != nil {
		return keys.Hot{}, err
	}
	h, err := keys.Load(name, l)
	if errors.Is(err, keys.ErrWrongKey) {
		return h, coded(exitUsage, err)
	}
	return h, err
}

type mineWorkCmd struct {
	networkAt `embed:""`
	keysFrom  `embed:""`
	Threads   int           `help:"Threads to compute on; 0 is all processors." default:"0"`
	Ahead     int           `help:"Jobs to claim before they are run." default:"4"`
	Source    []string      `help:"Address of a folder with models' weights that you trust, beside those that models name; say it again for more." sep:"none" placeholder:"URL"`
	GasPrice  uint64        `help:"What a million units of gas are worth to you, in uhth." default:"1000"`
	Granter   string        `help:"Account that has agreed to pay the fees." placeholder:"ADDRESS"`
	For       time.Duration `help:"Stop after this long, and when what is claimed by then is finished." placeholder:"TIME"`
	JSON      bool          `help:"Print each event as a line of JSON."`
	Log       string        `help:"How much to log: error, warn, info or debug." enum:"error,warn,info,debug" default:"warn"`
}

// Run mines until it is interrupted. What is claimed by then is finished first.
func (c *mineWorkCmd) Run(p *program) error {
	ctx := p.ctx
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	hot, err := c.load(p, c.Data)
	if err != nil {
		return err
	}
	chain, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = chain.Close() }()
	w, closeWorker, err := openWorker(chain, c.Data, c.Source, mine.Config{
		Keys: hot, Threads: c.Threads, Ahead: c.Ahead, Price: c.GasPrice, Granter: c.Granter, Log: newLogger(p.err, c.Log),
		Tell: func(_ context.Context, e mine.Event) error { return c.tell(p, e) },
	})
	if err != nil {
		return err
	}
	defer closeWorker()
	n := chain.Network()
	if !c.JSON {
		fmt.Fprintf(p.out, "%s\n", p.paint(bold, "Mining on "+oneLine(n.Chain)+" for "+hot.Public().Owner.String()))
		if n.Test {
			fmt.Fprintln(p.out, p.paint(warm, worthless))
		}
		fmt.Fprintf(p.out, "%s\n", p.paint(dim, "Started from block "+fmt.Sprint(n.Height)+", "+n.Hash.String()+". Stop with Ctrl-C; the same command goes on."))
	}
	working, stop := context.WithCancel(context.WithoutCancel(p.ctx))
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- w.Run(working) }()
	select {
	case err = <-ended:
	case <-ctx.Done():
		err = finish(p, w, ended, stop)
	}
	return explainChain(err)
}

// finishing is how long a worker that is to stop may take for what it has claimed.
const finishing = 2 * time.Minute

// finish lets a worker deliver what it has claimed, which would cost its deposits,
// and stops it.
func finish(p *program, w *mine.Worker, ended <-chan error, stop func()) error {
	w.Finish()
	again, now := " again", (<-chan struct{})(nil) // a second Ctrl-C ends the process
	if p.ctx.Err() == nil {                        // the time is over, and this would be the first
		again, now = "", p.ctx.Done()
	}
	if n := w.Undelivered(); n > 0 {
		fmt.Fprintf(p.err, "Finishing %s, for %v at most; press Ctrl-C%s to stop at once.\n", count(n, "job"), finishing, again)
	}
	limit := time.NewTimer(finishing)
	defer limit.Stop()
	select {
	case err := <-ended:
		return err
	case <-limit.C:
	case <-now:
	}
	stop()
	err := <-ended
	if n := w.Undelivered(); n > 0 {
		fmt.Fprintf(p.err, "%s not finished. The same command goes on with what is left; what is not delivered in time costs its deposit.\n", count(n, "job"))
	}
	return err
}

// worthless is what is said of the coins of test networks, wherever they show.
const worthless = "The coins are test coins. They are worth nothing, and no amount here is money."

// tell prints an event.
func (c *mineWorkCmd) tell(p *program, e mine.Event) error {
	if c.JSON {
		return printLine(p.out, mineEventOf(e))
	}
	_, err := fmt.Fprintf(p.out, "%s  %s\n", e.At.Local().Format(time.TimeOnly), eventSentence(e))
	return err
}

// openWorker opens what a worker needs in a data folder.
func openWorker(chain *mine.Chain, data string, sources []string, c mine.Config) (*mine.Worker, func(), error) {
	level, err := kernel.Parse(os.Getenv(levelVariable))
	if err != nil {
		return nil, nil, coded(exitUsage, fmt.Errorf("%s: %w", levelVariable, err))
	}
	store, err := shelf.Open(shelf.Options{
		Dir: filepath.Join(data, weightsFolder), Carried: []shelf.Carried{mini.File()}, Sources: sources, Level: level,
	})
	if err != nil {
		return nil, nil, err
	}
	journal, err := mine.OpenJournal(filepath.Join(chain.Dir(), mineJournal))
	if err != nil {
		return nil, nil, err
	}
	c.Chain, c.Journal, c.Weights, c.Level = chain, journal, store, level
	return mine.New(c), func() { _ = journal.Close() }, nil
}
