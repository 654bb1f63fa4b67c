package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hearth/infer/model"
)

type searchCmd struct {
	modelsAt `embed:""`
	Dir      string `arg:"" help:"The folder to search." type:"existingdir"`
	Query    string `arg:"" help:"What to look for, in your own words."`
	Model    string `help:"Which model; by default the one that is here." placeholder:"NAME"`
	Top      int    `help:"How many passages to show." default:"5"`
	JSON     bool   `help:"Print JSON."`
}

// found is a passage that fits a query.
type found struct {
	File string  `json:"file"`
	From int     `json:"from"`
	To   int     `json:"to"`
	Fit  float64 `json:"similarity"`
	Text string  `json:"text"`
}

// searched is the answer to a query.
type searched struct {
	Query    string  `json:"query"`
	Model    string  `json:"model"`
	Files    int     `json:"files"`
	Passages int     `json:"passages"`
	Embedded int     `json:"embedded"` // this time; the others were known
	Found    []found `json:"found"`
}

// Run searches a folder by meaning.
func (c *searchCmd) Run(p *program) error {
	if strings.TrimSpace(c.Query) == "" || c.Top < 1 {
		return coded(exitUsage, errors.New("say what to look for, and show one passage or more"))
	}
	s, line := c.store(p, "")
	o, err := openOne(p.ctx, s, c.Model, model.Encoder, "")
	if err != nil {
		return err
	}
	defer o.close()
	dir, err := filepath.Abs(c.Dir)
	if err != nil {
		return err
	}
	w, err := walk(p.ctx, dir)
	if err != nil {
		return err
	}
	for _, f := range w.unread {
		fmt.Fprintf(p.err, "%s cannot be read and is left out.\n", oneLine(f))
	}
	if len(w.passages) == 0 {
		return coded(exitProblem, fmt.Errorf("there is no text in %s, and %s of other kinds", c.Dir, count(w.binary+w.large, "file")))
	}
	cache, err := openCache(c.Data, dir, o.ID, o.Config.Width)
	if err != nil {
		return err
	}
	fresh, err := index(p.ctx, o, w.passages, cache, indexing{embed: o.Encoder.Embed, batch: indexBatch, did: func(_, _, n, total int) {
		line.counted("embedding passages", n, total)
	}})
	line.end()
	if err != nil {
		return err
	}
	query, err := o.Words.Text(c.Query)
	if err != nil {
		return coded(exitUsage, err)
	}
	v, err := o.Encoder.Embed(p.ctx, [][]int32{o.shorten(query)})
	if err != nil {
		return err
	}
	best := rank(w.passages, cache, round(v[0]), c.Top)
	answer := searched{Query: c.Query, Model: o.Name, Files: w.files, Passages: len(w.passages), Embedded: fresh, Found: best}
	if c.JSON {
		return printJSON(p.out, answer)
	}
	for _, f := range best {
		fmt.Fprintf(p.out, "%s  %s\n", p.paint(warm, fmt.Sprintf("%.2f", f.Fit)), p.paint(bold, oneLine(filepath.Join(c.Dir, filepath.FromSlash(f.File)))+fmt.Sprintf(":%d", f.From)))
		fmt.Fprintln(p.out, excerpt(f.Text))
	}
	fmt.Fprintln(p.err, p.paint(dim, fmt.Sprintf("%s in %s, %d of them new.", count(answer.Passages, "passage"), count(answer.Files, "file"), fresh)))
	return nil
}

// excerpt is the first lines of a passage, indented.
func excerpt(text string) string {
	const most = 6
	var b strings.Builder
	n := 0
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(oneLine(line)); line == "" {
			continue
		}
		if n++; n > most {
			b.WriteString("      …\n")
			break
		}
		if r := []rune(line); len(r) > 110 {
			line = string(r[:109]) + "…"
		}
		b.WriteString("      " + line + "\n")
	}
	return b.String()
}

// shorten cuts a text to what the model takes, keeping the token that ends it.
func (o *opened) shorten(tokens []int32) []int32 {
	if n := o.Config.Context; len(tokens) > n {
		return append(slices.Clone(tokens[:n-1]), tokens[len(tokens)-1])
	}
	return tokens
}

