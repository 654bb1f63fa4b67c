package token

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// GPT-2 writes every byte as a visible character, so that tokens are texts:
// printable Latin-1 as itself, the other bytes as U+0100 and on, in order.

func visible(b byte) bool { return b >= '!' && b <= '~' || b >= 0xa1 && b <= 0xac || b >= 0xae }

// hidden counts the bytes below b that are not visible.
func hidden(b byte) rune {
	switch {
	case b <= ' ':
		return rune(b)
	case b <= 0xa0:
		return rune(b) - 0x7f + 33
	}
	return 67 // only 0xad is left
}

func byteRune(b byte) rune {
	if visible(b) {
		return rune(b)
	}
	return 0x100 + hidden(b)
}

// runeByte is the inverse of byteRune.
func runeByte(r rune) (byte, bool) {
	switch n := r - 0x100; {
	case r >= 0 && r < 0x100:
		return byte(r), visible(byte(r))
	case n >= 0 && n <= ' ':
		return byte(n), true
	case n >= 33 && n <= 66:
		return byte(n - 33 + 0x7f), true
	case n == 67:
		return 0xad, true
	}
	return 0, false
}

func toByteLevel(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/4)
	for i := range len(s) {
		b.WriteRune(byteRune(s[i]))
	}
	return b.String()
}

// fromByteLevel appends the bytes of a token; one that has any other character
// stands for itself.
func fromByteLevel(dst []byte, token string) []byte {
	start := len(dst)
	for _, r := range token {
		b, ok := runeByte(r)
		if !ok {
			return append(dst[:start], token...)
		}
		dst = append(dst, b)
	}
	return dst
}

func splitByteLevel(prefix, words bool) splitter {
	return func(dst []section, s section) ([]section, error) {
		if prefix && !strings.HasPrefix(s.text, " ") {
			s.text = " " + s.text
		}
		if !words {
			s.text = toByteLevel(s.text)
			return append(dst, s), nil
		}
		for at := 0; at < len(s.text); {
			n := gpt2Word(s.text[at:])
			dst = append(dst, section{toByteLevel(s.text[at : at+n]), s.first && at == 0})
			at += n
		}
		return dst, nil
	}
}

// gpt2Word returns the length of the first match of GPT-2's pattern, which
// matches everywhere:
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func gpt2Word(s string) int {
	for _, c := range [...]string{"'s", "'t", "'re", "'ve", "'m", "'ll", "'d"} {
		if strings.HasPrefix(s, c) {
			return len(c)
		}
	}
	n := 0
	if s[0] == ' ' && len(s) > 1 {
		n = 1
	}
	r, _ := utf8.DecodeRuneInString(s[n:])
	if c := gpt2Class(r); c != spaces {
		return n + run(s[n:], c)
	}
	// White space: all of it at the end of the text, else all but the last,
	// which belongs to what follows; but one alone stands alone.
	n = run(s, spaces)
	if _, last := utf8.DecodeLastRuneInString(s[:n]); n < len(s) && n > last {
		n -= last
	}
	return n
}

type class byte

const (
	spaces class = iota
	letters
	numbers
	others
)

func gpt2Class(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letters
	case unicode.IsSpace(r):
		return spaces
	case unicode.IsNumber(r):
		return numbers
	}
	return others
}

// run returns how many bytes from the start are of the class.
func run(s string, c class) int {
	for i, r := range s {
		if gpt2Class(r) != c {
			return i
		}
	}
	return len(s)
}
