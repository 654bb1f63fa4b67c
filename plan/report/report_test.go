package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"hearth/plan"
	"hearth/plan/brief"
	"hearth/plan/market"
	"hearth/units"
)

func reportOf(t *testing.T, b brief.Brief, studied bool) *Report {
	t.Helper()
	asked, err := b.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	site, err := plan.Prepare(asked.Question)
	if err != nil {
		t.Fatal(err)
	}
	r := &Report{Asked: asked, Answer: site.Answer(), Sizing: site.Size()}
	if !studied {
		return r
	}
	s := plan.Study{Question: asked.Question, Scenario: asked.Scenario, Chance: market.Usual(), Factors: plan.Factors(asked.Question, asked.Scenario)}
	if r.Tornado, err = s.Tornado(t.Context(), 2, nil); err != nil {
		t.Fatal(err)
	}
	if r.Draws, err = s.Draw(t.Context(), 1, 40, 2, nil); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestHTML: the page needs nothing else, has no script, holds what it must,
// and is the same each time.
func TestHTML(t *testing.T) {
	r := reportOf(t, brief.Brief{Place: "Denver", Heater: "propane", People: "4"}, true)
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if again, _ := r.HTML(); !bytes.Equal(page, again) {
		t.Error("the same plan gave another page")
	}
	text := string(page)
	for _, want := range []string{
		Decision(r.Answer, r.Years()), "Smart heat against dumb heat", "Heat used against heat wasted",
		"What a useful kWh of heat costs", "Heat through the year", "What each size is worth", "What hashing may earn",
		"What the answer hangs on", "How it may come out", "Why? Each figure", "Sources and licences",
		"Source: U.S. Energy Information Administration", "default: what households of Colorado pay", "as was said",
		"National Renewable Energy Laboratory", "Nothing here is measured",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, no := range []string{"<script", "<link", "src=", "@import", "url(", "NaN", "+Inf", "%!"} {
		if strings.Contains(text, no) {
			t.Errorf("the page holds %q", no)
		}
	}
	balanced(t, text)
}

// balanced checks that the page's elements are closed in order.
func balanced(t *testing.T, page string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(page, "<!doctype html>")))
	d.Strict = false
	d.AutoClose = []string{"meta", "br"}
	d.Entity = xml.HTMLEntity
	var open []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			open = append(open, e.Name.Local)
		case xml.EndElement:
			if last := open[len(open)-1]; last != e.Name.Local {
				t.Fatalf("<%s> is closed by </%s>", last, e.Name.Local)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) != 0 {
		t.Errorf("left open: %v", open)
	}
}

// TestUnknownPlan: where an answer is unknown every surface says so and why.
func TestUnknownPlan(t *testing.T) {
	r := reportOf(t, brief.Brief{Place: "Denver", Device: "Avalon Q"}, false)
	if d := Decision(r.Answer, 10); !strings.HasPrefix(d, "Whether it would pay here is unknown: the price of Avalon Q is not known") {
		t.Errorf("decision: %s", d)
	}
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(page), "unknown"); n < 5 {
		t.Errorf("the page says only %d times that something is unknown", n)
	}
	for _, row := range Costs(r.Answer).Rows {
		if row.Unknown != "" && len(row.Cells) != 1 {
			t.Errorf("%s is unknown but has figures: %v", row.ID, row.Cells)
		}
	}
	b, err := json.Marshal(NewDocument(r))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Smart struct {
			Unknown string
			Wins    *bool
		}
		Options []struct {
			ID, Unknown string
			Figures     *struct{}
		}
	}
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	if d.Smart.Unknown == "" || d.Smart.Wins != nil {
		t.Errorf("the document knows who wins: %s", b)
	}
	for _, o := range d.Options {
		if (o.Unknown == "") != (o.Figures != nil) {
			t.Errorf("%s: unknown %q, figures %v", o.ID, o.Unknown, o.Figures)
		}
	}
	if _, err := r.Picture("tornado"); err == nil || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("a tornado of an unknown answer: %v", err)
	}
}

