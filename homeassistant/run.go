package homeassistant

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/internal/mqtt"
)

// Options is what [Run] needs.
type Options struct {
	Home Home
	// Broker is a connection that was made with the [Will] of the same Node.
	Broker *mqtt.Client
	// Node tells homes on one broker apart; it stands in every topic and id,
	// so that another node is another home to Home Assistant. Empty is "home".
	Node string
	// Version is Hearth's, shown as the home's firmware.
	Version string
	// Page is the address of Hearth's page, which Home Assistant links to;
	// empty where there is none that others can reach.
	Page string
	// Pace is the least time between two rounds of messages; 0 is a second.
	Pace time.Duration
	Log  *slog.Logger
}

const (
	// beat is how often unchanged values are said again, well within expire.
	beat = time.Minute
	// patience bounds one message and one command.
	patience = 10 * time.Second
)

// Run keeps Home Assistant informed and obeys it, until ctx ends. It then says
// that the home is offline. A broker that is down is waited for. The error is
// never that of a single message.
func Run(ctx context.Context, o Options) error {
	if o.Pace <= 0 {
		o.Pace = time.Second
	}
	b := &bridge{
		Options: o, names: namesOf(o.Node),
		wake: make(chan struct{}, 1),
		said: map[string]string{},
		held: map[string]holding{},
	}
	b.view = view{names: b.names, version: o.Version, page: o.Page}
	return b.run(ctx)
}

// bridge is one run. The loop alone talks; handlers leave notes under mu and
// wake it.
type bridge struct {
	Options
	names names
	view  view
	wake  chan struct{}

	// said is what the broker was last told, by topic, since the connection
	// was made. Only the loop uses it.
	said map[string]string

	mu    sync.Mutex // guards what follows
	again bool       // say everything again
	cut   func()     // ends the wait for the message under way
	// held is what the broker holds of this home, by object. The maps and
	// slices in it are replaced, never changed.
	held map[string]holding
}

// holding is what the broker holds of one thing.
type holding struct {
	platforms map[string]string // of its entities, by key
	topics    []string          // of its values
}

func (b *bridge) run(ctx context.Context) error {
	// The handlers end with the run, but not before its last word is said.
	listening, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()

	up := make(chan bool, 1)
	b.Broker.Watch(listening, func(is bool) {
		b.giveUp()
		if is {
			b.repeat()
		}
		select {
		case <-up:
		default:
		}
		up <- is
	})
	for filter, handle := range map[string]func(mqtt.Message){
		statusTopic:         b.hearStatus,
		b.names.config("+"): b.hearConfig,
		b.names.commands():  func(m mqtt.Message) { b.hearCommand(ctx, m) },
	} {
		if err := b.Broker.Listen(listening, filter, handle); err != nil {
			return err
		}
	}

	beats := time.NewTicker(beat)
	defer beats.Stop()
	changes := b.Home.Watch(ctx)
	connected := false
	var told time.Time // the home's time when everything was last said
	for {
		select {
		case <-ctx.Done():
			b.leave(context.WithoutCancel(ctx))
			return nil
		case connected = <-up:
		case <-b.wake:
		case _, open := <-changes:
			if !open {
				changes = nil
			}
		case <-beats.C:
			// A home whose clock stands still hangs: what it last said must
			// grow old.
			if at := b.Home.State().At; at.After(told) {
				told = at
				b.repeat()
			}
		}
		if !connected {
			continue
		}
		if err := b.round(ctx); err != nil && ctx.Err() == nil {
			// What was not said is said with the next connection.
			b.Log.Warn("cannot tell Home Assistant", "err", err)
		}
		pause(ctx, b.Pace)
	}
}

// pause waits for d or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// repeat makes the next round say everything, changed or not.
func (b *bridge) repeat() {
	b.mu.Lock()
	b.again = true
	b.mu.Unlock()
	b.rouse()
}

