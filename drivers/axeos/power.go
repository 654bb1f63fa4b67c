package axeos

import (
	"math"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// point is where a chip runs. Its power is proportional to MHz times the
// square of mV, as that of any CMOS circuit is.
type point struct{ mhz, mv float64 }

// scale is the ratio of the dynamic power at p to that at q.
func (p point) scale(q point) float64 {
	s := p.mhz / q.mhz
	if p.mv > 0 && q.mv > 0 {
		s *= (p.mv / q.mv) * (p.mv / q.mv)
	}
	return s
}

// learned is what the miner was seen to draw, by its own estimate.
type learned struct {
	at   map[point]units.Watts // heating steadily
	seen map[point]time.Time
	idle units.Watts // paused or shut down; 0 if never seen

	steady bool // in one state, at now, since then
	now    point
	since  time.Time
}

// settle is how long a miner must have been in one state before its power
// counts as that of the state: the frequency ramps and the supply lags.
const settle = 2 * time.Minute

// learn notes the power of a miner that has run long enough at one point, or
// stood idle for long enough, which is the point of no frequency.
func (m *Miner) learn(info httpjson.Object, now time.Time) {
	l := &m.learned
	power, ok := watts(info, now).Get()
	p := presentPoint(info)
	switch state := m.state(info, now); {
	case state == device.StatePaused, state == device.StateOff:
		p = point{}
	case state != device.StateHeating, !validMHz(p.mhz):
		ok = false
	}
	if !ok || !l.steady || p != l.now {
		l.steady, l.now, l.since = ok, p, now
		return
	}
	if now.Sub(l.since) < settle {
		return
	}
	if p == (point{}) {
		l.idle = power
		return
	}
	if l.at == nil {
		l.at, l.seen = map[point]units.Watts{}, map[point]time.Time{}
	}
	if old, ok := l.at[p]; ok {
		power = old + (power-old)/4 // the estimate trembles by some percent
	}
	l.at[p], l.seen[p] = power, now
}

func presentPoint(info httpjson.Object) point {
	f, _ := megahertzOf(info, "frequency")
	mv, _ := info.Float("coreVoltage")
	return point{f, mv}
}

// expect is the draw to expect at a frequency and the present core voltage.
// What was seen there comes first, then the same scaled from the nearest point
// seen, then the maker's figure.
func (m *Miner) expect(mhz float64, info, asic httpjson.Object, now time.Time) units.Known[units.Watts] {
	want := point{mhz, presentPoint(info).mv}
	if w, ok := m.learned.at[want]; ok {
		return units.Know(w, m.learned.seen[want], units.Estimate)
	}
	rated, hasRating := ratingOf(asic)
	overhead := m.learned.idle
	if overhead == 0 && hasRating {
		overhead = rated.allowance
	}
	nearest, best := point{}, math.Inf(1)
	for p := range m.learned.at {
		if d := math.Abs(math.Log(want.scale(p))); d < best || d == best && p.mhz < nearest.mhz {
			nearest, best = p, d
		}
	}
	if w := m.learned.at[nearest]; w > overhead {
		scaled := overhead + units.Watts(want.scale(nearest))*(w-overhead)
		return units.Know(scaled, m.learned.seen[nearest], units.Estimate)
	}
	usual, _ := asic.Float("defaultFrequency")
	mv, _ := asic.Float("defaultVoltage")
	if hasRating && validMHz(usual) {
		scale := units.Watts(want.scale(point{usual, mv}))
		return units.Know(rated.allowance+scale*rated.input, now, units.Nameplate)
	}
	// A board of no known family: what it draws at this moment, or else its
	// limit, as if reached at its default.
	if w, ok := watts(info, now).Get(); ok && m.state(info, now) == device.StateHeating && validMHz(presentPoint(info).mhz) {
		return units.Know(w*units.Watts(want.scale(presentPoint(info))), now, units.Estimate)
	}
	if most, ok := info.Float("maxPower"); ok && most > 0 && most < 10_000 && validMHz(usual) {
		return units.Know(units.Watts(most*min(1, mhz/usual)), now, units.Nameplate)
	}
	return unknown[units.Watts]("this board is not known, and it has not run at this frequency yet", now)
}

// idle is the draw when paused or shut down.
func (m *Miner) idle(asic httpjson.Object, now time.Time) units.Known[units.Watts] {
	if m.learned.idle > 0 {
		return units.Know(m.learned.idle, now, units.Estimate)
	}
	if r, ok := ratingOf(asic); ok {
		return units.Know(r.allowance, now, units.Nameplate)
	}
	return unknown[units.Watts]("it has not been seen stopped yet", now)
}

// rating is what the maker expects of a family at its default frequency and
// voltage.
type rating struct {
	input     units.Watts // into the board, the factory test's target
	allowance units.Watts // the firmware adds for supply and fan
}

// ratingOf finds a family's rating by its name (power_consumption_target and
// power_offset in ESP-Miner's main/device_config.h).
func ratingOf(asic httpjson.Object) (rating, bool) {
	family, _ := asic.Text("deviceModel")
	switch family {
	case "Max", "Ultra", "Supra":
		return rating{12, 5}, true
	case "Gamma":
		return rating{19, 5}, true
	case "GammaDuo":
		return rating{35, 5}, true
	case "GammaTurbo":
		return rating{36, 10}, true
	case "Hex":
		return rating{40, 12}, true
	case "SupraHex":
		return rating{90, 25}, true
	}
	return rating{}, false
}
