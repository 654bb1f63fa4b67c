package brief

import (
	"errors"
	"io/fs"
	"math"
	"strings"
	"testing"

	"hearth/plan"
	"hearth/plan/atlas"
	"hearth/plan/market"
)

// given returns what an answer says of a key.
func (a *Asked) given(t *testing.T, key string) Given {
	t.Helper()
	for _, g := range a.Givens {
		if g.Key == key {
			return g
		}
	}
	t.Fatalf("nothing is said of %s", key)
	return Given{}
}

// TestDefaults: a town is enough, and what is not said is a default with a
// reason.
func TestDefaults(t *testing.T) {
	for _, place := range []string{"Denver", "Potsdam", "Oslo", "Seattle"} {
		a, err := Brief{Place: place}.Ask(nil)
		if err != nil {
			t.Fatalf("%s: %v", place, err)
		}
		if _, err := plan.Prepare(a.Question); err != nil {
			t.Errorf("%s: what was asked cannot be planned: %v", place, err)
		}
		for _, g := range a.Givens {
			if g.Default != (g.Key != "place") {
				t.Errorf("%s: %s is called a default: %v", place, g.Key, g.Default)
			}
			if g.Default && g.Why == "" || g.Value == "" {
				t.Errorf("%s: %+v has no reason or no value", place, g)
			}
		}
	}
}

func TestSameBriefSameQuestion(t *testing.T) {
	b := Brief{Place: "Denver", Heater: "propane", HeatDemand: "120", Tariff: "0.12; 0.2 mon-fri 16:00-20:00"}
	one, err := b.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	two, err := b.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	first, err := plan.Prepare(one.Question)
	if err != nil {
		t.Fatal(err)
	}
	second, err := plan.Prepare(two.Question)
	if err != nil {
		t.Fatal(err)
	}
	if x, y := first.Load(), second.Load(); x.Heat != y.Heat || x.Peak != y.Peak {
		t.Errorf("the same brief wants %v, then %v", x.Heat, y.Heat)
	}
	if x, y := first.Answer().Smart.Value, second.Answer().Smart.Value; x != y {
		t.Errorf("the same brief is worth %v, then %v", x, y)
	}
}

func TestOwnFigures(t *testing.T) {
	a, err := Brief{
		Place: "Denver", Building: "poor light flat", FloorArea: "1000 ft²", WallU: "0.5", AirChanges: "0.4 /h", AirRecovery: "80 %", Setpoint: "68 °F",
		People: "3", Pool: "20 m²", Heater: "propane", FuelPrice: "2.50 USD/gal", HeaterShare: "85 %", Backup: "resistive", Compare: "gas, heat pump",
		Device: "avalon q", DeviceCount: "2", DevicePrice: "$1500", Recovery: "90 %", Hottest: "60 °C", PoolFee: "1 %",
		Tariff: "12 ¢/kWh", Industrial: "55 USD/MWh", Bitcoin: "50000/60000/70000", Fees: "2 %", Years: "5", Rate: "3 %", Start: "2027-01",
	}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	q := a.Question
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6*math.Abs(want) {
			t.Errorf("%s is %g, want %g", what, got, want)
		}
	}
	near("floor", q.Home.Rooms.FloorArea, 92.90304)
	near("set-point", float64(q.Home.Setpoint[3]), 20)
	near("air changes", q.Home.Rooms.AirChanges, 0.4)
	near("uses", float64(len(q.Home.Uses)), 2)
	fuel, _ := q.Today.Price.Get()
	near("propane", float64(fuel), 2.50/(91_500*1055.05585262/3.6e6))
	near("efficiency", float64(q.Today.Efficiency), 0.85)
	near("others", float64(len(q.Others)), 2)
	near("machines", float64(q.Machine.Count), 2)
	price, _ := q.Machine.Price.Get()
	near("price", float64(price), 1500)
	near("power", float64(q.Power.Hourly[4000]), 0.12)
	industrial, _ := q.Power.Industrial.Get()
	near("industrial", float64(industrial), 0.055)
	near("months", float64(len(q.Market[market.Middle])), 120) // the horizon, and a life of five years
	if q.Backup.Kind != plan.Resistive || q.Machine.Name != "Avalon Q" || q.Machine.Hottest != 60 {
		t.Errorf("backup %s, machine %s, hottest %v", q.Backup.Kind, q.Machine.Name, q.Machine.Hottest)
	}
	if g := a.given(t, "bitcoin"); g.Value != "50000/60000/70000 USD" || g.Default {
		t.Errorf("%+v", g)
	}
}

// TestHeatDemand: a building is fitted until its rooms want what was said.
func TestHeatDemand(t *testing.T) {
	for _, want := range []string{"40", "120", "260 kWh/m²"} {
		a, err := Brief{Place: "Denver", HeatDemand: want, People: "3"}.Ask(nil)
		if err != nil {
			t.Fatal(err)
		}
		site, err := plan.Prepare(a.Question)
		if err != nil {
			t.Fatal(err)
		}
		target, _ := split(want)
		got := float64(site.Load().Rooms) / a.Question.Home.Rooms.FloorArea
		if v := a.given(t, "heat-demand"); math.Abs(got/parse(t, target)-1) > 0.002 || v.Default {
			t.Errorf("%s: the rooms want %g kWh/m²", want, got)
		}
	}
}

