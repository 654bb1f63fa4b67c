package weights

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"hearth/infer/model"
	"hearth/internal/public"
)

const (
	// attempts without a byte of progress before a source is given up.
	attempts = 4
	// redirects that are followed.
	redirects = 5
	// besides is what a file may have besides one byte for each weight, and half
	// as much again for factors: tokenizer, tables, manifest.
	besides = 256 << 20
)

// Fetch brings the weights of a model here, from the operator's sources and then
// from those that its registration names, one after the other. It returns when
// they are in place, or with what went wrong at each. The error wraps [ErrUnfit]
// as soon as one source had the weights and the model is not fit. No source has
// more than ten minutes at a time, so that one that drips does not keep other
// models away; what came is kept, and the next call goes on from there.
func (s *Store) Fetch(ctx context.Context, f *model.Manifest, sources []string) error {
	id, err := f.ID()
	if err != nil {
		return err
	}
	if s.Has(id) {
		return nil
	}
	limit, least := int64(besides), int64(0)
	for _, w := range f.Weights {
		limit += int64(w.N) * int64(w.K) * 3 / 2
		least += int64(w.N) * int64(w.K)
	}
	if limit-besides > s.largest {
		return fmt.Errorf("fetch model %v of about %d bytes: %w", id, limit-besides, ErrLarge)
	}
	if least > s.shelf.room {
		// To take it in is to read it into memory, whoever registered it.
		return fmt.Errorf("fetch model %v, which takes at least %d bytes of memory: %w", id, least, ErrLarge)
	}
	limit = min(limit, s.largest)
	if err := s.take(ctx); err != nil {
		return err
	}
	defer s.leave()
	if s.Has(id) { // it came while others were taken in
		return nil
	}
	errs := []error{fmt.Errorf("fetch model %v: %w", id, ErrAbsent)}
	for i := range len(s.sources) + len(sources) {
		var source string
		client := s.public
		if i < len(s.sources) {
			client, source = s.own, s.sources[i]
		} else {
			source = sources[i-len(s.sources)]
		}
		err := s.from(ctx, client, source, id, limit)
		if err == nil || errors.Is(err, ErrUnfit) || ctx.Err() != nil {
			return err
		}
		errs = append(errs, fmt.Errorf("from %s: %w", host(source), err))
	}
	return errors.Join(errs...)
}

// from fetches a model from one source, with new attempts as long as bytes come.
func (s *Store) from(ctx context.Context, client *http.Client, source string, id model.Hash, limit int64) error {
	target := strings.TrimRight(source, "/") + "/" + id.String() + Extension
	part := s.part(id)
	turn, cancel := context.WithTimeoutCause(ctx, s.turn, errTurn)
	defer cancel()
	for failed := 0; ; {
		before := size(part)
		err := s.download(turn, client, target, part, limit)
		if err == nil {
			break
		}
		if turn.Err() != nil {
			return context.Cause(turn)
		}
		if !isTransient(err) {
			return err
		}
		if size(part) > before {
			failed = 0
		}
		if failed++; failed >= attempts {
			return err
		}
		select {
		case <-time.After(s.pause(failed)):
		case <-turn.Done():
			return context.Cause(turn)
		}
	}
	in, err := os.Open(part)
	if err != nil {
		return err
	}
	err = s.install(ctx, id, in, size(part))
	in.Close()
	if ctx.Err() == nil {
		// In place, or wrong the next time too.
		_ = os.Remove(part)
		_ = os.Remove(part + ".json")
	}
	return err
}

// errTurn ends a source's turn.
var errTurn = errors.New("its time is over for now: what came is kept, and is gone on with the next time")

// transient is a failure after which asking again may help.
type transient struct{ err error }

func (t transient) Error() string { return t.err.Error() }
func (t transient) Unwrap() error { return t.err }

func isTransient(err error) bool {
	_, ok := errors.AsType[transient](err)
	return ok
}

// begun is kept beside a part: the rest must be of the same file.
type begun struct {
	URL  string `json:"url"`
	ETag string `json:"etag"`
}

