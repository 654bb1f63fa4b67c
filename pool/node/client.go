package node

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"hearth/internal/jsonscan"
	"hearth/pool/job"
)

// Config says how to reach a node.
type Config struct {
	// URL is where the node takes JSON-RPC, for instance
	// "http://127.0.0.1:8332".
	URL string
	// User and Password are those of rpcauth, or of rpcuser and rpcpassword.
	User, Password string
	// Cookie is the path of the file in which Bitcoin Core leaves a password for
	// programs of the same user, if there is no other. It is read each time, as
	// it changes whenever the node starts.
	Cookie string
	// Certificate is the node's own in PEM, for https with a certificate that
	// nobody signed, as btcd makes it. Nil: those that the computer trusts.
	Certificate []byte
	// Network is the network that the node must be on; empty: whichever it is on.
	Network job.Network
	// Refresh is how often a template is fetched if nothing happens; 30 seconds
	// if it is 0.
	Refresh time.Duration
	// Log may be nil.
	Log *slog.Logger
}

// Client talks to one node. It may be used by many goroutines.
type Client struct {
	cfg  Config
	http *http.Client
	id   atomic.Int64
	size atomic.Int64 // of the last template, which tells that of the next
}

// largest is the most bytes of an answer that are read. A block in a template
// takes some 13 MB at the very most.
const largest = 32 << 20

// Timeout is how long an answer is waited for that a node has at hand: all but
// those of a long poll and of a search through the chain.
const Timeout = 20 * time.Second

