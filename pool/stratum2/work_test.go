package stratum2

import (
	"strings"
	"testing"

	"hearth/pool/job"
)

// On a network for tests, where a block takes a hash or two, they come as fast as
// the node takes them, and the pool of whoever finds them is not left for it. A
// pool that claims as much of a real network is.
func TestBlocksMayComeManyASecond(t *testing.T) {
	for name, c := range map[string]struct {
		bits uint32
		left bool
	}{"regtest": {0x207fffff, false}, "a real network": {0x1d00ffff, true}} {
		network, err := job.CompactTarget(c.bits)
		if err != nil {
			t.Fatal(err)
		}
		p := &couple{c: NewClient(ClientConfig{User: "me", Next: counter()}), s: NewSession(easy()), now: noon(), current: jobOn(1, "one", 1, true)}
		out, err := p.c.Login(nil)
		if err == nil {
			err = p.carry(t, out)
		}
		for n := range uint32(1000) {
			if err != nil {
				break
			}
			j := jobOn(10+n, "one", 1, true)
			j.Bits, j.Network, j.Prev = c.bits, network, job.Hash{byte(n), byte(n >> 8), 1}
			_, err = p.deliver(t, p.s.Offer(nil, 2, j, p.now))
		}
		if left := err != nil && strings.Contains(err.Error(), "in a row"); left != c.left || !left && err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
