package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"hearth/infer/hub"
	"hearth/infer/text"
	"hearth/openai"
	"hearth/work"
	"hearth/work/rerun"
)

type verifyCmd struct {
	modelsAt `embed:""`
	Receipt  string `arg:"" help:"A receipt, an answer that holds one, or \"-\"." type:"path"`
	Prompt   string `help:"Check that it is about this prompt, too." placeholder:"TEXT"`
	NoRun    bool   `help:"Do not run the job again, even when the model is here."`
	JSON     bool   `help:"Print JSON."`
}

// checkedReceipt is what was found of one receipt.
type checkedReceipt struct {
	OK       bool     `json:"ok"`
	Model    string   `json:"model_id,omitempty"`
	Proven   []string `json:"proven"`
	Unproven []string `json:"not_proven"`
	Fault    string   `json:"fault,omitempty"`
}

// Run checks receipts offline.
func (c *verifyCmd) Run(p *program) error {
	b, err := c.read(p)
	if err != nil {
		return coded(exitUsage, err)
	}
	proofs, err := openai.ReadProofs(b)
	if err != nil {
		return coded(exitUsage, fmt.Errorf("read %s: %w", c.Receipt, err))
	}
	s, _ := c.store(p, "")
	models := map[string]*opened{}
	defer func() {
		for _, o := range models {
			o.close()
		}
	}()
	all := make([]checkedReceipt, len(proofs))
	failed := 0
	for i, proof := range proofs {
		if all[i], err = c.check(p.ctx, s, models, proof); err != nil {
			return err
		}
		if !all[i].OK {
			failed++
		}
	}
	if c.JSON {
		if err := printJSON(p.out, all); err != nil {
			return err
		}
	} else {
		for i, r := range all {
			if len(all) > 1 {
				fmt.Fprintln(p.out, p.paint(bold, fmt.Sprintf("Receipt %d of %d", i+1, len(all))))
			}
			r.print(p)
		}
	}
	switch {
	case failed == 0:
		return nil
	case len(all) == 1:
		return coded(exitProblem, errors.New("the check failed"))
	}
	return coded(exitProblem, fmt.Errorf("%d of %d receipts failed the check", failed, len(all)))
}

func (c *verifyCmd) read(p *program) ([]byte, error) {
	// An answer holds the text besides its receipts.
	const most = 4 * work.MaxReceiptSize
	if c.Receipt == "-" {
		return io.ReadAll(io.LimitReader(p.in, most))
	}
	f, err := os.Open(c.Receipt)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, most))
}

func (r checkedReceipt) print(p *program) {
	if r.Fault != "" {
		fmt.Fprintln(p.out, p.paint(bad, "This does not hold: "+oneLine(r.Fault)+"."))
		return
	}
	fmt.Fprintln(p.out, "Proven:")
	for _, s := range r.Proven {
		fmt.Fprintln(p.out, "  + "+s)
	}
	fmt.Fprintln(p.out, "Not proven:")
	for _, s := range r.Unproven {
		fmt.Fprintln(p.out, "  - "+s)
	}
}

// check checks one receipt as far as what is at hand allows. An error is for
// what kept it from looking.
func (c *verifyCmd) check(ctx context.Context, s *hub.Store, models map[string]*opened, proof openai.Proof) (checkedReceipt, error) {
	no := func(err error) (checkedReceipt, error) { return checkedReceipt{Fault: plainly(err)}, nil }
	r, err := work.ParseReceipt(proof.Receipt)
	if err != nil {
		return no(err)
	}
	if err := r.Check(); err != nil {
		return no(err)
	}
	job, output, err := whatFor(r, proof)
	if err != nil {
		return no(err)
	}
	done := work.Checked{}
	if job != nil {
		if err := r.CheckJob(job, output); err != nil {
			return no(fmt.Errorf("%s: it, or what stands beside it, was changed, or the two are not of one answer", plainly(err)))
		}
		done.Matched = true
	}
	o, err := c.model(ctx, s, models, r)
	if err != nil {
		return checkedReceipt{}, err
	}
	whole := true
	if o != nil && job != nil {
		if whole, err = o.Says(job, output, proof.Shown); err != nil {
			return no(err)
		}
	}
	if c.Prompt != "" {
		switch {
		case job == nil:
			return checkedReceipt{}, coded(exitUsage, errors.New("--prompt: the file holds the receipt alone; whether it is about a prompt can be told only with the job, as the answer had it"))
		case o == nil:
			return checkedReceipt{}, coded(exitUsage, fmt.Errorf("--prompt: the model %v is not here, and its tokenizer is needed to compare", r.Model))
		}
		if err := samePrompt(o, job, c.Prompt); err != nil {
			return no(err)
		}
	}
	if o != nil && job != nil && !c.NoRun {
		again := rerun.With(o.loaded.Model, o.plain, o.level, o.team)
		if err := r.CheckRun(ctx, o.Registered, o.level, job, output, again); err != nil {
			if ctx.Err() != nil {
				return checkedReceipt{}, ctx.Err()
			}
			return no(fmt.Errorf("the job was run again here, and %s", plainly(err)))
		}
		done.Run = true
	}
	found := checkedReceipt{OK: true, Model: r.Model.String()}
	found.Proven, found.Unproven = r.Explain(done)
	if c.Prompt != "" {
		found.Proven = append(found.Proven, "The prompt is the one that you gave.")
	}
	found.tell(o != nil && job != nil, whole, proof.Shown)
	if o == nil && job != nil {
		found.Unproven = append(found.Unproven, "The model is not here; with \"hearth model pull\" or \"add\" it can be, and then the job is run again.")
	}
	return found, nil
}

