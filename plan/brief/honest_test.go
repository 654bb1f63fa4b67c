package brief

import (
	"math"
	"strings"
	"testing"

	"hearth/plan"
	"hearth/plan/market"
)

// TestHeldHashPriceEarnsTheSame: a hash price that is held for ever is held for
// every machine that follows another one, too, and in every case alike.
func TestHeldHashPriceEarnsTheSame(t *testing.T) {
	b := Brief{Place: "Duluth", Heater: "propane", FuelPrice: "0.12", Tariff: "0.12", HashPrice: "40", Years: "12", Rival: "none"}
	a, err := b.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	site, err := plan.Prepare(a.Question)
	if err != nil {
		t.Fatal(err)
	}
	answer := site.Answer()
	today, with := answer.Options[0], answer.Options[len(answer.Options)-3]
	if with.Kind != plan.WithMachine {
		t.Fatalf("the third from the end is %s", with.Kind)
	}
	// Three machines of four years, each saving what the first does.
	saved := today.Running.Mid - with.Running.Mid
	var want float64
	for y := range 12 {
		want += saved * math.Pow(1.04, -float64(y+1))
	}
	for _, bought := range []float64{0, 4, 8} {
		want -= float64(with.Capex) * math.Pow(1.04, -bought)
	}
	for name, got := range map[string]float64{"pessimistic": with.Value.Low, "middle": with.Value.Mid, "optimistic": with.Value.High} {
		if math.Abs(got-want) > 1e-3*want {
			t.Errorf("under the %s case the value is %.0f, want %.0f", name, got, want)
		}
	}
}

// TestOutlookOutlivesTheHorizon: a machine in the middle of its life at the end
// of the horizon can still earn, and is not given away.
func TestOutlookOutlivesTheHorizon(t *testing.T) {
	for _, c := range []struct {
		years, life, start string
		months             int
	}{
		{"10", "", "", 14 * 12}, // of the usual machine's four years
		{"3", "8", "", 11 * 12},
		{"3", "2.5", "", 6 * 12},
		{"40", "40", "", 59 * 12}, // as far as outlooks go
		{"10", "", "2076-01", 10 * 12},
	} {
		a, err := Brief{Place: "Denver", Years: c.years, DeviceLife: c.life, Start: c.start}.Ask(nil)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if n := len(a.Question.Market[market.Middle]); n != c.months {
			t.Errorf("%+v: the outlook has %d months, want %d", c, n, c.months)
		}
	}
	w, _, err := Brief{Years: "10"}.World()
	if err != nil {
		t.Fatal(err)
	}
	if n := len(w.Market[market.Middle]); n != 16*12 {
		t.Errorf("the outlook of the map has %d months, want those of 10 years and a life of 6", n)
	}
}

// TestBackupOfUnknownPrice: a backup that nobody knows the price of is not had
// for nothing without a word.
func TestBackupOfUnknownPrice(t *testing.T) {
	a, err := Brief{Place: "Duluth", Heater: "resistive", Backup: "gas"}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	if h := a.Question.Backup; !h.Owned || !strings.Contains(h.Name, "if it is there") {
		t.Errorf("the backup %q, owned %v, does not say that it costs nothing only where it is there", h.Name, h.Owned)
	}
	if a, err = (Brief{Place: "Duluth", Heater: "gas", Backup: "heat_pump"}).Ask(nil); err != nil {
		t.Fatal(err)
	}
	if h := a.Question.Backup; h.Owned || h.CapexPerKW <= 0 {
		t.Errorf("a heat pump as backup is to be bought, but costs %v", h.CapexPerKW)
	}
}

// TestUsualHeaterIsNotTheEasiestToBeat: where homes are not counted but gas has
// a price, gas it is.
func TestUsualHeaterIsNotTheEasiestToBeat(t *testing.T) {
	for region, want := range map[string]plan.HeaterKind{"GB": plan.Gas, "SE": plan.Gas, "NO": plan.Resistive, "CA-QC": plan.Resistive, "US-NY": plan.Gas} {
		a, err := Brief{Region: region}.Ask(nil)
		if err != nil {
			t.Errorf("%s: %v", region, err)
			continue
		}
		if got := a.Question.Today.Kind; got != want {
			t.Errorf("%s heats with %s, want %s", region, got, want)
		}
	}
	a, err := Brief{Place: "Houston"}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	if g := a.given(t, "heater"); !strings.Contains(g.Why, "heat pump") {
		t.Errorf("Texas heats with electricity, heat pumps among it, but all that is said is %q", g.Why)
	}
}

