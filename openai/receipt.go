package openai

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"hearth/work"
)

// Proof is a receipt with what its hashes are of: whoever has all of it can
// check the receipt against the prompt and the answer, and by running the job
// again. The job and the output are for whoever asked; a receipt alone tells
// neither.
type Proof struct {
	Receipt json.RawMessage `json:"receipt"`
	// Job is the prompt in tokens, the settings, the seed and the secret salt.
	Job work.EncodedJob `json:"job"`
	// Output is the tokens of the answer, or the vector of a text.
	Output []int32 `json:"output"`
	// Shown is what the answer around the proof shows, as [ReadProofs] found it.
	// It is not signed: only the output is, that it should follow from.
	Shown Shown `json:"-"`
}

// Receipts writes receipts and keeps the newest ones in memory, for the
// callers who asked for them: for clients that drop what they do not know of
// an answer, since every answer carries its receipt anyway. They are not
// written to disk, as the proofs beside them are prompts and answers. It is
// safe for concurrent use.
type Receipts struct {
	key ed25519.PrivateKey

	mu   sync.Mutex
	kept []keptReceipt // the oldest first
	size int
}

type keptReceipt struct {
	id, caller string
	body       []byte
}

const (
	// keptReceipts and keptBytes bound what is remembered.
	keptReceipts = 256
	keptBytes    = 16 << 20
	// mostReceipts of one request.
	mostReceipts = 64
)

// NewReceipts signs receipts with the executor's key.
func NewReceipts(key ed25519.PrivateKey) *Receipts { return &Receipts{key: key} }

// receiptAnswer is what a caller gets.
type receiptAnswer struct {
	ID     string  `json:"id"`
	Object string  `json:"object"`
	Proofs []Proof `json:"proofs"`
}

// keep remembers the proofs of an answer under its id.
func (r *Receipts) keep(caller string, a receiptAnswer) error {
	b, err := json.Marshal(a)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = append(r.kept, keptReceipt{a.ID, caller, b})
	r.size += len(b)
	for len(r.kept) > 1 && (len(r.kept) > keptReceipts || r.size > keptBytes) {
		r.size -= len(r.kept[0].body)
		r.kept = r.kept[1:]
	}
	return nil
}

func (r *Receipts) find(caller, id string) ([]byte, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.kept {
		if k.id == id && k.caller == caller {
			return k.body, true
		}
	}
	return nil, false
}

func (s *Server) receipt(w http.ResponseWriter, r *http.Request, c Caller) error {
	id := r.PathValue("id")
	if s.receipts != nil {
		if b, ok := s.receipts.find(c.Name, id); ok {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(append(b, '\n'))
			return nil
		}
	}
	return notFound("id", "receipt_not_found",
		"There is no receipt %q for you: the newest %d are remembered until the server stops, and every answer carries its own. Ask for one with the header X-Hearth-Receipt: 1.", id, keptReceipts)
}

// wantsReceipt reports whether the caller asked for a receipt, in the body or
// by a header.
func wantsReceipt(r *http.Request, asked bool) bool {
	h := r.Header.Get("X-Hearth-Receipt")
	return asked || h != "" && h != "0" && h != "false"
}

// receiptsFor refuses early what could not be receipted.
func (s *Server) receiptsFor(m *Model, n int) error {
	switch {
	case s.receipts == nil || m.Registered == nil:
		return unsupported("hearth.receipt", "This server signs no receipts.")
	case n > mostReceipts:
		return unsupported("hearth.receipt", "Receipts are written for at most %d texts or answers at a time.", mostReceipts)
	}
	return nil
}

// prove writes the receipts of an answer, remembers them, and says so in the
// answer.
func (s *Server) prove(w http.ResponseWriter, m *Model, c Caller, id string, jobs []work.Job, outputs [][]int32, traces []*work.Trace) ([]Proof, error) {
	proofs := make([]Proof, len(jobs))
	for i := range jobs {
		receipt, err := work.NewReceipt(m.Registered, &jobs[i], outputs[i], traces[i], s.receipts.key)
		if err != nil && traces[i] != nil {
			// Part of the prompt was in the cache already, so that its rows were
			// not computed this time: the receipt does without a trace.
			receipt, err = work.NewReceipt(m.Registered, &jobs[i], outputs[i], nil, s.receipts.key)
		}
		if err != nil {
			return nil, err
		}
		b, err := receipt.Encode()
		if err != nil {
			return nil, err
		}
		proofs[i] = Proof{Receipt: b, Job: jobs[i].Encode(), Output: append([]int32{}, outputs[i]...)}
	}
	if err := s.receipts.keep(c.Name, receiptAnswer{id, "receipt", proofs}); err != nil {
		return nil, err
	}
	w.Header().Set("X-Hearth-Receipt", id)
	return proofs, nil
}

