package device

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"hearth/units"
)

// Repointer is a miner whose pools can be read and set.
//
// The runtime calls it as it calls a [Device]: from one goroutine at a time,
// with a deadline. A power command never touches pools, and SetPools touches
// nothing else, but for the restart that [Pools] announces.
type Repointer interface {
	// Pools reads the pools that are stored in the miner. A miner that takes
	// new pools only when it restarts may still mine at others.
	Pools(ctx context.Context) (Pools, error)
	// SetPools makes order the miner's pools, the preferred first, and puts them
	// in force. It sends only what differs, so that repeating it wears no flash.
	// A call that is cut short leaves each place with its old pool or its new
	// one, never with the address of one and the user of another; the first
	// place changes last where places are written one by one.
	//
	// An order that is empty, too long, or that [Pool.Check] refuses, and a pool
	// of a kind that the firmware does not know, is [ErrUnsupported]; a miner
	// that lets nobody change its pools (see [Pools.Gate]) is [ErrRefused].
	SetPools(ctx context.Context, order []Pool) error
}

// MaxPoolUser is the longest user name that is sent to a miner. Avalons cut
// longer ones in silence, and a WhatsMiner's buffer overflows at 128.
const MaxPoolUser = 63

// Pool is where a miner mines.
type Pool struct {
	// URL is as [ParseEndpoint] reads it.
	URL string `json:"url"`
	// User is the worker's name at the pool.
	User string `json:"user"`
	// Password is told by no firmware that Hearth knows, and is unknown when
	// read. An unknown password in an order leaves what the miner has: for that
	// pool where its firmware keeps passwords with pools ([Pools.Keeps]), for
	// that place where it keeps them with places, or none where it keeps none.
	// It is written to no file and no log.
	Password units.Known[string] `json:"-"`
}

// String prints the pool without its password.
func (p Pool) String() string { return p.User + " at " + p.URL }

// Same reports whether two pools are one: the same user at the same place.
// Host names compare without case, and passwords do not count.
func (p Pool) Same(q Pool) bool {
	if p.User != q.User {
		return false
	}
	a, err := ParseEndpoint(p.URL)
	b, err2 := ParseEndpoint(q.URL)
	if err != nil || err2 != nil {
		return p.URL == q.URL
	}
	return a == b
}

// Check refuses what would harm one miner or another: a URL that is none, a
// name that is empty or longer than [MaxPoolUser], and signs that firmware
// takes for its own punctuation. The error wraps [ErrUnsupported].
func (p Pool) Check() error {
	if _, err := ParseEndpoint(p.URL); err != nil {
		return fmt.Errorf("%w: %w", ErrUnsupported, err)
	}
	password, _ := p.Password.Get()
	switch {
	case p.User == "":
		return fmt.Errorf("%w: the pool %s has no user name", ErrUnsupported, p.URL)
	case len(p.User) > MaxPoolUser:
		return fmt.Errorf("%w: the user name %.20q… has %d bytes; miners take %d", ErrUnsupported, p.User, len(p.User), MaxPoolUser)
	case len(password) > MaxPoolUser:
		return fmt.Errorf("%w: the password has %d bytes; miners take %d", ErrUnsupported, len(password), MaxPoolUser)
	case !plain(p.User) || !plain(password):
		return fmt.Errorf("%w: user name and password of a pool are made of letters, digits and signs, without spaces, commas, quotes and bars", ErrUnsupported)
	}
	return nil
}

// plain reports whether s is made of signs that no firmware's commands use.
func plain(s string) bool {
	for _, c := range []byte(s) {
		if c <= ' ' || c > '~' || strings.IndexByte(`,|"\'`, c) >= 0 {
			return false
		}
	}
	return true
}

// Pools is what a miner says of its pools.
type Pools struct {
	// Order holds the pools, the preferred first, at most Places.
	Order []Pool `json:"order"`
	// Places is how many pools the miner can be given.
	Places int `json:"places"`
	// Keeps is set when a pool's password stays with it whatever its place. If
	// not, moving a pool to another place parts it from its password.
	Keeps bool `json:"keeps,omitempty"`
	// Restarts is set when new pools are in force only after a restart, which
	// SetPools brings about. A pause may be forgotten by it.
	Restarts bool `json:"restarts,omitempty"`
	// Gate is empty, or tells a person what to do before pools can be set.
	Gate string `json:"gate,omitempty"`
	// Notes are facts a person should know before they set pools: what the
	// firmware does not tell and cannot give back.
	Notes []string `json:"notes,omitempty"`
}

