package report

import (
	"bytes"
	_ "embed" // for the page
	"fmt"
	"html/template"
	"slices"
	"strings"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/brief"
	"hearth/plan/market"
	"hearth/plan/picture"
)

// Report is a plan with all that was worked out for it.
type Report struct {
	Asked  *brief.Asked
	Answer *plan.Answer
	Sizing plan.Sizing
	// Further is what [Further] says.
	Further []Remark
	// Tornado and Draws are nil where they were not asked for.
	Tornado *plan.Tornado
	Draws   *plan.Draws
}

// Years returns the horizon.
func (r *Report) Years() int { return r.Asked.Question.Money.Years }

// horizon returns the outlook of the plan's years: it reaches further for what
// machines are worth at their end.
func (r *Report) horizon() market.Outlook {
	o := r.Asked.Question.Market
	for c := range o {
		o[c] = o[c][:min(len(o[c]), 12*r.Years())]
	}
	return o
}

// Wanted says how much heat the home wants.
func (r *Report) Wanted() string {
	l := &r.Answer.Load
	says := fmt.Sprintf("%s kWh in a typical year, up to %s in an hour; %s at the place's design temperature of %s °C.",
		Whole(float64(l.Heat)), Power(l.Peak), Power(l.Design), Decimal(float64(r.Asked.Place.Design), 0))
	if u, made := r.Asked.Question.Year.Uncertainty(); made {
		says += fmt.Sprintf(" The hours of weather are made up from monthly normals: the heat of a year is off by %s %% on average and by %s %% at worst, and the greatest hour comes out some %s %% too low.",
			Decimal(100*float64(u.Annual), 0), Decimal(100*float64(u.Worst), 0), Decimal(100*float64(u.Peak), 0))
	}
	if note := r.Asked.Place.Source.Note; note != "" {
		says += " " + Upper(note) + "."
	}
	return says
}

// Odds says how the draws came out.
func (r *Report) Odds() string {
	d := r.Draws
	return fmt.Sprintf("The machine gains in %s of the draws, and is paid back within the horizon in %s.", Percent(d.Wins), Percent(d.PaysBack))
}

// Tables returns every table of the report.
func (r *Report) Tables() []Table {
	tables := []Table{Costs(r.Answer), Energies(r.Answer), Seasons(r.Answer)}
	if r.Sizing.Unknown == "" {
		tables = append(tables, Sizes(r.Sizing))
	}
	if r.Tornado != nil {
		tables = append(tables, Swings(r.Tornado))
	}
	if r.Draws != nil {
		tables = append(tables, Chances(r.Draws))
	}
	return tables
}

// mostSwings is how many figures a tornado shows.
const mostSwings = 12

// Picture draws one of costs, months, sizes, outlook, tornado and spread.
func (r *Report) Picture(name string) (*picture.Drawing, error) {
	switch name {
	case "costs":
		return CostsPicture(r.Answer, r.Years()), nil
	case "months":
		return MonthsPicture(r.Answer), nil
	case "sizes":
		return SizesPicture(r.Sizing, r.Years()), nil
	case "outlook":
		return OutlookPicture(r.horizon(), r.Asked.Question.Machine.Kind), nil
	case "tornado":
		if r.Tornado != nil {
			return TornadoPicture(r.Tornado, r.Years(), mostSwings), nil
		}
	case "spread":
		if r.Draws != nil {
			return SpreadPicture(r.Draws, r.Years()), nil
		}
	default:
		return nil, fmt.Errorf("draw %q: there is no such picture", name)
	}
	return nil, fmt.Errorf("draw the %s: the answer is unknown: %s", name, r.Answer.Smart.Unknown)
}

// Cited is a source that the plan rests on.
type Cited struct{ Title, Publisher, Year, Licence, Attribution, Address, Note string }

// Sources returns every source that the plan rests on.
func (r *Report) Sources() []Cited {
	var list []Cited
	if s := r.Asked.Place.Source; s.Dataset != "" {
		list = append(list, Cited{Title: "Weather of " + r.Asked.Place.String() + ": " + s.Dataset, Licence: s.Licence, Attribution: s.Attribution, Note: s.Note})
	}
	return append(list, citations(r.cited())...)
}

// citations looks sources up, each once, in the order of the atlas.
func citations(ids []atlas.SourceID, markets []market.SourceID) []Cited {
	var list []Cited
	for _, s := range atlas.Sources() {
		if slices.Contains(ids, s.ID) {
			list = append(list, Cited{
				Title: s.Title, Publisher: s.Publisher, Year: year(s.Year), Licence: s.Licence, Attribution: s.Attribution, Address: s.Address, Note: s.Note,
			})
		}
	}
	for _, s := range market.Sources() {
		if slices.Contains(markets, s.ID) {
			list = append(list, Cited{Title: s.Title, Publisher: s.Publisher, Year: year(s.Year), Licence: s.Licence, Address: s.Address, Note: s.Note})
		}
	}
	return list
}

func year(y int) string {
	if y == 0 {
		return ""
	}
	return fmt.Sprint(y)
}

