package plan

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"hearth/heat"
	"hearth/units"
)

// useKinds lists the kinds of use in their order.
func useKinds() []UseKind {
	return []UseKind{HotWater, Pool, Laundry, Greenhouse, District, Bathhouse}
}

// useNames returns what people call a use.
func useNames(k UseKind) (string, bool) {
	switch k {
	case HotWater:
		return "hot water", true
	case Pool:
		return "the pool", true
	case Laundry:
		return "the laundry", true
	case Greenhouse:
		return "the greenhouse", true
	case District:
		return "the return line", true
	case Bathhouse:
		return "the bathhouse", true
	}
	return "", false
}

func useList() string {
	var names []string
	for _, k := range useKinds() {
		names = append(names, fmt.Sprintf("%q", k))
	}
	return strings.Join(names, ", ")
}

// model says by which model a use is reckoned, and where it comes from.
func (k UseKind) model() string {
	switch k {
	case HotWater:
		return "EU tapping cycle (Regulation (EU) 812/2013) scaled to 1.95 kWh a person and day at 10 °C cold water (assumption), through a two-node tank at 55 °C; cold water by season after Burch and Christensen (2007)"
	case Pool:
		return "evaporation of the ASHRAE Handbook for an outdoor pool at 27 °C, half of it because it is covered at night and calm (assumption); Bowen's ratio; night sky of Swinbank (1963); dew point at the day's lowest temperature (FAO-56); open in months with a mean of 12 °C and more (assumption)"
	case Laundry:
		return "8 l of water at 60 °C and half a litre dried off for each kg, Monday to Saturday, 6 to 18 h (assumption)"
	case Greenhouse:
		return "ISO 13790 hourly model of a single-glazed house with a thermal screen (4.5 W/m²K, one air change, assumption), kept at 15 °C, opened at 25 °C"
	case District:
		return "a steady base load all year (assumption)"
	case Bathhouse:
		return "evaporation of VDI 2089 from water at 30 °C into a hall of 32 °C and 55 % humidity, open 10 to 22 h; 30 l of fresh water a day for each m² (assumption); the hall itself is rooms"
	}
	return ""
}

// part works out the heat of a use hour by hour.
func (u Use) part(s *sky) (part, error) {
	name, _ := useNames(u.Kind)
	p := part{name: name, heat: make([]float64, Hours)}
	warmed := func(from, to, sink units.Celsius) {
		p.from, p.to, p.sink = []units.Celsius{from}, []units.Celsius{to}, []units.Celsius{sink}
	}
	switch u.Kind {
	case HotWater:
		// When2Heat reckons hot water at 50 °C.
		warmed(0, storeAt+5, 50)
		p.from = s.coldWater()
		return p, u.hotWater(p.from, p.heat)
	case Pool:
		warmed(poolAt, poolAt+8, poolAt+8)
		u.pool(s, p.heat)
	case Laundry:
		warmed(15, 75, 75)
		u.laundry(s.coldWater(), p.heat)
	case Greenhouse:
		warmed(25, 45, 45)
		p.air = true
		return p, u.greenhouse(s, p.heat)
	case District:
		warmed(45, 60, 60)
		for i := range p.heat {
			p.heat[i] = u.Size
		}
	case Bathhouse:
		warmed(28, 50, 50)
		u.bathhouse(s.coldWater(), p.heat)
	}
	return p, nil
}

// waterHeat is the heat capacity of water, kWh/(l·K).
const waterHeat = 4183 / 3.6e6

