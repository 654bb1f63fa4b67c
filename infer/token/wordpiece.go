package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bars are tokens that must not come out of a text, by id.
type bars []bool

func (b bars) has(id int32) bool { return int(id) < len(b) && b[id] }

// model turns one section into tokens, with barred tokens taken for absent.
type model interface {
	encode(dst []int32, text string, barred bars) ([]int32, error)
}

// wordPiece takes the longest known piece, again and again; a word that cannot
// be covered so is unknown as a whole.
type wordPiece struct {
	begin, inside *trie // pieces that begin a word, and that go on in it
	unknown       int32
	most          int // characters of a word
}

func parseWordPiece(raw json.RawMessage) (*vocabulary, model, error) {
	var c struct {
		Type    string           `json:"type"`
		Unknown string           `json:"unk_token"`
		Prefix  string           `json:"continuing_subword_prefix"`
		Most    int              `json:"max_input_chars_per_word"`
		Vocab   map[string]int32 `json:"vocab"`
	}
	c.Unknown, c.Prefix, c.Most = "[UNK]", "##", 100
	if err := strict(raw, &c); err != nil {
		return nil, nil, err
	}
	v, err := newVocabulary(c.Vocab)
	if err != nil {
		return nil, nil, err
	}
	m := &wordPiece{most: c.Most}
	var ok bool
	if m.unknown, ok = v.ids[c.Unknown]; !ok {
		return nil, nil, fmt.Errorf("unk_token %q is not in the vocabulary", c.Unknown)
	}
	if c.Prefix == "" {
		return nil, nil, errors.New("an empty continuing_subword_prefix is not supported")
	}
	var begin, inside []entry
	for text, id := range v.ids {
		if len(text) > maxPiece {
			return nil, nil, fmt.Errorf("token %d has %d bytes, over the limit of %d", id, len(text), maxPiece)
		}
		if text != "" {
			begin = append(begin, entry{text, id})
		}
		if rest, ok := strings.CutPrefix(text, c.Prefix); ok && rest != "" {
			inside = append(inside, entry{rest, id})
		}
	}
	m.begin, m.inside = newTrie(begin), newTrie(inside)
	return v, m, nil
}

func (m *wordPiece) encode(dst []int32, text string, barred bars) ([]int32, error) {
	start := len(dst)
	if len(text) > m.most && utf8.RuneCountInString(text) > m.most {
		return append(dst, m.unknown), nil
	}
	t := m.begin
	for at := 0; at < len(text); t = m.inside {
		id, end := int32(none), at
		node := int32(0)
		for i := at; i < len(text); i++ {
			if node = t.next(node, text[i]); node == none {
				break
			}
			if x := t.id[node]; x != none && !barred.has(x) {
				id, end = x, i+1
			}
		}
		if id == none {
			return append(dst[:start], m.unknown), nil
		}
		dst = append(dst, id)
		at = end
	}
	return dst, nil
}