// cited gathers the sources of all figures.
func (r *Report) cited() (ids []atlas.SourceID, markets []market.SourceID) {
	for _, g := range r.Asked.Givens {
		ids, markets = append(ids, g.Sources...), append(markets, g.Market...)
	}
	q := &r.Asked.Question
	ids = append(append(ids, q.Power.Sources...), q.Machine.Sources...)
	for _, h := range append([]plan.Heater{q.Today, q.Backup}, q.Others...) {
		ids = append(ids, h.Sources...)
	}
	if r.Tornado != nil {
		for _, b := range r.Tornado.Bars {
			ids, markets = append(ids, b.Sources...), append(markets, b.Market...)
		}
	}
	var walk func(plan.Reason)
	walk = func(reason plan.Reason) {
		ids = append(ids, reason.Sources...)
		for _, id := range reason.Sources { // those of the market come by the same name
			markets = append(markets, market.SourceID(id))
		}
		for _, f := range reason.From {
			walk(f)
		}
	}
	for _, reason := range r.Reasons() {
		walk(reason)
	}
	return ids, markets
}

// Reasons explains the figures that decide: the load, the comparisons, today's
// heater and the machine in full, and of the others what they cost.
func (r *Report) Reasons() []plan.Reason {
	full := map[string]bool{}
	if len(r.Answer.Options) > 0 {
		full[r.Answer.Options[0].ID] = true
	}
	if o := Option(r.Answer, plan.WithMachine); o != nil {
		full[o.ID] = true
	}
	var list []plan.Reason
	for _, id := range r.Answer.Figures() {
		parts := strings.Split(id, ".")
		if parts[0] == "option" && !full[parts[1]] && !slices.Contains([]string{"cost", "running", "value"}, parts[2]) {
			continue
		}
		if reason, ok := r.Answer.Why(id); ok {
			list = append(list, reason)
		}
	}
	return list
}

var (
	//go:embed report.html
	homePage string
	//go:embed map.html
	mapPage string
	//go:embed parts.html
	parts string
	//go:embed page.css
	pageStyle string
)

// execute writes one of the pages.
func execute(page string, v any) ([]byte, error) {
	t, err := template.New("page").Parse(page)
	if err == nil {
		t, err = t.Parse(parts)
	}
	if err != nil {
		return nil, fmt.Errorf("read the report's page: %w", err)
	}
	var b bytes.Buffer
	if err := t.Execute(&b, v); err != nil {
		return nil, fmt.Errorf("write the report: %w", err)
	}
	return b.Bytes(), nil
}

// style is the CSS of a page and its pictures.
func style() template.CSS { return template.CSS(pageStyle + picture.Style()) } //nolint:gosec // our own

// HTML returns the report as one page that needs nothing else.
func (r *Report) HTML() ([]byte, error) {
	v := view{
		Style: style(),
		Title: "Would it pay in " + r.Asked.Place.Name + "?", Place: r.Asked.Place.String(), Home: r.Asked.Question.Home.Name,
		Decision: Decision(r.Answer, r.Years()), Better: Better(r.Answer, r.Years()), Smart: r.Answer.Smart, Reuse: r.Answer.Reuse, Further: r.Further, Years: r.Years(), Currency: r.Answer.Currency,
		Costs: Costs(r.Answer), Energies: Energies(r.Answer), Seasons: Seasons(r.Answer), Wanted: r.Wanted(),
		Givens: r.Asked.Givens, Sources: r.Sources(),
	}
	draw := func(name string) template.HTML {
		d, err := r.Picture(name)
		if err != nil {
			return ""
		}
		return template.HTML(d.Inline()) //nolint:gosec // package picture escapes all text
	}
	v.CostsPicture, v.MonthsPicture, v.OutlookPicture = draw("costs"), draw("months"), draw("outlook")
	if v.SizingUnknown = r.Sizing.Unknown; v.SizingUnknown == "" {
		sizes := Sizes(r.Sizing)
		v.Sizes, v.SizesPicture = &sizes, draw("sizes")
	}
	if r.Tornado != nil {
		swings := Swings(r.Tornado)
		v.Swings, v.TornadoPicture = &swings, draw("tornado")
	}
	if r.Draws != nil {
		chances := Chances(r.Draws)
		v.Chances, v.SpreadPicture, v.Odds = &chances, draw("spread"), r.Odds()
	}
	v.Reasons = r.grouped()
	return execute(homePage, v)
}

// view is what the page shows.
type view struct {
	Style                                       template.CSS
	Title, Place, Home, Decision, Better        string
	Further                                     []Remark
	Wanted, Odds                                string
	Currency                                    string
	Years                                       int
	Smart, Reuse                                plan.Comparison
	Costs, Energies, Seasons                    Table
	Sizes, Swings, Chances                      *Table
	SizingUnknown                               string
	CostsPicture, MonthsPicture, OutlookPicture template.HTML
	SizesPicture, TornadoPicture, SpreadPicture template.HTML
	Givens                                      []brief.Given
	Reasons                                     []group
	Sources                                     []Cited
}

// group is the reasons of one thing.
type group struct {
	Name    string
	Reasons []plan.Reason
}

// grouped sorts the reasons by what they are about.
func (r *Report) grouped() []group {
	var groups []group
	for _, reason := range r.Reasons() {
		parts := strings.Split(reason.ID, ".")
		name := map[string]string{"load": "The heat that is wanted", "smart": "Smart heat against dumb heat", "reuse": "Heat used against heat wasted"}[parts[0]]
		for _, o := range r.Answer.Options {
			if parts[0] == "option" && o.ID == parts[1] {
				name = Upper(o.Name)
			}
		}
		if len(groups) == 0 || groups[len(groups)-1].Name != name {
			groups = append(groups, group{Name: name})
		}
		last := &groups[len(groups)-1]
		last.Reasons = append(last.Reasons, reason)
	}
	return groups
}
