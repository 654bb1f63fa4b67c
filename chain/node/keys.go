package node

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"
	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"

	"hearth/chain/beacon/drand"
)

// Identity is who a node is.
type Identity struct {
	Peer   p2p.ID             // to its peers
	PubKey cryptotypes.PubKey // signs blocks
	// Beacon reveals when the beacon is silent.
	Beacon drand.SecretKey
}

// Identify returns who the node is; keys that it does not have yet it makes.
func (f Files) Identify() (Identity, error) {
	c := cmtcfg.DefaultConfig().SetRoot(f.Home)
	for _, name := range [...]string{c.NodeKeyFile(), c.PrivValidatorKeyFile(), c.PrivValidatorStateFile()} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return Identity{}, fmt.Errorf("make the folder of keys: %w", err)
		}
	}
	key, err := p2p.LoadOrGenNodeKey(c.NodeKeyFile())
	if err != nil {
		return Identity{}, fmt.Errorf("read or make the key of the node: %w", err)
	}
	pub, err := privval.LoadOrGenFilePV(c.PrivValidatorKeyFile(), c.PrivValidatorStateFile()).GetPubKey()
	if err != nil {
		return Identity{}, fmt.Errorf("read or make the key that signs blocks: %w", err)
	}
	signer, err := cryptocodec.FromCmtPubKeyInterface(pub)
	if err != nil {
		return Identity{}, fmt.Errorf("read the key that signs blocks: %w", err)
	}
	reveals, err := f.beaconKey()
	if err != nil {
		return Identity{}, err
	}
	return Identity{Peer: key.ID(), PubKey: signer, Beacon: reveals}, nil
}

// secret is beacon_key.json: what the key is derived from, and its public part
// for people to register it by.
type secret struct {
	Seed   []byte `json:"seed"`
	Public string `json:"public"`
	Proof  string `json:"proof"` // of possession
}

// beaconKey reads the key that reveals, or makes it.
func (f Files) beaconKey() (drand.SecretKey, error) {
	name := filepath.Join(f.Home, "config", "beacon_key.json")
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return newBeaconKey(name)
	}
	if err != nil {
		return drand.SecretKey{}, fmt.Errorf("read the key that reveals: %w", err)
	}
	var s secret
	if err := json.Unmarshal(b, &s); err != nil {
		return drand.SecretKey{}, fmt.Errorf("read the key that reveals from %s: %w", name, err)
	}
	return drand.NewSecretKey(s.Seed)
}

func newBeaconKey(name string) (drand.SecretKey, error) {
	s := secret{Seed: make([]byte, drand.LeastSeed)}
	if _, err := rand.Read(s.Seed); err != nil {
		return drand.SecretKey{}, fmt.Errorf("make the key that reveals: %w", err)
	}
	key, err := drand.NewSecretKey(s.Seed)
	if err != nil {
		return drand.SecretKey{}, fmt.Errorf("make the key that reveals: %w", err)
	}
	proof, err := key.Possession()
	if err != nil {
		return drand.SecretKey{}, fmt.Errorf("make the key that reveals: %w", err)
	}
	public := key.Public()
	s.Public, s.Proof = hex.EncodeToString(public[:]), hex.EncodeToString(proof[:])
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return drand.SecretKey{}, fmt.Errorf("write the key that reveals: %w", err)
	}
	if err := os.WriteFile(name, append(b, '\n'), 0o600); err != nil {
		return drand.SecretKey{}, fmt.Errorf("write the key that reveals: %w", err)
	}
	return key, nil
}