// New makes a client. It does not reach out for the node yet.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the address of a Bitcoin node is like http://127.0.0.1:8332, not %q: write it as http://host:port", cfg.URL)
	}
	if u.User != nil {
		return nil, errors.New("the address of a Bitcoin node holds no password: say user and password by themselves")
	}
	if cfg.Cookie != "" && (cfg.User != "" || cfg.Password != "") {
		return nil, errors.New("say either the cookie file of a Bitcoin node or its user and password, not both")
	}
	if cfg.Refresh <= 0 {
		cfg.Refresh = 30 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	transport := &http.Transport{
		// Core closes a connection that is idle for 30 seconds: be sooner.
		MaxIdleConns: 4, MaxIdleConnsPerHost: 4, IdleConnTimeout: 15 * time.Second, TLSHandshakeTimeout: Timeout,
		DisableCompression: true, ReadBufferSize: 256 << 10, MaxResponseHeaderBytes: 64 << 10,
	}
	if cfg.Certificate != nil {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(cfg.Certificate) {
			return nil, errors.New("the certificate of the Bitcoin node is not one in PEM")
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	return &Client{cfg: cfg, http: &http.Client{
		Transport: transport,
		// A node sends nobody elsewhere, and what it is asked is for it alone.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

// Error is an answer of the node that says no.
type Error struct {
	Method  string
	Code    int // Bitcoin's own numbers
	Message string
}

// Codes of an [Error] that callers branch on.
const (
	NotFound      = -5 // no such transaction, block or address
	UnknownMethod = -32601
)

// Codes of errors that are told in words of their own.
const (
	codeNoPeers  = -9
	codeSyncing  = -10
	codeStarting = -28
	codeInternal = -32603
)

// IsCode tells whether an error is the node's, with a code.
func IsCode(err error, code int) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}

func (e *Error) Error() string {
	switch e.Code {
	case codeNoPeers:
		return fmt.Sprintf("the Bitcoin node has no other nodes to talk to yet (%s)", e.Message)
	case codeSyncing:
		return fmt.Sprintf("the Bitcoin node is still fetching the chain (%s)", e.Message)
	case codeStarting:
		return fmt.Sprintf("the Bitcoin node is still starting (%s)", e.Message)
	case UnknownMethod:
		return fmt.Sprintf("the Bitcoin node does not know %s: is it Bitcoin Core or btcd?", e.Method)
	}
	return fmt.Sprintf("the Bitcoin node refuses %s: %s (code %d)", e.Method, e.Message, e.Code)
}

// authorization is the header that the node wants to see.
func (c *Client) authorization() (string, error) {
	user, password := c.cfg.User, c.cfg.Password
	if c.cfg.Cookie != "" {
		b, err := os.ReadFile(c.cfg.Cookie)
		if err != nil {
			return "", fmt.Errorf("read the Bitcoin node's cookie: %w; is the node running, and is this its file?", err)
		}
		var ok bool
		if user, password, ok = strings.Cut(strings.TrimSpace(string(b)), ":"); !ok {
			return "", fmt.Errorf("%s is not the cookie of a Bitcoin node: it has no colon", c.cfg.Cookie)
		}
	}
	if user == "" {
		return "", nil
	}
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password)), nil
}

// Call calls a method and decodes the result into out, as [json.Unmarshal] does;
// null is a result too. It waits as long as ctx lets it, see [Timeout].
//
// An error of type [*Error] is the node's no. Any other says nothing of whether
// the node did what it was asked.
func (c *Client) Call(ctx context.Context, out any, method string, params ...any) error {
	if params == nil {
		params = []any{} // btcd wants a list
	}
	var result []byte
	err := c.call(ctx, method, params, nil, func(cur *jsonscan.Cursor) error {
		result = cur.Skip()
		return nil
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(result, out); err != nil {
		return fmt.Errorf("%s: the Bitcoin node answers something else than expected: %w", method, err)
	}
	return nil
}

// call calls a method. read gets the result, which may be null, and what it
// keeps of it may be part of the answer. peek, if there is one, sees what has
// arrived of the answer now and then, the last time when it is complete.
func (c *Client) call(ctx context.Context, method string, params []any, peek func([]byte), read func(*jsonscan.Cursor) error) error {
	body, err := json.Marshal(map[string]any{"jsonrpc": "1.0", "id": c.id.Add(1), "method": method, "params": params})
	if err != nil {
		return fmt.Errorf("ask the Bitcoin node for %s: %w", method, err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("ask the Bitcoin node for %s: %w", method, err)
	}
	req.Header.Set("Content-Type", "application/json")
	auth, err := c.authorization()
	if err != nil {
		return err
	}
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(err)
	}
	defer res.Body.Close()
	switch res.StatusCode {
	case http.StatusUnauthorized:
		if c.cfg.Cookie != "" {
			return fmt.Errorf("the Bitcoin node at %s does not take its cookie %s: is it another node's?", c.cfg.URL, c.cfg.Cookie)
		}
		return fmt.Errorf("the Bitcoin node at %s does not take the user %q with this password", c.cfg.URL, c.cfg.User)
	case http.StatusForbidden:
		return fmt.Errorf("the Bitcoin node at %s does not talk to this computer: see its option rpcallowip", c.cfg.URL)
	}
	answer, err := c.receive(res, peek)
	if err != nil {
		return fmt.Errorf("read the Bitcoin node's answer to %s: %w", method, err)
	}
	return understand(method, res.Status, answer, read)
}

// unreachable puts into words why a request did not get through.
func (c *Client) unreachable(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // method and address say nothing new
	}
	return fmt.Errorf("reach the Bitcoin node at %s: %w; is it running, and does it take JSON-RPC there (server=1)?", c.cfg.URL, err)
}

// receive reads an answer to its end.
func (c *Client) receive(res *http.Response, peek func([]byte)) ([]byte, error) {
	size := res.ContentLength
	if size < 0 {
		size = c.size.Load() + c.size.Load()/8
	}
	buf := make([]byte, 0, min(max(size, 4096), largest)+1)
	for {
		n, err := res.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		// The head is near the begin or near the end: in between is no use looking.
		if peek != nil && n > 0 && len(buf) < 64<<10 {
			peek(buf)
		}
		switch {
		case errors.Is(err, io.EOF):
			if peek != nil {
				peek(buf)
			}
			c.size.Store(int64(len(buf)))
			return buf, nil
		case err != nil:
			return nil, err
		case len(buf) > largest:
			return nil, fmt.Errorf("it has more than %d bytes", largest)
		case len(buf) == cap(buf):
			buf = append(buf, 0)[:len(buf)]
		}
	}
}

// understand takes an answer apart.
func understand(method, status string, answer []byte, read func(*jsonscan.Cursor) error) error {
	if len(bytes.TrimSpace(answer)) == 0 {
		return fmt.Errorf("the Bitcoin node answers nothing to %s (status %s)", method, status)
	}
	var refusal *Error
	var mistake error
	found := false
	cur := jsonscan.New(answer)
	for name := range cur.Object() {
		switch string(name) {
		case "result":
			found = true
			if mistake = read(cur); mistake != nil {
				return fmt.Errorf("%s of the Bitcoin node: %w", method, mistake)
			}
		case "error":
			if cur.Null() {
				continue
			}
			refusal = &Error{Method: method}
			for name := range cur.Object() {
				switch string(name) {
				case "code":
					refusal.Code = int(cur.Int())
				case "message":
					refusal.Message = short(string(cur.Text()))
				default:
					cur.Skip()
				}
			}
		default:
			cur.Skip()
		}
	}
	switch err := cur.End(); {
	case err != nil:
		return fmt.Errorf("what answers at the Bitcoin node's address (status %s) is not one: %q: %w", status, short(string(answer)), err)
	case refusal != nil:
		return refusal
	case !found:
		return fmt.Errorf("what answers at the Bitcoin node's address (status %s) is not one: %q", status, short(string(answer)))
	}
	return nil
}

// short is a text of bounded length, on one line.
func short(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 160 {
		s = strings.ToValidUTF8(s[:160], "") + "…"
	}
	return s
}

// Chain is the network that the node is on, and the height of its chain.
func (c *Client) Chain(ctx context.Context) (n job.Network, height int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	var chain string
	err = c.call(ctx, "getblockchaininfo", []any{}, nil, func(cur *jsonscan.Cursor) error {
		if cur.Null() {
			return nil
		}
		for name := range cur.Object() {
			switch string(name) {
			case "chain":
				chain = string(cur.Text())
			case "blocks":
				height = cur.Int()
			default:
				cur.Skip()
			}
		}
		return nil
	})
	if err != nil {
		return "", 0, err
	}
	switch chain {
	case "main", "mainnet":
		n = job.Mainnet
	case "test", "testnet3", "testnet4":
		n = job.Testnet
	case "signet", "regtest", "simnet":
		n = job.Network(chain)
	default:
		return "", 0, fmt.Errorf("the Bitcoin node is on a network that is not known here: %q", short(chain))
	}
	if c.cfg.Network != "" && n != c.cfg.Network {
		return "", 0, fmt.Errorf("the Bitcoin node at %s is on %s, not on %s: what is earned there is not paid to addresses here", c.cfg.URL, n, c.cfg.Network)
	}
	return n, height, nil
}

// Template asks for a template now.
func (c *Client) Template(ctx context.Context) (*job.Template, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	return c.template(ctx, "", nil)
}

// template asks for a template, or waits for one that differs from the one with
// that id.
func (c *Client) template(ctx context.Context, longPoll string, peek func([]byte)) (*job.Template, error) {
	ask := map[string]any{
		"rules":        []string{"segwit"},
		"capabilities": []string{"coinbasevalue", "longpoll"},
	}
	if longPoll != "" {
		ask["longpollid"] = longPoll
	}
	var t *job.Template
	err := c.call(ctx, "getblocktemplate", []any{ask}, peek, func(cur *jsonscan.Cursor) (err error) {
		if !cur.Null() {
			t, err = job.ReadTemplate(cur)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, errors.New("the Bitcoin node has no template")
	}
	return t, nil
}

// Confirmations is how many blocks there are from the one with this hash to the
// end of the chain, itself included. It is not known if the block is unknown to
// the node, or not in the best chain: another took its place.
func (c *Client) Confirmations(ctx context.Context, hash string) (n int64, known bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	err = c.call(ctx, "getblockheader", []any{hash, true}, nil, func(cur *jsonscan.Cursor) error {
		if cur.Null() {
			return nil
		}
		for name := range cur.Object() {
			if string(name) == "confirmations" {
				n = cur.Int()
			} else {
				cur.Skip()
			}
		}
		return nil
	})
	// btcd knows a block of another branch and has a code without meaning for it.
	if IsCode(err, NotFound) || IsCode(err, codeInternal) && strings.Contains(err.Error(), "not in the main chain") {
		return 0, false, nil
	}
	return max(n, 0), err == nil && n > 0, err
}
