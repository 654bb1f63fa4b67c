package pool_test

import (
	"strings"
	"testing"

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
