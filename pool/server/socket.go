package server

import (
	"net"
	"time"
)

// Sizes of the kernel's buffers for one connection. What lies there cannot be
// taken back: a small one means that a slow reader is noticed, and gets the
// newest job instead of a row of old ones.
const (
	sendBuffer    = 32 << 10
	receiveBuffer = 16 << 10
)

// readBuffer is how much is read at once, in bytes: a login, or some ten shares.
const readBuffer = 1 << 10

// silence is how long the other end of a connection may leave packets
// unanswered before it is taken for gone.
const silence = time.Minute

// prepare sets a connection up so that it fails when the other end is gone
// without a word: with nothing to send the system asks whether it is still
// there (keepalive), with something to send it gives up in time. A connection
// that cannot be set up so is served all the same: the idle limit ends it.
func prepare(c net.Conn) {
	t, ok := c.(*net.TCPConn)
	if !ok {
		return
	}
	_ = t.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3})
	_ = t.SetWriteBuffer(sendBuffer)
	_ = t.SetReadBuffer(receiveBuffer)
	giveUpAfter(t, silence)
}

// readInto waits until something has come to buf, and takes it up with a hand.
func readInto(buf []byte, c net.Conn, p *hands) (*hand, error) {
	n, err := c.Read(buf)
	if err != nil {
		return nil, err
	}
	h := p.take()
	h.n = copy(h.buf[:], buf[:n])
	return h, nil
}
