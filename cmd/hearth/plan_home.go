package main

import (
	"fmt"
	"strings"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/brief"
	"hearth/plan/market"
	"hearth/plan/report"
)

type planHomeCmd struct {
	question   `embed:""`
	outputs    `embed:""`
	Why        string `help:"Explain a figure down to its sources, such as option.machine.cost; \"all\" lists what can be explained." placeholder:"ID" group:"Output"`
	Tornado    bool   `help:"Also say what the answer hangs on: each uncertain figure at the ends of its range." group:"Output"`
	MonteCarlo int    `help:"Also draw everything uncertain at random, N times." placeholder:"N" group:"Output"`
	Seed       uint64 `help:"Seed of these draws: one seed, one result." default:"1" group:"Output"`
	Picture    string `help:"Which picture --svg and --png write." enum:"costs,months,sizes,outlook,tornado,spread" default:"costs" group:"Output"`
}

// Run answers for one home.
func (c *planHomeCmd) Run(p *program) error {
	asked, err := c.ask()
	if err != nil {
		return err
	}
	if c.MonteCarlo < 0 {
		return coded(exitUsage, fmt.Errorf("--monte-carlo=%d: say how often to draw, such as 2000", c.MonteCarlo))
	}
	site, a, err := answer(asked)
	if err != nil {
		return err
	}
	if c.Why != "" {
		return p.why(a, c.Why)
	}
	r := report.Report{Asked: asked, Answer: a, Sizing: site.Size()}
	if r.Further, err = report.Further(site, true); err != nil {
		return err
	}
	if err := c.study(p, &r); err != nil {
		return err
	}
	if err := c.write(p, &r); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, report.NewDocument(&r))
	}
	p.home(&r)
	return nil
}

// study works out the sensitivity, where it is asked for.
func (c *planHomeCmd) study(p *program, r *report.Report) error {
	q := r.Asked.Question
	tornado := c.Tornado || c.Picture == "tornado" || c.HTML != ""
	draws := c.MonteCarlo
	if c.Picture == "spread" && draws == 0 {
		draws = usualDraws
	}
	if !tornado && draws == 0 || r.Answer.Smart.Unknown != "" {
		return nil
	}
	s := plan.Study{Question: q, Scenario: r.Asked.Scenario, Chance: market.Usual(), Factors: plan.Factors(q, r.Asked.Scenario), Held: r.Asked.Brief.HashPrice != "" && q.Machine.Kind == plan.Hash}
	var err error
	if tornado {
		count := p.counting("Moving figures")
		r.Tornado, err = s.Tornado(p.ctx, c.threads(), count.show)
		count.end()
		if err != nil {
			return err
		}
	}
	if draws > 0 {
		count := p.counting("Drawing at random")
		r.Draws, err = s.Draw(p.ctx, c.Seed, draws, c.threads(), count.show)
		count.end()
	}
	return err
}

// usualDraws are made where a picture of them is asked for without a number.
const usualDraws = 2000

// write writes the files that are asked for.
func (c *planHomeCmd) write(p *program, r *report.Report) error {
	if c.SVG != "" || c.PNG != "" {
		d, err := r.Picture(c.Picture)
		if err != nil {
			return err
		}
		if err := c.draw(p, d); err != nil {
			return err
		}
	}
	if err := c.tables(p, r.Tables()...); err != nil {
		return err
	}
	if c.HTML == "" {
		return nil
	}
	html, err := r.HTML()
	if err != nil {
		return err
	}
	return p.written(c.HTML, html)
}

