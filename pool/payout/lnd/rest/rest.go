// Package rest asks an lnd through its REST interface, which is what lnd's own
// gateway makes of its gRPC calls.
//
// Why not gRPC itself: it would bring its runtime, that of protocol buffers and
// code generated from lnd's definitions into the one small program that people
// run at home, for a handful of calls, none of which is frequent. The gateway
// carries streams as well, one JSON object after another.
//
// The node is known by its very certificate, not by a name in it, and Hearth by
// a macaroon. Both are files that are read again for each connection and each
// request, so that new ones count at once.
package rest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

// Largest is the most bytes that are read of an answer. A list of a wallet's
// transactions may be long.
const Largest = 16 << 20

// maxFile bounds what is read of a certificate or macaroon.
const maxFile = 64 << 10

// Config says where the node is and who asks.
type Config struct {
	// URL is the address of the REST interface, "https://127.0.0.1:8080".
	URL string
	// Cert is the path of the node's certificate, its tls.cert. If it is empty
	// the certificate must be one that this computer trusts anyway.
	Cert string
	// Macaroon is the path of a macaroon that may do what is needed and no
	// more.
	Macaroon string
	// Patience is how long an answer to [Client.Do] is waited for; 0: a minute.
	Patience time.Duration
}

// Client asks one node. It is safe for concurrent use.
type Client struct {
	base     string
	macaroon string
	patience time.Duration
	http     *http.Client
}

// Status is an answer of the node that is an error.
type Status struct {
	// Code is that of gRPC: 5 is not found, 6 exists already, 7 and 16 say that
	// the macaroon may not do this.
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// The codes that callers branch on.
const (
	NotFound      = 5
	AlreadyExists = 6
)

// Error implements error.
func (s *Status) Error() string { return fmt.Sprintf("lnd answers: %.300q (%d)", s.Message, s.Code) }

// IsCode tells whether the error is the node's, with a code.
func IsCode(err error, code int) bool {
	s, ok := errors.AsType[*Status](err)
	return ok && s.Code == code
}

// New makes a client. It asks nothing yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("%q is not the address of an lnd: write it as https://127.0.0.1:8080 (restlisten)", cfg.URL)
	}
	if cfg.Macaroon == "" {
		return nil, errors.New("no macaroon: name the file of one that was baked for Hearth")
	}
	transport := &http.Transport{
		MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout: 10 * time.Second,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if cfg.Cert != "" {
		// The check below is stricter than the one that is left out here: the
		// very certificate, whatever names it has.
		transport.TLSClientConfig.InsecureSkipVerify = true
		transport.TLSClientConfig.VerifyConnection = func(s tls.ConnectionState) error { return pinned(cfg.Cert, s) }
	}
	return &Client{base: "https://" + u.Host, macaroon: cfg.Macaroon, patience: cmp.Or(cfg.Patience, time.Minute), http: &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// pinned checks that the peer has the certificate that the file holds.
func pinned(path string, s tls.ConnectionState) error {
	text, err := file(path)
	if err != nil {
		return fmt.Errorf("the node's certificate: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return fmt.Errorf("%s holds no certificate: name lnd's tls.cert", path)
	}
	want, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if len(s.PeerCertificates) == 0 || !want.Equal(s.PeerCertificates[0]) {
		return fmt.Errorf("whoever answers there does not have the certificate in %s: copy lnd's tls.cert again if it was renewed", path)
	}
	return nil
}

func file(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err == nil && len(b) > maxFile {
		err = fmt.Errorf("%s has more than %d bytes", path, maxFile)
	}
	return b, err
}

// Do makes one request, with in as the JSON body unless it is nil, and decodes
// the answer into out. An error that the node answers is a [Status].
func (c *Client) Do(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, c.patience)
	defer cancel()
	body, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer body.Close()
	b, err := io.ReadAll(body)
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return fmt.Errorf("ask lnd at %s: %w", c.base, err)
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("lnd at %s answers something else than expected: %w", c.base, err)
	}
	return nil
}

// Stream makes one request whose answer comes in pieces, and calls each with
// every one of them until it returns false.
func (c *Client) Stream(ctx context.Context, method, path string, in any, each func(json.RawMessage) (more bool, err error)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // what comes after the last piece that counts is not awaited
	body, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer body.Close()
	dec := json.NewDecoder(body)
	for {
		var piece struct {
			Result json.RawMessage
			Error  *Status
		}
		switch err := cmp.Or(ctx.Err(), dec.Decode(&piece)); {
		case err != nil:
			return fmt.Errorf("lnd at %s breaks off: %w", c.base, err)
		case piece.Error != nil:
			return piece.Error
		}
		if more, err := each(piece.Result); err != nil || !more {
			return err
		}
	}
}

// send returns the body of a good answer.
//
// What comes once ctx is over is no answer, here and above: a node that notices
// that nobody waits for it any more may end the request with an empty one, or
// with an error that is not about the payment.
func (c *Client) send(ctx context.Context, method, path string, in any) (io.ReadCloser, error) {
	macaroon, err := file(c.macaroon)
	if err != nil {
		return nil, fmt.Errorf("the macaroon: %w", err)
	}
	var body io.Reader = http.NoBody
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Grpc-Metadata-Macaroon", hex.EncodeToString(macaroon))
	res, err := c.http.Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // without the path, which may hold an invoice
		}
		return nil, fmt.Errorf("ask lnd at %s: %w", c.base, err)
	}
	limited := struct {
		io.Reader
		io.Closer
	}{io.LimitReader(res.Body, Largest), res.Body}
	if res.StatusCode == http.StatusOK {
		return limited, nil
	}
	defer res.Body.Close()
	b, err := io.ReadAll(io.LimitReader(limited, maxFile))
	if err = cmp.Or(ctx.Err(), err); err != nil {
		return nil, fmt.Errorf("ask lnd at %s: %w", c.base, err)
	}
	// A stream that fails at once wraps its status; other answers do not.
	var said struct {
		Status
		Error *Status
	}
	if err := json.Unmarshal(b, &said); err != nil || said.Error == nil && said.Message == "" {
		return nil, fmt.Errorf("lnd at %s answers %s: %.200q", c.base, res.Status, strings.ToValidUTF8(string(b), "?"))
	}
	if said.Error != nil {
		return nil, said.Error
	}
	return nil, &said.Status
}
