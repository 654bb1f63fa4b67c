package relay

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"hearth/chain/beacon/drand"
)

// ErrNotYet says that relays do not have a round: it is of the future, or they
// are behind.
var ErrNotYet = errors.New("the relays do not have this round yet")

const (
	// largest is the most bytes of an answer; a round takes about 250, the
	// description of a chain 500.
	largest = 8 << 10
	// patience is how long one relay may take when nothing else is said. They
	// hold back the answer to who asks for the next round until it is out.
	patience = 5 * time.Second
)

// Public lists relays of the League of Entropy that serve [drand.Quicknet].
func Public() []string {
	return []string{
		"https://api.drand.sh", "https://drand.cloudflare.com",
		"https://api2.drand.sh", "https://api3.drand.sh",
	}
}

// Config says what to fetch, and from whom.
type Config struct {
	Chain drand.Chain
	// Relays are base URLs, http or https, best first.
	Relays []string
	// Timeout is for one answer of one relay; 0 is five seconds.
	Timeout time.Duration
}

// Client fetches rounds. It is safe for concurrent use.
type Client struct {
	chain    drand.Chain
	verifier *drand.Verifier
	hash     string
	relays   []*server
	timeout  time.Duration
	http     http.Client
	good     atomic.Int64 // index of the relay that answered last
}

// server is one relay.
type server struct {
	base string
	old  atomic.Bool // it speaks v1 only
}

// New makes a client.
func New(cfg Config) (*Client, error) {
	if err := cfg.Chain.Validate(); err != nil {
		return nil, err
	}
	v, err := drand.NewVerifier(cfg.Chain.PublicKey)
	if err != nil {
		return nil, err
	}
	c := &Client{chain: cfg.Chain, verifier: v, hash: hex.EncodeToString(cfg.Chain.Hash[:]), timeout: cfg.Timeout}
	if c.timeout <= 0 {
		c.timeout = patience
	}
	for _, r := range cfg.Relays {
		u, err := url.Parse(r)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return nil, fmt.Errorf("beacon relay %q: write it as \"https://api.drand.sh\"", r)
		}
		c.relays = append(c.relays, &server{base: strings.TrimRight(u.String(), "/")})
	}
	if len(c.relays) == 0 {
		return nil, errors.New("no beacon relay: name at least one, as in \"https://api.drand.sh\"")
	}
	c.http = http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			MaxResponseHeaderBytes: 32 << 10,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        time.Minute,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(r *http.Request, _ []*http.Request) error {
			return fmt.Errorf("it redirects to %s: name that relay instead", r.URL.Host)
		},
	}
	return c, nil
}

// Chain is the chain whose rounds are fetched.
func (c *Client) Chain() drand.Chain { return c.chain }

// Close frees idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Round fetches a round and verifies it. The error wraps [ErrNotYet] if no
// relay gave it and one said that it is of the future.
func (c *Client) Round(ctx context.Context, number uint64) (drand.Round, error) {
	if number == 0 {
		return drand.Round{}, errors.New("drand round 0 is never published: rounds begin at 1")
	}
	return c.ask(ctx, strconv.FormatUint(number, 10), number)
}

// Latest fetches the newest round a relay has, and verifies it. A relay can
// hold back newer ones.
func (c *Client) Latest(ctx context.Context) (drand.Round, error) {
	return c.ask(ctx, "latest", 0)
}

// Check tells whether each relay serves this chain, by what it says of it.
func (c *Client) Check(ctx context.Context) error {
	var all []error
	for _, s := range c.relays {
		if err := c.check(ctx, s); err != nil {
			all = append(all, fmt.Errorf("beacon relay %s: %w", s.base, err))
		}
	}
	return errors.Join(all...)
}

// ask goes from relay to relay, beginning with the one that answered last.
func (c *Client) ask(ctx context.Context, which string, number uint64) (drand.Round, error) {
	var all []error
	start := int(c.good.Load())
	for i := range c.relays {
		at := (start + i) % len(c.relays)
		r, err := c.round(ctx, c.relays[at], which, number)
		if err == nil {
			c.good.Store(int64(at))
			return r, nil
		}
		all = append(all, fmt.Errorf("beacon relay %s: %w", c.relays[at].base, err))
		if ctx.Err() != nil {
			break
		}
	}
	return drand.Round{}, fmt.Errorf("drand round %s: %w", which, errors.Join(all...))
}