// why explains a figure.
func (p *program) why(a *plan.Answer, id string) error {
	if id == "all" {
		for _, id := range a.Figures() {
			if r, ok := a.Why(id); ok {
				fmt.Fprintf(p.out, "%s\t%s: %s\n", id, r.Name, r.Value)
			}
		}
		return nil
	}
	r, ok := a.Why(id)
	if !ok {
		return coded(exitUsage, fmt.Errorf("nothing is called %q: \"--why all\" lists what can be explained", id))
	}
	used := map[atlas.SourceID]bool{}
	p.reason(r, 0, used)
	fmt.Fprintln(p.out)
	for _, s := range atlas.Sources() {
		if used[s.ID] {
			p.paragraph(fmt.Sprintf("[%s] %s, %s (%d). %s. %s", s.ID, s.Title, s.Publisher, s.Year, s.Licence, s.Attribution))
		}
	}
	for _, s := range market.Sources() {
		if used[atlas.SourceID(s.ID)] {
			p.paragraph(fmt.Sprintf("[%s] %s, %s (%d). %s", s.ID, s.Title, s.Publisher, s.Year, s.Note))
		}
	}
	return nil
}

// reason prints a reason and, further in, what went into it.
func (p *program) reason(r plan.Reason, depth int, used map[atlas.SourceID]bool) {
	indent := strings.Repeat("  ", depth)
	var cites strings.Builder
	for _, s := range r.Sources {
		used[s] = true
		cites.WriteString(" [" + string(s) + "]")
	}
	fmt.Fprintf(p.out, "%s%s: %s\n", indent, r.Name, p.paint(bold, r.Value))
	fmt.Fprintf(p.out, "%s  %s\n", indent, p.paint(dim, "= "+r.Formula+cites.String()))
	for _, f := range r.From {
		p.reason(f, depth+1, used)
	}
}

// home prints what a plan comes to, for people.
func (p *program) home(r *report.Report) {
	a := r.Answer
	fmt.Fprintln(p.out, p.paint(bold, report.Decision(a, r.Years())))
	if s := report.Better(a, r.Years()); s != "" {
		p.paragraph(s)
	}
	fmt.Fprintln(p.out)
	p.paragraph("Smart heat against dumb heat: " + a.Smart.Sentence)
	p.paragraph("Heat used against heat wasted: " + a.Reuse.Sentence)
	for _, m := range r.Further {
		p.paragraph(m.Name + ": " + m.Text)
	}
	fmt.Fprintln(p.out)
	p.print(report.Costs(a))
	p.print(report.Energies(a))
	fmt.Fprintln(p.out, p.paint(bold, "Heat that is wanted"))
	p.paragraph(r.Wanted())
	fmt.Fprintln(p.out)
	p.print(report.Seasons(a))
	if r.Sizing.Unknown == "" {
		p.print(report.Sizes(r.Sizing))
	}
	if r.Tornado != nil {
		p.print(report.Swings(r.Tornado))
	}
	if r.Draws != nil {
		p.print(report.Chances(r.Draws))
		p.paragraph(r.Odds())
		fmt.Fprintln(p.out)
	}
	p.rests(r.Asked.Givens)
	p.paragraph("All of this is planned with models and averages, not measured. Change a figure with its flag, such as --tariff 0.12; --html FILE writes a report with pictures, reasons and sources.")
}

// rests says what a plan rests on.
func (p *program) rests(givens []brief.Given) {
	fmt.Fprintln(p.out, p.paint(bold, "What it rests on"))
	var rows [][]string
	for _, g := range givens {
		why := "as you said"
		if g.Default {
			why = "default: " + g.Why
		}
		rows = append(rows, []string{"  " + g.Key, short(g.Value, 44), p.paint(dim, short(why, 70))})
	}
	table(p.out, rows)
	fmt.Fprintln(p.out)
}

// short cuts a text at a word.
func short(s string, most int) string {
	if len([]rune(s)) <= most {
		return s
	}
	cut := string([]rune(s)[:most])
	if i := strings.LastIndexByte(cut, ' '); i > 0 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:.(") + " …"
}

// paragraph prints text in lines of 100 letters at most.
func (p *program) paragraph(s string) {
	line := ""
	for word := range strings.SplitSeq(s, " ") {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > 100 {
			fmt.Fprintln(p.out, line)
			line = ""
		}
		if line != "" {
			line += " "
		}
		line += word
	}
	fmt.Fprintln(p.out, line)
}
