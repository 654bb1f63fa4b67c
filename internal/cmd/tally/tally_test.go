package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A run of real tests that pass, skip, fail, panic and do not build.
func TestRealRun(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module sample\n\ngo 1.26.0\n",
		"good/good_test.go": `package good
import "testing"
func TestOne(t *testing.T) { t.Run("sub", func(t *testing.T) {}); t.Run("skipped", func(t *testing.T) { t.Skip("no broker here") }) }
func TestTwo(t *testing.T) {}`,
		"bad/bad_test.go": `package bad
import "testing"
func TestFine(t *testing.T) {}
func TestWrong(t *testing.T) { t.Error("two and two are five") }`,
		"panics/panics_test.go": `package panics
import "testing"
func TestBoom(t *testing.T) { panic("boom") }`,
		"broken/broken_test.go": `package broken
import "testing"
func TestNever(t *testing.T) { undefined() }`,
		"dies/dies_test.go": `package dies
import ("os"; "testing")
func TestMain(m *testing.M) { os.Exit(3) }`,
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), "go", "test", "-json", "./...")
	cmd.Dir = dir
	events, err := cmd.Output()
	if err == nil {
		t.Fatal("the sample's tests passed")
	}

	var shown strings.Builder
	kept := filepath.Join(dir, "kept.json")
	bad, err := run(strings.NewReader(string(events)), &shown, kept, false, 0, nil)
	if err != nil || !bad {
		t.Errorf("run = %v, %v; want a failure", bad, err)
	}
	for _, want := range []string{
		"two and two are five", "panic: boom", "undefined: undefined",
		"FAIL sample/bad TestWrong", "3 passed, 0 failed, 1 skipped", "1 passed, 1 failed, 0 skipped",
	} {
		if !strings.Contains(shown.String(), want) {
			t.Errorf("%q is not shown in:\n%s", want, &shown)
		}
	}

	// Counted twice, each test still counts once: 3 of good and 1 of bad
	// passed; TestWrong, TestBoom, a build and a dead package failed.
	var total strings.Builder
	bad, err = run(nil, &total, "", true, 0, []string{kept, kept})
	if err != nil || !bad {
		t.Errorf("count = %v, %v; want a failure", bad, err)
	}
	want := "skipped: sample/good TestOne/skipped: no broker here\n4 passed, 4 failed, 1 skipped\n"
	if d := cmp.Diff(want, total.String()); d != "" {
		t.Errorf("count (-want +got):\n%s", d)
	}
}

func TestCount(t *testing.T) {
	for _, c := range []struct {
		name string
		runs []string
		also int
		want string
		bad  bool
	}{
		{"passed", []string{`{"Action":"pass","Package":"p","Test":"A"}`}, 0, "1 passed, 0 failed, 0 skipped\n", false},
		{"nothing", nil, 0, "0 passed, 0 failed, 0 skipped\n", false},
		{"a step failed", []string{`{"Action":"pass","Package":"p","Test":"A"}`}, 2, "1 passed, 2 failed, 0 skipped\n", true},
		{"failed in the second run", []string{
			`{"Action":"pass","Package":"p","Test":"A"}`, `{"Action":"fail","Package":"p","Test":"A"}`,
		}, 0, "0 passed, 1 failed, 0 skipped\n", true},
		{"skipped in the second run", []string{
			`{"Action":"pass","Package":"p","Test":"A"}`, `{"Action":"skip","Package":"p","Test":"A"}`,
		}, 0, "1 passed, 0 failed, 0 skipped\n", false},
		{"killed", []string{`{"Action":"run","Package":"p","Test":"A"}`}, 0, "0 passed, 1 failed, 0 skipped\n", true},
		{"not JSON", []string{"go: cannot find main module"}, 0, "0 passed, 1 failed, 0 skipped\n", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var files []string
			for _, text := range c.runs {
				f := filepath.Join(t.TempDir(), "run.json")
				if err := os.WriteFile(f, []byte(text+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
				files = append(files, f)
			}
			var out strings.Builder
			bad, err := run(nil, &out, "", true, c.also, files)
			if err != nil || bad != c.bad || out.String() != c.want {
				t.Errorf("got %q, %v, %v; want %q, %v", &out, bad, err, c.want, c.bad)
			}
		})
	}
}
