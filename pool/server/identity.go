package server

import (
	"crypto/rand"
	"errors"
	"fmt"
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

// respond answers a handshake. The curve's arithmetic is the one thing here
// that costs much: the caller has a turn.
func (s *Server) respond(hello []byte) (answer [noise.AnswerSize]byte, pair noise.Pair, err error) {
	id, err := s.identity.at(time.Now())
	if err != nil {
		return answer, pair, err
	}
	ephemeral, err := noise.GenerateKey(rand.Reader)
	if err != nil {
		return answer, pair, err
	}
	if answer, pair, err = noise.Respond(hello, ephemeral, id); err != nil {
		return answer, pair, breach{err}
	}
	s.counts.handshakes.Add(1)
	return answer, pair, nil
}
