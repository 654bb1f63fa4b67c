// Package mqtttest starts a real Mosquitto for tests, on a free port of the
// loopback interface.
package mqtttest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Broker is a running Mosquitto.
type Broker struct {
	// URL is its address, for instance "mqtt://127.0.0.1:41883".
	URL string

	tb     testing.TB
	binary string
	config string
	addr   string
	cmd    *exec.Cmd
	exited chan struct{}
	output *os.File
}

// Start runs a Mosquitto until the test ends. More lines of mosquitto.conf
// may be given; without any, anybody may connect. A line "listener" stands
// already. Where Mosquitto is not installed the test is skipped, except where
// CI=true: there it fails.
func Start(tb testing.TB, lines ...string) *Broker {
	tb.Helper()
	binary, err := find()
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatalf("Mosquitto is not installed, and CI=true: %v", err)
		}
		tb.Skipf("Mosquitto is not installed (package mosquitto): %v", err)
	}
	if len(lines) == 0 {
		lines = []string{"allow_anonymous true"}
	}
	dir := tb.TempDir()
	addr := freeAddr(tb)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		tb.Fatal(err)
	}
	scheme := "mqtt"
	for _, l := range lines {
		if strings.HasPrefix(l, "certfile ") {
			scheme = "mqtts"
		}
	}
	// Started as root, Mosquitto becomes another user, who cannot read the
	// test's folder.
	conf := append([]string{"user root", "persistence false", "set_tcp_nodelay true", "listener " + port + " 127.0.0.1"}, lines...)
	b := &Broker{
		URL: scheme + "://" + addr, tb: tb, binary: binary, addr: addr,
		config: filepath.Join(dir, "mosquitto.conf"),
	}
	if err := os.WriteFile(b.config, []byte(strings.Join(conf, "\n")+"\n"), 0o600); err != nil {
		tb.Fatal(err)
	}
	if b.output, err = os.Create(filepath.Join(dir, "mosquitto.log")); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		b.Stop()
		b.output.Close()
	})
	b.Resume()
	return b
}

// Stop ends the broker as a power cut would: it says nothing to its clients.
func (b *Broker) Stop() {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Kill()
	<-b.exited
	b.cmd = nil
}

// Resume starts a stopped broker again, at the same address, with nothing
// retained.
func (b *Broker) Resume() {
	b.tb.Helper()
	b.cmd = exec.Command(b.binary, "-c", b.config)
	b.cmd.Stdout, b.cmd.Stderr = b.output, b.output
	if err := b.cmd.Start(); err != nil {
		b.cmd = nil
		b.tb.Fatalf("start mosquitto: %v", err)
	}
	exited := make(chan struct{})
	b.exited = exited
	go func(cmd *exec.Cmd) {
		_ = cmd.Wait()
		close(exited)
	}(b.cmd)
	for {
		conn, err := net.DialTimeout("tcp", b.addr, time.Second)
		if err == nil {
			conn.Close()
			return
		}
		select {
		case <-exited:
			b.cmd = nil
			log, _ := os.ReadFile(b.output.Name())
			b.tb.Fatalf("mosquitto ended: %s", log)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func find() (string, error) {
	path, err := exec.LookPath("mosquitto")
	if err == nil {
		return path, nil
	}
	// Daemons live where a person's PATH may not reach.
	for _, dir := range []string{"/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin"} {
		if p, err := exec.LookPath(filepath.Join(dir, "mosquitto")); err == nil {
			return p, nil
		}
	}
	return "", fmt.Errorf("find mosquitto: %w", err)
}

func freeAddr(tb testing.TB) string {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
