package text

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hearth/infer/token"
)

// Coder turns text into the tokens of one model, and back. It is immutable
// and safe for concurrent use.
type Coder struct {
	tokens   *token.Tokenizer
	template Template
	begin    []int32 // what every text begins with
	ends     []int32 // tokens that end a turn
}

// NewCoder returns the coder of a model with the given tokenizer. Template
// names one of [Templates]; if it is empty, the tokenizer's control tokens and
// the template that was published with the model, which is only looked at,
// choose one.
func NewCoder(t *token.Tokenizer, template, published string) (*Coder, error) {
	c := &Coder{tokens: t}
	if template == "" {
		c.template = choose(t, published)
	} else {
		all := Templates()
		i := slices.IndexFunc(all, func(o Template) bool { return o.Name == template })
		if i < 0 {
			var names []string
			for _, o := range all {
				names = append(names, o.Name)
			}
			return nil, fmt.Errorf("there is no template %q: use %s", template, strings.Join(names, ", "))
		}
		c.template = all[i]
	}
	if b := c.template.begin; b != "" {
		id, ok := t.ID(b)
		if !ok {
			return nil, c.foreign(b)
		}
		c.begin = []int32{id}
	}
	for _, e := range c.template.Ends {
		if id, ok := t.ID(e); ok {
			c.ends = append(c.ends, id)
		}
	}
	return c, nil
}

func (c *Coder) foreign(name string) error {
	return fmt.Errorf("the template %s is not for this model: its tokenizer has no %s", c.template.Name, name)
}

// choose finds the template of a model.
func choose(t *token.Tokenizer, published string) Template {
	all := Templates()
	for _, o := range all {
		if len(o.marks) > 0 && !slices.ContainsFunc(o.marks, func(m string) bool { _, ok := t.ID(m); return !ok }) {
			return o
		}
	}
	want := "plain"
	if _, ok := t.ID("<s>"); ok && strings.Contains(published, "[INST]") {
		want = "llama-2"
	}
	return all[slices.IndexFunc(all, func(o Template) bool { return o.Name == want })]
}

// Template is the form of conversations.
func (c *Coder) Template() Template { return c.template }

// Text returns the tokens of a text with those that the model wants around it.
func (c *Coder) Text(s string) ([]int32, error) {
	ids, err := c.tokens.Encode(s, token.Options{AddSpecial: true})
	if err != nil {
		return nil, err
	}
	if len(c.begin) > 0 && (len(ids) == 0 || ids[0] != c.begin[0]) {
		ids = append(slices.Clone(c.begin), ids...)
	}
	return ids, nil
}

// Conversation returns the tokens of a prompt: the turns so far, and the
// beginning of the model's next one.
func (c *Coder) Conversation(turns []Message) ([]int32, error) {
	if len(turns) == 0 {
		return nil, errors.New("there is no turn to answer")
	}
	var l layout
	for _, m := range turns {
		if m.Role != System && m.Role != User && m.Role != Assistant {
			return nil, fmt.Errorf("the role %q is none of system, user and assistant", m.Role)
		}
	}
	c.template.lay(&l, turns)
	ids := slices.Clone(c.begin)
	for _, p := range l.pieces {
		if p.control {
			id, ok := c.tokens.ID(p.text)
			if !ok {
				return nil, c.foreign(p.text)
			}
			ids = append(ids, id)
			continue
		}
		words, err := c.tokens.Encode(p.text, token.Options{})
		if err != nil {
			return nil, err
		}
		ids = append(ids, words...)
	}
	return ids, nil
}

// Ends returns the tokens that end an answer, rising: those of the model and
// those of the template.
func (c *Coder) Ends(model []int32) []int32 {
	all := append(slices.Clone(model), c.ends...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Stops are the strings that end an answer.
func (c *Coder) Stops() []string { return slices.Clone(c.template.Stops) }

// Token is what a token reads as alone. Whole is false for one that is only a
// part of a character.
func (c *Coder) Token(id int32) (s string, whole bool) {
	s = c.tokens.Decode([]int32{id}, false)
	return s, !strings.ContainsRune(s, '\ufffd')
}

// Reader turns the tokens of an answer into text as they come. It serves one
// goroutine.
type Reader struct{ stream *token.Stream }

// Reader returns a new reader.
func (c *Coder) Reader() *Reader { return &Reader{c.tokens.Stream(true)} }

// Push takes a token and returns the text that is certain by then: whole
// characters.
func (r *Reader) Push(id int32) string { return r.stream.Next(id) }

// Flush returns what was held back, when no more tokens come.
func (r *Reader) Flush() string { return r.stream.Flush() }
