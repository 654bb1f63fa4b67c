package mqtt

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// ErrDown says that there is no connection to the broker now. It is wrapped
// with the last reason.
var ErrDown = errors.New("no connection to the MQTT broker")

// Message is one message from the broker.
type Message struct {
	Topic   string
	Payload []byte
	// Retained is set when the broker had kept the message: it may be of any
	// age, and comes again after each reconnect.
	Retained bool
}

// Will is what the broker says for this client when the client is gone.
type Will struct {
	Topic   string
	Payload []byte
	Retain  bool
}

const (
	keepAlive     = 20 // seconds
	packetTimeout = 5 * time.Second
	slowest       = 30 * time.Second // pause between attempts to connect
	steady        = 10 * time.Second // a connection that lasted this long was good
	backlog       = 256              // messages that wait for one subscriber
	largest       = 256 << 10        // bytes of a packet that the broker may send
)

// Client is a connection to a broker that is kept up until [Client.Close].
// Its methods may be called from any goroutine.
type Client struct {
	broker string
	log    *slog.Logger
	cm     *autopaho.ConnectionManager
	stop   context.CancelFunc
	ended  <-chan struct{} // the client's life
	tasks  sync.WaitGroup

	// exchange is held over each SUBSCRIBE or UNSUBSCRIBE, so that the last
	// subscriber of a filter leaving does not cut off a new one.
	exchange sync.Mutex

	mu       sync.Mutex // guards what follows
	closed   bool
	up       bool
	gone     chan struct{} // closed when this connection breaks
	told     bool          // up as the watchers know it: true only once subscribed
	since    time.Time     // of up
	flaps    int           // connections in a row that did not last
	trouble  string        // why the last attempt failed
	subs     map[*subscription]bool
	watchers map[chan bool]bool
}

type subscription struct {
	filter string
	queue  chan Message
	full   bool // messages were dropped, and that was logged
}

// Connect opens a client and returns at once: the connection is made, and
// made again, in the background until ctx ends or [Client.Close] is called.
// A broker that is down is therefore no error here; a configuration that can
// never work is.
//
// The will, which may be nil, is published by the broker when the connection
// breaks and also when the client closes. Who must still command heaters
// while the program ends passes a ctx that lasts until then.
func Connect(ctx context.Context, cfg Config, log *slog.Logger, will *Will) (*Client, error) {
	broker, err := cfg.broker()
	if err != nil {
		return nil, err
	}
	password, err := cfg.password()
	if err != nil {
		return nil, err
	}
	tlsConfig, err := cfg.tls()
	if err != nil {
		return nil, err
	}
	if will != nil {
		if err := CheckTopic(will.Topic); err != nil {
			return nil, fmt.Errorf("last will: %w", err)
		}
	}

	ctx, stop := context.WithCancel(ctx)
	c := &Client{
		broker:   broker.String(),
		log:      log.With("broker", broker.String()),
		stop:     stop,
		ended:    ctx.Done(),
		subs:     make(map[*subscription]bool),
		watchers: make(map[chan bool]bool),
	}
	pc := autopaho.ClientConfig{
		ServerUrls:       []*url.URL{broker},
		TlsCfg:           tlsConfig,
		KeepAlive:        keepAlive,
		ConnectTimeout:   packetTimeout,
		ReconnectBackoff: c.pause,
		ConnectUsername:  cfg.Username,
		ConnectPassword:  password,
		// A clean start each time: a session kept by the broker would deliver
		// commands late.
		ConnectPacketBuilder: func(p *paho.Connect, _ *url.URL) (*paho.Connect, error) {
			size, window := uint32(largest), uint16(backlog)
			p.CleanStart = true
			p.Properties = &paho.ConnectProperties{MaximumPacketSize: &size, ReceiveMaximum: &window}
			return p, nil
		},
		OnConnectionUp:   func(*autopaho.ConnectionManager, *paho.Connack) { c.connected() },
		OnConnectionDown: c.disconnected,
		OnConnectError:   c.failed,
		ClientConfig: paho.ClientConfig{
			ClientID:      cfg.ClientID,
			PacketTimeout: packetTimeout,
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){
				func(p paho.PublishReceived) (bool, error) {
					c.deliver(Message{Topic: p.Packet.Topic, Payload: p.Packet.Payload, Retained: p.Packet.Retain})
					return true, nil
				},
			},
			OnServerDisconnect: func(d *paho.Disconnect) { c.setTrouble(reason(d.ReasonCode)) },
			OnClientError:      func(err error) { c.setTrouble(err.Error()) },
		},
	}
	if will != nil {
		pc.WillMessage = &paho.WillMessage{Topic: will.Topic, Payload: will.Payload, QoS: 1, Retain: will.Retain}
		pc.WillProperties = &paho.WillProperties{}
		// 0x04, "disconnect with will message": closing says the same as
		// breaking off.
		pc.DisconnectPacketBuilder = func() *paho.Disconnect { return &paho.Disconnect{ReasonCode: 4} }
	}
	c.cm, err = autopaho.NewConnection(ctx, pc)
	if err != nil {
		stop()
		return nil, fmt.Errorf("connect to %s: %w", c.broker, err)
	}
	context.AfterFunc(ctx, c.end)
	return c, nil
}

