package ledger

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Head names the last record of a ledger. A signed head that is kept outside
// the file shows when the file's end was cut off, or when the whole file was
// put back to an older copy.
type Head struct {
	Seq     uint64    `json:"seq"`
	At      time.Time `json:"at"`      // of the last record
	Hash    Hash      `json:"hash"`    // of the last record
	Genesis Hash      `json:"genesis"` // of the first record: which ledger this is
	Sig     Signature `json:"sig"`
}

// Head returns the signed head of the ledger that ends with r and begins with
// the record whose hash is genesis.
func (r Record) Head(genesis Hash, key ed25519.PrivateKey) Head {
	h := Head{Seq: r.Seq, At: r.At, Hash: r.Hash, Genesis: genesis}
	copy(h.Sig[:], ed25519.Sign(key, h.message()))
	return h
}

func (h Head) message() []byte {
	b := append([]byte(headTag), h.Genesis[:]...)
	b = binary.BigEndian.AppendUint64(b, h.Seq)
	b = binary.BigEndian.AppendUint64(b, uint64(h.At.UnixNano()))
	return append(b, h.Hash[:]...)
}

// Verify reports whether the head was signed with the key pub.
func (h Head) Verify(pub ed25519.PublicKey) error {
	if !ed25519.Verify(pub, h.message(), h.Sig[:]) {
		return errors.New("the head is not signed with the ledger's key: it was changed, or belongs to another ledger")
	}
	return nil
}

// MarshalLine returns the head as it is kept in a file: one line of canonical
// JSON.
func (h Head) MarshalLine() ([]byte, error) {
	h.At = h.At.UTC()
	b, err := canonicalJSON(h)
	if err != nil {
		return nil, fmt.Errorf("encode head: %w", err)
	}
	return append(b, '\n'), nil
}

// ParseHead reads what [Head.MarshalLine] wrote, and nothing else. The
// signature is for [Head.Verify].
func ParseHead(b []byte) (Head, error) {
	var h Head
	if len(b) > MaxBody {
		return Head{}, fmt.Errorf("parse head: %d bytes are too many", len(b))
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&h); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("it is empty")
		}
		return Head{}, fmt.Errorf("parse head: %w", err)
	}
	again, err := h.MarshalLine()
	if err != nil {
		return Head{}, fmt.Errorf("parse head: %w", err)
	}
	if !bytes.Equal(b, again) {
		return Head{}, errors.New("parse head: it is not written as Hearth writes it")
	}
	if !time.Unix(0, h.At.UnixNano()).Equal(h.At) {
		return Head{}, errors.New("parse head: its time is out of range")
	}
	return h, nil
}
