package main

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"hearth/chain/commons/library"
)

// From a text to jobs that a miner fetches and proves.
func TestTextBecomesJobsThatAreServed(t *testing.T) {
	dir := t.TempDir()
	name, out := filepath.Join(dir, "text.txt"), filepath.Join(dir, "text.jobs")
	passage := strings.Repeat("The hearth was warm, and the kettle sang. ", 8)
	if err := os.WriteFile(name, []byte(passage+"\n\n"+strings.ToUpper(passage)+"\n\nshort\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	run := func(ctx context.Context, to io.Writer, args ...string) error {
		cmd := newJobs()
		cmd.SetOut(to)
		cmd.SetErr(to)
		cmd.SetArgs(args)
		cmd.SilenceUsage, cmd.SilenceErrors = true, true
		return cmd.ExecuteContext(ctx)
	}
	if err := run(t.Context(), &printed, "make", name, "--out", out, "--longest", "60"); err != nil {
		t.Fatal(err)
	}
	path := regexp.MustCompile(`path +/([0-9a-f]{64})`).FindStringSubmatch(printed.String())
	if path == nil {
		t.Fatalf("no path in\n%s", &printed)
	}
	list, err := listOf(out)
	if err != nil {
		t.Fatal(err)
	}
	if library.Path(list.Root()) != path[1] || list.Len() < 2 {
		t.Errorf("%d jobs under %x, printed\n%s", list.Len(), list.Root(), &printed)
	}

	ctx, cancel := context.WithCancel(t.Context())
	read, wrote := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- run(ctx, wrote, "serve", out, "--listen", "127.0.0.1:0") }()
	line := make([]byte, 200)
	n, err := read.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	source := strings.TrimSpace(string(line[bytes.Index(line[:n], []byte("http")):n]))
	c := library.Client{HTTP: http.DefaultClient}
	encoding, _, err := c.Job(ctx, library.Project{Root: list.Root(), Jobs: list.Len(), Sources: []string{source}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want, _, _ := list.Job(1); !bytes.Equal(encoding, want) {
		t.Error("another job was served")
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("serving ended with %v", err)
	}

	for _, bad := range [][]string{{"make", name}, {"make", name, "--out", out, "--model", name}, {"make", filepath.Join(dir, "none"), "--out", out}, {"serve", name}} {
		if run(t.Context(), io.Discard, bad...) == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
