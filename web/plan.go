package web

import (
	"cmp"
	"errors"
	"fmt"
	"html/template"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"hearth/heat/climate"
	"hearth/httpapi"
	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/brief"
	"hearth/plan/market"
	"hearth/plan/picture"
	"hearth/plan/report"
	"hearth/units"
)

// planView is the page that says whether computing would pay: a form of a few
// choices and sliders, and the answer.
type planView struct {
	Choices, Sliders, More []planField
	// Was holds the defaults that the form shows: what comes back unchanged
	// was not said.
	Was string
	// Problem is what is wrong with the question; there is no answer then.
	Problem *brief.Error
	Answer  *planAnswer
	// Why is the figure that is explained, so that it stays so.
	Why string
	// limit is what a machine of unknown price may cost.
	limit units.Known[plan.Money]
	// Command is the same question on the command line.
	Command string
}

// planField is one key of the question.
type planField struct {
	Key, Name, Help string
	// Value is what is shown, and Said whether somebody said it.
	Value string
	Said  bool
	// Why says where a default comes from.
	Why     string
	Options []planOption
	// A slider from Least to Most by Step; Figure is its value with the unit.
	Least, Most, Step float64
	Figure            string
	Example           string
}

// planOption is an entry of a list of choices.
type planOption struct{ Value, Name string }

// planAnswer is an answer as the page shows it.
type planAnswer struct {
	Smart, Reuse plan.Comparison
	// Decision is the answer in a sentence, and Better what would beat the
	// machine.
	Decision, Better string
	Further          []report.Remark
	Load             plan.Load
	Options          []planWay
	Costs            template.HTML
	Months           template.HTML
	Givens           []brief.Given
	Sources          []atlas.Source
	Markets          []market.Source
	Years            int
	Currency         string
	Snapshot         market.Snapshot
	// Why explains the one figure that was asked about.
	Why *planReason
	// Link is the page's own address, to which a figure is added.
	Link string
}

// planWay is a row of the table of ways to heat.
type planWay struct {
	plan.Option
	Machine, Today bool
}

// Why is the link to the explanation of one of the row's figures.
func (w planWay) Why(figure string) string { return "option." + w.ID + "." + figure }

// planReason is why a figure is what it is, with its sources.
type planReason struct {
	plan.Reason
	From    []planReason
	Sources []atlas.Source
}

// planner keeps the homes that were asked about last, whose demand for heat is
// worked out: moving a slider of prices then takes a few milliseconds.
type planner struct {
	mu    sync.Mutex
	sites []preparedSite // the one used last is at the end
}

type preparedSite struct {
	key  string
	site *plan.Site
}

// mostSites bounds what is kept, at about a megabyte each.
const mostSites = 16

// answer answers a question. One at a time: a stranger with a slider in each
// hand cannot take the processor from the thermostat.
func (p *planner) answer(asked *brief.Asked) (*plan.Site, *plan.Answer, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	key := siteKey(asked.Brief)
	var site *plan.Site
	var err error
	if i := slices.IndexFunc(p.sites, func(s preparedSite) bool { return s.key == key }); i >= 0 {
		if site, err = p.sites[i].site.With(asked.Question); err != nil {
			return nil, nil, err
		}
		p.sites = append(slices.Delete(p.sites, i, i+1), preparedSite{key, site})
	} else {
		if site, err = plan.Prepare(asked.Question); err != nil {
			return nil, nil, err
		}
		if len(p.sites) == mostSites {
			p.sites = slices.Delete(p.sites, 0, 1)
		}
		p.sites = append(p.sites, preparedSite{key, site})
	}
	return site, site.Answer(), nil
}

// siteKey is all that the demand for heat follows from.
func siteKey(b brief.Brief) string {
	v := url.Values{}
	for _, k := range brief.Keys() {
		if k.Group == "Place" || k.Group == "Home" {
			v.Set(k.Name, b.Get(k.Name))
		}
	}
	return v.Encode()
}

