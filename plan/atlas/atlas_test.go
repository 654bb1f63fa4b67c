package atlas_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"hearth/heat/climate"
	"hearth/plan/atlas"
)

// figure is a fact with where it stands and what it may be.
type figure struct {
	where       string
	fact        atlas.Fact
	least, most float64
}

// figures lists every fact of the atlas.
func figures() []figure {
	var list []figure
	add := func(f atlas.Fact, least, most float64, where string, args ...any) {
		list = append(list, figure{fmt.Sprintf(where, args...), f, least, most})
	}
	for _, r := range atlas.Regions() {
		for _, c := range atlas.Carriers() {
			// In a currency of which a unit is about a dollar, for a kWh.
			add(r.Prices.Of(c), 0.01, 0.60, "price of %s in %v", c, r)
			add(r.Homes.Of(c), 0, 15e6, "homes with %s in %v", c, r)
		}
		add(r.Homes.Other, 0, 1e6, "homes with other heat in %v", r)
		add(r.Homes.None, 0, 2e6, "homes without heat in %v", r)
		add(r.Industrial, 0.03, 0.40, "industrial price in %v", r)
		add(r.Carbon, 10, 1200, "carbon of %v", r)
	}
	for _, d := range atlas.Devices() {
		add(d.Price, 100, 20_000, "price of %s", d.Name)
		add(d.Noise, 20, 90, "noise of %s", d.Name)
	}
	for _, h := range atlas.Heaters() {
		add(h.Efficiency, 0.5, 1, "efficiency of %s", h.Name)
		add(h.Price, 30, 5000, "price of %s", h.Name)
		add(h.Life, 5, 40, "life of %s", h.Name)
		add(h.Upkeep, 0, 500, "upkeep of %s", h.Name)
	}
	for _, c := range atlas.Carriers() {
		add(atlas.FuelCarbon(c), 1, 400, "carbon of %s", c)
	}
	return list
}

func TestEveryFactHasAYearASourceAndAPlausibleValue(t *testing.T) {
	known := 0
	for _, f := range figures() {
		x, ok := f.fact.Get()
		if !ok {
			if f.fact.Value != 0 || f.fact.Year != 0 {
				t.Errorf("%s is unknown and yet has a value: %+v", f.where, f.fact)
			}
			if why := f.fact.Known().Why(); why == "" {
				t.Errorf("%s is unknown and does not say why", f.where)
			}
			continue
		}
		known++
		if !(x >= f.least && x <= f.most) {
			t.Errorf("%s is %g, and should be from %g to %g", f.where, x, f.least, f.most)
		}
		if f.fact.Year < 2018 || f.fact.Year > 2026 {
			t.Errorf("%s is of the year %d", f.where, f.fact.Year)
		}
		if _, ok := atlas.SourceOf(f.fact.Source); !ok {
			t.Errorf("%s names the source %q, which there is not", f.where, f.fact.Source)
		}
		if v, ok := f.fact.Known().Get(); !ok || v != x || f.fact.Known().At().Year() != f.fact.Year {
			t.Errorf("%s is %v as a quantity", f.where, f.fact.Known())
		}
	}
	if known < 500 {
		t.Errorf("only %d facts are known", known)
	}
}

func TestSourcesAreComplete(t *testing.T) {
	used := map[atlas.SourceID]bool{}
	for _, f := range figures() {
		used[f.fact.Source] = true
	}
	for _, d := range atlas.Devices() {
		used[d.Source] = true
	}
	for _, h := range atlas.HeatContents() {
		used[h.Source] = true
	}
	for _, r := range atlas.Rates() {
		used[r.Source] = true
	}
	used[atlas.Since2023().Source] = true
	free := []string{"public domain", "CC BY 4.0", "OGL v3", "Apache-2.0", "facts"}
	seen := map[atlas.SourceID]bool{}
	for _, s := range atlas.Sources() {
		switch {
		case seen[s.ID]:
			t.Errorf("the source %s is there twice", s.ID)
		case !used[s.ID]:
			t.Errorf("nothing comes from the source %s", s.ID)
		case s.Title == "" || s.Publisher == "" || s.Attribution == "" || s.Year < 2018 || s.Year > 2026:
			t.Errorf("the source %s says too little: %+v", s.ID, s)
		case !slices.ContainsFunc(free, func(l string) bool { return strings.HasPrefix(s.Licence, l) }):
			t.Errorf("the source %s has the licence %q, which is not known to be open", s.ID, s.Licence)
		case strings.HasPrefix(s.Licence, "CC BY") && !strings.Contains(s.Attribution, "CC BY"):
			t.Errorf("the attribution of %s leaves out its licence: %q", s.ID, s.Attribution)
		}
		seen[s.ID] = true
	}
}

