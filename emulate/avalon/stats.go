package avalon

import (
	"fmt"
	"math"
	"strings"
)

// absent is what the firmware tells of a sensor that is not there.
const absent = -273

// summary is the string of keys and values that estats and stats tell as
// "MM ID0". e.mu is held.
func (e *Emulator) summary() string {
	m := &e.m
	var b strings.Builder
	add := func(format string, args ...any) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, format, args...)
	}
	up := int(m.at.Sub(m.booted).Seconds())
	average := 0.0
	if up > 0 {
		average = m.hashed / float64(up)
	}
	add("Ver[%s-%s]", m.model, m.version)
	add("LVer[%s] BVer[%s]", m.version, m.version)
	add("FW[Release]")
	if m.led {
		l := e.led
		add("LED[%d-0] LEDUser[%d-%d-%d-%d-%d-%d]", l.Mode, l.Effect, l.Bright, l.Temper, l.R, l.G, l.B)
	}
	add("LcdOnoff[1]")
	add("DNA[%s]", e.dna())
	add("STATE[%d]", map[string]int{"In Init": 0, "In Work": 1, "In Idle": 2}[m.works()])
	add("MEMFREE[67892]")
	add("NETFAIL[0 0 0 0 0 0 0 0]")
	add("SYSTEMSTATU[Work: %s, Hash Board: 1]", m.works())
	add("Elapsed[%d]", up)
	add("BOOTBY[0x01.00000000]")
	add("DH[2.449%%]")
	e.temperatures(add)
	for i := range m.fans {
		add("Fan%d[%d]", i+1, int(m.duty*4600))
	}
	add("FanR[%d%%]", int(math.Round(m.duty*100)))
	if m.softOff {
		add("SoftOffTime[%d] SoftOnTime[%d]", m.offSaid, m.onSaid)
		add("FanErr[0]")
	}
	add("PS[%s]", e.supply())
	add("GHSspd[%.2f] DHspd[0.000%%] GHSmm[%.2f] GHSavg[%.2f]", m.rate, m.now.rate, average)
	add("Freq[%.2f]", 282.86)
	add("TA[%d] Core[A3197S] BIN[36]", m.chips)
	ping := 17
	if !m.poolOK {
		ping = 0
	}
	add("PING[%d]", ping)
	reason := 0
	if m.off {
		reason = 4
	}
	add("SoftOFF[%d]", reason)
	add("ECHU[0] ECMM[0] CRC[0] COMCRC[0]")
	tuned := !m.at.Before(m.busyUntil)
	if m.modes {
		if tuned {
			add("ATA%d[%d-%d-%d-258-20]", m.now.mode, int(m.now.wall), int(m.target), m.setVolts)
		} else {
			add("ATA%d[]", m.now.mode)
		}
		add("WORKMODE[%d]", m.now.mode)
	}
	add("WORKLEVEL[%d]", m.now.level)
	if m.modes {
		add("MPO[%d] CALIALL[7]", int(m.now.wall))
	}
	add("ADJ[%d]", bit(tuned))
	if !tuned {
		add("BAR[50]")
	}
	add("Nonce Mask[25]")
	if m.wrapped {
		return "'STATS':{" + b.String() + "}"
	}
	return b.String()
}

func bit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// dna is the serial number that stats tell.
func (e *Emulator) dna() string { return "0201" + e.config.MAC }

// temperatures tells what each model has. While the board is off the chips are
// told as 0.
func (e *Emulator) temperatures(add func(string, ...any)) {
	m := &e.m
	whole := func(t float64) int {
		if m.blind {
			return absent
		}
		return int(math.Round(t))
	}
	air, warm := float64(m.ambient), float64(m.power()-m.standing)/float64(m.levels[len(m.levels)-1].wall)
	switch m.model {
	case "Q":
		add("ITemp[%d] HBITemp[%d] HBOTemp[%d]", whole(air), whole(air+1+14*warm), whole(air+1+24*warm))
	case "Mini3":
		add("ITemp[%d] HBTemp[%d]", whole(air), whole(air+1+28*warm))
	case "nano3":
		add("Temp[%d] OTemp[%d]", whole(air+1+30*warm), whole(air+25*warm))
	default:
		add("ITemp[%d] OTemp[%d]", absent, whole(air+36*warm))
	}
	hottest, average := whole(m.chip+4), whole(m.chip)
	if m.off && !m.blind {
		hottest, average = 0, 0
	}
	add("TMax[%d] TAvg[%d] TarT[%d]", hottest, average, int(m.target))
}

// supply tells the seven figures of PS: error, control board in hundredths of
// a volt, hash board likewise, its amperes, its watts, its set-point in
// hundredths of a volt, and watts at the wall.
func (e *Emulator) supply() string {
	m := &e.m
	lie := e.faults.LyingWatts()
	wall := int(math.Round(float64(m.power()) * lie))
	dc := float64(m.power()-m.standing) / m.wallPerDC
	control, volts, amperes := 1221, int(m.volts*100), int(dc/m.volts)
	watts := int(math.Round(dc * lie))
	if !m.softOff { // the Nanos tell of their board only its voltage
		control, amperes, watts = 0, 4, 0
	}
	if m.dc == 0 {
		volts, amperes, watts = 4, 0, 0
	}
	return fmt.Sprintf("0 %d %d %d %d %d %d", control, volts, amperes, watts, m.setVolts, wall)
}

// lite is the shorter string of litestats. e.mu is held.
func (e *Emulator) lite() string {
	m := &e.m
	return fmt.Sprintf("LVer[%s] BVer[%s] MVer[0] FW[Release] STATE[%d] MODE[%d] LEVEL[%d] GHSspd[%f] FanR[%d%%]",
		m.version, m.version, map[string]int{"In Init": 0, "In Work": 1, "In Idle": 2}[m.works()],
		m.now.mode, m.now.level, m.rate, int(math.Round(m.duty*100)))
}
