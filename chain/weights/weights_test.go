package weights

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"hearth/infer/kernel"
	"hearth/infer/mini"
	"hearth/infer/model"
	"hearth/work"
)

var small = model.Config{
	Kind: model.Encoder, Family: model.BERT, Layers: 2, Width: 256, Heads: 4, KVHeads: 4, HeadSize: 64, Inner: 512,
	Vocab: 120, Context: 96, ResidualBits: 16, ActivationLimit: 95, Epsilon: 4295, BOS: 1, EOS: []int32{2}, PAD: 0, Pooling: model.Mean,
}

// example is a model, its manifest as admission has it, and its file.
type example struct {
	id       model.Hash
	manifest *model.Manifest
	file     []byte
}

func write(t *testing.T, m *model.Model, change func(*model.Manifest)) example {
	t.Helper()
	f, err := model.NewManifest(m, []byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(f)
	}
	var b bytes.Buffer
	if err := model.Write(&b, m, f, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	id, err := f.ID()
	if err != nil {
		t.Fatal(err)
	}
	return example{id, f, b.Bytes()}
}

func random(t *testing.T, seed uint64) *model.Model {
	t.Helper()
	m, err := model.Random(seed, small)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	return m
}

func open(t *testing.T, o Options) *Store {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	o.Level = kernel.Best()
	o.Pause = func(int) time.Duration { return 0 }
	s, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// source serves files as they are, and counts requests and bytes.
type source struct {
	*httptest.Server
	requests, sent atomic.Int64
}

func serve(t *testing.T, handler http.HandlerFunc) *source {
	t.Helper()
	s := &source{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		handler(counted{w, &s.sent}, r)
	}))
	t.Cleanup(s.Close)
	return s
}

type counted struct {
	http.ResponseWriter
	n *atomic.Int64
}

// Write implements io.Writer.
func (c counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.n.Add(int64(n))
	return n, err
}

func whole(e example) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/"+e.id.String()+Extension {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(e.file))
	}
}

