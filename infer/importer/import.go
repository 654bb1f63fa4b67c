package importer

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strings"

	"hearth/infer/model"
)

//go:embed calibration.txt
var calibration string

// Options say how to import.
type Options struct {
	// Source goes into the manifest; nil is unknown.
	Source *model.Source
	// ActivationLimit is the largest magnitude of an activation in a product; 0
	// is the default. Tickets can be made only where it is the default.
	ActivationLimit int
	// Context is the most tokens of a sequence; 0 is what the model was made
	// for, up to DefaultContext.
	Context int
	// Texts to calibrate on instead of those that the package brings.
	Texts []string
	// Progress is called after each layer, on the goroutine of Import.
	Progress func(done, all int)
}

const (
	// DefaultActivationLimit leaves room for the noise of tickets: 6 bits.
	DefaultActivationLimit = 95
	// DefaultContext bounds the context of models that were made for more: the
	// room for keys and values grows with it.
	DefaultContext = 32768
)

// Imported is a model that is ready to be written with [model.Write].
type Imported struct {
	Model     *model.Model
	Manifest  *model.Manifest
	Tokenizer []byte
	// Losses tells for each product how far its results were off on the text of
	// the calibration, as a share of their length.
	Losses []Loss
}

// Loss is what quantisation did to one product.
type Loss struct {
	Name string
	Loss float64
}

// Import reads a published model. Files of weights must allow reading at any
// place ([io.ReaderAt]), as those of [os.DirFS] do. The same files and options
// give the same model on every machine.
func Import(ctx context.Context, folder fs.FS, o Options) (*Imported, error) {
	m, err := importFolder(ctx, folder, o)
	if err != nil {
		return nil, fmt.Errorf("import a model: %w", err)
	}
	return m, nil
}

func importFolder(ctx context.Context, folder fs.FS, o Options) (*Imported, error) {
	s, err := open(folder)
	if err != nil {
		return nil, err
	}
	defer s.close()
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	if o.ActivationLimit == 0 {
		o.ActivationLimit = DefaultActivationLimit
	}
	if o.Context == 0 {
		o.Context = DefaultContext
	}
	if o.Texts == nil {
		o.Texts = strings.Split(strings.TrimSpace(calibration), "\n")
	}
	p.config.ActivationLimit = o.ActivationLimit
	table := p.config.Context // rows of an encoder's table of positions
	p.config.Context = min(p.config.Context, o.Context)
	if err := p.check(table); err != nil {
		return nil, err
	}
	tokenizer, err := s.tokenizer()
	if err != nil {
		return nil, err
	}
	passages, err := p.passages(tokenizer, o.Texts)
	if err != nil {
		return nil, err
	}
	m, losses, err := p.run(ctx, passages, table, o.Progress)
	if err != nil {
		return nil, err
	}
	if err := m.Permute(); err != nil {
		return nil, err
	}
	f, err := model.NewManifest(m, tokenizer)
	if err != nil {
		return nil, err
	}
	f.Source = o.Source
	if f.Template, err = s.template(); err != nil {
		return nil, err
	}
	return &Imported{Model: m, Manifest: f, Tokenizer: tokenizer, Losses: losses}, nil
}

// run carries the passages through the model and quantises it on the way.
func (p *plan) run(ctx context.Context, passages [][]int32, table int, progress func(done, all int)) (*model.Model, []Loss, error) {
	c := p.config
	a := &assembly{plan: p}
	embedding, position, err := p.embeddings(table)
	if err != nil {
		return nil, nil, err
	}
	r := &pass{plan: p}
	r.begin(passages, embedding, position)
	a.embedding = tabulate(embedding, c.Width)
	if c.Kind == model.Encoder {
		a.position = tabulate(position, c.Width)
		if a.embeddingNorm, err = r.norm(embeddingGain, embeddingBias, 0); err != nil {
			return nil, nil, err
		}
	}
	for i := range c.Layers {
		l, err := r.step(ctx, i)
		if err != nil {
			return nil, nil, err
		}
		a.layers = append(a.layers, l)
		if progress != nil {
			progress(i+1, c.Layers)
		}
	}
	if c.Kind == model.Decoder {
		if err := a.addHead(r, embedding); err != nil {
			return nil, nil, err
		}
	}
	a.peak = r.peak
	m, err := a.model()
	return m, a.losses(), err
}

