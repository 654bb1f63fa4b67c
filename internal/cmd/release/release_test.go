package main

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// sample writes a small module with a program.
func sample(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":             "module sample\n\ngo 1.26.0\n",
		"cmd/hearth/main.go": "package main\n\nfunc main() { println(\"warm\") }\n",
		"LICENSE":            "a licence\n", "NOTICE": "a notice\n", "README.md": "# Sample\n",
	} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func made(t *testing.T, r Release) map[string][]byte {
	t.Helper()
	r.Out = t.TempDir()
	if err := r.Make(t.Context(), io.Discard); err != nil {
		t.Fatal(err)
	}
	got := map[string][]byte{}
	entries, err := os.ReadDir(r.Out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if got[e.Name()], err = os.ReadFile(filepath.Join(r.Out, e.Name())); err != nil {
			t.Fatal(err)
		}
	}
	return got
}

// The archives of one source are the same bytes, wherever it lies.
func TestReleaseIsReproducible(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program, twice")
	}
	r := Release{Package: "./cmd/hearth", Version: "v0.1.0", Platforms: []Platform{{"linux", "amd64"}}}
	r.Module = sample(t)
	first := made(t, r)
	r.Module = sample(t)
	second := made(t, r)

	want := []string{"hearth_0.1.0_linux_amd64.tar.gz", "SHA256SUMS"}
	for _, name := range want {
		if first[name] == nil || !bytes.Equal(first[name], second[name]) {
			t.Errorf("%s: %d and %d bytes, which differ or are missing", name, len(first[name]), len(second[name]))
		}
	}
	if len(first) != len(want) {
		t.Errorf("%d files, want %d", len(first), len(want))
	}

	sums := fmt.Sprintf("%x  %s\n", sha256.Sum256(first[want[0]]), want[0])
	if d := cmp.Diff(sums, string(first["SHA256SUMS"])); d != "" {
		t.Errorf("SHA256SUMS (-want +got):\n%s", d)
	}

	wantFiles := map[string]string{
		"hearth_0.1.0_linux_amd64/hearth": "-rwxr-xr-x", "hearth_0.1.0_linux_amd64/LICENSE": "-rw-r--r--",
		"hearth_0.1.0_linux_amd64/LICENSES-OF-PARTS.txt": "-rw-r--r--",
		"hearth_0.1.0_linux_amd64/NOTICE":                "-rw-r--r--", "hearth_0.1.0_linux_amd64/README.md": "-rw-r--r--",
	}
	if d := cmp.Diff(wantFiles, inTar(t, first[want[0]])); d != "" {
		t.Errorf("tar (-want +got):\n%s", d)
	}
}

// What Windows people get says as little of who packed it.
func TestZip(t *testing.T) {
	files := []file{{"README.md", []byte("# Sample\n"), 0o644}, {"hearth.exe", []byte("MZ"), 0o755}}
	at := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := zipped(w, "hearth_0.1.0_windows_amd64", files, at); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two archives of the same files differ")
	}
	z, err := zip.NewReader(bytes.NewReader(first.Bytes()), int64(first.Len()))
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, f := range z.File {
		got[f.Name] = f.Mode().String() + " " + f.Modified.UTC().Format(time.RFC3339)
	}
	want := map[string]string{
		"hearth_0.1.0_windows_amd64/README.md":  "-rw-r--r-- 2026-01-15T12:00:00Z",
		"hearth_0.1.0_windows_amd64/hearth.exe": "-rwxr-xr-x 2026-01-15T12:00:00Z",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("zip (-want +got):\n%s", d)
	}
}

func inTar(t *testing.T, data []byte) map[string]string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	if z.Name != "" || !z.ModTime.IsZero() {
		t.Errorf("the gzip header tells %q, %v", z.Name, z.ModTime)
	}
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uname != "" || h.Gname != "" || h.Uid != 0 || h.Gid != 0 {
			t.Errorf("%s tells its owner: %q %q %d %d", h.Name, h.Uname, h.Gname, h.Uid, h.Gid)
		}
		files[h.Name] = h.FileInfo().Mode().String()
	}
}

// Hearth itself can be released, and what is in the archive runs.
func TestHearthIsReleased(t *testing.T) {
	if testing.Short() {
		t.Skip("builds Hearth")
	}
	p, err := ParsePlatform(runtime.GOOS + "/" + runtime.GOARCH)
	if err != nil || p.OS == "windows" {
		t.Skipf("no tar archive is released for this computer, %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	r := Release{Module: "../../..", Package: "./cmd/hearth", Version: "test", Platforms: []Platform{p}}
	files := made(t, r)
	folder := fmt.Sprintf("hearth_test_%s_%s", p.OS, p.Arch)
	z, err := gzip.NewReader(bytes.NewReader(files[folder+".tar.gz"]))
	if err != nil {
		t.Fatal(err)
	}
	for a := tar.NewReader(z); ; {
		h, err := a.Next()
		if err != nil {
			t.Fatalf("the program is not in the archive: %v", err)
		}
		if h.Name != folder+"/hearth" {
			continue
		}
		b, err := io.ReadAll(a)
		if err != nil {
			t.Fatal(err)
		}
		program := filepath.Join(t.TempDir(), "hearth")
		if err := os.WriteFile(program, b, 0o755); err != nil {
			t.Fatal(err)
		}
		said, err := exec.CommandContext(t.Context(), program, "version").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(said), "hearth ") {
			t.Errorf("hearth version: %v: %s", err, said)
		}
		return
	}
}

func TestLicences(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"LICENSE.md": "do what you like", "NOTICE": "thanks", "licenser.go": "package x"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var b strings.Builder
	if err := licencesIn(&b, "example.com/x", "v1.2.3", dir); err != nil {
		t.Fatal(err)
	}
	want := "\n\n======== example.com/x v1.2.3: LICENSE.md ========\n\ndo what you like\n" +
		"\n\n======== example.com/x v1.2.3: NOTICE ========\n\nthanks\n"
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("licences (-want +got):\n%s", d)
	}
	if err := os.Remove(filepath.Join(dir, "LICENSE.md")); err != nil {
		t.Fatal(err)
	}
	if err := licencesIn(&b, "example.com/x", "v1.2.3", dir); err == nil || !strings.Contains(err.Error(), "no licence") {
		t.Errorf("a module with nothing but a notice: %v", err)
	}
}

func TestBadReleases(t *testing.T) {
	dir := sample(t)
	for name, c := range map[string]struct {
		r    Release
		want string
	}{
		"no such program": {Release{Module: dir, Package: "./cmd/nothing", Platforms: Platforms()[:1]}, "go build"},
		"no documents":    {Release{Module: t.TempDir(), Package: "./cmd/hearth", Platforms: Platforms()[:1]}, "LICENSE"},
	} {
		c.r.Out = t.TempDir()
		if err := c.r.Make(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v does not say %q", name, err, c.want)
		}
	}
	if p, err := ParsePlatform("plan9/amd64"); err == nil {
		t.Errorf("plan9/amd64 is %v", p)
	}
}
