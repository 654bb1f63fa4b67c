package lnurl

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hearth/pool/payout"
	"hearth/pool/payout/bolt11"
)

// Bounds of what a service is let do.
const (
	maxAnswer    = 512 << 10 // metadata may carry a picture
	maxRedirects = 3
	patience     = 20 * time.Second
	// margin is how long an invoice must be good for when it comes: it has to
	// be stored and paid.
	margin = 30 * time.Second
)

// client makes the client that asks services: TLS only, public addresses only,
// no proxy that could look elsewhere, no cookies and no second use of a
// connection.
func client(control func(network, address string, c syscall.RawConn) error, trust *tls.Config) *http.Client {
	dialer := &net.Dialer{Timeout: patience, Control: control}
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			DialContext: dialer.DialContext, TLSClientConfig: trust, TLSHandshakeTimeout: patience,
			DisableKeepAlives: true, MaxResponseHeaderBytes: 16 << 10, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return errors.New("it sends from one address to the next")
			}
			if why := unsafe(r.URL); why != "" {
				return fmt.Errorf("it sends to an address that %s", why)
			}
			return nil
		},
	}
}

// get asks for an address and decodes the answer. As LUD-01 says, neither the
// status nor any header means anything.
func (r *Rail) get(ctx context.Context, u *url.URL, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "hearth")
	resp, err := r.http.Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err // the address may hold a secret of the payee's
		}
		return fmt.Errorf("ask %s: %w", u.Hostname(), err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("ask %s: %w", u.Hostname(), err)
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("%s answers more than %d bytes", u.Hostname(), maxAnswer)
	}
	var failure struct{ Status, Reason string }
	if json.Unmarshal(b, &failure) == nil && strings.EqualFold(failure.Status, "ERROR") {
		return fmt.Errorf("%s says %.200q", u.Hostname(), failure.Reason)
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("%s does not answer as LNURL-pay wants it (status %d): %w", u.Hostname(), resp.StatusCode, err)
	}
	return nil
}

// offer is what a service says in the first answer.
type offer struct {
	Tag         string
	Callback    string
	MinSendable json.Number
	MaxSendable json.Number
	Metadata    string
}

// whole reads a number that some services write with a fraction of zeroes.
func whole(n json.Number) (int64, bool) {
	if v, err := n.Int64(); err == nil {
		return v, true
	}
	f, err := strconv.ParseFloat(n.String(), 64)
	return int64(f), err == nil && f >= 0 && f < 1<<53 && f == float64(int64(f))
}

// check holds the offer against an amount and returns where to ask for the
// invoice.
func (o offer) check(host string, millisats int64) (*url.URL, error) {
	refused := func(format string, args ...any) (*url.URL, error) {
		return nil, fmt.Errorf("%w: %s %s", payout.ErrRefused, host, fmt.Sprintf(format, args...))
	}
	least, ok := whole(o.MinSendable)
	most, alsoOK := whole(o.MaxSendable)
	var entries [][]json.RawMessage
	switch {
	case o.Tag != "payRequest":
		return refused("is for %.40q, not for being paid", o.Tag)
	case !ok || !alsoOK || least < 1 || least > most:
		return refused("does not say which amounts it takes")
	case millisats < least:
		return refused("takes %d msat at least, and this is %d: let it gather", least, millisats)
	case millisats > most:
		return refused("takes %d msat at most, and this is %d", most, millisats)
	case json.Unmarshal([]byte(o.Metadata), &entries) != nil || !describes(entries):
		return refused("does not say what is paid for")
	}
	u, err := url.Parse(o.Callback)
	if err != nil {
		return refused("wants to be asked where there is nothing")
	}
	if why := unsafe(u); why != "" {
		return refused("wants to be asked at an address that %s", why)
	}
	query := u.Query()
	if query.Has("amount") {
		query.Del("amount")
		u.RawQuery = query.Encode()
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += "amount=" + strconv.FormatInt(millisats, 10)
	u.Fragment = ""
	return u, nil
}

// describes reports whether the metadata has the one entry that it must have.
func describes(entries [][]json.RawMessage) bool {
	for _, e := range entries {
		var kind, text string
		if len(e) >= 2 && json.Unmarshal(e[0], &kind) == nil && kind == "text/plain" && json.Unmarshal(e[1], &text) == nil {
			return true
		}
	}
	return false
}

// invoice gets an invoice of an amount from a service and checks all that can
// be checked.
func (r *Rail) invoice(ctx context.Context, service *url.URL, millisats int64) (string, error) {
	var o offer
	if err := r.get(ctx, service, &o); err != nil {
		return "", err
	}
	callback, err := o.check(service.Hostname(), millisats)
	if err != nil {
		return "", err
	}
	var answer struct{ PR string }
	if err := r.get(ctx, callback, &answer); err != nil {
		return "", err
	}
	refused := func(format string, args ...any) (string, error) {
		return "", fmt.Errorf("%w: the invoice of %s %s", payout.ErrRefused, service.Hostname(), fmt.Sprintf(format, args...))
	}
	in, err := bolt11.Decode(answer.PR)
	if err != nil {
		return "", fmt.Errorf("%w: %s: %w", payout.ErrRefused, service.Hostname(), err)
	}
	switch {
	case in.Millisats != millisats:
		return refused("is of %d msat, not of %d", in.Millisats, millisats)
	case in.Network != r.network:
		return refused("is of the network ln%s, not of ln%s", in.Network, r.network)
	case !in.Hashed || in.DescriptionHash != bolt11.Hash(sha256.Sum256([]byte(o.Metadata))):
		return refused("is not for what the service said")
	case r.now().Add(margin).After(in.Expires):
		return "", fmt.Errorf("the invoice of %s expires at %s already", service.Hostname(), in.Expires.Format(time.RFC3339))
	}
	return answer.PR, nil
}
