package devnet

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/relay"
)

// clockwork is beacon.json: a beacon whose only key lies open here. It proves
// nothing to strangers.
type clockwork struct {
	Seed    []byte `json:"seed"`
	Genesis int64  `json:"genesis"`
	Period  uint32 `json:"period"`
}

const clockworkFile = "beacon.json"

// newBeacon makes the beacon of a network and says how its rounds are verified.
func newBeacon(home string, at time.Time) (drand.Chain, error) {
	c := clockwork{Seed: make([]byte, drand.LeastSeed), Genesis: at.Unix(), Period: 1}
	if _, err := rand.Read(c.Seed); err != nil {
		return drand.Chain{}, fmt.Errorf("make the beacon's key: %w", err)
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return drand.Chain{}, fmt.Errorf("write the beacon's key: %w", err)
	}
	if err := os.WriteFile(filepath.Join(home, clockworkFile), append(text, '\n'), 0o600); err != nil {
		return drand.Chain{}, fmt.Errorf("write the beacon's key: %w", err)
	}
	key, err := drand.NewSecretKey(c.Seed)
	if err != nil {
		return drand.Chain{}, fmt.Errorf("make the beacon's key: %w", err)
	}
	return drand.Local(key.Public(), c.Genesis, c.Period), nil
}

// Beacon returns the network's beacon, to be served over HTTP.
func (n *Network) Beacon() (*relay.Local, error) {
	b, err := os.ReadFile(n.path(clockworkFile))
	if err != nil {
		return nil, fmt.Errorf("read the beacon's key: %w", err)
	}
	var c clockwork
	if err := json.Unmarshal(b, &c); err != nil {
		return nil, fmt.Errorf("read the beacon's key from %s: %w", clockworkFile, err)
	}
	key, err := drand.NewSecretKey(c.Seed)
	if err != nil {
		return nil, fmt.Errorf("read the beacon's key from %s: %w", clockworkFile, err)
	}
	return relay.NewLocal(key, c.Genesis, c.Period, time.Now)
}
