package pool_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/pool"
)

// What a person gets wrong is said in words that lead on.
func TestConfigurationsThatCannotWork(t *testing.T) {
	one := []pool.Upstream{{Name: "ours", URL: "stratum+tcp://pool.example:3333", User: "bc1q"}}
	node := pool.Node{URL: "http://127.0.0.1:8332"}
	for _, c := range []struct {
		what string
		cfg  pool.Config
		want string // "" is right
	}{
		{"a proxy", pool.Config{Upstreams: one}, ""},
		{"solo, by its node", pool.Config{Node: node, Address: "bc1q"}, ""},
		{"a pool", pool.Config{Role: pool.Open, Node: node, Address: "bc1q"}, ""},
		{"nothing", pool.Config{}, "name at least one pool"},
		{"all addresses", pool.Config{Listen: "0.0.0.0:3333", Upstreams: one}, "not all"},
		{"no port", pool.Config{Listen: "192.168.1.10", Upstreams: one}, "and a port"},
		{"a name", pool.Config{Listen: "miners.example:3333", Upstreams: one}, "write the address"},
		{"a role misspelt", pool.Config{Role: "prxy", Upstreams: one}, `did you mean "proxy"?`},
		{"a scheme misspelt", pool.Config{Role: pool.Open, Scheme: "ppnls", Node: node, Address: "bc1q"}, `did you mean "pplns"?`},
		{"solo without a node", pool.Config{Role: pool.Solo, Address: "bc1q"}, "needs a Bitcoin node"},
		{"solo without anybody to pay", pool.Config{Role: pool.Solo, Node: node}, "name the address"},
		{"a pool of the same name twice", pool.Config{Upstreams: append(one, one...)}, "there twice"},
		{"a pool without a user", pool.Config{Upstreams: []pool.Upstream{{URL: "stratum+tcp://pool.example:3333"}}}, "name its url and the user"},
		{"a pool with an agreement", pool.Config{Role: pool.Open, Node: node, Address: "bc1q", Agreement: "a.yaml"}, "leave agreement out"},
		{"a secret written out", pool.Config{Upstreams: one, Payouts: pool.Payouts{Rail: "lnd", Secret: "0201036c6e64"}}, "never stands here"},
		{"a rail misspelt", pool.Config{Upstreams: one, Payouts: pool.Payouts{Rail: "lnc"}}, "did you mean"},
		{"a network misspelt", pool.Config{Network: "regtst", Upstreams: one}, `did you mean "regtest"?`},
		{"the address of the guide", pool.Config{Node: node, Address: "YOUR-BITCOIN-ADDRESS"}, "put your own"},
		{"the user of the guide", pool.Config{Upstreams: []pool.Upstream{{Name: "ours", URL: one[0].URL, User: "YOUR-BITCOIN-ADDRESS.shed"}}}, "put your own address"},
		{"a difficulty below zero", pool.Config{Upstreams: one, Difficulty: -1}, "difficulty -1: it cannot be below zero"},
		{"a time below zero", pool.Config{Upstreams: one, FallbackAfter: -time.Second}, "fallback_after -1: it cannot"},
		{"no number", pool.Config{Upstreams: one, LeastDifficulty: math.NaN()}, "least_difficulty NaN"},
		{"less a day than at once", pool.Config{Upstreams: one, Payouts: pool.Payouts{Rail: "lnd", PerDay: 9000}}, "per_day 9000 is less than threshold 10000"},
		{"as much a day as at once", pool.Config{Upstreams: one, Payouts: pool.Payouts{Rail: "lnd", PerDay: 9000, Threshold: 9000}}, ""},
		{"more than all as a fee", pool.Config{Role: pool.Open, Node: node, Address: "bc1q", Fee: 101}, "parts of a hundred"},
	} {
		err := c.cfg.Filled().Check()
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v; want %q in it", c.what, err, c.want)
		}
	}
}

