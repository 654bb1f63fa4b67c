package httpapi_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"hearth/control"
	"hearth/httpapi"
	"hearth/site"
	"hearth/units"
	"hearth/web/storybook"
)

// event is one server-sent event.
type event struct{ id, name, data string }

// stream reads server-sent events.
type stream struct {
	t    *testing.T
	in   *bufio.Scanner
	stop func()
}

func (r *rig) stream(headers ...string) *stream {
	r.t.Helper()
	ctx, cancel := context.WithCancel(r.t.Context())
	req, err := http.NewRequestWithContext(ctx, "GET", r.url+"/api/v1/events", http.NoBody)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Set(name, value)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	if got := res.Header.Get("Content-Type"); res.StatusCode != 200 || got != "text/event-stream; charset=utf-8" {
		r.t.Fatalf("stream: %s %s", res.Status, got)
	}
	s := &stream{r.t, bufio.NewScanner(res.Body), func() { cancel(); res.Body.Close() }}
	s.in.Buffer(nil, 1<<20)
	r.t.Cleanup(s.stop)
	return s
}

// next returns the next event of a name.
func (s *stream) next(name string) event {
	s.t.Helper()
	var e event
	for s.in.Scan() {
		key, value, _ := strings.Cut(s.in.Text(), ": ")
		switch key {
		case "id":
			e.id = value
		case "event":
			e.name = value
		case "data":
			e.data = value
		case "":
			if e.name == name {
				return e
			}
			e = event{}
		}
	}
	s.t.Fatalf("the stream ended before an event %q: %v", name, s.in.Err())
	return e
}

func TestStream(t *testing.T) {
	r := newRig(t, storybook.Heating())
	d := readDocument(t, r)
	s := r.stream()
	check := func(schema string, e event) {
		t.Helper()
		for _, fault := range d.ValidateJSON(d.Schema(schema), e.data) {
			t.Errorf("event %s: %s", e.name, fault)
		}
	}
	first := s.next("state")
	check("Brief", first)
	if !strings.Contains(first.data, `"sentence":"Heating. Living room 20.6 °C, 826 W."`) {
		t.Errorf("the first state is %s", first.data)
	}
	r.home.Change(func(st *site.State) { st.Sentence = "Changed." })
	for e := s.next("state"); !strings.Contains(e.data, "Changed."); e = s.next("state") {
		t.Logf("not yet: %s", e.data)
	}
	r.home.Change(func(st *site.State) {
		st.Zones[0].Temp = units.Unknown[units.Celsius]("the thermometer is silent", st.At)
	})
	e := s.next("state")
	check("Brief", e)
	if !strings.Contains(e.data, `"value":null`) || !strings.Contains(e.data, "the thermometer is silent") {
		t.Errorf("an unknown temperature is sent as %s", e.data)
	}
	r.home.Note(control.Warning, "living", "test", "First.")
	l := s.next("log")
	check("Event", l)
	if l.id != "5" || !strings.Contains(l.data, "First.") {
		t.Errorf("the log event is %+v", l)
	}
}

func TestStreamResumesWhereItBroke(t *testing.T) {
	r := newRig(t, storybook.Heating())
	s := r.stream()
	s.next("state")
	r.home.Note(control.Info, "living", "test", "Seen.")
	seen := s.next("log")
	s.stop()
	r.home.Note(control.Info, "living", "test", "Missed.")
	r.home.Note(control.Info, "living", "test", "Missed too.")
	s = r.stream("Last-Event-ID: " + seen.id)
	for _, want := range []string{"Missed.", "Missed too."} {
		if got := s.next("log"); !strings.Contains(got.data, want) {
			t.Errorf("after %s comes %s, want %q", seen.id, got.data, want)
		}
	}
	// A number from before a restart, after which numbers began anew: all.
	s = r.stream("Last-Event-ID: 900")
	if got := s.next("log"); got.id != "1" {
		t.Errorf("after a restart the first is %+v", got)
	}
}

func TestStreamsAreBoundedAndLeaveNothingBehind(t *testing.T) {
	r := newRig(t, storybook.Heating())
	before := runtime.NumGoroutine()
	var open []*stream
	for range httpapi.MaxStreams {
		s := r.stream()
		s.next("state")
		open = append(open, s)
	}
	if res, body := r.ask("GET", "/api/v1/events", ""); res.StatusCode != 503 || res.Header.Get("Retry-After") == "" {
		t.Errorf("one more: %s %s", res.Status, body)
	}
	for _, s := range open {
		s.stop()
	}
	// A stream ends when its client is gone, at the latest when it next writes.
	deadline := time.Now().Add(10 * time.Second)
	for r.home.Watchers() > 0 || runtime.NumGoroutine() > before+8 {
		if time.Now().After(deadline) {
			t.Fatalf("%d watchers and %d goroutines are left, %d before", r.home.Watchers(), runtime.NumGoroutine(), before)
		}
		r.home.Change(func(*site.State) {})
		http.DefaultClient.CloseIdleConnections()
		time.Sleep(time.Millisecond)
	}
	r.stream().next("state")
}

// A client that stops reading takes a place for a while, but holds nobody up.
func TestStreamToASilentClientHoldsNobodyUp(t *testing.T) {
	r := newRig(t, storybook.Heating())
	c, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
	s := r.stream()
	s.next("state")
	for range 50 {
		r.home.Change(func(st *site.State) { st.Sentence += strings.Repeat("long ", 1000) })
		s.next("state")
	}
}
