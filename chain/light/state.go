package light

import (
	"bytes"
	"errors"
	"fmt"
)

// A StateProof leads from a key of a store to the hash of the application's
// state: what a node answers to a query with a proof.
type StateProof struct {
	// Store is the ICS-23 proof of the key in its store's IAVL tree.
	Store []byte
	// Stores is the ICS-23 proof of the store in the tree of all stores.
	Stores []byte
}

// maxProof is the longest proof that is read. It holds the value, or for one of
// absence the two beside it, and strangers write some: manifests of models and
// receipts have hundreds of kilobytes.
const maxProof = 2 << 20

// The names by which nodes tell the parts of a proof.
const (
	StoreOperation  = "ics23:iavl"
	StoresOperation = "ics23:simple"
)

// Holds proves that after the block before this one the store held the value
// under the key. The value may be empty, as in sets of keys.
func (h Header) Holds(store string, key, value []byte, p StateProof) error {
	is, _, err := p.read()
	if err == nil && is == nil {
		err = errors.New("it proves that something is absent")
	}
	if err == nil && (!bytes.Equal(is.key, key) || !bytes.Equal(is.value, value)) {
		err = errors.New("it proves another key or value")
	}
	var root Digest
	if err == nil {
		root, err = is.root(iavl)
	}
	if err == nil {
		err = p.toState(store, root, h.AppHash)
	}
	if err != nil {
		return fmt.Errorf("prove %s %X at height %d: %w", store, key, h.Height-1, err)
	}
	return nil
}

// Lacks proves that after the block before this one the store held nothing
// under the key.
func (h Header) Lacks(store string, key []byte, p StateProof) error {
	_, not, err := p.read()
	if err == nil && not == nil {
		err = errors.New("it proves that something is there")
	}
	var root Digest
	if err == nil {
		root, err = not.root(iavl, key)
	}
	if err == nil {
		err = p.toState(store, root, h.AppHash)
	}
	if err != nil {
		return fmt.Errorf("prove that %s has no %X at height %d: %w", store, key, h.Height-1, err)
	}
	return nil
}

func (p StateProof) read() (*existence, *absence, error) {
	if len(p.Store) > maxProof || len(p.Stores) > maxProof {
		return nil, nil, fmt.Errorf("it has %d bytes", len(p.Store)+len(p.Stores))
	}
	return decodeProof(p.Store)
}

// toState climbs from the root of a store to that of the state.
func (p StateProof) toState(store string, root Digest, state []byte) error {
	is, _, err := decodeProof(p.Stores)
	if err != nil {
		return fmt.Errorf("the store in the state: %w", err)
	}
	if is == nil || string(is.key) != store || !bytes.Equal(is.value, root[:]) {
		return fmt.Errorf("the store in the state: it proves something else than the store %s with the root %s", store, root)
	}
	got, err := is.root(simple)
	if err != nil {
		return fmt.Errorf("the store in the state: %w", err)
	}
	if !bytes.Equal(got[:], state) {
		return fmt.Errorf("it leads to %s, the header has the state %X", got, state)
	}
	return nil
}
