package node_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/node"
)

// A new block: first a job without transactions, then the whole one.
func TestNewBlocks(t *testing.T) {
	for _, core := range []bool{true, false} {
		t.Run(map[bool]string{true: "core", false: "btcd"}[core], func(t *testing.T) {
			f := newFake(t, core)
			d := f.watch()
			d.want(t, "clean 101 pays 5000000000")
			f.change(func() { f.height++ })
			d.want(t, "clean 102 empty pays 5000000000")
			if d.last.Version != 0x20000004 || d.last.Prev != f.prev() || d.last.Bits != 0x207fffff {
				t.Errorf("%+v", d.last)
			}
			d.want(t, "102 pays 5000000000")
			// New transactions are no new block.
			f.change(func() { f.mempool += 7 })
			d.want(t, "102 pays 5000000007")
			// The subsidy of regtest halves at 150.
			f.change(func() { f.height = 149 })
			d.want(t, "clean 150 empty pays 2500000000")
			d.want(t, "150 pays 2500000007")
			// The chain may fall back to another block.
			f.change(func() { f.height, f.fork = 148, 1 })
			d.want(t, "clean 149 empty pays 5000000000")
			d.want(t, "149 pays 5000000007")
		})
	}
}

// btcd sends the head first: the job without transactions does not wait for the
// rest.
func TestTheHeadIsEnough(t *testing.T) {
	f := newFake(t, false)
	d := f.watch()
	d.want(t, "clean 101 pays 5000000000")
	f.change(func() { f.height++; f.half = make(chan struct{}) })
	d.want(t, "clean 102 empty pays 5000000000")
	if len(d.entries) != 0 {
		t.Error("the whole template was told before it was sent")
	}
	close(f.half)
	d.want(t, "102 pays 5000000000")
}

// Without news, a template is fetched now and then.
func TestRefresh(t *testing.T) {
	f := newFake(t, true)
	d := f.watch(func(c *node.Config) { c.Refresh = time.Millisecond })
	d.want(t, "clean 101 pays 5000000000")
	d.want(t, "101 pays 5000000000")
	d.want(t, "101 pays 5000000000")
}

// A node that cannot wait is asked again.
func TestNodesWithoutLongPoll(t *testing.T) {
	f := newFake(t, true)
	f.noPoll = true
	d := f.watch(func(c *node.Config) { c.Refresh = time.Millisecond })
	d.want(t, "clean 101 empty pays 5000000000")
	f.change(func() { f.height++ })
	for {
		if e := d.next(t); e.err != nil || e.clean {
			if e.err != nil || e.t.Height != 102 {
				t.Errorf("%+v", e)
			}
			return
		}
	}
}

// A long poll that hangs is noticed by the next refresh, and asked anew.
func TestLongPollsThatHang(t *testing.T) {
	f := newFake(t, true)
	stuck := make(chan struct{})
	defer close(stuck)
	f.instead("getblocktemplate", func(_ http.ResponseWriter, params []json.RawMessage) bool {
		if strings.Contains(string(params[0]), "longpollid") && f.count("getblocktemplate") == 2 {
			<-stuck
			return true
		}
		return false
	})
	d := f.watch(func(c *node.Config) { c.Refresh = 50 * time.Millisecond })
	d.want(t, "clean 101 pays 5000000000")
	f.change(func() { f.height++ })
	for e := d.next(t); !e.clean; e = d.next(t) {
		if e.err != nil {
			t.Fatal(e.err)
		}
	}
	// From now on the long poll tells again, of its own.
	for range 3 {
		f.change(func() { f.height++ })
		e := d.next(t)
		for ; !e.clean; e = d.next(t) {
			if e.err != nil {
				t.Fatal(e.err)
			}
		}
		if want := f.height + 1; e.t.Height != want {
			t.Fatalf("height %d, want %d", e.t.Height, want)
		}
	}
}

