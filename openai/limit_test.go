package openai_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/openai"
)

func TestOnlyThisComputerIsServedWithoutKeys(t *testing.T) {
	r := newRig(t, openai.Options{})
	for _, header := range []string{"Host: models.example", "Host: 192.168.1.20:8420", "X-Forwarded-For: 10.0.0.1", "Forwarded: for=10.0.0.1", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site"} {
		if res, b := r.send("GET", "/v1/models", "", header); header != "Origin: https://evil.example" && res.StatusCode != http.StatusForbidden {
			t.Errorf("with %q: %s %s", header, res.Status, b)
		}
		r.refused(http.StatusForbidden, "/v1/embeddings", `{"model":"embedder","input":"a"}`, header)
	}
}

func TestKeys(t *testing.T) {
	keys, err := openai.OpenKeys(filepath.Join(t.TempDir(), "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := keys.Add(openai.Key{Name: "notebook"})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, openai.Options{Admit: keys.Admit})
	const body = `{"model":"embedder","input":"a"}`
	if p := r.refused(401, "/v1/embeddings", body); *p.Code != "missing_api_key" {
		t.Errorf("without a key: %+v", p)
	}
	if p := r.refused(401, "/v1/embeddings", body, "Authorization: Bearer "+secret[:len(secret)-1]); *p.Code != "invalid_api_key" {
		t.Errorf("with another key: %+v", p)
	}
	// A key opens the server to any name and from anywhere.
	r.ask("/v1/embeddings", body, new(embeddings), "Authorization: Bearer "+secret, "Host: models.example")
	// A receipt is for the caller who asked.
	other, err := keys.Add(openai.Key{Name: "other"})
	if err != nil {
		t.Fatal(err)
	}
	var a chatAnswer
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":2}`, &a, "Authorization: Bearer "+secret, "X-Hearth-Receipt: 1")
	if res, _ := r.send("GET", "/v1/receipts/"+a.ID, "", "Authorization: Bearer "+other); res.StatusCode != 404 {
		t.Errorf("another caller's receipt: %s", res.Status)
	}
	if res, _ := r.send("GET", "/v1/receipts/"+a.ID, "", "Authorization: Bearer "+secret); res.StatusCode != 200 {
		t.Errorf("one's own receipt: %s", res.Status)
	}
	if err := keys.Remove("notebook"); err != nil {
		t.Fatal(err)
	}
	r.refused(401, "/v1/embeddings", body, "Authorization: Bearer "+secret)
	if _, err := keys.Add(openai.Key{Name: "other"}); err == nil {
		t.Error("two keys of one name")
	}
}

func TestRequestsAMinute(t *testing.T) {
	var now atomic.Int64
	now.Store(time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC).UnixNano())
	r := newRig(t, openai.Options{
		Limits: openai.Limits{PerMinute: 2},
		Now:    func() time.Time { return time.Unix(0, now.Load()) },
	})
	const body = `{"model":"embedder","input":"a"}`
	r.ask("/v1/embeddings", body, new(embeddings))
	r.ask("/v1/embeddings", body, new(embeddings))
	res, b := r.send("POST", "/v1/embeddings", body)
	if res.StatusCode != 429 || res.Header.Get("Retry-After") != "30" || !strings.Contains(b, "rate_limit_exceeded") {
		t.Errorf("the third: %s, Retry-After %q, %s", res.Status, res.Header.Get("Retry-After"), b)
	}
	now.Add(int64(30 * time.Second))
	r.ask("/v1/embeddings", body, new(embeddings))
	r.refused(429, "/v1/embeddings", body)
}

// held serves a decoder that waits before each step until the test lets it.
func held(t *testing.T, o openai.Options) (*rig, chan struct{}) {
	steps := make(chan struct{}, 1000)
	o.Models = []*openai.Model{served(t, "writer", decoderConfig(), func(ctx context.Context) error {
		select {
		case <-steps:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})}
	return newRig(t, o), steps
}

// begin opens a stream, lets the engine make some tokens, and reads the first
// event.
func (r *rig) begin(t *testing.T, steps chan struct{}, body string) (*http.Response, *bufio.Reader) {
	t.Helper()
	for range 8 {
		steps <- struct{}{}
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", r.url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(res.Body)
	if _, err := in.ReadString('\n'); err != nil || res.StatusCode != 200 {
		t.Fatalf("%s, %v", res.Status, err)
	}
	return res, in
}

// As many jobs as there is room for; then callers are asked to come back.
func TestTheQueueIsBounded(t *testing.T) {
	r, steps := held(t, openai.Options{Limits: openai.Limits{Jobs: 2}})
	res, in := r.begin(t, steps, `{`+hello+`,"max_tokens":60,"stream":true,"seed":1}`)
	defer res.Body.Close()
	busy, b := r.send("POST", "/v1/chat/completions", `{`+hello+`,"max_tokens":8,"n":2}`)
	if busy.StatusCode != 503 || busy.Header.Get("Retry-After") == "" || !strings.Contains(b, "queue_full") {
		t.Errorf("over the bound: %s %s", busy.Status, b)
	}
	for range 100 {
		steps <- struct{}{}
	}
	rest, err := io.ReadAll(in)
	if err != nil || !strings.HasSuffix(string(rest), "data: [DONE]\n\n") {
		t.Errorf("the first: %v, %q", err, rest)
	}
	var a chatAnswer
	r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":2,"n":2}`, &a)
}

func TestRequestsAtATime(t *testing.T) {
	r, steps := held(t, openai.Options{Limits: openai.Limits{AtATime: 1}})
	res, _ := r.begin(t, steps, `{`+hello+`,"max_tokens":60,"stream":true,"seed":1}`)
	defer res.Body.Close()
	r.refused(429, "/v1/chat/completions", `{`+hello+`,"max_tokens":8}`)
}

// Whoever hangs up stops the job: the place is free again although the engine
// would have had much left to do.
func TestHangingUpStopsTheJob(t *testing.T) {
	r, steps := held(t, openai.Options{Limits: openai.Limits{Jobs: 1}})
	res, _ := r.begin(t, steps, `{`+hello+`,"max_tokens":200,"stream":true,"seed":1}`)
	if _, b := r.send("GET", "/metrics", ""); !strings.Contains(b, "hearth_inference_jobs 1") {
		t.Errorf("while it runs:\n%s", b)
	}
	res.Body.Close()
	for range 500 {
		if _, b := r.send("GET", "/metrics", ""); strings.Contains(b, "hearth_inference_jobs 0") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("the place is never free again")
}

// An answer that takes too long ends with an error that says so.
func TestRequestsEndInTime(t *testing.T) {
	r, steps := held(t, openai.Options{Limits: openai.Limits{Time: 200 * time.Millisecond}})
	if p := r.refused(503, "/v1/chat/completions", `{`+hello+`,"max_tokens":8}`); *p.Code != "timeout" {
		t.Errorf("a request that waits: %+v", p)
	}
	res, in := r.begin(t, steps, `{`+hello+`,"max_tokens":60,"stream":true,"seed":1}`)
	defer res.Body.Close()
	rest, err := io.ReadAll(in)
	if err != nil || !strings.Contains(string(rest), `"code":"timeout"`) || strings.Contains(string(rest), "[DONE]") {
		t.Errorf("a stream that stops: %v, %q", err, rest)
	}
}
