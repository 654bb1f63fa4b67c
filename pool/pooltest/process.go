package pooltest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// How long a peer may take before the test gives up. It decides nothing but
// when a hopeless test ends.
const (
	startLimit = 5 * time.Minute
	stopLimit  = 30 * time.Second
)

// process is a running peer.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
	log    string
}

// start runs a program whose output goes to a file. It is killed when the test
// process dies, where the system can see to that.
func start(dir, binary string, args ...string) (*process, error) {
	name := filepath.Base(binary)
	p := &process{exited: make(chan struct{}), log: filepath.Join(dir, name+".out")}
	out, err := os.OpenFile(p.log, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	// A peer that outlives a part of a test ends with [process.kill].
	p.cmd = exec.CommandContext(context.Background(), binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Dir = dir
	detach(p.cmd)
	started := make(chan error)
	go func() {
		defer out.Close()
		// What is to die with its parent dies with the parent's thread: this
		// one, which therefore belongs to it and waits.
		runtime.LockOSThread()
		err := p.cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = p.cmd.Wait()
		close(p.exited)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// stop ends the process: in order where it listens, with force where not.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(os.Interrupt)
	select {
	case <-p.exited:
	case <-time.After(stopLimit):
	}
	p.kill()
}

// kill ends the process and all that it started, at once.
func (p *process) kill() {
	select {
	case <-p.exited: // its number may be another's by now
	default:
		killGroup(p.cmd)
		<-p.exited
	}
}

// until asks again and again whether the peer is ready.
func (p *process) until(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			log, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s ended: %s", filepath.Base(p.cmd.Path), tail(log))
		case <-ctx.Done():
			log, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s is not ready: %w\n%s", filepath.Base(p.cmd.Path), err, tail(log))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// freePorts returns addresses of the loopback interface where nobody listens.
func freePorts(ctx context.Context, n int) ([]string, error) {
	var addrs []string
	var config net.ListenConfig
	for range n {
		l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all together, so that none is given twice
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// tries starts something on ports that another process may take in between.
func tries(tb testing.TB, start func() error) {
	tb.Helper()
	err := start()
	for n := 0; err != nil && n < 2 && strings.Contains(err.Error(), "address already in use"); n++ {
		err = start()
	}
	if err != nil {
		tb.Fatal(err)
	}
}
