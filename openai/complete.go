package openai

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"sync"
	"time"

	"hearth/infer/text"
)

// job is a request for text, in either form: prompts in tokens, and what comes
// of them.
type job struct {
	generation
	model   *Model
	id      string
	created int64
	began   time.Time
	prompts [][]int32
	stops   []int32 // tokens that end an answer besides the model's own
	strings []string
	caller  Caller
	traced  bool // receipts are wanted
	shape   shape
	results []result // of each choice: prompt by prompt
}

// shape is how chat and completions differ on the wire.
type shape interface {
	// first comes before the first piece of a choice, if it is not nil.
	first(j *job, choice int) any
	// piece is a chunk of a stream.
	piece(j *job, d delta) any
	// last is the chunk with the usage.
	last(j *job, u usage, x *extra) any
	// whole is an answer in one.
	whole(j *job, u usage, x *extra) any
}

// extra is what only Hearth says of an answer.
type extra struct {
	Seed   *uint64 `json:"seed,omitempty"`
	Proofs []Proof `json:"proofs,omitempty"`
}

// serveJob checks that there is room, runs a job and answers.
func (s *Server) serveJob(w http.ResponseWriter, r *http.Request, j *job) error {
	if !j.hasSeed {
		var b [8]byte
		rand.Read(b[:]) // never fails, says crypto/rand
		// Short enough for every program that reads numbers as floating point.
		j.seed = binary.LittleEndian.Uint64(b[:]) >> 12
	}
	j.created, j.began = s.now().Unix(), s.now()
	n := len(j.prompts) * j.choices
	if j.traced = wantsReceipt(r, j.receipt); j.traced {
		if err := s.receiptsFor(j.model, n); err != nil {
			return err
		}
	}
	give, err := s.gate.take(n)
	if err != nil {
		return err
	}
	defer give()
	j.results = make([]result, n)
	if j.stream {
		return s.streamJob(w, r, j)
	}
	u, err := s.runJob(r.Context(), j, func(delta) error { return nil })
	if err != nil {
		return err
	}
	x, err := s.extra(w, j)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, j.shape.whole(j, u, x))
	return nil
}

// runJob writes all choices, side by side, and hands on their pieces one at a
// time.
func (s *Server) runJob(ctx context.Context, j *job, emit func(delta) error) (usage, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	deltas := make(chan delta)
	var writers sync.WaitGroup
	for i := range j.results {
		writers.Go(func() {
			c := &choice{
				number: i, words: j.model.Words.Reader(), stop: text.NewStop(j.strings), scores: j.logprobs,
				emit: func(d delta) error {
					select {
					case deltas <- d:
						return nil
					case <-ctx.Done():
						return context.Cause(ctx)
					}
				},
			}
			prompt := j.prompts[i/j.choices]
			err := j.model.run(ctx, j.request(j.model, prompt, i%j.choices, j.stops), c, j.traced, j.later)
			j.results[i] = c.result
			if err != nil {
				cancel(fromEngine("", err))
			}
		})
	}
	go func() {
		writers.Wait()
		close(deltas)
	}()
	first := true
	for d := range deltas {
		if first {
			first = false
			s.metrics.firstToken(j.model.Name, s.now().Sub(j.began))
		}
		if ctx.Err() != nil {
			continue // let the writers end
		}
		if err := emit(d); err != nil {
			cancel(err)
		}
	}
	if ctx.Err() != nil {
		return usage{}, context.Cause(ctx)
	}
	u := j.used()
	s.count(j.model, u)
	return u, nil
}

// used counts the tokens. A prompt is counted once, however many answers it
// gets.
func (j *job) used() usage {
	var u usage
	for _, p := range j.prompts {
		u.Prompt += len(p)
	}
	for _, r := range j.results {
		u.Completion += len(r.tokens)
	}
	u.Total = u.Prompt + u.Completion
	return u
}

// streamJob answers with server-sent events.
func (s *Server) streamJob(w http.ResponseWriter, r *http.Request, j *job) error {
	rc := http.NewResponseController(w)
	begun := false
	send := func(v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if !begun {
			// Only now, so that a request that is refused gets its status.
			begun = true
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(http.StatusOK)
		}
		// A client that takes nothing for so long has gone.
		_ = rc.SetWriteDeadline(time.Now().Add(time.Minute))
		if _, err := w.Write(append(append([]byte("data: "), b...), "\n\n"...)); err != nil {
			return err
		}
		return rc.Flush()
	}
	greeted := make([]bool, len(j.results))
	u, err := s.runJob(r.Context(), j, func(d delta) error {
		if !greeted[d.choice] {
			greeted[d.choice] = true
			if v := j.shape.first(j, d.choice); v != nil {
				if err := send(v); err != nil {
					return err
				}
			}
		}
		return send(j.shape.piece(j, d))
	})
	if err == nil {
		var x *extra
		if x, err = s.extra(w, j); err == nil && (j.usage || j.traced) {
			err = send(j.shape.last(j, u, x))
		}
	}
	if err == nil {
		_, _ = w.Write([]byte("data: [DONE]\n\n"))
		return rc.Flush()
	}
	if !begun {
		return err
	}
	// It is too late for a status: clients look for an error among the chunks.
	p := problemOf(err)
	_ = send(errorBody{p})
	return p
}

// extra is what Hearth adds to the answer: the seed, and the receipt if it was
// asked for.
func (s *Server) extra(w http.ResponseWriter, j *job) (*extra, error) {
	x := &extra{Seed: &j.seed}
	if !j.traced {
		return x, nil
	}
	var err error
	x.Proofs, err = s.proveAnswers(w, j)
	return x, err
}

// fingerprint says what computed an answer: the same one, seed and settings
// give the same answer.
func (m *Model) fingerprint() string { return "fp_" + m.ID[:min(len(m.ID), 16)] }
