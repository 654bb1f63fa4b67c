package cgminer

import (
	"bytes"
	"fmt"
)

// repair returns JSON as the firmware meant it. It changes only what JSON
// forbids, so sound JSON comes back as it was.
func repair(raw []byte) []byte {
	out := make([]byte, 0, len(raw)+16)
	if len(raw) > 0 && raw[0] == ',' {
		// `,"id":1}`: the head of the reply was lost.
		out, raw = append(out, '{'), raw[1:]
	}
	for i := 0; i < len(raw); {
		c := raw[i]
		switch {
		case c == '"':
			n := stringEnd(raw[i:])
			out = appendString(out, raw[i:i+n])
			i += n
			if next(raw[i:]) == '"' {
				out = append(out, ',') // "a""b"
			}
			continue
		case c == ',':
			switch next(raw[i+1:]) {
			case '}', ']', 0: // a comma after the last
				i++
				continue
			}
			if bytes.HasSuffix(out, []byte("[")) || bytes.HasSuffix(out, []byte("{")) {
				i++ // a comma before the first
				continue
			}
		case c == '}' && next(raw[i+1:]) == '{':
			out = append(out, '}', ',')
			i++
			continue
		case isLetter(c), (c == '-' || c == '+') && i+1 < len(raw) && isLetter(raw[i+1]):
			n := 1
			for i+n < len(raw) && isLetter(raw[i+n]) {
				n++
			}
			out = append(out, word(raw[i:i+n])...)
			i += n
			continue
		}
		out = append(out, c)
		i++
	}
	return out
}

// next returns the first byte that is not white space, 0 at the end.
func next(b []byte) byte {
	b = bytes.TrimLeft(b, " \t\r\n")
	if len(b) == 0 {
		return 0
	}
	return b[0]
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// word turns what C prints for a number that is none into null. The e of an
// exponent passes unchanged.
func word(w []byte) []byte {
	switch string(bytes.ToLower(bytes.TrimLeft(w, "+-"))) {
	case "inf", "infinity", "nan":
		return []byte("null")
	}
	return w
}

// stringEnd returns the length of the string that b begins with, quotes
// included, or of all of b when it is not closed.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// appendString appends a string with its raw control characters escaped.
func appendString(out, s []byte) []byte {
	for _, c := range s {
		if c < 0x20 {
			out = fmt.Appendf(out, `\u%04x`, c)
			continue
		}
		out = append(out, c)
	}
	return out
}
