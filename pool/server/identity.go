package server

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"hearth/pool/stratum2/noise"
)

// A certificate is good from a day ago, for miners whose clock is behind, for
// a month, and is renewed every day.
const (
	backdated   = 24 * time.Hour
	certified   = 30 * 24 * time.Hour
	renewedFrom = certified - 24*time.Hour
)

var errNoKeys = errors.New("no Stratum V2 here: the server has no keys for it")

// identity is what V2 miners see of the server, with a certificate that never
// runs out. It is safe for concurrent use.
type identity struct {
	key       *noise.Key
	authority *noise.Authority

	mu  sync.Mutex
	now *noise.Identity
}

// at returns what is good at a time.
func (i *identity) at(now time.Time) (*noise.Identity, error) {
	if i.key == nil || i.authority == nil {
		return nil, errNoKeys
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.now != nil && now.Before(i.now.Certificate.Until.Add(-renewedFrom)) && now.After(i.now.Certificate.From) {
		return i.now, nil
	}
	var aux [32]byte
	if _, err := rand.Read(aux[:]); err != nil {
		return nil, fmt.Errorf("certify the server's key: %w", err)
	}
	c, err := i.authority.Certify(i.key.X(), now.Add(-backdated), now.Add(certified), aux)
	if err != nil {
		return nil, fmt.Errorf("certify the server's key: %w", err)
	}
	i.now = &noise.Identity{Key: i.key, Certificate: c}
	return i.now, nil
}

// answer is the server's part of a handshake.
type answer struct {
	bytes [noise.AnswerSize]byte
	pair  noise.Pair
	err   error
}

var errHandshake = errors.New("the handshake failed")

// respond answers a handshake. The curve's arithmetic is the one thing that
// costs much, so only some do it at a time; and it needs a stack that a reading
// goroutine would keep, so it has its own.
func (s *Server) respond(ctx context.Context, hello []byte) ([]byte, noise.Pair, error) {
	id, err := s.identity.at(time.Now())
	if err != nil {
		return nil, noise.Pair{}, err
	}
	select {
	case s.handshakes <- struct{}{}:
	case <-ctx.Done():
		return nil, noise.Pair{}, ctx.Err()
	}
	done := make(chan *answer, 1)
	go func() {
		a := &answer{err: errHandshake}
		defer func() {
			if v := recover(); v != nil {
				s.panicked(netip.AddrPort{}, v)
			}
			<-s.handshakes
			done <- a
		}()
		ephemeral, err := noise.GenerateKey(rand.Reader)
		if err != nil {
			a.err = err
			return
		}
		a.bytes, a.pair, a.err = noise.Respond(hello, ephemeral, id)
	}()
	a := <-done
	if a.err != nil {
		return nil, noise.Pair{}, breach{a.err}
	}
	s.counts.handshakes.Add(1)
	return a.bytes[:], a.pair, nil
}