func registered(t *testing.T, f *model.Manifest) *work.Model {
	t.Helper()
	m, err := work.NewModel(f)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// What one node has, another fetches from it, and can use.
func TestWeightsGoFromNodeToNode(t *testing.T) {
	e := write(t, random(t, 1), nil)
	path := filepath.Join(t.TempDir(), "any-name.hearth")
	if err := os.WriteFile(path, e.file, 0o600); err != nil {
		t.Fatal(err)
	}
	first := open(t, Options{})
	if id, err := first.Add(t.Context(), path); err != nil || id != e.id {
		t.Fatalf("added as %v: %v", id, err)
	}
	server := httptest.NewServer(first.Handler())
	defer server.Close()
	second := open(t, Options{Sources: []string{"http://127.0.0.1:1", server.URL + "/"}})
	if _, err := second.Bench(t.Context(), registered(t, e.manifest)); !errors.Is(err, ErrAbsent) {
		t.Errorf("before it is fetched: %v", err)
	}
	if err := second.Fetch(t.Context(), e.manifest, nil); err != nil {
		t.Fatal(err)
	}
	if err := second.Fit(e.manifest); err != nil {
		t.Error(err)
	}
	bench, err := second.Bench(t.Context(), registered(t, e.manifest))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := second.Ready(registered(t, e.manifest)); !ok {
		t.Error("what was loaded is not ready")
	}
	if bench.Model().ID() != e.id {
		t.Error("it is another model")
	}
	if ids, err := second.List(); err != nil || !slices.Equal(ids, []model.Hash{e.id}) {
		t.Errorf("the node has %v: %v", ids, err)
	}
	if left, _ := os.ReadDir(filepath.Join(second.dir, fetchFolder)); len(left) > 0 {
		t.Errorf("%v is left of the download", left)
	}
}

func TestTheModelOfTheProgramIsThereFromTheBeginning(t *testing.T) {
	s := open(t, Options{Carried: []Carried{mini.File()}})
	ids, err := s.List()
	if err != nil || len(ids) != 1 {
		t.Fatalf("the node has %v: %v", ids, err)
	}
	f, err := s.Manifest(ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Fit(f); err != nil {
		t.Error(err)
	}
	if err := s.Fetch(t.Context(), f, nil); err != nil {
		t.Errorf("fetching it again: %v", err)
	}
	// Ready does not wait; what it begins is there in the end.
	m := registered(t, f)
	for _, ok := s.Ready(m); !ok; _, ok = s.Ready(m) {
		if _, err := s.Bench(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

func TestADownloadGoesOnWhereItStopped(t *testing.T) {
	e := write(t, random(t, 1), nil)
	var cut atomic.Int64
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if cut.Add(1) <= 3 {
			w = half{w, len(e.file) / 4}
		}
		whole(e)(w, r)
	})
	s := open(t, Options{Sources: []string{server.URL}})
	if err := s.Fetch(t.Context(), e.manifest, nil); err != nil {
		t.Fatal(err)
	}
	if n := server.sent.Load(); n > int64(len(e.file))*3/2 {
		t.Errorf("%d bytes were sent of a file of %d", n, len(e.file))
	}
	if !s.Has(e.id) {
		t.Error("it is not here")
	}
}

// half breaks off after some bytes.
type half struct {
	http.ResponseWriter
	n int
}

// Write implements io.Writer.
func (h half) Write(b []byte) (int, error) {
	if len(b) > h.n {
		_, _ = h.ResponseWriter.Write(b[:h.n])
		panic(http.ErrAbortHandler)
	}
	return h.ResponseWriter.Write(b)
}

// A part that another process left whole is not fetched again.
func TestAWholePartIsTaken(t *testing.T) {
	e := write(t, random(t, 1), nil)
	server := serve(t, whole(e))
	s := open(t, Options{Sources: []string{server.URL}})
	if err := os.WriteFile(s.part(e.id), e.file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := writeBegun(s.part(e.id), begun{server.URL + "/" + e.id.String() + Extension, `"one"`}); err != nil {
		t.Fatal(err)
	}
	if err := s.Fetch(t.Context(), e.manifest, nil); err != nil {
		t.Fatal(err)
	}
	if n := server.sent.Load(); n > 1000 {
		t.Errorf("%d bytes were sent of a file that was here", n)
	}
}

func TestNothingButTheModelIsTaken(t *testing.T) {
	e, other := write(t, random(t, 1), nil), write(t, random(t, 2), nil)
	spoilt := slices.Clone(e.file)
	spoilt[len(spoilt)/2] ^= 1
	for name, answer := range map[string]http.HandlerFunc{
		"another model":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(other.file) },
		"a flipped bit":   func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(spoilt) },
		"too short":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(e.file[:len(e.file)-1]) },
		"too long":        func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(append(slices.Clone(e.file), 0)) },
		"a page":          func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"nothing":         func(http.ResponseWriter, *http.Request) {},
		"not found":       http.NotFound,
		"a wrong range":   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) },
		"failure":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"endless":         func(w http.ResponseWriter, r *http.Request) { endless(w, r) },
		"a size too high": func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Content-Length", "99999999999") },
	} {
		t.Run(name, func(t *testing.T) {
			bad := serve(t, answer)
			s := open(t, Options{Sources: []string{bad.URL}, Largest: 8 << 20})
			err := s.Fetch(t.Context(), e.manifest, nil)
			if err == nil || errors.Is(err, ErrUnfit) || s.Has(e.id) {
				t.Fatalf("%s: %v", name, err)
			}
			// The next source is asked from the beginning.
			good := serve(t, whole(e))
			s.sources = append(s.sources, good.URL)
			if err := s.Fetch(t.Context(), e.manifest, nil); err != nil {
				t.Errorf("%s, then the model: %v", name, err)
			}
		})
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	b := make([]byte, 1<<16)
	for r.Context().Err() == nil {
		if _, err := w.Write(b); err != nil {
			return
		}
	}
}

// A file may say anything about what is refused: what is kept is what admission
// finds, and a registration that says otherwise is not fit.
func TestBlocksAreWhatAdmissionFinds(t *testing.T) {
	m, err := model.Random(1, small)
	if err != nil {
		t.Fatal(err)
	}
	up := m.Layers[1].Up
	copy(up.Weight[5*up.K:6*up.K], up.Weight[300*up.K:]) // a column twice, wherever the permutation takes it
	if err := m.Permute(); err != nil {
		t.Fatal(err)
	}
	honest := write(t, m, nil)
	lying := write(t, m, func(f *model.Manifest) { f.Blocks = []model.Refused{{Name: "layers.0.up", Blocks: []uint32{2}}} })
	if honest.id != lying.id {
		t.Fatal("the id binds the blocks: the test shows nothing")
	}
	server := serve(t, whole(lying))
	s := open(t, Options{Sources: []string{server.URL}})
	if err := s.Fetch(t.Context(), lying.manifest, nil); err != nil {
		t.Fatal(err)
	}
	truth, err := s.Manifest(honest.id)
	if err != nil {
		t.Fatal(err)
	}
	if len(truth.Blocks) == 0 {
		t.Fatal("admission refuses nothing: the test shows nothing")
	}
	if err := s.Fit(truth); err != nil {
		t.Errorf("the true manifest: %v", err)
	}
	for name, f := range map[string]*model.Manifest{"none": honest.manifest, "others": lying.manifest} {
		if err := s.Fit(f); !errors.Is(err, ErrUnfit) {
			t.Errorf("%s refused: %v", name, err)
		}
	}
}

