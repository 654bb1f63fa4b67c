package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
)

const defaultURL = "http://127.0.0.1:8420"

// remote is how a command reaches the running home.
type remote struct {
	URL         string `help:"Address of the running home." default:"${url}" placeholder:"URL"`
	Token       string `help:"File with an API token, needed once a password is set." type:"path" placeholder:"FILE"`
	Fingerprint string `help:"SHA-256 fingerprint of the home's certificate, as \"hearth password\" printed it." placeholder:"HEX"`
}

// apiError is an answer that says no.
type apiError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint"`
}

func (e *apiError) Error() string {
	if e.Hint == "" {
		return e.Message
	}
	return strings.TrimRight(e.Message, ".") + ": " + e.Hint
}

// client is an HTTP client that trusts the pinned certificate, or whatever
// the system trusts.
func (r remote) client() (*http.Client, error) {
	c := &http.Client{Timeout: 30 * time.Second}
	if r.Fingerprint == "" {
		return c, nil
	}
	want, err := hex.DecodeString(strings.ReplaceAll(strings.ToLower(r.Fingerprint), ":", ""))
	if err != nil || len(want) != sha256.Size {
		return nil, coded(exitUsage, errors.New("--fingerprint: want the 64 hexadecimal digits that \"hearth password\" printed"))
	}
	c.Transport = &http.Transport{TLSClientConfig: &tls.Config{
		MinVersion: tls.VersionTLS13,
		// The certificate is the home's own: it is known by its fingerprint,
		// not by an authority, and the fingerprint is checked below.
		InsecureSkipVerify: true,
		VerifyConnection: func(s tls.ConnectionState) error {
			got := sha256.Sum256(s.PeerCertificates[0].Raw)
			if !bytes.Equal(got[:], want) {
				return fmt.Errorf("the certificate has the fingerprint %x, not the one given: this is another machine", got)
			}
			return nil
		},
	}}
	return c, nil
}

// maxAnswer bounds what a command reads from a home.
const maxAnswer = 64 << 20

// do asks the home and decodes the answer into out, unless out is nil.
func (r remote) do(ctx context.Context, method, path string, body, out any) error {
	res, err := r.open(ctx, method, path, body)
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	if out == nil {
		return nil
	}
	if err := json.NewDecoder(io.LimitReader(res.Body, maxAnswer)).Decode(out); err != nil {
		return fmt.Errorf("read the home's answer: %w", err)
	}
	return nil
}

// open asks the home and returns its answer, which the caller closes.
func (r remote) open(ctx context.Context, method, path string, body any) (*http.Response, error) {
	base, err := url.Parse(r.URL)
	if err != nil || base.Host == "" {
		return nil, coded(exitUsage, fmt.Errorf("%q is not an address such as %s", r.URL, defaultURL))
	}
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(r.URL, "/")+path, in)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if r.Token != "" {
		t, err := os.ReadFile(r.Token)
		if err != nil {
			return nil, coded(exitUsage, fmt.Errorf("read the token: %w", err))
		}
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(t)))
	}
	c, err := r.client()
	if err != nil {
		return nil, err
	}
	res, err := c.Do(req)
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return nil, coded(exitAbsent, fmt.Errorf("no running Hearth answers at %s: start one with \"hearth up\" (%w)", r.URL, err))
	}
	if err != nil {
		return nil, fmt.Errorf("ask the home: %w", err)
	}
	if res.StatusCode < 300 {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Error apiError `json:"error"`
	}
	b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<16))
	if json.Unmarshal(b, &answer) != nil || answer.Error.Message == "" {
		return nil, fmt.Errorf("%s answered %s", r.URL, res.Status)
	}
	if res.StatusCode == http.StatusUnauthorized {
		answer.Error.Hint = "give a token with --token (make one with \"hearth password --token NAME\")"
	}
	return nil, &answer.Error
}
