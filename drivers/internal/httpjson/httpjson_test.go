package httpjson_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

func TestNewReadsAddresses(t *testing.T) {
	for _, c := range []struct{ in, base string }{
		{"192.168.1.20", "http://192.168.1.20"},
		{" miner.local:8080 ", "http://miner.local:8080"},
		{"http://10.0.0.7/", "http://10.0.0.7"},
		{"https://heater.lan", "https://heater.lan"},
		{"fd00::7", "http://[fd00::7]"},
		{"[fd00::7]:81", "http://[fd00::7]:81"},
		{"", ""},
		{"ftp://10.0.0.7", ""},
		{"http://user:pass@10.0.0.7", ""},
		{"10.0.0.7/api", ""},
		{"10.0.0.7?x=1", ""},
		{"http://", ""},
	} {
		got, err := httpjson.New(c.in)
		if c.base == "" {
			if err == nil || !strings.Contains(err.Error(), "192.168.1.20") {
				t.Errorf("New(%q): error %v, want one with an example", c.in, err)
			}
			continue
		}
		if err != nil || got.Base() != c.base {
			t.Errorf("New(%q) = %v, %v, want %s", c.in, got, err, c.base)
		}
	}
}

func client(t *testing.T, h http.HandlerFunc) *httpjson.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	c, err := httpjson.New(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestStatusesBecomeTheErrorsOfDevices(t *testing.T) {
	for status, want := range map[int]error{
		200: nil, 204: nil,
		302: device.ErrGarbage,
		400: device.ErrRefused, 401: device.ErrRefused, 403: device.ErrRefused,
		404: device.ErrUnsupported, 405: device.ErrUnsupported, 501: device.ErrUnsupported,
		429: device.ErrBusy, 500: device.ErrBusy, 503: device.ErrBusy,
	} {
		c := client(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://203.0.113.1/")
			w.WriteHeader(status)
		})
		if err := c.Send(t.Context(), "POST", "/x", nil); !errors.Is(err, want) {
			t.Errorf("status %d: error %v, want %v", status, err, want)
		}
	}
}

