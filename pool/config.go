package pool

import (
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strings"
	"time"

	"hearth/internal/spelling"
	"hearth/pool/job"
)

// Role is the part that a service plays.
type Role string

// The roles.
const (
	// Proxy stands in front of pools.
	Proxy Role = "proxy"
	// Solo makes blocks on a Bitcoin node.
	Solo Role = "solo"
	// Open is a pool of its own: blocks on a Bitcoin node, for many.
	Open Role = "pool"
)

// Config is a service as its owner describes it: the section "pool" of the file
// that describes a home.
type Config struct {
	// Listen is the address of the port for miners. Miners cannot log in as
	// people do, so it is an address of the home's own network, never of all.
	Listen string `yaml:"listen"`
	Role   Role   `yaml:"role"`
	// Network is the Bitcoin network: mainnet, testnet, signet, regtest, simnet.
	Network string `yaml:"network"`
	// Upstreams are the pools of a proxy, the preferred first.
	Upstreams []Upstream `yaml:"upstreams"`
	// Node is the Bitcoin node of the roles solo and pool.
	Node Node `yaml:"node"`
	// Tag is put into blocks that are found.
	Tag string `yaml:"tag"`
	// Agreement is the file of the contract between the parties, which also says
	// how work or money is divided.
	Agreement string `yaml:"agreement"`
	// Slice is how long one turn of a heater takes where heaters are lent to the
	// parties in turns.
	Slice time.Duration `yaml:"slice,positive"`
	// Address is paid what is found by the role solo without an agreement, and
	// the pool's fee in the role pool.
	Address string `yaml:"address"`
	Scheme  Scheme `yaml:"scheme"`
	// Fee is the pool's share, in parts of a hundred.
	Fee float64 `yaml:"fee,positive"`
	// NoFallback lets heaters idle when nobody gives work; FallbackAfter is how
	// long they wait for work before they are given some that nobody pays.
	NoFallback    bool          `yaml:"no_fallback"`
	FallbackAfter time.Duration `yaml:"fallback_after,positive"`
	// Difficulty is what a miner of whom nothing is known begins with, and
	// LeastDifficulty the least it is given: for computers, which hash slowly.
	Difficulty      float64 `yaml:"difficulty,positive"`
	LeastDifficulty float64 `yaml:"least_difficulty,positive"`
	// Connections is the most connections at once.
	Connections int     `yaml:"connections,positive"`
	Payouts     Payouts `yaml:"payouts"`
	Prices      Prices  `yaml:"prices"`
}

// Upstream is a pool.
type Upstream struct {
	Name string `yaml:"name"`
	// URL is stratum+tcp://host:port, stratum+tls://host:port or
	// stratum2+tcp://host:port/KEY.
	URL  string `yaml:"url"`
	User string `yaml:"user"`
	// Password is what the pool wants; most pools want none. A real secret is
	// named as "file:…".
	Password string `yaml:"password"`
	// Party is whose pool it is where heaters are lent in turns and the
	// agreement does not name it: one behind the party's own, in case that fails.
	Party string `yaml:"party"`
	// Workers are the parties' own names at this pool, where they differ from
	// those in the agreement.
	Workers map[string]string `yaml:"workers"`
}

// Node is a Bitcoin node.
type Node struct {
	URL  string `yaml:"url"`
	User string `yaml:"user"`
	// Password is "file:…"; Cookie is the file that Bitcoin Core writes anew at
	// each start.
	Password string `yaml:"password"`
	Cookie   string `yaml:"cookie"`
	// Certificate is the file of a node that speaks https with a certificate of
	// its own making, as btcd does.
	Certificate string `yaml:"certificate"`
}

// Scheme is how a pool divides a block.
type Scheme string

// The schemes of the role pool.
const (
	PPLNS    Scheme = "pplns"
	PaySolo  Scheme = "solo"
	TIDES    Scheme = "tides"
	PerShare Scheme = "per-share"
)