func TestChannelsThatAreNotPermutedAreUnfit(t *testing.T) {
	m := random(t, 1)
	m.H0[0] ^= 1 // the permutation follows from another hash
	e := write(t, m, nil)
	server := serve(t, whole(e))
	s := open(t, Options{Sources: []string{server.URL}})
	if err := s.Fetch(t.Context(), e.manifest, nil); !errors.Is(err, ErrUnfit) || s.Has(e.id) {
		t.Errorf("fetched: %v", err)
	}
}

// Addresses of strangers do not lead into the node's own network, also not by a
// redirect; those of the operator do.
func TestStrangersDoNotChooseWhatTheNodeAsks(t *testing.T) {
	e := write(t, random(t, 1), nil)
	inside := serve(t, whole(e))
	s := open(t, Options{})
	for _, a := range []string{inside.URL, "http://10.0.0.1", "http://169.254.169.254/latest", "http://[::1]:9", "http://100.64.0.9", "ftp://example.org", "file:///etc", "http://0.0.0.0:1", "://"} {
		if err := s.Fetch(t.Context(), e.manifest, []string{a}); err == nil {
			t.Errorf("%s was asked", a)
		}
	}
	if n := inside.requests.Load(); n > 0 {
		t.Errorf("%d requests came", n)
	}
}

