package heat_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"hearth/heat"
)

func TestSunPosition(t *testing.T) {
	for _, c := range []struct {
		where             string
		at                string
		place             heat.Location
		altitude, azimuth float64
		within            float64
	}{
		// The worked example of NREL/TP-560-34302 (Reda and Andreas, SPA), less its refraction of 0.016°.
		{"Golden, Colorado", "2003-10-17T12:30:30-07:00", heat.Location{Latitude: 39.742476, Longitude: -105.1786}, 90 - 50.11162 - 0.016, 194.34024, 0.02},
		{"the tropic at noon of the June solstice", "2025-06-21T12:01:55Z", heat.Location{Latitude: 23.437}, 90, math.NaN(), 0.05},
		{"the pole at the March equinox", "2025-03-20T09:01:00Z", heat.Location{Latitude: 90}, 0, math.NaN(), 0.05},
		// By the cosine law, with declination -23.44° and hour angle -88.2°.
		{"Sydney in the morning of midsummer", "2025-12-21T20:00:00Z", heat.Location{Latitude: -33.87, Longitude: 151.21}, 14.2, 108.9, 0.3},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		s := c.place.Sun(at)
		near(t, c.where+": altitude", s.Altitude(), c.altitude, c.within)
		if !math.IsNaN(c.azimuth) {
			near(t, c.where+": azimuth", s.Azimuth(), c.azimuth, c.within)
		}
	}
}

func TestSunIsNearerInJanuary(t *testing.T) {
	at := func(month time.Month, day int) float64 {
		return heat.Location{}.Sun(time.Date(2025, month, day, 12, 0, 0, 0, time.UTC)).Normal
	}
	near(t, "perihelion against aphelion, 1.01671²/0.98329²", at(time.January, 4)/at(time.July, 3), 1.0691, 1e-3)
}

func TestLightOnSurfaces(t *testing.T) {
	noon := heat.Location{Latitude: 45}.Sun(time.Date(2025, time.March, 20, 12, 7, 0, 0, time.UTC)) // 45° high, in the south
	level, south, north := heat.Facing{}, heat.Facing{Azimuth: 180, Tilt: 90}, heat.Facing{Tilt: 90}

	bare := heat.Weather{Direct: 800}
	near(t, "level under a bare sun", bare.On(level, noon), bare.Global(noon), 1e-9)
	near(t, "south wall, with a fifth off the ground", bare.On(south, noon), 800*math.Sqrt(0.5)*(1+0.2/2), 3)
	near(t, "north wall, ground only", bare.On(north, noon), 800*math.Sqrt(0.5)*0.2/2, 1)

	overcast := heat.Weather{Diffuse: 200}
	near(t, "level under an overcast sky", overcast.On(level, noon), 200, 4)
	if s, n := overcast.On(south, noon), overcast.On(north, noon); math.Abs(s-n) > 20 || s < 90 || s > 130 {
		t.Errorf("overcast, walls get %.0f W/m² south and %.0f W/m² north, want near half of 200 and much alike", s, n)
	}
	mixed := heat.Weather{Direct: 500, Diffuse: 150}
	if s, n := mixed.On(south, noon), mixed.On(north, noon); s < 500 || n > 110 {
		t.Errorf("half clear, walls get %.0f W/m² south and %.0f W/m² north", s, n)
	}
}

func TestNightCostsALittleToTheSky(t *testing.T) {
	m := modelOf(t, heat.WellInsulatedRoom())
	midnight := heat.Location{Latitude: 45}.Sun(time.Date(2025, time.March, 20, 0, 0, 0, 0, time.UTC))
	if p := m.Solar(heat.Weather{}, midnight); p >= 0 || p < -50 {
		t.Errorf("at night sun and sky add %v, want a little below zero", p)
	}
	noon := heat.Location{Latitude: 45}.Sun(time.Date(2025, time.March, 20, 12, 0, 0, 0, time.UTC))
	if p := m.Solar(heat.Weather{Direct: 800, Diffuse: 100}, noon); p < 1000 || p > 3000 {
		t.Errorf("7 m² of glass in the south and west catch %v of a clear noon", p)
	}
}

// Light is never negative nor more than the sun and sky can give.
func TestLightIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := func(least, most float64, name string) float64 { return rapid.Float64Range(least, most).Draw(t, name) }
		place := heat.Location{Latitude: f(-90, 90, "latitude"), Longitude: f(-180, 180, "longitude")}
		s := place.Sun(time.Unix(rapid.Int64Range(0, 4e9).Draw(t, "time"), 0))
		w := heat.Weather{Direct: f(0, 1100, "direct"), Diffuse: f(0, 700, "diffuse")}
		on := w.On(heat.Facing{Azimuth: f(0, 360, "azimuth"), Tilt: f(0, 180, "tilt")}, s)
		if !(on >= 0 && on <= w.Direct*1.3+w.Diffuse*15) {
			t.Fatalf("%g W/m² from %+v with the sun %g° high", on, w, s.Altitude())
		}
	})
}

// A sun that has just risen under a sky as bright as at noon, as hourly weather
// can have it: a surface that faces it gets no more than if all of the sky's
// light came from there.
func TestLightOfARisingSun(t *testing.T) {
	place := heat.Location{Latitude: 0.5, Longitude: 0.125}
	s := place.Sun(time.Unix(80978715, 0))
	if a := s.Altitude(); a <= 0 || a > 0.01 {
		t.Fatalf("the sun is %g° high", a)
	}
	w := heat.Weather{Direct: 1, Diffuse: 700}
	most := w.Direct + w.Diffuse*(1/math.Cos(85*math.Pi/180)+2) // the disc, and the band at the horizon
	for azimuth := range 360 {
		if on := w.On(heat.Facing{Azimuth: float64(azimuth), Tilt: 90}, s); on < 0 || on > most {
			t.Errorf("%.0f W/m² on a wall towards %d°, at most %.0f can be", on, azimuth, most)
		}
	}
}

func BenchmarkSolar(b *testing.B) {
	m := modelOf(b, heat.WellInsulatedRoom())
	place := heat.Location{Latitude: 39.8, Longitude: -104.6}
	at := time.Date(2025, time.March, 20, 17, 0, 0, 0, time.UTC)
	w := heat.Weather{Direct: 600, Diffuse: 100}
	b.ReportAllocs()
	for b.Loop() {
		at = at.Add(time.Second)
		m.Solar(w, place.Sun(at))
	}
}