func TestRegions(t *testing.T) {
	codes, us := map[string]bool{}, 0
	for _, r := range atlas.Regions() {
		if codes[r.Code] {
			t.Errorf("%v is there twice", r)
		}
		codes[r.Code] = true
		if r.Country == "US" {
			us++
		}
		if len(r.Currency) != 3 || r.Name == "" || len(r.Country) != 2 || !strings.HasPrefix(r.Code, r.Country) {
			t.Errorf("%+v is no region", r)
		}
		if r.Climate != "" {
			if p, err := climate.PlaceByName(r.Climate); err != nil || p.Name != r.Climate {
				t.Errorf("%v has the climate %q: %v", r, r.Climate, err)
			}
		}
		for _, name := range []string{r.Code, strings.ToLower(r.Code)} {
			if got, err := atlas.RegionByName(name); err != nil || got.Code != r.Code {
				t.Errorf("%q is %v (%v)", name, got, err)
			}
		}
	}
	if us != 51 {
		t.Errorf("%d American regions, want the 50 states and the District of Columbia", us)
	}
	if _, err := atlas.RegionByName("Atlantis"); err == nil || !strings.Contains(err.Error(), "US-ME") {
		t.Errorf("Atlantis: %v", err)
	}
	if r, err := atlas.RegionByName("georgia"); err != nil || r.Code != "GE" {
		t.Errorf("Georgia is %v (%v), want the country", r, err)
	}
}

// Golden rows, as their publishers print them.
func TestPricesAreThoseOfTheirSources(t *testing.T) {
	for _, c := range []struct {
		region                              string
		electricity, gas, oil, propane, ind float64
	}{
		{"US-ME", 0.2742, 0.0626, 0.0924, 0.1144, 0.1230},
		{"US-WA", 0.1098, 0.0486, 0.1016, 0.0915, 0.0635},
		{"US-HI", 0.4240, 0.1974, 0.0992, 0.1735, 0.3528},
		{"DE", 0.3951, 0.1238, 0, 0, 0.2359},
		{"SE", 0.2434, 0.1893, 0, 0, 0.0853},
	} {
		r, err := atlas.RegionByName(c.region)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range []atlas.Fact{r.Prices.Electricity, r.Prices.Gas, r.Prices.Oil, r.Prices.Propane, r.Industrial} {
			if want := []float64{c.electricity, c.gas, c.oil, c.propane, c.ind}[i]; got.Value != want {
				t.Errorf("%v, figure %d: %+v, want %g", r, i, got, want)
			}
		}
	}
	dc, _ := atlas.RegionByName("US-DC")
	if _, ok := dc.Prices.Wood.Get(); ok {
		t.Error("wood in the District of Columbia has no price in SEDS, and is not free")
	}
}

// What mining heat costs less than, in how many American regions: the counts
// of the reference follow from the prices alone.
func TestPricesGiveTheKnownCounts(t *testing.T) {
	count := func(hashPrice, joules float64, other func(r atlas.Region) float64) (n int) {
		for _, r := range atlas.Regions() {
			if r.Country == "US" && r.Prices.Electricity.Value-hashPrice/(24*joules) <= other(r) {
				n++
			}
		}
		return n
	}
	gas := func(r atlas.Region) float64 { return r.Prices.Gas.Value / 0.92 }
	oil := func(r atlas.Region) float64 { return r.Prices.Oil.Value / 0.85 }
	propane := func(r atlas.Region) float64 { return r.Prices.Propane.Value / 0.90 }
	for _, c := range []struct {
		hashPrice, joules float64
		gas, oil, propane int
	}{{28.7, 15, 19, 40, 39}, {28.7, 18.9, 4, 39, 36}, {39.5, 29.5, 0, 37, 35}, {80, 18.9, 43, 48, 50}} {
		if g, o, p := count(c.hashPrice, c.joules, gas), count(c.hashPrice, c.joules, oil), count(c.hashPrice, c.joules, propane); g != c.gas || o != c.oil || p != c.propane {
			t.Errorf("at %g $/PH/day and %g J/TH: gas %d, oil %d, propane %d; want %d, %d, %d", c.hashPrice, c.joules, g, o, p, c.gas, c.oil, c.propane)
		}
	}
}