// download asks for what is missing of a file, in one request.
func (s *Store) download(ctx context.Context, client *http.Client, target, part string, limit int64) (err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return errors.New("it is no address that can be asked")
	}
	req.Header.Set("Accept-Encoding", "identity") // what is compressed has no ranges
	have := int64(0)
	if was := readBegun(part); was.URL == target && was.ETag != "" {
		if have = size(part); have > 0 {
			req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
			req.Header.Set("If-Range", was.ETag)
		}
	}
	res, err := client.Do(req) //nolint:bodyclose // it is closed below; the linter loses it in a closure
	if err != nil {
		return unreachable(err)
	}
	defer res.Body.Close()
	if res.StatusCode == http.StatusRequestedRangeNotSatisfiable && have > 0 {
		return nil // there is no more: whether it is whole shows when it is read
	}
	from, total, err := beginning(res, have)
	if err != nil {
		return err
	}
	if total > limit {
		return fmt.Errorf("it has %d bytes, and the model has at most %d: %w", total, limit, ErrContent)
	}
	out, err := os.OpenFile(part, os.O_WRONLY|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if from == 0 {
		if err := out.Truncate(0); err != nil {
			return err
		}
		if err := writeBegun(part, begun{target, strong(res.Header.Get("ETag"))}); err != nil {
			return err
		}
	}
	if _, err := out.Seek(from, io.SeekStart); err != nil {
		return err
	}
	stalled := time.AfterFunc(s.stall, func() { cancel(fmt.Errorf("it sent nothing for %v", s.stall)) })
	defer stalled.Stop()
	n, err := io.Copy(out, io.LimitReader(readerFunc(func(b []byte) (int, error) {
		n, err := res.Body.Read(b)
		stalled.Reset(s.stall)
		return n, err
	}), limit-from+1))
	_, full := errors.AsType[*fs.PathError](err) // of writing
	switch {
	case full:
		return err
	case err != nil:
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return transient{fmt.Errorf("it broke off after %d bytes: %w", from+n, err)}
	case from+n > limit:
		_ = out.Truncate(0)
		return fmt.Errorf("it sends more than the %d bytes that the model can have: %w", limit, ErrContent)
	case total >= 0 && from+n < total:
		return transient{fmt.Errorf("it ended after %d of %d bytes", from+n, total)}
	}
	return out.Sync()
}

// beginning says where in the file the answer's body begins and how long the
// whole file is, -1 where it is not said.
func beginning(res *http.Response, have int64) (from, total int64, err error) {
	switch code := res.StatusCode; {
	case code == http.StatusOK:
		return 0, res.ContentLength, nil
	case code == http.StatusPartialContent && have > 0:
		var to int64
		if _, err := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-%d/%d", &from, &to, &total); err != nil || from != have || to < from || total <= to {
			return 0, 0, fmt.Errorf("asked for the bytes from %d on, it has %q: %w", have, res.Header.Get("Content-Range"), ErrContent)
		}
		return from, total, nil
	case code == http.StatusNotFound || code == http.StatusGone:
		return 0, 0, ErrAbsent
	case code == http.StatusTooManyRequests || code >= 500:
		return 0, 0, transient{errors.New("it answers " + res.Status)}
	}
	return 0, 0, errors.New("it answers " + res.Status)
}

// newClient makes a client that follows few redirects, never from TLS to the
// open. With a control, which sees every address before it is dialled, it uses
// no proxy: that could lead anywhere.
func newClient(control func(network, address string, _ syscall.RawConn) error) *http.Client {
	t := &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second, Control: control}).DialContext,
		TLSHandshakeTimeout:    15 * time.Second,
		ResponseHeaderTimeout:  time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
		IdleConnTimeout:        30 * time.Second,
	}
	if control != nil {
		t.Proxy = nil
	}
	return &http.Client{Transport: t, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > redirects {
			return fmt.Errorf("it redirects more than %d times", redirects)
		}
		if r.URL.Scheme != "https" && via[0].URL.Scheme == "https" {
			return errors.New("it redirects from https to plain http: not followed")
		}
		return nil
	}}
}

// errPrivate keeps strangers from having a node ask its own network.
var errPrivate = fmt.Errorf("%w: an operator who trusts it names it as a source of the node's own", public.ErrPrivate)

// unreachable says what went wrong without the address, which may be long and
// anybody's.
func unreachable(err error) error {
	if errors.Is(err, public.ErrPrivate) {
		return errPrivate
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok && d.IsNotFound {
		return errors.New("its name is not known here")
	}
	return transient{err}
}

// strong is an ETag that says that two answers are the same byte for byte.
func strong(etag string) string {
	if strings.HasPrefix(etag, "W/") || len(etag) > 200 {
		return ""
	}
	return etag
}

func readBegun(part string) (b begun) {
	text, err := os.ReadFile(part + ".json")
	if err != nil || json.Unmarshal(text, &b) != nil {
		return begun{}
	}
	return b
}

func writeBegun(part string, b begun) error {
	text, err := json.Marshal(b)
	if err != nil {
		return err
	}
	return os.WriteFile(part+".json", text, 0o644)
}

// size of a file, 0 where there is none.
func size(name string) int64 {
	info, err := os.Stat(name)
	if err != nil {
		return 0
	}
	return info.Size()
}

// host names whom an address belongs to, without what else stands in it.
func host(source string) string {
	u, err := url.Parse(source)
	if err != nil || u.Host == "" {
		return "an address that cannot be read"
	}
	return u.Host
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
