package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/crypto/chacha20poly1305"

	"hearth/chain/wire"
	"hearth/internal/durable"
)

// version is that of the file's format.
const version = 1

// document is the file: JSON, so that people see what it is and whose.
type document struct {
	Version  int          `json:"hearth_keys"`
	Account  wire.Address `json:"account"`
	Executor string       `json:"executor"`
	Owner    wire.Address `json:"owner"`
	Lock     recipe       `json:"lock"`
	Nonce    []byte       `json:"nonce"`
	Sealed   []byte       `json:"sealed,omitempty"`
}

// open is what is not secret and under the seal all the same: the document
// without what is sealed, in its one form.
func (d document) open() ([]byte, error) {
	d.Sealed = nil
	return json.Marshal(d)
}

// ErrWrongKey says that the passphrase or the key file does not open the keys.
// The seal cannot tell this from a file that was changed.
var ErrWrongKey = errors.New("the passphrase or key file is not the one they were sealed with, or the file was changed")

// Seal writes the keys as a file's content, sealed with the lock; random is
// crypto/rand's Reader but in tests.
func (h Hot) Seal(lock Lock, random io.Reader) ([]byte, error) {
	b, err := h.seal(lock, random)
	if err != nil {
		return nil, fmt.Errorf("seal keys: %w", err)
	}
	return b, nil
}

func (h Hot) seal(lock Lock, random io.Reader) ([]byte, error) {
	if h.executor == nil {
		return nil, errors.New("there are none")
	}
	p := h.Public()
	d := document{
		Version: version, Account: p.Account, Executor: hex.EncodeToString(p.Executor[:]), Owner: p.Owner,
		Nonce: make([]byte, chacha20poly1305.NonceSizeX),
	}
	var err error
	if d.Lock, err = lock.recipe(random); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(random, d.Nonce); err != nil {
		return nil, err
	}
	key, err := lock.key(d.Lock)
	if err != nil {
		return nil, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, err
	}
	open, err := d.open()
	if err != nil {
		return nil, err
	}
	d.Sealed = aead.Seal(nil, d.Nonce, append(h.account.Bytes(), h.executor.Seed()...), open)
	b, err := json.MarshalIndent(d, "", "  ")
	return append(b, '\n'), err
}

// Unseal reads what Seal wrote. The error is [ErrWrongKey] where the lock does
// not open it.
func Unseal(content []byte, lock Lock) (Hot, error) {
	h, err := unseal(content, lock)
	if err != nil {
		return Hot{}, fmt.Errorf("open keys: %w", err)
	}
	return h, nil
}

func unseal(content []byte, lock Lock) (Hot, error) {
	d, err := parse(content)
	if err != nil {
		return Hot{}, err
	}
	key, err := lock.key(d.Lock)
	if err != nil {
		return Hot{}, err
	}
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return Hot{}, err
	}
	open, err := d.open()
	if err != nil {
		return Hot{}, err
	}
	secret, err := aead.Open(nil, d.Nonce, d.Sealed, open)
	if err != nil {
		return Hot{}, ErrWrongKey
	}
	h := Hot{owner: d.Owner, executor: ed25519.NewKeyFromSeed(secret[32:])}
	if h.account, err = wire.KeyFromBytes(secret[:32]); err != nil {
		return Hot{}, err
	}
	if h.Public() != d.public() {
		return Hot{}, errors.New("the addresses in the file are not those of its keys")
	}
	return h, nil
}

// Inspect says whose keys a file's content holds, without opening them. It may
// have been changed: only [Unseal] knows.
func Inspect(content []byte) (Public, error) {
	d, err := parse(content)
	if err != nil {
		return Public{}, fmt.Errorf("read key file: %w", err)
	}
	return d.public(), nil
}

func (d document) public() Public {
	p := Public{Account: d.Account, Owner: d.Owner}
	b, _ := hex.DecodeString(d.Executor) // checked when it was read
	copy(p.Executor[:], b)
	return p
}

// largest is more than a key file has.
const largest = 16 << 10

func parse(content []byte) (document, error) {
	if len(content) > largest {
		return document{}, fmt.Errorf("it has %d bytes, which no key file has", len(content))
	}
	var head struct {
		Version int `json:"hearth_keys"`
	}
	if err := json.Unmarshal(content, &head); err != nil || head.Version == 0 {
		return document{}, errors.New("it is not a key file")
	}
	if head.Version != version {
		return document{}, fmt.Errorf("it has version %d, known is %d; update this program", head.Version, version)
	}
	var d document
	dec := json.NewDecoder(bytes.NewReader(content))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&d); err != nil {
		return document{}, fmt.Errorf("it is damaged: %w", err)
	}
	if b, err := hex.DecodeString(d.Executor); err != nil || len(b) != ed25519.PublicKeySize ||
		len(d.Nonce) != chacha20poly1305.NonceSizeX || len(d.Sealed) != 32+ed25519.SeedSize+chacha20poly1305.Overhead {
		return document{}, errors.New("it is damaged: a part has another length")
	}
	return d, nil
}

// Create writes hot keys to a new file that only its owner may read. A file that
// is there already is left alone: it may hold the only copy of a key.
func Create(name string, h Hot, lock Lock) error {
	if _, err := os.Lstat(name); !errors.Is(err, fs.ErrNotExist) {
		if err == nil {
			err = errors.New("it is there already: move it away if its keys are not needed")
		}
		return fmt.Errorf("write keys to %s: %w", name, err)
	}
	return write(name, h, lock)
}

func write(name string, h Hot, lock Lock) error {
	b, err := h.Seal(lock, rand.Reader)
	if err == nil {
		err = durable.Replace(name, b, 0o600)
	}
	if err != nil {
		return fmt.Errorf("write keys to %s: %w", name, err)
	}
	return nil
}

// Load opens the keys in a file.
func Load(name string, lock Lock) (Hot, error) {
	b, err := read(name)
	if err != nil {
		return Hot{}, err
	}
	h, err := unseal(b, lock)
	if err != nil {
		return Hot{}, fmt.Errorf("open the keys in %s: %w", name, err)
	}
	return h, nil
}

// Relock seals the keys in a file with another lock.
func Relock(name string, old, lock Lock) error {
	h, err := Load(name, old)
	if err != nil {
		return err
	}
	return write(name, h, lock)
}

func read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, largest+1))
	if err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	return b, nil
}
