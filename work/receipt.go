package work

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/zeebo/blake3"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

const (
	receiptFormat  = 1
	receiptLabel   = "hearth receipt signature 1\n"
	contextOutput  = "hearth work 1 output"
	maxReceiptWork = 1<<53 - 1 // what every JSON reader keeps exact
	// MaxReceiptSize is the length of the longest receipt that is read.
	MaxReceiptSize = 4 << 20
)

// Receipt is what an executor signs about an answer. It holds hashes; prompt
// and output are in it only where the owner of the job made it public, in
// Disclosed.
type Receipt struct {
	Format   int        `json:"format"`
	Model    model.Hash `json:"model"`
	Job      model.Hash `json:"job"`    // [Job.ID]: binds prompt, settings and salt
	Public   bool       `json:"public"` // the job's
	Output   model.Hash `json:"output"` // [OutputHash]
	Trace    model.Hash `json:"trace"`  // [Trace.Root], zero where there is none
	Work     uint64     `json:"work"`   // multiply-accumulates of the whole job
	Executor Key        `json:"executor"`
	// Disclosed has what the hashes are of.
	Disclosed *Disclosure `json:"disclosed,omitempty"`
	Signature Signature   `json:"signature"`
}

// Disclosure is a job and its output: the tokens of an answer, or a vector.
type Disclosure struct {
	Job    EncodedJob `json:"job"`
	Output []int32    `json:"output"`
}

// EncodedJob is a job in its binary encoding; as text that is base64.
type EncodedJob []byte

// MarshalText implements [encoding.TextMarshaler].
func (j EncodedJob) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, j), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (j *EncodedJob) UnmarshalText(text []byte) (err error) {
	*j, err = base64.StdEncoding.Strict().AppendDecode(nil, text)
	return err
}

func unhex(dst, text []byte) error {
	if len(text) != 2*len(dst) {
		return fmt.Errorf("%d hex digits were given, %d are needed", len(text), 2*len(dst))
	}
	_, err := hex.Decode(dst, text)
	return err
}

// OutputHash is the hash of a job's output: the tokens of its answer, or the
// vector of a text in units of 2^-30.
func OutputHash(job *Job, output []int32) (h model.Hash) {
	id := job.ID()
	b := slices.Concat(job.Salt[:], id[:])
	b = binary.LittleEndian.AppendUint32(b, uint32(len(output)))
	blake3.DeriveKey(contextOutput, appendTokens(b, output), h[:])
	return h
}

// NewReceipt writes a receipt of a job's output and signs it. A nil trace is
// none. Of a private job nothing is disclosed.
func NewReceipt(m *Model, job *Job, output []int32, trace *Trace, key ed25519.PrivateKey) (*Receipt, error) {
	if err := job.Validate(); err != nil {
		return nil, fmt.Errorf("write a receipt: the job: %w", err)
	}
	if !job.Public && job.Salt == [32]byte{} {
		return nil, errors.New("write a receipt: the job is private and has no salt: anybody could guess at its prompt: draw 32 random bytes")
	}
	if job.Model != m.id {
		return nil, fmt.Errorf("write a receipt: the job is for model %v, not %v", job.Model, m.id)
	}
	answer := output
	if job.Most == 0 {
		answer = nil
	}
	r := &Receipt{Format: receiptFormat, Model: m.id, Job: job.ID(), Public: job.Public, Output: OutputHash(job, output)}
	copy(r.Executor[:], key.Public().(ed25519.PublicKey))
	r.Work = min(Cost(m.config, tracedRows(job, answer), len(answer)), maxReceiptWork)
	if trace != nil {
		root, err := trace.Root(job, answer, r.Executor)
		if err != nil {
			return nil, fmt.Errorf("write a receipt: %w", err)
		}
		r.Trace = root
	}
	if job.Public {
		r.Disclosed = &Disclosure{Job: job.Encode(), Output: append([]int32{}, output...)}
	}
	signed, err := r.signed()
	if err != nil {
		return nil, fmt.Errorf("write a receipt: %w", err)
	}
	copy(r.Signature[:], ed25519.Sign(key, signed))
	return r, nil
}

// signed is what the signature is of: a label and the hash of the receipt's
// encoding with a signature of zeros.
func (r *Receipt) signed() ([]byte, error) {
	unsigned := *r
	unsigned.Signature = Signature{}
	b, err := unsigned.Encode()
	if err != nil {
		return nil, err
	}
	h := blake3.Sum256(b)
	return append([]byte(receiptLabel), h[:]...), nil
}