func TestBrokenAnswersAreGarbage(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"not JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"half JSON": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"power":`)) },
		"nothing":   func(http.ResponseWriter, *http.Request) {},
		"a list":    func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[1]`)) },
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				_, _ = w.Write(make([]byte, httpjson.MaxAnswer/10))
			}
		},
		"breaks off": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte(`{"power":1`))
		},
		"not HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			_, _ = conn.Write([]byte("STATUS=S,When=1\x00"))
			_ = conn.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var o httpjson.Object
			if err := client(t, answer).Get(t.Context(), "/", &o); !errors.Is(err, device.ErrGarbage) {
				t.Errorf("error %v, want garbage", err)
			}
		})
	}
}

func TestNobodyAnswers(t *testing.T) {
	t.Run("nothing listens", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c, err := httpjson.New(l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
		if _, err := c.Do(t.Context(), "GET", "/", nil, nil); !errors.Is(err, device.ErrUnreachable) {
			t.Errorf("error %v, want unreachable", err)
		}
	})
	t.Run("too slow", func(t *testing.T) {
		stop := make(chan struct{})
		defer close(stop)
		c := client(t, func(http.ResponseWriter, *http.Request) { <-stop })
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		_, err := c.Do(ctx, "GET", "/", nil, nil)
		if !errors.Is(err, device.ErrUnreachable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want unreachable and the deadline", err)
		}
	})
}

func TestRequestsCarryJSONAndHeaders(t *testing.T) {
	type seen struct{ Method, URI, Type, Extra, Body string }
	var got seen
	c := client(t, func(_ http.ResponseWriter, r *http.Request) {
		b := make([]byte, r.ContentLength)
		_, _ = r.Body.Read(b)
		got = seen{r.Method, r.RequestURI, r.Header.Get("Content-Type"), r.Header.Get("X-Extra"), string(b)}
	})
	if _, err := c.Do(t.Context(), "PATCH", "/a?b=1", map[string]int{"frequency": 490}, http.Header{"X-Extra": {"y"}}); err != nil {
		t.Fatal(err)
	}
	want := seen{"PATCH", "/a?b=1", "application/json", "y", `{"frequency":490}`}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func object(t *testing.T, text string) httpjson.Object {
	t.Helper()
	var o httpjson.Object
	if err := (httpjson.Answer{Status: 200, Body: []byte(text)}).Decode(&o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestObjectFields(t *testing.T) {
	o := object(t, `{"n":1.5,"zero":0,"one":1,"two":2,"yes":true,"no":false,"s":"x","nil":null,
		"o":{"k":1},"os":[{"k":1},{"k":2}],"fs":[1,2.5],"mixed":[1,"x"],"ss":["a"]}`)
	for name, want := range map[string]bool{"yes": true, "no": true, "zero": true, "one": true, "two": false, "s": false, "nil": false, "absent": false} {
		if _, ok := o.Truth(name); ok != want {
			t.Errorf("Truth(%s) ok %v, want %v", name, ok, want)
		}
	}
	for name, want := range map[string]bool{"n": true, "zero": true, "yes": false, "s": false, "nil": false, "absent": false} {
		if _, ok := o.Float(name); ok != want {
			t.Errorf("Float(%s) ok %v, want %v", name, ok, want)
		}
	}
	if o.Has("nil") || o.Has("N") || !o.Has("zero") {
		t.Error("Has sees a null or another case, or misses a zero")
	}
	if got := o.Object("o"); !got.Has("k") || o.Object("n") != nil {
		t.Errorf("Object(o) = %v, Object(n) = %v", got, o.Object("n"))
	}
	if len(o.Objects("os")) != 2 || o.Objects("fs") != nil {
		t.Error("Objects reads a list of numbers, or not one of objects")
	}
	if diff := cmp.Diff([]float64{1, 2.5}, o.Floats("fs")); diff != "" || o.Floats("mixed") != nil {
		t.Errorf("Floats: %s %v", diff, o.Floats("mixed"))
	}
	if s, ok := o.Text("s"); s != "x" || !ok || len(o.Texts("ss")) != 1 || o.Texts("s") != nil {
		t.Error("Text or Texts misread")
	}
}

func TestKnownSaysWhyNot(t *testing.T) {
	o := object(t, `{"ok":20,"cold":-1,"huge":1e6,"word":"warm","nil":null}`)
	for name, why := range map[string]string{
		"ok": "", "cold": "-1", "huge": "1e6", "word": "not a number", "nil": "does not tell", "absent": "does not tell",
	} {
		k := httpjson.Known[units.Celsius](o, name, 0, 100, time.Unix(1, 0), units.PSU)
		if k.IsKnown() != (why == "") || !strings.Contains(k.Why(), why) {
			t.Errorf("%s: %v (why %q), want why %q", name, k, k.Why(), why)
		}
	}
}

func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"a":1,"b":[{}],"c":"x"}`))
	f.Add([]byte(`{"a":1e999,"a":null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var o httpjson.Object
		if err := (httpjson.Answer{Status: 200, Body: b}).Decode(&o); err != nil {
			if !errors.Is(err, device.ErrGarbage) {
				t.Fatalf("error %v is not garbage", err)
			}
			return
		}
		for name := range o {
			if k := httpjson.Known[units.Watts](o, name, -10, 10, time.Time{}, units.Meter); k.IsKnown() {
				if v, _ := k.Get(); v < -10 || v > 10 {
					t.Fatalf("%s: known %v is out of range", name, v)
				}
			}
			o.Truth(name)
			o.Text(name)
			o.Object(name).Has("x")
			o.Objects(name)
			o.Floats(name)
			o.Texts(name)
		}
	})
}