// Close disconnects, so that the broker publishes the will, and waits for the
// subscribers' handlers to return. It must not be called from a handler.
func (c *Client) Close() error {
	c.end()
	ctx, cancel := context.WithTimeout(context.Background(), packetTimeout)
	defer cancel()
	err := c.cm.Disconnect(ctx)
	c.stop()
	c.tasks.Wait()
	if err != nil {
		return fmt.Errorf("close connection to %s: %w", c.broker, err)
	}
	return nil
}

func (c *Client) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.up {
		close(c.gone)
	}
	c.closed, c.up = true, false
}

// Connected reports whether there is a connection now.
func (c *Client) Connected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up
}

// Await returns when there is a connection, or when ctx or the client ends
// with an error that says why there is none.
func (c *Client) Await(ctx context.Context) error {
	if err := c.cm.AwaitConnection(ctx); err != nil {
		return c.down()
	}
	return nil
}

// down is the error for what cannot be done without a connection.
func (c *Client) down() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return fmt.Errorf("%w %s: closed", ErrDown, c.broker)
	case c.trouble != "":
		return fmt.Errorf("%w %s: %s", ErrDown, c.broker, c.trouble)
	}
	return fmt.Errorf("%w %s yet", ErrDown, c.broker)
}

// Publish sends one message and, at QoS 1 or 2, waits for the broker to take
// it. It never waits for a connection: without one it returns [ErrDown].
func (c *Client) Publish(ctx context.Context, topic string, payload []byte, qos byte, retain bool) error {
	if err := CheckTopic(topic); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	if qos > 2 {
		return fmt.Errorf("publish to %s: there is no QoS %d", topic, qos)
	}
	c.mu.Lock()
	up, gone := c.up, c.gone
	c.mu.Unlock()
	if !up {
		return fmt.Errorf("publish to %s: %w", topic, c.down())
	}
	p := &paho.Publish{Topic: topic, Payload: bytes.Clone(payload), QoS: qos, Retain: retain}
	// A write to a peer that went away without a word can block for longer
	// than ctx lasts, and the library may wait for an answer of a connection
	// that is no more.
	sent := make(chan error, 1)
	go func() {
		res, err := c.cm.Publish(ctx, p)
		if res != nil && res.ReasonCode >= 0x80 {
			err = errors.New("the broker refused it: " + reason(res.ReasonCode))
		}
		sent <- err
	}()
	select {
	case <-ctx.Done():
		return fmt.Errorf("publish to %s: %w", topic, ctx.Err())
	case <-gone:
		return fmt.Errorf("publish to %s: %w", topic, c.down())
	case err := <-sent:
		if errors.Is(err, autopaho.ConnectionDownError) || errors.Is(err, paho.ErrConnectionLost) {
			err = c.down()
		}
		if err != nil {
			return fmt.Errorf("publish to %s: %w", topic, err)
		}
		return nil
	}
}

// Subscribe is [Client.Listen] for handlers to which a retained message is as
// good as a new one.
func (c *Client) Subscribe(ctx context.Context, filter string, handle func(topic string, payload []byte)) error {
	return c.Listen(ctx, filter, func(m Message) { handle(m.Topic, m.Payload) })
}

