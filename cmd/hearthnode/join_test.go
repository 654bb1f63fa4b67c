package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"cosmossdk.io/log/v2"
	"github.com/spf13/cobra"

	"hearth/chain/devnet"
	"hearth/chain/node"
)

// run runs a command and returns what it prints.
func run(t *testing.T, cmd *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(args)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err := cmd.ExecuteContext(t.Context())
	return out.String(), err
}

// A node joins a network of one, which runs in this process, and follows it.
func TestJoin(t *testing.T) {
	n, err := devnet.Create(devnet.Plan{Home: t.TempDir(), ChainID: "hearth-join", Validators: 1, Pace: devnet.Fast}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	first, err := n.Files(0).Start(t.Context(), log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { first.Stop() })
	reach(t, first, 3)
	height := int64(2)
	block, err := first.Client.Commit(t.Context(), &height)
	if err != nil {
		t.Fatal(err)
	}
	trust := fmt.Sprintf("2:%s", block.Commit.BlockID.Hash)

	home := filepath.Join(t.TempDir(), "node")
	at := n.Nodes[0].RPC // without http://
	said, err := run(t, newJoin(), at, "--home", home, "--beacon", "http://"+n.Relay)
	if err != nil {
		t.Fatal(err)
	}
	hash := regexp.MustCompile(`genesis ([0-9a-f]{64})`).FindStringSubmatch(said)
	if hash == nil || !strings.Contains(said, "1 peers") || !strings.Contains(said, "hearth-join") {
		t.Fatalf("joining prints\n%s", said)
	}

	for _, c := range []struct {
		what string
		args []string
		want string // in the error; empty for none
	}{
		{"the hash of the genesis", []string{at, "--genesis-hash", strings.ToUpper(hash[1])}, ""},
		{"a recent state", []string{at, "--state-sync", "--trust", trust}, ""},
		{"a folder that is taken", []string{at, "--home", home}, "is there already"},
		{"another genesis", []string{at, "--genesis-hash", strings.Repeat("0", 64)}, "another network"},
		{"nobody there", []string{"http://127.0.0.1:1"}, "RPC address"},
		{"no node", []string{"http://" + n.Nodes[0].Peer}, "127.0.0.1"},
		{"no address", []string{"http://a b"}, "a b"},
		{"nothing trusted", []string{at, "--state-sync"}, "--trust"},
		{"trust for nothing", []string{at, "--trust", trust}, "--state-sync"},
		{"no height", []string{at, "--state-sync", "--trust", "x" + trust}, "no height"},
		{"a short hash", []string{at, "--state-sync", "--trust", "2:ABCD"}, "64 hexadecimal digits"},
		{"another block", []string{at, "--state-sync", "--trust", "3" + trust[1:]}, "another chain"},
		{"a block to come", []string{at, "--state-sync", "--trust", "1000000" + trust[1:]}, "block 1000000"},
	} {
		into := filepath.Join(t.TempDir(), "node")
		_, err := run(t, newJoin(), append([]string{"--home", into}, c.args...)...)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: %v", c.what, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.what, err, c.want)
		}
		if _, err := os.Stat(into); err == nil {
			t.Errorf("%s: files were made", c.what)
		}
	}

	// It fetches all blocks and goes on. Its ports are those of a real node, which
	// this machine may have.
	f := node.Files{Home: home}
	rewrite(t, f.CometConfig(), `tcp://127.0.0.1:26657`, ``, `tcp://0.0.0.0:26656`, `tcp://127.0.0.1:0`)
	second, err := f.Start(t.Context(), log.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { second.Stop() })
	reach(t, second, first.App.LastBlockHeight()+1)
}

func rewrite(t *testing.T, name string, pairs ...string) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
}

func reach(t *testing.T, r *node.Running, height int64) {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); r.App.LastBlockHeight() < height; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("block %d and not %d after two minutes", r.App.LastBlockHeight(), height)
		}
	}
}

func TestInit(t *testing.T) {
	root, err := newRoot()
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "node")
	said, err := run(t, root, "init", "--home", home, "--chain-id", "hearth-own")
	if err != nil || !strings.Contains(said, "made "+home) {
		t.Fatalf("init prints %q, %v", said, err)
	}
	for _, c := range []struct {
		what string
		args []string
		want string
	}{
		{"a folder that is taken", []string{"init", "--home", home}, "is there already"},
		{"a genesis that is not there", []string{"init", "--home", filepath.Join(t.TempDir(), "n"), "--genesis", filepath.Join(home, "none")}, "read the network's genesis"},
		{"a folder without a node", []string{"start", "--home", filepath.Join(t.TempDir(), "n")}, "there is no node in"},
	} {
		root, err := newRoot()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := run(t, root, c.args...); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q in it", c.what, err, c.want)
		}
	}
	// The same genesis for another node.
	other := filepath.Join(t.TempDir(), "node")
	if root, err = newRoot(); err != nil {
		t.Fatal(err)
	}
	genesis := node.Files{Home: home}.Genesis()
	if said, err := run(t, root, "init", "--home", other, "--genesis", genesis); err != nil {
		t.Fatalf("%s: %v", said, err)
	}
	one, err := os.ReadFile(genesis)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := os.ReadFile(node.Files{Home: other}.Genesis()); err != nil || !bytes.Equal(one, two) {
		t.Errorf("the genesis is another: %v", err)
	}
}
