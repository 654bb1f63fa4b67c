package hub

import (
	"context"
	"crypto/sha1" //nolint:gosec // git names blobs by SHA-1
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Errors of a source that callers tell apart.
var (
	// ErrUnreachable: nobody answers, so another source may be tried.
	ErrUnreachable = errors.New("not reachable")
	// ErrWrongContent: what was served is not what was promised.
	ErrWrongContent = errors.New("the content is not the one expected")
)

const (
	// largestFile bounds a file whose size nobody announced.
	largestFile = 64 << 30
	// largestAnswer bounds lists of files and pages of an index.
	largestAnswer = 16 << 20
	// mostRedirects of one request.
	mostRedirects = 5
	// attempts without a single byte of progress before a download gives up.
	attempts = 5
)

// remote is one file to be fetched.
type remote struct {
	URL  string
	Path string // in the folder it is fetched into, with slashes
	Size int64  // -1 where it is not known
	// SHA256, or the SHA-1 of the git blob, in hexadecimal; empty where not
	// known.
	SHA256, Blob string
	Header       http.Header
}

// fetcher downloads files and goes on where it stopped.
type fetcher struct {
	client   *http.Client
	progress func(Progress)
	// pause before attempt n (from 1) after a failure.
	pause func(n int) time.Duration
	// stall is how long a connection may send nothing.
	stall time.Duration
}

// newClient makes an HTTP client that uses the proxy of the environment
// (HTTPS_PROXY, HTTP_PROXY, NO_PROXY) and follows few redirects, never from
// TLS to the open. Secrets do not travel to another host: net/http drops them.
func newClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:    15 * time.Second,
			ResponseHeaderTimeout:  60 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
			IdleConnTimeout:        30 * time.Second,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > mostRedirects {
				return fmt.Errorf("it redirects more than %d times", mostRedirects)
			}
			if r.URL.Scheme != "https" && via[0].URL.Scheme == "https" {
				return errors.New("it redirects from https to plain http: not followed")
			}
			return nil
		},
	}
}

// validator is what is kept beside a part of a file: the rest must be of the
// same file.
type validator struct {
	ETag string `json:"etag,omitempty"`
	URL  string `json:"url"`
}

