package mine

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"hearth/chain/commons/library"
	"hearth/chain/commons/tree"
)

// Libraries that fail are left alone for a while, so that they do not take the
// time in which claims are delivered.
func TestFailingLibrariesAreLeftAloneForAWhile(t *testing.T) {
	asked := 0
	bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked++
		http.Error(w, "not now", http.StatusServiceUnavailable)
	}))
	defer bad.Close()
	now := time.Unix(0, 0)
	l := &lender{client: library.Client{Inside: true}, now: func() time.Time { return now }, failed: map[tree.Hash]time.Time{}}
	one := library.Project{Root: tree.Hash{1}, Jobs: 9, Sources: []string{bad.URL}}
	other := library.Project{Root: tree.Hash{2}, Jobs: 9, Sources: []string{bad.URL}}
	for i := range uint64(5) {
		if _, _, err := l.Job(t.Context(), one, i); err == nil || i > 0 && !errors.Is(err, errRefuses) {
			t.Errorf("job %d: %v", i, err)
		}
	}
	if asked != 1 {
		t.Errorf("asked %d times", asked)
	}
	if _, _, err := l.Job(t.Context(), other, 0); errors.Is(err, errRefuses) || asked != 2 {
		t.Errorf("another project pays for it: %v", err)
	}
	now = now.Add(refuses)
	if _, _, err := l.Job(t.Context(), one, 0); errors.Is(err, errRefuses) || asked != 3 {
		t.Errorf("it is never asked again: %v", err)
	}
}

// Only in a network that is within a house are addresses of the house asked.
func TestWhichNetworksAreInside(t *testing.T) {
	for _, c := range []struct {
		nodes  []string
		inside bool
	}{
		{[]string{"http://127.0.0.1:26657"}, true},
		{[]string{"http://localhost:26657", "http://192.168.1.20:26657"}, true},
		{[]string{"http://[fd00::1]:26657"}, true},
		{[]string{"http://192.168.1.20:26657", "https://8.8.8.8"}, false},
		{[]string{"https://node.example"}, false},
		{nil, false},
	} {
		if got := (Network{Nodes: c.nodes}).inside(); got != c.inside {
			t.Errorf("%v is inside: %v", c.nodes, got)
		}
	}
}
