package mqtt

import (
	"context"
	"sync"
	"time"
)

// Latest keeps the newest message of each of some topics, and when it came.
// It is safe for concurrent use.
type Latest struct {
	cancel context.CancelFunc

	mu   sync.Mutex
	seen map[string]arrival
}

type arrival struct {
	m  Message
	at time.Time
}

// Keep begins to keep the newest messages of the topics, stamped by now, until
// [Latest.Close].
func (c *Client) Keep(now func() time.Time, topics ...string) (*Latest, error) {
	ctx, cancel := context.WithCancel(context.Background())
	l := &Latest{cancel: cancel, seen: make(map[string]arrival)}
	for _, topic := range topics {
		if err := CheckTopic(topic); err != nil {
			cancel()
			return nil, err
		}
		if err := c.Listen(ctx, topic, func(m Message) { l.take(m, now()) }); err != nil {
			cancel()
			return nil, err
		}
	}
	return l, nil
}

func (l *Latest) take(m Message, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	// The broker repeats what it retains after each reconnect: that is no news,
	// and must not make an old value young.
	if old, ok := l.seen[m.Topic]; ok && m.Retained && string(old.m.Payload) == string(m.Payload) {
		return
	}
	l.seen[m.Topic] = arrival{m, at}
}

// Get returns the newest message of a topic and when it came, and false if
// none has come yet. The age of a message that is marked as retained counts
// from when the broker passed it on; when it was said nobody knows.
func (l *Latest) Get(topic string) (Message, time.Time, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	a, ok := l.seen[topic]
	return a.m, a.at, ok
}

// Close ends the subscriptions.
func (l *Latest) Close() { l.cancel() }
