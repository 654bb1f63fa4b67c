package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"

	"hearth/infer/engine"
	"hearth/infer/hub"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/infer/text"
	"hearth/infer/token"
	"hearth/openai"
	"hearth/work"
)

const (
	// stepRows is the most tokens of one step of a decoder: enough to be bound
	// by arithmetic, few enough that answers under way do not wait long.
	stepRows = 256
	// answersAtATime and answersWaiting of one decoder.
	answersAtATime = 16
	answersWaiting = 256
	// cacheBytes bounds the keys and values of all answers of one decoder.
	cacheBytes = 1 << 30
	// levelVariable forces the kernels of one set of instructions, for whoever
	// compares them: go, avx2, avxvnni, avx512 or dotprod.
	levelVariable = "HEARTH_KERNEL"
	// embedder is what is offered to who wants embeddings and has no model.
	embedder = "all-minilm-l6-v2"
)

// opened is a model that is ready to be asked.
type opened struct {
	*openai.Model
	loaded *hub.Loaded
	level  kernel.Level
	plain  *engine.Plain
	team   *kernel.Team // of a decoder
	heat   *kernel.Team // of a decoder, for work that waits for heat
}

// close lets the model's threads go.
func (o *opened) close() {
	o.team.Close()
	o.heat.Close()
}

// openModel makes a model ready: its weights laid out for this processor, its
// tokenizer, and an engine on all processors. A template may be named for a
// decoder; "" chooses.
func openModel(l *hub.Loaded, name, template string) (*opened, error) {
	fail := func(err error) (*opened, error) { return nil, fmt.Errorf("open the model %s: %w", name, err) }
	tokens, err := token.Parse(l.Tokenizer)
	if err != nil {
		return fail(err)
	}
	words, err := text.NewCoder(tokens, template, l.Manifest.Template)
	if err != nil {
		return fail(err)
	}
	registered, err := work.NewModel(l.Manifest)
	if err != nil {
		return fail(err)
	}
	level, err := kernel.Parse(os.Getenv(levelVariable))
	if err != nil {
		return fail(fmt.Errorf("%s: %w", levelVariable, err))
	}
	o := &opened{loaded: l, level: level, Model: &openai.Model{
		Name: name, ID: l.ID.String(), Created: l.Entry.Origin.At, Config: l.Model.Config, Words: words,
		Registered: registered, Tracer: work.NewTracer(l.Model.Config, level),
	}}
	if l.Model.Config.Kind == model.Encoder {
		// Each worker carries texts of its own: the products are not divided.
		if o.plain, err = engine.NewPlain(l.Model, level, nil); err != nil {
			return fail(err)
		}
		if o.Encoder, err = engine.NewEncoder(l.Model, o.watched(), level, runtime.GOMAXPROCS(0)); err != nil {
			return fail(err)
		}
		return o, nil
	}
	o.team = kernel.NewTeam(runtime.GOMAXPROCS(0))
	if err := o.openDecoder(); err != nil {
		o.close()
		return fail(err)
	}
	return o, nil
}

func (o *opened) openDecoder() (err error) {
	if o.plain, err = engine.NewPlain(o.loaded.Model, o.level, o.team); err != nil {
		return err
	}
	o.Decoder, err = o.newRunner(o.team, nil)
	return err
}

// newRunner makes an engine of a decoder, with a cache of its own. Pace, if it
// is not nil, is called before each step, and may wait.
func (o *opened) newRunner(team *kernel.Team, pace func(context.Context) error) (*engine.Runner, error) {
	m := o.loaded.Model
	product := engine.Watched{Product: o.plain.With(team), See: o.Tracer.See}
	d, err := engine.NewDecoder(m, product, engine.Settings{Level: o.level, Team: team, Rows: stepRows, CacheBytes: cacheFor(m.Config)})
	if err != nil {
		return nil, err
	}
	s, err := engine.NewScheduler(d, engine.Limits{Running: answersAtATime, Waiting: answersWaiting})
	if err != nil {
		return nil, err
	}
	return engine.NewRunner(s, pace), nil
}