// coldWater returns the temperature of the water main in each hour, after
// Burch and Christensen, "Towards development of an algorithm for mains water
// temperature", 2007, which reckons in °F: the mean of the air and 3.3 K,
// swinging with the season, less and later than the air.
func (s *sky) coldWater() []units.Celsius {
	first := months()
	var mean, low, high float64
	low, high = math.MaxFloat64, -math.MaxFloat64
	for m := range 12 {
		var t float64
		for _, w := range s.weather[first[m]:first[m+1]] {
			t += float64(w.Outdoor)
		}
		mean += t / Hours
		t /= float64(first[m+1] - first[m])
		low, high = min(low, t), max(high, t)
	}
	average := mean*1.8 + 32 // °F
	ratio := 0.4 + 0.01*(average-44)
	lag := 35 - (average - 44) // days
	amplitude := max(0, ratio) * (high - low) / 2
	if s.place.Latitude < 0 {
		amplitude = -amplitude
	}
	cold := make([]units.Celsius, Hours)
	for i := range cold {
		day := float64(i/24 + 1)
		swing := amplitude * math.Sin((0.986*(day-15-lag)-90)*math.Pi/180)
		cold[i] = units.Celsius(max(1, mean+6/1.8+swing))
	}
	return cold
}

const (
	storeAt    units.Celsius = 55 // of a hot-water tank
	perPerson                = 1.95
	aroundTank units.Celsius = 20
)

// hotWater draws a household's day from a tank that is charged again in the
// hour after. What the tank loses to the house around it is not counted as
// heat for the rooms.
func (u Use) hotWater(cold []units.Celsius, heats []float64) error {
	profile := heat.TappingM
	switch {
	case u.Size > 8:
		profile = heat.TappingXXL
	case u.Size > 5:
		profile = heat.TappingXL
	case u.Size > 3:
		profile = heat.TappingL
	}
	draws := profile.Draws()
	var day float64
	for _, d := range draws {
		day += float64(d.Energy)
	}
	scale := perPerson * u.Size / day
	// Litres at the tap in each hour of the day: at 40 °C, and at 55 °C for
	// the dishes.
	var mild, hot [24]float64
	for _, d := range draws {
		litres := scale * float64(d.Energy) / (waterHeat * float64(d.Rise))
		if hour := int(d.At) / 60; d.Rise > 30 {
			hot[hour] += litres
		} else {
			mild[hour] += litres
		}
	}
	tank := heat.HouseholdCylinder()
	bigger := max(0.6, 60*u.Size/float64(tank.Volume))
	tank.Volume *= units.Litres(bigger)
	tank.Height *= math.Cbrt(bigger)
	tank.Loss *= math.Cbrt(bigger) * math.Cbrt(bigger)
	model, err := tank.TwoNode()
	if err != nil {
		return fmt.Errorf("hot water for %g people: %w", u.Size, err)
	}
	water := model.Still(storeAt)
	full := model.Stored(water, 0)
	most := 3000 * max(1, u.Size/4) // W, of the charging
	for i := range heats {
		top := model.At(water, 1)
		in := heat.TankInputs{Room: aroundTank, Cold: cold[i]}
		for _, tap := range [...]struct {
			litres float64
			at     units.Celsius
		}{{mild[i%24], 40}, {hot[i%24], 55}} {
			in.Draw += heat.MixedFlow(units.LitresPerMinute(tap.litres/60), tap.at, top, cold[i])
		}
		in.Heat = units.Watts(min(most, max(0, float64(full-model.Stored(water, 0))/3600)))
		model.Step(water, in, time.Hour)
		heats[i] = float64(in.Heat) / 1000
	}
	return nil
}

const (
	poolAt units.Celsius = 27

	poolSeason   = 12   // °C, mean of a month in which it is open
	poolActivity = 0.5  // of the evaporation of a public pool
	poolTakes    = 0.85 // of the sun that falls on it
	poolWind     = 1.0  // m/s, sheltered
)

