package nwc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// Bounds of what a relay is let do.
const (
	maxMessage  = 256 << 10
	maxMessages = 1000 // of one conversation
	dialTime    = 15 * time.Second
)

// relay is a conversation with a relay.
type relay struct {
	conn *websocket.Conn
	stop func() bool
	left int
}

// dial connects to a relay. The conversation ends with ctx.
func dial(ctx context.Context, address string) (*relay, error) {
	d := websocket.Dialer{HandshakeTimeout: dialTime, Proxy: http.ProxyFromEnvironment}
	conn, resp, err := d.DialContext(ctx, address, nil)
	if resp != nil && resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("reach the relay %s: %w", address, err)
	}
	conn.SetReadLimit(maxMessage)
	stop := context.AfterFunc(ctx, func() { _ = conn.NetConn().SetDeadline(time.Unix(1, 0)) })
	return &relay{conn: conn, stop: stop, left: maxMessages}, nil
}

func (r *relay) close() {
	r.stop()
	_ = r.conn.Close()
}

func (r *relay) send(ctx context.Context, parts ...any) error {
	if err := r.conn.WriteJSON(parts); err != nil {
		return during(ctx, "send to the relay", err)
	}
	return nil
}

// during tells the end of the context from other errors.
func during(ctx context.Context, what string, err error) error {
	if cause := ctx.Err(); cause != nil {
		err = cause
	}
	return fmt.Errorf("%s: %w", what, err)
}

// message is one of the relay's: its kind, the id of the event or subscription
// that it is about, and what it says or brings.
type message struct {
	kind, about, text string
	ok                bool
	event             event
}

// next waits for a message that is one. Others are passed over.
func (r *relay) next(ctx context.Context) (message, error) {
	for ; r.left > 0; r.left-- {
		_, b, err := r.conn.ReadMessage()
		if err != nil {
			return message{}, during(ctx, "wait for the relay", err)
		}
		if m, ok := readMessage(b); ok {
			return m, nil
		}
	}
	return message{}, errors.New("the relay talks without end")
}

// readMessage reads ["EVENT", sub, {…}], ["OK", id, true, "…"], ["EOSE", sub],
// ["CLOSED", sub, "…"] and ["NOTICE", "…"].
func readMessage(b []byte) (message, bool) {
	var parts []json.RawMessage
	if json.Unmarshal(b, &parts) != nil || len(parts) < 2 {
		return message{}, false
	}
	var m message
	text := func(i int, into *string) bool { return i < len(parts) && json.Unmarshal(parts[i], into) == nil }
	if !text(0, &m.kind) || !text(1, &m.about) {
		return message{}, false
	}
	switch m.kind {
	case "EVENT":
		return m, len(parts) >= 3 && json.Unmarshal(parts[2], &m.event) == nil
	case "OK":
		text(3, &m.text)
		return m, len(parts) >= 3 && json.Unmarshal(parts[2], &m.ok) == nil
	case "CLOSED":
		text(2, &m.text)
		return m, true
	case "NOTICE":
		m.text, m.about = m.about, ""
		return m, true
	}
	return m, m.kind == "EOSE"
}

// info asks for the event in which the wallet says what it can.
func (r *relay) info(ctx context.Context, c *Connection) (event, error) {
	const sub = "info"
	err := r.send(ctx, "REQ", sub, map[string]any{"kinds": []int{kindInfo}, "authors": []string{fmt.Sprintf("%x", c.Wallet)}, "limit": 1})
	if err != nil {
		return event{}, err
	}
	for {
		m, err := r.next(ctx)
		switch {
		case err != nil:
			return event{}, err
		case m.kind == "EVENT" && m.about == sub && m.event.Kind == kindInfo && m.event.verify(c.Wallet) == nil:
			return m.event, r.send(ctx, "CLOSE", sub)
		case m.kind == "EOSE" && m.about == sub:
			return event{}, errors.New("the wallet has not said on the relay what it can: open it, and see that it is connected")
		case m.kind == "CLOSED" && m.about == sub:
			return event{}, fmt.Errorf("the relay refuses: %.200q", m.text)
		}
	}
}

// errRefused is the relay's word that it did not take an event: nobody got it.
var errRefused = errors.New("the relay refuses the request")

// exchange publishes a request and waits for the answer to it.
func (r *relay) exchange(ctx context.Context, c *Connection, request event) (event, error) {
	const sub = "answer"
	err := r.send(ctx, "REQ", sub, map[string]any{
		"kinds": []int{kindResponse}, "authors": []string{fmt.Sprintf("%x", c.Wallet)}, "#e": []string{request.ID},
	})
	if err != nil {
		return event{}, fmt.Errorf("%w: %w", errRefused, err) // nothing was published
	}
	if err := r.send(ctx, "EVENT", request); err != nil {
		return event{}, err
	}
	for {
		m, err := r.next(ctx)
		switch {
		case err != nil:
			return event{}, err
		case m.kind == "OK" && m.about == request.ID && !m.ok && !strings.HasPrefix(m.text, "duplicate:"):
			return event{}, fmt.Errorf("%w: %.200q", errRefused, m.text)
		case m.kind == "CLOSED" && m.about == sub:
			return event{}, fmt.Errorf("the relay stops to listen for the answer: %.200q", m.text)
		case m.kind == "EVENT" && m.about == sub && m.event.Kind == kindResponse && m.event.tag("e") == request.ID && m.event.verify(c.Wallet) == nil:
			return m.event, nil
		}
	}
}
