package openai

import "net/http"

func (s *Server) complete(w http.ResponseWriter, r *http.Request, c Caller) error {
	all, err := fields(w, r)
	if err != nil {
		return err
	}
	req, err := readCompletion(all)
	if err != nil {
		return err
	}
	m, err := s.writer(req.model)
	if err != nil {
		return err
	}
	shape := completionShape{}
	prompts := make([][]int32, len(req.prompts))
	for i, in := range req.prompts {
		prompts[i] = in.tokens
		if in.tokens == nil {
			if prompts[i], err = m.Words.Text(in.text); err != nil {
				return invalid("prompt", "invalid_value", "%v", err)
			}
		}
		if err := m.fits(prompts[i], "prompt", req.maxTokens); err != nil {
			return err
		}
		if req.echo {
			shape.echo = append(shape.echo, m.echo(in))
		}
	}
	return s.serveJob(w, r, &job{
		generation: req.generation, caller: c, model: m, id: "cmpl-" + random(), shape: shape,
		prompts: prompts, strings: req.generation.stops,
	})
}

// echo is a prompt as text.
func (m *Model) echo(in input) string {
	if in.tokens == nil {
		return in.text
	}
	return m.read(in.tokens)
}

// completionShape is the form of /v1/completions. Echo holds the prompts, if
// they are to be repeated.
type completionShape struct{ echo []string }

type completionChoice struct {
	Text     string              `json:"text"`
	Index    int                 `json:"index"`
	Logprobs *completionLogprobs `json:"logprobs"`
	Finish   *string             `json:"finish_reason"`
}

type completionAnswer struct {
	ID          string             `json:"id"`
	Object      string             `json:"object"`
	Created     int64              `json:"created"`
	Model       string             `json:"model"`
	Fingerprint string             `json:"system_fingerprint"`
	Choices     []completionChoice `json:"choices"`
	Usage       *usage             `json:"usage,omitempty"`
	Hearth      *extra             `json:"hearth,omitempty"`
}

type completionLogprobs struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []float64            `json:"token_logprobs"`
	Top      []map[string]float64 `json:"top_logprobs"`
	Offset   []int                `json:"text_offset"`
}

func (j *job) completionLogprobs(tokens []scored) *completionLogprobs {
	if !j.logprobs {
		return nil
	}
	l := &completionLogprobs{Tokens: []string{}, Logprobs: []float64{}, Top: []map[string]float64{}, Offset: []int{}}
	for _, t := range tokens {
		s, _ := j.model.tokenText(t.token)
		top := make(map[string]float64, len(t.likely))
		for _, o := range t.likely {
			s, _ := j.model.tokenText(o.Token)
			// Of two tokens with one text the likelier one comes first.
			if _, there := top[s]; !there {
				top[s] = natural(o.Log)
			}
		}
		l.Tokens, l.Logprobs = append(l.Tokens, s), append(l.Logprobs, natural(t.log))
		l.Top, l.Offset = append(l.Top, top), append(l.Offset, t.at)
	}
	return l
}

func (j *job) completionAnswer(choices ...completionChoice) completionAnswer {
	if choices == nil {
		choices = []completionChoice{}
	}
	return completionAnswer{
		ID: j.id, Object: "text_completion", Created: j.created, Model: j.model.Name, Fingerprint: j.model.fingerprint(), Choices: choices,
	}
}

func (c completionShape) first(j *job, choice int) any {
	if c.echo == nil {
		return nil
	}
	return j.completionAnswer(completionChoice{Index: choice, Text: c.echo[choice/j.choices]})
}

func (completionShape) piece(j *job, d delta) any {
	c := completionChoice{Index: d.choice, Text: d.text, Finish: ref(d.end)}
	if len(d.tokens) > 0 {
		c.Logprobs = j.completionLogprobs(d.tokens)
	}
	return j.completionAnswer(c)
}

func (completionShape) last(j *job, u usage, x *extra) any {
	a := j.completionAnswer()
	a.Usage, a.Hearth = &u, x
	return a
}

func (c completionShape) whole(j *job, u usage, x *extra) any {
	a := j.completionAnswer()
	a.Usage, a.Hearth = &u, x
	for i, r := range j.results {
		text := r.text
		if c.echo != nil {
			text = c.echo[i/j.choices] + text
		}
		a.Choices = append(a.Choices, completionChoice{Index: i, Text: text, Logprobs: j.completionLogprobs(r.scored), Finish: ref(r.end)})
	}
	return a
}