func (b *bridge) rouse() {
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

// round says what has changed since the last.
func (b *bridge) round(ctx context.Context) error {
	b.mu.Lock()
	if b.again {
		b.again = false
		clear(b.said)
	}
	held := maps.Clone(b.held)
	b.mu.Unlock()

	things := b.view.things(b.Home.State())
	present := map[string]bool{}
	for _, t := range things {
		object := t.names.object(t.kind, t.id)
		present[object] = true
		gone := map[string]string{}
		for key, platform := range held[object].platforms {
			if _, has := t.entities[key]; !has {
				gone[key] = platform
			}
		}
		if len(gone) > 0 {
			// First the message that removes them, then the one without them.
			if err := b.say(ctx, t.config(b.Version, b.Page, gone)); err != nil {
				return err
			}
		}
		if err := b.say(ctx, t.config(b.Version, b.Page, nil)); err != nil {
			return err
		}
		b.remember(object, t, gone)
	}
	for _, object := range slices.Sorted(maps.Keys(held)) {
		if present[object] {
			continue
		}
		b.Log.Info("a thing is gone: removing it from Home Assistant", "object", object)
		for _, topic := range append([]string{b.names.config(object)}, held[object].topics...) {
			if err := b.say(ctx, message{topic, ""}); err != nil {
				return err
			}
		}
		b.forget(object)
	}
	for _, t := range things {
		for _, m := range t.values {
			if err := b.say(ctx, m); err != nil {
				return err
			}
		}
	}
	return b.say(ctx, message{b.names.availability(), online})
}

// say publishes a message unless it was the last on its topic. A message that
// is under way when ctx ends is still waited for.
func (b *bridge) say(ctx context.Context, m message) error {
	if last, ok := b.said[m.topic]; ok && last == m.payload {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	b.mu.Lock()
	b.cut = cancel
	b.mu.Unlock()
	if err := b.Broker.Publish(ctx, m.topic, []byte(m.payload), 1, true); err != nil {
		delete(b.said, m.topic)
		return err
	}
	b.said[m.topic] = m.payload
	return nil
}

// giveUp ends the wait for an acknowledgement that a broken connection will
// never bring.
func (b *bridge) giveUp() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cut != nil {
		b.cut()
	}
}

// leave says that the home is offline: a broker tells a last will only when a
// connection ends, and others may share this one.
func (b *bridge) leave(ctx context.Context) {
	err := b.say(ctx, message{b.names.availability(), offline})
	if err != nil && !errors.Is(err, mqtt.ErrDown) {
		b.Log.Warn("cannot tell Home Assistant that Hearth stops", "err", err)
	}
}

// remember notes what the broker now holds of a thing. Entities that it was
// found to hold meanwhile stay noted, to be removed in the next round.
func (b *bridge) remember(object string, t *thing, gone map[string]string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := holding{platforms: map[string]string{}}
	for key, platform := range b.held[object].platforms {
		if _, removed := gone[key]; !removed {
			h.platforms[key] = platform
		}
	}
	for key, e := range t.entities {
		h.platforms[key] = e.Platform
	}
	for _, m := range t.values {
		h.topics = append(h.topics, m.topic)
	}
	b.held[object] = h
}

func (b *bridge) forget(object string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.held, object)
}

// hearStatus answers Home Assistant's start with everything.
func (b *bridge) hearStatus(m mqtt.Message) {
	if string(m.Payload) == online && !m.Retained {
		b.repeat()
	}
}

// hearConfig learns which things and entities of this home the broker holds,
// so that those of an earlier run that are gone can be removed.
func (b *bridge) hearConfig(m mqtt.Message) {
	object := strings.TrimSuffix(strings.TrimPrefix(m.Topic, discovery+"/device/"), "/config")
	if !m.Retained || len(m.Payload) == 0 {
		return
	}
	found, ok := b.names.ours(m.Payload)
	if !ok {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.held[object]
	maps.Copy(found.platforms, before.platforms)
	found.topics = append(found.topics, before.topics...)
	slices.Sort(found.topics)
	found.topics = slices.Compact(found.topics)
	b.held[object] = found
	if len(found.platforms) > len(before.platforms) {
		b.rouse()
	}
}

// ours reads a discovery message and reports whether it is of this very home:
// a node's name may be the beginning of another's.
func (n names) ours(payload []byte) (h holding, ok bool) {
	var c struct {
		Entities map[string]map[string]any `json:"cmps"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return holding{}, false
	}
	h.platforms = make(map[string]string, len(c.Entities))
	for key, e := range c.Entities {
		h.platforms[key], _ = e["p"].(string)
		for _, v := range e {
			list, isList := v.([]any)
			if !isList {
				list = []any{v}
			}
			for _, item := range list {
				if o, isObject := item.(map[string]any); isObject {
					item = o["topic"]
				}
				topic, _ := item.(string)
				switch {
				case topic == n.availability():
					ok = true
				case strings.HasPrefix(topic, n.base()+"/") && !strings.HasSuffix(topic, "/set"):
					h.topics = append(h.topics, topic)
				}
			}
		}
	}
	return h, ok
}

// hearCommand obeys, and says why not where it does not. Home Assistant shows
// what the home says, not what it was asked, so a refusal needs no answer but
// the unchanged value, said again.
func (b *bridge) hearCommand(ctx context.Context, m mqtt.Message) {
	if m.Retained {
		// It may be of any age, and would come again after each reconnect.
		b.Log.Warn("a retained command is ignored: send commands without the retain flag", "topic", m.Topic)
		return
	}
	if ctx.Err() != nil {
		return // Hearth stops
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := obey(ctx, b.Home, b.names, m.Topic, m.Payload); err != nil {
		b.Log.Warn("a command from Home Assistant was not carried out", "topic", m.Topic, "err", err)
	}
	b.repeat()
}
