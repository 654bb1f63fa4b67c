package durable_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"hearth/internal/durable"
)

func TestReplace(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name+".new", []byte("left by a crash"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"first", "", "third and longer"} {
		if err := durable.Replace(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(name)
		if err != nil || !bytes.Equal(got, []byte(content)) {
			t.Fatalf("the file holds %q, %v, want %q", got, err, content)
		}
	}
	info, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v", info.Mode())
	}
	if _, err := os.Stat(name + ".new"); !os.IsNotExist(err) {
		t.Errorf("something is left behind: %v", err)
	}
}

func TestReplaceLeavesTheOldWhereTheNewCannotBe(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "file")
	if err := os.MkdirAll(filepath.Join(name, "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := durable.Replace(name, []byte("new"), 0o600); err == nil {
		t.Fatal("a folder was replaced")
	}
	if _, err := os.Stat(filepath.Join(name, "inside")); err != nil {
		t.Errorf("the old is gone: %v", err)
	}
	if _, err := os.Stat(name + ".new"); !os.IsNotExist(err) {
		t.Errorf("something is left behind: %v", err)
	}
	if err := durable.Replace(filepath.Join(dir, "no", "such"), nil, 0o600); err == nil {
		t.Error("a file in a folder that is not there")
	}
}
