package mqtt_test

import (
	"sync/atomic"
	"testing"
	"time"

	"hearth/internal/mqtt"
	"hearth/internal/mqtt/mqtttest"
)

func TestLatestDoesNotMakeOldValuesYoung(t *testing.T) {
	broker := mqtttest.Start(t)
	c := ready(t, mqtt.Config{URL: broker.URL}, nil)
	begin := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	var minutes atomic.Int64
	now := func() time.Time { return begin.Add(time.Duration(minutes.Load()) * time.Minute) }
	publish(t, c, "cellar", "12.0", true)

	// Listeners of one client get messages in the order of the broker: when the
	// witness has one, Latest has it or is about to.
	latest, err := c.Keep(now, "room", "cellar")
	if err != nil {
		t.Fatal(err)
	}
	defer latest.Close()
	wait := func(topic, payload string) (mqtt.Message, time.Time) {
		t.Helper()
		for {
			if m, at, ok := latest.Get(topic); ok && string(m.Payload) == payload {
				return m, at
			}
			select {
			case <-t.Context().Done():
				t.Fatal("it did not come")
			case <-time.After(time.Millisecond):
			}
		}
	}
	if _, _, ok := latest.Get("room"); ok {
		t.Error("there is a message where none was sent")
	}
	if m, at := wait("cellar", "12.0"); !m.Retained || !at.Equal(begin) {
		t.Errorf("retained %v at %v", m.Retained, at)
	}
	publish(t, c, "room", "20.5", true)
	if m, at := wait("room", "20.5"); m.Retained || !at.Equal(begin) {
		t.Errorf("retained %v at %v", m.Retained, at)
	}

	// Another subscription makes the broker repeat what it retains.
	minutes.Store(30)
	again := listen(t, c, "room")
	if m := again.next(t); !m.Retained {
		t.Fatal("the broker did not repeat the retained message")
	}
	publish(t, c, "cellar", "11.5", false)
	if m, at := wait("cellar", "11.5"); m.Retained || !at.Equal(now()) {
		t.Errorf("retained %v at %v", m.Retained, at)
	}
	if _, at, _ := latest.Get("room"); !at.Equal(begin) {
		t.Errorf("a repeated message made the value younger: %v", at)
	}

	if _, err := c.Keep(now, "a/#"); err == nil {
		t.Error("a wildcard is no topic")
	}
}
