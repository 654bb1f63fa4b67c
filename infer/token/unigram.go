package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// unigram takes the way through a text whose pieces have the largest sum of
// scores.
//
// Scores in the file are logarithms as decimal numbers. They are read once as
// float64, which is correctly rounded, and from there to the nearest multiple
// of 2^-32, ties to even; from then on all is integer. Files that come from
// sentencepiece have float32 scores, and of those every one that is at least
// 2^-9 in size is kept exactly.
type unigram struct {
	ids     map[string]int32
	pieces  *trie
	scores  []int64 // by id, in 2^-32
	longest int     // bytes of a piece
	unknown int32   // or none
	penalty int64   // score of an unknown character
	bytes   [256]int32
	bytesOn bool
}

const (
	scoreBits = 32
	// maxScore keeps the sums of the longest text within 63 bits between two
	// rebases.
	maxScore = 1 << 12
	// unknownPenalty is how much worse than the worst piece an unknown
	// character is: sentencepiece's constant.
	unknownPenalty = 10 << scoreBits
	// rebaseAfter is the bytes of text after which sums are made small again.
	rebaseAfter = 1 << 16
)

// scored is an entry of the vocabulary: [text, score].
type scored struct {
	text  string
	score int64
}

func (s *scored) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	if len(raw) != 2 {
		return errors.New("an entry of the vocabulary is not a text and a score")
	}
	var f float64
	if err := errors.Join(json.Unmarshal(raw[0], &s.text), json.Unmarshal(raw[1], &f)); err != nil {
		return err
	}
	if f < -maxScore || f > maxScore {
		return fmt.Errorf("token %q has a score of %v, over the limit of %d", s.text, f, maxScore)
	}
	s.score = int64(math.RoundToEven(math.Ldexp(f, scoreBits)))
	return nil
}

func parseUnigram(raw json.RawMessage) (*vocabulary, model, error) {
	var c struct {
		Type         string   `json:"type"`
		Unknown      *int32   `json:"unk_id"`
		Vocab        []scored `json:"vocab"`
		ByteFallback bool     `json:"byte_fallback"`
	}
	if err := strict(raw, &c); err != nil {
		return nil, nil, err
	}
	m := &unigram{ids: make(map[string]int32, len(c.Vocab)), unknown: none, bytesOn: c.ByteFallback}
	var entries []entry
	least := int64(math.MaxInt64)
	for i, s := range c.Vocab {
		if _, ok := m.ids[s.text]; ok {
			return nil, nil, fmt.Errorf("token %q comes twice", s.text)
		}
		if len(s.text) > maxPiece {
			return nil, nil, fmt.Errorf("token %d has %d bytes, over the limit of %d", i, len(s.text), maxPiece)
		}
		m.ids[s.text] = int32(i)
		m.scores = append(m.scores, s.score)
		least = min(least, s.score)
		m.longest = max(m.longest, len(s.text), utf8.UTFMax)
		if s.text != "" {
			entries = append(entries, entry{s.text, int32(i)})
		}
	}
	if c.Unknown != nil {
		if *c.Unknown < 0 || int(*c.Unknown) >= len(c.Vocab) {
			return nil, nil, fmt.Errorf("unk_id %d is not in the vocabulary", *c.Unknown)
		}
		m.unknown = *c.Unknown
	}
	if len(c.Vocab) == 0 {
		return nil, nil, errors.New("the vocabulary is empty")
	}
	m.penalty = least - unknownPenalty
	v, err := newVocabulary(m.ids)
	if err != nil {
		return nil, nil, err
	}
	m.pieces = newTrie(entries)
	for b := range m.bytes {
		m.bytes[b] = find(m.ids, byteToken(byte(b)))
	}
	return v, m, nil
}

// step is the best way to a place in the text: its last piece and the sum.
type step struct {
	from  int32 // or none: no way is known yet
	known bool
	sum   int64
}

func (m *unigram) encode(dst []int32, text string, barred bars) ([]int32, error) {
	best := make([]step, len(text)+1)
	for i := range best {
		best[i].from = none
	}
	rebase := rebaseAfter
	for at := 0; at < len(text); {
		if at >= rebase { // only differences between live sums count
			base := best[at].sum
			for i := at; i < min(at+m.longest, len(best)); i++ {
				best[i].sum -= base
			}
			rebase = at + rebaseAfter
		}
		_, n := utf8.DecodeRuneInString(text[at:])
		sum := best[at].sum
		reach := func(end int, score int64, known bool) {
			if b := &best[end]; b.from == none || sum+score > b.sum {
				*b = step{int32(at), known, sum + score}
			}
		}
		single := false
		for i, node := at, int32(0); i < len(text); {
			if node = m.pieces.next(node, text[i]); node == none {
				break
			}
			i++
			if id := m.pieces.id[node]; id != none && !barred.has(id) {
				reach(i, m.scores[id], id != m.unknown)
				single = single || i == at+n
			}
		}
		if !single {
			reach(at+n, m.penalty, false)
		}
		at += n
	}
	return m.trace(dst, text, best, barred)
}

// trace follows the best way back and appends its tokens. Unknown characters
// in a row are one.
func (m *unigram) trace(dst []int32, text string, best []step, barred bars) ([]int32, error) {
	var ends []int
	for end := len(text); end > 0; {
		from := int(best[end].from)
		if !best[end].known && m.unknown != none {
			for from > 0 && !best[from].known {
				from = int(best[from].from)
			}
		}
		ends = append(ends, end)
		end = from
	}
	from := 0
	for _, end := range slices.Backward(ends) {
		piece := text[from:end]
		from = end
		if id, ok := m.ids[piece]; ok && !barred.has(id) {
			dst = append(dst, id)
			continue
		}
		if m.bytesOn && m.spell(piece) {
			for b := range len(piece) {
				dst = append(dst, m.bytes[piece[b]])
			}
			continue
		}
		if m.unknown == none {
			return nil, fmt.Errorf("tokenise %q: it is not in the vocabulary, and that has no token for the unknown; take it out of the text", strings.ToValidUTF8(piece[:min(len(piece), 40)], ""))
		}
		dst = append(dst, m.unknown)
	}
	return dst, nil
}

// spell reports whether all bytes of a piece have tokens.
func (m *unigram) spell(piece string) bool {
	for i := range len(piece) {
		if m.bytes[piece[i]] == none {
			return false
		}
	}
	return true
}
