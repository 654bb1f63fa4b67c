package heat

import (
	"fmt"
	"math"

	"hearth/units"
)

// albedo is the share of light that ordinary ground throws back.
const albedo = 0.2

// Weather is what the outdoors does to a building.
type Weather struct {
	Outdoor units.Celsius
	// Direct is the sun's beam at right angles, W/m² (DNI).
	Direct float64
	// Diffuse is the light of the sky on the level, W/m² (DHI).
	Diffuse float64
}

// Plausible says why weather cannot be on Earth, or nothing.
func (w Weather) Plausible() error {
	switch {
	case !(w.Outdoor > -90 && w.Outdoor < 60):
		return fmt.Errorf("%g °C is not a temperature of air on Earth", w.Outdoor)
	case !(w.Direct >= 0 && w.Direct < 1500):
		return fmt.Errorf("%g W/m² is not sunshine on Earth", w.Direct)
	case !(w.Diffuse >= 0 && w.Diffuse < 1500):
		return fmt.Errorf("%g W/m² is not the light of a sky on Earth", w.Diffuse)
	}
	return nil
}

// Global returns the irradiance on the level, W/m² (GHI).
func (w Weather) Global(s Sun) float64 {
	return max(0, w.Direct)*max(0, s.toward.up) + max(0, w.Diffuse)
}

// On returns the irradiance on a surface, W/m²: beam, sky and ground together.
func (w Weather) On(f Facing, s Sun) float64 {
	l := w.light(s)
	n := f.normal()
	return (l.direct+l.disc)*l.incidence(n) + l.spread(n)
}

// light is weather and sun together, ready to fall on many surfaces. The sky
// is that of Perez, Ineichen, Seals, Michalsky and Stewart, Solar Energy 44
// (1990): an even dome, a bright disc about the sun, a band at the horizon.
type light struct {
	toward  vector
	direct  float64 // W/m² at right angles to the sun
	disc    float64 // W/m² of diffuse light from about the sun, likewise
	dome    float64 // W/m² on the level
	horizon float64 // W/m² on a wall
	ground  float64 // W/m² that the level throws back
}

// perez has, for each bin of sky clearness, the coefficients F11 to F23 of
// table 6, all sites together.
var perez = [8][6]float64{
	{-0.008, 0.588, -0.062, -0.060, 0.072, -0.022},
	{0.130, 0.683, -0.151, -0.019, 0.066, -0.029},
	{0.330, 0.487, -0.221, 0.055, -0.064, -0.026},
	{0.568, 0.187, -0.295, 0.109, -0.152, -0.014},
	{0.873, -0.392, -0.362, 0.226, -0.462, 0.001},
	{1.132, -1.237, -0.412, 0.288, -0.823, 0.056},
	{1.060, -1.600, -0.359, 0.264, -1.127, 0.131},
	{0.678, -0.327, -0.250, 0.156, -1.377, 0.251},
}

// clearness are the upper bounds of the first seven bins.
var clearness = [7]float64{1.065, 1.23, 1.5, 1.95, 2.8, 4.5, 6.2}

func (w Weather) light(s Sun) light {
	l := light{toward: s.toward}
	diffuse := max(0, w.Diffuse)
	up := s.toward.up
	if up <= 0 { // twilight: what light there is comes from the whole sky
		l.dome, l.ground = diffuse, albedo*diffuse
		return l
	}
	l.direct = max(0, w.Direct)
	l.ground = albedo * (l.direct*up + diffuse)
	if diffuse == 0 {
		return l
	}
	zenith := math.Acos(min(1, up))
	k := 1.041 * zenith * zenith * zenith
	open := ((diffuse+l.direct)/diffuse + k) / (1 + k)
	bin := 0
	for bin < len(clearness) && open >= clearness[bin] {
		bin++
	}
	f := &perez[bin]
	// Kasten and Young, Applied Optics 28 (1989).
	airMass := 1 / (up + 0.50572*math.Pow(96.07995-zenith*180/math.Pi, -1.6364))
	bright := diffuse * airMass / s.Normal
	// No more of it can come from about the sun than there is: the fit goes beyond
	// that where hourly light meets a sun that has only just risen.
	disc := min(max(0, f[0]+f[1]*bright+f[2]*zenith), 1)
	l.horizon = diffuse * (f[3] + f[4]*bright + f[5]*zenith)
	l.dome = diffuse * (1 - disc)
	l.disc = diffuse * disc / max(up, 0.08716) // cos 85°
	return l
}

// incidence returns the cosine of the sun's angle to the surface's normal, 0
// where the sun is behind it.
func (l *light) incidence(n vector) float64 { return max(0, l.toward.dot(n)) }

// spread returns what comes from sky and ground at large, W/m² of the surface.
func (l *light) spread(n vector) float64 {
	level := math.Sqrt(max(0, 1-n.up*n.up)) // sine of the tilt
	return max(0, l.dome*(1+n.up)/2+l.horizon*level) + l.ground*(1-n.up)/2
}

// aperture is a way for the sun into the building.
type aperture struct {
	normal vector
	area   float64    // m² × share that becomes heat, at right angles
	angle  [4]float64 // of glass; nothing for walls, which have no angle
}

// lets returns the share of the beam let through at the cosine of incidence,
// relative to right angles.
func (a *aperture) lets(cos float64) float64 {
	if a.angle == [4]float64{} {
		return 1
	}
	x := math.Acos(min(1, cos))
	return max(0, a.angle[0]+x*(a.angle[1]+x*(a.angle[2]+x*a.angle[3])))
}

// Solar returns what sun and sky do to the building: the light through its
// windows and on its walls, less what walls and roof radiate to the sky. It is
// a little below zero at night.
func (m *Model) Solar(w Weather, s Sun) units.Watts {
	total := -m.skyLoss
	l := w.light(s)
	if l.direct == 0 && l.dome == 0 {
		return units.Watts(total)
	}
	for i := range m.sunlit {
		a := &m.sunlit[i]
		power := l.spread(a.normal)
		if cos := l.incidence(a.normal); cos > 0 {
			power += cos * (l.direct*a.lets(cos) + l.disc)
		}
		total += a.area * power
	}
	return units.Watts(total)
}
