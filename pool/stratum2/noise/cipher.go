package noise

import (
	"crypto/cipher"
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"golang.org/x/crypto/chacha20poly1305"
)

// Overhead is how many bytes longer a sealed text is.
const Overhead = chacha20poly1305.Overhead

// MaxPlain is the longest text that is sealed in one piece, in bytes.
const MaxPlain = 65535 - Overhead

var errExhausted = errors.New("this connection has had all its nonces; connect anew")

// Cipher encrypts or decrypts one direction of a connection. Each use takes the
// next nonce, so both sides must use theirs for the same texts in the same
// order. It must not be used by two goroutines at a time.
//
// A Cipher that has failed fails for ever: after a forged text nothing on the
// connection can be believed.
type Cipher struct {
	aead   cipher.AEAD
	n      uint64
	nonce  [chacha20poly1305.NonceSize]byte // four zero bytes, then n
	failed error
}

func newCipher(key [32]byte) (*Cipher, error) {
	aead, err := chacha20poly1305.New(key[:])
	if err != nil {
		return nil, fmt.Errorf("making a cipher: %w", err)
	}
	return &Cipher{aead: aead}, nil
}

// next readies the nonce. The last is never used, as Noise has it.
func (c *Cipher) next() error {
	if c.failed != nil {
		return c.failed
	}
	if c.n == math.MaxUint64 {
		c.failed = errExhausted
		return c.failed
	}
	binary.LittleEndian.PutUint64(c.nonce[4:], c.n)
	c.n++
	return nil
}

// Seal appends the encrypted plain text, which is Overhead longer, to dst. The
// two may overlap only if dst ends where plain begins.
func (c *Cipher) Seal(dst, plain []byte) ([]byte, error) { return c.seal(dst, plain, nil) }

// Open appends the text that was sealed to dst. To open in place dst may be
// sealed[:0]. An error means that the text was forged or damaged.
func (c *Cipher) Open(dst, sealed []byte) ([]byte, error) { return c.open(dst, sealed, nil) }

func (c *Cipher) seal(dst, plain, bound []byte) ([]byte, error) {
	if err := c.next(); err != nil {
		return dst, err
	}
	return c.aead.Seal(dst, c.nonce[:], plain, bound), nil
}

func (c *Cipher) open(dst, sealed, bound []byte) ([]byte, error) {
	if err := c.next(); err != nil {
		return dst, err
	}
	out, err := c.aead.Open(dst, c.nonce[:], sealed, bound)
	if err != nil {
		c.failed = errors.New("decrypting: the text is forged or damaged")
		return dst, c.failed
	}
	return out, nil
}
