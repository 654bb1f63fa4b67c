package payouttest

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/btcsuite/btcd/btcec/v2"

	"hearth/pool/payout/bolt11"
)

// Network mints invoices and pays them. It pays as often as it is told to, and
// counts: it is for wallets to pay once. It is safe for concurrent use.
type Network struct {
	now func() time.Time
	key *btcec.PrivateKey

	mu      sync.Mutex
	minted  uint64
	entries map[bolt11.Hash]*entry
}

type entry struct {
	preimage  string
	millisats int64
	paid      int
}

// NewNetwork makes a network whose clock is now.
func NewNetwork(now func() time.Time) *Network {
	seed := sha256.Sum256([]byte("a node that is not there"))
	key, _ := btcec.PrivKeyFromBytes(seed[:])
	return &Network{now: now, key: key, entries: map[bolt11.Hash]*entry{}}
}

// Terms are what an invoice is made with besides its amount.
type Terms struct {
	// Describe is what the invoice carries; Metadata is what it carries the
	// hash of instead, if it is not empty.
	Describe, Metadata string
	Network            bolt11.Network // empty: Regtest
	Expiry             time.Duration  // 0: an hour
}

// Mint makes a new invoice.
func (n *Network) Mint(millisats int64, t Terms) (text string, hash bolt11.Hash) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.minted++
	preimage := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("preimage"), n.minted))
	hash = sha256.Sum256(preimage[:])
	if t.Network == "" {
		t.Network = bolt11.Regtest
	}
	if t.Expiry == 0 {
		t.Expiry = time.Hour
	}
	in := bolt11.Invoice{
		Network: t.Network, Millisats: millisats, At: n.now().Truncate(time.Second), Expires: n.now().Truncate(time.Second).Add(t.Expiry),
		PaymentHash: hash, Description: t.Describe, Hashed: t.Metadata != "", DescriptionHash: sha256.Sum256([]byte(t.Metadata)),
	}
	text, err := Encode(in, n.key)
	if err != nil {
		panic(err) // a test that mints what cannot be
	}
	n.entries[hash] = &entry{preimage: hex.EncodeToString(preimage[:]), millisats: millisats}
	return text, hash
}

// ErrExpired is a payee's answer to a payment that comes too late.
var ErrExpired = errors.New("the payee refuses: the invoice has expired")

// Pay moves the money of an invoice and returns the proof.
func (n *Network) Pay(text string) (preimage string, err error) {
	in, err := bolt11.Decode(text)
	if err != nil {
		return "", err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.entries[in.PaymentHash]
	switch {
	case e == nil:
		return "", fmt.Errorf("nobody has made the invoice of %s", in.PaymentHash)
	case !n.now().Before(in.Expires):
		return "", ErrExpired
	}
	e.paid++
	return e.preimage, nil
}

// Paid tells how often an invoice was paid.
func (n *Network) Paid(hash bolt11.Hash) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := n.entries[hash]; e != nil {
		return e.paid
	}
	return 0
}

// Total is what all payees have received, in millisats.
func (n *Network) Total() int64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	var sum int64
	for _, e := range n.entries {
		sum += int64(e.paid) * e.millisats
	}
	return sum
}
