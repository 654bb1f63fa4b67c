package main

import (
	"fmt"
	"slices"
	"strings"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/brief"
	"hearth/plan/report"
)

type planMapCmd struct {
	Region   []string `help:"Only these states or countries, by code or name; \"US\" for all states." placeholder:"US-ME" group:"Filter"`
	Building []string `help:"Only homes with these words, such as \"poor house\" or pool." placeholder:"WORDS" group:"Filter"`
	Fuel     []string `help:"Only homes that heat so today: resistive, gas, propane, oil, wood, heat_pump." placeholder:"KIND" group:"Filter"`
	Device   []string `help:"Only machines with these words in their name." placeholder:"NAME" group:"Filter"`
	Top      int      `help:"Lines of the table; 0 for all." default:"20" placeholder:"N" group:"Filter"`
	Each     bool     `help:"Only the best line of each region." group:"Filter"`
	Picture  string   `help:"Which picture --svg and --png write: the map, or a grid by fuel." enum:"map,grid" default:"map" group:"Output"`

	// Of the market and of money, as in "hearth plan home".
	Bitcoin    string `placeholder:"63000 USD" help:"Price of a bitcoin in two years: one figure, or pessimistic/middle/optimistic." group:"Market"`
	Difficulty string `placeholder:"133.87 T" help:"Bitcoin's difficulty today." group:"Market"`
	HashPrice  string `placeholder:"28.7" help:"US dollars for a PH/s and day, held for ever." group:"Market"`
	Years      string `placeholder:"10" help:"Horizon." group:"Money"`
	Rate       string `placeholder:"4 %" help:"Interest above inflation." group:"Money"`
	Currency   string `placeholder:"USD" help:"Currency of the map." group:"Money"`
	PerDollar  string `placeholder:"0.92" help:"Units of the currency for a US dollar." group:"Money"`

	outputs `embed:""`
}

// Run reckons the map.
func (c *planMapCmd) Run(p *program) error {
	b := brief.Brief{
		Bitcoin: c.Bitcoin, Difficulty: c.Difficulty, HashPrice: c.HashPrice,
		Years: c.Years, Rate: c.Rate, Currency: c.Currency, PerDollar: c.PerDollar,
	}
	world, givens, err := b.World()
	if err != nil {
		return coded(exitUsage, err)
	}
	m, err := plan.Everywhere(world)
	if err != nil {
		return err
	}
	codes, err := c.filter(m)
	if err != nil {
		return coded(exitUsage, err)
	}
	count := p.counting("Reckoning the map")
	n, err := m.Run(p.ctx, c.threads(), count.show)
	count.end()
	if err != nil {
		return err
	}
	lines := n.Ranked
	if c.Each {
		lines = report.Best(n, -1)
	}
	if c.Top > 0 {
		lines = lines[:min(len(lines), c.Top)]
	}
	home := max(0, slices.IndexFunc(m.Homes, func(d plan.Dwelling) bool { return d.Name == "mid house" }))
	d := report.NicheMap(n, codes, home)
	if c.Picture == "grid" {
		d = report.NicheGrid(n, 30, home)
	}
	if err := c.draw(p, d); err != nil {
		return err
	}
	r := report.MapReport{Niches: n, Codes: codes, Home: home, Lines: lines, Givens: givens}
	if c.HTML != "" {
		html, err := r.HTML()
		if err != nil {
			return err
		}
		if err := p.written(c.HTML, html); err != nil {
			return err
		}
	}
	if err := c.tables(p, report.Niches(n, lines), report.Unknowns(n)); err != nil {
		return err
	}
	if c.JSON {
		return printJSON(p.out, report.NewNicheDocument(n, codes, lines))
	}
	p.niches(&r)
	return nil
}

// niches prints the map for people.
func (p *program) niches(r *report.MapReport) {
	p.paragraph(r.Decision())
	fmt.Fprintln(p.out)
	if len(r.Lines) > 0 {
		p.print(report.Niches(r.Niches, r.Lines))
	}
	p.print(r.Reach())
	if t := report.Unknowns(r.Niches); len(t.Rows) > 0 {
		t.Rows = t.Rows[:min(len(t.Rows), 8)]
		p.print(t)
	}
	p.rests(r.Givens)
	p.paragraph("Prices are those of the atlas, of 2023 and 2024. All of this is planned with models and averages, not measured. \"hearth plan home\" looks at one home closely.")
}

// filter keeps what is asked for and returns the codes of the regions left.
func (c *planMapCmd) filter(m *plan.Map) (report.Places, error) {
	all := atlas.Regions()
	for _, name := range c.Region {
		if !slices.ContainsFunc(all, func(r atlas.Region) bool { return wanted([]string{name}, r.Code, r.Name, r.Country) }) {
			return nil, fmt.Errorf("--region: no region is called %q: \"hearth plan regions\" lists them", name)
		}
	}
	var codes report.Places
	var regions []plan.Region
	for i, r := range m.Regions {
		if wanted(c.Region, all[i].Code, all[i].Name, all[i].Country) {
			codes, regions = append(codes, all[i].Code), append(regions, r)
		}
	}
	m.Regions = regions
	m.Homes = slices.DeleteFunc(m.Homes, func(d plan.Dwelling) bool { return !worded(c.Building, d.Name) })
	m.Heaters = slices.DeleteFunc(m.Heaters, func(h plan.Heater) bool { return !wanted(c.Fuel, string(h.Kind)) })
	m.Machines = slices.DeleteFunc(m.Machines, func(k plan.Candidate) bool { return !worded(c.Device, k.Name) })
	for _, left := range []struct {
		n         int
		flag, how string
	}{
		{len(m.Regions), "--region", "\"hearth plan regions\" lists them"},
		{len(m.Homes), "--building", "there are poor, mid and good flats, houses and farmhouses, a pool, a laundry, a greenhouse and a bath"},
		{len(m.Heaters), "--fuel", "there are resistive, gas, propane, oil, wood and heat_pump"},
		{len(m.Machines), "--device", "\"hearth plan devices\" lists them"},
	} {
		if left.n == 0 {
			return nil, fmt.Errorf("%s leaves nothing: %s", left.flag, left.how)
		}
	}
	return codes, nil
}

// wanted reports whether one of the names is asked for, or nothing is.
func wanted(list []string, names ...string) bool {
	return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, strings.TrimSpace(s)) })
	})
}

// worded reports whether a name has all words of one of the list.
func worded(list []string, name string) bool {
	words := strings.Fields(strings.ToLower(name))
	return len(list) == 0 || slices.ContainsFunc(list, func(s string) bool {
		for word := range strings.FieldsSeq(strings.ToLower(s)) {
			if !slices.Contains(words, word) {
				return false
			}
		}
		return true
	})
}