// heating is a team of as many threads as may compute for heat.
func (o *opened) heating() *kernel.Team {
	if o.heat == nil {
		o.heat = kernel.NewTeam(heatingThreads())
	}
	return o.heat
}

// watched is the product with the tracer of receipts beside it.
func (o *opened) watched() model.Product {
	return engine.Watched{Product: o.plain, See: o.Tracer.See}
}

// cacheFor is the memory for keys and values: room for as many answers as run
// at a time, but for one of full length at least.
func cacheFor(c model.Config) int64 {
	one := int64(kernel.BlockTokens(c.Context)) * int64(c.Layers*c.KVHeads*c.HeadSize) * 2 * 2
	return max(one+one/16, min(answersAtATime*one, cacheBytes))
}

// openOne opens the model to use of a kind: the one that is named, or the one
// that is here, or, for text, the small one that the program carries.
func openOne(ctx context.Context, s *hub.Store, name, kind, template string) (*opened, error) {
	if name == "" {
		var err error
		if name, err = pickName(s, kind); err != nil {
			return nil, err
		}
	}
	// Before all of it is read.
	if m, err := s.Manifest(name); err == nil && m.Config.Kind != kind {
		return nil, coded(exitUsage, wrongKind(name, kind))
	}
	return openNamed(ctx, s, name, template)
}

func openNamed(ctx context.Context, s *hub.Store, name, template string) (*opened, error) {
	l, err := s.Load(ctx, name)
	if err != nil {
		return nil, absent(err)
	}
	return openModel(l, name, template)
}

// pickName finds the model of a kind to use where none is named, without
// reading it.
func pickName(s *hub.Store, kind string) (string, error) {
	all, err := s.List()
	if err != nil {
		return "", err
	}
	var names, damaged []string
	for _, e := range all {
		switch m, err := s.Manifest(e.Name); {
		case err != nil:
			damaged = append(damaged, e.Name)
		case m.Config.Kind == kind && !e.Carried():
			names = append(names, e.Name)
		}
	}
	switch {
	case len(names) == 0 && len(damaged) > 0:
		return "", coded(exitProblem, fmt.Errorf("%s cannot be read: \"hearth model verify %s\" says why", damaged[0], damaged[0]))
	case len(names) == 0 && kind == model.Encoder:
		// What the small model would make of a text says little about its
		// meaning: no vectors are better than bad ones.
		return "", coded(exitUsage, fmt.Errorf("there is no model here that makes embeddings: get one with \"hearth model pull %s\" (91 MB, once)", embedder))
	case len(names) == 0:
		return miniName, nil
	case len(names) == 1:
		return names[0], nil
	case slices.Contains(names, embedder):
		return embedder, nil
	}
	return "", coded(exitUsage, fmt.Errorf("there are several models: choose one with --model: %s", strings.Join(names, ", ")))
}

// servedNames are the models to serve: those that are wanted, or else all that
// are here, and the small one that the program carries if none of those writes
// text.
func servedNames(s *hub.Store, wanted []string) ([]string, error) {
	if len(wanted) > 0 {
		return wanted, nil
	}
	all, err := s.List()
	if err != nil {
		return nil, err
	}
	var names []string
	writes := false
	for _, e := range all {
		if e.Carried() && writes {
			continue
		}
		names = append(names, e.Name)
		m, err := s.Manifest(e.Name)
		writes = writes || err == nil && m.Config.Kind == model.Decoder
	}
	return names, nil
}

func wrongKind(name, kind string) error {
	if kind == model.Encoder {
		return fmt.Errorf("%s writes text and makes no embeddings: choose an encoder such as %s", name, embedder)
	}
	return fmt.Errorf("%s makes embeddings and writes no text: choose a decoder", name)
}