// privateJob is a job that stays between the caller and this server: its salt
// keeps its hashes from being guessed at.
func (m *Model) privateJob() work.Job {
	j := work.Job{Model: m.Registered.ID()}
	rand.Read(j.Salt[:]) // never fails, says crypto/rand
	return j
}

// proveTexts writes receipts of embeddings.
func (s *Server) proveTexts(w http.ResponseWriter, m *Model, c Caller, texts, vectors [][]int32, traces []*work.Trace) (*extra, error) {
	jobs := make([]work.Job, len(texts))
	for i := range jobs {
		jobs[i] = m.privateJob()
		jobs[i].Prompt = texts[i]
	}
	proofs, err := s.prove(w, m, c, "embd-"+random(), jobs, vectors, traces)
	if err != nil {
		return nil, fmt.Errorf("write receipts: %w", err)
	}
	return &extra{Proofs: proofs}, nil
}

// proveAnswers writes receipts of the answers of a job.
func (s *Server) proveAnswers(w http.ResponseWriter, j *job) ([]Proof, error) {
	n := len(j.results)
	jobs, outputs, traces := make([]work.Job, n), make([][]int32, n), make([]*work.Trace, n)
	for i, r := range j.results {
		req := r.request
		jobs[i] = j.model.privateJob()
		jobs[i].Prompt, jobs[i].Most, jobs[i].Stop, jobs[i].Seed = req.Prompt, req.Most, req.Stop, req.Seed
		jobs[i].Sampling = work.Sampling(req.Sampling)
		if r.cut {
			// A string ended the answer, of which the engine knows nothing: the
			// job is to write as many tokens as were written.
			jobs[i].Most = len(r.tokens)
		}
		outputs[i], traces[i] = r.tokens, r.trace
	}
	proofs, err := s.prove(w, j.model, j.caller, j.id, jobs, outputs, traces)
	if err != nil {
		return nil, fmt.Errorf("write receipts: %w", err)
	}
	return proofs, nil
}

// trace begins to keep the rows of a sequence; end returns them.
func (m *Model) trace(wanted bool, number uint64) (end func() *work.Trace) {
	if !wanted || m.Tracer == nil {
		return func() *work.Trace { return nil }
	}
	m.Tracer.Begin(number)
	return func() *work.Trace { return m.Tracer.End(number) }
}

// embed embeds texts, with the traces of their rows if they are wanted.
func (m *Model) embed(r *http.Request, texts [][]int32, traced, later bool) ([][]int32, []*work.Trace, error) {
	first := m.Numbers(len(texts))
	ends := make([]func() *work.Trace, len(texts))
	for i := range texts {
		ends[i] = m.trace(traced, first+uint64(i))
	}
	var vectors [][]int32
	var err error
	if later && m.Later != nil {
		vectors, err = m.embedLater(r.Context(), first, texts)
	} else {
		vectors, err = m.Encoder.EmbedFrom(r.Context(), first, texts)
	}
	traces := make([]*work.Trace, len(texts))
	for i, end := range ends {
		traces[i] = end()
	}
	return vectors, traces, err
}

// laterBatch is how many texts are one portion of work that waits for heat.
const laterBatch = 8

// embedLater embeds texts portion by portion, each in a turn of its own.
func (m *Model) embedLater(ctx context.Context, first uint64, texts [][]int32) (vectors [][]int32, err error) {
	defer m.Later.Enter()()
	next := m.Later.Turns()
	for batch := range slices.Chunk(texts, laterBatch) {
		if err := next(ctx); err != nil {
			return nil, err
		}
		v, err := m.Later.Encoder.EmbedFrom(ctx, first+uint64(len(vectors)), batch)
		if err != nil {
			return nil, err
		}
		vectors = append(vectors, v...)
	}
	return vectors, nil
}