// Encode returns the receipt in its one encoding: JSON without white space, the
// names of every object sorted.
func (r *Receipt) Encode() ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode a receipt: %w", err)
	}
	var v map[string]any // objects as maps come out sorted
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("encode a receipt: %w", err)
	}
	if b, err = json.Marshal(v); err != nil { // nothing in it needs escaping
		return nil, fmt.Errorf("encode a receipt: %w", err)
	}
	return b, nil
}

// ParseReceipt reads a receipt, all of b, in its one encoding or with white
// space and a line feed that people put there. It does not check it.
func ParseReceipt(b []byte) (*Receipt, error) {
	if len(b) > MaxReceiptSize {
		return nil, reject(ReasonMalformed, "a receipt of %d bytes: none has more than %d", len(b), MaxReceiptSize)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, b); err != nil {
		return nil, reject(ReasonMalformed, "a receipt cannot be read: %v", err)
	}
	r := new(Receipt)
	d := json.NewDecoder(bytes.NewReader(compact.Bytes()))
	d.DisallowUnknownFields()
	if err := d.Decode(r); err != nil {
		return nil, reject(ReasonMalformed, "a receipt cannot be read: %v", err)
	}
	if r.Disclosed != nil && (r.Disclosed.Output == nil || len(r.Disclosed.Output) > maxTokens) {
		return nil, reject(ReasonMalformed, "a receipt discloses an output that is no list of at most %d numbers", maxTokens)
	}
	again, err := r.Encode()
	switch {
	case err != nil:
		return nil, reject(ReasonMalformed, "a receipt cannot be read: %v", err)
	case !bytes.Equal(again, compact.Bytes()):
		return nil, reject(ReasonMalformed, "a receipt is not in its one encoding: names must be sorted, none missing or repeated, digits lower-case")
	case r.Format != receiptFormat:
		return nil, reject(ReasonMalformed, "a receipt of format %d: this program reads format %d", r.Format, receiptFormat)
	case r.Work > maxReceiptWork:
		return nil, reject(ReasonMalformed, "a receipt of %d multiply-accumulates: none has more than %d", r.Work, uint64(maxReceiptWork))
	case r.Disclosed != nil && !r.Public:
		return nil, reject(ReasonPrivate, "a receipt discloses a job that is not public")
	}
	return r, nil
}

// Check tells whether the signature is that of the executor and, where
// something is disclosed, whether it is what the receipt says.
func (r *Receipt) Check() error {
	signed, err := r.signed()
	if err != nil {
		return reject(ReasonMalformed, "%v", err)
	}
	if err := r.Executor.Check(); err != nil {
		return reject(ReasonSignature, "%v", err)
	}
	if !ed25519.Verify(r.Executor[:], signed, r.Signature[:]) {
		return reject(ReasonSignature, "the receipt is not signed by the executor it names, or was changed after")
	}
	if r.Disclosed == nil {
		return nil
	}
	job, err := DecodeJob(r.Disclosed.Job)
	if err != nil {
		return err
	}
	return r.CheckJob(job, r.Disclosed.Output)
}

// CheckJob tells whether a receipt is about this job and this output.
func (r *Receipt) CheckJob(job *Job, output []int32) error {
	if err := job.Validate(); err != nil {
		return reject(ReasonMalformed, "the job: %v", err)
	}
	switch {
	case job.Model != r.Model:
		return reject(ReasonModel, "the job is for model %v, the receipt for %v", job.Model, r.Model)
	case job.ID() != r.Job || job.Public != r.Public:
		return reject(ReasonReceipt, "the receipt is about another job")
	case OutputHash(job, output) != r.Output:
		return reject(ReasonReceipt, "the receipt is about another output")
	}
	return nil
}

