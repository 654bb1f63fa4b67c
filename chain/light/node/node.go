package node

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Largest is the most bytes of an answer that are read.
const Largest = 4 << 20

// A Node is one node's RPC address. It is safe for concurrent use.
type Node struct {
	url  string
	http *http.Client
}

// New takes the address of a node's RPC, such as "http://192.168.1.20:26657".
// The client's time limit, if it has one, bounds every question, and so does the
// context. Redirects are not followed.
func New(address string, client *http.Client) (*Node, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf(`node address %q: write it as "http://192.168.1.20:26657"`, redacted(address))
	}
	if u.User != nil {
		return nil, errors.New("node address: it holds a user name or password, which a node does not ask for")
	}
	c := *client
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Node{url: strings.TrimRight(u.String(), "/"), http: &c}, nil
}

// redacted keeps passwords in addresses out of messages.
func redacted(address string) string {
	if strings.Contains(address, "@") {
		return "…"
	}
	return address
}

// String is the node's address.
func (n *Node) String() string { return n.url }

// A Refusal is what a node answers when it does not do what it was asked.
type Refusal struct {
	Method        string
	Code          int
	Message, Data string
}

// Error gives the node's reason.
func (r *Refusal) Error() string {
	text := r.Message
	if r.Data != "" {
		text += ": " + r.Data
	}
	return fmt.Sprintf("the node refuses %s (%d): %s", r.Method, r.Code, text)
}

// ErrUnknown says that the node does not have what was asked for: a height that
// it has not reached or has forgotten, a transaction it has not seen.
var ErrUnknown = errors.New("the node does not have it")

// Is makes a refusal ErrUnknown where the node's words say so; CometBFT has no
// codes for it.
func (r *Refusal) Is(target error) bool {
	if target != ErrUnknown {
		return false
	}
	for _, words := range []string{"not found", "must be less than or equal to the current blockchain height", "is not available, lowest height is", "could not find"} {
		if strings.Contains(r.Data, words) || strings.Contains(r.Message, words) {
			return true
		}
	}
	return false
}

// ask calls a method and reads its result.
func (n *Node) ask(ctx context.Context, method string, params map[string]any, result any) error {
	if err := n.call(ctx, method, params, result); err != nil {
		return fmt.Errorf("ask node %s for %s: %w", n.url, method, err)
	}
	return nil
}

func (n *Node) call(ctx context.Context, method string, params map[string]any, result any) error {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := n.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, Largest+1))
	if err != nil {
		return err
	}
	if len(text) > Largest {
		return fmt.Errorf("the answer has more than %d bytes", Largest)
	}
	var answer struct {
		Result json.RawMessage
		Error  *struct {
			Code          int
			Message, Data string
		}
	}
	// Errors come with other statuses too, and then too they are JSON.
	if err := json.Unmarshal(text, &answer); err != nil {
		return fmt.Errorf("status %s, and the answer is not one of CometBFT: %.80q", res.Status, text)
	}
	if e := answer.Error; e != nil {
		return &Refusal{method, e.Code, shortened(e.Message), shortened(e.Data)}
	}
	if res.StatusCode != http.StatusOK || len(answer.Result) == 0 || string(answer.Result) == "null" {
		return fmt.Errorf("status %s, and the answer has no result", res.Status)
	}
	if err := json.Unmarshal(answer.Result, result); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	return nil
}

// shortened keeps a node from filling a log.
func shortened(s string) string {
	const most = 500
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
