package noise

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// Sizes of the two messages of a handshake, in bytes. (The specification's text
// says 170 for the second, from when keys were shorter.)
const (
	HelloSize  = KeySize
	AnswerSize = KeySize + KeySize + Overhead + CertificateSize + Overhead
)

const protocol = "Noise_NX_Secp256k1+EllSwift_ChaChaPoly_SHA256"

// Pair is what both sides have after a handshake: a cipher for what they send
// and one for what they get.
type Pair struct{ Out, In *Cipher }

// Identity is what a responder shows: its static key and what an authority says
// about it. It may be used by several goroutines at a time.
type Identity struct {
	Key         *Key
	Certificate Certificate
}

// transcript is the symmetric state of the handshake.
type transcript struct {
	hash, chain [32]byte
	cipher      *Cipher // none until keys are mixed in
}

func begin() transcript {
	name := sha256.Sum256([]byte(protocol))
	return transcript{hash: sha256.Sum256(name[:]), chain: name} // the prologue is empty
}

func (t *transcript) mix(b []byte) {
	h := sha256.New()
	h.Write(t.hash[:])
	h.Write(b)
	h.Sum(t.hash[:0])
}

// mixKey mixes in a shared secret and makes the next cipher.
func (t *transcript) mixKey(secret [32]byte) error {
	chain, key := derive(t.chain, secret[:])
	t.chain = chain
	var err error
	t.cipher, err = newCipher(key)
	return err
}

// seal encrypts b bound to all that was said, and mixes the result in.
func (t *transcript) seal(dst, b []byte) ([]byte, error) {
	out, err := t.cipher.seal(dst, b, t.hash[:])
	if err == nil {
		t.mix(out[len(dst):])
	}
	return out, err
}

func (t *transcript) open(b []byte) ([]byte, error) {
	out, err := t.cipher.open(nil, b, t.hash[:])
	t.mix(b)
	return out, err
}

// split ends the handshake: the initiator's outgoing cipher and the responder's.
func (t *transcript) split() (initiator, responder *Cipher, err error) {
	a, b := derive(t.chain, nil)
	initiator, err = newCipher(a)
	if err != nil {
		return nil, nil, err
	}
	responder, err = newCipher(b)
	return initiator, responder, err
}

// derive is HKDF (RFC 5869) with SHA-256, no info and two outputs.
func derive(salt [32]byte, secret []byte) (a, b [32]byte) {
	key := mac(salt[:], secret)
	a = mac(key[:], []byte{1})
	b = mac(key[:], append(a[:], 2))
	return a, b
}

func mac(key, b []byte) (out [32]byte) {
	h := hmac.New(sha256.New, key)
	h.Write(b)
	h.Sum(out[:0])
	return out
}

// Respond is the pool's side of the handshake: the answer to a hello of
// [HelloSize] bytes. The ephemeral key must be used for nothing else; its
// secret is wiped.
//
// Any hello has an answer, and it costs about a millisecond of a processor:
// who listens to strangers should bound how many are answered at a time.
func Respond(hello []byte, ephemeral *Key, id *Identity) (answer [AnswerSize]byte, p Pair, err error) {
	defer ephemeral.Wipe()
	if len(hello) != HelloSize {
		return answer, Pair{}, fmt.Errorf("answering a handshake: its first message has %d bytes, not %d", len(hello), HelloSize)
	}
	theirs := [KeySize]byte(hello)
	peer, err := point(&theirs)
	if err != nil {
		return answer, Pair{}, fmt.Errorf("answering a handshake: %w", err)
	}
	t := begin()
	t.mix(theirs[:])
	t.mix(nil)

	secret := ephemeral.secret.Bytes()
	mask := mac(secret[:], theirs[:])
	out := append(answer[:0], ephemeral.encoded[:]...)
	t.mix(ephemeral.encoded[:])
	if err = t.mixKey(shared(&theirs, &ephemeral.encoded, ephemeral.exchange(peer))); err != nil {
		return answer, Pair{}, err
	}
	if out, err = t.seal(out, id.Key.encoded[:]); err != nil {
		return answer, Pair{}, err
	}
	if err = t.mixKey(shared(&theirs, &id.Key.encoded, id.Key.blinded(peer, mask))); err != nil {
		return answer, Pair{}, err
	}
	if _, err = t.seal(out, id.Certificate.Append(nil)); err != nil {
		return answer, Pair{}, err
	}
	p.In, p.Out, err = t.split()
	return answer, p, err
}

// Initiator is the miner's side of a handshake.
type Initiator struct {
	ephemeral *Key
	done      bool
}

// NewInitiator begins a handshake with a key that must be used for nothing
// else.
func NewInitiator(ephemeral *Key) *Initiator { return &Initiator{ephemeral: ephemeral} }

// Hello is the first message.
func (i *Initiator) Hello() [HelloSize]byte { return i.ephemeral.encoded }

// Peer is who answered a handshake.
type Peer struct {
	Static      [32]byte // x coordinate of its static key, big-endian
	Certificate Certificate
}

// Finish reads the answer of [AnswerSize] bytes. It can be called once; the
// ephemeral key's secret is wiped.
//
// The peer has shown that it has the static key that it named. Whether that is
// the pool's only its certificate says: see [Peer.Verify].
func (i *Initiator) Finish(answer []byte) (Peer, Pair, error) {
	if i.done {
		return Peer{}, Pair{}, errors.New("finishing a handshake: it is finished already")
	}
	i.done = true
	defer i.ephemeral.Wipe()
	if len(answer) != AnswerSize {
		return Peer{}, Pair{}, fmt.Errorf("finishing a handshake: the answer has %d bytes, not %d", len(answer), AnswerSize)
	}
	t := begin()
	t.mix(i.ephemeral.encoded[:])
	t.mix(nil)

	theirs := [KeySize]byte(answer)
	t.mix(theirs[:])
	if _, err := i.mix(&t, &theirs); err != nil {
		return Peer{}, Pair{}, err
	}
	rest := answer[KeySize:]
	text, err := t.open(rest[:KeySize+Overhead])
	if err != nil {
		return Peer{}, Pair{}, fmt.Errorf("finishing a handshake: the pool's key: %w", err)
	}
	static := [KeySize]byte(text)
	x, err := i.mix(&t, &static)
	if err != nil {
		return Peer{}, Pair{}, err
	}
	text, err = t.open(rest[KeySize+Overhead:])
	if err != nil {
		return Peer{}, Pair{}, fmt.Errorf("finishing a handshake: the pool's certificate: %w", err)
	}
	c, err := ParseCertificate(text)
	if err != nil {
		return Peer{}, Pair{}, fmt.Errorf("finishing a handshake: %w", err)
	}
	var p Pair
	if p.Out, p.In, err = t.split(); err != nil {
		return Peer{}, Pair{}, err
	}
	return Peer{Static: x, Certificate: c}, p, nil
}

// mix mixes in what one of the peer's keys shares with ours, and returns the x
// coordinate of the peer's.
func (i *Initiator) mix(t *transcript, theirs *[KeySize]byte) ([32]byte, error) {
	p, err := point(theirs)
	if err != nil {
		return [32]byte{}, fmt.Errorf("finishing a handshake: %w", err)
	}
	x := *p.X.Bytes()
	return x, t.mixKey(shared(&i.ephemeral.encoded, theirs, i.ephemeral.exchange(p)))
}

// Verify tells whether the authority says now that the peer is the pool: see
// [Certificate.Verify].
func (p Peer) Verify(authority AuthorityKey, now time.Time) error {
	return p.Certificate.Verify(authority, p.Static, now)
}