func (p *pages) plan(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	if query.Has("was") {
		to := url.URL{Path: "/plan", RawQuery: said(query).Encode()}
		http.Redirect(w, r, to.String(), http.StatusSeeOther)
		return nil
	}
	why := query.Get("why")
	query.Del("why")
	b, err := brief.FromValues(query)
	if err != nil {
		return planProblem(err)
	}
	if b.Place == "" && b.Region == "" {
		b.Place = p.likelyPlace()
	}
	v := planView{Command: commandLine(b)}
	asked, err := b.Ask(nil)
	if wrong, ok := errors.AsType[*brief.Error](err); ok {
		v.Problem = wrong
	} else if err != nil {
		return err
	}
	if asked != nil {
		site, answer, err := p.planner.answer(asked)
		if err != nil {
			v.Problem = &brief.Error{Text: err.Error()}
		} else {
			v.Answer = newPlanAnswer(asked, answer)
			v.Answer.Link = "/plan?" + b.Values().Encode()
			v.Answer.explain(answer, why)
			v.Why = why
			if v.Answer.Further, err = report.Further(site, false); err != nil {
				return err
			}
			if !asked.Question.Machine.Price.IsKnown() {
				flip, _ := site.Flip()
				v.limit = flip.Price
			}
		}
	}
	v.fields(b, butFor(v.Problem, b, asked))
	status := http.StatusOK
	if v.Problem != nil {
		status = http.StatusUnprocessableEntity
	}
	return p.show(w, r, status, "plan", view{Title: "Would it pay here?", Page: "plan"}, v)
}

// butFor is what the form is filled in with: the question, or where that has a
// mistake all of it but the mistake, so that one wrong figure does not empty it.
func butFor(problem *brief.Error, b brief.Brief, asked *brief.Asked) *brief.Asked {
	if asked != nil || problem == nil || problem.Key == "" {
		return asked
	}
	mistake := b.Get(problem.Key)
	if b.Set(problem.Key, "") != nil {
		return nil
	}
	rest, err := b.Ask(nil)
	if err != nil {
		return nil
	}
	for i := range rest.Givens {
		if g := &rest.Givens[i]; g.Key == problem.Key {
			g.Value = mistake
		}
	}
	return rest
}

// planProblem is a link that is not one of the planner's.
func planProblem(err error) error {
	return &httpapi.Problem{Status: http.StatusBadRequest, Code: "invalid", Message: "This link does not say a plan: " + err.Error() + ".", Hint: "Start from /plan."}
}

// said is what a form says other than the defaults that it showed.
func said(form url.Values) url.Values {
	was, err := url.ParseQuery(form.Get("was"))
	if err != nil {
		was = nil
	}
	out := url.Values{}
	for key, values := range form {
		if key == "was" || len(values) != 1 || values[0] == "" || was.Has(key) && was.Get(key) == values[0] {
			continue
		}
		out.Set(key, values[0])
	}
	return out
}

// likelyPlace is where the home probably is: as its configuration says, or
// where its clock does.
func (p *pages) likelyPlace() string {
	if place, err := climate.PlaceByName(p.home.State().Place); err == nil {
		return place.Name
	}
	return climate.PlaceForTimeZone(p.loc.String()).Name
}

// commandLine is the question for a terminal.
func commandLine(b brief.Brief) string {
	var line strings.Builder
	line.WriteString("hearth plan home")
	for _, k := range brief.Keys() {
		if s := b.Get(k.Name); s != "" {
			fmt.Fprintf(&line, " --%s %s", k.Name, quoted(s))
		}
	}
	return line.String()
}

