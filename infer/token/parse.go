package token

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// Bounds of a tokenizer.json.
const (
	// MaxFile is the most bytes it may have. The largest in use have 35 MB.
	MaxFile = 128 << 20
	// maxID bounds the numbers of tokens.
	maxID = 1<<24 - 1
	// maxPiece is the most bytes a token may have that texts are searched for
	// byte by byte. It bounds that search.
	maxPiece = 1 << 10
	// maxDepth bounds sequences in sequences, maxMembers what is in one, and so
	// how often a text is gone over. Files in use have one level of up to ten.
	maxDepth   = 4
	maxMembers = 32
	// maxVocabulary is the most bytes of all tokens together. Searching for
	// them takes some thirty times as many.
	maxVocabulary = 32 << 20
)

// document is a tokenizer.json. Truncation and padding are the business of
// whoever fills the model's input, and are not looked at.
type document struct {
	Version       string          `json:"version"`
	Truncation    json.RawMessage `json:"truncation"`
	Padding       json.RawMessage `json:"padding"`
	AddedTokens   []addedToken    `json:"added_tokens"`
	Normalizer    json.RawMessage `json:"normalizer"`
	PreTokenizer  json.RawMessage `json:"pre_tokenizer"`
	PostProcessor json.RawMessage `json:"post_processor"`
	Decoder       json.RawMessage `json:"decoder"`
	Model         json.RawMessage `json:"model"`
}

// Parse reads a tokenizer.json. What it does not know it refuses by name: a
// tokenizer that is nearly right gives a model nonsense.
func Parse(b []byte) (*Tokenizer, error) {
	t, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("tokenizer.json: %w", err)
	}
	return t, nil
}

func parse(b []byte) (*Tokenizer, error) {
	if len(b) > MaxFile {
		return nil, fmt.Errorf("%d bytes are over the limit of %d", len(b), MaxFile)
	}
	if !utf8.Valid(b) {
		return nil, errors.New("it is not valid UTF-8")
	}
	var d document
	if err := strict(b, &d); err != nil {
		return nil, err
	}
	if d.Version != "1.0" {
		return nil, fmt.Errorf("version %q, and only 1.0 is known", d.Version)
	}
	t := &Tokenizer{}
	var err error
	if t.vocabulary, t.model, err = parseModel(d.Model); err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	if t.normalize, err = parseNormalizer(d.Normalizer, 0); err != nil {
		return nil, fmt.Errorf("normalizer: %w", err)
	}
	if t.split, err = parseSplitter(d.PreTokenizer, 0); err != nil {
		return nil, fmt.Errorf("pre_tokenizer: %w", err)
	}
	if t.process, err = parseProcessor(d.PostProcessor, 0); err != nil {
		return nil, fmt.Errorf("post_processor: %w", err)
	}
	if t.decode, err = parseDecoder(d.Decoder, 0); err != nil {
		return nil, fmt.Errorf("decoder: %w", err)
	}
	if err := t.add(d.AddedTokens); err != nil {
		return nil, fmt.Errorf("added_tokens: %w", err)
	}
	special := t.process(nil)
	if len(special) > maxTemplate {
		return nil, fmt.Errorf("post_processor: it puts in %d tokens, over the limit of %d", len(special), maxTemplate)
	}
	for _, id := range special {
		if _, ok := t.Token(id); !ok {
			return nil, fmt.Errorf("post_processor: it puts in token %d, which does not exist", id)
		}
	}
	return t, nil
}

// strict fills v, and takes neither unknown keys nor anything after the value.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("bytes after the object")
	}
	return nil
}

// absent reports whether an optional part is left out.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }

// kind returns the type that a part names.
func kind(raw json.RawMessage) (string, error) {
	var k struct {
		Type string `json:"type"`
	}
	err := json.Unmarshal(raw, &k)
	return k.Type, err
}

// members parses the parts of a sequence; one is called for each.
func members(raw []json.RawMessage, depth int, one func(json.RawMessage, int) error) error {
	if depth >= maxDepth {
		return fmt.Errorf("sequences are nested more than %d deep", maxDepth)
	}
	if len(raw) > maxMembers {
		return fmt.Errorf("a sequence has %d parts, over the limit of %d", len(raw), maxMembers)
	}
	for i, r := range raw {
		if absent(r) {
			return fmt.Errorf("part %d of a sequence is empty", i+1)
		}
		if err := one(r, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// vocabulary is the model's own tokens, by text and by id.
type vocabulary struct {
	ids   map[string]int32
	texts []string
	has   []bool
}

func newVocabulary(ids map[string]int32) (*vocabulary, error) {
	v := &vocabulary{ids: ids}
	top, size := int32(none), 0
	for text, id := range ids {
		if id < 0 || id > maxID {
			return nil, fmt.Errorf("token %q has the id %d, not 0 to %d", text, id, maxID)
		}
		top = max(top, id)
		if size += len(text); size > maxVocabulary {
			return nil, fmt.Errorf("its tokens have more than %d bytes together", maxVocabulary)
		}
	}
	if int(top) >= 2*len(ids)+1<<16 {
		return nil, fmt.Errorf("%d tokens have ids up to %d", len(ids), top)
	}
	v.texts = make([]string, top+1)
	v.has = make([]bool, top+1)
	for text, id := range ids {
		if v.has[id] {
			return nil, fmt.Errorf("tokens %q and %q have the same id %d", min(text, v.texts[id]), max(text, v.texts[id]), id)
		}
		v.texts[id], v.has[id] = text, true
	}
	return v, nil
}

// parseModel reads the model. Old files do not name its type.
func parseModel(raw json.RawMessage) (*vocabulary, model, error) {
	if absent(raw) {
		return nil, nil, errors.New("it is missing")
	}
	k, err := kind(raw)
	if err != nil {
		return nil, nil, err
	}
	if k == "" {
		var keys map[string]json.RawMessage
		if err := json.Unmarshal(raw, &keys); err != nil {
			return nil, nil, err
		}
		switch {
		case keys["merges"] != nil:
			k = "BPE"
		case keys["max_input_chars_per_word"] != nil:
			k = "WordPiece"
		case keys["unk_id"] != nil:
			k = "Unigram"
		}
	}
	switch k {
	case "WordPiece":
		return parseWordPiece(raw)
	case "BPE":
		return parseBPE(raw)
	case "Unigram":
		return parseUnigram(raw)
	}
	return nil, nil, fmt.Errorf("type %q is not one of WordPiece, BPE and Unigram", k)
}

// pattern is what a part looks for: a text or a regular expression.
type pattern struct {
	String *string `json:"String"`
	Regex  *string `json:"Regex"`
}

// finder returns a function that finds all matches, as pairs of bytes.
func (p pattern) finder() (finder, error) {
	switch {
	case p.String != nil && p.Regex == nil:
		if *p.String == "" {
			return nil, errors.New("an empty pattern")
		}
		return literal(*p.String), nil
	case p.Regex != nil && p.String == nil:
		return compile(*p.Regex)
	}
	return nil, errors.New("a pattern is neither a String nor a Regex")
}