// An answer of before the newest block, that comes late, does not bring back the
// block before.
func TestLateAnswers(t *testing.T) {
	f := newFake(t, true)
	late, held := make(chan struct{}), make(chan struct{}, 1)
	f.instead("getblocktemplate", func(w http.ResponseWriter, params []json.RawMessage) bool {
		if strings.Contains(string(params[0]), "longpollid") || f.count("getblocktemplate") == 1 {
			return false
		}
		// The first refresh: answered with what was true when it was asked.
		r := httptest.NewRecorder()
		f.template(r, httptest.NewRequest(http.MethodPost, "/", nil), params)
		select {
		case held <- struct{}{}:
			<-late
		default:
		}
		if _, err := w.Write(r.Body.Bytes()); err != nil {
			t.Error(err)
		}
		return true
	})
	d := f.watch(func(c *node.Config) { c.Refresh = 20 * time.Millisecond })
	d.want(t, "clean 101 pays 5000000000")
	<-held
	f.change(func() { f.height++ })
	d.want(t, "clean 102 empty pays 5000000000")
	d.want(t, "102 pays 5000000000")
	close(late)
	for range 3 {
		d.want(t, "102 pays 5000000000")
	}
}

func TestNodesThatAreAway(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(f *fake, w http.ResponseWriter)
		want   string
	}{
		{"starting", func(f *fake, w http.ResponseWriter) { f.refuse(w, -28, "Loading block index…") }, "still starting (Loading block index…)"},
		{"fetching", func(f *fake, w http.ResponseWriter) {
			f.refuse(w, -10, "Bitcoin Core is in initial sync and waiting for blocks...")
		}, "still fetching the chain"},
		{"alone", func(f *fake, w http.ResponseWriter) { f.refuse(w, -9, "Bitcoin Core is not connected!") }, "no other nodes to talk to"},
		{"without segwit", func(f *fake, w http.ResponseWriter) {
			f.refuse(w, -8, "getblocktemplate must be called with the segwit rule set")
		}, "refuses getblocktemplate: getblocktemplate must be called with"},
		{"not a node", func(_ *fake, w http.ResponseWriter) { fmt.Fprint(w, "<html>Welcome to nginx</html>") }, `is not one: "<html>Welcome to nginx</html>"`},
		{"another service", func(_ *fake, w http.ResponseWriter) { fmt.Fprint(w, `{"status":"ok"}`) }, "is not one"},
		{"silent", func(_ *fake, w http.ResponseWriter) {}, "answers nothing"},
		{"forbidden", func(_ *fake, w http.ResponseWriter) { w.WriteHeader(http.StatusForbidden) }, "rpcallowip"},
		{"hanging up", func(*fake, http.ResponseWriter) { panic(http.ErrAbortHandler) }, "is it running"},
		{"cut short", func(_ *fake, w http.ResponseWriter) { fmt.Fprint(w, `{"result":{"version":5`) }, "the JSON ends"},
		{"no template", func(_ *fake, w http.ResponseWriter) { fmt.Fprint(w, `{"result":null,"error":null,"id":1}`) }, "has no template"},
		{"nonsense", func(_ *fake, w http.ResponseWriter) { fmt.Fprint(w, `{"result":{"version":1},"error":null}`) }, "previousblockhash is missing"},
		{"endless", func(_ *fake, w http.ResponseWriter) {
			for range 40 {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		}, "more than 33554432 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, true)
			f.instead("getblocktemplate", func(w http.ResponseWriter, _ []json.RawMessage) bool {
				c.answer(f, w)
				return true
			})
			d := f.watch()
			d.want(t, "down: "+c.want)
			// It is told once, and ends with the first template.
			f.instead("getblocktemplate", nil)
			d.want(t, "clean 101 pays 5000000000")
		})
	}
}

