package mine

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"hearth/chain/light"
	"hearth/chain/light/follower"
	"hearth/chain/light/node"
	"hearth/chain/wire"
	"hearth/internal/loopback"
	"hearth/internal/public"
)

// Network says where a network is and what is trusted of it.
type Network struct {
	Chain string
	// Nodes are addresses of RPC interfaces, such as http://192.168.1.20:26657. The
	// first leads, the others are its witnesses.
	Nodes []string
	// Height and Hash are of a block that somebody vouches for. Height 0 stands for
	// the newest that this machine's own nodes show: nobody else's will do.
	Height int64
	Hash   light.Digest
	// Period is for how long a block is trusted, 0 for a week: shorter than
	// validators' stakes are kept.
	Period time.Duration
	// Test says that the coins are test coins, worth nothing.
	Test bool
	// Purse is a key that a network on this machine hands to whoever wants to try
	// it; nil elsewhere.
	Purse *wire.Key

	born string // of the first block of a network on this machine
}

const (
	usualPeriod = 7 * 24 * time.Hour
	// drift is how far a block's time may be ahead of this computer's clock.
	drift = 10 * time.Second
	// patienceHTTP bounds one question to a node.
	patienceHTTP = 10 * time.Second
)

// ParseTrust reads HEIGHT:HASH.
func ParseTrust(text string) (height int64, hash light.Digest, err error) {
	h, x, found := strings.Cut(text, ":")
	if height, err = strconv.ParseInt(h, 10, 64); err != nil || !found || height < 1 {
		return 0, hash, fmt.Errorf("%.100q: write a block to trust as HEIGHT:HASH, such as 1200:9F86…", text)
	}
	b, err := hex.DecodeString(x)
	if err != nil || len(b) != len(hash) {
		return 0, hash, fmt.Errorf("%.100q: the hash of a block has %d hexadecimal digits", text, 2*len(hash))
	}
	return height, light.Digest(b), nil
}

// description is a network's file. That of a network on one machine, which
// "hearthnode devnet" makes, names nodes with all their addresses, and a purse.
type description struct {
	Chain string          `json:"chain_id"`
	Nodes json.RawMessage `json:"nodes"`
	Trust string          `json:"trust"`
	Hours int             `json:"trusting_hours"`
	Test  bool            `json:"test"`
	Home  struct {
		Secret string `json:"secret"`
	} `json:"home"`
}

// ParseNetwork reads the description of a network: its chain_id, the addresses of
// nodes, and trust as HEIGHT:HASH; or what "hearthnode devnet" writes about a
// network on this machine.
func ParseNetwork(b []byte) (Network, error) {
	n, err := parseNetwork(b)
	if err != nil {
		return n, fmt.Errorf("read the description of a network: %w", err)
	}
	return n, nil
}

func parseNetwork(b []byte) (n Network, err error) {
	var d description
	if err := json.Unmarshal(b, &d); err != nil {
		return n, err
	}
	n = Network{Chain: d.Chain, Test: d.Test, Period: time.Duration(d.Hours) * time.Hour}
	if d.Chain == "" || d.Hours < 0 || d.Hours > 24*365 {
		return n, errors.New("it has no chain_id, or trusts blocks for more than a year")
	}
	var local []struct {
		RPC string `json:"rpc"`
	}
	if json.Unmarshal(d.Nodes, &n.Nodes) != nil {
		n.Nodes = nil
		if err := json.Unmarshal(d.Nodes, &local); err != nil {
			return n, errors.New("nodes is not a list of addresses")
		}
		for _, l := range local {
			n.Nodes = append(n.Nodes, "http://"+l.RPC)
		}
		n.Test = true
	}
	if len(n.Nodes) == 0 || len(n.Nodes) > 64 {
		return n, errors.New("it has to name 1 to 64 nodes")
	}
	if d.Trust != "" {
		if n.Height, n.Hash, err = ParseTrust(d.Trust); err != nil {
			return n, err
		}
	} else if !n.local() {
		return n, errors.New("it has no block to trust, and only nodes of this machine do without")
	}
	if d.Home.Secret != "" && n.local() {
		secret, err := hex.DecodeString(d.Home.Secret)
		if err != nil {
			return n, errors.New("the purse is no key")
		}
		key, err := wire.KeyFromBytes(secret)
		if err != nil {
			return n, err
		}
		n.Purse = &key
	}
	return n, nil
}

