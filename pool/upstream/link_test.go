package upstream

import (
	"strings"
	"testing"
	"time"

	"hearth/pool/job"
)

// When a pool counts as silent.
func TestSilence(t *testing.T) {
	const notify = `{"id":null,"method":"mining.notify","params":["a","466e2206590b1a116012afcabf5beb433a4fc3281f2a335e3cb7b2c70f9188f1","00","00",[],"20000000","1d00ffff","68dd1880",false]}`
	login := []string{`{"id":2,"result":[[],"e0",8]}`, `{"id":10,"result":true}`}
	for _, c := range []struct {
		name string
		// said is what the pool says at which second.
		said map[int][]string
		// shares are sent at these seconds.
		shares []int
		at     int
		want   string
	}{
		{name: "no answer to the login yet", at: 20},
		{name: "no answer to the login", at: 21, want: "did not answer within 20s"},
		{name: "half an answer", said: map[int][]string{1: login[:1]}, at: 21, want: "did not answer within 20s"},
		{name: "no job yet", said: map[int][]string{1: login}, at: 601},
		{name: "no job", said: map[int][]string{1: login}, at: 602, want: "sent no job for 10m0s"},
		{name: "a job, and then none", said: map[int][]string{1: login, 2: {notify}}, at: 603, want: "sent no job for 10m0s"},
		{name: "the same job again", said: map[int][]string{1: login, 2: {notify}, 300: {notify}}, at: 900},
		{name: "a job from before the login was done", said: map[int][]string{1: {notify}, 15: login}, at: 615},
		{name: "a share under way", said: map[int][]string{1: login, 2: {notify}}, shares: []int{10}, at: 70},
		{name: "a share without an answer", said: map[int][]string{1: login, 2: {notify}}, shares: []int{10, 60}, at: 71, want: "2 shares have no answer"},
		{name: "a later one has its answer", said: map[int][]string{1: login, 2: {notify}, 20: {`{"id":1001,"result":true}`}}, shares: []int{10, 15}, at: 71, want: "1 shares have no answer"},
		{name: "all have", said: map[int][]string{1: login, 2: {notify}, 20: {`{"id":1001,"result":true}`, `{"id":1000,"result":false}`}}, shares: []int{10, 15}, at: 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, err := New(Config{
				Name: "pool", URL: "pool.example:3333", Workers: []Credential{{User: "house"}},
				Next: job.NewCounter(0).Next, Random: func() float64 { return 0 },
			})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Unix(1_700_000_000, 0)
			p := newVersion1(client.config, Login{Upstream: "pool", Version: 1})
			l := &link{name: "pool", timing: client.config.Timing, p: p, began: began, wake: make(chan struct{}, 1)}
			if _, err := p.begin(nil); err != nil {
				t.Fatal(err)
			}
			var last *job.Job
			for second := range c.at + 1 {
				now := began.Add(time.Duration(second) * time.Second)
				for _, line := range c.said[second] {
					_, heard, err := p.take(nil, []byte(line+"\n"), now)
					if err != nil {
						t.Fatal(err)
					}
					for _, n := range heard {
						if n.login != nil {
							l.up = now
						}
						if n.job != nil {
							last = n.job
						}
					}
				}
				for _, s := range c.shares {
					if s == second {
						if _, err := p.submit(nil, Share{Job: last.ID, Extranonce: make([]byte, 8), Version: last.Version}, 1, now); err != nil {
							t.Fatal(err)
						}
					}
				}
				err := client.check(l, now)
				switch {
				case second < c.at && err != nil:
					t.Fatalf("given up after %d s already: %v", second, err)
				case second < c.at:
				case c.want == "" && err != nil:
					t.Fatalf("given up: %v", err)
				case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
					t.Fatalf("the error is %v, want %q", err, c.want)
				}
			}
		})
	}
}
