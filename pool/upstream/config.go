package upstream

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum"
	"hearth/pool/stratum2/noise"
	"hearth/units"
)

// Credential is a worker's name at a pool and its password there.
type Credential = stratum.Credential

// Config says which pool, and as whom.
type Config struct {
	// Name is what the pool is called here; in errors, answers and on pages.
	Name string
	// Source is the Source of its jobs. Empty: Name.
	Source string
	// URL: see the package. Secrets have no place in it.
	URL string
	// Workers are the names to mine under. The first must be let in; the others
	// may be refused, which comes as a [Notice].
	Workers []Credential
	// Agent is what the house calls itself. Empty: "hearth".
	Agent string
	// Extranonce is how many bytes of extranonce a job should leave to the house.
	// Where the pool gives fewer, the job has fewer. Zero: 8.
	Extranonce int
	// Mask is the version bits that the house would like to roll; [job.MaskV2] asks
	// each version of Stratum for all that it knows. Zero: none.
	Mask uint32
	// Suggest is the difficulty to ask for. Zero: none.
	Suggest job.Difficulty
	// Rate is the hash rate to announce where the protocol has a place for it
	// (V2), so that the pool can set a difficulty. Zero: 1 TH/s.
	Rate units.HashRate
	// Next gives the ids of jobs, unique in this process: see [job.Counter].
	Next func() uint32
	// Random gives numbers from 0 up to 1. It spreads the attempts to connect, so
	// that a thousand homes do not come back in the same second.
	Random func() float64
	// TLS is used for stratum+tls. Nil: the system's authorities decide.
	TLS *tls.Config
	// Timing is how patient to be; zero values have defaults.
	Timing Timing
}

// Timing is how patient a Client is with a pool.
type Timing struct {
	// Login is how long connecting and logging in may take. Zero: 20 s.
	Login time.Duration
	// Quiet is how long a pool may go without a new job. Zero: 10 minutes, as a
	// solo pool may wait for a block.
	Quiet time.Duration
	// Answer is how long a share may wait for its answer. Zero: 1 minute.
	Answer time.Duration
	// Write is how long the pool may take no bytes. Zero: 20 s.
	Write time.Duration
	// Retry is the first pause before connecting again; it doubles with every
	// failure up to Longest. Zero: 1 s and 2 minutes.
	Retry, Longest time.Duration
}

func (t Timing) filled() Timing {
	for _, d := range []struct {
		of        *time.Duration
		otherwise time.Duration
	}{
		{&t.Login, 20 * time.Second},
		{&t.Quiet, 10 * time.Minute},
		{&t.Answer, time.Minute},
		{&t.Write, 20 * time.Second},
		{&t.Retry, time.Second},
		{&t.Longest, 2 * time.Minute},
	} {
		if *d.of <= 0 {
			*d.of = d.otherwise
		}
	}
	t.Longest = max(t.Longest, t.Retry)
	return t
}

// Address is where a pool is and what it speaks.
type Address struct {
	// Version of Stratum: 1 or 2.
	Version int
	TLS     bool
	// Host has no port; HostPort is both, as net.Dial takes it.
	Host, HostPort string
	Port           uint16
	// Key is the authority key of a V2 pool in its text form; empty: none given,
	// so that anybody may be the pool.
	Key string
}

// ParseURL reads the URL of a pool.
func ParseURL(s string) (Address, error) {
	fail := func(why string) (Address, error) {
		return Address{}, fmt.Errorf("read the pool's URL %q: %s", withoutSecrets(s), why)
	}
	s = strings.TrimSpace(s)
	if !strings.Contains(s, "://") {
		s = "stratum+tcp://" + s
	}
	u, err := url.Parse(s)
	if err != nil {
		return fail("it is no URL: write stratum+tcp://host:port")
	}
	var a Address
	switch strings.ToLower(u.Scheme) {
	case "stratum+tcp", "stratum", "tcp":
		a.Version = 1
	case "stratum+tls", "stratum+ssl", "stratums", "tls", "ssl":
		a.Version, a.TLS = 1, true
	case "stratum2+tcp", "stratum2":
		a.Version = 2
	default:
		return fail("its scheme is none of stratum+tcp, stratum+tls and stratum2+tcp")
	}
	a.Host = u.Hostname()
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	switch {
	case u.User != nil:
		return fail("it has a user name in it: give that as the worker")
	case a.Host == "":
		return fail("it has no host")
	case err != nil || port == 0:
		return fail("it has no port: pools use 3333 most, so host:3333")
	}
	a.Port, a.HostPort = uint16(port), net.JoinHostPort(a.Host, u.Port())
	path := strings.Trim(u.Path, "/")
	if a.Version == 2 {
		a.Key = path
		if _, err := noise.ParseAuthorityKey(path); path != "" && err != nil {
			return fail(err.Error())
		}
	} else if path != "" {
		return fail("it has a path, which Stratum V1 has no use for")
	}
	return a, nil
}

// withoutSecrets is what of a URL may be shown.
func withoutSecrets(s string) string {
	head, rest, ok := strings.Cut(s, "://")
	if !ok {
		head, rest = "", s
	} else {
		head += "://"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = "…" + rest[at:]
	}
	return head + rest
}

// check fills in defaults and says what is missing.
func (c Config) check() (Config, Address, error) {
	if c.Name == "" {
		return c, Address{}, errors.New("set up an upstream: it has no name")
	}
	a, err := ParseURL(c.URL)
	if err != nil {
		return c, a, fmt.Errorf("set up upstream %s: %w", c.Name, err)
	}
	if len(c.Workers) == 0 || c.Workers[0].User == "" {
		return c, a, fmt.Errorf("set up upstream %s: it has no worker to mine as", c.Name)
	}
	if c.Next == nil || c.Random == nil {
		return c, a, fmt.Errorf("set up upstream %s: it has nothing to number its jobs with, or no chance to spread its attempts", c.Name)
	}
	if c.Source == "" {
		c.Source = c.Name
	}
	if c.Agent == "" {
		c.Agent = "hearth"
	}
	if c.Extranonce <= 0 {
		c.Extranonce = 8
	}
	if c.Rate <= 0 {
		c.Rate = 1e12
	}
	c.Timing = c.Timing.filled()
	return c, a, nil
}
