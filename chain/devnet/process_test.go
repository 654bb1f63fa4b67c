package devnet_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"hearth/chain/devnet"
)

// hearthnode builds the program once for all tests of this package.
func hearthnode(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "hearthnode")
	cmd := exec.Command("go", "build", "-o", name, "hearth/cmd/hearthnode")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build hearthnode: %v\n%s", err, out)
	}
	return name
}

// A validator is killed in the middle of things and comes back; then all are
// killed and come back. Nothing that was decided is lost, and all agree.
func TestKilledValidatorsComeBack(t *testing.T) {
	if testing.Short() {
		t.Skip("runs processes for half a minute")
	}
	program := hearthnode(t)
	n, err := devnet.Create(devnet.Plan{Home: t.TempDir(), ChainID: "hearth-test", Validators: 4, Pace: devnet.Fast}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	processes := make([]*devnet.Process, len(n.Nodes))
	launch := func(i int) {
		t.Helper()
		if processes[i], err = n.Launch(i, program); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		for i, p := range processes {
			if p != nil {
				p.Kill()
			}
			if t.Failed() {
				log, _ := os.ReadFile(filepath.Join(n.Files(i).Home, "node.log"))
				t.Logf("%s:\n%s", n.Nodes[i].Name, log[max(0, len(log)-3000):])
			}
		}
	})
	wait := func(i int, height int64) {
		t.Helper()
		if err := n.WaitHeight(ctx, i, height); err != nil {
			t.Fatal(err)
		}
	}
	for i := range n.Nodes {
		launch(i)
	}
	wait(0, 5)

	processes[3].Kill()
	killed, err := n.Height(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	wait(0, killed+5) // three of four go on
	launch(3)
	wait(3, killed+10)
	agree(ctx, t, n, killed+5)

	for _, p := range processes {
		p.Kill()
	}
	before := blockOf(ctx, t, n, -1, 0)
	if before != nil {
		t.Fatal("a killed node answers")
	}
	for i := range n.Nodes {
		launch(i)
	}
	for i := range n.Nodes {
		wait(i, killed+15)
	}
	agree(ctx, t, n, killed+5)
	agree(ctx, t, n, killed+14)
}

// agree checks that all nodes have the same block, and with it the same state
// before it.
func agree(ctx context.Context, t *testing.T, n *devnet.Network, height int64) {
	t.Helper()
	want := blockOf(ctx, t, n, height, 0)
	if len(want) == 0 {
		t.Fatalf("%s has no block %d", n.Nodes[0].Name, height)
	}
	for i := 1; i < len(n.Nodes); i++ {
		if got := blockOf(ctx, t, n, height, i); !bytes.Equal(got, want) {
			t.Errorf("block %d of %s:\n%s\nof %s:\n%s", height, n.Nodes[i].Name, got, n.Nodes[0].Name, want)
		}
	}
}

// blockOf returns a header as a node tells it, nil if it does not answer.
func blockOf(ctx context.Context, t *testing.T, n *devnet.Network, height int64, i int) []byte {
	t.Helper()
	url := fmt.Sprintf("http://%s/header?height=%d", n.Nodes[i].RPC, height)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
