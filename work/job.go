package work

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/zeebo/blake3"

	"hearth/infer/model"
)

const (
	jobLabel      = "hearth job 1\n"
	contextJob    = "hearth work 1 job"
	contextClaim  = "hearth work 1 claim"
	contextPrefix = "hearth work 1 prefix"
	maxTokens     = model.MaxContext
	maxStops      = 64
)

// Job is what is asked of a model: a text to embed, or a prompt to answer. Two
// jobs with the same id are the same job.
type Job struct {
	Model model.Hash
	// Public is the owner's word that anybody may read prompt and answer. Only
	// public jobs are claimed, mined or audited.
	Public bool
	// Salt keeps the hashes of a private job from being guessed at: 32 random
	// bytes that its owner keeps. It is zero in a public job.
	Salt   [32]byte
	Prompt []int32
	// Most tokens of the answer; 0 embeds the prompt.
	Most     int
	Stop     []int32 // tokens that end the answer, rising; empty for those of the model
	Sampling Sampling
	Seed     [32]byte // of what is drawn; in a claim, zero where nothing is
}

// Sampling says how tokens are chosen. It has the fields and the meaning of
// engine.Sampling.
type Sampling struct {
	Temperature         uint32
	TopK                int
	TopP                uint32
	Presence, Frequency int32
}

// Encode returns the job in its one encoding; see spec/work.md.
func (j *Job) Encode() []byte {
	b := append([]byte(jobLabel), j.Model[:]...)
	public := byte(0)
	if j.Public {
		public = 1
	}
	b = append(b, public)
	b = append(b, j.Salt[:]...)
	s := j.Sampling
	for _, v := range []uint32{uint32(j.Most), s.Temperature, uint32(s.TopK), s.TopP, uint32(s.Presence), uint32(s.Frequency)} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	b = append(b, j.Seed[:]...)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(j.Stop)))
	b = appendTokens(b, j.Stop)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(j.Prompt)))
	return appendTokens(b, j.Prompt)
}

// ID is the hash of the encoding.
func (j *Job) ID() (id model.Hash) {
	blake3.DeriveKey(contextJob, j.Encode(), id[:])
	return id
}

// DecodeJob reads a job from its encoding, all of b.
func DecodeJob(b []byte) (*Job, error) {
	r := reader{b: b}
	r.label(jobLabel)
	j := &Job{Model: r.hash()}
	public := r.uint8()
	j.Public, j.Salt = public == 1, r.hash()
	var v [6]uint32
	for i := range v {
		v[i] = r.uint32()
	}
	j.Most = int(v[0])
	j.Sampling = Sampling{Temperature: v[1], TopK: int(v[2]), TopP: v[3], Presence: int32(v[4]), Frequency: int32(v[5])}
	j.Seed = r.hash()
	j.Stop = r.tokens(int(r.uint16()))
	j.Prompt = r.tokens(int(r.uint32()))
	err := r.end()
	if err == nil && public > 1 {
		err = fmt.Errorf("its public flag is %d", public)
	}
	if err == nil {
		err = j.Validate()
	}
	if err != nil {
		return nil, reject(ReasonMalformed, "a job cannot be read: %v", err)
	}
	return j, nil
}

// Validate tells what no job may be, whatever its model.
func (j *Job) Validate() error {
	switch {
	case len(j.Prompt) == 0 || len(j.Prompt) > maxTokens:
		return fmt.Errorf("its prompt has %d tokens: it must have 1 to %d", len(j.Prompt), maxTokens)
	case j.Most < 0 || j.Most > maxTokens:
		return fmt.Errorf("it asks for %d tokens: at most %d can be asked for", j.Most, maxTokens)
	case len(j.Stop) > maxStops:
		return fmt.Errorf("%d tokens end it: at most %d may", len(j.Stop), maxStops)
	case j.Sampling.TopK < 0 || j.Sampling.TopK > 1<<31-1:
		return fmt.Errorf("it keeps the %d most likely tokens", j.Sampling.TopK)
	case j.Public && j.Salt != [32]byte{}:
		return fmt.Errorf("it is public and has a salt")
	}
	for i, t := range j.Stop {
		if t < 0 || i > 0 && t <= j.Stop[i-1] {
			return fmt.Errorf("the tokens that end it are not in rising order")
		}
	}
	return nil
}

// checkIdle tells of a field that has no effect and is not zero. A claim must
// have none: they would make new jobs of old ones.
func (j *Job) checkIdle(vocab int) error {
	switch {
	case j.Sampling.Temperature == 0 && (j.Seed != [32]byte{} || j.Sampling.TopK != 0 || j.Sampling.TopP != 0):
		return fmt.Errorf("it draws nothing, and has a seed or says what to draw from: these must be zero")
	case j.Sampling.Temperature != 0 && j.Sampling.TopK == 1:
		return fmt.Errorf("it draws from the one most likely token: that is a temperature of 0")
	case j.Sampling.TopK >= vocab:
		return fmt.Errorf("it draws from the %d most likely tokens of %d: all of them are 0", j.Sampling.TopK, vocab)
	case len(j.Stop) > 0 && int(j.Stop[len(j.Stop)-1]) >= vocab:
		return fmt.Errorf("token %d would end it, of a vocabulary of %d", j.Stop[len(j.Stop)-1], vocab)
	case j.Sampling.TopP >= 1<<16:
		return fmt.Errorf("it draws from %d/65536 of the probability: all of it is 0", j.Sampling.TopP)
	case j.Most == 0 && (j.Sampling != Sampling{} || len(j.Stop) > 0):
		return fmt.Errorf("it embeds, and says how to choose tokens")
	}
	return nil
}

