package node_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/node"
)

// fake is a Bitcoin node on a real socket: its chain is a number that grows, and
// every block of it is named after its height.
type fake struct {
	*httptest.Server
	t    *testing.T
	core bool // speaks as Bitcoin Core does, otherwise as btcd

	mu       sync.Mutex
	height   int64
	fork     byte
	news     chan struct{} // closed when there is something new
	mempool  int
	waiting  int                                                                   // long polls
	answer   map[string]func(w http.ResponseWriter, params []json.RawMessage) bool // instead of the usual; false: the usual after all
	asked    map[string]int
	half     chan struct{} // btcd: the second half of a template waits for it
	noPoll   bool          // knows no long poll
	chain    string
	accepted []string
}

func newFake(t *testing.T, core bool) *fake {
	f := &fake{
		t: t, core: core, height: 100, news: make(chan struct{}), chain: "regtest",
		answer: make(map[string]func(http.ResponseWriter, []json.RawMessage) bool), asked: make(map[string]int),
	}
	f.Server = httptest.NewServer(http.HandlerFunc(f.serve))
	t.Cleanup(func() {
		f.CloseClientConnections()
		f.Close()
	})
	return f
}

// prev is the hash of the newest block.
func (f *fake) prev() job.Hash { return job.Hash{byte(f.height), byte(f.height >> 8), f.fork, 1} }

// change changes the node's state, and tells all who wait.
func (f *fake) change(how func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how()
	close(f.news)
	f.news = make(chan struct{})
}

// polled waits until somebody waits for news.
func (f *fake) polled() {
	f.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		f.mu.Lock()
		n := f.waiting
		f.mu.Unlock()
		if n > 0 {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatal("nobody asks for news")
		}
	}
}

// instead has a method answered in another way.
func (f *fake) instead(method string, answer func(w http.ResponseWriter, params []json.RawMessage) bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer[method] = answer
}

