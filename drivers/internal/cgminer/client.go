package cgminer

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"hearth/device"
)

const (
	// Port is where the family listens.
	Port = 4028
	// MaxReply is the most bytes of a reply that are read. The longest known,
	// estats of a miner with hundreds of chips, is some 50 KiB.
	MaxReply = 1 << 20
)

// ErrNoReply says that the device took the request and closed the connection
// without a word, as some do on commands that restart them. It always comes with
// [device.ErrUnreachable].
var ErrNoReply = errors.New("closed without a reply")

// Form is the form of a request. Replies are told apart by how they begin.
type Form int

// The forms.
const (
	JSON Form = iota // {"command":"ascset","parameter":"0,help"}
	Text             // ascset|0,help
)

// Client asks one device. It keeps nothing between requests and is safe for
// concurrent use.
type Client struct{ address string }

// New makes a client for a device at the address: a host name or IP, with a
// port if it is not 4028.
func New(address string) (*Client, error) {
	s := strings.TrimSpace(address)
	const want = `write it as "192.168.1.20" or "192.168.1.20:4028"`
	switch {
	case s == "":
		return nil, fmt.Errorf("the address is missing: %s", want)
	case strings.ContainsAny(s, "/@ \t\r\n"):
		return nil, fmt.Errorf("address %q: %s", address, want)
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.Trim(s, "[]"), strconv.Itoa(Port)
		if strings.Contains(host, ":") && net.ParseIP(host) == nil {
			return nil, fmt.Errorf("address %q: %s", address, want)
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || host == "" {
		return nil, fmt.Errorf("address %q: %s", address, want)
	}
	return &Client{address: net.JoinHostPort(host, port)}, nil
}

// Address returns host and port.
func (c *Client) Address() string { return c.address }

// Ask sends one command and returns its reply, whatever its status. The error,
// if any, wraps [device.ErrUnreachable] or [device.ErrGarbage], and the end of
// ctx where that was the cause.
func (c *Client) Ask(ctx context.Context, form Form, command, parameter string) (Reply, error) {
	raw, err := c.exchange(ctx, request(form, command, parameter))
	if err == nil {
		var r Reply
		if r, err = Decode(raw); err == nil {
			return r, nil
		}
	}
	return Reply{}, fmt.Errorf("ask %s for %s: %w", c.address, command, err)
}

func request(form Form, command, parameter string) []byte {
	if form == Text {
		if parameter != "" {
			command += "|" + parameter
		}
		return []byte(command)
	}
	b, err := json.Marshal(struct {
		Command   string `json:"command"`
		Parameter string `json:"parameter,omitempty"`
	}{command, parameter})
	if err != nil {
		panic(err) // two strings always encode
	}
	return b
}

// exchange sends a request on a connection of its own and reads the reply.
func (c *Client) exchange(ctx context.Context, request []byte) ([]byte, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return nil, unreachable(ctx, err)
	}
	defer conn.Close()
	// The end of ctx wakes whatever waits on the connection.
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	if _, err := conn.Write(request); err != nil {
		return nil, unreachable(ctx, err)
	}
	var reply []byte
	chunk := make([]byte, 16<<10)
	for {
		n, err := conn.Read(chunk)
		reply = append(reply, chunk[:n]...)
		if end := bytes.IndexByte(reply, 0); end >= 0 {
			return reply[:end], nil
		}
		switch {
		case len(reply) > MaxReply:
			return nil, fmt.Errorf("%w: the reply is longer than %d bytes", device.ErrGarbage, MaxReply)
		case err == nil && !whole(reply):
		case err == nil, errors.Is(err, io.EOF) && len(reply) > 0:
			return reply, nil
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%w: %w", device.ErrUnreachable, ErrNoReply)
		case ctx.Err() != nil && textEnd(reply):
			return reply, nil // it says no more and keeps the connection
		default:
			return nil, unreachable(ctx, err)
		}
	}
}

// whole reports whether more of a reply cannot be expected although the device
// keeps the connection: JSON that is complete, or text ended by a newline.
func whole(reply []byte) bool {
	trimmed := bytes.TrimSpace(reply)
	if bytes.HasSuffix(trimmed, []byte("}")) {
		_, err := decodeJSON(trimmed)
		return err == nil
	}
	return bytes.HasSuffix(reply, []byte("\n")) && textEnd(reply)
}

func textEnd(reply []byte) bool {
	return bytes.HasPrefix(reply, []byte("STATUS=")) && bytes.HasSuffix(bytes.TrimSpace(reply), []byte("|"))
}

// unreachable wraps a transport error, with the end of ctx as its cause where
// it is one.
func unreachable(ctx context.Context, err error) error {
	if cause := ctx.Err(); cause != nil && !errors.Is(err, cause) {
		err = fmt.Errorf("%w (%w)", err, cause)
	}
	return fmt.Errorf("%w: %w", device.ErrUnreachable, err)
}
