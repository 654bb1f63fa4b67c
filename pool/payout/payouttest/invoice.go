package payouttest

import (
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/btcsuite/btcd/address/v2/bech32"
	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/ecdsa"

	"hearth/pool/payout/bolt11"
)

// The tags of an invoice's fields.
const (
	tagHash        = 1
	tagExpiry      = 6
	tagDescription = 13
	tagDescribed   = 23
)

// Encode writes an invoice and signs it with key; its Payee is not looked at.
// An invoice that is not Hashed carries its description.
func Encode(in bolt11.Invoice, key *btcec.PrivateKey) (string, error) {
	prefix := "ln" + string(in.Network)
	if in.Millisats < 0 || in.Millisats > 1<<53 {
		return "", fmt.Errorf("write an invoice: %d millisats are no amount", in.Millisats)
	}
	switch m := in.Millisats; {
	case m == 0:
	case m%100_000_000 == 0:
		prefix += fmt.Sprintf("%dm", m/100_000_000)
	case m%100_000 == 0:
		prefix += fmt.Sprintf("%du", m/100_000)
	case m%100 == 0:
		prefix += fmt.Sprintf("%dn", m/100)
	default:
		prefix += fmt.Sprintf("%dp", 10*m)
	}
	body := words(uint64(in.At.Unix()), 7)
	field := func(tag byte, data []byte) {
		body = append(body, tag, byte(len(data)>>5&31), byte(len(data)&31))
		body = append(body, data...)
	}
	bytesField := func(tag byte, b []byte) error {
		data, err := bech32.ConvertBits(b, 8, 5, true)
		if err != nil || len(data) > 1023 {
			return fmt.Errorf("write an invoice: a field of %d bytes is too long", len(b))
		}
		field(tag, data)
		return nil
	}
	if err := bytesField(tagHash, in.PaymentHash[:]); err != nil {
		return "", err
	}
	described, tag := []byte(in.Description), byte(tagDescription)
	if in.Hashed {
		described, tag = in.DescriptionHash[:], tagDescribed
	}
	if err := bytesField(tag, described); err != nil {
		return "", err
	}
	if span := in.Expires.Sub(in.At); span > 0 {
		n := 1
		for rest := uint64(span/time.Second) >> 5; rest > 0; rest >>= 5 {
			n++
		}
		field(tagExpiry, words(uint64(span/time.Second), n))
	}
	data, err := bech32.ConvertBits(body, 5, 8, true)
	if err != nil {
		return "", fmt.Errorf("write an invoice: %w", err)
	}
	hash := sha256.Sum256(append([]byte(prefix), data...))
	compact := ecdsa.SignCompact(key, hash[:], true)
	sig, err := bech32.ConvertBits(append(compact[1:], compact[0]-27-4), 8, 5, true)
	if err != nil {
		return "", fmt.Errorf("write an invoice: %w", err)
	}
	return bech32.Encode(prefix, append(body, sig...))
}

// words writes a number in n words of five bits.
func words(v uint64, n int) []byte {
	w := make([]byte, n)
	for i := n - 1; i >= 0; i-- {
		w[i], v = byte(v&31), v>>5
	}
	return w
}