func (f *fake) count(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[method]
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	user, password, ok := r.BasicAuth()
	if !ok || user != "hearth" || password != "secret" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	var q struct {
		JSONRPC string          `json:"jsonrpc"`
		ID      json.RawMessage `json:"id"`
		Method  string
		Params  []json.RawMessage
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || json.Unmarshal(body, &q) != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if len(q.ID) == 0 || q.JSONRPC == "" || r.Header.Get("Content-Type") != "application/json" {
		return // as btcd does it: nothing at all
	}
	f.mu.Lock()
	f.asked[q.Method]++
	answer := f.answer[q.Method]
	f.mu.Unlock()
	if answer != nil && answer(w, q.Params) {
		return
	}
	switch q.Method {
	case "getblockchaininfo":
		f.mu.Lock()
		defer f.mu.Unlock()
		f.reply(w, fmt.Sprintf(`{"chain":%q,"blocks":%d,"headers":%d}`, f.chain, f.height, f.height))
	case "getblocktemplate":
		f.template(w, r, q.Params)
	case "submitblock":
		var text string
		if err := json.Unmarshal(q.Params[0], &text); err != nil {
			f.t.Error(err)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		f.accepted = append(f.accepted, text)
		f.reply(w, "null")
	default:
		f.refuse(w, -32601, "Method not found")
	}
}

func (f *fake) reply(w http.ResponseWriter, result string) {
	if f.core {
		fmt.Fprintf(w, `{"result":%s,"error":null,"id":1}`+"\n", result)
		return
	}
	fmt.Fprintf(w, `{"jsonrpc":"1.0","result":%s,"error":null,"id":1}`+"\n", result)
}

func (f *fake) refuse(w http.ResponseWriter, code int, message string) {
	if f.core {
		w.WriteHeader(http.StatusInternalServerError)
	}
	fmt.Fprintf(w, `{"result":null,"error":{"code":%d,"message":%q},"id":1}`+"\n", code, message)
}

func (f *fake) template(w http.ResponseWriter, r *http.Request, params []json.RawMessage) {
	var q struct {
		Rules, Capabilities []string
		LongPollID          string
	}
	if err := json.Unmarshal(params[0], &q); err != nil || fmt.Sprint(q.Rules, q.Capabilities) != "[segwit] [coinbasevalue longpoll]" {
		f.t.Errorf("asked with %s", params[0])
	}
	f.mu.Lock()
	id := func() string { return fmt.Sprintf("%v-%d", f.prev(), f.mempool) }
	for q.LongPollID == id() {
		news := f.news
		f.waiting++
		f.mu.Unlock()
		var gone bool
		select {
		case <-news:
		case <-r.Context().Done():
			gone = true
		}
		f.mu.Lock()
		f.waiting--
		if gone {
			f.mu.Unlock()
			return
		}
	}
	longPoll := `"longpollid":"` + id() + `",`
	if f.noPoll {
		longPoll = ""
	}
	head := fmt.Sprintf(`"bits":"207fffff","curtime":%d,"height":%d,"previousblockhash":"%v"`, 1_700_000_000+f.mempool, f.height+1, f.prev())
	body := fmt.Sprintf(`"transactions":[],"version":536870916,"coinbaseaux":{},"coinbasevalue":%d,%s"mintime":1699990000`, 5_000_000_000>>((f.height+1)/150)+int64(f.mempool), longPoll)
	core, half := f.core, f.half
	f.mu.Unlock()
	if core {
		f.reply(w, "{"+body+","+head+"}")
		return
	}
	fmt.Fprint(w, `{"jsonrpc":"1.0","result":{`+head+",")
	if half != nil {
		w.(http.Flusher).Flush()
		select {
		case <-half:
		case <-r.Context().Done():
			return
		}
	}
	fmt.Fprint(w, body+`},"error":null,"id":1}`+"\n")
}

func (f *fake) client(edit ...func(*node.Config)) *node.Client {
	f.t.Helper()
	cfg := node.Config{URL: f.URL, User: "hearth", Password: "secret"}
	for _, e := range edit {
		e(&cfg)
	}
	c, err := node.New(cfg)
	if err != nil {
		f.t.Fatal(err)
	}
	return c
}

// diary is a follower that writes down what it is told.
type diary struct {
	entries chan entry
	last    *job.Template
}

type entry struct {
	t     *job.Template
	clean bool
	err   error
}

func (d *diary) Template(t *job.Template, clean bool) { d.entries <- entry{t: t, clean: clean} }
func (d *diary) Down(err error)                       { d.entries <- entry{err: err} }

// watch follows the node until the test ends.
func (f *fake) watch(edit ...func(*node.Config)) *diary {
	d := &diary{entries: make(chan entry, 1000)}
	c := f.client(edit...)
	done := make(chan struct{})
	ctx := f.t.Context()
	go func() {
		defer close(done)
		c.Watch(ctx, d)
	}()
	f.t.Cleanup(func() { <-done })
	return d
}

// next is what the follower is told next.
func (d *diary) next(t *testing.T) entry {
	t.Helper()
	select {
	case e := <-d.entries:
		return e
	case <-time.After(20 * time.Second):
		t.Fatal("nothing is told")
		return entry{}
	}
}

// want reads what the follower was told: "clean 101 empty", "101 5000000000",
// "down: …". A template is empty if it pays the subsidy only and was not sent
// whole.
func (d *diary) want(t *testing.T, want string) {
	t.Helper()
	e := d.next(t)
	got := ""
	switch {
	case e.err != nil:
		got = "down: " + e.err.Error()
		if text, ok := strings.CutPrefix(want, "down: "); ok && strings.Contains(got, text) {
			return
		}
	default:
		if e.clean {
			got = "clean "
		}
		got += fmt.Sprintf("%d", e.t.Height)
		if e.t.LongPoll == "" {
			got += " empty"
		}
		got += fmt.Sprintf(" pays %d", e.t.Coinbase)
		d.last = e.t
	}
	if got != want {
		t.Fatalf("told %q, want %q", got, want)
	}
}
