package plan

import (
	"testing"
	"time"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/plan/market"
	"hearth/units"
)

// bench is a prepared home with a machine, a tariff and hot water.
func bench(b testing.TB) *Site {
	b.Helper()
	year, err := climate.Typical("Denver", 1)
	if err != nil {
		b.Fatal(err)
	}
	start := time.Date(2026, time.July, 1, 0, 0, 0, 0, time.UTC)
	var outlook market.Outlook
	for c := range outlook {
		for m := range 120 {
			outlook[c] = append(outlook[c], market.Month{Start: start.AddDate(0, m, 0), HashPrice: market.HashPrice(30 + 10*c), HashValue: 40_000})
		}
	}
	room := heat.WellInsulatedRoom()
	q := Question{
		Year: year,
		Home: Home{Rooms: &room, Supply: 45, Internal: 100, Uses: []Use{{Kind: HotWater, Size: 2}}},
		Today: Heater{
			Kind: Gas, Efficiency: 0.92, Owned: true,
			Price: units.Know(PerKWh(0.08), start, units.Chosen),
		},
		Machine: Machine{
			Kind: Hash, Count: 1, Draw: 850, Least: 400, Idle: 5, Efficiency: 21.3, Recovery: 1, Hottest: 60,
			Availability: 0.95, Price: units.Know(Money(900), start, units.Chosen), Life: 5,
		},
		Power:  Power{Hourly: make([]PerKWh, Hours), Industrial: units.Know(PerKWh(0.06), start, units.Chosen)},
		Market: outlook,
		Money:  Finance{Currency: "USD", PerDollar: 1, Years: 10, Rate: 0.04},
	}
	for i := range q.Home.Setpoint {
		q.Home.Setpoint[i] = 20
	}
	for i := range q.Power.Hourly {
		q.Power.Hourly[i] = PerKWh(0.10 + 0.05*float64(i%24/12))
	}
	q.Backup = q.Today
	s, err := Prepare(q)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkSiteYear is the hot loop: a home kept warm through a year of hours,
// its machine and its backup taking turns by price, and the money of it all.
// The control is BenchmarkSiteYearControl.
func BenchmarkSiteYear(b *testing.B) {
	s := bench(b)
	d, m := s.demand, &s.q.Machine
	backup := s.maker(&s.q.Backup)
	u := newDuty(d, m, s.q.Power.Hourly, backup.worth)
	power := make([]units.Watts, Hours)
	b.ReportAllocs()
	var money float64
	for b.Loop() {
		d.through.Run(d.start, d.keep, power, nil)
		spent := 0.0
		for i, p := range power {
			d.total[i] = float64(p) / 1000
			spent += d.total[i] * backup.worth[i]
		}
		u.work(d, m, s.q.Power.Hourly, backup.worth)
		for month := range 12 {
			computes, margin := u.pays(month, 0.07)
			spent += margin - computes*0.07
		}
		money += spent
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "years/s")
	if money == 0 {
		b.Error("no money")
	}
}

// BenchmarkSiteYearControl is the same year by the stepper of the live home,
// hour after hour.
func BenchmarkSiteYearControl(b *testing.B) {
	s := bench(b)
	m := &s.q.Machine
	building := *s.q.Home.Rooms
	building.AirCapacity = 0
	model, err := building.Model()
	if err != nil {
		b.Fatal(err)
	}
	step := model.Every(time.Hour)
	inputs := make([]heat.Inputs, Hours)
	sky := newSky(s.q.Year)
	for i := range inputs {
		inputs[i] = heat.Inputs{Outdoor: sky.weather[i].Outdoor, Solar: model.Solar(sky.weather[i], sky.suns[i]), Internal: s.q.Home.Internal}
	}
	backup := s.maker(&s.q.Backup)
	b.ReportAllocs()
	var money float64
	for b.Loop() {
		n := heat.Uniform(20)
		for i, in := range inputs {
			if in.Heat = step.Need(n, in, 20); in.Heat < 0 {
				in.Heat = min(0, step.Need(n, in, airing))
			}
			n = step.Step(n, in)
			want := max(0, float64(in.Heat)) / 1000
			hour := Hour{Power: s.q.Power.Hourly[i], Earns: 0.07, Worth: PerKWh(backup.worth[i]), Useful: m.Recovery}
			if hour.Pays() {
				draw := min(want/float64(m.Recovery), m.power())
				money += draw * float64(hour.Power-hour.Earns)
				want -= draw * float64(m.Recovery)
			}
			money += want * backup.worth[i]
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "years/s")
}

// BenchmarkAsk is end to end what changes with a slider: a tariff, hot water,
// every option over ten years in three outlooks.
func BenchmarkAsk(b *testing.B) {
	s := bench(b)
	b.ReportAllocs()
	for b.Loop() {
		asked, err := s.With(s.q)
		if err != nil {
			b.Fatal(err)
		}
		asked.Answer()
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
}

func TestAYearOfHoursDoesNotAllocate(t *testing.T) {
	s := bench(t)
	backup := s.maker(&s.q.Backup)
	u := newDuty(s.demand, &s.q.Machine, s.q.Power.Hourly, backup.worth)
	power := make([]units.Watts, Hours)
	if n := testing.AllocsPerRun(5, func() {
		s.demand.through.Run(s.demand.start, s.demand.keep, power, nil)
		u.work(s.demand, &s.q.Machine, s.q.Power.Hourly, backup.worth)
		for month := range 12 {
			u.pays(month, 0.07)
		}
	}); n != 0 {
		t.Errorf("a year allocates %g times", n)
	}
}
