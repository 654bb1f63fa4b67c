package main

import (
	"fmt"

	"hearth/plan"
	"hearth/plan/report"
)

type planCompareCmd struct {
	Files []string `arg:"" help:"Questions, as for \"hearth plan home\"." placeholder:"FILE"`
	JSON  bool     `help:"Print everything as JSON, for programs."`
	CSV   string   `name:"csv" help:"Write the table for spreadsheets." placeholder:"FILE"`
}

// Run answers several questions and sets the answers side by side.
func (c *planCompareCmd) Run(p *program) error {
	if len(c.Files) < 2 {
		return coded(exitUsage, fmt.Errorf("name at least two files to compare"))
	}
	var documents []report.Document
	t := report.Table{Title: "Side by side", Columns: []report.Column{{Name: ""}}}
	rows := []struct {
		name string
		cell func(a *plan.Answer, o *plan.Option) string
	}{
		{"Heat wanted, kWh a year", func(a *plan.Answer, _ *plan.Option) string { return report.Whole(float64(a.Load.Heat)) }},
		{"Today's heater", func(a *plan.Answer, _ *plan.Option) string { return a.Options[0].Name }},
		{"Its useful kWh", func(a *plan.Answer, _ *plan.Option) string {
			if a.Options[0].Unknown != "" {
				return "unknown"
			}
			return report.Useful(&a.Options[0]) + " " + report.HundredthsName(a.Currency)
		}},
		{"Machine and backup", func(_ *plan.Answer, o *plan.Option) string { return o.Name }},
		{"Their useful kWh", known(func(a *plan.Answer, o *plan.Option) string {
			return report.Useful(o) + " " + report.HundredthsName(a.Currency)
		})},
		{"First year", known(func(a *plan.Answer, o *plan.Option) string { return report.Money(o.Running.Mid, a.Currency) })},
		{"To buy", known(func(a *plan.Answer, o *plan.Option) string { return report.Money(float64(o.Capex), a.Currency) })},
		{"Gain over the horizon", known(func(a *plan.Answer, o *plan.Option) string { return report.Money(o.Value.Mid, a.Currency) })},
		{"… if the market goes badly", known(func(a *plan.Answer, o *plan.Option) string { return report.Money(o.Value.Low, a.Currency) })},
		{"… if it goes well", known(func(a *plan.Answer, o *plan.Option) string { return report.Money(o.Value.High, a.Currency) })},
		{"Paid back after", known(func(_ *plan.Answer, o *plan.Option) string { return report.Years(o.Payback) })},
		{"Share of the heat", known(func(_ *plan.Answer, o *plan.Option) string { return report.Percent(o.Covered) })},
		{"Full-load hours", known(func(_ *plan.Answer, o *plan.Option) string { return report.Whole(o.FullLoad) })},
	}
	for _, r := range rows {
		t.Rows = append(t.Rows, report.Row{Cells: []string{r.name}})
	}
	for _, file := range c.Files {
		asked, err := (&question{File: file}).ask()
		if err != nil {
			return err
		}
		_, a, err := answer(asked)
		if err != nil {
			return err
		}
		documents = append(documents, report.NewDocument(&report.Report{Asked: asked, Answer: a}))
		t.Columns = append(t.Columns, report.Column{Name: file})
		o := report.Option(a, plan.WithMachine)
		for i, r := range rows {
			t.Rows[i].Cells = append(t.Rows[i].Cells, r.cell(a, o))
		}
	}
	if c.JSON {
		return printJSON(p.out, documents)
	}
	if err := (&outputs{CSV: c.CSV}).tables(p, t); err != nil {
		return err
	}
	p.print(t)
	for i, d := range documents {
		p.paragraph(c.Files[i] + ": " + d.Decision)
	}
	return nil
}

// known writes a figure of an option that is known.
func known(cell func(a *plan.Answer, o *plan.Option) string) func(a *plan.Answer, o *plan.Option) string {
	return func(a *plan.Answer, o *plan.Option) string {
		if o.Unknown != "" {
			return "unknown"
		}
		return cell(a, o)
	}
}