// TestWarehouseIsWherePowerIsCheap: a machine whose heat is wasted is not held
// in a state whose industry pays three times what hosts ask.
func TestWarehouseIsWherePowerIsCheap(t *testing.T) {
	for region, want := range map[string]float64{"US-MA": 0.06, "US-LA": 0.0, "NO": 0.06 * 0.89274} {
		a, err := Brief{Region: region}.Ask(nil)
		if err != nil {
			t.Errorf("%s: %v", region, err)
			continue
		}
		got, _ := a.Question.Power.Industrial.Get()
		if f, ok := a.Region.Industrial.Get(); ok && want == 0 {
			want = f
		}
		if math.Abs(float64(got)-want) > 1e-9 || got > 0.0601 {
			t.Errorf("%s: a warehouse pays %.4f, want %.4f", region, float64(got), want)
		}
	}
}

// TestCountsAreWhole: two and a half machines are not quietly made two.
func TestCountsAreWhole(t *testing.T) {
	for _, b := range []Brief{{Place: "Denver", DeviceCount: "2.5"}, {Place: "Denver", Years: "2.5"}} {
		if _, err := b.Ask(nil); err == nil || !strings.Contains(err.Error(), "whole number") {
			t.Errorf("%v: %v", b.Values(), err)
		}
	}
}

// TestParseWhatEditorsWrite: a mark at the beginning is no part of the first
// key, and an error quotes no more of a line than a person reads.
func TestParseWhatEditorsWrite(t *testing.T) {
	b, err := Parse([]byte("\ufeffplace: Denver\r\n"))
	if err != nil || b.Place != "Denver" {
		t.Errorf("%+v, %v", b.Values(), err)
	}
	_, err = Parse([]byte("plaice: " + strings.Repeat("x", 60_000)))
	if err == nil || len(err.Error()) > 500 {
		t.Errorf("an error of %d letters: %.200v", len(err.Error()), err)
	}
}

