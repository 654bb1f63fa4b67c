package nwc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/btcsuite/btcd/btcec/v2"
	"github.com/btcsuite/btcd/btcec/v2/schnorr"
)

// The kinds of event.
const (
	kindInfo     = 13194
	kindRequest  = 23194
	kindResponse = 23195
)

// event is one of Nostr (NIP-01).
type event struct {
	ID        string     `json:"id"`
	PubKey    string     `json:"pubkey"`
	CreatedAt int64      `json:"created_at"`
	Kind      int        `json:"kind"`
	Tags      [][]string `json:"tags"`
	Content   string     `json:"content"`
	Sig       string     `json:"sig"`
}

// hash is what the id is: of the event as an array, written in one way only.
func (e event) hash() [32]byte {
	b := append([]byte("[0,"), quote(e.PubKey)...)
	b = append(b, ',')
	b = strconv.AppendInt(b, e.CreatedAt, 10)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(e.Kind), 10)
	b = append(b, ",["...)
	for i, tag := range e.Tags {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, s := range tag {
			if j > 0 {
				b = append(b, ',')
			}
			b = append(b, quote(s)...)
		}
		b = append(b, ']')
	}
	b = append(b, "],"...)
	b = append(b, quote(e.Content)...)
	return sha256.Sum256(append(b, ']'))
}

// quote writes a string as NIP-01 wants it hashed: with seven signs escaped and
// every other as it is, unlike JSON of other makes.
func quote(s string) []byte {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; c {
		case '\n':
			b = append(b, `\n`...)
		case '"':
			b = append(b, `\"`...)
		case '\\':
			b = append(b, `\\`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// sign fills in key, id and signature.
func (e *event) sign(key *btcec.PrivateKey) error {
	e.PubKey = hex.EncodeToString(schnorr.SerializePubKey(key.PubKey()))
	hash := e.hash()
	sig, err := schnorr.Sign(key, hash[:])
	if err != nil {
		return fmt.Errorf("sign a request: %w", err)
	}
	e.ID, e.Sig = hex.EncodeToString(hash[:]), hex.EncodeToString(sig.Serialize())
	return nil
}

// verify checks that the id is the event's and that its author signed it.
func (e event) verify(author [32]byte) error {
	if e.PubKey != hex.EncodeToString(author[:]) {
		return errors.New("it is from somebody else")
	}
	hash := e.hash()
	if e.ID != hex.EncodeToString(hash[:]) {
		return errors.New("its id is that of another event")
	}
	key, err := schnorr.ParsePubKey(author[:])
	if err != nil {
		return err
	}
	raw, err := hex.DecodeString(e.Sig)
	if err != nil {
		return errors.New("its signature is malformed")
	}
	sig, err := schnorr.ParseSignature(raw)
	if err != nil {
		return fmt.Errorf("its signature is malformed: %w", err)
	}
	if !sig.Verify(hash[:], key) {
		return errors.New("its author did not sign it")
	}
	return nil
}

// tag returns the first value of a tag, empty if there is none.
func (e event) tag(name string) string {
	for _, t := range e.Tags {
		if len(t) >= 2 && t[0] == name {
			return t[1]
		}
	}
	return ""
}
