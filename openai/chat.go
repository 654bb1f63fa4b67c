package openai

import (
	"math"
	"net/http"
)

func (s *Server) chat(w http.ResponseWriter, r *http.Request, c Caller) error {
	all, err := fields(w, r)
	if err != nil {
		return err
	}
	req, err := readChat(all)
	if err != nil {
		return err
	}
	m, err := s.writer(req.model)
	if err != nil {
		return err
	}
	prompt, err := m.Words.Conversation(req.messages)
	if err != nil {
		return invalid("messages", "invalid_value", "%v", err)
	}
	if err := m.fits(prompt, "messages", req.maxTokens); err != nil {
		return err
	}
	return s.serveJob(w, r, &job{
		generation: req.generation, caller: c, model: m, id: "chatcmpl-" + random(), shape: chatShape{},
		prompts: [][]int32{prompt}, stops: m.Words.Ends(m.Config.EOS),
		strings: append(m.Words.Stops(), req.generation.stops...),
	})
}

// writer finds a model that writes text.
func (s *Server) writer(name string) (*Model, error) {
	m, err := s.find(name)
	if err != nil {
		return nil, err
	}
	if m.Decoder == nil {
		return nil, invalid("model", "wrong_model", "%s makes embeddings and writes no text: ask /v1/embeddings.", m.Name)
	}
	return m, nil
}

// fits refuses a prompt that leaves no room for the answer that was asked for.
func (m *Model) fits(prompt []int32, param string, most int) error {
	if len(prompt) == 0 {
		return invalid(param, "invalid_value", "The prompt is empty.")
	}
	switch n := m.Config.Context; {
	case len(prompt) >= n:
		return invalid(param, "context_length_exceeded",
			"%s takes %d tokens in all, prompt and answer. The prompt has %d: shorten it.", m.Name, n, len(prompt))
	case len(prompt)+most > n:
		return invalid(param, "context_length_exceeded",
			"%s takes %d tokens in all, prompt and answer. The prompt has %d, and %d are asked for: shorten one of them.", m.Name, n, len(prompt), most)
	}
	return m.check(prompt, param, 0)
}

// chatShape is the form of /v1/chat/completions.
type chatShape struct{}

type chatMessage struct {
	Role    string  `json:"role,omitempty"`
	Content *string `json:"content,omitempty"`
	Refusal *string `json:"refusal,omitempty"`
}

type chatChoice struct {
	Index    int           `json:"index"`
	Message  *chatMessage  `json:"message,omitempty"`
	Delta    *chatMessage  `json:"delta,omitempty"`
	Logprobs *chatLogprobs `json:"logprobs"`
	Finish   *string       `json:"finish_reason"`
}

type chatAnswer struct {
	ID          string       `json:"id"`
	Object      string       `json:"object"`
	Created     int64        `json:"created"`
	Model       string       `json:"model"`
	Fingerprint string       `json:"system_fingerprint"`
	Choices     []chatChoice `json:"choices"`
	Usage       *usage       `json:"usage,omitempty"`
	Hearth      *extra       `json:"hearth,omitempty"`
}

type chatLogprobs struct {
	Content []tokenLogprob `json:"content"`
	Refusal *string        `json:"refusal"`
}

type tokenLogprob struct {
	Token   string         `json:"token"`
	Logprob float64        `json:"logprob"`
	Bytes   []int          `json:"bytes"`
	Top     []tokenLogprob `json:"top_logprobs,omitzero"`
}

// natural is a logarithm in units of 2^-16 as a number; every such number is
// exactly a float64.
func natural(log int32) float64 { return math.Ldexp(float64(log), -16) }

func (m *Model) logprob(token, log int32) tokenLogprob {
	s, raw := m.tokenText(token)
	return tokenLogprob{Token: s, Logprob: natural(log), Bytes: raw}
}

func (j *job) chatLogprobs(tokens []scored) *chatLogprobs {
	if !j.logprobs {
		return nil
	}
	l := &chatLogprobs{Content: []tokenLogprob{}}
	for _, t := range tokens {
		e := j.model.logprob(t.token, t.log)
		e.Top = []tokenLogprob{}
		for _, o := range t.likely {
			e.Top = append(e.Top, j.model.logprob(o.Token, o.Log))
		}
		l.Content = append(l.Content, e)
	}
	return l
}

func (j *job) chatAnswer(object string, choices ...chatChoice) chatAnswer {
	if choices == nil {
		choices = []chatChoice{}
	}
	return chatAnswer{
		ID: j.id, Object: object, Created: j.created, Model: j.model.Name, Fingerprint: j.model.fingerprint(), Choices: choices,
	}
}

const chatChunk = "chat.completion.chunk"

func (chatShape) first(j *job, choice int) any {
	return j.chatAnswer(chatChunk, chatChoice{Index: choice, Delta: &chatMessage{Role: "assistant", Content: new(string)}})
}

func (chatShape) piece(j *job, d delta) any {
	c := chatChoice{Index: d.choice, Delta: &chatMessage{}, Finish: ref(d.end)}
	if d.text != "" {
		c.Delta.Content = &d.text
	}
	if len(d.tokens) > 0 {
		c.Logprobs = j.chatLogprobs(d.tokens)
	}
	return j.chatAnswer(chatChunk, c)
}

func (chatShape) last(j *job, u usage, x *extra) any {
	a := j.chatAnswer(chatChunk)
	a.Usage, a.Hearth = &u, x
	return a
}

func (chatShape) whole(j *job, u usage, x *extra) any {
	a := j.chatAnswer("chat.completion")
	a.Usage, a.Hearth = &u, x
	for i, r := range j.results {
		a.Choices = append(a.Choices, chatChoice{
			Index: i, Message: &chatMessage{Role: "assistant", Content: &r.text},
			Logprobs: j.chatLogprobs(r.scored), Finish: ref(r.end),
		})
	}
	return a
}
