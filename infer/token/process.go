package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// processor puts special tokens around those of a text.
type processor func(ids []int32) []int32

func parseProcessor(raw json.RawMessage, depth int) (processor, error) {
	if absent(raw) {
		return around(nil, nil), nil
	}
	k, err := kind(raw)
	if err != nil {
		return nil, err
	}
	p, err := newProcessor(k, raw, depth)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", k, err)
	}
	return p, nil
}

func around(before, after []int32) processor {
	return func(ids []int32) []int32 { return slices.Concat(before, ids, after) }
}

// named is a token as older post-processors give it: [text, id].
type named struct{ id int32 }

func (n *named) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	var text string
	if len(raw) != 2 {
		return errors.New("a token is not a text and an id")
	}
	return errors.Join(json.Unmarshal(raw[0], &text), json.Unmarshal(raw[1], &n.id))
}

func newProcessor(kind string, raw json.RawMessage, depth int) (processor, error) {
	switch kind {
	case "Sequence":
		var c struct {
			Type  string            `json:"type"`
			Parts []json.RawMessage `json:"processors"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		all := []processor{}
		err := members(c.Parts, depth, func(r json.RawMessage, depth int) error {
			p, err := parseProcessor(r, depth)
			all = append(all, p)
			return err
		})
		return func(ids []int32) []int32 {
			for _, p := range all {
				ids = p(ids)
			}
			return ids
		}, err
	case "TemplateProcessing":
		return parseTemplate(raw)
	case "BertProcessing", "RobertaProcessing":
		var c struct {
			Type   string `json:"type"`
			Sep    named  `json:"sep"`
			Cls    named  `json:"cls"`
			Trim   bool   `json:"trim_offsets"`
			Prefix bool   `json:"add_prefix_space"`
		}
		if err := strict(raw, &c); err != nil {
			return nil, err
		}
		return around([]int32{c.Cls.id}, []int32{c.Sep.id}), nil
	case "ByteLevel": // changes offsets only
		var c struct {
			Type   string `json:"type"`
			Prefix bool   `json:"add_prefix_space"`
			Trim   bool   `json:"trim_offsets"`
			Regex  bool   `json:"use_regex"`
		}
		return around(nil, nil), strict(raw, &c)
	}
	return nil, errors.New("this type is not known")
}

// maxTemplate bounds the special tokens around a text.
const maxTemplate = 64

func parseTemplate(raw json.RawMessage) (processor, error) {
	type ref struct {
		ID   string `json:"id"`
		Type int32  `json:"type_id"`
	}
	var c struct {
		Type   string `json:"type"`
		Single []struct {
			Special  *ref `json:"SpecialToken"`
			Sequence *ref `json:"Sequence"`
		} `json:"single"`
		Pair     json.RawMessage `json:"pair"` // of two texts, which are not encoded together here
		Specials map[string]struct {
			ID     string   `json:"id"`
			IDs    []int32  `json:"ids"`
			Tokens []string `json:"tokens"`
		} `json:"special_tokens"`
	}
	if err := strict(raw, &c); err != nil {
		return nil, err
	}
	var before, after []int32
	seen := false
	for _, p := range c.Single {
		switch {
		case p.Sequence != nil && p.Special == nil:
			if p.Sequence.ID != "A" || seen {
				return nil, errors.New("the template of a single text does not have it once")
			}
			seen = true
		case p.Special != nil && p.Sequence == nil:
			s, ok := c.Specials[p.Special.ID]
			if !ok {
				return nil, fmt.Errorf("special token %q is not defined", p.Special.ID)
			}
			if seen {
				after = append(after, s.IDs...)
			} else {
				before = append(before, s.IDs...)
			}
		default:
			return nil, errors.New("a part of the template is neither a SpecialToken nor a Sequence")
		}
	}
	if !seen || len(before)+len(after) > maxTemplate {
		return nil, fmt.Errorf("the template of a single text has it not once, or more than %d special tokens", maxTemplate)
	}
	return around(before, after), nil
}