// Payouts say how what is owed leaves the house. Nothing is paid without them.
type Payouts struct {
	// Rail is lnd, phoenixd, nwc or psbt.
	Rail string `yaml:"rail"`
	URL  string `yaml:"url"`
	// Secret is the file with the macaroon, password or connection text; never
	// the secret itself.
	Secret string `yaml:"secret"`
	// Certificate is the file with lnd's certificate.
	Certificate string `yaml:"certificate"`
	// Folder is where the rail psbt leaves what a person signs, From the addresses
	// whose coins it may spend.
	Folder string   `yaml:"folder"`
	From   []string `yaml:"from"`
	// Threshold is the least that is paid at once, in sats.
	Threshold int64 `yaml:"threshold,positive"`
	// PerPayment and PerDay are the most that leaves at once, and in a day.
	PerPayment int64 `yaml:"per_payment,positive"`
	PerDay     int64 `yaml:"per_day,positive"`
	// Fee is the most that one payment may cost, in parts of a hundred.
	Fee float64 `yaml:"fee,positive"`
	// Gather is how long a payment on the chain waits for others, since they cost
	// less in one transaction.
	Gather time.Duration `yaml:"gather,positive"`
}

// Prices say what a bitcoin costs, for agreements in money and for the page.
type Prices struct {
	// Source is "fixed" or "service".
	Source string `yaml:"source"`
	// Name is how the source is called on statements.
	Name string `yaml:"name"`
	// Bitcoin is the price of one, such as "61000 EUR", for the source fixed.
	Bitcoin string `yaml:"bitcoin"`
	// URL and Path say where a service tells the price in its JSON.
	URL      string `yaml:"url"`
	Path     string `yaml:"path"`
	Currency string `yaml:"currency"`
}

// Defaults of what a configuration leaves out.
const (
	DefaultListen = "127.0.0.1:3333"
	defaultSlice  = 30 * time.Second
	// Firmware stops hashing after about a minute without a job.
	defaultFallbackAfter = 20 * time.Second
	defaultTag           = "hearth"
	defaultThreshold     = 10_000
	defaultPerDay        = 1_000_000
	defaultFee           = 1.0
	defaultGather        = time.Hour
)

// Filled returns the configuration with defaults in place of what is left out.
func (c Config) Filled() Config {
	set(&c.Listen, DefaultListen)
	set(&c.Network, "mainnet")
	set(&c.Tag, defaultTag)
	set(&c.Slice, defaultSlice)
	set(&c.Scheme, PPLNS)
	set(&c.Connections, 2000)
	set(&c.FallbackAfter, defaultFallbackAfter)
	set(&c.Payouts.Threshold, defaultThreshold)
	set(&c.Payouts.PerPayment, defaultPerDay)
	set(&c.Payouts.PerDay, defaultPerDay)
	set(&c.Payouts.Fee, defaultFee)
	set(&c.Payouts.Gather, defaultGather)
	switch {
	case c.Role != "":
	case c.Node.URL != "" && len(c.Upstreams) == 0:
		c.Role = Solo
	default:
		c.Role = Proxy
	}
	for i := range c.Upstreams {
		set(&c.Upstreams[i].Name, fmt.Sprintf("pool-%d", i+1))
		set(&c.Upstreams[i].Password, "x")
	}
	return c
}

func set[T comparable](to *T, otherwise T) {
	var none T
	if *to == none {
		*to = otherwise
	}
}

// Check says what [New] would refuse of a configuration and of the files that it
// names. It asks nobody and writes nothing. Of opt it looks at Config, Base,
// Secret and Now.
func Check(opt Options) error {
	s, err := equip(opt, memory{})
	if err == nil {
		_, err = s.openRails()
	}
	return err
}

// placeholder is what [Example] has in the place of an address.
const placeholder = "YOUR-BITCOIN-ADDRESS"

