package job

import (
	"bytes"
	"strconv"
)

// Head is what the head of a block to come is known by before its transactions
// are: enough for a job without transactions.
type Head struct {
	Height  int64
	Prev    Hash
	Bits    uint32
	Version uint32
	Time    uint32 // the node's time, seconds since 1970
	MinTime uint32 // the first time that a block may carry; 0: Time
}

// peeked is how much of a reply's begin and of its end is looked at: the members
// that matter stand before the transactions (btcd) or after them (Bitcoin Core).
const peeked = 16 << 10

// Peek finds the head of a block to come in the part of a node's reply that has
// arrived, before it is parsed or even complete. What it says is to be believed
// only until [ReadTemplate] has read the whole: it looks for the names of members
// near both ends, which takes microseconds whatever the size. Version and MinTime
// are 0 if they are not there yet.
func Peek(reply []byte) (Head, bool) {
	first, last := reply, []byte(nil)
	if len(reply) > peeked {
		first, last = reply[:peeked], reply[max(peeked, len(reply)-peeked):]
	}
	find := func(name string) []byte {
		if v := member(first, name); v != nil {
			return v
		}
		return member(last, name)
	}
	prev, err := reversed(text(find("previousblockhash")))
	if err != nil {
		return Head{}, false
	}
	h := Head{Prev: prev}
	h.Height, err = strconv.ParseInt(string(find("height")), 10, 64)
	if err != nil || h.Height < 1 {
		return Head{}, false
	}
	bits, err := strconv.ParseUint(string(text(find("bits"))), 16, 32)
	if err != nil || bits == 0 {
		return Head{}, false
	}
	h.Bits = uint32(bits)
	now, err := strconv.ParseUint(string(find("curtime")), 10, 32)
	if err != nil || now == 0 {
		return Head{}, false
	}
	h.Time = uint32(now)
	if v, err := strconv.ParseInt(string(find("version")), 10, 64); err == nil {
		h.Version = uint32(v)
	}
	if v, err := strconv.ParseUint(string(find("mintime")), 10, 32); err == nil {
		h.MinTime = uint32(v)
	}
	return h, true
}

// member is the value of the first member of that name: a number or a string
// with its quotes. It is nil if it is not there to its end.
func member(part []byte, name string) []byte {
	quoted := `"` + name + `"`
	at := bytes.Index(part, []byte(quoted))
	if at < 0 {
		return nil
	}
	v := bytes.TrimLeft(part[at+len(quoted):], " \t\r\n")
	if len(v) == 0 || v[0] != ':' {
		return nil
	}
	v = bytes.TrimLeft(v[1:], " \t\r\n")
	end := bytes.IndexAny(v, ",} \t\r\n")
	if end < 0 {
		return nil
	}
	return v[:end]
}

// text is what stands between quotes.
func text(v []byte) []byte {
	if len(v) < 2 || v[0] != '"' || v[len(v)-1] != '"' {
		return nil
	}
	return v[1 : len(v)-1]
}
