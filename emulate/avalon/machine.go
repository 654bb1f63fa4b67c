package avalon

import (
	"time"

	"hearth/emulate"
	"hearth/units"
)

const (
	boot     = 45 * time.Second // from power to the first answer
	starting = 30 * time.Second // of the hash board
	upTime   = 60 * time.Second // from nothing to full power
	downTime = 5 * time.Second  // and back
	warming  = 60 * time.Second // time constant of the chips
	settling = 20 * time.Second // of the hash rate
)

// machine is the miner as a physical thing. It knows nothing of sockets.
type machine struct {
	product
	at      time.Time     // state holds for this instant
	ambient units.Celsius // around the miner

	mains     bool
	booted    time.Time // when power or a restart came
	poolOK    bool
	blind     bool      // all sensors lost
	busyUntil time.Time // of calibration
	rebootAt  time.Time // zero: none is due

	now      level     // in force; kept over a restart
	off      bool      // soft off
	offAt    time.Time // when a soft off is due, by true time; zero: none
	onAt     time.Time
	offSaid  int64 // what SoftOffTime tells
	onSaid   int64
	begun    time.Time // when the hash board was last started
	flash    int       // writes to flash
	hashed   float64   // GH since boot, for the average
	dc       float64   // share of the level's power above idle, 0 to 1
	rate     float64   // GH/s
	chip     float64   // °C
	duty     float64   // of the fans, 0 to 1
	joules   units.Joules
	standing units.Watts // idle draw
}

func (m *machine) answers() bool { return m.mains && m.at.Sub(m.booted) >= boot }

// works tells the word in SYSTEMSTATU.
func (m *machine) works() string {
	switch {
	case m.off:
		return "In Idle"
	case m.at.Before(m.begun.Add(starting)):
		return "In Init"
	}
	return "In Work"
}

func (m *machine) hashing() bool { return m.mains && m.works() == "In Work" && m.poolOK }

// power is the true draw from the wall.
func (m *machine) power() units.Watts {
	if !m.mains {
		return 0
	}
	return m.standing + units.Watts(m.dc)*(m.levels[len(m.levels)-1].wall-m.standing)
}

// share is the level's power above idle, as a share of the greatest level's.
func (m *machine) share() float64 {
	return max(0, float64((m.now.wall-m.standing)/(m.levels[len(m.levels)-1].wall-m.standing)))
}

func (m *machine) restart(now time.Time) {
	m.booted, m.begun = now, now.Add(boot)
	m.off, m.offAt, m.onAt, m.rebootAt = false, time.Time{}, time.Time{}, time.Time{}
	m.dc, m.rate, m.hashed = 0, 0, 0
}

// set puts another level in force.
func (m *machine) set(l level) {
	m.now, m.begun = l, m.at
	m.flash++
}

// advance moves the machine to now in steps of about a second.
func (m *machine) advance(now time.Time, ambient units.Celsius) {
	m.ambient = ambient
	for dt := range emulate.Steps(m.at, now) {
		m.joules += m.power().Over(dt)
		m.step(dt)
	}
}

func (m *machine) step(dt time.Duration) {
	m.at = m.at.Add(dt)
	m.due()
	want := 0.0
	if m.hashing() {
		want = m.share()
	}
	up, down := dt.Seconds()/upTime.Seconds(), dt.Seconds()/downTime.Seconds()
	m.dc += max(-down, min(up, want-m.dc))
	if !m.mains {
		m.dc = 0
	}
	aim := 0.0
	if m.hashing() && m.share() > 0 {
		aim = m.now.rate * m.dc / m.share()
	}
	m.rate = emulate.Lag(m.rate, aim, dt, settling)
	if aim == 0 && m.rate < m.now.rate/50 {
		m.rate = 0
	}
	m.hashed += m.rate * dt.Seconds()
	m.cool(dt)
}

// due does what was asked for a later instant, in the order of the instants.
func (m *machine) due() {
	passed := func(t time.Time) bool { return !t.IsZero() && !m.at.Before(t) }
	if passed(m.rebootAt) {
		m.restart(m.at)
		return
	}
	off, on := passed(m.offAt), passed(m.onAt)
	switch {
	case off && on && m.offAt.After(m.onAt):
		m.wake()
		m.sleep()
	case off && on:
		m.sleep()
		m.wake()
	case off:
		m.sleep()
	case on:
		m.wake()
	}
}

func (m *machine) sleep() { m.off, m.offAt = true, time.Time{} }

func (m *machine) wake() {
	if m.off {
		m.off, m.begun = false, m.at
	}
	m.onAt = time.Time{}
}

// cool moves the chips' temperature and the fans that hold it at its target.
func (m *machine) cool(dt time.Duration) {
	full := float64(m.levels[len(m.levels)-1].wall)
	// Kelvin per watt at the two ends of the fans' range, chosen so that full
	// power holds the target in a room of 22 °C with the fans in mid range.
	still, blown := 2*(m.target-22)/full, 0.5*(m.target-22)/full
	per := still + (blown-still)*m.duty
	m.chip = emulate.Lag(m.chip, float64(m.ambient)+per*float64(m.power()-m.standing), dt, warming)
	switch {
	case !m.mains || m.off:
		m.duty = 0
	default:
		m.duty = max(0.15, min(1, m.duty+(m.chip-m.target)*0.001*dt.Seconds()))
	}
}
