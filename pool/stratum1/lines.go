package stratum1

import (
	"bytes"
	"errors"
	"fmt"
)

// The bounds of a line, and what Lines keeps while nothing comes.
const (
	// MinerLine is the longest line that a miner may send: a submission has
	// about 200 bytes, a login with a long agent 1 KiB.
	MinerLine = 16 << 10
	// PoolLine is the longest line that a pool may send: a notification with a
	// coinbase of many outputs.
	PoolLine = 64 << 10

	restLines = 1 << 10
)

// ErrLong is the error of Lines when a line is longer than its bound. Nothing
// after it can be read: close the connection.
var ErrLong = errors.New("the line is too long")

// Lines cuts what a connection delivers into lines. It holds at most Max bytes,
// and 1 KiB while the connection is quiet. Read into Space, say how much with
// Wrote, then take Next until it has no more.
type Lines struct {
	// Max is the longest line, its line feed included. Zero: MinerLine.
	Max int

	buf    []byte
	at     int // the first byte not yet given out
	end    int // behind the last byte that came
	looked int // bytes from at on that are known to have no line feed
}

// Space returns room for what comes next, never none. The line that Next gave
// last is overwritten.
func (l *Lines) Space() []byte {
	limit := l.limit()
	if l.at == l.end {
		l.at, l.end = 0, 0
		if len(l.buf) == 0 || len(l.buf) > restLines {
			l.buf = make([]byte, min(restLines, limit))
		}
		return l.buf
	}
	if l.at > 0 {
		l.end = copy(l.buf, l.buf[l.at:l.end])
		l.at = 0
	}
	if l.end == len(l.buf) {
		// One byte above the limit, so that there is always room, and Next finds
		// the line too long once it is filled.
		grown := make([]byte, min(2*len(l.buf), limit+1))
		copy(grown, l.buf[:l.end])
		l.buf = grown
	}
	return l.buf[l.end:]
}

// Wrote says that n bytes were put into Space.
func (l *Lines) Wrote(n int) { l.end += n }

// Next returns the next whole line without its line feed or carriage return;
// it may be empty and is valid until Space is called. ok is false when more
// must be read first. The error is ErrLong.
func (l *Lines) Next() (line []byte, ok bool, err error) {
	rest := l.buf[l.at:l.end]
	i := bytes.IndexByte(rest[l.looked:], '\n')
	if i < 0 {
		if len(rest) >= l.limit() {
			return nil, false, fmt.Errorf("read a line: %w: no end within %d bytes", ErrLong, l.limit())
		}
		l.looked = len(rest)
		return nil, false, nil
	}
	i += l.looked
	l.at += i + 1
	l.looked = 0
	return bytes.TrimSuffix(rest[:i], []byte{'\r'}), true, nil
}

func (l *Lines) limit() int {
	if l.Max <= 0 {
		return MinerLine
	}
	return l.Max
}
