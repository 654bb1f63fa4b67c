package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// bpe joins neighbouring tokens, the pair of the lowest rank first, until no
// pair is left that has a rank.
type bpe struct {
	ids            map[string]int32
	chars          [512]int32 // of characters up to U+01FF, which byte-level texts are made of
	merges         map[pair]merge
	bytes          [256]int32 // of the tokens <0x00> to <0xFF>, or none
	unknown        int32      // or none
	prefix, suffix string
	fuseUnknown    bool
	byteFallback   bool
	wholeFirst     bool // a section that is a token is not taken apart
}

type pair struct{ left, right int32 }

type merge struct{ rank, id int32 }

// mergePair is an entry of merges: a list of two texts, or in older files one
// text with a space between them.
type mergePair [2]string

func (p *mergePair) UnmarshalJSON(b []byte) error {
	if bytes.HasPrefix(b, []byte{'['}) {
		var list []string
		if err := json.Unmarshal(b, &list); err != nil {
			return err
		}
		if len(list) != 2 {
			return fmt.Errorf("a merge of %d tokens", len(list))
		}
		*p = mergePair(list)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	left, right, ok := strings.Cut(s, " ")
	if !ok || strings.Contains(right, " ") {
		return fmt.Errorf("merge %q is not two tokens", s)
	}
	*p = mergePair{left, right}
	return nil
}

func parseBPE(raw json.RawMessage) (*vocabulary, model, error) {
	var c struct {
		Type         string           `json:"type"`
		Dropout      *float64         `json:"dropout"`
		Unknown      *string          `json:"unk_token"`
		Prefix       string           `json:"continuing_subword_prefix"`
		Suffix       string           `json:"end_of_word_suffix"`
		FuseUnknown  bool             `json:"fuse_unk"`
		ByteFallback bool             `json:"byte_fallback"`
		IgnoreMerges bool             `json:"ignore_merges"`
		Vocab        map[string]int32 `json:"vocab"`
		Merges       []mergePair      `json:"merges"`
	}
	if err := strict(raw, &c); err != nil {
		return nil, nil, err
	}
	if c.Dropout != nil && *c.Dropout != 0 {
		return nil, nil, errors.New("dropout makes tokens a matter of chance and is not supported")
	}
	v, err := newVocabulary(c.Vocab)
	if err != nil {
		return nil, nil, err
	}
	m := &bpe{
		ids: v.ids, unknown: none, prefix: c.Prefix, suffix: c.Suffix,
		fuseUnknown: c.FuseUnknown, byteFallback: c.ByteFallback, wholeFirst: c.IgnoreMerges,
		merges: make(map[pair]merge, len(c.Merges)),
	}
	if c.Unknown != nil {
		id, ok := v.ids[*c.Unknown]
		if !ok {
			return nil, nil, fmt.Errorf("unk_token %q is not in the vocabulary", *c.Unknown)
		}
		m.unknown = id
	}
	for i := range m.chars {
		m.chars[i] = find(v.ids, string(rune(i)))
	}
	for b := range m.bytes {
		m.bytes[b] = find(v.ids, byteToken(byte(b)))
	}
	for rank, p := range c.Merges {
		left, right := find(v.ids, p[0]), find(v.ids, p[1])
		if left == none || right == none {
			return nil, nil, fmt.Errorf("merge %d of %q and %q: not both are in the vocabulary", rank, p[0], p[1])
		}
		if !strings.HasPrefix(p[1], m.prefix) {
			return nil, nil, fmt.Errorf("merge %d: %q does not begin with %q", rank, p[1], m.prefix)
		}
		id := find(v.ids, p[0]+p[1][len(m.prefix):])
		if id == none {
			return nil, nil, fmt.Errorf("merge %d of %q and %q: the result is not in the vocabulary", rank, p[0], p[1])
		}
		m.merges[pair{left, right}] = merge{int32(rank), id}
	}
	return v, m, nil
}

func find(ids map[string]int32, text string) int32 {
	if id, ok := ids[text]; ok {
		return id
	}
	return none
}

// byteToken is the token that stands for a byte where texts are not byte-level.
func byteToken(b byte) string { return fmt.Sprintf("<0x%02X>", b) }

func (m *bpe) encode(dst []int32, text string, barred bars) ([]int32, error) {
	if m.wholeFirst {
		if id, ok := m.ids[text]; ok && !barred.has(id) {
			return append(dst, id), nil
		}
	}
	start := len(dst)
	dst = m.pieces(dst, text, barred)
	return dst[:start+len(m.join(dst[start:], barred))], nil
}

// pieces appends the tokens of single characters.
func (m *bpe) pieces(dst []int32, text string, barred bars) []int32 {
	unknown := false // one is waiting to be appended
	flush := func() {
		if unknown {
			dst = append(dst, m.unknown)
			unknown = false
		}
	}
	for at := 0; at < len(text); {
		r, n := utf8.DecodeRuneInString(text[at:])
		var id int32
		c := text[at : at+n]
		plain := (at == 0 || m.prefix == "") && (at+n < len(text) || m.suffix == "")
		if plain && int(r) < len(m.chars) {
			id = m.chars[r]
		} else {
			if at > 0 {
				c = m.prefix + c
			}
			if at+n == len(text) {
				c += m.suffix
			}
			id = find(m.ids, c)
		}
		at += n
		if id != none && !barred.has(id) {
			flush()
			dst = append(dst, id)
			continue
		}
		if m.byteFallback && m.known(c) {
			for i := range len(c) {
				dst = append(dst, m.bytes[c[i]])
			}
			continue
		}
		if m.unknown == none { // the reference library drops it too
			continue
		}
		if !m.fuseUnknown {
			flush()
		}
		unknown = true
	}
	flush()
	return dst
}

// known reports whether all bytes of c have tokens.
func (m *bpe) known(c string) bool {
	for i := range len(c) {
		if m.bytes[c[i]] == none {
			return false
		}
	}
	return true
}

// candidate is a pair that may be joined: the token at a place with the next
// one left.
type candidate struct{ rank, at, id int32 }

func (c candidate) before(d candidate) bool {
	return c.rank < d.rank || c.rank == d.rank && c.at < d.at
}

// join merges ids in place and returns what is left of them. It takes n log n
// steps: a list of neighbours, and a heap of the pairs that may be joined.
func (m *bpe) join(ids []int32, barred bars) []int32 {
	if len(ids) < 2 {
		return ids
	}
	list := make([]struct{ before, after int32 }, len(ids))
	var h heap
	offer := func(at, next int32) {
		if to, ok := m.merges[pair{ids[at], ids[next]}]; ok && !barred.has(to.id) {
			h.push(candidate{to.rank, at, to.id})
		}
	}
	for i := range ids {
		list[i].before, list[i].after = int32(i-1), int32(i+1)
		if i > 0 {
			offer(int32(i-1), int32(i))
		}
	}
	list[len(ids)-1].after = none
	for len(h) > 0 {
		c := h.pop()
		if ids[c.at] == none || list[c.at].after == none {
			continue
		}
		next := list[c.at].after
		// The pair may have changed since it was offered. The reference
		// library asks only whether it still gives the same token.
		if to, ok := m.merges[pair{ids[c.at], ids[next]}]; !ok || to.id != c.id {
			continue
		}
		ids[c.at], ids[next] = c.id, none
		after := list[next].after
		list[c.at].after = after
		if after != none {
			list[after].before = c.at
			offer(c.at, after)
		}
		if before := list[c.at].before; before != none {
			offer(before, c.at)
		}
	}
	n := 0
	for _, id := range ids {
		if id != none {
			ids[n] = id
			n++
		}
	}
	return ids[:n]
}

// heap holds candidates, the one to join first on top.
type heap []candidate

func (h *heap) push(c candidate) {
	*h = append(*h, c)
	s := *h
	for i := len(s) - 1; i > 0; {
		up := (i - 1) / 2
		if !s[i].before(s[up]) {
			return
		}
		s[i], s[up] = s[up], s[i]
		i = up
	}
}

func (h *heap) pop() candidate {
	s := *h
	top, last := s[0], len(s)-1
	s[0] = s[last]
	s = s[:last]
	for i := 0; ; {
		child := 2*i + 1
		if child >= last {
			break
		}
		if child+1 < last && s[child+1].before(s[child]) {
			child++
		}
		if !s[child].before(s[i]) {
			break
		}
		s[i], s[child] = s[child], s[i]
		i = child
	}
	*h = s
	return top
}
