package main

import (
	"context"
	"errors"
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
	// compares them: go, avx2 or avx512.
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
}

// close lets the model's threads go.
func (o *opened) close() {
	if o.team != nil {
		o.team.Close()
	}
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
	m := o.loaded.Model
	if o.plain, err = engine.NewPlain(m, o.level, o.team); err != nil {
		return err
	}
	d, err := engine.NewDecoder(m, o.watched(), engine.Settings{Level: o.level, Team: o.team, Rows: stepRows, CacheBytes: cacheFor(m.Config)})
	if err != nil {
		return err
	}
	s, err := engine.NewScheduler(d, engine.Limits{Running: answersAtATime, Waiting: answersWaiting})
	if err != nil {
		return err
	}
	o.Decoder = engine.NewRunner(s, nil)
	return nil
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

// pickModel finds the model to use of a kind: the one that is named, or the
// one that is here, or, for text, the small one that the program carries.
func pickModel(ctx context.Context, s *hub.Store, name, kind string) (*hub.Loaded, string, error) {
	if name == miniName {
		if _, err := s.Find(name); errors.Is(err, hub.ErrNoModel) {
			l, err := loadMini()
			return l, miniName, err
		}
	}
	if name != "" {
		l, err := s.Load(ctx, name)
		if err != nil {
			return nil, "", absent(err)
		}
		if l.Model.Config.Kind != kind {
			return nil, "", coded(exitUsage, wrongKind(name, kind))
		}
		return l, name, nil
	}
	all, err := s.List()
	if err != nil {
		return nil, "", err
	}
	all = slices.DeleteFunc(all, func(e hub.Entry) bool {
		m, err := s.Manifest(e.Name)
		return err != nil || m.Config.Kind != kind
	})
	switch {
	case len(all) == 0 && kind == model.Encoder:
		// What the small model would make of a text says little about its
		// meaning: no vectors are better than bad ones.
		return nil, "", coded(exitUsage, fmt.Errorf("there is no model here that makes embeddings: get one with \"hearth model pull %s\" (91 MB, once)", embedder))
	case len(all) == 0:
		l, err := loadMini()
		return l, miniName, err
	}
	e := all[0]
	if i := slices.IndexFunc(all, func(e hub.Entry) bool { return e.Name == embedder }); i >= 0 {
		e = all[i]
	} else if len(all) > 1 {
		var names []string
		for _, e := range all {
			names = append(names, e.Name)
		}
		return nil, "", coded(exitUsage, fmt.Errorf("there are several models: choose one with --model: %s", strings.Join(names, ", ")))
	}
	l, err := s.Load(ctx, e.Name)
	return l, e.Name, err
}

func wrongKind(name, kind string) error {
	if kind == model.Encoder {
		return fmt.Errorf("%s writes text and makes no embeddings: choose an encoder such as %s", name, embedder)
	}
	return fmt.Errorf("%s makes embeddings and writes no text: choose a decoder", name)
}
