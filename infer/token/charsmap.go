package token

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// charsmap is sentencepiece's compiled table of replacements: a double-array
// trie (Darts-clone) whose values are offsets of texts that end in a zero.
type charsmap struct {
	units []uint32
	texts string
}

func parsePrecompiled(raw json.RawMessage) (normalizer, error) {
	var c struct {
		Type     string `json:"type"`
		Charsmap string `json:"precompiled_charsmap"`
	}
	if err := strict(raw, &c); err != nil {
		return nil, err
	}
	if c.Charsmap == "" {
		return func(s string) (string, error) { return s, nil }, nil
	}
	b, err := base64.StdEncoding.DecodeString(c.Charsmap)
	if err != nil {
		return nil, err
	}
	m, err := newCharsmap(b)
	if err != nil {
		return nil, err
	}
	return pure(m.normalize), nil
}

func newCharsmap(b []byte) (*charsmap, error) {
	if len(b) < 4 {
		return nil, errors.New("the table is cut short")
	}
	size := binary.LittleEndian.Uint32(b)
	b = b[4:]
	if size == 0 || size%4 != 0 || uint64(size) > uint64(len(b)) {
		return nil, fmt.Errorf("the table's trie of %d bytes does not fit its %d bytes", size, len(b))
	}
	m := &charsmap{units: make([]uint32, size/4), texts: string(b[size:])}
	for i := range m.units {
		m.units[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	if !utf8.ValidString(m.texts) {
		return nil, errors.New("the table's texts are not valid UTF-8")
	}
	return m, nil
}

// find returns the replacement of the shortest text in the table that s begins
// with: the first result is what the reference library takes.
func (m *charsmap) find(s string) (string, bool) {
	offset := func(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }
	at := offset(m.units[0])
	for i := range len(s) {
		at ^= uint32(s[i])
		if at >= uint32(len(m.units)) {
			return "", false
		}
		unit := m.units[at]
		if unit&(1<<31|0xff) != uint32(s[i]) {
			return "", false
		}
		at ^= offset(unit)
		if unit>>8&1 == 1 {
			if at >= uint32(len(m.units)) {
				return "", false
			}
			text := m.units[at] &^ (1 << 31)
			if text > uint32(len(m.texts)) || text < uint32(len(m.texts)) && !utf8.RuneStart(m.texts[text]) {
				return "", false
			}
			replacement, _, _ := strings.Cut(m.texts[text:], "\x00")
			return replacement, true
		}
	}
	return "", false
}

// normalize replaces whole clusters of characters shorter than 6 bytes where
// the table has them, and single characters else.
func (m *charsmap) normalize(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for len(s) > 0 && b.Len() <= maxNormal {
		n := cluster(s)
		if n < 6 {
			if text, ok := m.find(s[:n]); ok {
				b.WriteString(text)
				s = s[n:]
				continue
			}
		}
		for _, r := range s[:n] {
			c := string(r)
			if text, ok := m.find(c); ok {
				c = text
			}
			b.WriteString(c)
		}
		s = s[n:]
	}
	return b.String()
}

// cluster returns the length of the extended grapheme cluster that s begins
// with (UAX 29). The rules for emoji and flags are left out: their clusters
// have 6 bytes or more, for which only the length of single characters counts.
func cluster(s string) int {
	if len(s) == 1 || s[0] < utf8.RuneSelf && s[1] < utf8.RuneSelf {
		if strings.HasPrefix(s, "\r\n") { // GB3
			return 2
		}
		return 1
	}
	before, n := utf8.DecodeRuneInString(s)
	for n < len(s) {
		after, size := utf8.DecodeRuneInString(s[n:])
		if !joined(before, after) {
			break
		}
		before = after
		n += size
	}
	return n
}

// joined reports whether no boundary lies between two characters.
func joined(a, b rune) bool {
	switch {
	case breaks(a) || breaks(b): // GB4, GB5
		return false
	case extends(b): // GB9, GB9a
		return true
	case unicode.Is(unicode.Prepended_Concatenation_Mark, a), a == 0x0d4e, a >= 0x111c2 && a <= 0x111c3: // GB9b
		return true
	}
	switch x, y := hangul(a), hangul(b); x { // GB6 to GB8
	case 'L':
		return y == 'L' || y == 'V' || y == 'S' || y == 'X'
	case 'S', 'V':
		return y == 'V' || y == 'T'
	case 'X', 'T':
		return y == 'T'
	}
	return false
}

// breaks reports whether a character always stands alone: controls and format
// characters but the joiners and the prepended marks.
func breaks(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Zl, unicode.Zp) ||
		unicode.Is(unicode.Cf, r) && !extends(r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r)
}

// extends reports whether a character belongs to the one before it: Extend,
// ZWJ and SpacingMark of UAX 29.
func extends(r rune) bool {
	return unicode.In(r, unicode.M, unicode.Other_Grapheme_Extend) ||
		r == 0x200d || r >= 0x1f3fb && r <= 0x1f3ff || r == 0x0e33 || r == 0x0eb3
}

// hangul tells leading (L), vowel (V) and trailing (T) letters and syllables
// without (S) and with (X) a trailing one.
func hangul(r rune) byte {
	switch {
	case r >= 0x1100 && r <= 0x115f, r >= 0xa960 && r <= 0xa97c:
		return 'L'
	case r >= 0x1160 && r <= 0x11a7, r >= 0xd7b0 && r <= 0xd7c6:
		return 'V'
	case r >= 0x11a8 && r <= 0x11ff, r >= 0xd7cb && r <= 0xd7fb:
		return 'T'
	case r >= 0xac00 && r <= 0xd7a3 && (r-0xac00)%28 == 0:
		return 'S'
	case r >= 0xac00 && r <= 0xd7a3:
		return 'X'
	}
	return 0
}
