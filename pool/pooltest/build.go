package pooltest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"hearth/internal/filelock"
)

// A program is a peer as its sources name it.
type program struct {
	name    string
	module  string // folder of the module that requires it, below the checkout
	require string // module whose version counts
	pkg     string
	tags    string
	patient string // how long a person waits for it
}

// What can be started.
func btcd() program {
	return program{
		name: "btcd", module: "tools/btcd", require: "github.com/btcsuite/btcd",
		pkg: "github.com/btcsuite/btcd", patient: "half a minute",
	}
}

func lnd() program {
	return program{
		name: "lnd", module: "tools/lnd", require: "github.com/lightningnetwork/lnd",
		pkg: "github.com/lightningnetwork/lnd/cmd/lnd", patient: "six minutes",
		tags: "chainrpc invoicesrpc peersrpc routerrpc signrpc walletrpc",
	}
}

// Build returns the path of btcd's or lnd's program (name "btcd", "lnd"),
// which it builds if no test did before. It fails or skips the test as the
// package's documentation says.
func Build(tb testing.TB, name string) string {
	tb.Helper()
	switch name {
	case "btcd":
		return need(tb, btcd())
	case "lnd":
		return need(tb, lnd())
	}
	tb.Fatalf("no peer is called %q", name)
	return ""
}

func need(tb testing.TB, p program) string {
	tb.Helper()
	if testing.Short() {
		tb.Skipf("%s is a real peer: left out with -short", p.name)
	}
	root, err := checkout()
	if err != nil {
		tb.Fatal(err)
	}
	path, err := p.path(root)
	if err != nil {
		tb.Fatalf("find %s: %v", p.name, err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if os.Getenv("CI") != "true" && os.Getenv("HEARTH_PEERS") == "" {
		tb.Skipf("%s is not built yet, which takes %s: set HEARTH_PEERS to a folder for it, or CI=true", p.name, p.patient)
	}
	if err := p.build(tb.Context(), root, path); err != nil {
		tb.Fatalf("build %s: %v", p.name, err)
	}
	return path
}

// checkout finds the module's root above the folder that the test runs in.
func checkout() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if mod, err := os.ReadFile(filepath.Join(dir, "go.mod")); err == nil && bytes.HasPrefix(mod, []byte("module hearth\n")) {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("there is no module hearth above this folder: run the test in the checkout")
		}
		dir = up
	}
}

// path is where the program lies: a folder for each version, and for all else
// that goes into the build.
func (p program) path(root string) (string, error) {
	dir := os.Getenv("HEARTH_PEERS")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		dir = filepath.Join(cache, "hearth-peers")
	}
	if !filepath.IsAbs(dir) {
		return "", fmt.Errorf("HEARTH_PEERS=%s is not an absolute path", dir)
	}
	mod, err := os.ReadFile(filepath.Join(root, p.module, "go.mod"))
	if err != nil {
		return "", err
	}
	sum, err := os.ReadFile(filepath.Join(root, p.module, "go.sum"))
	if err != nil {
		return "", err
	}
	version := ""
	for line := range strings.Lines(string(mod)) {
		if f := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require ")); len(f) == 2 && f[0] == p.require {
			version = f[1]
		}
	}
	if version == "" {
		return "", fmt.Errorf("%s/go.mod does not require %s", p.module, p.require)
	}
	h := sha256.New()
	fmt.Fprintf(h, "%s %s %s %q %q %q %q", runtime.Version(), runtime.GOOS, runtime.GOARCH, p.pkg, p.tags, mod, sum)
	key := hex.EncodeToString(h.Sum(nil)[:6])
	name := p.name
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	return filepath.Join(dir, p.name+"-"+version+"-"+key, name), nil
}

// build makes the program, or waits until another process made it.
func (p program) build(ctx context.Context, root, path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(path); err == nil {
		return nil // another was faster
	}
	unfinished := path + ".new"
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-tags", p.tags, "-o", unfinished, p.pkg)
	cmd.Dir = filepath.Join(root, p.module)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=readonly -buildvcs=false", "GOWORK=off", "GOOS=", "GOARCH=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, tail(out))
	}
	return os.Rename(unfinished, path)
}

// lock waits until no other process has the file.
func lock(ctx context.Context, name string) (unlock func(), err error) {
	for {
		f, err := filelock.Open(name)
		if err == nil {
			if err = filelock.Take(f); err == nil {
				return func() { f.Close() }, nil
			}
			f.Close()
		}
		if !filelock.IsBusy(err) {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tail is the end of a log, for people.
func tail(b []byte) []byte {
	const most = 4 << 10
	if len(b) > most {
		b = b[len(b)-most:]
		if i := bytes.IndexByte(b, '\n'); i >= 0 {
			b = b[i+1:]
		}
	}
	return b
}