// Listen hands every message under filter to handle, until ctx or the client
// ends. Calls come one at a time, in order, on a goroutine of their own; a
// handler that falls behind by 256 messages loses the oldest. Several
// listeners may share a filter.
//
// A message comes at least once, not exactly once: a broker may send it for
// each of the client's filters that cover its topic, and retained messages
// come again when another listener joins or the connection was mended.
//
// Without a connection Listen returns at once and subscribes when there is
// one. With a connection it waits for the broker's answer, and returns an
// error if that is no.
func (c *Client) Listen(ctx context.Context, filter string, handle func(Message)) error {
	if err := CheckFilter(filter); err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	s := &subscription{filter: filter, queue: make(chan Message, backlog)}
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return fmt.Errorf("subscribe to %s: %w", filter, c.down())
	}
	c.subs[s] = true
	c.tasks.Add(1)
	c.mu.Unlock()

	refused := make(chan struct{})
	go func() {
		defer c.tasks.Done()
		defer c.leave(s)
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.ended:
				return
			case <-refused:
				return
			case m := <-s.queue:
				if ctx.Err() == nil {
					c.hand(s, handle, m)
				}
			}
		}
	}()
	if err := c.subscribe(filter); err != nil {
		close(refused)
		return fmt.Errorf("subscribe to %s: %w", filter, err)
	}
	return nil
}

// hand calls a handler and keeps its panic from the rest of the program.
func (c *Client) hand(s *subscription, handle func(Message), m Message) {
	defer func() {
		if p := recover(); p != nil {
			c.log.Error("a handler of MQTT messages panicked", "filter", s.filter, "topic", m.Topic, "panic", p)
		}
	}()
	handle(m)
}

// Watch calls change with whether there is a connection, at once and after
// every change, until ctx or the client ends. The subscriptions are there
// before change(true). Changes that come faster than change returns are told
// as one, so that change(true) may follow change(true): it means that the
// connection is a new one.
func (c *Client) Watch(ctx context.Context, change func(up bool)) {
	ch := make(chan bool, 1)
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	ch <- c.told
	c.watchers[ch] = true
	c.tasks.Add(1)
	c.mu.Unlock()
	go func() {
		defer c.tasks.Done()
		defer func() {
			c.mu.Lock()
			delete(c.watchers, ch)
			c.mu.Unlock()
		}()
		for {
			select {
			case <-ctx.Done():
				return
			case <-c.ended:
				return
			case up := <-ch:
				change(up)
			}
		}
	}()
}

// tell passes the present state to the watchers. c.mu is held.
func (c *Client) tell() {
	c.told = c.up
	for ch := range c.watchers {
		select {
		case <-ch:
		default:
		}
		ch <- c.told
	}
}

// deliver runs on the connection's goroutine and must not wait.
func (c *Client) deliver(m Message) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for s := range c.subs {
		if !matches(s.filter, m.Topic) {
			continue
		}
		select {
		case s.queue <- m:
			continue
		default:
		}
		// Only this function fills queues, under c.mu: one out makes room.
		select {
		case <-s.queue:
		default:
		}
		s.queue <- m
		if !s.full {
			s.full = true
			c.log.Warn("messages come faster than they are handled: the oldest are dropped", "filter", s.filter)
		}
	}
}

// subscribe asks the broker for filters, if there is a connection. Only a
// refusal is an error: whatever breaks the connection is mended by the next.
func (c *Client) subscribe(filters ...string) error {
	c.exchange.Lock()
	defer c.exchange.Unlock()
	if len(filters) == 0 || !c.Connected() {
		return nil
	}
	req := &paho.Subscribe{}
	for _, f := range filters {
		req.Subscriptions = append(req.Subscriptions, paho.SubscribeOptions{Topic: f, QoS: 1})
	}
	ctx, cancel := c.life()
	defer cancel()
	ack, err := c.cm.Subscribe(ctx, req)
	if ack != nil {
		for i, code := range ack.Reasons {
			if code >= 0x80 && i < len(filters) {
				return fmt.Errorf("the broker refused %s: %s", filters[i], reason(code))
			}
		}
	}
	if err != nil {
		c.log.Debug("subscribe", "filters", filters, "err", err)
	}
	return nil
}

// leave forgets a subscription, and tells the broker if it was the last of
// its filter.
func (c *Client) leave(s *subscription) {
	c.exchange.Lock()
	defer c.exchange.Unlock()
	c.mu.Lock()
	delete(c.subs, s)
	needed := false
	for o := range c.subs {
		needed = needed || o.filter == s.filter
	}
	up := c.up
	c.mu.Unlock()
	if needed || !up {
		return
	}
	ctx, cancel := c.life()
	defer cancel()
	if _, err := c.cm.Unsubscribe(ctx, &paho.Unsubscribe{Topics: []string{s.filter}}); err != nil {
		c.log.Debug("unsubscribe", "filter", s.filter, "err", err)
	}
}

