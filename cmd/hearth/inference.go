package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/config"
	"hearth/furnace"
	"hearth/httpapi"
	"hearth/infer/engine"
	"hearth/infer/hub"
	"hearth/infer/model"
	"hearth/openai"
)

// inference is the models of a home: asked under /v1, and put to work on
// folders while the computer heats. A home that never asks them never loads
// them.
type inference struct {
	ctx     context.Context //nolint:containedctx // of the engines, which outlive the request that opens them
	data    string
	wanted  config.Inference
	furnace *furnace.Furnace // nil where this computer does not heat
	store   *hub.Store
	log     *slog.Logger
	running sync.WaitGroup

	mu     sync.Mutex
	opened []*opened
	server *openai.Server
}

// newInference serves the models of a data folder until ctx ends.
func newInference(ctx context.Context, data string, wanted config.Inference, f *furnace.Furnace, log *slog.Logger) *inference {
	return &inference{
		ctx: ctx, data: data, wanted: wanted, furnace: f, log: log,
		store: modelsOf(data, hub.Options{}),
	}
}

// close waits for the engines, whose context has ended, and frees the models.
func (i *inference) close() {
	i.running.Wait()
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, o := range i.opened {
		o.close()
	}
	i.opened, i.server = nil, nil
}

// ServeHTTP answers requests under /v1, for whom the home has let in.
func (i *inference) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, err := i.open(r.Context())
	if err != nil {
		i.log.Warn("the models cannot be opened", "error", err)
		http.Error(w, "The models of this home cannot be opened: "+oneLine(err.Error()), http.StatusServiceUnavailable)
		return
	}
	s.ServeHTTP(w, r)
}

// open opens the models when they are first asked for.
func (i *inference) open(ctx context.Context) (*openai.Server, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.server != nil {
		return i.server, nil
	}
	if err := i.ctx.Err(); err != nil {
		return nil, err
	}
	all, err := openModels(ctx, i.store, i.wanted.Models, i.log)
	if err != nil {
		return nil, err
	}
	receipts, err := openReceipts(i.data)
	if err == nil {
		for _, o := range all {
			if err = i.later(o); err != nil {
				break
			}
		}
	}
	if err != nil {
		for _, o := range all {
			o.close()
		}
		return nil, err
	}
	for _, o := range all {
		i.run(o.Decoder)
		if o.Later != nil {
			i.run(o.Later.Decoder)
		}
	}
	// Who waits for heat may wait for half a day; who has gone is not waited for.
	o := openai.Options{Models: served(all), Receipts: receipts, Log: i.log, Admit: visitor, Limits: openai.Limits{Time: 12 * time.Hour}}
	if i.furnace != nil {
		o.Used = func(tokens int) { i.furnace.Count("token", int64(tokens)) }
	}
	i.opened, i.server = all, openai.New(o)
	return i.server, nil
}

// greeting says which models answer, and what a person could do next.
func (i *inference) greeting(address string) string {
	names, err := servedNames(i.store, i.wanted.Models)
	if err != nil {
		return "The models cannot be listed: " + oneLine(err.Error())
	}
	shown := slices.Clone(names)
	for n, name := range names {
		if e, err := i.store.Find(name); err == nil && e.Carried() {
			shown[n] += " (carried along: a toy that shows how it works)"
		}
	}
	text := "Models at http://" + address + "/v1: " + strings.Join(shown, ", ") + "."
	if _, err := pickName(i.store, model.Encoder); err != nil && len(i.wanted.Models) == 0 {
		text += " None makes embeddings yet: \"hearth model pull " + embedder + "\" gets one."
	}
	return text
}

// visitor is whom the home has let in.
func visitor(r *http.Request) (openai.Caller, error) {
	return openai.Caller{Name: httpapi.VisitorOf(r.Context()).Name}, nil
}

