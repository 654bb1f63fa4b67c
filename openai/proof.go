package openai

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"hearth/work"
)

// Shown is what an answer shows beside a proof; both are nil where a proof
// stands alone.
type Shown struct {
	Text   *string
	Vector []float32
}

// ReadProofs reads what a caller may have kept: the body of an answer with
// receipts, of GET /v1/receipts/{id}, one proof, or a bare receipt.
func ReadProofs(b []byte) ([]Proof, error) {
	bad := func(err error) ([]Proof, error) {
		return nil, fmt.Errorf("it is not JSON of a receipt, nor of an answer with one: %w", err)
	}
	var has map[string]json.RawMessage
	if err := json.Unmarshal(b, &has); err != nil {
		return bad(err)
	}
	answer := has
	if inner := has["hearth"]; inner != nil {
		has = nil
		if err := json.Unmarshal(inner, &has); err != nil {
			return bad(err)
		}
	}
	if has["executor"] != nil {
		return []Proof{{Receipt: b}}, nil
	}
	var list []Proof
	var err error
	switch {
	case has["proofs"] != nil:
		err = json.Unmarshal(has["proofs"], &list)
	case has["receipt"] != nil:
		list = make([]Proof, 1)
		err = json.Unmarshal(b, &list[0])
	}
	if err != nil {
		return bad(err)
	}
	if len(list) == 0 || slices.ContainsFunc(list, func(p Proof) bool { return len(p.Receipt) == 0 }) {
		return nil, errors.New("there is no receipt in it: ask for one with the header X-Hearth-Receipt: 1")
	}
	if err := show(list, answer); err != nil {
		return bad(err)
	}
	return list, nil
}

// show puts beside each proof what its answer shows. Proofs are in the order of
// the choices or vectors.
func show(list []Proof, answer map[string]json.RawMessage) error {
	var choices []struct {
		Text    *string `json:"text"`
		Message struct {
			Content *string `json:"content"`
		} `json:"message"`
	}
	var data []struct {
		Embedding json.RawMessage `json:"embedding"`
	}
	for name, v := range map[string]any{"choices": &choices, "data": &data} {
		if answer[name] != nil {
			if err := json.Unmarshal(answer[name], v); err != nil {
				return fmt.Errorf("its %s: %w", name, err)
			}
		}
	}
	if n := len(choices) + len(data); n != 0 && n != len(list) {
		return fmt.Errorf("it has %d answers and %d receipts", n, len(list))
	}
	for i, c := range choices {
		list[i].Shown.Text = c.Text
		if c.Text == nil {
			list[i].Shown.Text = c.Message.Content
		}
	}
	for i, d := range data {
		v, err := readVector(d.Embedding)
		if err != nil {
			return fmt.Errorf("its embedding %d: %w", i+1, err)
		}
		list[i].Shown.Vector = v
	}
	return nil
}

// readVector reads a vector in either form that embeddings come in.
func readVector(b json.RawMessage) (v []float32, err error) {
	var packed string
	if json.Unmarshal(b, &packed) != nil {
		return v, json.Unmarshal(b, &v)
	}
	raw, err := base64.StdEncoding.DecodeString(packed)
	if err != nil || len(raw)%4 != 0 {
		return nil, errors.New("it is no base64 of numbers")
	}
	v = make([]float32, len(raw)/4)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return v, nil
}

// Errors and findings of [Model.Says].
var (
	errOtherText   = errors.New("the text of the answer is not that of its tokens: one of the two was changed")
	errOtherVector = errors.New("the vector of the answer is not that of its proof: one of the two was changed")
)

// Says tells whether what an answer shows is what the output of a job says.
// Whole is false of a text that a string ended early: what followed was cut
// off, and only the server knows that a string was.
func (m *Model) Says(job *work.Job, output []int32, shown Shown) (whole bool, err error) {
	if shown.Vector != nil && !slices.Equal(shown.Vector, floats(output)) {
		return false, errOtherVector
	}
	if shown.Text == nil {
		return true, nil
	}
	text := *shown.Text
	words := m.read(output)
	if text == words {
		return true, nil
	}
	// A completion may repeat its prompt.
	text = strings.TrimPrefix(text, m.read(job.Prompt))
	if !strings.HasPrefix(words, text) {
		return false, errOtherText
	}
	return text == words, nil
}

// read is what tokens say.
func (m *Model) read(tokens []int32) string {
	words := m.Words.Reader()
	var s strings.Builder
	for _, t := range tokens {
		s.WriteString(words.Push(t))
	}
	return s.String() + words.Flush()
}