// Pointed returns the order that has the pool at in its first place and keeps
// of the present pools as many as there is room for. A pool that stays in its
// place is preferred to one that would have to move away from its password.
// left are the pools that the miner loses: to be remembered by who asks.
//
// Putting the present order back is SetPools with Order.
func (p Pools) Pointed(at Pool) (order, left []Pool) {
	order = []Pool{at}
	rest := p.Order
	if len(rest) > 0 && !p.Keeps {
		rest = append(append([]Pool(nil), rest[1:]...), rest[0])
	}
	for _, q := range rest {
		switch {
		case q.Same(at):
		case len(order) < p.Places:
			order = append(order, q)
		default:
			left = append(left, q)
		}
	}
	return order, left
}

// Scheme is how a miner speaks to a pool.
type Scheme string

// The schemes.
const (
	StratumTCP  Scheme = "stratum+tcp"  // Stratum V1
	StratumTLS  Scheme = "stratum+tls"  // Stratum V1 in TLS; also written stratum+ssl
	Stratum2TCP Scheme = "stratum2+tcp" // Stratum V2, with the authority's key as path or without
)

// Endpoint is the address of a pool, taken apart.
type Endpoint struct {
	Scheme Scheme
	Host   string // lower case, no brackets
	Port   int
	// Key is the authority's public key of Stratum V2, as text; empty if none
	// is asked for.
	Key string
}

// ParseEndpoint reads "stratum+tcp://host:port". An address without a scheme
// is Stratum V1. The port must be there: miners guess different ones.
func ParseEndpoint(s string) (Endpoint, error) {
	const want = "write it as stratum+tcp://host:port"
	text := strings.TrimSpace(s)
	if !strings.Contains(text, "://") {
		text = string(StratumTCP) + "://" + text
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > 300 || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return Endpoint{}, fmt.Errorf("%.80q is not the address of a pool: %s", s, want)
	}
	e := Endpoint{Scheme: Scheme(strings.ToLower(u.Scheme)), Host: strings.ToLower(u.Hostname()), Key: strings.Trim(u.Path, "/")}
	switch e.Scheme {
	case "stratum+ssl", "stratum+tcps":
		e.Scheme = StratumTLS
	case StratumTCP, StratumTLS, Stratum2TCP:
	default:
		return Endpoint{}, fmt.Errorf("%.80q: %q is not a way to reach a pool: use %s, %s or %s", s, e.Scheme, StratumTCP, StratumTLS, Stratum2TCP)
	}
	e.Port, err = strconv.Atoi(u.Port())
	switch {
	case err != nil || e.Port < 1 || e.Port > 65535:
		return Endpoint{}, fmt.Errorf("%.80q has no port: %s", s, want)
	case !isHost(e.Host):
		return Endpoint{}, fmt.Errorf("%.80q has no host: %s", s, want)
	case e.Key != "" && (e.Scheme != Stratum2TCP || !base58(e.Key)):
		return Endpoint{}, fmt.Errorf("%.80q: a path is the key of a Stratum V2 pool: %s", s, want)
	}
	return e, nil
}

// isHost reports whether s is a name or an address without a zone.
func isHost(s string) bool {
	if strings.Contains(s, ":") {
		ip, err := netip.ParseAddr(s)
		return err == nil && ip.Zone() == ""
	}
	return s != "" && len(s) <= 253 && plain(s) && !strings.ContainsAny(s, "%/[]@?#<>^`{}")
}

// base58 reports whether s is made of the signs of that encoding.
func base58(s string) bool {
	const signs = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	return len(s) <= 128 && strings.Trim(s, signs) == ""
}

// String returns the address as ParseEndpoint reads it.
func (e Endpoint) String() string {
	s := string(e.Scheme) + "://" + net.JoinHostPort(e.Host, strconv.Itoa(e.Port))
	if e.Key != "" {
		s += "/" + e.Key
	}
	return s
}
