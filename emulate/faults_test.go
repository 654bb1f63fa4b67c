package emulate_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"hearth/emulate"
)

// thermometer is a device that answers one thing over HTTP.
type thermometer struct {
	url     string
	faults  *emulate.Faults
	reboots atomic.Int32
	dead    atomic.Bool
	client  *http.Client
}

func serveThermometer(t *testing.T) *thermometer {
	t.Helper()
	d := &thermometer{client: &http.Client{Transport: &http.Transport{}}}
	d.faults = emulate.NewFaults(func() { d.reboots.Add(1) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d.url = "http://" + l.Addr().String()
	done := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		done <- d.faults.Serve(ctx, l, func() bool { return !d.dead.Load() }, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, `{"celsius":20.5}`)
		}))
	}()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
		d.client.CloseIdleConnections()
	})
	return d
}

func (d *thermometer) get(ctx context.Context) (string, error) {
	req, err := http.NewRequestWithContext(ctx, "GET", d.url, nil)
	if err != nil {
		return "", err
	}
	resp, err := d.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), err
}

const well = `{"celsius":20.5}`

func TestAnHTTPDeviceMisbehavesAsTold(t *testing.T) {
	for _, c := range []struct {
		name  string
		lever func(*thermometer)
		judge func(t *testing.T, body string, err error)
	}{
		{"unplugged", func(d *thermometer) { d.faults.Unplug() }, fails},
		{"without mains", func(d *thermometer) { d.dead.Store(true) }, fails},
		{"breaking off", func(d *thermometer) { d.faults.SetPartial(true) }, func(t *testing.T, body string, err error) {
			if !errors.Is(err, io.ErrUnexpectedEOF) || body != well[:len(well)/2] {
				t.Errorf("got %q, %v", body, err)
			}
		}},
		{"garbage", func(d *thermometer) { d.faults.SetGarbage(true) }, func(t *testing.T, body string, err error) {
			if err != nil || body == well {
				t.Errorf("got %q, %v", body, err)
			}
		}},
		{"lying", func(d *thermometer) { d.faults.SetLyingOK(true); d.faults.SetLyingWatts(0.5) }, func(t *testing.T, body string, err error) {
			if err != nil || body != well {
				t.Errorf("got %q, %v", body, err)
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := serveThermometer(t)
			if body, err := d.get(t.Context()); err != nil || body != well {
				t.Fatalf("before: %q, %v", body, err)
			}
			// The client still has the connection of the first request open.
			c.lever(d)
			body, err := d.get(t.Context())
			c.judge(t, body, err)

			d.faults.Clear()
			d.dead.Store(false)
			if body, err := d.get(t.Context()); err != nil || body != well {
				t.Fatalf("after: %q, %v", body, err)
			}
		})
	}
}

func fails(t *testing.T, body string, err error) {
	t.Helper()
	if err == nil {
		t.Errorf("the device is gone and answers %q", body)
	}
}

// A device that hangs is let go when its client does, and when the lever moves.
func TestSlowAnswersWait(t *testing.T) {
	d := serveThermometer(t)
	d.faults.SetSlow(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if body, err := d.get(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("got %q, %v", body, err)
	}
	type result struct {
		body string
		err  error
	}
	got := make(chan result, 1)
	go func() {
		body, err := d.get(t.Context())
		got <- result{body, err}
	}()
	d.faults.SetSlow(0)
	if r := <-got; r.err != nil || r.body != well {
		t.Fatalf("got %q, %v", r.body, r.err)
	}
}

// Unplugging breaks an answer that is on its way.
func TestUnpluggingBreaksAnOpenConnection(t *testing.T) {
	f := emulate.NewFaults(nil)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := f.Listener(inner, nil)
	defer l.Close()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			accepted <- c
		}
		close(accepted)
	}()
	client, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server := <-accepted
	defer server.Close()
	if _, err := io.WriteString(server, "first line\n"); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(client)
	if line, err := in.ReadString('\n'); err != nil || line != "first line\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	f.Unplug()
	if b, err := in.ReadByte(); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a lost device says an orderly goodbye: %q, %v", b, err)
	}
	if _, err := io.WriteString(server, "second line\n"); err == nil {
		t.Error("the server can still write")
	}
}

// No kind of garbage can be taken for the answer, and all kinds come up.
func TestGarbageTakesTurns(t *testing.T) {
	d := serveThermometer(t)
	d.faults.SetGarbage(true)
	var syntax, empty int
	for range 8 {
		body, err := d.get(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var v struct {
			Celsius *float64 `json:"celsius"`
		}
		switch err := json.Unmarshal([]byte(body), &v); {
		case err != nil:
			syntax++
		case v.Celsius == nil:
			empty++
		default:
			t.Errorf("%q is an answer", body)
		}
	}
	if syntax == 0 || empty == 0 {
		t.Errorf("%d broken answers, %d well-formed ones without content", syntax, empty)
	}
}

func TestLiesAndRebootsAreTold(t *testing.T) {
	d := serveThermometer(t)
	if d.faults.LyingOK() || d.faults.LyingWatts() != 1 {
		t.Error("lies from the start")
	}
	d.faults.SetLyingOK(true)
	d.faults.SetLyingWatts(0.9)
	d.faults.Reboot()
	if !d.faults.LyingOK() || d.faults.LyingWatts() != 0.9 || d.reboots.Load() != 1 {
		t.Errorf("OK %v, watts %v, reboots %d", d.faults.LyingOK(), d.faults.LyingWatts(), d.reboots.Load())
	}
	d.faults.Clear()
	if d.faults.LyingOK() || d.faults.LyingWatts() != 1 {
		t.Error("lies after Clear")
	}
}