// The node goes away in the midst of it and comes back.
func TestRestarts(t *testing.T) {
	f := newFake(t, false)
	d := f.watch()
	d.want(t, "clean 101 pays 5000000000")
	f.polled()
	f.instead("getblockchaininfo", func(w http.ResponseWriter, _ []json.RawMessage) bool {
		f.refuse(w, -28, "Rewinding blocks…")
		return true
	})
	f.CloseClientConnections()
	d.want(t, "down: still starting (Rewinding blocks…)")
	f.instead("getblockchaininfo", nil)
	d.want(t, "101 pays 5000000000")
	f.change(func() { f.height++ })
	d.want(t, "clean 102 empty pays 5000000000")
}

// What goes wrong once is tried again before it is told.
func TestHiccups(t *testing.T) {
	f := newFake(t, false)
	d := f.watch()
	d.want(t, "clean 101 pays 5000000000")
	f.polled()
	f.instead("getblocktemplate", func(w http.ResponseWriter, _ []json.RawMessage) bool {
		f.instead("getblocktemplate", nil)
		f.refuse(w, -32603, "previous block must be the current chain tip")
		return true
	})
	f.change(func() { f.height++ })
	d.want(t, "clean 102 empty pays 5000000000")
	d.want(t, "102 pays 5000000000")
	d.want(t, "102 pays 5000000000") // asked anew
	f.change(func() { f.height++ })
	d.want(t, "clean 103 empty pays 5000000000")
}