func parse(t *testing.T, s string) float64 {
	t.Helper()
	v, err := count("", 0, 1e9).read(s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestOtherCurrency: a plan in another currency has the region's prices at the
// rates of exchange that are known, and comes to the same.
func TestOtherCurrency(t *testing.T) {
	in := func(currency string) *plan.Answer {
		a, err := Brief{Place: "Seattle", Heater: "propane", Building: "poor house", Currency: currency}.Ask(nil)
		if err != nil {
			t.Fatal(err)
		}
		site, err := plan.Prepare(a.Question)
		if err != nil {
			t.Fatal(err)
		}
		if g := a.given(t, "tariff"); currency == "EUR" && !strings.Contains(g.Why, "converted from USD") {
			t.Errorf("%+v", g)
		}
		return site.Answer()
	}
	rate, ok := atlas.RateOf("EUR").Get()
	if !ok {
		t.Fatal("no rate of the euro is known")
	}
	dollars, euros := in("USD"), in("EUR")
	for i, o := range dollars.Options {
		got, want := euros.Options[i].Value.Mid, o.Value.Mid*rate
		if math.Abs(got-want) > 1e-6*math.Abs(want)+1e-6 {
			t.Errorf("%s is worth %g EUR, want %g", o.Name, got, want)
		}
	}
}

// TestHeldHashPrice: one hash price for ever, as in other calculators.
func TestHeldHashPrice(t *testing.T) {
	a, err := Brief{Place: "Denver", HashPrice: "39.53"}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range a.Question.Market {
		for _, m := range c {
			if m.HashPrice != 39.53 || math.Abs(m.HashValue*m.Bitcoin/1e8-39.53) > 1e-9 {
				t.Fatalf("%v: %g, %g sats at %g", m.Start, float64(m.HashPrice), m.HashValue, m.Bitcoin)
			}
		}
	}
}

func TestAskRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		brief     Brief
		key, want string
	}{
		"nowhere":                   {Brief{}, "place", "say where"},
		"no such place":             {Brief{Place: "Atlantis"}, "place", "Atlantis"},
		"a region for a town":       {Brief{Place: "Vermont"}, "place", "say \"region: US-VT\""},
		"no such region":            {Brief{Place: "Denver", Region: "XX"}, "region", "XX"},
		"no such building":          {Brief{Place: "Denver", Building: "castle"}, "building", "castle"},
		"a tiny floor":              {Brief{Place: "Denver", FloorArea: "1"}, "floor-area", "cannot be"},
		"walls of paper":            {Brief{Place: "Denver", WallU: "80"}, "wall-u", "cannot be"},
		"a share without its sign":  {Brief{Place: "Denver", AirRecovery: "0.8"}, "air-recovery", "has no unit"},
		"an impossible demand":      {Brief{Place: "Honolulu", HeatDemand: "500"}, "heat-demand", "cannot be in Honolulu"},
		"hot rooms":                 {Brief{Place: "Denver", Setpoint: "90 °C"}, "setpoint", "cannot be"},
		"rooms that there are not":  {Brief{Place: "Denver", Building: "none", People: "3", FloorArea: "100"}, "floor-area", "no rooms"},
		"nothing wants heat":        {Brief{Place: "Denver", Building: "none"}, "building", "nothing wants heat"},
		"no such heater":            {Brief{Place: "Denver", Heater: "nuclear"}, "heater", "none of"},
		"a negative fuel price":     {Brief{Place: "Denver", Heater: "gas", FuelPrice: "-0.02"}, "fuel-price", "below zero"},
		"a fuel in another's unit":  {Brief{Place: "Denver", Heater: "propane", FuelPrice: "1.5 USD/therm"}, "fuel-price", "not a unit"},
		"a price for a gallon":      {Brief{Place: "Denver", Heater: "propane", FuelPrice: "3.5"}, "fuel-price", "say its unit, such as USD/"},
		"cents for dollars":         {Brief{Place: "Denver", Tariff: "11"}, "tariff", "say its unit, such as ct/kWh"},
		"a fuel that is none":       {Brief{Place: "Denver", Heater: "resistive", FuelPrice: "0.1"}, "fuel-price", `as "tariff"`},
		"no such device":            {Brief{Place: "Denver", Device: "Antminer"}, "device", "did you mean"},
		"an own device, no power":   {Brief{Place: "Denver", Device: "own"}, "device-power", "say what"},
		"an own device, no rate":    {Brief{Place: "Denver", Device: "own", DevicePower: "1 kW"}, "device-efficiency", "say how well"},
		"less than it can":          {Brief{Place: "Denver", DeviceLeast: "5 kW"}, "device-least", "cannot be"},
		"half a device price":       {Brief{Place: "Denver", DevicePrice: "1.500,00"}, "device-price", "with a point"},
		"processors for rent":       {Brief{Place: "Denver", Device: "Workstation with 16 cores"}, "inference", "not published"},
		"a miner that answers":      {Brief{Place: "Denver", InferenceValue: "0.1"}, "inference", "hashes"},
		"a negative tariff":         {Brief{Place: "Denver", Tariff: "-1"}, "tariff", "below zero"},
		"a tariff of another place": {Brief{Place: "Denver", Tariff: "0.3 EUR/kWh"}, "tariff", "the plan is in USD"},
		"gaps without a file":       {Brief{Place: "Denver", Tariff: "0.2", TariffGaps: "fill"}, "tariff-gaps", "from a file"},
		"a file in a link":          {Brief{Place: "Denver", Tariff: "file:prices.csv"}, "tariff", "files are not read here"},
		"weather in a link":         {Brief{Weather: "/etc/passwd"}, "weather", "files are not read here"},
		"a strange currency":        {Brief{Place: "Denver", Currency: "money"}, "currency", "no currency"},
		"a rate that is not known":  {Brief{Place: "Denver", Currency: "XAU", Tariff: "0.1"}, "per-dollar", "say how many"},
		"fees of all":               {Brief{Place: "Denver", Fees: "95 %"}, "fees", "cannot be"},
		"two of three":              {Brief{Place: "Denver", Bitcoin: "40000/80000"}, "bitcoin", "pessimistic/middle/optimistic"},
		"four of three":             {Brief{Place: "Denver", Bitcoin: "1/2/3/4"}, "bitcoin", "pessimistic/middle/optimistic"},
		"hope for fear":             {Brief{Place: "Denver", Bitcoin: "90000/60000/30000"}, "bitcoin", "the wrong way round"},
		"progress that helps":       {Brief{Place: "Denver", Progress: "12/15/20 %"}, "progress", "the wrong way round"},
		"a start in the past":       {Brief{Place: "Denver", Start: "2020-01"}, "start", "before the snapshot"},
		"a start that is none":      {Brief{Place: "Denver", Start: "soon"}, "start", "no month"},
		"half a year":               {Brief{Place: "Denver", Years: "0.5"}, "years", "cannot be"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.brief.Ask(nil)
			var e *Error
			if !errors.As(err, &e) {
				t.Fatalf("got %v, want an Error", err)
			}
			if e.Key != c.key || !strings.Contains(e.Error(), c.want) {
				t.Errorf("got %s: %s; want %s with %q", e.Key, e.Text, c.key, c.want)
			}
		})
	}
}