func (c *Client) round(ctx context.Context, s *server, which string, number uint64) (drand.Round, error) {
	v2, v1 := "/v2/chains/"+c.hash+"/rounds/"+which, "/"+c.hash+"/public/"+which
	body, err := c.either(ctx, s, v2, v1)
	if err != nil {
		return drand.Round{}, err
	}
	r, err := decodeRound(body)
	if err != nil {
		return drand.Round{}, err
	}
	if number != 0 && r.Number != number {
		return drand.Round{}, fmt.Errorf("it answers with round %d", r.Number)
	}
	return r, c.verifier.VerifyRound(r)
}

func (c *Client) check(ctx context.Context, s *server) error {
	body, err := c.either(ctx, s, "/v2/chains/"+c.hash+"/info", "/"+c.hash+"/info")
	if err != nil {
		return err
	}
	var said info
	if err := json.Unmarshal(body, &said); err != nil {
		return fmt.Errorf("what it says of the chain is not JSON as drand writes it: %w", err)
	}
	if said.PublicKey != hex.EncodeToString(c.chain.PublicKey[:]) || said.Genesis != c.chain.Genesis || said.Period != c.chain.Period ||
		said.SchemeV1+said.SchemeV2 != drand.Scheme {
		return fmt.Errorf("it serves another chain than %s: key %.16s…, genesis %d, period %d s, scheme %q",
			c.hash, said.PublicKey, said.Genesis, said.Period, said.SchemeV1+said.SchemeV2)
	}
	return nil
}

// either asks in the newer version of the API and, if the relay does not know
// it, in the older.
func (c *Client) either(ctx context.Context, s *server, v2, v1 string) ([]byte, error) {
	if !s.old.Load() {
		body, status, err := c.get(ctx, s.base+v2)
		if status != http.StatusNotFound {
			return body, err
		}
	}
	body, status, err := c.get(ctx, s.base+v1)
	if status == http.StatusOK {
		s.old.Store(true)
	}
	return body, err
}

// get fetches a small answer. The status is 0 if there was none.
func (c *Client) get(ctx context.Context, address string) ([]byte, int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusTooEarly:
		return nil, resp.StatusCode, fmt.Errorf("%w (status %d)", ErrNotYet, resp.StatusCode)
	default:
		return nil, resp.StatusCode, fmt.Errorf("status %d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, largest+1))
	if err != nil {
		return nil, resp.StatusCode, fmt.Errorf("its answer broke off after %d bytes: %w", len(body), err)
	}
	if len(body) > largest {
		return nil, resp.StatusCode, fmt.Errorf("its answer is longer than %d bytes", largest)
	}
	return body, resp.StatusCode, nil
}

// round is a round as drand writes it; v1 gives the randomness too, which
// everybody computes for themselves.
type round struct {
	Number     uint64 `json:"round"`
	Randomness string `json:"randomness,omitempty"`
	Signature  string `json:"signature"`
}

// info is what drand says of a chain; names differ between v1 and v2.
type info struct {
	PublicKey string    `json:"public_key"`
	Period    int64     `json:"period"`
	Genesis   int64     `json:"genesis_time"`
	Hash      string    `json:"hash,omitempty"`
	Group     string    `json:"groupHash,omitempty"`
	SchemeV1  string    `json:"schemeID,omitempty"`
	Metadata  *metadata `json:"metadata,omitempty"`

	Seed     string `json:"genesis_seed,omitempty"`
	ID       string `json:"beacon_id,omitempty"`
	ChainV2  string `json:"chain_hash,omitempty"`
	SchemeV2 string `json:"scheme,omitempty"`
}

type metadata struct {
	ID string `json:"beaconID"`
}

func decodeRound(body []byte) (drand.Round, error) {
	var said round
	if err := json.Unmarshal(body, &said); err != nil {
		return drand.Round{}, fmt.Errorf("its answer is not a round as drand writes it: %w", err)
	}
	r := drand.Round{Number: said.Number}
	if len(said.Signature) != 2*len(r.Signature) {
		return drand.Round{}, fmt.Errorf("its signature has %d digits: want %d", len(said.Signature), 2*len(r.Signature))
	}
	if _, err := hex.Decode(r.Signature[:], []byte(said.Signature)); err != nil {
		return drand.Round{}, fmt.Errorf("its signature: %w", err)
	}
	return r, nil
}
