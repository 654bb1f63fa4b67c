package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// normalizer changes a text before it is split.
type normalizer func(text string) (string, error)

// maxNormal bounds what normalisation may make of a text: more than any real
// normaliser makes of the longest text.
const maxNormal = 16 * MaxText

var errGrown = errors.New("normalisation makes the text too long; give a shorter text")

func parseNormalizer(raw json.RawMessage, depth int) (normalizer, error) {
	if absent(raw) {
		return func(s string) (string, error) { return s, nil }, nil
	}
	k, err := kind(raw)
	if err != nil {
		return nil, err
	}
	n, err := newNormalizer(k, raw, depth)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	return n, nil
}

func newNormalizer(kind string, raw json.RawMessage, depth int) (normalizer, error) {
	switch kind {
	case "Sequence":
		var c struct {
			Type        string            `json:"type"`
			Normalizers []json.RawMessage `json:"normalizers"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		return normalizerSequence(c.Normalizers, depth)
	case "BertNormalizer":
		return parseBert(raw)
	case "Strip":
		c := struct {
			Type  string `json:"type"`
			Left  bool   `json:"strip_left"`
			Right bool   `json:"strip_right"`
		}{}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		return pure(func(s string) string {
			if c.Left {
				s = strings.TrimLeftFunc(s, unicode.IsSpace)
			}
			if c.Right {
				s = strings.TrimRightFunc(s, unicode.IsSpace)
			}
			return s
		}), nil
	case "Replace":
		var c struct {
			Type    string  `json:"type"`
			Pattern pattern `json:"pattern"`
			Content string  `json:"content"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		find, err := c.Pattern.finder()
		if err != nil {
			return nil, err
		}
		return func(s string) (string, error) { return replace(s, find, c.Content) }, nil
	case "Prepend":
		var c struct {
			Type    string `json:"type"`
			Prepend string `json:"prepend"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		return pure(func(s string) string {
			if s == "" {
				return s
			}
			return c.Prepend + s
		}), nil
	case "Precompiled":
		return parsePrecompiled(raw)
	}
	simple := map[string]func(string) string{
		"NFC": form(norm.NFC), "NFD": form(norm.NFD), "NFKC": form(norm.NFKC), "NFKD": form(norm.NFKD),
		"Lowercase": lower, "StripAccents": stripMarks, "Nmt": nmt, "ByteLevel": toByteLevel,
	}[kind]
	if simple == nil {
		return nil, errors.New("this type is not known")
	}
	var c struct {
		Type string `json:"type"`
	}
	if err := strict(raw, &c); err != nil {
		return nil, err
	}
	return pure(simple), nil
}

func pure(f func(string) string) normalizer {
	return func(s string) (string, error) {
		s = f(s)
		if len(s) > maxNormal {
			return "", errGrown
		}
		return s, nil
	}
}

func normalizerSequence(raw []json.RawMessage, depth int) (normalizer, error) {
	var all []normalizer
	err := members(raw, depth, func(r json.RawMessage, depth int) error {
		n, err := parseNormalizer(r, depth)
		all = append(all, n)
		return err
	})
	if err != nil {
		return nil, err
	}
	return func(s string) (string, error) {
		for _, n := range all {
			var err error
			if s, err = n(s); err != nil {
				return "", err
			}
		}
		return s, nil
	}, nil
}

// replace puts content in place of every match.
func replace(s string, find finder, content string) (string, error) {
	found, err := find(s)
	if err != nil || len(found) == 0 {
		return s, err
	}
	if len(content) > 0 && len(found) > (maxNormal-len(s))/len(content) {
		return "", errGrown
	}
	var b strings.Builder
	at := 0
	for _, m := range found {
		b.WriteString(s[at:m[0]])
		b.WriteString(content)
		at = m[1]
	}
	b.WriteString(s[at:])
	return b.String(), nil
}

// lower maps each character by itself, so a final sigma is not told apart.
func lower(s string) string {
	if !strings.ContainsRune(s, 'İ') {
		return strings.Map(unicode.ToLower, s)
	}
	// The only character whose lower case, free of context, is two.
	return strings.Map(unicode.ToLower, strings.ReplaceAll(s, "İ", "i\u0307"))
}

func stripMarks(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.M, r) {
			return -1
		}
		return r
	}, s)
}

// nmt is sentencepiece's rule of that name for controls and odd spaces.
func nmt(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 1 && r <= 8, r == 0xb, r >= 0xe && r <= 0x1f, r == 0x7f, r == 0x8f, r == 0x9f:
			return -1
		case r == 9, r == 0xa, r == 0xc, r == 0xd, r == 0x1680, r >= 0x200b && r <= 0x200f,
			r == 0x2028, r == 0x2029, r == 0x2581, r == 0xfeff, r == 0xfffd:
			return ' '
		}
		return r
	}, s)
}

func parseBert(raw json.RawMessage) (normalizer, error) {
	c := struct {
		Type         string `json:"type"`
		Clean        bool   `json:"clean_text"`
		Chinese      bool   `json:"handle_chinese_chars"`
		StripAccents *bool  `json:"strip_accents"`
		Lowercase    bool   `json:"lowercase"`
	}{Clean: true, Chinese: true, Lowercase: true}
	if err := strict(raw, &c); err != nil {
		return nil, err
	}
	strip := c.Lowercase
	if c.StripAccents != nil {
		strip = *c.StripAccents
	}
	return pure(func(s string) string {
		if c.Clean || c.Chinese {
			s = bertClean(s, c.Clean, c.Chinese)
		}
		if strip && !ascii(s) {
			s = strings.Map(func(r rune) rune {
				if unicode.Is(unicode.Mn, r) {
					return -1
				}
				return r
			}, form(norm.NFD)(s))
		}
		if c.Lowercase {
			s = lower(s)
		}
		return s
	}), nil
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// bertClean drops controls, makes every white space a space and sets Chinese
// characters apart.
func bertClean(s string, clean, chinese bool) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/8)
	for _, r := range s {
		switch {
		case clean && (r == '\t' || r == '\n' || r == '\r'):
			b.WriteByte(' ')
		case clean && (r == utf8.RuneError || bertControl(r)): // other white space among the controls too
		case clean && unicode.IsSpace(r):
			b.WriteByte(' ')
		case chinese && bertChinese(r):
			b.WriteByte(' ')
			b.WriteRune(r)
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func bertControl(r rune) bool { return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co) }

// bertChinese are the blocks that BERT's own tokenizer lists. The gap before
// 2B920 is the reference library's.
func bertChinese(r rune) bool {
	return r >= 0x3400 && (r >= 0x4e00 && r <= 0x9fff || r <= 0x4dbf ||
		r >= 0x20000 && r <= 0x2a6df || r >= 0x2a700 && r <= 0x2b73f || r >= 0x2b740 && r <= 0x2b81f ||
		r >= 0x2b920 && r <= 0x2ceaf || r >= 0xf900 && r <= 0xfaff || r >= 0x2f800 && r <= 0x2fa1f)
}
