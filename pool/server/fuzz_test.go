package server_test

import (
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"hearth/pool/server"
)

// FuzzConnection says anything at all to a server: it never panics, answers
// with a bounded amount, and is done with the connection when the other side
// is.
func FuzzConnection(f *testing.F) {
	for _, seed := range []string{
		login,
		login + `{"id":3,"method":"mining.submit","params":["slow","00000001","00000000","6968d6c0","00000000"]}` + "\n",
		`{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}` + "\n",
		`{"id":1,"method":"mining.authorize","params":["a","wrong"]}` + "\n",
		"GET / HTTP/1.1\r\n\r\n", "\x16\x03\x01\x00", "{}\n", "{\"\x00", "\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Add(make([]byte, 64+22))
	d := newDoor()
	h := openAt(f, server.Config{MessagesPerSecond: 1 << 20, Ban: server.Ban{Logins: 1 << 30}}, d)
	h.desk.quiet = true
	h.Publish(newJob(1, "node", 1, true))
	f.Fuzz(func(t *testing.T, b []byte) {
		ours, theirs := net.Pipe()
		d.in <- placed{Conn: theirs}
		heard := make(chan int)
		go func() {
			n, _ := io.Copy(io.Discard, ours)
			heard <- int(n)
		}()
		_ = ours.SetWriteDeadline(time.Now().Add(10 * time.Second))
		_, _ = ours.Write(b)
		ours.Close()
		// An answer to each message of at least three bytes, and jobs.
		if n := <-heard; n > 10<<10+400*len(b) {
			t.Errorf("%d bytes were answered with %d", len(b), n)
		}
		for end := time.Now().Add(20 * time.Second); h.Counters().Connections > 0; runtime.Gosched() {
			if time.Now().After(end) {
				t.Fatal("the connection is not done with")
			}
		}
		if n := h.Counters().Panics; n > 0 {
			t.Fatalf("%d panics", n)
		}
	})
}
