package token

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// addedToken is a token that is cut out of the text before the model sees it.
type addedToken struct {
	ID         int32  `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"` // only where no word touches it
	LeftStrip  bool   `json:"lstrip"`      // takes the white space before it
	RightStrip bool   `json:"rstrip"`      // takes the white space after it
	Normalized bool   `json:"normalized"`  // is looked for after normalisation
	Special    bool   `json:"special"`     // controls the model; is not text
}

// add takes in the added tokens. An added token that the model has too must
// have the same id there.
func (t *Tokenizer) add(tokens []addedToken) error {
	t.added = make(map[int32]addedToken, len(tokens))
	contents := map[string]bool{}
	var raw, normal []entry
	size := int32(len(t.vocabulary.texts))
	for _, a := range tokens {
		switch {
		case a.ID < 0 || a.ID > maxID:
			return fmt.Errorf("%q has the id %d, not 0 to %d", a.Content, a.ID, maxID)
		case a.Content == "" || len(a.Content) > maxPiece:
			return fmt.Errorf("token %d has %d bytes, not 1 to %d", a.ID, len(a.Content), maxPiece)
		case contents[a.Content]:
			return fmt.Errorf("%q comes twice", a.Content)
		case t.added[a.ID].Content != "":
			return fmt.Errorf("%q and %q have the same id %d", t.added[a.ID].Content, a.Content, a.ID)
		}
		own, ok := t.vocabulary.ids[a.Content]
		if ok && own != a.ID {
			return fmt.Errorf("%q has the id %d, and in the model %d", a.Content, a.ID, own)
		}
		if !ok && int(a.ID) < len(t.vocabulary.texts) && t.vocabulary.has[a.ID] {
			return fmt.Errorf("%q has the id %d, which in the model is %q", a.Content, a.ID, t.vocabulary.texts[a.ID])
		}
		contents[a.Content] = true
		t.added[a.ID] = a
		size = max(size, a.ID+1)
		if !a.Normalized {
			raw = append(raw, entry{a.Content, a.ID})
			continue
		}
		text, err := t.normalize(a.Content)
		if err != nil {
			return fmt.Errorf("normalise %q: %w", a.Content, err)
		}
		if text != "" && len(text) <= maxPiece {
			normal = append(normal, entry{text, a.ID})
		}
	}
	t.size = int(size)
	t.special = make(bars, size)
	for id, a := range t.added {
		t.special[id] = a.Special
	}
	t.raw, t.normal = newTrie(raw), newTrie(normal)
	return nil
}

// cut takes a text apart at added tokens, leftmost and longest first, and
// calls token for each and text for what lies between. A special token that
// may not stand where it is found is left in the text.
func (t *Tokenizer) cut(s string, tokens *trie, may func(from, to int) bool, token func(int32), text func(from, to int) error) error {
	if len(tokens.label) == 1 {
		return text(0, len(s))
	}
	done := 0
	blank := 0 // up to here is white space from where an earlier token looked on
	for at := 0; at < len(s); {
		id, end := tokens.longest(s, at)
		if id == none {
			at++
			continue
		}
		from, to := at, end
		a := t.added[id]
		if a.Special && !may(from, to) { // one that may can begin inside it
			at++
			continue
		}
		at = end
		if a.SingleWord && (endsWithWord(s[:from]) || beginsWithWord(s[to:])) {
			continue
		}
		if a.LeftStrip && done < from {
			from = done + len(strings.TrimRightFunc(s[done:from], unicode.IsSpace))
		}
		if a.RightStrip {
			if to >= blank {
				blank = len(s) - len(strings.TrimLeftFunc(s[to:], unicode.IsSpace))
			}
			to = blank
		}
		if done < from {
			if err := text(done, from); err != nil {
				return err
			}
		}
		token(id)
		done = to
	}
	if done < len(s) {
		return text(done, len(s))
	}
	return nil
}

// longest returns the longest string that s has at a place, and its end.
func (t *trie) longest(s string, at int) (id int32, end int) {
	id = none
	for i, node := at, int32(0); i < len(s); {
		if node = t.next(node, s[i]); node == none {
			break
		}
		i++
		if t.id[node] != none {
			id, end = t.id[node], i
		}
	}
	return id, end
}

func endsWithWord(s string) bool {
	r, n := utf8.DecodeLastRuneInString(s)
	return n > 0 && word(r)
}

func beginsWithWord(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return n > 0 && word(r)
}
