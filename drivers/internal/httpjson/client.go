package httpjson

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"

	"hearth/device"
)

// MaxAnswer is the most bytes of an answer that are read. The longest answer
// of the devices met so far is a few kilobytes.
const MaxAnswer = 1 << 20

// Client talks to one device. It keeps nothing between requests and is safe
// for concurrent use.
type Client struct {
	base string // "http://host:port", no slash at the end
	http http.Client
}

// New makes a client for a device at the address: a host name or IP, with a
// port if it is not 80, or a whole "http://…" address without a path.
func New(address string) (*Client, error) {
	base, err := baseURL(address)
	if err != nil {
		return nil, err
	}
	return &Client{base: base, http: http.Client{
		Transport: &http.Transport{
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 16 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func baseURL(address string) (string, error) {
	const want = `write it as "192.168.1.20" or "miner.local:8080"`
	s := strings.TrimSpace(address)
	if s == "" {
		return "", fmt.Errorf("the address is missing: %s", want)
	}
	scheme, _, whole := strings.Cut(s, "://")
	switch {
	case !whole:
		// A bare IPv6 address needs its brackets.
		if ip := net.ParseIP(s); ip != nil && ip.To4() == nil {
			s = "[" + s + "]"
		}
		s = "http://" + s
	case scheme != "http" && scheme != "https":
		return "", fmt.Errorf("address %q: %q is not a way to reach a device: %s", address, scheme, want)
	}
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || strings.Trim(u.Path, "/") != "" {
		return "", fmt.Errorf("address %q: %s", address, want)
	}
	return u.Scheme + "://" + u.Host, nil
}

// Base returns the address that requests go to, such as "http://10.0.0.7".
func (c *Client) Base() string { return c.base }

// Answer is what a device answered, of any status.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends one request and reads the whole answer. The body is encoded as JSON
// unless it is nil. The error, if any, wraps [device.ErrUnreachable] or
// [device.ErrGarbage]; an answer with a status of failure is not an error here:
// see [Answer.Err].
func (c *Client) Do(ctx context.Context, method, path string, body any, header http.Header) (Answer, error) {
	var payload io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return Answer{}, fmt.Errorf("%s %s: encode the request: %w", method, path, err)
		}
		payload = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, payload)
	if err != nil {
		return Answer{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	maps.Copy(req.Header, header)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Answer{}, c.failure(method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, MaxAnswer+1))
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Answer{}, fmt.Errorf("%s %s%s: %w: the answer breaks off after %d bytes", method, c.base, path, device.ErrGarbage, len(b))
	case err != nil:
		return Answer{}, c.failure(method, path, err)
	case len(b) > MaxAnswer:
		return Answer{}, fmt.Errorf("%s %s%s: %w: the answer is longer than %d bytes", method, c.base, path, device.ErrGarbage, MaxAnswer)
	}
	return Answer{Status: resp.StatusCode, Header: resp.Header, Body: b}, nil
}

// failure sorts a transport error: what is not HTTP is garbage, everything
// else (no route, refused, reset, too slow) is a device that does not answer.
func (c *Client) failure(method, path string, err error) error {
	kind := device.ErrUnreachable
	if strings.Contains(err.Error(), "malformed HTTP") {
		kind = device.ErrGarbage
	}
	if inner, ok := errors.AsType[*url.Error](err); ok {
		err = inner.Err
	}
	return fmt.Errorf("%s %s%s: %w: %w", method, c.base, path, kind, err)
}

// Get asks for a path and decodes the answer into dst, which may be an
// *[Object].
func (c *Client) Get(ctx context.Context, path string, dst any) error {
	a, err := c.Do(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return err
	}
	if err := a.Decode(dst); err != nil {
		return fmt.Errorf("GET %s%s: %w", c.base, path, err)
	}
	return nil
}

// Send sends body by the method and discards what a success answers.
func (c *Client) Send(ctx context.Context, method, path string, body any) error {
	a, err := c.Do(ctx, method, path, body, nil)
	if err != nil {
		return err
	}
	if err := a.Err(); err != nil {
		return fmt.Errorf("%s %s%s: %w", method, c.base, path, err)
	}
	return nil
}

// Close frees idle connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

// Err returns nil for a status of success, else an error that wraps what the
// status means in the terms of package device and quotes the answer.
func (a Answer) Err() error {
	kind := device.ErrGarbage
	switch s := a.Status; {
	case s >= 200 && s < 300:
		return nil
	case s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusNotImplemented:
		kind = device.ErrUnsupported
	case s == http.StatusTooManyRequests, s >= 500:
		kind = device.ErrBusy
	case s >= 400:
		kind = device.ErrRefused
	}
	if said := a.said(); said != "" {
		return fmt.Errorf("%w: status %d, %q", kind, a.Status, said)
	}
	return fmt.Errorf("%w: status %d", kind, a.Status)
}

// said returns the beginning of the body, for an error message.
func (a Answer) said() string {
	s := strings.ToValidUTF8(string(a.Body[:min(len(a.Body), 120)]), "?")
	return strings.Join(strings.Fields(s), " ")
}

// Decode decodes the body of a success into dst. What is not JSON is
// [device.ErrGarbage].
func (a Answer) Decode(dst any) error {
	if err := a.Err(); err != nil {
		return err
	}
	if err := json.Unmarshal(a.Body, dst); err != nil {
		return fmt.Errorf("%w: %w in %q", device.ErrGarbage, err, a.said())
	}
	return nil
}
