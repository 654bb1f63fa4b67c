package plan_test

import (
	"testing"

	"hearth/heat"
	"hearth/heat/climate"
	"hearth/internal/reference"
	"hearth/plan"
)

// A plan's heat for rooms is that of the validated building model: case 600 of
// Standard 140 in its own weather, whose published 5R1C result is 4.658 MWh and
// whose band of acceptance is 3.75 to 4.98. A plan opens the windows at 26 °C
// where the case cools at 27.
func TestBESTESTThroughThePlan(t *testing.T) {
	denver, err := climate.ReadEPW(reference.Weather(t, reference.Denver))
	if err != nil {
		t.Fatal(err)
	}
	wall := func(azimuth, area float64) heat.Opaque {
		return heat.Opaque{Facing: heat.Facing{Azimuth: azimuth, Tilt: 90}, Area: area, U: 0.53}
	}
	q := question(t)
	q.Year = denver
	q.Home = plan.Home{Setpoint: always(20), Internal: 200, Supply: 45, Rooms: &heat.Building{
		FloorArea: 48, Volume: 129.6, AirChanges: 0.414, SurfaceFilm: 2.1,
		Windows: []heat.Window{{
			Facing: heat.Facing{Azimuth: 180, Tilt: 90}, Area: 12, U: 3.1, G: 0.769, Angle: [4]float64{1, -.189, .644, -.596},
		}},
		Opaque: []heat.Opaque{
			wall(0, 21.6), wall(90, 16.2), wall(180, 9.6), wall(270, 16.2),
			{Area: 48, U: 0.33},
			{Facing: heat.Facing{Tilt: 180}, Area: 48, U: 0.038, Sheltered: true},
		},
		MassCapacity: 42_167 * 48, MassArea: 2.95 * 48,
	}}
	near(t, "heating in kWh against LBL's 5R1C", float64(prepare(t, q).Load().Rooms), 4658, 0.05*4658)
}
