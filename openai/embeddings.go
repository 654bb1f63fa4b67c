package openai

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"net/http"

	"hearth/infer/engine"
)

// usage is how many tokens were read and written.
type usage struct {
	Prompt     int `json:"prompt_tokens"`
	Completion int `json:"completion_tokens"`
	Total      int `json:"total_tokens"`
}

// embeddingUsage is usage of a request that writes nothing.
type embeddingUsage struct {
	Prompt int `json:"prompt_tokens"`
	Total  int `json:"total_tokens"`
}

type embeddingObject struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"` // []float32, or base64 of them
}

type embeddingList struct {
	Object string            `json:"object"`
	Data   []embeddingObject `json:"data"`
	Model  string            `json:"model"`
	Usage  embeddingUsage    `json:"usage"`
	Hearth *extra            `json:"hearth,omitempty"`
}

func (s *Server) embeddings(w http.ResponseWriter, r *http.Request, c Caller) error {
	all, err := fields(w, r)
	if err != nil {
		return err
	}
	req, err := readEmbedding(all)
	if err != nil {
		return err
	}
	m, err := s.find(req.model)
	if err != nil {
		return err
	}
	if m.Encoder == nil {
		return invalid("model", "wrong_model", "%s writes text; embeddings need an encoder such as all-minilm-l6-v2 (\"hearth model pull all-minilm-l6-v2\").", m.Name)
	}
	if req.dimensions != 0 && req.dimensions != m.Config.Width {
		return unsupported("dimensions", "%s makes vectors of %d numbers, and was not trained to be cut: leave dimensions out.", m.Name, m.Config.Width)
	}
	texts := make([][]int32, len(req.inputs))
	total := 0
	for i, in := range req.inputs {
		if texts[i], err = m.text(in, "input", i); err != nil {
			return err
		}
		total += len(texts[i])
	}
	receipts := wantsReceipt(r, req.receipt)
	if receipts {
		if err := s.receiptsFor(m, len(texts)); err != nil {
			return err
		}
	}
	give, err := s.gate.take(len(texts))
	if err != nil {
		return err
	}
	defer give()
	vectors, traces, err := m.embed(r, texts, receipts, req.later)
	if err != nil {
		return fromEngine("input", err)
	}
	answer := embeddingList{Object: "list", Model: m.Name, Usage: embeddingUsage{total, total}}
	for i, v := range vectors {
		o := embeddingObject{Object: "embedding", Index: i}
		if f := floats(v); req.base64 {
			o.Embedding = base64.StdEncoding.EncodeToString(littleEndian(f))
		} else {
			o.Embedding = f
		}
		answer.Data = append(answer.Data, o)
	}
	if receipts {
		if answer.Hearth, err = s.proveTexts(w, m, c, texts, vectors, traces); err != nil {
			return err
		}
	}
	s.count(m, usage{Prompt: total, Total: total})
	writeJSON(w, http.StatusOK, answer)
	return nil
}

// text turns an input of an encoder into tokens.
func (m *Model) text(in input, param string, i int) ([]int32, error) {
	tokens := in.tokens
	if tokens == nil {
		var err error
		if tokens, err = m.Words.Text(in.text); err != nil {
			return nil, invalid(param, "invalid_value", "%s number %d: %v", param, i+1, err)
		}
	}
	return tokens, m.check(tokens, param, i)
}

// check refuses tokens that the model cannot take.
func (m *Model) check(tokens []int32, param string, i int) error {
	if n := m.Config.Context; len(tokens) > n {
		return invalid(param, "context_length_exceeded", "%s number %d has %d tokens, and %s takes %d: divide it.", param, i+1, len(tokens), m.Name, n)
	}
	for _, t := range tokens {
		if t < 0 || int(t) >= m.Config.Vocab {
			return invalid(param, "invalid_value", "%s number %d: %d is no token of %s.", param, i+1, t, m.Name)
		}
	}
	return nil
}

// floats gives a vector in units of 2^-30 as the format has it. This is the
// only place where an embedding is floating point, and nothing is computed
// with it: each number is rounded once, to nearest even.
func floats(v []int32) []float32 {
	out := make([]float32, len(v))
	for i, x := range v {
		out[i] = float32(math.Ldexp(float64(x), -30))
	}
	return out
}

func littleEndian(v []float32) []byte {
	b := make([]byte, 0, 4*len(v))
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

// fromEngine tells apart what is wrong with a request and what is wrong here.
func fromEngine(param string, err error) error {
	switch {
	case errors.Is(err, engine.ErrRequest):
		return invalid(param, "invalid_value", "%v", err)
	case errors.Is(err, engine.ErrBusy):
		return busy(http.StatusServiceUnavailable, "queue_full", 0, "As many jobs wait as there is room for: ask again in a moment.")
	}
	return err
}
