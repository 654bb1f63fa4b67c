package stratum1

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// message is one line of the protocol: the members of its object as they
// stand there, still JSON, except for the method, which is text. A member that
// is absent is nil. It points into the line.
type message struct {
	id, method, params, result, fault, reason []byte
}

// parse reads one line. What miners and pools send by the million is read by
// hand; whatever is spelt in another way goes to encoding/json, which decides.
func parse(line []byte) (message, error) {
	var m message
	if m.scan(line) {
		return m, nil
	}
	return parseSlow(line)
}

// parseSlow is parse for any JSON.
func parseSlow(line []byte) (message, error) {
	var v struct {
		ID     json.RawMessage `json:"id"`
		Method *string         `json:"method"`
		Params json.RawMessage `json:"params"`
		Result json.RawMessage `json:"result"`
		Error  json.RawMessage `json:"error"`
		Reason json.RawMessage `json:"reject-reason"`
	}
	if err := json.Unmarshal(line, &v); err != nil {
		return message{}, fmt.Errorf("read a line of %d bytes: it is not a JSON object with a method or a result: %w", len(line), err)
	}
	if first := bytes.TrimLeft(line, " \t\r\n"); len(first) == 0 || first[0] != '{' {
		return message{}, errors.New("read a line: it is not a JSON object")
	}
	m := message{id: v.ID, params: v.Params, result: v.Result, fault: v.Error, reason: v.Reason}
	if v.Method != nil {
		m.method = []byte(*v.Method)
	}
	return m, nil
}

// scan reads a line in the spelling that everybody uses. False means "not
// sure", never "wrong".
func (m *message) scan(line []byte) bool {
	i := space(line, 0)
	if i == len(line) || line[i] != '{' {
		return false
	}
	for i = space(line, i+1); ; i = space(line, i+1) {
		from := i
		if i = skipPlain(line, i); i < 0 {
			return false
		}
		key := line[from+1 : i-1]
		if i = space(line, i); i == len(line) || line[i] != ':' {
			return false
		}
		from = space(line, i+1)
		if i = skip(line, from, 0); i < 0 || !m.set(key, line[from:i]) {
			return false
		}
		if i = space(line, i); i == len(line) {
			return false
		}
		if line[i] == '}' {
			return space(line, i+1) == len(line)
		}
		if line[i] != ',' {
			return false
		}
		if next := space(line, i+1); next == len(line) || line[next] != '"' {
			return false
		}
	}
}

// set keeps a member. It is not sure of a member that comes twice, or of a
// name that encoding/json would take for one of ours.
func (m *message) set(key, value []byte) bool {
	var to *[]byte
	switch string(key) {
	case "id":
		to = &m.id
	case "method":
		if len(value) < 2 || value[0] != '"' || bytes.IndexByte(value, '\\') >= 0 || !ascii(value) {
			return false
		}
		to, value = &m.method, value[1:len(value)-1]
	case "params":
		to = &m.params
	case "result":
		to = &m.result
	case "error":
		to = &m.fault
	case "reject-reason":
		to = &m.reason
	case "jsonrpc":
		return true
	default:
		return !ours(key)
	}
	if *to != nil {
		return false
	}
	*to = value
	return true
}

// ours reports whether encoding/json might take key for a member of message:
// it does not heed upper and lower case, nor that some letters outside ASCII
// have an ASCII letter as their other case.
func ours(key []byte) bool {
	if !ascii(key) {
		return true
	}
	for _, name := range [...]string{"id", "method", "params", "result", "error", "reject-reason"} {
		if len(key) == len(name) && bytes.EqualFold(key, []byte(name)) {
			return true
		}
	}
	return false
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// space returns the place of the first byte from i on that is not white space.
func space(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// maxDepth is how deep the values of a message may be nested for skip. The
// deepest that the protocol knows is four: subscriptions.
const maxDepth = 8

// skip returns the place behind the JSON value that begins at i, -1 if there
// is none or it is nested too deep.
func skip(b []byte, i, depth int) int {
	if i >= len(b) || depth > maxDepth {
		return -1
	}
	switch c := b[i]; {
	case c == '"':
		return skipString(b, i)
	case c == '[':
		return skipMany(b, i, depth, ']', false)
	case c == '{':
		return skipMany(b, i, depth, '}', true)
	case c == '-' || c >= '0' && c <= '9':
		return skipNumber(b, i)
	}
	for _, word := range [...]string{"null", "true", "false"} {
		if len(b)-i >= len(word) && string(b[i:i+len(word)]) == word {
			return i + len(word)
		}
	}
	return -1
}

// skipMany skips an array or an object.
func skipMany(b []byte, i, depth int, end byte, keyed bool) int {
	if i = space(b, i+1); i < len(b) && b[i] == end {
		return i + 1
	}
	for {
		if keyed {
			if i >= len(b) || b[i] != '"' {
				return -1
			}
			if i = skipString(b, i); i < 0 {
				return -1
			}
			if i = space(b, i); i == len(b) || b[i] != ':' {
				return -1
			}
			i = space(b, i+1)
		}
		if i = skip(b, i, depth+1); i < 0 {
			return -1
		}
		if i = space(b, i); i == len(b) {
			return -1
		}
		switch b[i] {
		case end:
			return i + 1
		case ',':
			i = space(b, i+1)
		default:
			return -1
		}
	}
}

// skipPlain skips a string without escapes.
func skipPlain(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return -1
	}
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c == '\\' || c < 0x20:
			return -1
		}
	}
	return -1
}