// run runs an engine until the home stops.
func (i *inference) run(r *engine.Runner) {
	if r == nil {
		return
	}
	i.running.Go(func() {
		if err := r.Run(i.ctx); err != nil && !errors.Is(err, context.Canceled) {
			i.log.Warn("an engine ended", "error", err)
		}
	})
}

// later prepares a model for work that may wait for heat, on no more threads
// than a computer may heat with.
func (i *inference) later(o *opened) error {
	if i.furnace == nil {
		return nil
	}
	l := &openai.Later{Enter: i.furnace.Enter, Turns: i.turns}
	var err error
	if o.Decoder != nil {
		l.Decoder, err = o.newRunner(o.heating(), i.turns())
	} else {
		l.Encoder, err = engine.NewEncoder(o.loaded.Model, o.watched(), o.level, heatingThreads())
	}
	if err != nil {
		return err
	}
	o.Later = l
	return nil
}

func (i *inference) turns() func(context.Context) error {
	t := i.furnace.Turns()
	return func(ctx context.Context) error {
		_, err := t.Next(ctx)
		return err
	}
}

// heatingThreads is how many threads may compute for heat.
func heatingThreads() int { return max(1, runtime.NumCPU()/2) }

// lookEvery is how often folders are looked at for new texts.
const lookEvery = 10 * time.Minute

// keepFolders makes the texts of folders ready to be searched, as far as there
// is heat to be made of it, and looks again every while.
func (i *inference) keepFolders(ctx context.Context) {
	if i.furnace == nil || len(i.wanted.Folders) == 0 {
		return
	}
	for {
		for _, dir := range i.wanted.Folders {
			if err := i.keepFolder(ctx, dir); err != nil && ctx.Err() == nil {
				i.log.Warn("a folder cannot be made ready to be searched", "folder", dir, "error", err)
			}
		}
		timer := time.NewTimer(lookEvery)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
	}
}

// keepFolder embeds what is new in a folder. The model is loaded only when
// there is something new and heat is wanted.
func (i *inference) keepFolder(ctx context.Context, dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	name, id, width, err := i.embedder()
	if err != nil {
		return err
	}
	w, err := walk(ctx, dir)
	if err != nil {
		return err
	}
	cache, err := openCache(i.data, dir, id, width)
	if err != nil {
		return err
	}
	fresh := len(unknown(w.passages, cache))
	if fresh == 0 {
		return nil
	}
	i.log.Info("texts wait for heat, to be made ready to be searched", "folder", dir, "passages", fresh)
	defer i.furnace.Enter()()
	next := i.turns()
	if err := next(ctx); err != nil {
		return err
	}
	o, err := i.served(ctx, name)
	if err != nil {
		return err
	}
	embed := func(ctx context.Context, batch [][]int32) ([][]int32, error) {
		return o.Later.Encoder.EmbedFrom(ctx, o.Numbers(len(batch)), batch)
	}
	n, err := index(ctx, o, w.passages, cache, indexing{
		embed: embed, batch: turnPassages, turn: next, did: func(_, tokens, _, _ int) { i.furnace.Count("token", int64(tokens)) },
	})
	if n > 0 {
		i.log.Info("texts were made ready to be searched", "folder", dir, "passages", n)
	}
	return err
}

// turnPassages are embedded in one turn: some tenths of a second.
const turnPassages = 8

// embedder finds the model that folders are searched with, without loading it.
func (i *inference) embedder() (name, id string, width int, err error) {
	name, err = pickName(i.store, model.Encoder)
	if err != nil {
		return "", "", 0, err
	}
	m, err := i.store.Manifest(name)
	if err != nil {
		return "", "", 0, err
	}
	d, err := m.ID()
	return name, d.String(), m.Config.Width, err
}

// served opens the models, if they are not, and returns the one with the name.
func (i *inference) served(ctx context.Context, name string) (*opened, error) {
	if _, err := i.open(ctx); err != nil {
		return nil, err
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, o := range i.opened {
		if o.Name == name {
			return o, nil
		}
	}
	return nil, fmt.Errorf("the model %s is not among those this home serves: name it under inference: models", name)
}
