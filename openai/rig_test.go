package openai_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/infer/text"
	"hearth/infer/token"
	"hearth/infer/token/tokentest"
	"hearth/openai"
	"hearth/work"
)

// weights makes a permuted model of random weights with its manifest.
func weights(t testing.TB, c model.Config) (*model.Model, *model.Manifest) {
	t.Helper()
	m, err := model.Random(7, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	f, err := model.NewManifest(m, tokentest.Bytes(tokentest.Hearth()...))
	if err != nil {
		t.Fatal(err)
	}
	return m, f
}

// decoderConfig is of a small model that writes; its end of text is a token
// that random weights do not favour.
func decoderConfig() model.Config {
	return model.Config{
		Kind: model.Decoder, Family: model.Llama, Layers: 2, Width: 64, Heads: 4, KVHeads: 2, HeadSize: 16, Inner: 128,
		Vocab: 260, Context: 256, ResidualBits: 16, ActivationLimit: 95, Epsilon: 1, BOS: 256, EOS: []int32{257}, PAD: -1,
	}
}

func encoderConfig() model.Config {
	return model.Config{
		Kind: model.Encoder, Family: model.BERT, Layers: 1, Width: 64, Heads: 4, KVHeads: 4, HeadSize: 16, Inner: 128,
		Vocab: 260, Context: 64, ResidualBits: 16, ActivationLimit: 95, Epsilon: 1, Pooling: model.Mean, BOS: -1, PAD: -1,
	}
}

// served makes a model ready to be served on one thread. The engine of a
// decoder runs until the test ends.
func served(t testing.TB, name string, c model.Config, pace func(context.Context) error) *openai.Model {
	t.Helper()
	m, f := weights(t, c)
	tok, err := token.Parse(tokentest.Bytes(tokentest.Hearth()...))
	if err != nil {
		t.Fatal(err)
	}
	words, err := text.NewCoder(tok, "", "")
	if err != nil {
		t.Fatal(err)
	}
	registered, err := work.NewModel(f)
	if err != nil {
		t.Fatal(err)
	}
	id, err := f.ID()
	if err != nil {
		t.Fatal(err)
	}
	level := kernel.Best()
	plain, err := engine.NewPlain(m, level, nil)
	if err != nil {
		t.Fatal(err)
	}
	o := &openai.Model{
		Name: name, ID: id.String(), Created: time.Unix(1_790_000_000, 0), Config: c, Words: words,
		Registered: registered, Tracer: work.NewTracer(c, level),
	}
	product := engine.Watched{Product: plain, See: o.Tracer.See}
	if c.Kind == model.Encoder {
		if o.Encoder, err = engine.NewEncoder(m, product, level, 1); err != nil {
			t.Fatal(err)
		}
		return o
	}
	d, err := engine.NewDecoder(m, product, engine.Settings{Level: level, Rows: 64, CacheBytes: 8 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s, err := engine.NewScheduler(d, engine.Limits{Running: 8, Waiting: 64})
	if err != nil {
		t.Fatal(err)
	}
	o.Decoder = engine.NewRunner(s, pace)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = o.Decoder.Run(ctx) })
	t.Cleanup(func() { stop(); running.Wait() })
	return o
}

func executor() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)) }

// rig is a server on a real socket.
type rig struct {
	t   *testing.T
	url string
	log *bytes.Buffer
}

func newRig(t *testing.T, o openai.Options) *rig {
	t.Helper()
	r := &rig{t: t, log: new(bytes.Buffer)}
	if o.Models == nil {
		o.Models = []*openai.Model{served(t, "embedder", encoderConfig(), nil), served(t, "writer", decoderConfig(), nil)}
	}
	if o.Receipts == nil {
		o.Receipts = openai.NewReceipts(executor())
	}
	o.Log = slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := openai.New(o)
	mux := http.NewServeMux()
	mux.Handle("/v1/", s)
	mux.Handle("/metrics", s.Metrics())
	srv := httptest.NewUnstartedServer(mux)
	ctx, cancel := context.WithCancel(context.Background())
	srv.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	srv.Start()
	t.Cleanup(func() { cancel(); srv.Close() })
	r.url = srv.URL
	return r
}

// send sends a request; each header is "Name: value".
func (r *rig) send(method, path, body string, headers ...string) (*http.Response, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return res, string(b)
}

// ask posts a body and decodes the answer, which must be a success.
func (r *rig) ask(path, body string, into any, headers ...string) {
	r.t.Helper()
	res, b := r.send("POST", path, body, headers...)
	if res.StatusCode != http.StatusOK {
		r.t.Fatalf("%s %s: %s %s", path, body, res.Status, b)
	}
	if err := json.Unmarshal([]byte(b), into); err != nil {
		r.t.Fatalf("%s: %v in %s", path, err, b)
	}
}

// refused posts a body that must be refused, and returns the problem.
func (r *rig) refused(status int, path, body string, headers ...string) openai.Problem {
	r.t.Helper()
	res, b := r.send("POST", path, body, headers...)
	var v struct{ Error *openai.Problem }
	if err := json.Unmarshal([]byte(b), &v); err != nil || v.Error == nil || res.StatusCode != status || v.Error.Message == "" || v.Error.Type == "" {
		r.t.Fatalf("%s %s: %s %s, want an error with status %d", path, body, res.Status, b, status)
	}
	return *v.Error
}
