package axeos

import (
	"time"

	"hearth/emulate"
	"hearth/units"
)

const (
	boot       = 10 * time.Second // from power to the first answer
	chipStart  = 5 * time.Second  // from there to a started chip
	ramp       = 62.5             // MHz per second
	controller = units.Watts(2)   // the board without its chips
	averaging  = 20 * time.Second // of the hash rate
	warming    = 45 * time.Second // time constant of the chip
	fanTarget  = 60.0             // °C, temptarget

	throttle = 75.0             // °C, where the firmware stops the chip
	safe     = 45.0             // °C, below which it starts again
	cooling  = 30 * time.Second // at least
)

// machine is the miner as a physical thing. It knows nothing of HTTP.
type machine struct {
	board
	at      time.Time     // state holds for this instant
	ambient units.Celsius // around the miner

	mains     bool
	booted    time.Time // when power or a restart came
	restartAt time.Time // zero if none is due
	started   bool      // the chip is initialised
	paused    bool      // not kept over a restart
	shutdown  bool      // NerdQAxe: until a restart
	poolOK    bool
	fault     string // power_fault
	blocked   bool   // the fan cannot turn

	wantMHz, wantMV float64 // settings, in flash
	flash           int     // writes to flash
	overheat        bool    // overheat_mode, in flash
	hotSince        time.Time

	mhz    float64 // of the running chip
	rate   float64 // GH/s, averaged
	chip   float64 // °C
	duty   float64 // of the fan, 0 to 1
	joules units.Joules
}

// answers reports whether the firmware is up.
func (m *machine) answers() bool { return m.mains && m.at.Sub(m.booted) >= boot }

// power is the true draw from the wall.
func (m *machine) power() units.Watts {
	if !m.mains {
		return 0
	}
	return controller + m.allowance + m.dynamic()
}

// dynamic is the chips' power.
func (m *machine) dynamic() units.Watts {
	v := m.wantMV / m.usualMV
	return units.Watts(m.mhz/m.usualMHz*v*v) * (m.input - controller)
}

// expected is the hash rate of all cores at the frequency, in GH/s.
func (m *machine) expected(mhz float64) float64 { return mhz * float64(m.cores*m.chips) / 1000 }

// restart begins a boot at now.
func (m *machine) restart(now time.Time) {
	m.booted, m.started, m.paused, m.shutdown = now, false, false, false
	m.mhz, m.rate, m.hotSince, m.restartAt = 0, 0, time.Time{}, time.Time{}
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
	if !m.restartAt.IsZero() && !m.at.Before(m.restartAt) {
		m.restart(m.at)
	}
	if m.mains && !m.started && !m.paused && m.at.Sub(m.booted) >= boot+chipStart {
		m.started = true
	}
	m.guard()
	hashing := m.mains && m.started && !m.paused && !m.shutdown && m.poolOK && m.fault == "" && m.hotSince.IsZero()
	want := 0.0
	if hashing {
		want = m.wantMHz
	}
	most := ramp * dt.Seconds()
	m.mhz += max(-most, min(most, want-m.mhz))
	if !m.mains {
		m.mhz = 0
	}
	m.rate = emulate.Lag(m.rate, m.expected(m.mhz), dt, averaging)
	if !hashing && m.rate < m.expected(m.usualMHz)/100 {
		m.rate = 0
	}
	m.cool(dt)
}

// cool moves the chip's temperature and the fan that holds it at its target.
func (m *machine) cool(dt time.Duration) {
	usual := float64(m.input - controller)
	// Kelvin per watt at the two ends of the fan's range, chosen so that the
	// defaults hold the target in a room of 22 °C with the fan in mid range.
	still, full := 2.2*(fanTarget-22)/usual, 0.45*(fanTarget-22)/usual
	per := still + (full-still)*m.duty
	if m.blocked || !m.mains {
		per = 2 * still
	}
	m.chip = emulate.Lag(m.chip, float64(m.ambient)+per*float64(m.dynamic()), dt, warming)
	switch {
	case !m.mains:
		m.duty = 0
	case !m.hotSince.IsZero():
		m.duty = 1
	default:
		m.duty = max(0.25, min(1, m.duty+(m.chip-fanTarget)*0.002*dt.Seconds()))
	}
}

// guard is the firmware's protection from heat: stop, cool, start again 100 MHz
// and 100 mV lower, which it writes to flash. A NerdQAxe shuts down instead.
func (m *machine) guard() {
	switch {
	case m.hotSince.IsZero() && m.started && m.mains && m.chip > throttle:
		if m.nerd {
			m.shutdown = true
			return
		}
		m.hotSince, m.overheat = m.at, true
		m.wantMHz, m.wantMV = max(100, m.wantMHz-100), max(500, m.wantMV-100)
		m.flash += 3
	case !m.hotSince.IsZero() && m.at.Sub(m.hotSince) >= cooling && m.chip <= safe:
		m.hotSince = time.Time{}
	}
}