func TestNobodyThere(t *testing.T) {
	f := newFake(t, false)
	url := f.URL
	f.Close()
	c, err := node.New(node.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Template(t.Context()); err == nil || !strings.Contains(err.Error(), "reach the Bitcoin node at "+url+": ") || !strings.Contains(err.Error(), "is it running") {
		t.Error(err)
	}
}

func TestNetworks(t *testing.T) {
	for chain, want := range map[string]job.Network{
		"main": job.Mainnet, "mainnet": job.Mainnet, "test": job.Testnet, "testnet3": job.Testnet, "testnet4": job.Testnet,
		"signet": job.Signet, "regtest": job.Regtest, "simnet": job.Simnet, "doge": "",
	} {
		f := newFake(t, true)
		f.chain = chain
		got, height, err := f.client().Chain(t.Context())
		if got != want || (err == nil) != (want != "") || err == nil && height != 100 {
			t.Errorf("%s: %q, %d, %v", chain, got, height, err)
		}
	}
	f := newFake(t, true)
	d := f.watch(func(c *node.Config) { c.Network = job.Mainnet })
	d.want(t, "down: is on regtest, not on mainnet")
}

func TestPasswords(t *testing.T) {
	f := newFake(t, true)
	if _, err := f.client(func(c *node.Config) { c.Password = "wrong" }).Template(t.Context()); err == nil ||
		!strings.Contains(err.Error(), `does not take the user "hearth"`) || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
	if _, err := f.client(func(c *node.Config) { c.User, c.Password = "", "" }).Template(t.Context()); err == nil {
		t.Error("no password will do")
	}

	// The cookie changes whenever the node starts.
	path := filepath.Join(t.TempDir(), ".cookie")
	c := f.client(func(c *node.Config) { c.User, c.Password, c.Cookie = "", "", path })
	for _, step := range []struct{ cookie, want string }{
		{"", "is the node running"},
		{"no colon", "has no colon"},
		{"__cookie__:0123", "does not take its cookie " + path},
		{"hearth:secret\n", ""},
	} {
		if step.cookie != "" {
			if err := os.WriteFile(path, []byte(step.cookie), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		_, err := c.Template(t.Context())
		if (err == nil) != (step.want == "") || err != nil && !strings.Contains(err.Error(), step.want) {
			t.Errorf("cookie %q: %v, want %q", step.cookie, err, step.want)
		}
	}
}

func TestConfigsThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		cfg  node.Config
		want string
	}{
		{node.Config{}, "is like http://127.0.0.1:8332"},
		{node.Config{URL: "127.0.0.1:8332"}, "is like http://127.0.0.1:8332"},
		{node.Config{URL: "ftp://127.0.0.1"}, "is like http://127.0.0.1:8332"},
		{node.Config{URL: "http://me:secret@127.0.0.1:8332"}, "holds no password"},
		{node.Config{URL: "http://127.0.0.1:8332", Cookie: "x", User: "y"}, "not both"},
		{node.Config{URL: "http://127.0.0.1:8332", Cookie: "x", Password: "secret"}, "not both"},
		{node.Config{URL: "https://127.0.0.1:8332", Certificate: []byte("x")}, "PEM"},
	} {
		if _, err := node.New(c.cfg); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

func TestSubmitBlock(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer func(f *fake, w http.ResponseWriter)
		want   string // of the refusal; empty: taken
	}{
		{"taken", nil, ""},
		{"known already, says Core", func(f *fake, w http.ResponseWriter) { f.reply(w, `"duplicate"`) }, ""},
		{"known already, says btcd", func(f *fake, w http.ResponseWriter) {
			f.reply(w, `"rejected: already have block 00ab"`)
		}, ""},
		{"known to be wrong", func(f *fake, w http.ResponseWriter) { f.reply(w, `"duplicate-invalid"`) }, "duplicate-invalid"},
		{"too late", func(f *fake, w http.ResponseWriter) { f.reply(w, `"inconclusive"`) }, "inconclusive"},
		{"wrong", func(f *fake, w http.ResponseWriter) { f.reply(w, `"bad-txnmrklroot"`) }, "bad-txnmrklroot"},
		{"not a block", func(f *fake, w http.ResponseWriter) { f.refuse(w, -22, "Block decode failed") }, "Block decode failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, true)
			if c.answer != nil {
				f.instead("submitblock", func(w http.ResponseWriter, _ []json.RawMessage) bool {
					c.answer(f, w)
					return true
				})
			}
			block := []byte{1, 2, 3}
			err := f.client().SubmitBlock(t.Context(), block)
			refusal, ok := errors.AsType[*node.Refusal](err)
			if ok != (c.want != "") || ok && refusal.Reason != c.want || !ok && err != nil {
				t.Errorf("%v, want %q", err, c.want)
			}
			if c.answer == nil && (len(f.accepted) != 1 || f.accepted[0] != hex.EncodeToString(block)) {
				t.Errorf("handed over: %q", f.accepted)
			}
		})
	}
}

// A block is handed over again until the node has it.
func TestSubmitBlockAgain(t *testing.T) {
	f := newFake(t, false)
	f.instead("submitblock", func(w http.ResponseWriter, _ []json.RawMessage) bool {
		switch f.count("submitblock") {
		case 1:
			panic(http.ErrAbortHandler)
		case 2:
			f.refuse(w, -28, "Loading wallet…")
			return true
		}
		return false
	})
	if err := f.client().SubmitBlock(t.Context(), []byte{1}); err != nil || len(f.accepted) != 1 {
		t.Errorf("%v, %q", err, f.accepted)
	}

	ctx, cancel := context.WithCancel(t.Context())
	f.instead("submitblock", func(http.ResponseWriter, []json.RawMessage) bool {
		cancel()
		panic(http.ErrAbortHandler)
	})
	err := f.client().SubmitBlock(ctx, []byte{1})
	if _, ok := errors.AsType[*node.Refusal](err); err == nil || ok || !strings.Contains(err.Error(), "hand a block to the Bitcoin node: ") {
		t.Error(err)
	}
}

func TestConfirmations(t *testing.T) {
	for _, c := range []struct {
		name, result string // with a code, the message
		code         int
		n            int64
		known, fails bool
	}{
		{"buried", `{"hash":"00","confirmations":12}`, 0, 12, true, false},
		{"the newest", `{"confirmations":1}`, 0, 1, true, false},
		{"of another branch", `{"confirmations":-1}`, 0, 0, false, false},
		{"of another branch, as btcd says it", "block 00 is not in the main chain", -32603, 0, false, false},
		{"never heard of", "so it is", -5, 0, false, false},
		{"trouble", "so it is", -28, 0, false, true},
		{"other trouble of btcd", "so it is", -32603, 0, false, true},
		{"nothing", "null", 0, 0, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, true)
			f.instead("getblockheader", func(w http.ResponseWriter, params []json.RawMessage) bool {
				if len(params) != 2 || string(params[0]) != `"abcd"` || string(params[1]) != "true" {
					t.Errorf("asked with %s", params)
				}
				if c.code != 0 {
					f.refuse(w, c.code, c.result)
				} else {
					f.reply(w, c.result)
				}
				return true
			})
			n, known, err := f.client().Confirmations(t.Context(), "abcd")
			if n != c.n || known != c.known || (err != nil) != c.fails {
				t.Errorf("%d, %v, %v", n, known, err)
			}
		})
	}
}