// local tells whether all nodes are this machine's own.
func (n Network) local() bool {
	for _, address := range n.Nodes {
		if u, err := url.Parse(address); err != nil || !loopback.Host(u.Hostname()) {
			return false
		}
	}
	return true
}

// inside tells whether no node is public: the network is within a house, or on
// this machine.
func (n Network) inside() bool {
	for _, address := range n.Nodes {
		u, err := url.Parse(address)
		if err != nil {
			return false
		}
		ip, err := netip.ParseAddr(u.Hostname())
		if !loopback.Host(u.Hostname()) && (err != nil || public.Is(ip)) {
			return false
		}
	}
	return len(n.Nodes) > 0
}

// Connect follows a network, and keeps what it trusts in a folder.
func Connect(ctx context.Context, n Network, dir string) (*Chain, error) {
	c := &Chain{network: n}
	client := &http.Client{Timeout: patienceHTTP}
	var sources []follower.Source
	for _, address := range n.Nodes {
		one, err := node.New(address, client)
		if err != nil {
			return nil, err
		}
		c.nodes, sources = append(c.nodes, one), append(sources, one)
	}
	if len(c.nodes) == 0 {
		return nil, errors.New("follow a network: no node is named")
	}
	if c.network.Chain == "" || n.Height == 0 {
		if err := c.introduce(ctx); err != nil {
			return nil, err
		}
	}
	folder := filepath.Join(dir, c.network.Folder())
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the worker's folder: %w", err)
	}
	c.folder = folder
	period := n.Period
	if period == 0 {
		period = usualPeriod
	}
	var err error
	c.follower, err = follower.Open(ctx, follower.Config{
		Rules:   light.Rules{Chain: c.network.Chain, Period: period, Drift: drift},
		Sources: sources, File: filepath.Join(folder, "trust"), Height: c.network.Height, Hash: c.network.Hash,
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// Folder is the name of a network's folder: of its chain, and where it is this
// machine's own of its first block too, since such networks are made anew under
// the same name.
func (n Network) Folder() string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, n.Chain)
	return name + n.born
}

// introduce asks the first node that answers for the chain's name, which the hash
// to trust binds, and on this machine for a block to trust.
func (c *Chain) introduce(ctx context.Context) error {
	var causes []error
	for _, one := range c.nodes {
		err := c.meet(ctx, one)
		if err == nil {
			return nil
		}
		causes = append(causes, err)
	}
	return fmt.Errorf("look for the network: %w", errors.Join(causes...))
}

func (c *Chain) meet(ctx context.Context, one *node.Node) error {
	s, err := one.Status(ctx)
	if err != nil {
		return err
	}
	if c.network.Chain == "" {
		c.network.Chain = s.Chain
	}
	if s.Chain != c.network.Chain {
		return fmt.Errorf("node %s is of the chain %q, not %q", one, s.Chain, c.network.Chain)
	}
	if c.network.Height > 0 {
		return nil
	}
	if !c.network.local() {
		return errors.New("give a block to trust as HEIGHT:HASH, which the network or somebody you trust publishes")
	}
	first, err := one.Block(ctx, 1)
	if err != nil {
		return err
	}
	newest, err := one.Block(ctx, s.Height)
	if err != nil {
		return err
	}
	c.network.born = "-" + strings.ToLower(first.Header.Hash().String()[:8])
	c.network.Height, c.network.Hash = newest.Header.Height, newest.Header.Hash()
	return nil
}

// Network is what is followed, with the chain's name and the block that was
// trusted first.
func (c *Chain) Network() Network { return c.network }

// Dir is the folder of all that is kept of the network.
func (c *Chain) Dir() string { return c.folder }

// Close lets the folder go.
func (c *Chain) Close() error { return c.follower.Close() }
