package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/store"
)

// holderRole holds the store until its standard input ends.
func holderRole(dir string) error {
	s, err := store.Open(context.Background(), filepath.Join(dir, "hearth.db"), store.Options{Key: testKey()})
	if err != nil {
		return err
	}
	fmt.Println("held")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	return s.Close()
}

func TestHeldByAnotherProcess(t *testing.T) {
	dir := t.TempDir()
	cmd := play(t, "holder", dir)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("%q, %v", line, err)
	}
	path := filepath.Join(dir, "hearth.db")
	_, err = store.Open(t.Context(), path, store.Options{Key: testKey()})
	if !errors.Is(err, store.ErrHeld) || !strings.Contains(err.Error(), fmt.Sprintf("process %d", cmd.Process.Pid)) {
		t.Errorf("open a held folder: %v", err)
	}
	_, _, err = store.Restore(t.Context(), path, path, testPublic())
	if !errors.Is(err, store.ErrHeld) {
		t.Errorf("restore into a held folder: %v", err)
	}
	in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	s, err := store.Open(t.Context(), path, store.Options{Key: testKey()})
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
}
