package devnet

import (
	_ "embed"
	"fmt"

	"hearth/chain/commons/tree"
	"hearth/infer/mini"
	"hearth/infer/text"
	"hearth/infer/token"
	"hearth/work"
)

// corpus is passages of books and records in the public domain: of what
// hearth-mini was trained on (infer/train says which).
//
//go:embed corpus.txt
var corpus string

// content is what is computed on a network: a model, and the jobs of a project
// of the commons.
type content struct {
	model    *work.Model
	manifest []byte
	coder    *text.Coder
	passages *tree.List
}

// newContent reads the model that the program carries and cuts the corpus.
func newContent() (*content, error) {
	_, f, tokenizer, err := mini.Load()
	if err != nil {
		return nil, fmt.Errorf("read the model that the program carries: %w", err)
	}
	c := new(content)
	if c.manifest, err = f.Encode(); err != nil {
		return nil, fmt.Errorf("write the model's manifest: %w", err)
	}
	if c.model, err = work.NewModel(f); err != nil {
		return nil, err
	}
	t, err := token.Parse(tokenizer)
	if err != nil {
		return nil, fmt.Errorf("read the model's tokenizer: %w", err)
	}
	if c.coder, err = text.NewCoder(t, "", ""); err != nil {
		return nil, fmt.Errorf("read the model's form of text: %w", err)
	}
	// Short, so that a trial of one takes a moment on a small computer.
	if c.passages, err = (tree.Cut{Least: 12, Longest: 40, Answer: 8}).Passages(c.model, c.coder.Text, corpus); err != nil {
		return nil, fmt.Errorf("cut the corpus into jobs: %w", err)
	}
	return c, nil
}

// order makes the n-th job that a client pays for: to go on from a passage.
func (c *content) order(n uint64) (work.Job, error) {
	b, _, err := c.passages.Job(n % c.passages.Len())
	if err != nil {
		return work.Job{}, err
	}
	j, err := work.DecodeJob(b)
	if err != nil {
		return work.Job{}, err
	}
	// Each is another job than the project's: its answer has another length.
	longest := uint64(c.model.Config().Context - len(j.Prompt) - 9)
	j.Most = 9 + int(n/c.passages.Len()%longest)
	return *j, nil
}
