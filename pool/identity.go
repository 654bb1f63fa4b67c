package pool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"hearth/internal/durable"
	"hearth/pool/stratum2/noise"
)

// identity is what Stratum V2 miners know the service by. It stays the same for
// years: a miner may have been given the authority's key to pin.
type identity struct {
	static    *noise.Key
	authority *noise.Authority
	text      string
}

// identityBytes are a secret key, what its encoding is drawn from, and the
// authority's secret key.
const identityBytes = 3 * 32

// loadIdentity reads the keys, or makes them with the first start.
func loadIdentity(dir string, random io.Reader) (identity, error) {
	path := filepath.Join(dir, "stratum2.key")
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		secret = make([]byte, identityBytes)
		if _, err = io.ReadFull(random, secret); err == nil {
			err = durable.Replace(path, secret, 0o600)
		}
	}
	if err != nil {
		return identity{}, fmt.Errorf("keep the keys of Stratum V2: %w", err)
	}
	if len(secret) != identityBytes {
		return identity{}, fmt.Errorf("read the keys of Stratum V2: %s has %d bytes and should have %d; put a backup in its place, or remove it: miners that pin the old key must then be given the new one", path, len(secret), identityBytes)
	}
	static, err := noise.NewKey([32]byte(secret[:32]), [32]byte(secret[32:64]))
	if err != nil {
		return identity{}, fmt.Errorf("read the keys of Stratum V2: %w", err)
	}
	authority, err := noise.NewAuthority([32]byte(secret[64:]))
	if err != nil {
		return identity{}, fmt.Errorf("read the keys of Stratum V2: %w", err)
	}
	return identity{static: static, authority: authority, text: authority.Key().String()}, nil
}
