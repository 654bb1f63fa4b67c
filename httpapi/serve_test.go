package httpapi_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"hearth/httpapi"
	"hearth/web/storybook"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func TestServeOverTLS(t *testing.T) {
	dir := t.TempDir()
	auth := openAuth(t, dir)
	if err := auth.SetPassword(password); err != nil {
		t.Fatal(err)
	}
	cert, err := httpapi.Certificate(dir, []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	home := storybook.Heating()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- httpapi.Serve(ctx, l, httpapi.TLS(cert), httpapi.New(httpapi.Options{Home: home, Auth: auth, Log: quiet(), Now: storybook.Now}), quiet())
	}()
	// The client trusts the fingerprint that was printed, and nothing else.
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{
			InsecureSkipVerify: true,
			VerifyConnection: func(s tls.ConnectionState) error {
				if got := httpapi.Fingerprint(tls.Certificate{Certificate: [][]byte{s.PeerCertificates[0].Raw}}); got != httpapi.Fingerprint(cert) {
					t.Errorf("the server shows %s", got)
				}
				return nil
			},
		}},
	}
	url := "https://" + l.Addr().String()
	res, err := client.Post(url+"/login", "application/x-www-form-urlencoded", strings.NewReader("password="+strings.ReplaceAll(password, " ", "+")))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if len(res.Cookies()) != 1 {
		t.Fatalf("login: %s %v", res.Status, res.Header)
	}
	if c := res.Cookies()[0]; c.Name != "__Host-hearth" || !c.Secure || !c.HttpOnly {
		t.Errorf("the cookie under TLS is %+v", c)
	}
	// A stream works over HTTP/2 as well, and ends when the server stops.
	req, err := http.NewRequestWithContext(t.Context(), "GET", url+"/api/v1/events", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(res.Cookies()[0])
	res, err = client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != 200 || res.Proto != "HTTP/2.0" {
		t.Fatalf("stream: %s %s", res.Proto, res.Status)
	}
	in := bufio.NewReader(res.Body)
	for line := ""; !strings.HasPrefix(line, "event: state"); {
		if line, err = in.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	if _, err := io.Copy(io.Discard, in); err != nil {
		t.Logf("the stream ended with %v", err)
	}
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
	if n := home.Watchers(); n != 0 {
		t.Errorf("%d watchers are left", n)
	}
}

func TestServeRefusesGiantHeaders(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- httpapi.Serve(ctx, l, nil, httpapi.New(httpapi.Options{Home: storybook.Heating(), Auth: openAuth(t, t.TempDir()), Log: quiet()}), quiet())
	}()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+l.Addr().String()+"/healthz", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Big", strings.Repeat("x", 64<<10))
	res, err := http.DefaultClient.Do(req)
	if err == nil {
		res.Body.Close()
		if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("64 KiB of header: %s", res.Status)
		}
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("serve: %v", err)
	}
}
