package tree

import (
	"fmt"
	"slices"
	"strings"

	"hearth/infer/model"
	"hearth/work"
)

// Cut says how a text becomes jobs.
type Cut struct {
	// Least and Longest are the tokens of a prompt. What is shorter is left out, what is
	// longer becomes several.
	Least, Longest int
	// Answer is how many tokens a decoder goes on for; an encoder embeds and has
	// 0.
	Answer int
	// Jobs is the most that are made; 0 makes all.
	Jobs int
}

// Passages makes jobs of the passages of a text, which empty lines part.
// encode turns a passage into tokens, with those that the model wants around
// them. Passages that come twice count once.
func (c Cut) Passages(m *work.Model, encode func(string) ([]int32, error), text string) (*List, error) {
	config := m.Config()
	switch {
	case c.Least < 1 || c.Longest < c.Least:
		return nil, fmt.Errorf("cut a text into prompts of %d to %d tokens", c.Least, c.Longest)
	case (c.Answer > 0) != (config.Kind == model.Decoder):
		return nil, fmt.Errorf("cut a text for answers of %d tokens by an %s: an encoder embeds and has 0, a decoder more", c.Answer, config.Kind)
	case c.Longest+c.Answer > min(config.Context, work.MaxJobTokens):
		return nil, fmt.Errorf("prompts of %d tokens and answers of %d: the model takes %d, a claim %d", c.Longest, c.Answer, config.Context, work.MaxJobTokens)
	}
	var encodings [][]byte
	seen := map[model.Hash]bool{}
	for number, passage := range paragraphs(text) {
		pieces, err := c.pieces(encode, passage)
		if err != nil {
			return nil, fmt.Errorf("passage %d of the text: %w", number+1, err)
		}
		for _, prompt := range pieces {
			j := work.Job{Model: m.ID(), Public: true, Prompt: prompt, Most: c.Answer}
			if work.Cost(config, len(prompt)+c.Answer, c.Answer) > work.MaxJobWork {
				return nil, fmt.Errorf("passage %d of the text: it takes more multiply-accumulates than a claim may: cut shorter", number+1)
			}
			if id := j.ID(); !seen[id] {
				seen[id] = true
				encodings = append(encodings, j.Encode())
			}
			if len(encodings) == c.Jobs || len(encodings) > MaxJobs {
				return NewList(encodings)
			}
		}
	}
	if len(encodings) == 0 {
		return nil, fmt.Errorf("the text has no passage of at least %d tokens", c.Least)
	}
	return NewList(encodings)
}

// pieces cuts a passage between words until every piece is short enough.
func (c Cut) pieces(encode func(string) ([]int32, error), passage string) ([][]int32, error) {
	words := strings.Fields(passage)
	var out [][]int32
	for len(words) > 0 {
		n, tokens, err := c.longest(encode, words)
		if err != nil {
			return nil, err
		}
		if len(tokens) >= c.Least {
			out = append(out, tokens)
		}
		words = words[n:]
	}
	return out, nil
}

// longest finds how many words at the front are not too long.
func (c Cut) longest(encode func(string) ([]int32, error), words []string) (n int, tokens []int32, err error) {
	// A word is at least a token: no more words than tokens need be tried.
	low, high := 0, min(len(words), c.Longest)
	for low < high {
		try := (low + high + 1) / 2
		t, err := encode(strings.Join(words[:try], " "))
		if err != nil {
			return 0, nil, err
		}
		if len(t) <= c.Longest {
			low, tokens = try, slices.Clone(t)
		} else {
			high = try - 1
		}
	}
	if low == 0 {
		return 1, nil, nil // a word that is too long alone is left out
	}
	return low, tokens, nil
}

func paragraphs(text string) []string {
	var out []string
	var lines []string
	for _, line := range append(strings.Split(text, "\n"), "") {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		} else if len(lines) > 0 {
			out = append(out, strings.Join(lines, " "))
			lines = nil
		}
	}
	return out
}
