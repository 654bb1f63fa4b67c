package devnet

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"hearth/chain/beacon/drand"
	"hearth/chain/keys"
	"hearth/chain/node"
)

// Plan says what network to make.
type Plan struct {
	Home       string
	ChainID    string
	Validators int
	Pace       Pace
	// Port is the first of the ports, ten for each validator. 0 takes any that
	// are free.
	Port int
	// Accounts have coins at genesis, besides those that every network has.
	Accounts []Account

	beacon  drand.Chain // that the chain follows
	content string      // host:port
	miner   keys.Public
}

// Pace is how fast a network makes blocks.
type Pace int

const (
	// Steady makes a block a second.
	Steady Pace = iota
	// Fast makes several, for tests that wait.
	Fast
	// Flat makes one after the other and serves nobody, to be measured.
	Flat
)

// Network is what was made.
type Network struct {
	Dir      string    `json:"-"` // that it lies in
	ChainID  string    `json:"chain_id"`
	Relay    string    `json:"beacon"`  // host:port at which the beacon is served
	Content  string    `json:"content"` // weights below /weights, jobs below /library
	Nodes    []Node    `json:"nodes"`
	Accounts []Account `json:"accounts"`
	// Home is an account whose key lies open here, for a home that joins the
	// network by itself.
	Home Home `json:"home"`
}

// Home is an account and its key.
type Home struct {
	Address string `json:"address"`
	Secret  string `json:"secret"` // secp256k1, 32 bytes in hexadecimal
}

// Node is one validator.
type Node struct {
	Name     string `json:"name"`
	Home     string `json:"home"` // below the network's
	Peer     string `json:"peer"` // id@address
	RPC      string `json:"rpc"`  // host:port, as all below
	GRPC     string `json:"grpc"`
	API      string `json:"api"`
	Explorer string `json:"explorer"`
	Operator string `json:"operator"` // address of its account
}

// Account is an account with coins. Its key is in the first node's keyring,
// a validator's in its own.
type Account struct {
	Name    string `json:"name"`
	Address string `json:"address"`
	Coins   uint64 `json:"uhth"`
	About   string `json:"about"`
}

const description = "network.json"

// Open reads what was made in a folder. The error is [fs.ErrNotExist] if
// nothing was.
func Open(home string) (*Network, error) {
	b, err := os.ReadFile(filepath.Join(home, description))
	if err != nil {
		return nil, fmt.Errorf("read what network %s holds: %w", home, err)
	}
	n := &Network{Dir: home}
	if err := json.Unmarshal(b, n); err != nil {
		return nil, fmt.Errorf("read %s: %w", filepath.Join(home, description), err)
	}
	if len(n.Nodes) == 0 {
		return nil, fmt.Errorf("%s names no nodes", filepath.Join(home, description))
	}
	return n, nil
}

// path is a file or folder of the network itself.
func (n *Network) path(name string) string { return filepath.Join(n.Dir, name) }

func (n *Network) save() error {
	b, err := json.MarshalIndent(n, "", "  ")
	if err != nil {
		return fmt.Errorf("describe the network: %w", err)
	}
	if err := os.WriteFile(filepath.Join(n.Dir, description), append(b, '\n'), 0o644); err != nil {
		return fmt.Errorf("describe the network: %w", err)
	}
	return nil
}

// Files are the files of the i-th node.
func (n *Network) Files(i int) node.Files {
	return node.Files{Home: filepath.Join(n.Dir, n.Nodes[i].Home)}
}

// addresses gives every node its ports on the loopback.
// The first row is for what the network serves besides.
func addresses(plan Plan) ([][5]string, error) {
	all := make([][5]string, 1+plan.Validators)
	var held []net.Listener
	defer func() {
		for _, l := range held {
			l.Close()
		}
	}()
	for i := range all {
		for j := range all[i] {
			port := "0"
			if plan.Port != 0 {
				port = strconv.Itoa(plan.Port + 10*i + j)
			}
			// Ports are held until all are found, so that none is given twice.
			l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", port))
			if err != nil {
				return nil, fmt.Errorf("find ports (choose others with --port): %w", err)
			}
			held = append(held, l)
			all[i][j] = l.Addr().String()
		}
	}
	return all, nil
}

// peers returns the peers of the i-th node: all others.
func (n *Network) peers(i int) string {
	var all []string
	for j, other := range n.Nodes {
		if j != i {
			all = append(all, other.Peer)
		}
	}
	return strings.Join(all, ",")
}

// empty makes the folder of a new network.
func empty(home string) error {
	if err := os.MkdirAll(home, 0o700); err != nil {
		return fmt.Errorf("make the folder of the network: %w", err)
	}
	entries, err := os.ReadDir(home)
	if err != nil {
		return fmt.Errorf("look into the folder of the network: %w", err)
	}
	entries = slices.DeleteFunc(entries, func(e os.DirEntry) bool { return e.Name() == node.LockFile })
	if len(entries) > 0 {
		return fmt.Errorf("%s is not empty (%w): choose a folder for the network alone", home, fs.ErrExist)
	}
	return nil
}