// The node's no is told from not knowing what it did.
func TestCall(t *testing.T) {
	type coin struct{ Value json.Number }
	for _, c := range []struct {
		name   string
		answer func(f *fake, w http.ResponseWriter)
		value  string
		code   int    // of the node's no
		fails  string // anything else
	}{
		{"a result", func(f *fake, w http.ResponseWriter) { f.reply(w, `{"value":0.00000001}`) }, "0.00000001", 0, ""},
		{"nothing", func(f *fake, w http.ResponseWriter) { f.reply(w, "null") }, "", 0, ""},
		{"unknown to the node", func(f *fake, w http.ResponseWriter) { f.refuse(w, node.NotFound, "No such thing") }, "", node.NotFound, ""},
		{"another dialect", func(f *fake, w http.ResponseWriter) { f.refuse(w, node.UnknownMethod, "Method not found") }, "", node.UnknownMethod, ""},
		{"a no behind a result", func(_ *fake, w http.ResponseWriter) {
			fmt.Fprint(w, `{"result":[1],"error":{"code":-5,"message":"after all"},"id":1}`)
		}, "", node.NotFound, ""},
		{"something else", func(f *fake, w http.ResponseWriter) { f.reply(w, "[1]") }, "", 0, "something else than expected"},
		{"hanging up", func(*fake, http.ResponseWriter) { panic(http.ErrAbortHandler) }, "", 0, "is it running"},
		{"cut short", func(_ *fake, w http.ResponseWriter) { fmt.Fprint(w, `{"result":{"value":1`) }, "", 0, "the JSON ends"},
		{"a proxy's trouble", func(_ *fake, w http.ResponseWriter) {
			w.WriteHeader(http.StatusBadGateway)
			fmt.Fprint(w, "<html>")
		}, "", 0, "is not one"},
		{"sent elsewhere", func(_ *fake, w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "", 0, "answers nothing to gettxout (status 307"},
		{"endless", func(_ *fake, w http.ResponseWriter) {
			fmt.Fprint(w, `{"result":{"value":1},"error":null,"more":"`)
			for range 40 {
				if _, err := w.Write(bytes.Repeat([]byte("x"), 1<<20)); err != nil {
					return
				}
			}
		}, "", 0, "more than 33554432 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFake(t, true)
			f.instead("gettxout", func(w http.ResponseWriter, params []json.RawMessage) bool {
				if len(params) != 2 || string(params[0]) != `"abcd"` || string(params[1]) != "1" {
					t.Errorf("asked with %s", params)
				}
				c.answer(f, w)
				return true
			})
			var out coin
			err := f.client().Call(t.Context(), &out, "gettxout", "abcd", 1)
			if out.Value.String() != c.value || (err == nil) != (c.code == 0 && c.fails == "") {
				t.Fatalf("%+v, %v", out, err)
			}
			for _, code := range []int{node.NotFound, node.UnknownMethod} {
				if node.IsCode(err, code) != (code == c.code) {
					t.Errorf("code %d: %v", code, err)
				}
			}
			if err != nil && !strings.Contains(err.Error(), c.fails) {
				t.Errorf("%v, want %q", err, c.fails)
			}
			if n := f.count("gettxout"); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}
