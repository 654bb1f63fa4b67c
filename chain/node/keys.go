package node

import (
	"fmt"
	"os"
	"path/filepath"

	cmtcfg "github.com/cometbft/cometbft/config"
	"github.com/cometbft/cometbft/p2p"
	"github.com/cometbft/cometbft/privval"

	cryptocodec "github.com/cosmos/cosmos-sdk/crypto/codec"
	cryptotypes "github.com/cosmos/cosmos-sdk/crypto/types"
)

// Identity is who a node is.
type Identity struct {
	Peer   p2p.ID             // to its peers
	PubKey cryptotypes.PubKey // signs blocks
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
	return Identity{Peer: key.ID(), PubKey: signer}, nil
}
