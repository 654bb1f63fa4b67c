package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// decoder turns the texts of tokens into the stretches of a text.
type decoder func(texts []string) []string

func parseDecoder(raw json.RawMessage, depth int) (decoder, error) {
	if absent(raw) { // tokens are words
		return func(texts []string) []string { return []string{strings.Join(texts, " ")} }, nil
	}
	k, err := kind(raw)
	if err != nil {
		return nil, err
	}
	d, err := newDecoder(k, raw, depth)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	return d, nil
}

// each makes a decoder of a function of one token and its place.
func each(f func(i int, text string) string) decoder {
	return func(texts []string) []string {
		for i, s := range texts {
			texts[i] = f(i, s)
		}
		return texts
	}
}

func newDecoder(kind string, raw json.RawMessage, depth int) (decoder, error) {
	switch kind {
	case "Sequence":
		var c struct {
			Type  string            `json:"type"`
			Parts []json.RawMessage `json:"decoders"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		var all []decoder
		err := members(c.Parts, depth, func(r json.RawMessage, depth int) error {
			d, err := parseDecoder(r, depth)
			all = append(all, d)
			return err
		})
		return func(texts []string) []string {
			for _, d := range all {
				texts = d(texts)
			}
			return texts
		}, err
	case "ByteLevel":
		var c struct {
			Type   string `json:"type"`
			Prefix bool   `json:"add_prefix_space"`
			Trim   bool   `json:"trim_offsets"`
			Regex  bool   `json:"use_regex"`
		}
		return decodeByteLevel, strict(raw, &c)
	case "WordPiece":
		return parseWordPieceDecoder(raw)
	case "Metaspace":
		m, err := parseMetaspace(raw)
		return each(m.restore), err
	case "BPEDecoder":
		c := struct {
			Type   string `json:"type"`
			Suffix string `json:"suffix"`
		}{Suffix: "</w>"}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		return func(texts []string) []string {
			for i, s := range texts {
				space := " "
				if i == len(texts)-1 {
					space = ""
				}
				texts[i] = replaceAll(s, c.Suffix, space)
			}
			return texts
		}, nil
	case "Fuse":
		var c struct {
			Type string `json:"type"`
		}
		return func(texts []string) []string { return []string{strings.Join(texts, "")} }, strict(raw, &c)
	case "Strip":
		return parseStripDecoder(raw)
	case "Replace":
		var c struct {
			Type    string  `json:"type"`
			Pattern pattern `json:"pattern"`
			Content string  `json:"content"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		if c.Pattern.String == nil || *c.Pattern.String == "" {
			return nil, errors.New("only a String that is not empty is supported as pattern")
		}
		return each(func(_ int, s string) string { return replaceAll(s, *c.Pattern.String, c.Content) }), nil
	case "ByteFallback":
		var c struct {
			Type string `json:"type"`
		}
		return decodeBytes, strict(raw, &c)
	}
	return nil, errors.New("this type is not known")
}

// replaceAll is [strings.ReplaceAll], but nothing is replaced between bytes.
func replaceAll(s, old, to string) string {
	if old == "" {
		return s
	}
	return strings.ReplaceAll(s, old, to)
}

func decodeByteLevel(texts []string) []string {
	var b []byte
	for _, s := range texts {
		b = fromByteLevel(b, s)
	}
	return []string{lossy(b)}
}

// lossy replaces what is not UTF-8. Where a character is begun and not ended,
// the replacement stands for all of its bytes (Unicode 3.9, maximal subparts).
func lossy(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	var s strings.Builder
	for len(b) > 0 {
		r, n := utf8.DecodeRune(b)
		if r == utf8.RuneError && n == 1 {
			n = begun(b)
		}
		s.WriteRune(r)
		b = b[n:]
	}
	return s.String()
}

// begun returns how many bytes at the start could begin a character that b
// does not have whole; at least 1.
func begun(b []byte) int {
	need, low, high := 1, byte(0x80), byte(0xbf) // bounds of the second byte
	switch c := b[0]; {
	case c >= 0xc2 && c <= 0xdf:
		need = 2
	case c >= 0xe0 && c <= 0xef:
		need = 3
		if c == 0xe0 {
			low = 0xa0
		} else if c == 0xed {
			high = 0x9f
		}
	case c >= 0xf0 && c <= 0xf4:
		need = 4
		if c == 0xf0 {
			low = 0x90
		} else if c == 0xf4 {
			high = 0x8f
		}
	}
	n := 1
	for n < need && n < len(b) && b[n] >= low && b[n] <= high {
		n, low, high = n+1, 0x80, 0xbf
	}
	return n
}

// decodeBytes joins tokens that stand for bytes into characters. Bytes that
// are not UTF-8 give a replacement each.
func decodeBytes(texts []string) []string {
	var out []string
	var bytes []byte
	flush := func() {
		switch {
		case utf8.Valid(bytes):
			out = append(out, string(bytes))
		default:
			out = append(out, strings.Repeat("\ufffd", len(bytes)))
		}
		bytes = bytes[:0]
	}
	for _, s := range texts {
		if len(s) == 6 && strings.HasPrefix(s, "<0x") && s[5] == '>' {
			if b, err := strconv.ParseUint(s[3:5], 16, 8); err == nil {
				bytes = append(bytes, byte(b))
				continue
			}
		}
		if len(bytes) > 0 {
			flush()
		}
		out = append(out, s)
	}
	if len(bytes) > 0 {
		flush()
	}
	return out
}

func parseWordPieceDecoder(raw json.RawMessage) (decoder, error) {
	c := struct {
		Type    string `json:"type"`
		Prefix  string `json:"prefix"`
		Cleanup bool   `json:"cleanup"`
	}{Prefix: "##", Cleanup: true}
	if err := strict(raw, &c); err != nil {
		return nil, err
	}
	// One after the other, not at once: the reference library does so.
	tidy := [][2]string{
		{" .", "."},
		{" ?", "?"},
		{" !", "!"},
		{" ,", ","},
		{" ' ", "'"},
		{" n't", "n't"},
		{" 'm", "'m"},
		{" do not", " don't"},
		{" 's", "'s"},
		{" 've", "'ve"},
		{" 're", "'re"},
	}
	return each(func(i int, s string) string {
		if i > 0 {
			if rest, ok := strings.CutPrefix(s, c.Prefix); ok {
				s = rest
			} else {
				s = " " + s
			}
		}
		if c.Cleanup {
			for _, p := range tidy {
				s = strings.ReplaceAll(s, p[0], p[1])
			}
		}
		return s
	}), nil
}

// restore is the inverse of divide: the character that stands for a space goes
// from the first token where one was put before the text.
func (m metaspace) restore(i int, s string) string {
	if i == 0 && m.scheme != "never" {
		return strings.ReplaceAll(s, m.char, "")
	}
	return strings.ReplaceAll(s, m.char, " ")
}

func parseStripDecoder(raw json.RawMessage) (decoder, error) {
	var c struct {
		Type    string `json:"type"`
		Content string `json:"content"`
		Start   int    `json:"start"`
		Stop    int    `json:"stop"`
	}
	if err := strict(raw, &c); err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(c.Content) != 1 {
		return nil, fmt.Errorf("content %q is not one character", c.Content)
	}
	return each(func(_ int, s string) string {
		for n := 0; n < c.Start && strings.HasPrefix(s, c.Content); n++ {
			s = s[len(c.Content):]
		}
		for n := 0; n < c.Stop && strings.HasSuffix(s, c.Content); n++ {
			s = s[:len(s)-len(c.Content)]
		}
		return s
	}), nil
}