// quoted writes a word for a shell.
func quoted(s string) string {
	if strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:%") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// fields fills in the form.
func (v *planView) fields(b brief.Brief, asked *brief.Asked) {
	givens := map[string]brief.Given{}
	if asked != nil {
		for _, g := range asked.Givens {
			givens[g.Key] = g
		}
	}
	was := url.Values{}
	field := func(key, name string) planField {
		f := planField{Key: key, Name: name, Value: b.Get(key), Said: b.Get(key) != ""}
		for _, k := range brief.Keys() {
			if k.Name == key {
				f.Help, f.Example = k.Help, k.Example
			}
		}
		if g, ok := givens[key]; ok {
			f.Figure, f.Why = g.Value, g.Why
		}
		return f
	}
	choices := []planField{
		{Key: "place", Name: "Place", Options: placeOptions()},
		{Key: "building", Name: "Building", Options: buildingOptions()},
		{Key: "heater", Name: "Heats today with", Options: heaterOptions()},
		{Key: "device", Name: "Machine", Options: deviceOptions()},
	}
	for _, c := range choices {
		f := field(c.Key, c.Name)
		f.Options = c.Options
		if f.Value == "" {
			f.Value = f.Figure
			if c.Key == "place" && asked != nil {
				f.Value = asked.Place.Name
			}
			was.Set(c.Key, f.Value)
		}
		if !slices.ContainsFunc(f.Options, func(o planOption) bool { return o.Value == f.Value }) && f.Value != "" {
			f.Options = append([]planOption{{f.Value, f.Value}}, f.Options...)
		}
		v.Choices = append(v.Choices, f)
	}
	shown := map[string]bool{"place": true, "building": true, "heater": true, "device": true}
	for _, s := range planSliders() {
		f := field(s.Key, s.Name)
		if asked != nil && f.Figure != "" {
			f.Figure = single(asked, s.Key, f.Figure)
		}
		at, ok := figure(cmp.Or(f.Value, f.Figure))
		if most, known := v.limit.Get(); known && s.Key == "device-price" {
			at, ok = math.Round(float64(most)), true
			f.Figure, f.Why = "unknown", "nobody publishes it: the slider stands at what it may cost at most"
		}
		if !ok {
			continue // a tariff by time of use, or a fuel that has no price of its own
		}
		f.Least, f.Most, f.Step = s.Least, max(s.Most, at), s.Step
		f.Value = strconv.FormatFloat(at, 'f', -1, 64)
		if !f.Said {
			was.Set(s.Key, f.Value)
		}
		shown[s.Key] = true
		v.Sliders = append(v.Sliders, f)
	}
	for _, k := range brief.Keys() {
		if !shown[k.Name] && k.Name != "weather" {
			v.More = append(v.More, field(k.Name, capital(strings.ReplaceAll(k.Name, "-", " "))))
		}
	}
	v.Was = was.Encode()
}

// planSliders are the keys that a hand moves.
func planSliders() []planField {
	return []planField{
		{Key: "tariff", Name: "Price of power", Least: 0, Most: 0.6, Step: 0.005},
		{Key: "fuel-price", Name: "Price of the fuel", Least: 0, Most: 0.3, Step: 0.005},
		{Key: "setpoint", Name: "Room temperature", Least: 15, Most: 25, Step: 0.5},
		{Key: "device-count", Name: "Machines", Least: 1, Most: 10, Step: 1},
		{Key: "device-price", Name: "Price of one machine", Least: 0, Most: 5000, Step: 50},
		{Key: "bitcoin", Name: "Bitcoin in two years, your scenario", Least: 10_000, Most: 300_000, Step: 1000},
		{Key: "years", Name: "Years", Least: 1, Most: 20, Step: 1},
	}
}

// single is the one figure that a slider shows for a key that may say more: a
// habit that is one temperature all day, a scenario by its middle.
func single(asked *brief.Asked, key, text string) string {
	switch set := &asked.Question.Home.Setpoint; key {
	case "setpoint":
		for _, t := range set {
			if t != set[0] {
				return text
			}
		}
		return set[0].String()
	case "bitcoin":
		quotes := asked.Scenario[market.Middle].Bitcoin
		return fmt.Sprintf("%.0f USD", quotes[len(quotes)-1].Dollars)
	}
	return text
}

// figure reads the number that a value begins with; false for one that says
// more than a number with its unit.
func figure(s string) (float64, bool) {
	number, unit, _ := strings.Cut(s, " ")
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || strings.ContainsAny(unit, ";,") || strings.Contains(unit, " ") {
		return 0, false
	}
	return v, true
}

func placeOptions() []planOption {
	var o []planOption
	for _, p := range climate.Places() {
		o = append(o, planOption{p.Name, p.String()})
	}
	return o
}

func buildingOptions() []planOption {
	var o []planOption
	for _, a := range atlas.Archetypes() {
		o = append(o, planOption{a.String(), a.String()})
	}
	return append(o, planOption{"none", "no rooms, only other uses of heat"})
}

func heaterOptions() []planOption {
	var o []planOption
	for _, h := range atlas.Heaters() {
		o = append(o, planOption{string(h.Kind), h.Name})
	}
	return o
}

func deviceOptions() []planOption {
	var o []planOption
	for _, d := range atlas.Devices() {
		o = append(o, planOption{d.Name, fmt.Sprintf("%s, %v", d.Name, d.Draw)})
	}
	return o
}

// newPlanAnswer gathers what the page shows of an answer.
func newPlanAnswer(asked *brief.Asked, a *plan.Answer) *planAnswer {
	v := &planAnswer{
		Smart: a.Smart, Reuse: a.Reuse, Load: a.Load, Currency: a.Currency,
		Givens: asked.Givens, Years: asked.Question.Money.Years, Snapshot: asked.Scenario[market.Middle].From,
	}
	for i, o := range a.Options {
		v.Options = append(v.Options, planWay{Option: o, Machine: o.Kind == plan.WithMachine, Today: i == 0})
	}
	v.Decision, v.Better = report.Decision(a, v.Years), report.Better(a, v.Years)
	v.Costs, v.Months = drawn(report.CostsPicture(a, v.Years)), drawn(report.MonthsPicture(a))
	v.sources(asked)
	return v
}

// drawn is a picture for the page: package picture escapes what it writes.
func drawn(d *picture.Drawing) template.HTML { return template.HTML(d.Inline()) } //nolint:gosec // see above

// explain adds the explanation of a figure, if there is such a figure.
func (v *planAnswer) explain(a *plan.Answer, id string) {
	reason, ok := a.Why(id)
	if !ok {
		return
	}
	why := v.reason(reason)
	v.Why = &why
}

func (v *planAnswer) reason(r plan.Reason) planReason {
	out := planReason{Reason: r}
	for _, id := range r.Sources {
		if s, ok := v.source(id); ok {
			out.Sources = append(out.Sources, s)
		}
	}
	for _, from := range r.From {
		out.From = append(out.From, v.reason(from))
	}
	return out
}

// source finds a source and sees to it that the page lists it.
func (v *planAnswer) source(id atlas.SourceID) (atlas.Source, bool) {
	s, ok := atlas.SourceOf(id)
	if ok && !slices.ContainsFunc(v.Sources, func(t atlas.Source) bool { return t.ID == id }) {
		v.Sources = append(v.Sources, s)
	}
	return s, ok
}

// sources lists the sources of what was assumed.
func (v *planAnswer) sources(asked *brief.Asked) {
	for _, g := range asked.Givens {
		for _, id := range g.Sources {
			v.source(id)
		}
		for _, s := range market.Sources() {
			if slices.Contains(g.Market, s.ID) && !slices.Contains(v.Markets, s) {
				v.Markets = append(v.Markets, s)
			}
		}
	}
}

// planGrams writes a year's carbon, empty where it is unknown.
func planGrams(k units.Known[units.Grams]) string {
	v, ok := k.Get()
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.2f t", float64(v)/1e6)
}

// pictureStyle serves the style of pictures: a page may have no style of its
// own within.
func pictureStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	io.WriteString(w, picture.Style()) //nolint:errcheck // the client is gone
}