// CheckRun runs the job of a receipt again, and tells whether the output and
// the trace are what comes of it. The receipt must have passed Check, and job
// and output CheckJob.
func (r *Receipt) CheckRun(ctx context.Context, m *Model, level kernel.Level, job *Job, output []int32, rerun Rerun) error {
	if r.Model != m.id {
		return reject(ReasonModel, "the receipt is for model %v, not %v", r.Model, m.id)
	}
	if (m.config.Kind == model.Decoder) != (job.Most > 0) {
		return reject(ReasonModel, "an encoder embeds, a decoder answers")
	}
	answer := output
	if job.Most == 0 {
		answer = nil
	}
	if len(answer) > job.Most || len(job.Prompt)+len(answer) > m.config.Context {
		return reject(ReasonReceipt, "an answer of %d tokens to a prompt of %d: at most %d were asked for, and the model takes %d in all",
			len(answer), len(job.Prompt), job.Most, m.config.Context)
	}
	for i, t := range job.Prompt {
		if t < 0 || int(t) >= m.config.Vocab {
			return reject(ReasonReceipt, "token %d of the prompt is number %d of a vocabulary of %d", i+1, t, m.config.Vocab)
		}
	}
	for i, t := range answer {
		if t < 0 || int(t) >= m.config.Vocab {
			return reject(ReasonReceipt, "token %d of the answer is number %d of a vocabulary of %d", i+1, t, m.config.Vocab)
		}
		if job.stops(m.config, t) {
			return reject(ReasonDiverges, "token %d of the answer ends it, and the answer goes on", i+1)
		}
	}
	tracer := NewTracer(m.config, level)
	tracer.Begin(0)
	pass, err := rerun(ctx, job, answer, tracer.See)
	if errors.Is(err, ErrDiverges) {
		return reject(ReasonDiverges, "%v", err)
	}
	if err != nil {
		return fmt.Errorf("run the job of a receipt again: %w", err)
	}
	if job.Most == 0 && !slices.Equal(pass.Vector, output) {
		return reject(ReasonDiverges, "the model yields another vector")
	}
	full := len(answer) == job.Most || len(job.Prompt)+len(answer) == m.config.Context
	if job.Most > 0 && !full && !job.stops(m.config, pass.Next) {
		return reject(ReasonDiverges, "the answer ends after %d tokens, and the job goes on with token %d", len(answer), pass.Next)
	}
	if want := min(Cost(m.config, tracedRows(job, answer), len(answer)), maxReceiptWork); r.Work != want {
		return reject(ReasonReceipt, "the job takes %d multiply-accumulates, not %d", want, r.Work)
	}
	if r.Trace == (model.Hash{}) {
		return nil
	}
	root, err := tracer.End(0).Root(job, answer, r.Executor)
	if err != nil {
		return fmt.Errorf("run the job of a receipt again: %w", err)
	}
	if root != r.Trace {
		return reject(ReasonReceipt, "the trace of the job is another")
	}
	return nil
}

// Checked says how far a receipt was checked.
type Checked struct {
	Matched bool // [Receipt.CheckJob] passed, with the job and the output at hand
	Run     bool // [Receipt.CheckRun] passed
}

// Explain returns in plain sentences what is proven by a receipt that passed
// Check and what else is said to have passed, and what is not.
func (r *Receipt) Explain(c Checked) (proven, unproven []string) {
	if r.Disclosed != nil {
		c.Matched = true
	}
	proven = append(proven, fmt.Sprintf("The holder of the key %x signed this receipt, and nothing in it was changed since.", r.Executor[:]))
	if c.Matched {
		proven = append(proven, "The receipt is about exactly this prompt, these settings and this output.")
		if r.Public {
			proven = append(proven, "The job is marked public: prompt and answer may be read by anybody.")
		} else {
			proven = append(proven, "The job is private: who does not have its salt can neither read prompt and answer from the receipt nor try guesses; the work tells about how long they are.")
		}
	} else {
		unproven = append(unproven, "Which prompt and output it is about: that takes the prompt, the settings, the salt and the output, which their owner has.")
	}
	if c.Run {
		proven = append(proven, fmt.Sprintf("Model %v yields exactly this output: the job was run again here, and every bit is the same.", r.Model))
		if r.Trace != (model.Hash{}) {
			proven = append(proven, "Whoever made the trace for this signer had every row of activations on the way: the trace is the same.")
		}
	} else {
		unproven = append(unproven, fmt.Sprintf("That it took %d multiply-accumulates: the signer says so.", r.Work))
		unproven = append(unproven, fmt.Sprintf("That model %v yields this output: that takes running the job again, with the model and the prompt.", r.Model))
	}
	return proven, append(unproven,
		"When it was computed, on what machine, and how much heat it gave: a receipt does not say.",
		"That the answer is true or useful: a receipt is about how it was computed.")
}
