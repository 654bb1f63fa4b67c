package follower_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"hearth/chain/light/follower"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("HEARTH_TEST_FOLLOW"); dir != "" {
		if err := followRole(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// followRole follows a chain that grows as fast as it can, and says after each
// step how far it is, until it is killed.
func followRole(dir string) error {
	c := newChain(1)
	a, b := &peer{name: "a", chain: c, height: 1}, &peer{name: "b", chain: c, height: 1}
	cfg := follower.Config{
		Rules: rules, Sources: []follower.Source{a, b}, File: filepath.Join(dir, "trust"),
		Height: 1, Hash: c.header(1, "", 0).Hash(), Clock: func() time.Time { return genesis.Add(24 * time.Hour) },
	}
	ctx := context.Background()
	f, err := follower.Open(ctx, cfg)
	if err != nil {
		return err
	}
	for {
		a.height = f.Latest().Header.Height + step
		b.height = a.height
		got, err := f.Advance(ctx)
		if err != nil {
			return err
		}
		if _, err := fmt.Println(got.Header.Height); err != nil {
			return err
		}
	}
}

// step is blocks of more than ten minutes, so that each step is written.
const step = 601

// Killed at any time, a follower stands afterwards where it said it stood, or
// one step further.
func TestTrustSurvivesKill(t *testing.T) {
	dir := t.TempDir()
	said := int64(1)
	for round := range 8 {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), "HEARTH_TEST_FOLLOW="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			height, err := strconv.ParseInt(lines.Text(), 10, 64)
			if err != nil || height != said+step && (n > 0 || height != said+2*step) {
				t.Errorf("round %d: it went from %d to %q", round, said, lines.Text())
			}
			said = height
			if n == 3+round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("it ended by itself")
		}
	}
	if said < 8*step {
		t.Errorf("it went no further than %d", said)
	}
	c := newChain(1)
	p := &peer{name: "a", chain: c, height: said}
	f, err := follower.Open(t.Context(), follower.Config{Rules: rules, Sources: []follower.Source{p}, File: filepath.Join(dir, "trust")})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := f.Latest().Header.Height; got != said && got != said+step {
		t.Errorf("it stands at %d, and had said %d", got, said)
	}
}