// indexBatch is how many passages are embedded before the cache may be saved.
const indexBatch = 256

// indexing is how passages are embedded.
type indexing struct {
	embed func(context.Context, [][]int32) ([][]int32, error)
	batch int // passages at a time
	// turn waits before each batch, if it is not nil.
	turn func(context.Context) error
	// did hears of each batch: its passages and tokens, and how many of all
	// passages are done.
	did func(texts, tokens, n, total int)
}

// unknown are the passages that the cache does not know, each once.
func unknown(passages []passage, cache *vectorCache) []passage {
	seen := make(map[digest]bool, len(passages))
	var todo []passage
	for _, p := range passages {
		d := digestOf(p)
		if _, ok := cache.get(d); !ok && !seen[d] {
			todo = append(todo, p)
		}
		seen[d] = true
	}
	return todo
}

// index embeds the passages that the cache does not know, and saves it, also
// when it is interrupted. It returns how many those were.
func index(ctx context.Context, o *opened, passages []passage, cache *vectorCache, how indexing) (fresh int, err error) {
	todo := unknown(passages, cache)
	keep := make(map[digest]bool, len(passages))
	for _, p := range passages {
		keep[digestOf(p)] = true
	}
	if len(todo) == 0 {
		return 0, nil
	}
	// Texts of one length together fill the processor best, and the longest
	// first make the estimate of what is left a cautious one.
	slices.SortStableFunc(todo, func(a, b passage) int { return cmp.Compare(len(b.text), len(a.text)) })
	defer func() {
		if fresh > 0 {
			err = errors.Join(err, cache.save(keep))
		}
	}()
	saved := time.Now()
	for batch := range slices.Chunk(todo, how.batch) {
		if how.turn != nil {
			if err := how.turn(ctx); err != nil {
				return fresh, err
			}
		}
		read, tokens := 0, make([][]int32, len(batch))
		for i, p := range batch {
			t, err := o.Words.Text(p.text)
			if err != nil {
				return fresh, fmt.Errorf("%s:%d: %w", p.file, p.from, err)
			}
			tokens[i] = o.shorten(t)
			read += len(tokens[i])
		}
		vectors, err := how.embed(ctx, tokens)
		if err != nil {
			if ctx.Err() != nil {
				return fresh, fmt.Errorf("interrupted: %s are embedded and kept, the same command goes on from there", count(fresh, "passage"))
			}
			return fresh, err
		}
		for i, v := range vectors {
			cache.put(digestOf(batch[i]), round(v))
		}
		fresh += len(batch)
		how.did(len(batch), read, fresh, len(todo))
		if time.Since(saved) > 30*time.Second {
			if err := cache.save(nil); err != nil {
				return fresh, err
			}
			saved = time.Now()
		}
	}
	return fresh, nil
}

func digestOf(p passage) digest { return sha256.Sum256([]byte(p.text)) }

// rank returns the passages most like a query.
func rank(passages []passage, cache *vectorCache, query vector, top int) []found {
	type scored struct {
		passage
		fit int64
	}
	all := make([]scored, 0, len(passages))
	for _, p := range passages {
		if v, ok := cache.get(digestOf(p)); ok {
			all = append(all, scored{p, similarity(query, v)})
		}
	}
	slices.SortStableFunc(all, func(a, b scored) int { return cmp.Compare(b.fit, a.fit) })
	var best []found
	said := map[string]bool{} // the same words in two files are shown once
	for _, s := range all {
		if len(best) == top {
			break
		}
		if said[s.text] {
			continue
		}
		said[s.text] = true
		best = append(best, found{s.file, s.from, s.to, math.Ldexp(float64(s.fit), -30), s.text})
	}
	return best
}

// counted shows n of total of something.
func (l *progressLine) counted(what string, n, total int) {
	if !l.terminal || total < 2*indexBatch {
		return
	}
	l.drawn = true
	fmt.Fprintf(l.out, "\r\x1b[K%s: %d of %d", what, n, total)
}
