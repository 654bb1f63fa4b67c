package library

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/chain/commons/tree"
	"hearth/internal/public"
)

const maxAnswer = 4 + tree.MaxEncoding + 24*32

// Project is what a chain says of a project's jobs.
type Project struct {
	Root    tree.Hash
	Jobs    uint64
	Sources []string // addresses, http or https
}

// Client fetches jobs. Its zero value is ready. A proposal names addresses, and
// so anybody does: a client follows no redirection, waits for none of them long,
// and asks public ones only.
type Client struct {
	// HTTP is what it asks with in place of its own, which does the above.
	HTTP *http.Client
	// Inside lets it ask addresses that are not public, for a network that is
	// within a house or one computer.
	Inside bool
}

// patience is how long one source may take to send a job of some kilobytes.
const patience = 5 * time.Second

func (c Client) client() *http.Client {
	if c.HTTP != nil {
		return c.HTTP
	}
	dialer := &net.Dialer{Timeout: patience}
	if !c.Inside {
		dialer.Control = public.Control
	}
	return &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{DialContext: dialer.DialContext, MaxResponseHeaderBytes: 32 << 10, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Job fetches a job from the first source that has it, and checks it. The
// error names what each source did.
func (c Client) Job(ctx context.Context, p Project, index uint64) (encoding []byte, proof tree.Proof, err error) {
	if len(p.Sources) == 0 {
		return nil, nil, fmt.Errorf("fetch job %d: its project names no source", index)
	}
	var failed []error
	for _, source := range p.Sources {
		b, err := c.get(ctx, source, index)
		if err == nil {
			encoding, proof, err = split(b)
		}
		if err == nil {
			err = tree.Check(p.Root, p.Jobs, index, encoding, proof)
		}
		if err == nil {
			return encoding, proof, nil
		}
		failed = append(failed, fmt.Errorf("%s: %w", source, err))
		if ctx.Err() != nil {
			break
		}
	}
	return nil, nil, fmt.Errorf("fetch job %d: %w", index, errors.Join(failed...))
}

func (c Client) get(ctx context.Context, source string, index uint64) ([]byte, error) {
	at, err := url.Parse(source)
	if err != nil || at.Scheme != "http" && at.Scheme != "https" || at.Host == "" {
		return nil, errors.New("not the address of a library: it begins with http:// or https://")
	}
	address := strings.TrimSuffix(source, "/") + "/" + strconv.FormatUint(index, 10)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	res, err := c.client().Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case res.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers %s", res.Status)
	case err != nil:
		return nil, fmt.Errorf("read its answer: %w", err)
	case len(b) > maxAnswer:
		return nil, fmt.Errorf("it sends more than the %d bytes of the largest job", maxAnswer)
	}
	return b, nil
}

// split takes an answer apart.
func split(b []byte) (encoding []byte, proof tree.Proof, err error) {
	if len(b) < 4 {
		return nil, nil, errors.New("its answer ends before the job does")
	}
	n, b := uint64(binary.LittleEndian.Uint32(b)), b[4:]
	if n > uint64(len(b)) || (uint64(len(b))-n)%32 != 0 {
		return nil, nil, fmt.Errorf("its answer has a job of %d bytes and %d more", n, int64(len(b))-int64(n))
	}
	for h := range slices.Chunk(b[n:], 32) {
		proof = append(proof, h)
	}
	return b[:n], proof, nil
}
