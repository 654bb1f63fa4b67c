package phoenixd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// maxAnswer bounds what is read of an answer. A page of payments has some 100
// KiB.
const maxAnswer = 4 << 20

// node asks one phoenixd.
type node struct {
	base     string
	password string
	http     *http.Client
}

func newNode(address, password string) (*node, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%q is not the address of a phoenixd: write it as http://127.0.0.1:9740", address)
	}
	return &node{base: strings.TrimSuffix(u.String(), "/"), password: password, http: &http.Client{
		Transport:     &http.Transport{MaxResponseHeaderBytes: 16 << 10, MaxIdleConnsPerHost: 2, IdleConnTimeout: time.Minute},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// errStatus is an answer that is not 200: phoenixd understood nothing, or
// refused before it did anything.
type errStatus struct {
	code int
	says string
}

func (e errStatus) Error() string {
	switch e.code {
	case http.StatusUnauthorized:
		return "phoenixd refuses the password: write the one of phoenix.conf (http-password) into the configuration"
	case http.StatusNotFound:
		return "phoenixd does not know this command: it is too old, or something else answers at its address"
	}
	return fmt.Sprintf("phoenixd answers with status %d: %.200q", e.code, e.says)
}

// soon is how long an answer takes at most that phoenixd has at hand.
const soon = 30 * time.Second

// ask sends a request, a form if there is one, and decodes the answer, which is
// waited for until the limit.
func (n *node) ask(ctx context.Context, limit time.Duration, path string, form url.Values, into any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, n.base+path, body)
	if err != nil {
		return err
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		// A request that may move money is never repeated by the transport.
		req.GetBody = nil
	}
	req.SetBasicAuth("", n.password)
	resp, err := n.http.Do(req)
	if err != nil {
		if inner, ok := errors.AsType[*url.Error](err); ok {
			err = inner.Err
		}
		return fmt.Errorf("ask phoenixd at %s: %w", n.base, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	// What comes once ctx is over is no answer, as of lnd.
	err = cmp.Or(ctx.Err(), err)
	switch {
	case err != nil:
		return fmt.Errorf("ask phoenixd at %s: %w", n.base, err)
	case len(b) > maxAnswer:
		return fmt.Errorf("phoenixd answers more than %d bytes", maxAnswer)
	case resp.StatusCode != http.StatusOK:
		return errStatus{resp.StatusCode, strings.ToValidUTF8(string(b), "?")}
	}
	if err := json.Unmarshal(b, into); err != nil {
		return fmt.Errorf("phoenixd answers something else than JSON: %w", err)
	}
	return nil
}

// identity asks the node for its public key.
func (n *node) identity(ctx context.Context) (string, error) {
	var info struct {
		ID string `json:"nodeId"`
	}
	if err := n.ask(ctx, soon, "/getinfo", nil, &info); err != nil {
		return "", err
	}
	if info.ID == "" {
		return "", errors.New("phoenixd does not say who it is")
	}
	return info.ID, nil
}

// payment is an outgoing payment as phoenixd lists it.
type payment struct {
	PaymentHash string `json:"paymentHash"`
	Preimage    string `json:"preimage"`
	// Fees is in millisats. Whether it was paid is not taken from isPaid.
	Fees        int64  `json:"fees"`
	CompletedAt *int64 `json:"completedAt"`
}

// Bounds of the search through the list of payments.
const (
	page     = 100
	maxPages = 200
)

// payments returns those of one payment hash, of all that were made since a
// time.
func (n *node) payments(ctx context.Context, hash string, since time.Time) ([]payment, error) {
	var found []payment
	for i := range maxPages {
		q := url.Values{
			"all": {"true"}, "from": {strconv.FormatInt(max(0, since.UnixMilli()), 10)},
			"limit": {strconv.Itoa(page)}, "offset": {strconv.Itoa(i * page)},
		}
		var list []payment
		if err := n.ask(ctx, soon, "/payments/outgoing?"+q.Encode(), nil, &list); err != nil {
			return nil, err
		}
		for _, p := range list {
			if strings.EqualFold(p.PaymentHash, hash) {
				found = append(found, p)
			}
		}
		if len(list) < page {
			return found, nil
		}
	}
	return nil, fmt.Errorf("phoenixd lists more than %d payments since %s: they cannot be searched", maxPages*page, since.Format(time.DateOnly))
}
