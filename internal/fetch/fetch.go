// Package fetch sends one bounded HTTP request to a box on the home network
// that a person described: any method, any body, any headers.
//
// The answer is read up to a limit, the time is the context's, and a redirect
// is followed only on the same host, so that a password goes nowhere else.
package fetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// Largest is the most bytes of an answer.
const Largest = 1 << 20

// ErrNotHTTP says that something answered that does not speak HTTP, or broke
// off in the middle.
var ErrNotHTTP = errors.New("the answer is not HTTP")

// StatusError is an answer with a status that is no success.
type StatusError struct {
	Status int
	Said   string // the beginning of the body, on one line
}

// Error implements error.
func (e *StatusError) Error() string {
	if e.Said == "" {
		return fmt.Sprintf("status %d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("status %d %s: %q", e.Status, http.StatusText(e.Status), e.Said)
}

// Config says where to send requests and as whom.
type Config struct {
	// URL is http or https, with a host and maybe a path, which comes before
	// that of each request.
	URL string `yaml:"url"`
	// Headers are sent with each request.
	Headers map[string]string `yaml:"headers"`
	// Username and Password are for HTTP basic authentication. Password and
	// Token, which is sent as a bearer token, are references such as
	// "file:stove-password".
	Username string `yaml:"username"`
	Password string `yaml:"password"`
	Token    string `yaml:"token"`
}

// Client sends requests to one host. It is safe for concurrent use.
type Client struct {
	base   *url.URL
	header http.Header
	http   http.Client
}

// New makes a client. secret reads a secret by its reference.
func New(cfg Config, secret func(ref string) (string, error)) (*Client, error) {
	const want = `write it as "http://192.168.1.20"`
	if cfg.URL == "" {
		return nil, errors.New("url is missing: " + want)
	}
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" {
		return nil, fmt.Errorf("url %q: %s", cfg.URL, want)
	}
	if u.User != nil {
		return nil, errors.New("url holds a user name or password: use username and password")
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("url %q: what follows the path belongs into the path of each request", cfg.URL)
	}
	u.Path = strings.TrimRight(u.Path, "/")
	u.RawPath = ""

	c := &Client{base: u, header: make(http.Header)}
	for k, v := range cfg.Headers {
		if !plain(k) || k == "" || strings.ContainsAny(k, " :") || !plain(v) {
			return nil, fmt.Errorf("header %q: not a header", k)
		}
		if strings.EqualFold(k, "Authorization") {
			return nil, errors.New("header Authorization is a secret: use username and password, or token")
		}
		c.header.Set(k, v)
	}
	switch {
	case cfg.Token != "" && cfg.Username+cfg.Password != "":
		return nil, errors.New("a token and a user name exclude each other")
	case cfg.Password != "" && cfg.Username == "":
		return nil, errors.New("a password without a username")
	case cfg.Token != "":
		token, err := read(secret, "token", cfg.Token)
		if err != nil {
			return nil, err
		}
		c.header.Set("Authorization", "Bearer "+token)
	case cfg.Username != "":
		password := ""
		if cfg.Password != "" {
			if password, err = read(secret, "password", cfg.Password); err != nil {
				return nil, err
			}
		}
		req := http.Request{Header: c.header}
		req.SetBasicAuth(cfg.Username, password)
	}
	c.http = http.Client{
		Transport: &http.Transport{
			// Small boxes serve few connections: none is kept.
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 32 << 10,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > 3 {
				return errors.New("it redirects in a circle")
			}
			if r.URL.Host != c.base.Host || r.URL.Scheme != c.base.Scheme {
				return fmt.Errorf("it redirects to another host, %s: not followed", r.URL.Host)
			}
			return nil
		},
	}
	return c, nil
}

func read(secret func(string) (string, error), what, ref string) (string, error) {
	if !strings.HasPrefix(ref, "file:") {
		return "", fmt.Errorf("%s: write the secret in a file and name it, as in \"file:stove-%s\"", what, what)
	}
	if secret == nil {
		return "", fmt.Errorf("%s: no secrets can be read here", what)
	}
	s, err := secret(ref)
	if err != nil {
		return "", fmt.Errorf("%s: %w", what, err)
	}
	if s = strings.TrimRight(s, "\r\n"); !plain(s) || s == "" {
		return "", fmt.Errorf("%s: the file is empty or holds more than one line", what)
	}
	return s, nil
}

func plain(s string) bool { return !strings.ContainsAny(s, "\r\n\x00") }

// CheckPath returns why path cannot be the path of a request: it begins with
// a slash and may hold a query.
func CheckPath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") || !plain(path) {
		return fmt.Errorf("path %q: write it as \"/status\"", path)
	}
	if _, err := url.Parse(path); err != nil {
		return fmt.Errorf("path %q is not a path of a URL", path)
	}
	return nil
}

// Do sends a request and returns the body of a success. The path is as for
// [CheckPath]. Other errors than [*StatusError] and [ErrNotHTTP] mean that
// nobody answered in time.
func (c *Client) Do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("%s %s%s: %w", method, c.base, strings.SplitN(path, "?", 2)[0], err)
	}
	if err := CheckPath(path); err != nil {
		return fail(err)
	}
	var payload io.Reader
	if len(body) > 0 {
		payload = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+path, payload)
	if err != nil {
		return fail(err)
	}
	maps.Copy(req.Header, c.header)
	if len(body) > 0 && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", contentType(body))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fail(cause(err))
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, Largest+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fail(fmt.Errorf("%w: it breaks off after %d bytes", ErrNotHTTP, len(b)))
	case err != nil:
		return fail(cause(err))
	case len(b) > Largest:
		return fail(fmt.Errorf("%w: it is longer than %d bytes", ErrNotHTTP, Largest))
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return fail(&StatusError{resp.StatusCode, said(b)})
	}
	return b, nil
}

// Close frees what the client holds.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// contentType guesses from the body what the box expects.
func contentType(body []byte) string {
	switch body[0] {
	case '{', '[', '"':
		return "application/json"
	}
	if bytes.Contains(body, []byte("=")) && !bytes.ContainsAny(body, " \n<") {
		return "application/x-www-form-urlencoded"
	}
	return "text/plain; charset=utf-8"
}

// cause strips the URL, which may hold a query, from a transport's error.
func cause(err error) error {
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	// The standard library has no type for an answer that is not HTTP.
	if strings.Contains(err.Error(), "malformed HTTP") || strings.Contains(err.Error(), "server sent") {
		return fmt.Errorf("%w: %w", ErrNotHTTP, err)
	}
	return err
}

func said(body []byte) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(string(body[:min(len(body), 120)]), "?")), " ")
}