// stops is whether a token ends the answer.
func (j *Job) stops(c model.Config, token int32) bool {
	if len(j.Stop) == 0 {
		return slices.Contains(c.EOS, token)
	}
	return slices.Contains(j.Stop, token)
}

// Claim is a job that an executor has claimed, as a chain knows it. Tickets are
// valid for one claim only.
type Claim struct {
	Job      Job
	Executor [ed25519.PublicKeySize]byte
	// Beacon is a value that nobody could know when the claim was made.
	Beacon model.Hash
	// Prefix is how many tokens at the front of the prompt earn nothing, since
	// other open claims of the same model begin alike; see [ClaimedTokens].
	Prefix int
}

// ID is what tickets of the claim carry: it binds job, executor, beacon and
// prefix.
func (c *Claim) ID() (id model.Hash) {
	job := c.Job.ID()
	b := slices.Concat(c.Beacon[:], c.Executor[:], job[:])
	b = binary.LittleEndian.AppendUint32(b, uint32(c.Prefix))
	blake3.DeriveKey(contextClaim, b, id[:])
	return id
}

// Check tells why a job cannot be claimed by anybody: a [Rejection], or nil.
func (j *Job) Check(m *Model) error {
	if err := j.Validate(); err != nil {
		return reject(ReasonMalformed, "the job: %v", err)
	}
	if err := j.checkSize(m); err != nil {
		return err
	}
	return j.checkText(m)
}

// checkSize tells whether a valid job is for a model and may be as large as it
// is.
func (j *Job) checkSize(m *Model) error {
	tokens := len(j.Prompt) + j.Most
	decoder := m.config.Kind == model.Decoder
	switch {
	case !j.Public:
		return reject(ReasonPrivate, "only jobs whose owners made them public are mined: others will read prompt and answer")
	case j.Model != m.id:
		return reject(ReasonModel, "the job is for model %v, not %v", j.Model, m.id)
	case m.config.ActivationLimit > ActivationLimit:
		return reject(ReasonModel, "activations of the model go to ±%d, those of tickets to ±%d", m.config.ActivationLimit, ActivationLimit)
	case decoder != (j.Most > 0):
		return reject(ReasonModel, "an encoder embeds, a decoder answers")
	case tokens > m.config.Context || tokens > MaxJobTokens:
		return reject(ReasonTooLarge, "the job has up to %d tokens: the model takes %d, a claim %d", tokens, m.config.Context, MaxJobTokens)
	case Cost(m.config, tokens, j.Most) > MaxJobWork:
		return reject(ReasonTooLarge, "the job takes %d multiply-accumulates: a claim may take %d", Cost(m.config, tokens, j.Most), uint64(MaxJobWork))
	}
	return nil
}

// checkText tells whether the settings and the prompt of a valid job are what
// its model's vocabulary allows.
func (j *Job) checkText(m *Model) error {
	if err := j.checkIdle(m.config.Vocab); err != nil {
		return reject(ReasonMalformed, "the job: %v", err)
	}
	for i, t := range j.Prompt {
		if t < 0 || int(t) >= m.config.Vocab {
			return reject(ReasonAnswer, "token %d of the prompt is number %d of a vocabulary of %d", i+1, t, m.config.Vocab)
		}
	}
	return nil
}

// Check tells why a claim cannot be mined by anybody, whatever its beacon: a
// [Rejection], or nil.
func (c *Claim) Check(m *Model) error {
	if err := c.Job.Validate(); err != nil {
		return reject(ReasonMalformed, "the job: %v", err)
	}
	if err := Key(c.Executor).Check(); err != nil {
		return reject(ReasonMalformed, "the executor: %v", err)
	}
	if err := c.Job.checkSize(m); err != nil {
		return err
	}
	if c.Prefix < 0 || c.Prefix >= len(c.Job.Prompt) {
		return reject(ReasonPosition, "%d of %d tokens of the prompt are claimed already: a job must bring something new", c.Prefix, len(c.Job.Prompt))
	}
	return c.Job.checkText(m)
}

// Prefix names the beginning of a prompt.
type Prefix [16]byte

// Prefixes returns what a claim publishes so that what it repeats of others is
// not credited: for a decoder a name for each piece of [PrefixTokens] tokens,
// and for the shorter one at the end, with all that comes before it; for an
// encoder, whose every row depends on the whole text, one name for all of it.
func Prefixes(m *Model, prompt []int32) []Prefix {
	var h [32]byte
	blake3.DeriveKey(contextPrefix, m.id[:], h[:])
	piece := PrefixTokens
	if m.config.Kind == model.Encoder {
		piece = max(1, len(prompt))
	}
	var names []Prefix
	for part := range slices.Chunk(prompt, piece) {
		blake3.DeriveKey(contextPrefix, appendTokens(bytes.Clone(h[:]), part), h[:])
		names = append(names, Prefix(h[:]))
	}
	return names
}

// ClaimedTokens returns Prefix of a claim: how many tokens are covered by the names
// at the front that are known from other open claims.
func ClaimedTokens(m *Model, prompt []int32, known func(Prefix) bool) (prefix int) {
	names := Prefixes(m, prompt)
	for i, name := range names {
		if !known(name) {
			if i == 0 {
				return 0
			}
			return i * PrefixTokens
		}
	}
	return len(prompt)
}