// embeddings reads the tables of tokens and, of an encoder, of positions, with
// the row of token type 0 in it.
func (p *plan) embeddings(table int) (embedding, position []float32, err error) {
	c := p.config
	if embedding, err = p.matrix(tokens, 0, c.Vocab, c.Width); err != nil {
		return nil, nil, err
	}
	if c.Kind == model.Decoder {
		return embedding, nil, nil
	}
	if position, err = p.matrix(positions, 0, table, c.Width); err != nil {
		return nil, nil, err
	}
	position = position[:c.Context*c.Width]
	shape, ok := p.tensors.Shape(p.name(types, 0))
	if !ok {
		return embedding, position, nil
	}
	if len(shape) != 2 || shape[0] < 1 || shape[0] > 16 {
		return nil, nil, fmt.Errorf("the table of token types has the shape %v", shape)
	}
	kind, err := p.matrix(types, 0, shape[0], c.Width)
	if err != nil {
		return nil, nil, err
	}
	for i := range position {
		position[i] += kind[i%c.Width]
	}
	return embedding, position, nil
}

// addHead quantises the product that scores the next token.
func (a *assembly) addHead(r *pass, embedding []float32) error {
	c := r.config
	in, gain, err := r.input(finalGain, 0)
	if err != nil {
		return err
	}
	w := embedding
	if !c.Tied {
		if w, err = r.matrix(head, 0, c.Vocab, c.Width); err != nil {
			return err
		}
	}
	a.head = fit(w, in, c.Vocab, c.Width, c.ActivationLimit)
	if c.Tied {
		// The table serves as it is if smoothing would gain little: it is often
		// a third of a small model.
		const worth = 1.25
		trialA, trialW := sampleRows(in, c.Width, trialTokens), sampleRows(w, c.Width, trialRows)
		want := product(trialA, trialW, len(trialW)/c.Width, c.Width)
		plain := math.Sqrt(trial(trialA, trialW, want, ones(c.Width), c.ActivationLimit))
		if a.tied = plain <= worth*a.head.loss; a.tied {
			a.head.weight, a.head.unit, a.head.in, a.head.loss = nil, nil, ones(c.Width), plain
		}
	}
	a.head.gain(gain)
	return nil
}

// tabulate quantises an embedding table.
func tabulate(rows []float32, width int) *fitted {
	f := &fitted{}
	f.weight, f.unit = quantise(rows, ones(width), len(rows)/width, width)
	return f
}

// check holds the plan to what a model can be and to the shapes of the tensors,
// before minutes are spent on it.
func (p *plan) check(table int) error {
	trial := p.config
	trial.ResidualBits = 16
	if trial.Family == model.Qwen3 {
		trial.HeadEpsilon = 1
	}
	if err := trial.Validate(); err != nil {
		return fmt.Errorf("its configuration: %w", err)
	}
	if !(p.epsilon >= 0 && p.epsilon < 1) {
		return fmt.Errorf("its configuration: the norms' epsilon is %v", p.epsilon)
	}
	for _, f := range p.frequency {
		if !(f >= 0 && f <= 1) {
			return errors.New("its configuration: rotary frequencies leave 0 to 1")
		}
	}
	c := p.config
	attention, keys := c.Heads*c.HeadSize, c.KVHeads*c.HeadSize
	shapes := []shape{{tokens, []int{c.Vocab, c.Width}}}
	if c.Kind == model.Encoder {
		shapes = append(shapes, shape{positions, []int{table, c.Width}})
	} else if !c.Tied {
		shapes = append(shapes, shape{head, []int{c.Vocab, c.Width}})
	}
	if err := p.checkShapes(0, shapes); err != nil {
		return err
	}
	layer := []shape{
		{attentionGain, []int{c.Width}},
		{queryWeight, []int{attention, c.Width}},
		{keyWeight, []int{keys, c.Width}},
		{valueWeight, []int{keys, c.Width}},
		{outWeight, []int{c.Width, attention}},
		{innerGain, []int{c.Width}},
		{upWeight, []int{c.Inner, c.Width}},
		{downWeight, []int{c.Width, c.Inner}},
	}
	if c.Kind == model.Decoder {
		layer = append(layer, shape{gateWeight, []int{c.Inner, c.Width}})
	}
	for i := range c.Layers {
		if err := p.checkShapes(i, layer); err != nil {
			return err
		}
	}
	return nil
}

type shape struct {
	role role
	dims []int
}

func (p *plan) checkShapes(layer int, shapes []shape) error {
	for _, s := range shapes {
		if err := p.checkShape(p.name(s.role, layer), s.dims); err != nil {
			return err
		}
	}
	return nil
}
