package upstream

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestURLs(t *testing.T) {
	for in, want := range map[string]Address{
		"stratum+tcp://pool.example:3333":     {Version: 1, Host: "pool.example", HostPort: "pool.example:3333", Port: 3333},
		"pool.example:3333":                   {Version: 1, Host: "pool.example", HostPort: "pool.example:3333", Port: 3333},
		" stratum+tcp://pool.example:3333/ ":  {Version: 1, Host: "pool.example", HostPort: "pool.example:3333", Port: 3333},
		"stratum+tcp://pool.example:25#xnsub": {Version: 1, Host: "pool.example", HostPort: "pool.example:25", Port: 25},
		"STRATUM+SSL://[2001:db8::1]:443":     {Version: 1, TLS: true, Host: "2001:db8::1", HostPort: "[2001:db8::1]:443", Port: 443},
		"stratum+tls://pool.example:443":      {Version: 1, TLS: true, Host: "pool.example", HostPort: "pool.example:443", Port: 443},
		"stratum2+tcp://pool.example:3336/9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh": {
			Version: 2, Host: "pool.example", HostPort: "pool.example:3336", Port: 3336, Key: "9bXiEd8boQVhq7WddEcERUL5tyyJVFYdU8th3HfbNXK3Yw6GRXh",
		},
		"stratum2+tcp://pool.example:3336": {Version: 2, Host: "pool.example", HostPort: "pool.example:3336", Port: 3336},
	} {
		got, err := ParseURL(in)
		if err != nil || got != want {
			t.Errorf("%s is %+v, %v", in, got, err)
		}
	}
	for in, want := range map[string]string{
		"":                                 "no host",
		"pool.example":                     "no port",
		"stratum+tcp://pool.example":       "no port",
		"stratum+tcp://pool.example:0":     "no port",
		"stratum+tcp://:3333":              "no host",
		"http://pool.example:80":           "scheme",
		"stratum+tcp://a:secret@b.io:3333": "user name",
		"stratum+tcp://b.io:3333/x":        "path",
		"stratum+tcp://a b:3333":           "no URL",
		"stratum2+tcp://b.io:3333/nokey":   "key",
	} {
		_, err := ParseURL(in)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q gives the error %v, want %q", in, err, want)
		}
	}
}

func FuzzParseURL(f *testing.F) {
	for _, s := range []string{"stratum+tcp://pool.example:3333", "stratum2+tcp://[::1]:1/K", "a:b@c:1", "://", "%"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseURL(s)
		if err != nil {
			return
		}
		if a.Host == "" || a.Version != 1 && a.Version != 2 || !strings.HasPrefix(a.HostPort, a.Host) && !strings.HasPrefix(a.HostPort, "["+a.Host+"]") {
			t.Errorf("%q is %+v", s, a)
		}
	})
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	sound := Config{
		Name: "pool", URL: "pool.example:3333", Workers: []Credential{{User: "house"}},
		Next: func() uint32 { return 1 }, Random: func() float64 { return 0 },
	}
	if _, err := New(sound); err != nil {
		t.Fatal(err)
	}
	for want, broken := range map[string]func(*Config){
		"no name":   func(c *Config) { c.Name = "" },
		"no port":   func(c *Config) { c.URL = "pool.example" },
		"no worker": func(c *Config) { c.Workers = nil },
		"number":    func(c *Config) { c.Next = nil },
		"chance":    func(c *Config) { c.Random = nil },
	} {
		c := sound
		broken(&c)
		if _, err := New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q", err, want)
		}
		if _, err := NewGroup(GroupConfig{Members: []Config{sound, c}}); err == nil {
			t.Errorf("a group takes a pool with %q", want)
		}
	}
	if _, err := NewGroup(GroupConfig{}); err == nil {
		t.Error("a group of none is taken")
	}
}

// Attempts come later and later, not all homes' at once; and where they cannot
// help, late.
func TestPauses(t *testing.T) {
	chance := 0.5
	c, err := New(Config{
		Name: "pool", URL: "pool.example:3333", Workers: []Credential{{User: "house"}},
		Next: func() uint32 { return 1 }, Random: func() float64 { return chance },
	})
	if err != nil {
		t.Fatal(err)
	}
	failed := errors.New("failed")
	for i, seconds := range []int{1, 2, 4, 8, 16, 32, 64, 120, 120} {
		want := time.Duration(seconds) * time.Second
		if got := c.pause(i, failed); got != want {
			t.Errorf("after %d failures the pause is %v, want %v", i, got, want)
		}
	}
	if got := c.pause(1_000_000, failed); got != 2*time.Minute {
		t.Errorf("after a million failures the pause is %v", got)
	}
	if got := c.pause(0, fmt.Errorf("log in: %w", ErrRefused)); got != 2*time.Minute {
		t.Errorf("after a refusal the pause is %v", got)
	}
	if got := c.pause(0, awayError{wait: 10 * time.Minute}); got != 10*time.Minute {
		t.Errorf("where the pool asked for ten minutes the pause is %v", got)
	}
	for chance, want := range map[float64]time.Duration{0: time.Second, 0.999: 2998 * time.Millisecond} {
		c.config.Random = func() float64 { return chance }
		if got := c.pause(1, failed); got != want {
			t.Errorf("with chance %v the pause is %v, want %v", chance, got, want)
		}
	}
}
