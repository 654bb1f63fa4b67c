package fetch_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"hearth/internal/fetch"
)

func client(t *testing.T, cfg fetch.Config) *fetch.Client {
	t.Helper()
	c, err := fetch.New(cfg, func(ref string) (string, error) { return "secret of " + ref + "\n", nil })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestRequestsCarryWhatIsConfigured(t *testing.T) {
	var got *http.Request
	var body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
		io.WriteString(w, "fine")
	}))
	defer srv.Close()

	c := client(t, fetch.Config{URL: srv.URL + "/api/", Headers: map[string]string{"X-Room": "attic"}, Username: "me", Password: "file:p"})
	b, err := c.Do(t.Context(), "POST", "/heat?on=1", []byte(`{"w":5}`))
	if err != nil || string(b) != "fine" {
		t.Fatalf("%q, %v", b, err)
	}
	user, password, _ := got.BasicAuth()
	if got.Method != "POST" || got.URL.String() != "/api/heat?on=1" || got.Header.Get("X-Room") != "attic" ||
		user != "me" || password != "secret of file:p" || body != `{"w":5}` || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("it sent %s %s %v %q", got.Method, got.URL, got.Header, body)
	}

	c = client(t, fetch.Config{URL: srv.URL, Token: "file:t", Headers: map[string]string{"content-type": "text/x"}})
	if _, err := c.Do(t.Context(), "PUT", "/", []byte("on")); err != nil {
		t.Fatal(err)
	}
	if got.Header.Get("Authorization") != "Bearer secret of file:t" || got.Header.Get("Content-Type") != "text/x" {
		t.Errorf("it sent %v", got.Header)
	}
	for body, want := range map[string]string{"a=1&b=2": "application/x-www-form-urlencoded", "on": "text/plain; charset=utf-8"} {
		if _, err := client(t, fetch.Config{URL: srv.URL}).Do(t.Context(), "POST", "/", []byte(body)); err != nil || got.Header.Get("Content-Type") != want {
			t.Errorf("%q was sent as %q", body, got.Header.Get("Content-Type"))
		}
	}
}

func TestAnswersThatAreNoSuccess(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect to another host was followed")
	}))
	defer elsewhere.Close()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/no":
			http.Error(w, "the door\nis locked", http.StatusForbidden)
		case "/away":
			http.Redirect(w, r, elsewhere.URL, http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/moved":
			http.Redirect(w, r, "/ok", http.StatusMovedPermanently)
		case "/long":
			w.Write(make([]byte, fetch.Largest+1))
		case "/partial":
			w.Header().Set("Content-Length", "100")
			io.WriteString(w, `{"a":`)
		case "/ok":
			io.WriteString(w, "ok")
		case "/hang":
			<-r.Context().Done()
		}
	}))
	defer srv.Close()
	c := client(t, fetch.Config{URL: srv.URL})

	if b, err := c.Do(t.Context(), "GET", "/moved", nil); err != nil || string(b) != "ok" {
		t.Errorf("a redirect on the same host: %q, %v", b, err)
	}
	_, err := c.Do(t.Context(), "GET", "/no", nil)
	if status, ok := errors.AsType[*fetch.StatusError](err); !ok || status.Status != 403 || status.Said != "the door is locked" {
		t.Errorf("a refusal: %v", err)
	}
	for path, want := range map[string]string{"/away": "another host", "/round": "circle"} {
		if _, err := c.Do(t.Context(), "GET", path, nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", path, err, want)
		}
	}
	for _, path := range []string{"/long", "/partial"} {
		if _, err := c.Do(t.Context(), "GET", path, nil); !errors.Is(err, fetch.ErrNotHTTP) {
			t.Errorf("%s: %v", path, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	go cancel()
	if _, err := c.Do(ctx, "GET", "/hang?key=hush", nil); !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "hush") {
		t.Errorf("a cancelled request: %v", err)
	}
	for _, path := range []string{"", "ok", "//other/ok", "/a\nb", "/%zz"} {
		if _, err := c.Do(t.Context(), "GET", path, nil); err == nil {
			t.Errorf("path %q was sent", path)
		}
	}

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		conn, err := l.Accept()
		if err == nil {
			io.WriteString(conn, "SSH-2.0-dropbear\r\n")
			conn.Close()
		}
	}()
	if _, err := client(t, fetch.Config{URL: "http://" + l.Addr().String()}).Do(t.Context(), "GET", "/", nil); !errors.Is(err, fetch.ErrNotHTTP) {
		t.Errorf("something that is not HTTP: %v", err)
	}
	l.Close()
	_, err = client(t, fetch.Config{URL: "http://" + l.Addr().String()}).Do(t.Context(), "GET", "/", nil)
	if _, status := errors.AsType[*fetch.StatusError](err); err == nil || status || errors.Is(err, fetch.ErrNotHTTP) {
		t.Errorf("nobody there: %v", err)
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	for _, c := range []struct {
		cfg  fetch.Config
		want string
	}{
		{fetch.Config{}, "missing"},
		{fetch.Config{URL: "192.168.1.20"}, "write it as"},
		{fetch.Config{URL: "ftp://host"}, "write it as"},
		{fetch.Config{URL: "http://"}, "write it as"},
		{fetch.Config{URL: "http://me:hush@host"}, "use username"},
		{fetch.Config{URL: "http://host?a=1"}, "path of each request"},
		{fetch.Config{URL: "http://host", Headers: map[string]string{"a b": "c"}}, "not a header"},
		{fetch.Config{URL: "http://host", Headers: map[string]string{"a": "c\r\nd: e"}}, "not a header"},
		{fetch.Config{URL: "http://host", Headers: map[string]string{"authorization": "x"}}, "use username"},
		{fetch.Config{URL: "http://host", Token: "file:t", Username: "me"}, "exclude"},
		{fetch.Config{URL: "http://host", Password: "file:p"}, "without a username"},
		{fetch.Config{URL: "http://host", Token: "hush"}, "file:stove-token"},
		{fetch.Config{URL: "http://host", Token: "file:lines"}, "more than one line"},
		{fetch.Config{URL: "http://host", Token: "file:gone"}, "not found"},
	} {
		_, err := fetch.New(c.cfg, func(ref string) (string, error) {
			if ref == "file:gone" {
				return "", errors.New("not found")
			}
			return "a\nb", nil
		})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%+v: %v, want %q and no secret", c.cfg, err, c.want)
		}
	}
}
