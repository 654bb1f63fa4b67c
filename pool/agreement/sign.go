package agreement

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"hearth/ledger"
)

// statementTag keeps the signature of a statement from passing as another.
const statementTag = "hearth/statement/1\n"

// document is a statement as it is handed over.
type document struct {
	Statement json.RawMessage  `json:"statement"`
	Key       string           `json:"key"` // the ledger's, hexadecimal
	Sig       ledger.Signature `json:"sig"`
}

// Sign returns the statement as canonical JSON, signed with the ledger's key.
func (s Statement) Sign(key ed25519.PrivateKey) ([]byte, error) {
	body, err := s.canonical()
	if err != nil {
		return nil, fmt.Errorf("sign statement: %w", err)
	}
	pub, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, errors.New("sign statement: the key is not an ed25519 key")
	}
	d := document{Statement: body, Key: hex.EncodeToString(pub)}
	copy(d.Sig[:], ed25519.Sign(key, append([]byte(statementTag), body...)))
	raw, err := json.Marshal(d)
	if err == nil {
		raw, err = ledger.Canonical(raw)
	}
	if err != nil {
		return nil, fmt.Errorf("sign statement: %w", err)
	}
	return append(raw, '\n'), nil
}

func (s Statement) canonical() ([]byte, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return ledger.Canonical(raw)
}

// ParseStatement reads what [Statement.Sign] wrote, and nothing else, and holds
// the signature against the key. A wrong signature gives the statement, and an
// error that wraps [ErrSignature].
func ParseStatement(b []byte, key ed25519.PublicKey) (Statement, error) {
	fail := func(err error) (Statement, error) { return Statement{}, fmt.Errorf("read statement: %w", err) }
	raw, err := ledger.Canonical(b)
	if err != nil {
		return fail(err)
	}
	if !bytes.Equal(bytes.TrimSuffix(b, []byte("\n")), raw) {
		return fail(errors.New("it is not written as Hearth writes it"))
	}
	var d document
	if err := strict(raw, &d); err != nil {
		return fail(err)
	}
	var s Statement
	if err := strict(d.Statement, &s); err != nil {
		return fail(err)
	}
	again, err := s.canonical()
	if err != nil || !bytes.Equal(again, d.Statement) {
		return fail(errors.New("the statement has not the form there is"))
	}
	if s.Format != 1 {
		return fail(fmt.Errorf("format %d is not known: a newer Hearth wrote it", s.Format))
	}
	if d.Key != hex.EncodeToString(key) || !ed25519.Verify(key, append([]byte(statementTag), again...), d.Sig[:]) {
		return s, fmt.Errorf("read statement: %w", ErrSignature)
	}
	return s, nil
}

// ErrSignature says that a statement is not signed with the key of the ledger.
var ErrSignature = errors.New("it is not signed with the ledger's key, or was changed after it was signed")

func strict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