// pool is what keeps open water at 27 °C over each day of the season; a day's
// loss is made good evenly, for a pool is heavy.
func (u Use) pool(s *sky, heats []float64) {
	first := months()
	for m := range 12 {
		var mean float64
		for _, w := range s.weather[first[m]:first[m+1]] {
			mean += float64(w.Outdoor)
		}
		if mean < poolSeason*float64(first[m+1]-first[m]) {
			continue
		}
		for day := first[m]; day < first[m+1]; day += 24 {
			dew := s.weather[day].Outdoor
			for _, w := range s.weather[day : day+24] {
				dew = min(dew, w.Outdoor)
			}
			var lost float64 // Wh/m²
			for i := day; i < day+24; i++ {
				w := &s.weather[i]
				pressure := vapour(poolAt) - vapour(min(dew, poolAt))
				wet := pressure * (89 + 78.2*poolWind) // W/m², all of it
				dry := 89 + 78.2*poolWind              // W/m²kPa, by Bowen's ratio:
				dry *= 0.0665 * float64(poolAt-w.Outdoor)
				night := 0.0552 * math.Pow(kelvin(w.Outdoor), 1.5) // K, of the sky
				radiant := 0.95 * 5.670374e-8 * (math.Pow(kelvin(poolAt), 4) - math.Pow(night, 4))
				lost += poolActivity*(wet+dry) + radiant - poolTakes*w.Global(s.suns[i])
			}
			for i := day; i < day+24; i++ {
				heats[i] = max(0, lost) / 24 * u.Size / 1000
			}
		}
	}
}

// vapour returns the pressure of saturated vapour, kPa (FAO-56, equation 11).
func vapour(t units.Celsius) float64 {
	return 0.6108 * math.Exp(17.27*float64(t)/(float64(t)+237.3))
}

// laundry works from 6 to 18 h on every day but Sundays.
func (u Use) laundry(cold []units.Celsius, heats []float64) {
	const dries = 0.5 * 1.1 // kg of water for each kg, kWh a kg with losses
	for i := range heats {
		day, hour := newYear().AddDate(0, 0, i/24).Weekday(), i%24
		if day == time.Sunday || hour < 6 || hour >= 18 {
			continue
		}
		washes := 8 * waterHeat * float64(60-cold[i])
		heats[i] = u.Size / 12 * (washes + dries)
	}
}

// greenhouse is a glass house by the building model.
func (u Use) greenhouse(s *sky, heats []float64) error {
	floor := max(1, u.Size)
	glass := func(azimuth, tilt, share float64) heat.Window {
		return heat.Window{Facing: heat.Facing{Azimuth: azimuth, Tilt: tilt}, Area: share * floor, U: 4.5, G: 0.7, Angle: [4]float64{1}}
	}
	capacity, area := heat.VeryLight.Of(floor)
	b := heat.Building{
		FloorArea: floor, Volume: 3 * floor, AirChanges: 1,
		Windows: []heat.Window{
			glass(180, 25, 0.55), glass(0, 25, 0.55),
			glass(180, 90, 0.1), glass(0, 90, 0.1), glass(90, 90, 0.1), glass(270, 90, 0.1),
		},
		Opaque:       []heat.Opaque{{Facing: heat.Facing{Tilt: 180}, Area: floor, U: 0.2, Sheltered: true}},
		MassCapacity: capacity, MassArea: area,
	}
	model, err := b.Model()
	if err != nil {
		return fmt.Errorf("greenhouse of %g m²: %w", u.Size, err)
	}
	set := slices.Repeat([]units.Celsius{15}, Hours)
	h := house{model: model}
	warm, err := h.through(s)
	if err != nil {
		return fmt.Errorf("greenhouse of %g m²: %w", u.Size, err)
	}
	warm.run(heat.Keeping{Set: set, Airing: 25})
	for i, q := range warm.heat {
		heats[i] = q * u.Size / floor
	}
	return nil
}

// bathhouse is what evaporates from indoor water, and fresh water.
func (u Use) bathhouse(cold []units.Celsius, heats []float64) {
	const (
		water, hall units.Celsius = 30, 32
		humid                     = 0.55
		latent                    = 0.68 // kWh/kg
		gas                       = 461.5
	)
	drives := 1000 * (vapour(water) - humid*vapour(hall)) // Pa
	for i := range heats {
		beta := 7.0 // m/h, VDI 2089: water at rest
		open := i%24 >= 10 && i%24 < 22
		if open {
			beta = 28
		}
		heats[i] = u.Size * latent * beta / (gas * kelvin(hall)) * drives
		if open {
			heats[i] += u.Size * 30. / 12 * waterHeat * float64(water-cold[i])
		}
	}
}
