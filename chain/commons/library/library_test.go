package library_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"hearth/chain/commons/library"
	"hearth/chain/commons/tree"
	"hearth/infer/model"
	"hearth/internal/public"
	"hearth/work"
)

func list(t *testing.T, salt int32) *tree.List {
	t.Helper()
	var jobs [][]byte
	for i := range int32(9) {
		j := work.Job{Model: model.Hash{1}, Public: true, Prompt: []int32{salt, i}, Most: 4}
		jobs = append(jobs, j.Encode())
	}
	l, err := tree.NewList(jobs)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func open(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestAJobComesWithItsProof(t *testing.T) {
	a, b := list(t, 1), list(t, 2)
	at := open(t, library.NewHandler(a, b))
	for _, l := range []*tree.List{a, b} {
		p := library.Project{Root: l.Root(), Jobs: l.Len(), Sources: []string{at + "/" + library.Path(l.Root())}}
		for i := range l.Len() {
			encoding, proof, err := library.Client{Inside: true}.Job(t.Context(), p, i)
			if err != nil {
				t.Fatal(err)
			}
			want, path, err := l.Job(i)
			if err != nil || !slices.Equal(encoding, want) || !slices.EqualFunc(proof, path, slices.Equal[[]byte]) {
				t.Errorf("job %d came otherwise: %v", i, err)
			}
		}
	}
}

func TestALibraryIsNotTrusted(t *testing.T) {
	ours, other := list(t, 1), list(t, 2)
	honest := open(t, library.NewHandler(ours)) + "/" + library.Path(ours.Root())
	lying := open(t, library.NewHandler(other)) + "/" + library.Path(other.Root())
	endless := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for range 64 {
			_, _ = w.Write(make([]byte, 1<<12))
		}
	}))
	short := open(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{9, 0, 0, 0, 1}) }))
	away := open(t, http.RedirectHandler(honest+"/0", http.StatusFound))
	for _, c := range []struct{ what, source, says string }{
		{"a library that lies", lying, "leads to another root"},
		{"one that does not end", endless, "more than"},
		{"one that ends early", short, "has a job of 9 bytes"},
		{"one that sends elsewhere", away, "302"},
		{"one without the list", honest + "0", "404"},
		{"a file", "file:///etc/hostname", "http"},
	} {
		p := library.Project{Root: ours.Root(), Jobs: ours.Len(), Sources: []string{c.source}}
		if _, _, err := (library.Client{Inside: true}).Job(t.Context(), p, 0); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", c.what, err)
		}
		p.Sources = append(p.Sources, honest)
		if _, _, err := (library.Client{Inside: true}).Job(t.Context(), p, 0); err != nil {
			t.Errorf("after %s the honest one was not asked: %v", c.what, err)
		}
	}
}

// A proposal does not lead a worker into its own network.
func TestStrangersDoNotChooseWhatIsAsked(t *testing.T) {
	l := list(t, 1)
	asked := false
	inside := open(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true }))
	p := library.Project{Root: l.Root(), Jobs: l.Len(), Sources: []string{inside, "http://169.254.169.254/latest"}}
	if _, _, err := (library.Client{}).Job(t.Context(), p, 0); !errors.Is(err, public.ErrPrivate) || asked {
		t.Errorf("asked: %v, error %v", asked, err)
	}
}

func TestAListIsServedWhole(t *testing.T) {
	l := list(t, 1)
	res, err := http.Get(open(t, library.NewHandler(l)) + "/" + library.Path(l.Root()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	var want strings.Builder
	if _, err := l.WriteTo(&want); err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	if err := res.Write(&got); err != nil || !strings.HasSuffix(got.String(), want.String()) {
		t.Errorf("%s: not the file of the list: %v", res.Status, err)
	}
}