func TestDevices(t *testing.T) {
	seen := map[string]bool{}
	want := map[string]float64{
		"Antminer S9": 103.7, "Antminer S19j Pro": 29.5, "Antminer S19k Pro": 23, "Antminer S19 XP": 21.5, "Antminer S21": 17.5,
		"Antminer S21+": 16.5, "Antminer S21+ Hydro": 15, "Antminer S21 XP": 13.5, "Avalon Q": 18.9, "Avalon Mini 3": 21.25,
		"Heatbit Trio": 40, "Heatbit Maxi": 38.5,
	}
	for _, d := range atlas.Devices() {
		if seen[d.Name] {
			t.Errorf("%s is there twice", d.Name)
		}
		seen[d.Name] = true
		if d.Idle >= d.Least || d.Least > d.Draw || d.Plain >= d.Draw || d.Recovery <= 0 || d.Recovery > 1 || d.Life <= 0 {
			t.Errorf("%s cannot be: %+v", d.Name, d)
		}
		if (d.Kind == atlas.Hashing) != (d.Terahashes > 0) || d.Kind != atlas.Hashing && d.Kind != atlas.Inference {
			t.Errorf("%s: %q with %g TH/s", d.Name, d.Kind, d.Terahashes)
		}
		if e, ok := want[d.Name]; ok && math.Abs(d.Efficiency()/e-1) > 0.01 {
			t.Errorf("%s takes %.2f J/TH, want %g", d.Name, d.Efficiency(), e)
		}
		delete(want, d.Name)
	}
	if len(seen) != 20 || len(want) > 0 {
		t.Errorf("%d devices, want 20; missing %v", len(seen), want)
	}
}

func TestHeaters(t *testing.T) {
	kinds := map[atlas.HeaterKind]bool{}
	for _, h := range atlas.Heaters() {
		kinds[h.Kind] = true
		if got, ok := atlas.HeaterOf(h.Kind); !ok || got != h {
			t.Errorf("there are two heaters of the kind %s", h.Kind)
		}
		if h.Least.Value > h.Price.Value || h.Price.Value > h.Most.Value {
			t.Errorf("the price of %s is %g, outside %g to %g", h.Name, h.Price.Value, h.Least.Value, h.Most.Value)
		}
	}
	if len(kinds) != 6 {
		t.Errorf("%d kinds of heaters, want 6", len(kinds))
	}
	for k, want := range map[atlas.HeaterKind]atlas.Carrier{
		atlas.Resistive: atlas.Electricity, atlas.HeatPump: atlas.Electricity, atlas.GasHeater: atlas.Gas,
		atlas.PropaneHeater: atlas.Propane, atlas.OilHeater: atlas.Oil, atlas.WoodHeater: atlas.Wood,
	} {
		if got := k.Carrier(); got != want {
			t.Errorf("a %s heater runs on %s, want %s", k, got, want)
		}
	}
}

func TestFuels(t *testing.T) {
	for c, want := range map[atlas.Carrier]float64{atlas.Gas: 181.2, atlas.Oil: 253.2, atlas.Propane: 215.3, atlas.Wood: 3.94} {
		if got := atlas.FuelCarbon(c).Value; math.Abs(got/want-1) > 0.002 {
			t.Errorf("%s emits %.2f g/kWh, want %g", c, got, want)
		}
	}
	for _, h := range atlas.HeatContents() {
		if want := map[string]float64{"gas therm": 29.307, "gas GJ": 277.78, "propane US gallon": 26.82, "propane litre": 7.084, "oil US gallon": 40.59, "oil litre": 10.72}[string(h.Carrier)+" "+h.Unit]; math.Abs(h.KWh/want-1) > 0.001 {
			t.Errorf("a %s of %s holds %.3f kWh, want %g", h.Unit, h.Carrier, h.KWh, want)
		}
	}
}