// fetch brings f into the folder dir and returns its SHA-256 and size. A file
// that is there already with the right content is left as it is.
func (t *fetcher) fetch(ctx context.Context, dir string, f remote) (Taken, error) {
	name := filepath.Join(dir, filepath.FromSlash(f.Path))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return Taken{}, fmt.Errorf("fetch %s: %w", f.Path, disk(err))
	}
	if got, err := t.present(ctx, name, f); err == nil {
		return got, nil
	}
	for failed := 0; ; {
		before := size(name + ".part")
		got, err := t.attempt(ctx, name, f)
		if err == nil {
			return got, nil
		}
		if ctx.Err() != nil {
			return Taken{}, fmt.Errorf("fetch %s: %w", f.Path, context.Cause(ctx))
		}
		again, ok := errors.AsType[*transientError](err)
		if !ok {
			return Taken{}, fmt.Errorf("fetch %s: %w", f.Path, err)
		}
		if size(name+".part") > before {
			failed = 0
		}
		if failed++; failed >= attempts {
			return Taken{}, fmt.Errorf("fetch %s: %w: what came is kept, the same command goes on from there", f.Path, again.err)
		}
		wait := max(t.pause(failed), again.after)
		t.progress(Progress{Step: StepWait, Name: f.Path + ": " + again.err.Error()})
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// transientError is a failure after which asking again may help.
type transientError struct {
	err   error
	after time.Duration
}

func (e *transientError) Error() string { return e.err.Error() }
func (e *transientError) Unwrap() error { return e.err }

// present checks a file that an earlier pull completed.
func (t *fetcher) present(ctx context.Context, name string, f remote) (Taken, error) {
	in, err := os.Open(name)
	if err != nil {
		return Taken{}, err
	}
	defer in.Close()
	n := size(name)
	if f.Size >= 0 && n != f.Size || f.SHA256 == "" && f.Blob == "" {
		return Taken{}, ErrWrongContent
	}
	d := newDigest(n)
	if err := t.read(ctx, d, in, Progress{Step: StepCheck, Name: f.Path, Total: n}); err != nil {
		return Taken{}, err
	}
	return d.taken(f)
}

// attempt fetches what is missing in one request.
func (t *fetcher) attempt(ctx context.Context, name string, f remote) (_ Taken, err error) {
	part := name + ".part"
	out, err := os.OpenFile(part, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return Taken{}, disk(err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	have := size(part)
	was := readValidator(part)
	if have > 0 && (was.URL != f.URL || f.Size >= 0 && have > f.Size) {
		have = 0 // of something else
	}
	d := newDigest(f.Size)
	if have > 0 {
		if err := t.read(ctx, d, io.LimitReader(out, have), Progress{Step: StepResume, Name: f.Path, Total: have}); err != nil {
			return Taken{}, err
		}
	}
	if f.Size < 0 || have < f.Size {
		if err := t.receive(ctx, out, d, f, have, was.ETag); err != nil {
			return Taken{}, err
		}
	}
	got, err := d.taken(f)
	if err != nil {
		// It would be wrong the next time too.
		_ = os.Remove(part)
		_ = os.Remove(part + ".json")
		return Taken{}, err
	}
	if err := out.Sync(); err != nil {
		return Taken{}, disk(err)
	}
	if err := os.Rename(part, name); err != nil {
		return Taken{}, disk(err)
	}
	_ = os.Remove(part + ".json")
	return got, nil
}

// receive asks for the bytes from have on and appends them to out and d.
func (t *fetcher) receive(ctx context.Context, out *os.File, d *digest, f remote, have int64, etag string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, f.URL, nil)
	if err != nil {
		return err
	}
	maps.Copy(req.Header, f.Header)
	// What is compressed on the way has no ranges.
	req.Header.Set("Accept-Encoding", "identity")
	if have > 0 {
		req.Header.Set("Range", "bytes="+strconv.FormatInt(have, 10)+"-")
		if etag != "" {
			req.Header.Set("If-Range", etag)
		}
	}
	res, err := t.client.Do(req) //nolint:bodyclose // it is closed below; the linter loses it in a closure
	if err != nil {
		return unreachable(err)
	}
	defer res.Body.Close()
	from, total, err := beginning(res, have)
	if err != nil {
		return err
	}
	if f.Size >= 0 && total >= 0 && total != f.Size {
		return fmt.Errorf("%w: %s says it has %d bytes, and it should have %d", ErrWrongContent, host(f.URL), total, f.Size)
	}
	if total > largestFile {
		return fmt.Errorf("%w: %s says it has %d bytes, more than any model that fits here", ErrWrongContent, host(f.URL), total)
	}
	if from == 0 {
		// The whole file came, because it has changed or the server knows no
		// ranges.
		d.reset(f.Size)
		if err := out.Truncate(0); err != nil {
			return disk(err)
		}
		if err := writeValidator(out.Name(), validator{strong(res.Header.Get("ETag")), f.URL}); err != nil {
			return disk(err)
		}
	}
	if _, err := out.Seek(from, io.SeekStart); err != nil {
		return err
	}
	limit := int64(largestFile)
	switch {
	case f.Size >= 0:
		limit = f.Size
	case total >= 0:
		limit = total
	}
	stalled := time.AfterFunc(t.stall, func() {
		cancel(fmt.Errorf("%s sent nothing for %s", host(f.URL), t.stall))
	})
	defer stalled.Stop()
	p := Progress{Step: StepDownload, Name: f.Path, Done: from, Total: max(f.Size, total, 0)}
	body := readerFunc(func(b []byte) (int, error) {
		n, err := res.Body.Read(b)
		stalled.Reset(t.stall)
		return n, err
	})
	n, err := t.copy(io.MultiWriter(out, d), io.LimitReader(body, limit-from+1), p)
	switch {
	case isFull(err) || errors.Is(err, fs.ErrPermission):
		return disk(err)
	case err != nil:
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return &transientError{err: fmt.Errorf("%s broke off after %d bytes: %w", host(f.URL), from+n, err)}
	case from+n > limit:
		// The part is no good: it would be too long the next time too.
		_ = out.Truncate(0)
		return fmt.Errorf("%w: %s sends more than the %d bytes it should have", ErrWrongContent, host(f.URL), limit)
	case f.Size >= 0 && from+n < f.Size || total >= 0 && from+n < total:
		return &transientError{err: fmt.Errorf("%s ended after %d of %d bytes", host(f.URL), from+n, max(f.Size, total))}
	}
	return nil
}

// beginning says where in the file the answer's body begins and how long the
// whole file is, -1 where it is not said.
func beginning(res *http.Response, have int64) (from, total int64, err error) {
	switch s := res.StatusCode; {
	case s == http.StatusOK:
		return 0, res.ContentLength, nil
	case s == http.StatusPartialContent && have > 0:
		var to int64
		var all string
		if _, err := fmt.Sscanf(res.Header.Get("Content-Range"), "bytes %d-%d/%s", &from, &to, &all); err != nil || from != have || to < from {
			return 0, 0, fmt.Errorf("%w: asked for the bytes from %d on, got %q", ErrWrongContent, have, res.Header.Get("Content-Range"))
		}
		if total, err = strconv.ParseInt(all, 10, 64); err != nil {
			total = -1
		}
		return from, total, nil
	case s == http.StatusRequestedRangeNotSatisfiable:
		// There is no more: the part is longer than the file now is.
		return 0, 0, &transientError{err: errors.New("the file has changed since the last attempt")}
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return 0, 0, errors.New("it is not open to everybody (" + res.Status + "): for a gated model accept its terms on its page and give a token with --token-file")
	case s == http.StatusNotFound || s == http.StatusGone:
		return 0, 0, fmt.Errorf("%s: %w", res.Status, fs.ErrNotExist)
	case s == http.StatusTooManyRequests || s >= 500:
		return 0, 0, &transientError{err: errors.New(res.Request.URL.Host + " answers " + res.Status), after: retryAfter(res)}
	}
	return 0, 0, fmt.Errorf("%s answers %s", res.Request.URL.Host, res.Status)
}

// retryAfter is how long the other side asks to wait, at most a minute.
func retryAfter(res *http.Response) time.Duration {
	s, err := strconv.Atoi(res.Header.Get("Retry-After"))
	if err != nil || s < 0 {
		return 0
	}
	return time.Duration(min(s, 60)) * time.Second
}

// strong is an ETag that says that two answers are the same byte for byte.
func strong(etag string) string {
	if strings.HasPrefix(etag, "W/") {
		return ""
	}
	return etag
}

// unreachable turns a transport's error into one that says so. Nothing that
// is asked again at once helps a name that cannot be resolved.
func unreachable(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // the address may hold a password
	}
	if d, ok := errors.AsType[*net.DNSError](err); ok {
		return fmt.Errorf("%s is %w: its name is not known here", d.Name, ErrUnreachable)
	}
	if op, ok := errors.AsType[*net.OpError](err); ok {
		if op.Op == "dial" || op.Op == "proxyconnect" {
			return fmt.Errorf("%w: %w", ErrUnreachable, err)
		}
		return &transientError{err: err}
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &transientError{err: err}
	}
	return err
}

// readAll asks for a small document.
func (t *fetcher) readAll(ctx context.Context, target string, header http.Header) ([]byte, http.Header, error) {
	for failed := 1; ; failed++ {
		b, h, err := t.readOnce(ctx, target, header)
		again, ok := errors.AsType[*transientError](err)
		if !ok || failed >= attempts || ctx.Err() != nil {
			return b, h, err
		}
		t.progress(Progress{Step: StepWait, Name: again.err.Error()})
		select {
		case <-time.After(max(t.pause(failed), again.after)):
		case <-ctx.Done():
		}
	}
}

func (t *fetcher) readOnce(ctx context.Context, target string, header http.Header) ([]byte, http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		return nil, nil, err
	}
	maps.Copy(req.Header, header)
	res, err := t.client.Do(req)
	if err != nil {
		return nil, nil, unreachable(err)
	}
	defer res.Body.Close()
	if _, _, err := beginning(res, 0); err != nil {
		return nil, nil, err
	}
	b, err := io.ReadAll(io.LimitReader(res.Body, largestAnswer+1))
	if err != nil {
		return nil, nil, &transientError{err: err}
	}
	if len(b) > largestAnswer {
		return nil, nil, fmt.Errorf("%w: %s answers with more than %d bytes", ErrWrongContent, host(target), largestAnswer)
	}
	return b, res.Header, nil
}

