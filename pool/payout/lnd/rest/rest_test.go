package rest_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"hearth/pool/payout/lnd/rest"
)

func TestNewWantsAnAddressAndAMacaroon(t *testing.T) {
	for _, c := range []struct {
		cfg  rest.Config
		want string
	}{
		{rest.Config{URL: "https://127.0.0.1:8080", Macaroon: "m"}, ""},
		{rest.Config{URL: "https://127.0.0.1:8080/", Macaroon: "m"}, ""},
		{rest.Config{URL: "http://127.0.0.1:8080", Macaroon: "m"}, "write it as https://"},
		{rest.Config{URL: "127.0.0.1:10009", Macaroon: "m"}, "write it as https://"},
		{rest.Config{URL: "https://me:secret@127.0.0.1", Macaroon: "m"}, "write it as https://"},
		{rest.Config{URL: "https://127.0.0.1/lnd", Macaroon: "m"}, "write it as https://"},
		{rest.Config{URL: "https://127.0.0.1:8080"}, "no macaroon"},
	} {
		_, err := rest.New(c.cfg)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
		}
	}
}

// server answers with what it is asked for: the path is the answer's name.
func server(t *testing.T) (*httptest.Server, rest.Config) {
	t.Helper()
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/good":
			var in map[string]int
			_ = json.NewDecoder(r.Body).Decode(&in)
			fmt.Fprintf(w, `{"macaroon":%q,"sum":%d}`, r.Header.Get("Grpc-Metadata-Macaroon"), in["a"]+in["b"])
		case "/stream":
			fmt.Fprint(w, `{"result":{"n":1}}`+"\n"+`{"result":{"n":2}}`+"\n"+`{"result":{"n":3}}`)
		case "/elsewhere":
			http.Redirect(w, r, "https://"+r.Host+"/good", http.StatusTemporaryRedirect)
		case "/silence":
			<-r.Context().Done()
		case "/missing":
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"code":5,"message":"no such thing","details":[]}`)
		}
	}))
	t.Cleanup(srv.Close)
	dir := t.TempDir()
	cfg := rest.Config{URL: srv.URL, Cert: filepath.Join(dir, "tls.cert"), Macaroon: filepath.Join(dir, "macaroon")}
	cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw})
	if err := errors.Join(os.WriteFile(cfg.Cert, cert, 0o600), os.WriteFile(cfg.Macaroon, []byte{1, 0xff}, 0o600)); err != nil {
		t.Fatal(err)
	}
	return srv, cfg
}

func TestAsks(t *testing.T) {
	_, cfg := server(t)
	c, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Macaroon string
		Sum      int
	}
	if err := c.Do(t.Context(), "POST", "/good", map[string]int{"a": 2, "b": 3}, &out); err != nil || out.Macaroon != "01ff" || out.Sum != 5 {
		t.Errorf("%+v, %v", out, err)
	}
	// A new macaroon counts at once.
	if err := os.WriteFile(cfg.Macaroon, []byte{2}, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := c.Do(t.Context(), "POST", "/good", nil, &out); err != nil || out.Macaroon != "02" {
		t.Errorf("%+v, %v", out, err)
	}
	if err := c.Do(t.Context(), "GET", "/missing", nil, &out); !rest.IsCode(err, rest.NotFound) || rest.IsCode(err, rest.AlreadyExists) {
		t.Errorf("what is not there: %v", err)
	}
	// A macaroon goes to nobody else.
	if err := c.Do(t.Context(), "GET", "/elsewhere", nil, &out); err == nil || !strings.Contains(err.Error(), "307") {
		t.Errorf("a redirect: %v", err)
	}
	n := 0
	err = c.Stream(t.Context(), "GET", "/stream", nil, func(json.RawMessage) (bool, error) {
		n++
		return n < 2, nil
	})
	if n != 2 || err != nil {
		t.Errorf("%d pieces, %v", n, err)
	}
	err = c.Stream(t.Context(), "GET", "/stream", nil, func(json.RawMessage) (bool, error) { return true, nil })
	if err == nil || !strings.Contains(err.Error(), "breaks off") {
		t.Errorf("a stream that ends early: %v", err)
	}
}

// A node that says nothing does not hold up everything else, and what it says
// when it notices that nobody waits any more is no answer.
func TestLeavesANodeThatSaysNothing(t *testing.T) {
	_, cfg := server(t)
	cfg.Patience = 10 * time.Millisecond
	c, err := rest.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for range 200 {
		var out any
		if err := c.Do(ctx, "GET", "/silence", nil, &out); !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			t.Fatalf("%v, %v", err, ctx.Err())
		}
	}
}

func TestAsksNobodyWithoutItsFiles(t *testing.T) {
	_, cfg := server(t)
	for _, c := range []struct {
		name string
		harm func() error
		want string
	}{
		{"a certificate that is none", func() error { return os.WriteFile(cfg.Cert, []byte("hello"), 0o600) }, "holds no certificate"},
		{"no certificate", func() error { return os.Remove(cfg.Cert) }, "the node's certificate"},
		{"a huge macaroon", func() error { return os.WriteFile(cfg.Macaroon, make([]byte, 1<<20), 0o600) }, "more than"},
		{"no macaroon", func() error { return os.Remove(cfg.Macaroon) }, "the macaroon"},
	} {
		if err := c.harm(); err != nil {
			t.Fatal(err)
		}
		client, err := rest.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		var out any
		if err := client.Do(t.Context(), "GET", "/good", nil, &out); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
