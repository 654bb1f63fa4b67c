package devnet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Process is a validator that runs as a process of its own.
type Process struct {
	Node

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	err  error         // of the process, once it has ended
}

// Launch starts the i-th node with a program that takes hearthnode's arguments.
// What it logs is appended to node.log in its folder.
func (n *Network) Launch(i int, program ...string) (*Process, error) {
	home := n.Files(i).Home
	out, err := os.OpenFile(filepath.Join(home, "node.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", n.Nodes[i].Name, err)
	}
	defer out.Close()
	arguments := append(program[1:], "start", "--home", home, "--log_no_color", "--log_level", "error")
	// Stop ends it, in the order that its parent wants; no context does.
	p := &Process{Node: n.Nodes[i], cmd: exec.CommandContext(context.Background(), program[0], arguments...), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = out, out
	// A signal from the terminal is for the parent, which stops its children in
	// its own order.
	p.cmd.SysProcAttr = apart()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.Name, err)
	}
	go func() {
		p.err = p.cmd.Wait()
		close(p.done)
	}()
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err is how the process ended, once it has.
func (p *Process) Err() error { return p.err }

// ID is the process's number.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Kill ends the process at once, as a power cut would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error says that it has ended
	<-p.done
}

// Stop asks the process to end, and kills it when it takes too long.
func (p *Process) Stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // an error says that it has ended
	select {
	case <-p.done:
	case <-time.After(10 * time.Second):
		p.Kill()
	}
}

// Run runs all nodes until the context ends, and starts again what stops by
// itself. Ready is called once, when the first block is there.
func (n *Network) Run(ctx context.Context, out io.Writer, ready func(context.Context) error, program ...string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for i := range n.Nodes {
		group.Go(func() {
			if err := n.keep(ctx, i, out, program); err != nil {
				cancel(err)
			}
		})
	}
	group.Go(func() {
		if err := n.WaitHeight(ctx, 0, 2); err != nil {
			return // the context has ended
		}
		if err := ready(ctx); err != nil && ctx.Err() == nil {
			cancel(err)
		}
	})
	group.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// keep runs one node until the context ends.
func (n *Network) keep(ctx context.Context, i int, out io.Writer, program []string) error {
	const patience = 5
	for failed := 0; ; {
		began := time.Now()
		p, err := n.Launch(i, program...)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			p.Stop()
			return nil
		case <-p.Done():
		}
		if time.Since(began) > time.Minute {
			failed = 0
		}
		if failed++; failed > patience {
			return fmt.Errorf("%s has stopped %d times, its log is %s: %w", p.Name, failed, filepath.Join(n.Files(i).Home, "node.log"), p.Err())
		}
		fmt.Fprintf(out, "%s has stopped (%v): starting it again\n", p.Name, p.Err())
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(time.Second):
		}
	}
}

// Height asks a node for its latest block.
func (n *Network) Height(ctx context.Context, i int) (int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.Nodes[i].RPC+"/status", nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, fmt.Errorf("ask %s for its status: %w", n.Nodes[i].Name, err)
	}
	defer res.Body.Close()
	var answer struct {
		Result struct {
			Sync struct {
				Height string `json:"latest_block_height"`
			} `json:"sync_info"`
		} `json:"result"`
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&answer); err != nil {
		return 0, fmt.Errorf("read the status of %s: %w", n.Nodes[i].Name, err)
	}
	return strconv.ParseInt(answer.Result.Sync.Height, 10, 64)
}

// WaitHeight waits until a node has a block of that height.
func (n *Network) WaitHeight(ctx context.Context, i int, height int64) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		if h, err := n.Height(ctx, i); err == nil && h >= height {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for block %d of %s: %w", height, n.Nodes[i].Name, context.Cause(ctx))
		case <-tick.C:
		}
	}
}