// TestRival: beside a machine that hashes stands one that answers, and the
// other way round; any known one can be named.
func TestRival(t *testing.T) {
	for _, c := range []struct {
		device, rival string
		want          string
		kind          plan.MachineKind
	}{
		{"", "", usualAnswerer, plan.Inference},
		{usualAnswerer, "", usualDevice, plan.Hash},
		{"", "Server share of one H100", "Server share of one H100", plan.Inference},
		{"", "Heatbit Trio", "Heatbit Trio", plan.Hash},
		{"", "none", "", ""},
	} {
		a, err := Brief{Place: "Denver", Device: c.device, Rival: c.rival}.Ask(nil)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if c.want == "" {
			if len(a.Question.Rivals) != 0 {
				t.Errorf("%+v: %+v stands beside it", c, a.Question.Rivals)
			}
			continue
		}
		if len(a.Question.Rivals) != 1 || a.Question.Rivals[0].Machine.Name != c.want || a.Question.Rivals[0].Machine.Kind != c.kind {
			t.Errorf("%+v: %+v stands beside it", c, a.Question.Rivals)
		}
		if _, err := plan.Prepare(a.Question); err != nil {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for _, name := range []string{"Perpetuum Mobile", "Workstation with 16 cores"} {
		if _, err := (Brief{Place: "Denver", Rival: name}).Ask(nil); err == nil {
			t.Errorf("%q stands beside it", name)
		}
	}
	server, err := Brief{Place: "Denver", Rival: "Server share of one H100"}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	if usual := server.Question.Market[market.Middle][0].Inference; server.Question.Rivals[0].Market[market.Middle][0].Inference == usual {
		t.Error("a server is rented for what a consumer's card is")
	}
}

// TestFiguresCiteTheirOwnSources: what somebody said has no source but that,
// what is assumed says so, and no price is explained by a table of emissions.
func TestFiguresCiteTheirOwnSources(t *testing.T) {
	a, err := Brief{Place: "Denver", Heater: "gas", Tariff: "0.2", DevicePrice: "500"}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	site, err := plan.Prepare(a.Question)
	if err != nil {
		t.Fatal(err)
	}
	answer := site.Answer()
	want := map[string]string{
		"input.power_price": "", "input.machine_price": "", "input.availability": "hearth-judgement", "input.pool_fee": "hearth-judgement",
		"input.grid_carbon": "epa-egrid-2023", "input.price_gas": "eia-seds-2023", "input.efficiency_gas": "exergy-calculator",
		"input.hash_price": "bt-miners-2026-06", "input.upkeep_gas": "",
	}
	seen := map[string]bool{}
	var walk func(r plan.Reason)
	walk = func(r plan.Reason) {
		if source, ok := want[r.ID]; ok {
			seen[r.ID] = true
			var first string
			if len(r.Sources) > 0 {
				first = string(r.Sources[0])
			}
			if first != source || r.ID != "input.hash_price" && len(r.Sources) > 1 {
				t.Errorf("%s cites %v, want %q", r.ID, r.Sources, source)
			}
		}
		if r.ID == "input.upkeep_gas" && r.Value != "not counted" {
			t.Errorf("an unknown upkeep reads %q", r.Value)
		}
		for _, f := range r.From {
			walk(f)
		}
	}
	for _, id := range []string{"option.machine.running", "option.machine.capex", "option.machine.carbon", "option.gas.running", "option.machine_alone.earned"} {
		r, ok := answer.Why(id)
		if !ok {
			t.Errorf("%s is not explained", id)
		}
		walk(r)
	}
	for id := range want {
		if !seen[id] {
			t.Errorf("nothing is said of %s", id)
		}
	}
}

// TestOneFigureKeepsItsBandPossible: the high case of a high figure is no share
// beyond one.
func TestOneFigureKeepsItsBandPossible(t *testing.T) {
	a, err := Brief{Place: "Denver", Fees: "60 %"}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	if g := a.given(t, "fees"); g.Value != "33/60/90 %" {
		t.Errorf("fees are %s", g.Value)
	}
}

// TestPriceSaysWhatIsNotInIt: the price of a machine is not that of one that
// stands in the house and is quiet.
func TestPriceSaysWhatIsNotInIt(t *testing.T) {
	a, err := Brief{Place: "Denver"}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	if g := a.given(t, "device-price"); !strings.Contains(g.Why, "install") {
		t.Errorf("the price of the usual machine is said to be %q", g.Why)
	}
}

// TestConsumerUnitsArePaidLess: what a reviewer saw of a vendor's unit goes
// before what managed machines reach.
func TestConsumerUnitsArePaidLess(t *testing.T) {
	for device, want := range map[string]float64{"Heatbit Trio": 0.76, "Antminer S19j Pro": 0.95} {
		a, err := Brief{Place: "Denver", Device: device}.Ask(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(a.Question.Machine.Availability); math.Abs(got-want) > 1e-12 {
			t.Errorf("%s is paid for %g of the time, want %g", device, got, want)
		}
		if g := a.given(t, "availability"); (g.Sources[0] == "boingboing-2025") != (want < 0.9) {
			t.Errorf("%s: %+v", device, g)
		}
	}
}

// TestRivalEarnsTheRentsOfItsOwnClass: a graphics card beside a server does not
// earn what servers do.
func TestRivalEarnsTheRentsOfItsOwnClass(t *testing.T) {
	const card = "Workstation with an RTX 4090 class card"
	own, err := Brief{Place: "Denver", Device: card}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	beside, err := Brief{Place: "Denver", Device: "Server share of one H100", Rival: card}.Ask(nil)
	if err != nil {
		t.Fatal(err)
	}
	got, want := beside.Question.Rivals[0].Market[market.Middle][0].Inference, own.Question.Market[market.Middle][0].Inference
	if got != want {
		t.Errorf("beside a server the card earns %.3f a kWh, by itself %.3f", float64(got), float64(want))
	}
}

// TestThreeWithTheirUnit: a slash stands between the three figures of a scenario
// and in units, with and without a space before them.
func TestThreeWithTheirUnit(t *testing.T) {
	for _, s := range []string{"0.03/0.04/0.05", "0.03/0.04/0.05 USD/kWh", "0.03/0.04/0.05USD/kWh", " 0.03 / 0.04 / 0.05 USD/kWh "} {
		a, err := Brief{Place: "Denver", MinerPower: s}.Ask(nil)
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		if got := a.Scenario[market.Middle].Power; got != 0.04 {
			t.Errorf("%q: the middle is %v", s, got)
		}
	}
}
