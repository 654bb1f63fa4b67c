package httpapi_test

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"hearth/httpapi"
	"hearth/web/storybook"
)

// rig is a home served on a real socket.
type rig struct {
	t    *testing.T
	home *storybook.Home
	auth *httpapi.Auth
	url  string
	// now is the clock of sessions.
	now time.Time
}

const password = "correct horse battery"

func newRig(t *testing.T, home *storybook.Home) *rig {
	t.Helper()
	auth, err := httpapi.OpenAuth(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, home: home, auth: auth, now: storybook.Now()}
	page := http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		io.WriteString(w, "page "+req.URL.Path+" for "+httpapi.VisitorOf(req.Context()).Name)
	})
	srv := httptest.NewUnstartedServer(httpapi.New(httpapi.Options{
		Home: home, Auth: auth, Log: slog.New(slog.DiscardHandler), Version: "0.1.0", Web: page, Inference: page,
		Now: func() time.Time { return r.now }, StateEvery: time.Millisecond,
	}))
	ctx, cancel := context.WithCancel(context.Background())
	srv.Config.BaseContext = func(net.Listener) context.Context { return ctx }
	srv.Start()
	t.Cleanup(func() {
		cancel()
		srv.Close()
	})
	r.url = srv.URL
	return r
}

// answer is a response whose body was read.
type answer struct {
	StatusCode int
	Status     string
	Header     http.Header
}

// Cookies are the cookies that it sets.
func (a answer) Cookies() []*http.Cookie {
	return (&http.Response{Header: a.Header}).Cookies()
}

// ask sends a request. Each header is "Name: value"; Host is one of them.
func (r *rig) ask(method, path, body string, headers ...string) (answer, string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if name == "Host" {
			req.Host = value
		} else {
			req.Header.Set(name, value)
		}
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Status, res.Header}, string(b)
}
