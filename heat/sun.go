package heat

import (
	"math"
	"time"
)

// Location is a place on Earth, in degrees, north and east positive.
type Location struct{ Latitude, Longitude float64 }

// Sun is where the sun stands and how strong it is outside the air.
type Sun struct {
	toward vector
	// Normal is the irradiance at right angles above the atmosphere, W/m².
	Normal float64
}

// solarConstant is the mean irradiance above the atmosphere at one
// astronomical unit, W/m² (ISO 9845-1:2022 takes 1361.1).
const solarConstant = 1361.1

// Sun returns where the sun stands at the instant t. It is good to 0.02° from
// 1950 to 2050 (the low-precision formulas of the Astronomical Almanac, as
// given by Michalsky, Solar Energy 40, 1988), which include the equation of
// time. Refraction is left out.
func (l Location) Sun(t time.Time) Sun {
	const rad = math.Pi / 180
	// Days since noon of 1 January 2000, universal time.
	n := float64(t.Unix()-946728000)/86400 + float64(t.Nanosecond())/86400e9
	anomaly := math.Mod(357.528+0.9856003*n, 360) * rad
	longitude := (math.Mod(280.460+0.9856474*n, 360) + 1.915*math.Sin(anomaly) + 0.020*math.Sin(2*anomaly)) * rad
	tilt := (23.439 - 0.0000004*n) * rad
	sinLon, cosLon := math.Sincos(longitude)
	ascension := math.Atan2(math.Cos(tilt)*sinLon, cosLon)
	sinDec := math.Sin(tilt) * sinLon
	cosDec := math.Sqrt(1 - sinDec*sinDec)
	// Sidereal time, in degrees: 15 for each hour of 18.697374558 + 24.06570982441908·n.
	sidereal := math.Mod(280.46061837+360.98564736629*n, 360)
	hour := (sidereal+l.Longitude)*rad - ascension
	sinHour, cosHour := math.Sincos(hour)
	sinLat, cosLat := math.Sincos(l.Latitude * rad)
	distance := 1.00014 - 0.01671*math.Cos(anomaly) - 0.00014*math.Cos(2*anomaly)
	return Sun{
		toward: vector{
			east:  -cosDec * sinHour,
			north: sinDec*cosLat - cosDec*cosHour*sinLat,
			up:    sinDec*sinLat + cosDec*cosHour*cosLat,
		},
		Normal: solarConstant / (distance * distance),
	}
}

// Altitude returns the sun's height above the horizon in degrees.
func (s Sun) Altitude() float64 { return math.Asin(min(1, max(-1, s.toward.up))) * 180 / math.Pi }

// Azimuth returns the sun's direction in degrees clockwise from north, 0 to 360.
func (s Sun) Azimuth() float64 {
	a := math.Atan2(s.toward.east, s.toward.north) * 180 / math.Pi
	if a < 0 {
		a += 360
	}
	return a
}

// Horizontal returns the irradiance on the level above the atmosphere, W/m²:
// zero at night.
func (s Sun) Horizontal() float64 { return s.Normal * max(0, s.toward.up) }
