package keys

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"hearth/chain/wire"
)

// Hot keys are those that a home works with. They print as what is public of
// them.
type Hot struct {
	account  wire.Key
	executor ed25519.PrivateKey
	owner    wire.Address
}

// NewHot draws hot keys for an owner, of whom only the address is known; random
// is crypto/rand's Reader but in tests.
func NewHot(random io.Reader, owner wire.Address) (Hot, error) {
	h := Hot{owner: owner}
	var b [32]byte
	// Not every number is a key. All but one of 2¹²⁸ are.
	for range 4 {
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return Hot{}, fmt.Errorf("draw hot keys: %w", err)
		}
		key, err := wire.KeyFromBytes(b[:])
		if err != nil {
			continue
		}
		h.account = key
		if _, err := io.ReadFull(random, b[:]); err != nil {
			return Hot{}, fmt.Errorf("draw hot keys: %w", err)
		}
		h.executor = ed25519.NewKeyFromSeed(b[:])
		return h, nil
	}
	return Hot{}, errors.New("draw hot keys: the source of randomness gives no key; it is broken")
}

// Account is the key that signs transactions.
func (h Hot) Account() wire.Key { return h.account }

// Executor is the key that signs receipts and tickets.
func (h Hot) Executor() ed25519.PrivateKey { return h.executor }

// Owner is the address of the cold key.
func (h Hot) Owner() wire.Address { return h.owner }

// Public is what may be known of the keys.
func (h Hot) Public() Public {
	p := Public{Owner: h.owner}
	if h.executor != nil {
		p.Account = h.account.Address()
		p.Executor = [32]byte(h.executor.Public().(ed25519.PublicKey))
	}
	return p
}

// Format prints what is public, whatever the verb.
func (h Hot) Format(f fmt.State, _ rune) { fmt.Fprint(f, h.Public().String()) }

// LogValue logs what is public.
func (h Hot) LogValue() slog.Value { return slog.StringValue(h.Public().String()) }

// Public is what may be known of hot keys.
type Public struct {
	// Account is the address that the hot account key opens.
	Account wire.Address
	// Executor is the ed25519 public key of receipts and tickets.
	Executor [32]byte
	// Owner is the address of the cold key, to which what is earned belongs.
	Owner wire.Address
}

// String is one line for people.
func (p Public) String() string {
	return fmt.Sprintf("account %s, executor %x, owner %s", p.Account, p.Executor, p.Owner)
}
