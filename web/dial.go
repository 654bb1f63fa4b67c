package web

import (
	"fmt"
	"math"
	"strconv"

	"hearth/site"
	"hearth/units"
)

// The dial is an arc of 270 degrees, open at the bottom, in a box of 320 by
// 320. static/hearth.js draws the same when it is turned.
const (
	dialCentre = 160
	dialRadius = 132
	dialStart  = 135 // degrees clockwise from the right
	dialSweep  = 270
)

// dial is a zone's dial, drawn.
type dial struct {
	Zone site.ZoneState
	// Back is where its forms lead.
	Back string
	// Turnable: it has a set-point that can be changed.
	Turnable bool
	// Track, Fill and Mark are paths: the whole arc, the part up to the
	// set-point, and the mark at the present temperature ("" if unknown).
	Track, Fill, Mark string
	HandleX, HandleY  string
	// Now and Set are numbers alone, for the big figures; "" if unknown.
	Now, Set string
	// Down and Up are the set-points one step away.
	Down, Up     string
	AtMin, AtMax bool
	Text         string // for those who do not see it
}

func newDial(z site.ZoneState, back string) dial {
	d := dial{Zone: z, Back: back, Track: arc(0, 1)}
	share := func(t units.Celsius) float64 {
		if z.Max <= z.Min {
			return 0
		}
		return min(max(float64((t-z.Min)/(z.Max-z.Min)), 0), 1)
	}
	d.Text = z.Name + ": temperature unknown"
	if t, ok := z.Temp.Get(); ok {
		d.Now = strconv.FormatFloat(float64(t), 'f', 1, 64)
		d.Mark = radial(share(t), dialRadius-20, dialRadius-34)
		d.Text = fmt.Sprintf("%s: now %v", z.Name, t)
	}
	if t, ok := z.SetPoint.Get(); ok {
		step := units.Celsius(z.Step)
		if step <= 0 {
			step = 0.5
		}
		d.Turnable = z.Max > z.Min
		d.Set = strconv.FormatFloat(float64(t), 'f', 1, 64)
		d.Fill = arc(0, share(t))
		x, y := at(share(t), dialRadius)
		d.HandleX, d.HandleY = round(x), round(y)
		number := func(t units.Celsius) string {
			return strconv.FormatFloat(float64(min(max(t, z.Min), z.Max)), 'f', -1, 64)
		}
		d.Down, d.Up = number(t-step), number(t+step)
		d.AtMin, d.AtMax = t <= z.Min, t >= z.Max
		d.Text += fmt.Sprintf(", set to %v", t)
	}
	return d
}

// at returns the point at a share of the sweep.
func at(share float64, radius float64) (x, y float64) {
	a := (dialStart + dialSweep*share) * math.Pi / 180
	return dialCentre + radius*math.Cos(a), dialCentre + radius*math.Sin(a)
}

func arc(from, to float64) string {
	x0, y0 := at(from, dialRadius)
	x1, y1 := at(to, dialRadius)
	large := 0
	if (to-from)*dialSweep > 180 {
		large = 1
	}
	return fmt.Sprintf("M%s %sA%d %[3]d 0 %d 1 %s %s", round(x0), round(y0), dialRadius, large, round(x1), round(y1))
}

func radial(share, outer, inner float64) string {
	x0, y0 := at(share, outer)
	x1, y1 := at(share, inner)
	return fmt.Sprintf("M%s %sL%s %s", round(x0), round(y0), round(x1), round(y1))
}

func round(v float64) string { return strconv.FormatFloat(v, 'f', 2, 64) }
