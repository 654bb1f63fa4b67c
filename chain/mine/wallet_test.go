package mine

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"hearth/chain/light/node"
)

// answering is a node that gives one answer to all that is sent.
func answering(t *testing.T, answer string) (n *node.Node, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	n, err := node.New(s.URL, s.Client())
	if err != nil {
		t.Fatal(err)
	}
	return n, asked
}

// A delivery that the first node swallows would cost the deposit, though others
// would have passed it on.
func TestNoNodeCanKeepATransactionToItself(t *testing.T) {
	const (
		takes   = `{"result":{"code":0}}`
		rejects = `{"result":{"code":32,"codespace":"sdk","log":"account sequence mismatch, expected 7, got 5"}}`
		has     = `{"error":{"code":-32603,"message":"Internal error","data":"tx already exists in cache"}}`
		broken  = `<html>`
	)
	for _, c := range []struct {
		name    string
		answers []string
		agreed  bool
		says    string
	}{
		{"all take it", []string{takes, takes, has}, true, ""},
		{"one is broken", []string{broken, takes}, true, ""},
		{"the others have a reason against it", []string{takes, rejects}, false, ""},
		{"none takes it", []string{broken, rejects}, false, "expected 7"},
		{"none answers", []string{broken}, false, "not one of CometBFT"},
	} {
		w := &Wallet{on: &Chain{}}
		var asked []*atomic.Int64
		for _, a := range c.answers {
			n, count := answering(t, a)
			w.on.nodes, asked = append(w.on.nodes, n), append(asked, count)
		}
		agreed, err := w.broadcast(t.Context(), []byte("a transaction"))
		if agreed != c.agreed || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: agreed %v, error %v", c.name, agreed, err)
		}
		if _, rejected := errors.AsType[*node.Rejection](err); rejected != (c.says == "expected 7") {
			t.Errorf("%s: a reason of the chain: %v", c.name, rejected)
		}
		for i, n := range asked {
			if n.Load() != 1 {
				t.Errorf("%s: node %d was asked %d times", c.name, i, n.Load())
			}
		}
	}
}
