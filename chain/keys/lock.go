package keys

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
	"golang.org/x/text/unicode/norm"
)

// A Lock is what opens sealed keys: a passphrase or a file of random bytes. It
// prints as which of them it is.
type Lock struct {
	secret []byte
	file   bool
}

// shortest is the fewest bytes of a passphrase that is taken for new keys.
const shortest = 8

// Passphrase locks with what a person remembers.
func Passphrase(text string) Lock { return Lock{secret: []byte(norm.NFKC.String(text))} }

// fileBytes is how many bytes a key file has to have, to be guessed by nobody.
const fileBytes = 32

// KeyFile locks with the content of a file, for homes that start without a
// person. It has to have 32 random bytes or more, and nobody else may read it.
func KeyFile(name string) (Lock, error) {
	f, err := os.Open(name)
	if err != nil {
		return Lock{}, fmt.Errorf("read key file: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Lock{}, fmt.Errorf("read key file: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return Lock{}, fmt.Errorf("read key file %s: others may read it (mode %v); chmod 600 it", name, info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, largest))
	if err != nil {
		return Lock{}, fmt.Errorf("read key file: %w", err)
	}
	if len(b) < fileBytes {
		return Lock{}, fmt.Errorf("read key file %s: it has %d bytes, at least %d random ones are needed", name, len(b), fileBytes)
	}
	return Lock{secret: b, file: true}, nil
}

// Format prints which kind it is, whatever the verb.
func (l Lock) Format(f fmt.State, _ rune) {
	kind := "passphrase"
	if l.file {
		kind = "key file"
	}
	fmt.Fprint(f, kind)
}

// A recipe says how the seal's key is made from a lock.
type recipe struct {
	Kind string `json:"kind"`
	Salt []byte `json:"salt"`
	// The costs of Argon2id.
	Passes    uint32 `json:"passes,omitempty"`
	MemoryKiB uint32 `json:"memory_kib,omitempty"`
	Threads   uint8  `json:"threads,omitempty"`
}

// The kinds of recipes.
const (
	argon2id   = "argon2id"
	hkdfSHA256 = "hkdf-sha256"
)

// Costs for new keys: the second recommendation of RFC 9106, for machines with
// little memory; and the most that is spent on a file that says otherwise.
const (
	passes, memoryKiB, threads             = 3, 64 << 10, 4
	mostPasses, mostMemoryKiB, mostThreads = 16, 1 << 20, 16
	saltBytes                              = 16
)

func (l Lock) recipe(random io.Reader) (recipe, error) {
	r := recipe{Kind: hkdfSHA256, Salt: make([]byte, saltBytes)}
	if !l.file {
		if len(l.secret) < shortest {
			return recipe{}, fmt.Errorf("a passphrase needs %d characters, several words are better", shortest)
		}
		r.Kind, r.Passes, r.MemoryKiB, r.Threads = argon2id, passes, memoryKiB, threads
	}
	_, err := io.ReadFull(random, r.Salt)
	return r, err
}

// key makes the seal's key.
func (l Lock) key(r recipe) ([]byte, error) {
	if len(r.Salt) != saltBytes {
		return nil, errors.New("it is damaged: the salt has another length")
	}
	switch r.Kind {
	case argon2id:
		if l.file {
			return nil, fmt.Errorf("%w: they were sealed with a passphrase", ErrWrongKey)
		}
		if r.Passes < 1 || r.Passes > mostPasses || r.MemoryKiB > mostMemoryKiB || r.Threads < 1 || r.Threads > mostThreads {
			return nil, fmt.Errorf("the file asks for %d passes over %d KiB with %d threads, which is not what this program writes", r.Passes, r.MemoryKiB, r.Threads)
		}
		return argon2.IDKey(l.secret, r.Salt, r.Passes, r.MemoryKiB, r.Threads, chacha20poly1305.KeySize), nil
	case hkdfSHA256:
		if !l.file {
			return nil, fmt.Errorf("%w: they were sealed with a key file", ErrWrongKey)
		}
		return hkdf.Key(sha256.New, l.secret, r.Salt, "hearth keys 1", chacha20poly1305.KeySize)
	}
	return nil, fmt.Errorf("it is sealed with %.20q, which this program does not know", r.Kind)
}
