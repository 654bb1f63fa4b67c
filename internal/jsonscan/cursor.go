package jsonscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"iter"
)

// MaxDepth is how deep a value that is skipped may be nested.
const MaxDepth = 64

// Cursor is a place in a document. It must not be used by two goroutines at a
// time.
type Cursor struct {
	doc []byte
	at  int
	err error
}

// New is a cursor at the begin of doc, which must not change as long as what
// was read from it is used.
func New(doc []byte) *Cursor { return &Cursor{doc: doc} }

// End is the first mistake that was met, or that there is more after the value
// that was read.
func (c *Cursor) End() error {
	c.space()
	if c.err == nil && c.at != len(c.doc) {
		c.fail("the end")
	}
	return c.err
}

// Err is the first mistake that was met.
func (c *Cursor) Err() error { return c.err }

// Object reads an object: for each member it yields the name, and the body of
// the loop must read or skip the value. A name is valid until the next.
func (c *Cursor) Object() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		if !c.take('{') || c.has('}') {
			return
		}
		for {
			name := c.Text()
			if !c.take(':') || !yield(name) {
				return
			}
			if c.has('}') || !c.take(',') {
				return
			}
		}
	}
}

// Array reads an array: it yields the index of each element, and the body of the
// loop must read or skip it.
func (c *Cursor) Array() iter.Seq[int] {
	return func(yield func(int) bool) {
		if !c.take('[') || c.has(']') {
			return
		}
		for i := 0; ; i++ {
			if c.err != nil || !yield(i) {
				return
			}
			if c.has(']') || !c.take(',') {
				return
			}
		}
	}
}

// Text reads a string. What it returns is a part of the document, unless the
// string has escapes; whether it is UTF-8 is not asked.
func (c *Cursor) Text() []byte {
	if !c.take('"') {
		return nil
	}
	begin := c.at
	for {
		n := bytes.IndexByte(c.doc[c.at:], '"')
		if n < 0 {
			c.at = len(c.doc)
			c.fail("the end of a string")
			return nil
		}
		c.at += n + 1
		s := c.doc[begin : c.at-1]
		if bytes.IndexByte(s, '\\') < 0 {
			return s
		}
		if odd(s) {
			continue // an escaped quote: the string goes on
		}
		var text string
		if err := json.Unmarshal(c.doc[begin-1:c.at], &text); err != nil {
			c.at = begin
			c.fail("a string")
			return nil
		}
		return []byte(text)
	}
}

// odd reports whether s ends in an odd number of backslashes.
func odd(s []byte) bool {
	n := len(s)
	for n > 0 && s[n-1] == '\\' {
		n--
	}
	return (len(s)-n)%2 == 1
}

// Int reads a whole number.
func (c *Cursor) Int() int64 {
	if c.err != nil {
		return 0
	}
	c.space()
	begin := c.at
	minus := c.at < len(c.doc) && c.doc[c.at] == '-'
	if minus {
		c.at++
	}
	digits := c.at
	var n int64
	for c.at < len(c.doc) && c.doc[c.at] >= '0' && c.doc[c.at] <= '9' {
		if c.at-digits == 18 {
			c.at = begin
			c.fail("a whole number of at most 18 digits")
			return 0
		}
		n = 10*n + int64(c.doc[c.at]-'0')
		c.at++
	}
	if c.at == digits || c.at < len(c.doc) && bytes.IndexByte([]byte(".eE"), c.doc[c.at]) >= 0 {
		c.at = begin
		c.fail("a whole number")
		return 0
	}
	if minus {
		n = -n
	}
	return n
}

// Null reads a null if there is one.
func (c *Cursor) Null() bool {
	c.space()
	if c.err == nil && bytes.HasPrefix(c.doc[c.at:], []byte("null")) {
		c.at += 4
		return true
	}
	return false
}

// Skip goes over a value and returns it as it stands in the document.
func (c *Cursor) Skip() []byte {
	c.space()
	begin := c.at
	var kinds uint64 // a bit for each open bracket: 1 for {
	depth := 0
	for c.err == nil {
		if c.at == len(c.doc) {
			c.fail("a value")
			break
		}
		switch b := c.doc[c.at]; b {
		case '"':
			c.string()
		case '{', '[':
			if depth == MaxDepth {
				c.fail(fmt.Sprintf("at most %d levels", MaxDepth))
				break
			}
			kinds <<= 1
			if b == '{' {
				kinds |= 1
			}
			depth++
			c.at++
		case '}', ']':
			if depth == 0 || (b == '}') != (kinds&1 == 1) {
				c.fail("a value")
				break
			}
			kinds >>= 1
			depth--
			c.at++
		case ',', ':':
			if depth == 0 {
				c.fail("a value")
				break
			}
			c.at++
		case ' ', '\t', '\r', '\n':
			c.at++
			continue
		default:
			c.word()
		}
		if depth == 0 {
			break
		}
	}
	if c.err != nil {
		return nil
	}
	return c.doc[begin:c.at]
}

// string goes over a string.
func (c *Cursor) string() {
	begin := c.at + 1
	c.at = begin
	for {
		n := bytes.IndexByte(c.doc[c.at:], '"')
		if n < 0 {
			c.at = len(c.doc)
			c.fail("the end of a string")
			return
		}
		c.at += n + 1
		if !odd(c.doc[begin : c.at-1]) {
			return
		}
	}
}

// word goes over a number, true, false or null.
func (c *Cursor) word() {
	begin := c.at
	for c.at < len(c.doc) {
		b := c.doc[c.at]
		if b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b == '-' || b == '+' || b == '.' || b == 'E' {
			c.at++
			continue
		}
		break
	}
	if c.at == begin {
		c.fail("a value")
	}
}

// take reads b, which must be next.
func (c *Cursor) take(b byte) bool {
	if !c.has(b) {
		c.fail(fmt.Sprintf("%q", b))
		return false
	}
	return true
}

// has reads b if it is next.
func (c *Cursor) has(b byte) bool {
	c.space()
	if c.err != nil || c.at == len(c.doc) || c.doc[c.at] != b {
		return false
	}
	c.at++
	return true
}

func (c *Cursor) space() {
	for c.at < len(c.doc) {
		switch c.doc[c.at] {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return
		}
	}
}

// fail notes the first mistake.
func (c *Cursor) fail(want string) {
	if c.err != nil {
		return
	}
	if c.at >= len(c.doc) {
		c.err = fmt.Errorf("the JSON ends where %s should be", want)
		return
	}
	c.err = fmt.Errorf("the JSON has %q at byte %d, want %s", c.doc[c.at], c.at, want)
}