// read passes what in holds to w, with progress.
func (t *fetcher) read(ctx context.Context, w io.Writer, in io.Reader, p Progress) error {
	_, err := t.copy(w, readerFunc(func(b []byte) (int, error) {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		return in.Read(b)
	}), p)
	return err
}

// copy is [io.Copy] that says how far it is, from p.Done on.
func (t *fetcher) copy(w io.Writer, in io.Reader, p Progress) (int64, error) {
	return io.Copy(writerFunc(func(b []byte) (int, error) {
		n, err := w.Write(b)
		p.Done += int64(n)
		t.progress(p)
		return n, err
	}), readerFunc(in.Read))
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// digest hashes a file as a whole, and as git does, which begins with the
// size.
type digest struct {
	sha  hash.Hash
	blob hash.Hash
	n    int64
}

func newDigest(size int64) *digest {
	d := new(digest)
	d.reset(size)
	return d
}

func (d *digest) reset(size int64) {
	d.sha, d.blob, d.n = sha256.New(), sha1.New(), 0 //nolint:gosec // see the import
	fmt.Fprintf(d.blob, "blob %d\x00", size)
}

// Write implements io.Writer.
func (d *digest) Write(b []byte) (int, error) {
	d.sha.Write(b)
	d.blob.Write(b)
	d.n += int64(len(b))
	return len(b), nil
}

// taken holds what was hashed against what is known of f.
func (d *digest) taken(f remote) (Taken, error) {
	got := Taken{Path: f.Path, Size: d.n, SHA256: hex.EncodeToString(d.sha.Sum(nil))}
	switch {
	case f.Size >= 0 && d.n != f.Size:
		return got, fmt.Errorf("%w: %d bytes, not %d", ErrWrongContent, d.n, f.Size)
	case f.SHA256 != "" && got.SHA256 != f.SHA256:
		return got, fmt.Errorf("%w: its SHA-256 is %s, not %s", ErrWrongContent, got.SHA256, f.SHA256)
	case f.SHA256 == "" && f.Blob != "" && f.Size >= 0 && hex.EncodeToString(d.blob.Sum(nil)) != f.Blob:
		return got, fmt.Errorf("%w: it is not the file that the repository lists", ErrWrongContent)
	}
	return got, nil
}

func readValidator(part string) (v validator) {
	b, err := os.ReadFile(part + ".json")
	if err != nil || json.Unmarshal(b, &v) != nil {
		return validator{}
	}
	return v
}

func writeValidator(part string, v validator) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(part+".json", b, 0o644)
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
func host(target string) string {
	u, err := url.Parse(target)
	if err != nil {
		return "the server"
	}
	return u.Host
}

// disk explains an error of writing.
func disk(err error) error {
	if isFull(err) {
		return fmt.Errorf("the disk is full: make room, or keep models elsewhere with --data; what was fetched so far is kept: %w", err)
	}
	return err
}
