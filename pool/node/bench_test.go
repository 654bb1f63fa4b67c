package node_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/node"
	"hearth/pool/pooltest"
)

// BenchmarkTemplate is a template of 4 MB over a socket, to the end of reading it;
// beside it, as a control, the same bytes without a look at them.
func BenchmarkTemplate(b *testing.B) {
	const transactions = 4000
	hash := strings.Repeat("ab", 32)
	one := `{"data":"` + strings.Repeat("00", 360) + `","txid":"` + hash + `","hash":"` + hash + `","depends":[],"fee":1000,"sigops":4,"weight":1440}`
	reply := `{"result":{"version":536870912,"rules":["csv","!segwit","taproot"],"previousblockhash":"` + hash + `","transactions":[` +
		strings.Repeat(one+",", transactions-1) + one +
		`],"coinbaseaux":{},"coinbasevalue":312500000,"longpollid":"x","curtime":1700000000,"bits":"17029a8a","height":900000},"error":null,"id":1}`
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if _, err := w.Write([]byte(reply)); err != nil {
			b.Error(err)
		}
	}))
	b.Cleanup(s.Close)
	b.Run("read", func(b *testing.B) {
		c, err := node.New(node.Config{URL: s.URL})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(reply)))
		for b.Loop() {
			if t, err := c.Template(b.Context()); err != nil || len(t.Transactions) != transactions {
				b.Fatal(err)
			}
		}
	})
	b.Run("control", func(b *testing.B) {
		b.SetBytes(int64(len(reply)))
		buf := make([]byte, 256<<10)
		for b.Loop() {
			req, err := http.NewRequestWithContext(b.Context(), http.MethodPost, s.URL, http.NoBody)
			if err != nil {
				b.Fatal(err)
			}
			res, err := http.DefaultClient.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			for err == nil {
				_, err = res.Body.Read(buf)
			}
			res.Body.Close()
		}
	})
}

// times is a follower that notes when a clean template came.
type times chan time.Time

func (c times) Template(_ *job.Template, clean bool) {
	if clean {
		c <- time.Now()
	}
}
func (times) Down(error) {}

// BenchmarkNewBlock is a new block of a real btcd: how long after the call that
// made it returned the follower has something to work on. Below zero it came
// before.
func BenchmarkNewBlock(b *testing.B) {
	btcd := pooltest.StartBtcd(b, pooltest.BtcdConfig{Network: "regtest", Mining: "bcrt1qvvgjeztjxfgy4nuvan5nsa2qsx7dfsahh9g67h"})
	c, err := node.New(node.Config{URL: btcd.URL, User: btcd.User, Password: btcd.Password})
	if err != nil {
		b.Fatal(err)
	}
	told := make(times, 100)
	go c.Watch(b.Context(), told)
	<-told
	var sum, worst time.Duration
	for b.Loop() {
		if _, err := btcd.Call(b.Context(), "generate", 1); err != nil {
			b.Fatal(err)
		}
		returned := time.Now()
		d := (<-told).Sub(returned)
		sum += d
		worst = max(worst, d)
	}
	b.ReportMetric(float64(sum.Microseconds())/float64(b.N), "µs-behind")
	b.ReportMetric(float64(worst.Microseconds()), "µs-behind-worst")
}