// life is a context that ends with the client, or after one packet's time.
func (c *Client) life() (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(context.Background(), packetTimeout)
	go func() {
		select {
		case <-c.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

func (c *Client) connected() {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return
	}
	c.up, c.gone, c.since, c.trouble = true, make(chan struct{}), time.Now(), ""
	filters := make([]string, 0, len(c.subs))
	seen := make(map[string]bool)
	for s := range c.subs {
		if !seen[s.filter] {
			seen[s.filter] = true
			filters = append(filters, s.filter)
		}
	}
	c.tasks.Add(1)
	c.mu.Unlock()
	c.log.Info("connected to the MQTT broker")
	go func() {
		defer c.tasks.Done()
		if err := c.subscribe(filters...); err != nil {
			c.log.Warn("cannot subscribe", "err", err)
		}
		c.mu.Lock()
		c.tell()
		c.mu.Unlock()
	}()
}

// disconnected returns true, which means: connect again.
func (c *Client) disconnected() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.up = false
	close(c.gone)
	if time.Since(c.since) < steady {
		c.flaps++
	} else {
		c.flaps = 0
	}
	if c.trouble == "" {
		c.trouble = "the connection broke"
	}
	c.tell()
	c.log.Warn("lost the MQTT broker", "why", c.trouble)
	return true
}

// failed notes why an attempt to connect failed, and logs it when it is news.
func (c *Client) failed(err error) {
	why := explain(err)
	if c.setTrouble(why) {
		c.log.Warn("cannot connect to the MQTT broker: trying on", "why", why)
	}
}

// setTrouble reports whether why differs from the last.
func (c *Client) setTrouble(why string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	news := c.trouble != why
	c.trouble = why
	return news
}

// pause is how long to wait before attempt n. Connections that break as soon
// as they are made, as when two clients share a name, count as attempts.
func (c *Client) pause(n int) time.Duration {
	c.mu.Lock()
	n = max(n, c.flaps-1)
	c.mu.Unlock()
	if n <= 0 {
		return 0
	}
	return min(slowest, 250*time.Millisecond<<min(n-1, 10))
}

// explain puts a failed attempt to connect in words.
func explain(err error) string {
	const old = "Hearth speaks MQTT 5; a broker that knows only MQTT 3.1.1 must be updated (Mosquitto: 2.0 or later)"
	var ack *autopaho.ConnackError
	switch {
	case errors.As(err, &ack) && (ack.ReasonCode == packets.ConnackUnsupportedProtocolVersion || ack.ReasonCode < 0x80):
		return "the broker does not take this version of MQTT: " + old
	case errors.As(err, &ack) && ack.ReasonCode == packets.ConnackBadUsernameOrPassword,
		errors.As(err, &ack) && ack.ReasonCode == packets.ConnackNotAuthorized:
		return "the broker refused the user name or password"
	case errors.As(err, &ack):
		return "the broker refused: " + reason(ack.ReasonCode)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the broker closed the connection without a valid greeting: " + old
	}
	if inner := errors.Unwrap(err); inner != nil {
		err = inner // without "failed to connect to", which the log says already
	}
	return err.Error()
}

// reason names a reason code (MQTT 5, section 2.4).
func reason(code byte) string {
	names := map[byte]string{
		0x80: "no reason given", 0x81: "malformed packet", 0x82: "protocol error", 0x83: "not acceptable to it",
		0x84: "unsupported protocol version", 0x85: "client name not valid", 0x86: "bad user name or password",
		0x87: "not authorised", 0x88: "server unavailable", 0x89: "server busy", 0x8a: "banned",
		0x8b: "server is shutting down", 0x8d: "keep-alive timeout",
		0x8e: "another client took the same client name", 0x8f: "topic filter not valid", 0x90: "topic name not valid",
		0x95: "packet too large", 0x96: "message rate too high", 0x97: "quota exceeded", 0x98: "administrative action",
		0x99: "payload format not valid", 0x9a: "retained messages are not supported", 0x9b: "quality of service not supported",
		0x9d: "server moved", 0x9f: "connection rate exceeded", 0xa2: "wildcards are not supported",
	}
	if n, ok := names[code]; ok {
		return n
	}
	return fmt.Sprintf("reason 0x%02x", code)
}
