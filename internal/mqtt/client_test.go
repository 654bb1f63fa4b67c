package mqtt_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"hearth/internal/mqtt"
	"hearth/internal/mqtt/mqtttest"
)

// inbox collects messages; next waits for one until the test's own time limit.
type inbox chan mqtt.Message

func (in inbox) next(t *testing.T) mqtt.Message {
	t.Helper()
	select {
	case m := <-in:
		return m
	case <-deadline(t):
		t.Fatal("no message came")
		return mqtt.Message{}
	}
}

func deadline(t *testing.T) <-chan struct{} {
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx.Done()
}

func connect(t *testing.T, cfg mqtt.Config, will *mqtt.Will) *mqtt.Client {
	t.Helper()
	c, err := mqtt.Connect(t.Context(), cfg, slog.New(slog.DiscardHandler), will)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func ready(t *testing.T, cfg mqtt.Config, will *mqtt.Will) *mqtt.Client {
	t.Helper()
	c := connect(t, cfg, will)
	if err := c.Await(t.Context()); err != nil {
		t.Fatal(err)
	}
	// The connection is there before the client has noted it.
	up := make(chan bool, 10)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.Watch(ctx, func(now bool) { up <- now })
	for !<-up {
	}
	return c
}

func listen(t *testing.T, c *mqtt.Client, filter string) inbox {
	t.Helper()
	in := make(inbox, 1000)
	if err := c.Listen(t.Context(), filter, func(m mqtt.Message) { in <- m }); err != nil {
		t.Fatal(err)
	}
	return in
}

func publish(t *testing.T, c *mqtt.Client, topic, payload string, retain bool) {
	t.Helper()
	if err := c.Publish(t.Context(), topic, []byte(payload), 1, retain); err != nil {
		t.Fatal(err)
	}
}

func TestEverySubscriberOfATopicGetsEveryMessage(t *testing.T) {
	cfg := mqtt.Config{URL: mqtttest.Start(t).URL}
	c := ready(t, cfg, nil)
	one, two := listen(t, c, "room/temp"), listen(t, c, "room/temp")
	wide, other := listen(t, c, "attic/#"), listen(t, c, "cellar/+")
	narrow := listen(t, c, "attic/temp")
	plain := make(chan string, 1)
	if err := c.Subscribe(t.Context(), "cellar/temp", func(topic string, payload []byte) { plain <- topic + " " + string(payload) }); err != nil {
		t.Fatal(err)
	}

	for _, payload := range []string{"20.5", "20.6"} {
		publish(t, c, "room/temp", payload, false)
	}
	publish(t, c, "cellar/temp", "12.0", false)
	for _, in := range []inbox{one, two} {
		for _, want := range []string{"20.5", "20.6"} {
			if m := in.next(t); string(m.Payload) != want || m.Topic != "room/temp" || m.Retained {
				t.Errorf("got %q on %s (retained: %v), want %q", m.Payload, m.Topic, m.Retained, want)
			}
		}
	}
	publish(t, c, "attic/temp", "5.0", false)
	for _, in := range []inbox{wide, narrow} {
		if m := in.next(t); m.Topic != "attic/temp" {
			t.Errorf("got %s of the attic", m.Topic)
		}
	}
	if m := other.next(t); m.Topic != "cellar/temp" {
		t.Errorf("cellar/+ got %s", m.Topic)
	}
	if got := <-plain; got != "cellar/temp 12.0" {
		t.Errorf("Subscribe got %q", got)
	}
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	c := ready(t, mqtt.Config{URL: mqtttest.Start(t).URL}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(inbox, 10)
	if err := c.Listen(ctx, "a", func(m mqtt.Message) { gone <- m }); err != nil {
		t.Fatal(err)
	}
	stays := listen(t, c, "a")
	publish(t, c, "a", "1", false)
	gone.next(t)
	stays.next(t)
	cancel()
	publish(t, c, "a", "2", false)
	if m := stays.next(t); string(m.Payload) != "2" {
		t.Errorf("the other subscriber got %q", m.Payload)
	}
	if len(gone) != 0 {
		t.Error("a subscriber got a message after its context ended")
	}
}

func TestARetainedMessageIsMarked(t *testing.T) {
	c := ready(t, mqtt.Config{URL: mqtttest.Start(t).URL}, nil)
	publish(t, c, "a", "old", true)
	in := listen(t, c, "a")
	if m := in.next(t); string(m.Payload) != "old" || !m.Retained {
		t.Errorf("got %q, retained %v", m.Payload, m.Retained)
	}
	publish(t, c, "a", "new", true)
	if m := in.next(t); string(m.Payload) != "new" || m.Retained {
		t.Errorf("got %q, retained %v: a live message is not marked", m.Payload, m.Retained)
	}
}

func TestTheConnectionMendsItself(t *testing.T) {
	broker := mqtttest.Start(t)
	c := ready(t, mqtt.Config{URL: broker.URL}, nil)
	in := listen(t, c, "a")
	up := make(chan bool, 10)
	c.Watch(t.Context(), func(now bool) { up <- now })
	if !<-up {
		t.Fatal("Watch tells a connected client as not connected")
	}

	broker.Stop()
	if <-up || c.Connected() {
		t.Error("the broker is gone, yet the client is connected")
	}
	err := c.Publish(t.Context(), "a", []byte("lost"), 1, false)
	if !errors.Is(err, mqtt.ErrDown) {
		t.Errorf("publish without a broker: %v, want ErrDown", err)
	}
	// A subscription made while there is no connection counts as well.
	late := listen(t, c, "b")

	broker.Resume()
	if !<-up {
		t.Error("Watch tells the reconnect as a loss")
	}
	publish(t, c, "a", "1", false)
	publish(t, c, "b", "2", false)
	if m := in.next(t); string(m.Payload) != "1" {
		t.Errorf("got %q: a message from before the reconnect must not be sent late", m.Payload)
	}
	if m := late.next(t); string(m.Payload) != "2" {
		t.Errorf("got %q", m.Payload)
	}
}

func TestTheWillIsSaid(t *testing.T) {
	broker := mqtttest.Start(t)
	watcher := ready(t, mqtt.Config{URL: broker.URL}, nil)
	in := listen(t, watcher, "hearth/status")
	will := &mqtt.Will{Topic: "hearth/status", Payload: []byte("offline"), Retain: true}

	t.Run("when the client closes", func(t *testing.T) {
		c := ready(t, mqtt.Config{URL: broker.URL}, will)
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
		if m := in.next(t); string(m.Payload) != "offline" {
			t.Errorf("got %q", m.Payload)
		}
		if err := c.Publish(t.Context(), "a", nil, 0, false); !errors.Is(err, mqtt.ErrDown) {
			t.Errorf("publish on a closed client: %v", err)
		}
		if err := c.Listen(t.Context(), "a", func(mqtt.Message) {}); !errors.Is(err, mqtt.ErrDown) {
			t.Errorf("listen on a closed client: %v", err)
		}
	})
	t.Run("when its context ends", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		c, err := mqtt.Connect(ctx, mqtt.Config{URL: broker.URL}, slog.New(slog.DiscardHandler), will)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
		cancel()
		if m := in.next(t); string(m.Payload) != "offline" {
			t.Errorf("got %q", m.Payload)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Run("when the line breaks", func(t *testing.T) {
		line := newLine(t, strings.TrimPrefix(broker.URL, "mqtt://"))
		ready(t, mqtt.Config{URL: "mqtt://" + line.addr}, will)
		line.cut()
		if m := in.next(t); string(m.Payload) != "offline" {
			t.Errorf("got %q", m.Payload)
		}
	})
}

func TestASlowSubscriberHoldsUpNobody(t *testing.T) {
	c := ready(t, mqtt.Config{URL: mqtttest.Start(t).URL}, nil)
	release := make(chan struct{})
	first := make(chan struct{}, 1000)
	var mu sync.Mutex
	var slow []string
	if err := c.Subscribe(t.Context(), "n", func(_ string, b []byte) {
		first <- struct{}{}
		<-release
		mu.Lock()
		slow = append(slow, string(b))
		mu.Unlock()
	}); err != nil {
		t.Fatal(err)
	}
	quick := listen(t, c, "n")
	publish(t, c, "n", "0", false)
	<-first // it hangs with the first message in hand
	const n = 300
	for i := 1; i <= n; i++ {
		publish(t, c, "n", fmt.Sprint(i), false)
	}
	for i := range n + 1 {
		if m := quick.next(t); string(m.Payload) != fmt.Sprint(i) {
			t.Fatalf("message %d is %q", i, m.Payload)
		}
	}
	close(release)
	publish(t, c, "n", "last", false)
	for {
		<-first
		mu.Lock()
		done := len(slow) > 0 && slow[len(slow)-1] == "last"
		got := len(slow)
		mu.Unlock()
		if done || got > n+2 {
			break
		}
		// The last message's own signal comes before it is noted.
		if len(first) == 0 {
			publish(t, c, "n", "last", false)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if slow[0] != "0" || slow[1] != fmt.Sprint(n-255) && slow[1] != fmt.Sprint(n-254) {
		t.Errorf("the slow subscriber got %q, %q first: want the oldest dropped", slow[0], slow[1])
	}
}

func TestAPanickingHandlerEndsNothing(t *testing.T) {
	c := ready(t, mqtt.Config{URL: mqtttest.Start(t).URL}, nil)
	in := make(inbox, 10)
	if err := c.Listen(t.Context(), "a", func(m mqtt.Message) {
		if string(m.Payload) == "bad" {
			panic("bad")
		}
		in <- m
	}); err != nil {
		t.Fatal(err)
	}
	publish(t, c, "a", "bad", false)
	publish(t, c, "a", "good", false)
	if m := in.next(t); string(m.Payload) != "good" {
		t.Errorf("got %q", m.Payload)
	}
}

func TestPasswordsAndRights(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		p := filepath.Join(dir, name)
		if err := os.WriteFile(p, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	// mosquitto_passwd is not needed: a line of its file is
	// user:$7$iterations$salt$PBKDF2-SHA512, made here for the password "warm".
	passwords := write("passwords", mosquittoLine("hearth", "warm"))
	acl := write("acl", "user hearth\ntopic readwrite hearth/#\n")
	broker := mqtttest.Start(t, "allow_anonymous false", "password_file "+passwords, "acl_file "+acl)

	t.Run("the right password opens", func(t *testing.T) {
		c := ready(t, mqtt.Config{URL: broker.URL, Username: "hearth", PasswordFile: "file:" + write("right", "warm\n")}, nil)
		publish(t, c, "hearth/a", "1", false)
		err := c.Publish(t.Context(), "others/a", nil, 1, false)
		if err == nil || !strings.Contains(err.Error(), "refused") {
			t.Errorf("publish to a forbidden topic: %v", err)
		}
	})
	t.Run("the wrong password says so", func(t *testing.T) {
		c := connect(t, mqtt.Config{URL: broker.URL, Username: "hearth", PasswordFile: write("wrong", "cold")}, nil)
		wantTrouble(t, c, "refused the user name or password")
	})
	t.Run("a missing file is an error at once", func(t *testing.T) {
		_, err := mqtt.Connect(t.Context(), mqtt.Config{URL: broker.URL, Username: "hearth", PasswordFile: filepath.Join(dir, "none")}, slog.Default(), nil)
		if !errors.Is(err, os.ErrNotExist) {
			t.Errorf("got %v", err)
		}
	})
}

// wantTrouble tries to publish until the client knows why it cannot.
func wantTrouble(t *testing.T, c *mqtt.Client, want string) {
	t.Helper()
	var err error
	for range 1000 {
		err = c.Publish(t.Context(), "a", nil, 0, false)
		if err != nil && strings.Contains(err.Error(), want) {
			if !errors.Is(err, mqtt.ErrDown) {
				t.Errorf("%v is not ErrDown", err)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("publish: %v, want %q in it", err, want)
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	broker := mqtttest.Start(t, "allow_anonymous true", "certfile "+cert, "keyfile "+key)

	c := ready(t, mqtt.Config{URL: broker.URL, CA: cert}, nil)
	in := listen(t, c, "a")
	publish(t, c, "a", "1", false)
	in.next(t)

	stranger := connect(t, mqtt.Config{URL: broker.URL}, nil)
	wantTrouble(t, stranger, "certificate")

	if _, err := mqtt.Connect(t.Context(), mqtt.Config{URL: broker.URL, CA: key}, slog.Default(), nil); err == nil {
		t.Error("a key passed as certificate authority")
	}
}

func TestAnOldBrokerIsNamed(t *testing.T) {
	for name, reply := range map[string]string{
		"refuses the version as 3.1.1 does": "\x20\x02\x00\x01",
		"closes without a word":             "",
	} {
		t.Run(name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			go func() {
				for {
					conn, err := l.Accept()
					if err != nil {
						return
					}
					buf := make([]byte, 512)
					_, _ = conn.Read(buf)
					_, _ = io.WriteString(conn, reply)
					conn.Close()
				}
			}()
			c := connect(t, mqtt.Config{URL: "mqtt://" + l.Addr().String()}, nil)
			wantTrouble(t, c, "knows only MQTT 3.1.1")
		})
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	for _, c := range []struct {
		cfg  mqtt.Config
		want string
	}{
		{mqtt.Config{}, "missing"},
		{mqtt.Config{URL: "localhost"}, "mqtt://host"},
		{mqtt.Config{URL: "localhost:1883"}, "mqtt://host"},
		{mqtt.Config{URL: "http://localhost"}, "mqtt://host"},
		{mqtt.Config{URL: "mqtt://"}, "mqtt://host"},
		{mqtt.Config{URL: "mqtt://host/topic"}, "mqtt://host"},
		{mqtt.Config{URL: "mqtt://user:secret@host"}, "password_file"},
		{mqtt.Config{URL: "mqtt://user:%zz@host"}, "not a URL"},
		{mqtt.Config{URL: "mqtt://host", CA: "ca.pem"}, "mqtts://"},
		{mqtt.Config{URL: "mqtt://host", PasswordFile: "p"}, "no username"},
	} {
		err := c.cfg.Check()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q in it", c.cfg.URL, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the error repeats a password: %v", err)
		}
		if _, err := mqtt.Connect(t.Context(), c.cfg, slog.Default(), nil); err == nil {
			t.Errorf("Connect took %q", c.cfg.URL)
		}
	}
	for _, url := range []string{"mqtt://host", "tcp://host:1884", "mqtts://[::1]:8883/", "ssl://host"} {
		if err := (mqtt.Config{URL: url}).Check(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	_, err := mqtt.Connect(t.Context(), mqtt.Config{URL: "mqtt://host"}, slog.Default(), &mqtt.Will{Topic: "a/#"})
	if err == nil {
		t.Error("Connect took a will with a wildcard")
	}
}

// line is a TCP line to a broker that a test can cut.
type line struct {
	addr  string
	mu    sync.Mutex
	conns []net.Conn
}

func newLine(t *testing.T, to string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := &line{addr: l.Addr().String()}
	t.Cleanup(func() {
		l.Close()
		ln.cut()
	})
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				near.Close()
				continue
			}
			ln.mu.Lock()
			ln.conns = append(ln.conns, near, far)
			ln.mu.Unlock()
			go func() { _, _ = io.Copy(far, near) }()
			go func() { _, _ = io.Copy(near, far) }()
		}
	}()
	return ln
}

func (l *line) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, c := range l.conns {
		c.Close()
	}
	l.conns = nil
}

func certificate(t *testing.T, dir string) (certFile, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "broker"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct {
		name, kind string
		der        []byte
	}{{"cert.pem", "CERTIFICATE", der}, {"key.pem", "PRIVATE KEY", keyDER}} {
		b := pem.EncodeToMemory(&pem.Block{Type: f.kind, Bytes: f.der})
		if err := os.WriteFile(filepath.Join(dir, f.name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
}