// Check says what is wrong with a configuration that is filled, as far as it can
// be told without the files that it names.
func (c Config) Check() error {
	var errs []error
	wrong := func(format string, args ...any) { errs = append(errs, fmt.Errorf("pool: "+format, args...)) }
	host, _, err := net.SplitHostPort(c.Listen)
	ip := net.ParseIP(host)
	switch {
	case err != nil || ip == nil && host != "localhost":
		wrong("listen %q: write the address of this computer on the home network and a port, such as 192.168.1.10:3333", c.Listen)
	case ip != nil && ip.IsUnspecified():
		wrong("listen %q: name one address, not all: Stratum has no passwords worth the name", c.Listen)
	}
	roles := []string{string(Proxy), string(Solo), string(Open)}
	if !slices.Contains(roles, string(c.Role)) {
		wrong("role %q: %s", c.Role, choices(string(c.Role), roles))
	}
	networks := []string{string(job.Mainnet), string(job.Testnet), string(job.Signet), string(job.Regtest), string(job.Simnet)}
	if !slices.Contains(networks, c.Network) {
		wrong("network %q: %s", c.Network, choices(c.Network, networks))
	}
	if c.Address == placeholder {
		wrong("address: put your own in place of %s", placeholder)
	}
	c.checkNumbers(wrong)
	switch c.Role {
	case Proxy:
		c.checkProxy(wrong)
	case Solo:
		if c.Agreement == "" && c.Address == "" {
			wrong("role solo: name the address that a block is paid to, or the file of an agreement")
		}
	case Open:
		schemes := []string{string(PPLNS), string(PaySolo), string(TIDES), string(PerShare)}
		if !slices.Contains(schemes, string(c.Scheme)) {
			wrong("scheme %q: %s", c.Scheme, choices(string(c.Scheme), schemes))
		}
		if c.Agreement != "" {
			wrong("role pool divides by its scheme: leave agreement out")
		}
		if c.Address == "" {
			wrong("role pool: name the address of the pool itself, which is paid what nobody else is")
		}
	}
	if c.Role != Proxy && c.Node.URL == "" {
		wrong("role %s needs a Bitcoin node: node: {url: http://127.0.0.1:8332, …}", c.Role)
	}
	if c.Fee > 100 {
		wrong("fee %v: it is in parts of a hundred", c.Fee)
	}
	if p := c.Payouts; p.Rail != "" {
		rails := []string{"lnd", "phoenixd", "nwc", "psbt"}
		if !slices.Contains(rails, p.Rail) {
			wrong("payouts: rail %q: %s", p.Rail, choices(p.Rail, rails))
		}
		if p.Secret != "" && !strings.HasPrefix(p.Secret, "file:") {
			wrong("payouts: secret: name a file, as \"file:lnd.macaroon\"; a secret never stands here")
		}
		if p.PerDay < p.Threshold {
			wrong("payouts: per_day %d is less than threshold %d, both in sats: nothing could ever leave", p.PerDay, p.Threshold)
		}
	}
	return errors.Join(errs...)
}

// checkNumbers refuses what is below zero, or no number at all.
func (c Config) checkNumbers(wrong func(string, ...any)) {
	p := c.Payouts
	for _, n := range []struct {
		name  string
		value float64
	}{
		{"difficulty", c.Difficulty},
		{"least_difficulty", c.LeastDifficulty},
		{"fee", c.Fee},
		{"connections", float64(c.Connections)},
		{"slice", c.Slice.Seconds()},
		{"fallback_after", c.FallbackAfter.Seconds()},
		{"payouts: threshold", float64(p.Threshold)},
		{"payouts: per_payment", float64(p.PerPayment)},
		{"payouts: per_day", float64(p.PerDay)},
		{"payouts: fee", p.Fee},
		{"payouts: gather", p.Gather.Seconds()},
	} {
		if !(n.value >= 0) || math.IsInf(n.value, 1) {
			wrong("%s %v: it cannot be below zero; leave it out for what is usual", n.name, n.value)
		}
	}
}

func (c Config) checkProxy(wrong func(string, ...any)) {
	if len(c.Upstreams) == 0 {
		wrong("role proxy: name at least one pool under upstreams")
	}
	names := map[string]bool{}
	for _, u := range c.Upstreams {
		if names[u.Name] {
			wrong("upstream %s: the name is there twice", u.Name)
		}
		names[u.Name] = true
		if u.URL == "" || u.User == "" {
			wrong("upstream %s: name its url and the user that it knows you by", u.Name)
		}
		if strings.HasPrefix(u.User, placeholder) {
			wrong("upstream %s: user: put your own address in place of %s: else nobody is paid", u.Name, placeholder)
		}
	}
}

// choices proposes what may have been meant.
func choices(given string, list []string) string {
	for _, one := range list {
		if spelling.Distance(given, one) <= 2 {
			return fmt.Sprintf("did you mean %q?", one)
		}
	}
	return "use one of " + strings.Join(list, ", ")
}