func TestDecision(t *testing.T) {
	smart := func(low, mid, high float64) *plan.Answer {
		return &plan.Answer{
			Currency: "USD", Load: plan.Load{Heat: 20_000}, Options: []plan.Option{{Kind: plan.WithMachine}},
			Smart: plan.Comparison{Of: "a miner", Against: "a gas boiler", Wins: mid > 0, Value: plan.Band{Low: low, Mid: mid, High: high}},
		}
	}
	helped := smart(1100, 1200, 1300) // by its backup
	helped.Smart.Own = plan.Band{Low: -60, Mid: -50, High: 10}
	for _, c := range []struct {
		a    *plan.Answer
		want string
	}{
		{smart(100, 1200, 3000), "Yes, it would pay here, even if the market goes badly: heating with a miner gains 1,200 USD over 10 years against a gas boiler."},
		{smart(-100, 1200, 3000), "It would pay here if the market goes as in the middle outlook: heating with a miner gains 1,200 USD over 10 years against a gas boiler, but loses 100 USD if it goes badly."},
		{smart(-900, -400, 3000), "It would not pay here unless the market goes well: heating with a miner loses 400 USD over 10 years against a gas boiler, and gains 3,000 USD if it goes well."},
		{helped, "No, the machine would not pay here: heating with a miner gains 1,200 USD over 10 years against a gas boiler, but would gain 50 USD more without the machine."},
		{smart(-900, -400, -1), "No, it would not pay here: heating with a miner loses 400 USD over 10 years against a gas boiler, and loses even if the market goes well."},
	} {
		if got := Decision(c.a, 10); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

// TestColderIsNoGain: a way that leaves the home cold saves nothing.
func TestColderIsNoGain(t *testing.T) {
	r := reportOf(t, brief.Brief{Place: "Denver", Building: "poor house", Heater: "propane"}, false)
	for _, row := range Costs(r.Answer).Rows {
		if row.ID != string(plan.AloneOption) {
			continue
		}
		if !strings.Contains(row.Cells[0], "not warm enough") || row.Cells[6] != "–" {
			t.Errorf("a machine too small for the house: %v", row.Cells)
		}
		for _, o := range NewDocument(r).Options {
			if cold := o.Kind == string(plan.AloneOption); (o.Figures.Value == nil) != cold || cold && o.Payback != nil {
				t.Errorf("to programs %s is worth %v and paid back after %v", o.ID, o.Figures.Value, o.Payback)
			}
		}
		return
	}
	t.Error("the machine alone is not among the options")
}

// TestNoHeatHasNoPrice: where nothing wants heat a kWh of it has no
// price, and the decision says so.
func TestNoHeatHasNoPrice(t *testing.T) {
	r := reportOf(t, brief.Brief{Place: "Honolulu", Rival: "none"}, false)
	if d := Decision(r.Answer, r.Years()); !strings.Contains(d, "nothing wants heat") {
		t.Error(d)
	}
	for _, row := range Costs(r.Answer).Rows {
		if row.Unknown == "" && row.Cells[1] != "–" {
			t.Errorf("a kWh that nobody makes costs %s: %v", row.Cells[1], row.Cells)
		}
	}
	for _, o := range NewDocument(r).Options {
		if o.Figures != nil && o.Figures.Cost != nil {
			t.Errorf("to programs a kWh of %s costs %v", o.ID, *o.Figures.Cost)
		}
	}
	if s := r.Answer.Reuse.Sentence; !strings.Contains(s, "Nothing wants heat") {
		t.Error(s)
	}
}

// TestOneYearIsNotCalledTypicalUnseen: a mild year that stands for all is said
// to be one, and a typical one is not.
func TestOneYearIsNotCalledTypicalUnseen(t *testing.T) {
	for place, want := range map[string]bool{"Potsdam": true, "Oslo": true, "Denver": false} {
		r := reportOf(t, brief.Brief{Place: place, Tariff: "0.2", Currency: "USD", Heater: "resistive"}, false)
		if got := strings.Contains(r.Wanted(), "The weather is that of the one year 2019"); got != want {
			t.Errorf("%s: %s", place, r.Wanted())
		}
	}
}

func TestCSV(t *testing.T) {
	table := Table{Columns: []Column{{"Heat by", ""}, {"Cost", "USD"}}, Rows: []Row{
		{Cells: []string{"=SUM(A1)", "−1,204"}}, {Cells: []string{"gas, \"old\"", "3.5 to 4"}}, {Cells: []string{"oil"}, Unknown: "no price"},
	}}
	var b strings.Builder
	if err := table.CSV(&b); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.String())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{
		{"Heat by", "Cost, USD", "unknown because"}, {"=SUM(A1)", "-1204", ""}, {"gas, \"old\"", "3.5 to 4", ""}, {"oil", "", "no price"},
	}
	for i := range want {
		if strings.Join(rows[i], "|") != strings.Join(want[i], "|") {
			t.Errorf("row %d is %q, want %q", i, rows[i], want[i])
		}
	}
}

func TestFigures(t *testing.T) {
	for got, want := range map[string]string{
		Whole(1234567.4): "1,234,567", Whole(-0.4): "0", Whole(-1204): "−1,204", Decimal(-0.001, 2): "0.00", Decimal(-1.25, 1): "−1.2",
		Hundredths(0.0936): "9.36", HundredthsName("EUR"): "euro cents", HundredthsName("CHF"): "hundredths of CHF",
		Power(1700): "1.7 kW", Percent(0.456): "46\u00a0%", Upper("a gas boiler"): "A gas boiler", Upper("écu"): "Écu",
		Band(plan.Band{Low: 3, Mid: 2, High: 1}, Whole): "1 to 3", Band(plan.Band{Low: 2, Mid: 2, High: 2}, Whole): "2",
		Years(units.Known[float64]{}): "not in time",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