func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i + 1
		case c < 0x20:
			return -1
		case c == '\\':
			if i++; i == len(b) {
				return -1
			}
			switch b[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if len(b)-i < 5 {
					return -1
				}
				if _, ok := word(b[i+1 : i+5]); !ok {
					return -1
				}
				i += 4
			default:
				return -1
			}
		}
	}
	return -1
}

func skipNumber(b []byte, i int) int {
	if b[i] == '-' {
		i++
	}
	from := i
	if i = digits(b, i); i == from || i > from+1 && b[from] == '0' {
		return -1
	}
	if i < len(b) && b[i] == '.' {
		from = i + 1
		if i = digits(b, from); i == from {
			return -1
		}
	}
	if i < len(b) && (b[i] == 'e' || b[i] == 'E') {
		if i++; i < len(b) && (b[i] == '+' || b[i] == '-') {
			i++
		}
		from = i
		if i = digits(b, from); i == from {
			return -1
		}
	}
	return i
}

func digits(b []byte, i int) int {
	for i < len(b) && b[i] >= '0' && b[i] <= '9' {
		i++
	}
	return i
}

// split puts the elements of the JSON array raw, which must be sound JSON,
// into out as far as there is room, and returns how many there are in out and
// in all. What is not an array has none.
func split(raw []byte, out [][]byte) (n, all int) {
	i := space(raw, 0)
	if i == len(raw) || raw[i] != '[' {
		return 0, 0
	}
	if i = space(raw, i+1); i < len(raw) && raw[i] == ']' {
		return 0, 0
	}
	for {
		from := i
		if i = element(raw, i); i < 0 {
			return n, all
		}
		if n < len(out) {
			out[n] = raw[from:i]
			n++
		}
		all++
		if i = space(raw, i); i == len(raw) || raw[i] != ',' {
			return n, all
		}
		i = space(raw, i+1)
	}
}

// element is skip for JSON that is known to be sound: it counts brackets, so
// that no depth is too deep for it.
func element(b []byte, i int) int {
	from, depth := i, 0
	for i < len(b) {
		switch b[i] {
		case '"':
			if i = skipString(b, i); i < 0 {
				return -1
			}
			if depth == 0 {
				return i
			}
			continue
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth < 0 {
				return i
			}
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 && i > from {
				return i
			}
		}
		i++
	}
	return -1
}

// text returns what the JSON string raw says; false if it is not a string.
func text(raw []byte) ([]byte, bool) {
	if len(raw) < 2 || raw[0] != '"' {
		return nil, false
	}
	if inner := raw[1 : len(raw)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return inner, true
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil, false
	}
	return []byte(s), true
}

// number returns the JSON number raw, or the number that a JSON string says;
// false if it is neither.
func number(raw []byte) (float64, bool) {
	if s, ok := text(raw); ok {
		raw = s
	}
	var f float64
	if json.Unmarshal(raw, &f) != nil || isNull(raw) {
		return 0, false
	}
	return f, true
}

// isNull reports whether a member is absent or null.
func isNull(raw []byte) bool { return len(raw) == 0 || string(raw) == "null" }

// word reads up to eight hexadecimal digits, most significant first, as Stratum
// writes ntime, nonce and version.
func word(s []byte) (uint32, bool) {
	if len(s) == 0 || len(s) > 8 {
		return 0, false
	}
	var v uint32
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | uint32(c)
	}
	return v, true
}