func TestHomesAddUp(t *testing.T) {
	var all, electric, propane, oil float64
	for _, r := range atlas.Regions() {
		if r.Country != "US" {
			if _, ok := r.Homes.Electricity.Get(); ok {
				t.Errorf("%v has homes: add it to this test", r)
			}
			continue
		}
		h := r.Homes
		for _, f := range []atlas.Fact{h.Electricity, h.Gas, h.Oil, h.Propane, h.Wood, h.Other, h.None} {
			if _, ok := f.Get(); !ok {
				t.Errorf("%v lacks a count of homes", r)
			}
			all += f.Value
		}
		electric, propane, oil = electric+h.Electricity.Value, propane+h.Propane.Value, oil+h.Oil.Value
	}
	// The survey's number of households in 2018, and about the shares that the
	// Energy Information Administration gives for those years.
	if all != 121_520_180 {
		t.Errorf("%.0f occupied homes, want 121,520,180", all)
	}
	for name, c := range map[string][2]float64{"electric": {electric, 0.39}, "propane": {propane, 0.05}, "oil": {oil, 0.045}} {
		if got := c[0] / all; math.Abs(got-c[1]) > 0.01 {
			t.Errorf("%.4f of homes are %s, want %g", got, name, c[1])
		}
	}
	maine, _ := atlas.RegionByName("Maine")
	if maine.Homes.Oil.Value != 355904 || maine.Homes.Propane.Value != 61194 {
		t.Errorf("Maine: %+v", maine.Homes)
	}
}

func TestRates(t *testing.T) {
	for _, r := range atlas.Rates() {
		if got := atlas.RateOf(r.Currency); got != r.Fact {
			t.Errorf("%s is there twice", r.Currency)
		}
	}
	for currency, bounds := range map[string][2]float64{"USD": {1, 1}, "EUR": {0.8, 1}, "GBP": {0.65, 0.85}, "CAD": {1.3, 1.5}, "JPY": {120, 180}, "SEK": {8, 11}} {
		if f := atlas.RateOf(currency); f.Value < bounds[0] || f.Value > bounds[1] {
			t.Errorf("a dollar is %g %s", f.Value, currency)
		}
	}
	for _, r := range atlas.Regions() {
		if _, ok := atlas.RateOf(r.Currency).Get(); !ok {
			t.Errorf("the currency of %v, %s, has no rate", r, r.Currency)
		}
	}
	if f := atlas.RateOf("XYZ"); f.Source != "" || !strings.Contains(f.Known().Why(), "give one") {
		t.Errorf("a currency that is none: %+v", f)
	}
}

// Golden counts: what is known of how many regions, so that a line lost from a
// table is seen.
func TestWhatIsKnown(t *testing.T) {
	got := map[string]int{}
	count := func(name string, f atlas.Fact) {
		if _, ok := f.Get(); ok {
			got[name]++
		}
	}
	for _, r := range atlas.Regions() {
		got["regions"]++
		if r.Climate != "" {
			got["climates"]++
		}
		for _, c := range atlas.Carriers() {
			count(string(c), r.Prices.Of(c))
		}
		count("industry", r.Industrial)
		count("carbon", r.Carbon)
		count("homes", r.Homes.Electricity)
	}
	want := map[string]int{
		"regions": 102, "climates": 97, "electricity": 101, "gas": 83, "oil": 51, "propane": 51, "wood": 50,
		"industry": 87, "carbon": 92, "homes": 51,
	}
	for name, n := range want {
		if got[name] != n {
			t.Errorf("%s: %d, want %d", name, got[name], n)
		}
	}
}

// A place of heat/climate is in a region with prices, but for Guam.
func TestRegionOf(t *testing.T) {
	for _, p := range climate.Places() {
		r, ok := atlas.RegionOf(p.Region)
		if ok == (p.Region == "Guam") {
			t.Errorf("%v lies in %v (%v)", p, r, ok)
		}
		if ok && !strings.HasPrefix(p.Region, r.Name) {
			t.Errorf("%v lies in %v", p, r)
		}
	}
	if r, ok := atlas.RegionOf("Georgia, USA"); !ok || r.Code != "US-GA" {
		t.Errorf("Atlanta lies in %v", r)
	}
}