// What a start refuses is told before it, without a network and without anything
// being written.
func TestCheckRefusesWhatAStartRefuses(t *testing.T) {
	const good = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	base := t.TempDir()
	for name, text := range map[string]string{
		"node-password": "farm", "no-certificate": "farm",
		"ledger.yaml": "agreement: 1\nname: berg\nmode: ledger\nnetwork: regtest\ntime_zone: UTC\nstart: 2026-01-01\nparties:\n" +
			"  host: {name: Anna, paid: {address: " + good + "}}\n  operator: {name: Fjell, paid: stays}\nmeters: {workers: [a], income: [node]}\nshares: {host: 60%, operator: 40%}\n",
	} {
		if err := os.WriteFile(filepath.Join(base, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		what   string
		change func(*pool.Config)
		want   string // "" is right
	}{
		{"nothing wrong", func(*pool.Config) {}, ""},
		{"a node without a scheme", func(c *pool.Config) { c.Node.URL = "127.0.0.1:18334" }, "write it as http://host:port"},
		{"no agreement there", func(c *pool.Config) { c.Agreement = "absent.yaml" }, "read the agreement"},
		{"an agreement that is none", func(c *pool.Config) { c.Agreement = "node-password" }, "the agreement node-password"},
		{"a password in the open", func(c *pool.Config) { c.Node.Password = "farm" }, "never written out"},
		{"no password there", func(c *pool.Config) { c.Node.Password = "file:absent" }, "no such file"},
		{"no certificate there", func(c *pool.Config) { c.Node.Certificate = "absent.cert" }, "certificate: open"},
		{"a certificate that is none", func(c *pool.Config) { c.Node.Certificate = "no-certificate" }, "not one in PEM"},
		{"an address with a wrong letter", func(c *pool.Config) { c.Address = good[:len(good)-1] + "x" }, "pool: address: "},
		{"an address of another network", func(c *pool.Config) { c.Network = "mainnet" }, "one of them is wrong"},
		{"no address for a ledger", func(c *pool.Config) { c.Address = "" }, "name it as pool: address"},
		{"a price without a currency", func(c *pool.Config) { c.Prices = pool.Prices{Source: "fixed", Bitcoin: "61000"} }, `write it as "61000 EUR"`},
		{"no secret of a wallet", func(c *pool.Config) {
			c.Payouts = pool.Payouts{Rail: "phoenixd", URL: "http://127.0.0.1:9740", Secret: "file:absent"}
		}, "pool: payouts: "},
		{"a wallet without an address", func(c *pool.Config) { c.Payouts = pool.Payouts{Rail: "lnd", Secret: "file:m"} }, "is not the address of an lnd"},
		{"a pool on the web", func(c *pool.Config) {
			*c = pool.Config{Upstreams: []pool.Upstream{{Name: "ours", URL: "http://pool.example:3333", User: "me"}}}
		}, "its scheme is none of"},
		{"the example as it stands", func(c *pool.Config) {
			*c = pool.Config{Upstreams: []pool.Upstream{{Name: "ocean", URL: "stratum+tcp://mine.ocean.xyz:3334", User: exampleUser(t)}}}
		}, "put your own address"},
	} {
		cfg := pool.Config{
			Network: "regtest", Agreement: "ledger.yaml", Address: good,
			Node: pool.Node{URL: "http://127.0.0.1:18334", User: "farm", Password: "file:node-password"},
		}
		c.change(&cfg)
		err := pool.Check(pool.Options{Config: cfg, Base: base, Now: time.Now, Secret: func(ref string) (string, error) {
			name, ok := strings.CutPrefix(ref, "file:")
			if !ok {
				return "", errors.New("a secret is never written out")
			}
			b, err := os.ReadFile(filepath.Join(base, name))
			return string(b), err
		}})
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.what, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v; want %q in it", c.what, err, c.want)
		}
	}
	if list, err := os.ReadDir(base); err != nil || len(list) != 3 {
		t.Errorf("the folder has %v, %v", list, err)
	}
}

// exampleUser is the user that the example begins with.
func exampleUser(t *testing.T) string {
	t.Helper()
	_, user, ok := strings.Cut(pool.Example, "user: ")
	if !ok {
		t.Fatal("the example names no user")
	}
	return strings.TrimSpace(user)
}
