package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"hearth/infer/model"
)

type embedCmd struct {
	modelsAt `embed:""`
	Model    string   `help:"Which model; by default the one that is here." placeholder:"NAME"`
	Texts    []string `arg:"" name:"text" help:"Texts, each to become one vector; \"-\" reads one text a line."`
	JSON     bool     `help:"Print JSON."`
}

// embedded is a text with its vector.
type embedded struct {
	Text   string    `json:"text"`
	Tokens int       `json:"tokens"`
	Vector []float64 `json:"embedding"`
}

// Run embeds texts.
func (c *embedCmd) Run(p *program) error {
	texts := c.Texts
	if len(texts) == 1 && texts[0] == "-" {
		var err error
		if texts, err = readLines(p.in); err != nil {
			return err
		}
	}
	s, _ := c.store(p, "")
	o, err := openOne(p.ctx, s, c.Model, model.Encoder, "")
	if err != nil {
		return err
	}
	defer o.close()
	batch := make([][]int32, len(texts))
	for i, t := range texts {
		if batch[i], err = o.Words.Text(t); err != nil {
			return coded(exitUsage, fmt.Errorf("text %d: %w", i+1, err))
		}
	}
	vectors, err := o.Encoder.Embed(p.ctx, batch)
	if err != nil {
		return err
	}
	out := make([]embedded, len(texts))
	for i, v := range vectors {
		out[i] = embedded{Text: texts[i], Tokens: len(batch[i])}
		for _, x := range v {
			out[i].Vector = append(out[i].Vector, math.Ldexp(float64(x), -30))
		}
	}
	if c.JSON {
		return printJSON(p.out, struct {
			Model string     `json:"model"`
			ID    string     `json:"model_id"`
			Data  []embedded `json:"data"`
		}{o.Name, o.ID, out})
	}
	for _, e := range out {
		for i, x := range e.Vector {
			if i > 0 {
				fmt.Fprint(p.out, " ")
			}
			fmt.Fprintf(p.out, "%.6f", x)
		}
		fmt.Fprintln(p.out)
	}
	return nil
}

// readLines reads one text a line, leaving out empty ones.
func readLines(in io.Reader) ([]string, error) {
	var out []string
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if t := strings.TrimSpace(lines.Text()); t != "" {
			out = append(out, t)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read texts: %w", err)
	}
	if len(out) == 0 {
		return nil, coded(exitUsage, errors.New("there is no text to embed"))
	}
	return out, nil
}
