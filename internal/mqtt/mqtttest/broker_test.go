package mqtttest_test

import (
	"net"
	"strings"
	"testing"

	"hearth/internal/mqtt/mqtttest"
)

func TestStopAndResumeAtOneAddress(t *testing.T) {
	b := mqtttest.Start(t)
	addr := strings.TrimPrefix(b.URL, "mqtt://")
	for range 2 {
		b.Stop()
		b.Stop() // once more does nothing
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Fatal("a stopped broker listens")
		}
		b.Resume()
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		conn.Close()
	}
}