// tell says what is known of what the answer shows to people, which its
// receipt does not sign.
func (r *checkedReceipt) tell(compared, whole bool, shown openai.Shown) {
	switch {
	case shown.Text == nil && shown.Vector == nil:
	case !compared:
		r.Unproven = append(r.Unproven, "That the text or the vector of the answer is that of the signed output: comparing takes the model and the job.")
	case shown.Vector != nil:
		r.Proven = append(r.Proven, "The vector of the answer is the one that was signed.")
	case whole:
		r.Proven = append(r.Proven, "The text of the answer is that of the tokens that were signed.")
	default:
		r.Proven = append(r.Proven, "The text of the answer is the beginning of that of the tokens that were signed.")
		r.Unproven = append(r.Unproven, "That the text ends where it should: the model wrote more, which a stop string may have cut off.")
	}
}

// plainly says why something was rejected, without the name of the reason,
// which is for programs.
func plainly(err error) string {
	if r, ok := errors.AsType[*work.Rejection](err); ok {
		return r.Detail
	}
	return err.Error()
}

// whatFor is the job and the output of a receipt, from beside it or from what
// it discloses; nil if neither is there.
func whatFor(r *work.Receipt, proof openai.Proof) (*work.Job, []int32, error) {
	encoded, output := proof.Job, proof.Output
	if len(encoded) == 0 && r.Disclosed != nil {
		encoded, output = r.Disclosed.Job, r.Disclosed.Output
	}
	if len(encoded) == 0 {
		return nil, nil, nil
	}
	if output == nil {
		return nil, nil, errors.New("the file holds the job beside it, and not the output")
	}
	job, err := work.DecodeJob(encoded)
	return job, output, err
}

// model opens the model of a receipt if it is here; nil if it is not.
func (c *verifyCmd) model(ctx context.Context, s *hub.Store, models map[string]*opened, r *work.Receipt) (*opened, error) {
	id := r.Model.String()
	if o, ok := models[id]; ok {
		return o, nil
	}
	l, name, err := findByID(ctx, s, id)
	if err != nil || l == nil {
		return nil, err
	}
	o, err := openModel(l, name, "")
	if err != nil {
		return nil, err
	}
	models[id] = o
	return o, nil
}

// findByID loads the model that has an id, nil if none here has it.
func findByID(ctx context.Context, s *hub.Store, id string) (*hub.Loaded, string, error) {
	all, err := s.List()
	if err != nil {
		return nil, "", err
	}
	for _, e := range all {
		m, err := s.Manifest(e.Name)
		if err != nil {
			continue // a damaged file is another command's business
		}
		if got, err := m.ID(); err == nil && got.String() == id {
			l, err := s.Load(ctx, e.Name)
			return l, e.Name, err
		}
	}
	return nil, "", nil
}

// samePrompt tells whether a job's prompt is a text, alone or as one turn of a
// conversation.
func samePrompt(o *opened, job *work.Job, prompt string) error {
	alone, err := o.Words.Text(prompt)
	if err != nil {
		return err
	}
	if slices.Equal(alone, job.Prompt) {
		return nil
	}
	turn, err := o.Words.Conversation([]text.Message{{Role: text.User, Content: prompt}})
	if err == nil && slices.Equal(turn, job.Prompt) {
		return nil
	}
	return errors.New("it is about another prompt than the one given, which was compared as a prompt alone and as the only turn of a conversation")
}