// TestErrorNamesItsLine: a mistake in a value is shown with its line.
func TestErrorNamesItsLine(t *testing.T) {
	b, err := Parse([]byte("place: Denver\n\nheater: gas\nfuel-price: -0.02\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.Ask(nil)
	if err == nil || err.Error() != "line 4: fuel-price: -0.02 is below zero, which cannot be\n     4 | fuel-price: -0.02" {
		t.Errorf("got %v", err)
	}
	// A flag in its place has no line.
	_, err = b.Over(Brief{FuelPrice: "-0.03"}).Ask(nil)
	if err == nil || err.Error() != "fuel-price: -0.03 is below zero, which cannot be" {
		t.Errorf("got %v", err)
	}
}

func TestWeatherFiles(t *testing.T) {
	files := func(src string) Files {
		return func(name string) ([]byte, error) {
			if name != "town.epw" {
				return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
			}
			return []byte(src), nil
		}
	}
	for name, c := range map[string]struct{ weather, src, want string }{
		"no such file": {"absent.epw", "", "weather: read absent.epw: file does not exist"},
		"no EPW":       {"town.epw", "hello", "town.epw"},
		"a package":    {"town.epw", "PK\x03\x04...", "unpack it"},
		"cut short":    {"town.epw", "LOCATION,Town,,,,,40,-105,-7,1600\n" + strings.Repeat("x\n", 6) + "DATA PERIODS,1,1\n", "ends before 1 January"},
	} {
		_, err := Brief{Weather: c.weather, Tariff: "0.1"}.Ask(files(c.src))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func FuzzAsk(f *testing.F) {
	f.Add("heat-demand", "120 kWh/m²")
	f.Add("tariff", "0.12; 0.2 mon-fri 16:00-20:00")
	f.Add("bitcoin", "1/2/3 USD")
	f.Add("setpoint", "68 °F")
	f.Add("device-price", "£900")
	f.Add("years", "1e1")
	f.Fuzz(func(t *testing.T, key, value string) {
		b := Brief{Place: "Denver", Heater: "propane"}
		if b.Set(key, value) != nil || len(value) > mostText {
			return
		}
		a, err := b.Ask(nil)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error that says nothing")
			}
			return
		}
		if _, err := plan.Prepare(a.Question); err != nil {
			t.Errorf("%s: %q was understood but cannot be planned: %v", key, value, err)
		}
	})
}
