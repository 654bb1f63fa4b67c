package nwc

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// requestTime is how long a request is good for.
const requestTime = time.Minute

// wallet asks a wallet over relays.
type wallet struct {
	conn     *Connection
	now      func() time.Time
	patience time.Duration // how long an answer is waited for

	mu sync.Mutex
	// can is what the wallet said it can, once it is known.
	can []string
}

// walletError is a wallet's word that it did not do what it was asked.
type walletError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func (e *walletError) Error() string {
	return strings.ToValidUTF8(fmt.Sprintf("the wallet says %.40s: %.200s", e.Code, e.Message), "?")
}

// name is the wallet's key in hexadecimal.
func (w *wallet) name() string { return hex.EncodeToString(w.conn.Wallet[:]) }

// need makes sure that the wallet can be talked to and can do a thing.
func (w *wallet) need(ctx context.Context, r *relay, methods ...string) error {
	w.mu.Lock()
	can := w.can
	w.mu.Unlock()
	if can == nil {
		info, err := r.info(ctx, w.conn)
		if err != nil {
			return err
		}
		if !slices.Contains(strings.Fields(strings.ReplaceAll(info.tag("encryption"), ",", " ")), "nip44_v2") {
			return errors.New("the wallet speaks only the old encryption (NIP-04), which is not safe: update it, or choose one that speaks NIP-44")
		}
		can = strings.Fields(info.Content)
		w.mu.Lock()
		w.can = can
		w.mu.Unlock()
	}
	for _, m := range methods {
		if !slices.Contains(can, m) {
			return fmt.Errorf("the wallet does not offer %s over this connection: allow it there, or choose another wallet", m)
		}
	}
	return nil
}

// ready asks whether the wallet offers what a rail needs.
func (w *wallet) ready(ctx context.Context, methods ...string) error {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	return w.over(ctx, func(r *relay) (bool, error) {
		err := w.need(ctx, r, methods...)
		return err == nil, err
	})
}

// over does f on the first relay that can be reached and does not refuse.
func (w *wallet) over(ctx context.Context, f func(*relay) (done bool, err error)) error {
	var problems []error
	for _, address := range w.conn.Relays {
		r, err := dial(ctx, address)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		done, err := f(r)
		r.close()
		if done || ctx.Err() != nil {
			return err
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

// call asks the wallet to do a thing and decodes the result. sent says whether
// the wallet may have got the request; it is false only when that is certain.
func (w *wallet) call(ctx context.Context, method string, params, result any) (sent bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, w.patience)
	defer cancel()
	request, err := w.request(method, params)
	if err != nil {
		return false, err
	}
	err = w.over(ctx, func(r *relay) (bool, error) {
		if err := w.need(ctx, r, method); err != nil {
			return false, err
		}
		answer, err := r.exchange(ctx, w.conn, request)
		if errors.Is(err, errRefused) {
			return false, err
		}
		sent = true
		if err != nil {
			return true, err
		}
		return true, w.decode(answer, method, result)
	})
	if err != nil {
		err = fmt.Errorf("ask the wallet to %s: %w", strings.ReplaceAll(method, "_", " "), err)
	}
	return sent, err
}

// request makes the event of a request.
func (w *wallet) request(method string, params any) (event, error) {
	plain, err := json.Marshal(map[string]any{"method": method, "params": params})
	if err != nil {
		return event{}, err
	}
	var nonce [32]byte
	_, _ = rand.Read(nonce[:]) // it cannot fail
	sealed, err := w.conn.shared.Seal(string(plain), nonce)
	if err != nil {
		return event{}, err
	}
	now := w.now()
	e := event{CreatedAt: now.Unix(), Kind: kindRequest, Content: sealed, Tags: [][]string{
		{"p", w.name()}, {"encryption", "nip44_v2"}, {"expiration", strconv.FormatInt(now.Add(requestTime).Unix(), 10)},
	}}
	return e, e.sign(w.conn.key)
}

// decode opens an answer.
func (w *wallet) decode(answer event, method string, result any) error {
	plain, err := w.conn.shared.Open(answer.Content)
	if err != nil {
		return err
	}
	var a struct {
		ResultType string          `json:"result_type"`
		Error      *walletError    `json:"error"`
		Result     json.RawMessage `json:"result"`
	}
	if err := json.Unmarshal([]byte(plain), &a); err != nil {
		return fmt.Errorf("the wallet's answer is not JSON: %w", err)
	}
	switch {
	case a.Error != nil && a.Error.Code != "":
		return a.Error
	case a.ResultType != "" && a.ResultType != method:
		return fmt.Errorf("the wallet answers %.40q", a.ResultType)
	}
	if err := json.Unmarshal(a.Result, result); err != nil {
		return fmt.Errorf("the wallet's answer has no result: %w", err)
	}
	return nil
}
