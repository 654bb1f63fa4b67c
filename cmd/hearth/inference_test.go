package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"hearth/config"
	"hearth/device"
	"hearth/furnace"
	"hearth/infer/model"
	"hearth/units"
)

// ember is a fallback that never has to burn.
type ember struct{}

func (ember) Name() string          { return "dumb heat" }
func (ember) Work() device.Work     { return device.Burning }
func (ember) Done() []device.Output { return nil }
func (ember) Run(ctx context.Context, _ int, _ func() units.Fraction) error {
	<-ctx.Done()
	return nil
}

// newModels is the inference of a home with an encoder and a decoder of random
// weights, and a folder of two texts.
func newModels(t *testing.T) (*inference, *furnace.Furnace, string) {
	t.Helper()
	data, folder := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{"a.md": "A stove is lit in the morning.\n", "b.md": "The boiler waits for the evening.\n"} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	f := furnace.New(ember{}, time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	i := newInference(ctx, data, config.Inference{Folders: []string{folder}}, f, slog.New(slog.DiscardHandler))
	t.Cleanup(func() { cancel(); i.close() })
	for _, kind := range []string{model.Encoder, model.Decoder} {
		path := filepath.Join(t.TempDir(), kind+".hearth")
		if err := writeModel(kind, path); err != nil {
			t.Fatal(err)
		}
		if _, err := i.store.Add(t.Context(), path, kind); err != nil {
			t.Fatal(err)
		}
	}
	return i, f, folder
}

func tokens(f *furnace.Furnace) int64 {
	for _, o := range f.Done() {
		if o.Unit == "token" {
			n, _ := o.Count.Get()
			return n
		}
	}
	return 0
}

func TestFoldersWaitForHeat(t *testing.T) {
	i, f, folder := newModels(t)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := i.keepFolder(ctx, folder); err == nil || tokens(f) != 0 {
		t.Errorf("without heat: %v, %d tokens", err, tokens(f))
	}
	if i.server != nil {
		t.Error("the models were loaded although no heat was wanted")
	}

	heat, cool := context.WithCancel(t.Context())
	defer cool()
	go func() { _ = f.Run(heat, 1, func() units.Fraction { return 1 }) }()
	if err := i.keepFolder(t.Context(), folder); err != nil {
		t.Fatal(err)
	}
	read := tokens(f)
	if read == 0 {
		t.Error("no tokens were counted")
	}
	if err := i.keepFolder(t.Context(), folder); err != nil || tokens(f) != read {
		t.Errorf("again: %v, %d tokens after %d", err, tokens(f), read)
	}
	if f.Work() != device.Burning {
		t.Errorf("with nothing left to do it does %s", f.Work())
	}
}

// What computes for heat does so on no more threads than a person agreed to:
// each begins one pack, and these fail.
func TestEmbeddingForHeatTakesHalfOfTheThreads(t *testing.T) {
	i, _, _ := newModels(t)
	o, err := i.served(t.Context(), "encoder")
	if err != nil {
		t.Fatal(err)
	}
	var begun atomic.Int64
	o.Later.Encoder.Pace = func(context.Context) error { begun.Add(1); return errors.New("enough") }
	texts := make([][]int32, 64*runtime.NumCPU())
	for n := range texts {
		texts[n] = make([]int32, 200)
	}
	if _, err := o.Later.Encoder.EmbedFrom(t.Context(), 0, texts); err == nil {
		t.Error("nothing failed")
	}
	if n := begun.Load(); n != int64(heatingThreads()) || n > max(1, int64(runtime.NumCPU()/2)) {
		t.Errorf("%d of %d processors began", n, runtime.NumCPU())
	}
}

func TestRequestsThatMayWaitAreAnsweredWithHeat(t *testing.T) {
	i, f, _ := newModels(t)
	ask := func(tier string) *httptest.ResponseRecorder {
		body := `{"model":"decoder","seed":1,"max_tokens":4,"messages":[{"role":"user","content":"warm?"}]` + tier + `}`
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/chat/completions", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		i.ServeHTTP(w, r)
		return w
	}
	if w := ask(""); w.Code != http.StatusOK || tokens(f) == 0 {
		t.Fatalf("at once: %d %s, %d tokens counted", w.Code, w.Body, tokens(f))
	}
	before := tokens(f)
	answer := make(chan *httptest.ResponseRecorder, 1)
	go func() { answer <- ask(`,"service_tier":"flex"`) }()
	for f.Work() != device.Waiting {
		time.Sleep(time.Millisecond) // until it has entered
	}
	if len(answer) != 0 || tokens(f) != before {
		t.Fatal("it did not wait for heat")
	}
	heat, cool := context.WithCancel(t.Context())
	defer cool()
	go func() { _ = f.Run(heat, 1, func() units.Fraction { return 0.9 }) }()
	if w := <-answer; w.Code != http.StatusOK || tokens(f) == before {
		t.Errorf("with heat: %d %s, %d tokens counted", w.Code, w.Body, tokens(f))
	}
}