func TestAModelThatIsTooLargeIsLeftAlone(t *testing.T) {
	e := write(t, random(t, 1), nil)
	server := serve(t, whole(e))
	if err := open(t, Options{Sources: []string{server.URL}, Largest: 1 << 16}).Fetch(t.Context(), e.manifest, nil); !errors.Is(err, ErrLarge) {
		t.Errorf("fetched: %v", err)
	}
	s := open(t, Options{Sources: []string{server.URL}, Memory: 1 << 16})
	if err := s.Fetch(t.Context(), e.manifest, nil); !errors.Is(err, ErrLarge) {
		t.Errorf("fetched what cannot be held in memory: %v", err)
	}
	if n := server.requests.Load(); n > 0 {
		t.Errorf("%d requests for what is too large by its manifest", n)
	}
	if err := os.WriteFile(s.file(e.id), e.file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bench(t.Context(), registered(t, e.manifest)); !errors.Is(err, ErrLarge) {
		t.Errorf("loaded: %v", err)
	}
}

// With room for two models, a third one makes the one go that was not asked
// for the longest.
func TestTheShelfKeepsWithinItsMemory(t *testing.T) {
	s := open(t, Options{})
	var models []*work.Model
	for seed := range uint64(3) {
		e := write(t, random(t, seed+1), nil)
		if err := os.WriteFile(s.file(e.id), e.file, 0o600); err != nil {
			t.Fatal(err)
		}
		models = append(models, registered(t, e.manifest))
		s.shelf.room = 5 * int64(len(e.file))
	}
	var all sync.WaitGroup
	for range 4 { // at the same time, and each loaded once
		for _, m := range models[:2] {
			all.Go(func() {
				if _, err := s.Bench(t.Context(), m); err != nil {
					t.Error(err)
				}
			})
		}
	}
	all.Wait()
	for _, m := range []*work.Model{models[0], models[2]} {
		if _, err := s.Bench(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []bool{true, false, true} {
		if l, _ := s.shelf.find(models[i].ID()); (l != nil) != want {
			t.Errorf("model %d is loaded: %v, want %v", i, l != nil, want)
		}
	}
	if s.shelf.used > s.shelf.room {
		t.Errorf("%d bytes are used of %d", s.shelf.used, s.shelf.room)
	}
}

func TestADamagedFileIsNotLoaded(t *testing.T) {
	e := write(t, random(t, 1), nil)
	s := open(t, Options{})
	b := slices.Clone(e.file)
	b[len(b)/2] ^= 1
	if err := os.WriteFile(s.file(e.id), b, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bench(t.Context(), registered(t, e.manifest)); err == nil {
		t.Error("it was loaded")
	}
	// Who cannot wait does not have it tried again and again.
	if _, ok := s.Ready(registered(t, e.manifest)); ok {
		t.Error("it is ready")
	}
	if _, loading := s.shelf.find(e.id); loading != nil {
		t.Error("it is being loaded again")
	}
	if err := os.WriteFile(s.file(e.id), e.file, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Bench(t.Context(), registered(t, e.manifest)); err != nil {
		t.Errorf("once it is whole: %v", err)
	}
	if _, ok := s.Ready(registered(t, e.manifest)); !ok {
		t.Error("once it is loaded it is not ready")
	}
}

func TestAFetchEndsWithItsContext(t *testing.T) {
	e := write(t, random(t, 1), nil)
	ctx, cancel := context.WithCancel(t.Context())
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(e.file[:1000])
		cancel()
		<-r.Context().Done()
	})
	s := open(t, Options{Sources: []string{server.URL}})
	if err := s.Fetch(ctx, e.manifest, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("it ends with %v", err)
	}
}

func TestAStalledSourceIsLeft(t *testing.T) {
	e := write(t, random(t, 1), nil)
	stalls := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.(counted).ResponseWriter.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	good := serve(t, whole(e))
	s := open(t, Options{Sources: []string{stalls.URL, good.URL}})
	s.stall = 100 * time.Millisecond
	if err := s.Fetch(t.Context(), e.manifest, nil); err != nil {
		t.Fatal(err)
	}
	if n := stalls.requests.Load(); n != attempts {
		t.Errorf("the source that stalls was asked %d times", n)
	}
}

// A source that drips has its turn, and then the next one has.
func TestASourceHasItsTurn(t *testing.T) {
	e := write(t, random(t, 1), nil)
	drips := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"one"`)
		_, _ = w.Write(e.file[:100_000])
		w.(counted).ResponseWriter.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	s := open(t, Options{Sources: []string{drips.URL}})
	s.turn = 500 * time.Millisecond
	if err := s.Fetch(t.Context(), e.manifest, nil); !errors.Is(err, errTurn) {
		t.Errorf("it ends with %v", err)
	}
	if n := size(s.part(e.id)); n != 100_000 {
		t.Errorf("%d bytes are kept of what came", n)
	}
	s.turn = time.Minute
	s.sources = append(s.sources, serve(t, whole(e)).URL)
	s.stall = 100 * time.Millisecond
	if err := s.Fetch(t.Context(), e.manifest, nil); err != nil {
		t.Error(err)
	}
}

func TestWhatIsServed(t *testing.T) {
	e := write(t, random(t, 1), nil)
	s := open(t, Options{})
	if err := os.WriteFile(s.file(e.id), e.file, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "secret"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	handler := s.Handler()
	ask := func(method, path, ranges string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		if ranges != "" {
			r.Header.Set("Range", ranges)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	file := "/" + e.id.String() + Extension
	if w := ask("GET", file, ""); w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), e.file) || w.Header().Get("ETag") == "" {
		t.Errorf("the file: %d, %d bytes", w.Code, w.Body.Len())
	}
	if w := ask("GET", file, "bytes=100-199"); w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), e.file[100:200]) {
		t.Errorf("a range: %d, %d bytes", w.Code, w.Body.Len())
	}
	var ids []model.Hash
	if w := ask("GET", "/", ""); json.Unmarshal(w.Body.Bytes(), &ids) != nil || !slices.Equal(ids, []model.Hash{e.id}) {
		t.Errorf("the list is %s", w.Body)
	}
	for _, path := range []string{"/secret", "/.fetch", "/" + strings.Repeat("0", 64) + Extension, "/" + strings.ToUpper(e.id.String()) + Extension, "/..%2fsecret"} {
		if w := ask("GET", path, ""); w.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	if w := ask("PUT", file, ""); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT: %d", w.Code)
	}
	for range readers {
		s.serving <- struct{}{}
	}
	if w := ask("GET", file, ""); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("one download too many: %d", w.Code)
	}
}

// deadlines notes until when each write may last.
type deadlines struct {
	*httptest.ResponseRecorder
	set []time.Time
}

// SetWriteDeadline is called through an http.ResponseController.
func (d *deadlines) SetWriteDeadline(at time.Time) error {
	d.set = append(d.set, at)
	return nil
}

// Who takes nothing loses its place soon, and not after the time that a whole
// file may take.
func TestAReaderHasTimeForWhatItTook(t *testing.T) {
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	p := &paced{ResponseWriter: d, control: http.NewResponseController(d), began: time.Unix(1000, 0)}
	for range 3 {
		if _, err := p.Write(make([]byte, 10*slowest)); err != nil {
			t.Fatal(err)
		}
	}
	want := []time.Time{p.began.Add(slack), p.began.Add(slack + 10*time.Second), p.began.Add(slack + 20*time.Second)}
	if !slices.Equal(d.set, want) {
		t.Errorf("writes may last until %v, want %v", d.set, want)
	}
}

// all-MiniLM-L6-v2 as "hearth model pull" imports it: HEARTH_MINILM_FILE names
// its file.
func TestARealModelIsTakenIn(t *testing.T) {
	path := os.Getenv("HEARTH_MINILM_FILE")
	if path == "" {
		t.Skip("HEARTH_MINILM_FILE does not name all-minilm-l6-v2.hearth")
	}
	s := open(t, Options{})
	id, err := s.Add(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := s.Manifest(id)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Fit(f); err != nil {
		t.Error(err)
	}
	if _, err := s.Bench(t.Context(), registered(t, f)); err != nil {
		t.Error(err)
	}
}
