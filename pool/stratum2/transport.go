package stratum2

import (
	"errors"
	"fmt"

	"hearth/pool/stratum2/message"
	"hearth/pool/stratum2/noise"
)

// HeaderSize is the size of an encrypted header, in bytes.
const HeaderSize = message.HeaderSize + noise.Overhead

// Payloads that are taken.
const (
	// FromMiners is the longest payload to take from a miner, in bytes. The
	// longest that one needs to send, SetupConnection, has less than 1,300.
	FromMiners = 8 << 10
	// FromPools is the longest to take from a pool: a job with a coinbase and a
	// branch of the longest that the protocol has fits.
	FromPools = 160 << 10
)

// Transport is an encrypted connection after its handshake. It may be used by
// one goroutine for sending and by another for receiving.
type Transport struct {
	ciphers noise.Pair
	most    int
}

// NewTransport is the transport of a connection on which payloads of up to most
// bytes are taken.
func NewTransport(p noise.Pair, most int) *Transport { return &Transport{ciphers: p, most: most} }

// Sealed is the size of an encrypted payload of n bytes: it is encrypted in
// pieces of up to [noise.MaxPlain].
func Sealed(n int) int { return n + (n+noise.MaxPlain-1)/noise.MaxPlain*noise.Overhead }

// Seal appends frames, encrypted, to dst. Frames are whole ones, one behind
// another. After an error the connection is of no use.
func (t *Transport) Seal(dst, frames []byte) ([]byte, error) {
	c := t.ciphers.Out
	for len(frames) > 0 {
		if len(frames) < message.HeaderSize {
			return dst, errors.New("encrypting: what is to be sent ends within a header")
		}
		h, err := message.ParseHeader(frames[:message.HeaderSize])
		if err != nil {
			return dst, err
		}
		if dst, err = c.Seal(dst, frames[:message.HeaderSize]); err != nil {
			return dst, err
		}
		frames = frames[message.HeaderSize:]
		if len(frames) < h.Size {
			return dst, fmt.Errorf("encrypting: what is to be sent ends within a %v", h)
		}
		payload := frames[:h.Size]
		frames = frames[h.Size:]
		for len(payload) > 0 {
			n := min(len(payload), noise.MaxPlain)
			if dst, err = c.Seal(dst, payload[:n]); err != nil {
				return dst, err
			}
			payload = payload[n:]
		}
	}
	return dst, nil
}

// OpenHeader decrypts a header of [HeaderSize] bytes, in place. The payload that
// it announces has [Sealed] bytes on the wire. After an error the connection is
// of no use.
func (t *Transport) OpenHeader(b []byte) (message.Header, error) {
	plain, err := t.ciphers.In.Open(b[:0], b)
	if err != nil {
		return message.Header{}, err
	}
	h, err := message.ParseHeader(plain)
	if err != nil {
		return message.Header{}, err
	}
	if h.Size > t.most {
		return message.Header{}, fmt.Errorf("receiving a %v: more than the %d that are taken", h, t.most)
	}
	return h, nil
}

// Open decrypts a payload, in place, and returns it. After an error the
// connection is of no use.
func (t *Transport) Open(b []byte) ([]byte, error) {
	out := b[:0]
	for len(b) > 0 {
		n := min(len(b), noise.MaxPlain+noise.Overhead)
		plain, err := t.ciphers.In.Open(b[:0], b[:n])
		if err != nil {
			return nil, err
		}
		out = append(out, plain...)
		b = b[n:]
	}
	return out, nil
}

// Frames cuts what a socket delivers into frames and decrypts them. The zero
// value with a Transport is ready.
type Frames struct {
	Transport *Transport

	pending []byte // of the piece that is not whole yet
	head    message.Header
	within  bool // a header is read, its payload is not
}

// idle is how much memory is kept while nothing is pending.
const idle = 1 << 10

// Feed takes what was delivered next, and calls each for every frame that is
// whole, until one call fails. The payload is valid during the call; b is
// overwritten. Memory grows with what has arrived, not with what was announced.
// After an error the connection is of no use.
func (f *Frames) Feed(b []byte, each func(h message.Header, payload []byte) error) error {
	for {
		want := HeaderSize
		if f.within {
			want = Sealed(f.head.Size)
		}
		if len(f.pending)+len(b) < want {
			f.pending = append(f.pending, b...)
			return nil
		}
		n := want - len(f.pending)
		piece := b[:n:n]
		if len(f.pending) > 0 {
			f.pending = append(f.pending, piece...)
			piece, f.pending = f.pending, f.pending[:0]
		}
		b = b[n:]
		if err := f.piece(piece, each); err != nil {
			return err
		}
		if cap(f.pending) > idle {
			f.pending = nil
		}
	}
}

func (f *Frames) piece(b []byte, each func(h message.Header, payload []byte) error) error {
	if !f.within {
		h, err := f.Transport.OpenHeader(b)
		if err != nil {
			return err
		}
		f.head, f.within = h, true
		return nil
	}
	f.within = false
	payload, err := f.Transport.Open(b)
	if err != nil {
		return err
	}
	return each(f.head, payload)
}
