package avalon

import (
	"fmt"
	"strings"
	"time"
)

// answer is one reply, before it is written in a form.
type answer struct {
	severity byte
	code     int
	msg      string
	section  string
	rows     [][]field
	silent   bool // close without a word
}

// field is a name and a string, a number or a truth.
type field struct {
	name  string
	value any
}

// answer does a command. e.mu is held.
func (e *Emulator) answer(command, parameter string) answer {
	m := &e.m
	switch command {
	case "version":
		return answer{'S', 22, "CGMiner versions", "VERSION", [][]field{{
			{"CGMiner", "4.11.1"},
			{"API", "3.7"},
			{"PROD", m.prod},
			{"MODEL", m.model},
			{"HWTYPE", m.hwtype},
			{"SWTYPE", m.swtype},
			{"LVERSION", m.version},
			{"BVERSION", m.version},
			{"CGVERSION", m.version},
			{"DNA", e.dna()},
			{"MAC", e.config.MAC},
			{"UPAPI", "2"},
			{"EMULATOR", "hearth"},
		}}, false}
	case "stats", "estats":
		name := "MM ID0"
		if m.wrapped {
			name = "MM ID0:Summary"
		}
		return e.stats(name, e.summary())
	case "litestats":
		return e.stats("MM ID0", e.lite())
	case "summary":
		return e.totals()
	case "pools":
		return e.tellPools()
	case "setpool":
		return e.setPool(parameter)
	case "ascset":
		return e.ascset(parameter)
	}
	// CGMiner's addpool, removepool, restart, quit and others are not in the
	// firmware.
	return answer{severity: 'E', code: 14, msg: "Invalid command"}
}

func (e *Emulator) stats(name, text string) answer {
	return answer{'S', 70, "CGMiner stats", "STATS", [][]field{{
		{"STATS", 0},
		{"ID", "AVALON0"},
		{"Elapsed", int(e.m.at.Sub(e.m.booted).Seconds())},
		{"Calls", 0},
		{"Wait", 0.0},
		{"Max", 0.0},
		{"Min", 99999999.0},
		{name, text},
		{"MM Count", 1},
		{"Smart Speed", 1},
		{"Nonce Mask", 25},
	}}, false}
}

func (e *Emulator) totals() answer {
	m := &e.m
	up := m.at.Sub(m.booted).Seconds()
	average := 0.0
	if up > 0 {
		average = m.hashed / up * 1000
	}
	return answer{'S', 11, "Summary", "SUMMARY", [][]field{{
		{"Elapsed", int(up)},
		{"MHS av", average},
		{"MHS 5s", m.rate * 1000},
		{"MHS 1m", m.rate * 1000},
		{"Found Blocks", 0},
		{"Getworks", int(up / 30)},
		{"Accepted", int(m.hashed / 1e6)},
		{"Rejected", 0},
		{"Hardware Errors", 0},
		{"Best Share", 123456},
		{"Pool Rejected%", 0.0},
	}}, false}
}

// ascset changes or tells a setting of the hash board.
func (e *Emulator) ascset(parameter string) answer {
	number, rest, _ := strings.Cut(parameter, ",")
	if number != "0" {
		return answer{severity: 'E', code: 107, msg: fmt.Sprintf("Invalid ASC id %.8s - range is 0 - 0", number)}
	}
	option, setting, _ := strings.Cut(rest, ",")
	if option == "" {
		return answer{severity: 'E', code: 116, msg: "Missing option after ASC number"}
	}
	failed, info := e.option(strings.ToLower(option), setting)
	switch {
	case failed != "":
		return answer{severity: 'E', code: 120, msg: "ASC 0 set failed: " + failed}
	case info == closed:
		return answer{silent: true}
	case info != "":
		return answer{severity: 'I', code: 118, msg: "ASC 0 set info: " + info}
	}
	return answer{severity: 'S', code: 119, msg: "ASC 0 set OK"}
}

// closed is an option's way to say nothing at all.
const closed = "\x00"

// option does one option of ascset and returns a failure, or information, or
// neither, which is OK.
func (e *Emulator) option(name, setting string) (failed, info string) {
	m := &e.m
	known := false
	for _, c := range m.commands() {
		known = known || c == name
	}
	if !known {
		return "Unknown option: " + name, ""
	}
	switch name {
	case "help":
		return "", strings.Join(m.commands(), "|") + "|"
	case "voltage":
		return "", "PS[" + e.supply() + "]"
	case "worklevel":
		return e.workLevel(setting)
	case "workmode":
		return e.workMode(setting)
	case "work_mode_lvl":
		return e.modeAndLevel(setting)
	case "softoff", "softon":
		return e.soft(name, setting)
	case "reboot":
		var delay int
		if n, _ := fmt.Sscanf(setting, "%d", &delay); n != 1 {
			return "reboot value not number", ""
		}
		if delay < 0 || delay > 300 {
			return "reboot value should be 0~300 seconds", ""
		}
		e.obey(func() { m.rebootAt = m.at.Add(time.Duration(delay) * time.Second) })
		return "", ""
	case "fan-spd":
		var speed int
		if n, _ := fmt.Sscanf(setting, "%d", &speed); n != 1 {
			return "No value passed to avalon-fan", ""
		}
		if speed != -1 && (speed < 15 || speed > 100) {
			return "invalid fan value, valid range 15-100 for stable pwm,-1 for auto adjust", ""
		}
		e.obey(func() { e.set.Fan = speed })
		return "", ""
	}
	return e.light(name, setting)
}

// obey does f unless the fault LyingOK is on.
func (e *Emulator) obey(f func()) {
	if !e.faults.LyingOK() {
		f()
	}
}

func (e *Emulator) calibrating() bool { return e.m.at.Before(e.m.busyUntil) }

// put puts the level of a mode in force, if it is another.
func (e *Emulator) put(l level) {
	if l != e.m.now {
		e.obey(func() { e.m.set(l) })
	}
}

func (e *Emulator) workLevel(setting string) (failed, info string) {
	m := &e.m
	var lvl int
	if setting == "get" {
		return "", fmt.Sprintf("worklevel %d", m.now.level)
	}
	n, _ := fmt.Sscanf(setting, "set,%d", &lvl)
	l, ok := m.product.at(m.now.mode, lvl)
	switch {
	case n != 1 || !ok:
		return "worklevel unknown argument", ""
	case e.calibrating():
		return fmt.Sprintf("current level %d is caling,Don't permit switch level", m.now.level), ""
	}
	e.put(l)
	return "", ""
}

func (e *Emulator) workMode(setting string) (failed, info string) {
	m := &e.m
	var mode int
	if setting == "get" {
		return "", fmt.Sprintf("workmode %d", m.now.mode)
	}
	n, _ := fmt.Sscanf(setting, "set,%d", &mode)
	switch {
	case n != 1:
		return "error:2 parameter error", ""
	case mode < 0 || mode > m.maxMode:
		return fmt.Sprintf("error:1 not support set workmode max_mode[%d]", m.maxMode), ""
	case e.calibrating():
		return fmt.Sprintf("current mode %d is caling Don't permit switch mode", m.now.mode), ""
	}
	if mode != m.now.mode {
		l, ok := m.product.at(mode, m.now.level)
		if !ok {
			l, _ = m.product.at(mode, 0)
		}
		e.put(l)
	}
	return "", ""
}

func (e *Emulator) modeAndLevel(setting string) (failed, info string) {
	m := &e.m
	var mode, lvl int
	if setting == "get" {
		return "", fmt.Sprintf("workmode %d worklevel %d", m.now.mode, m.now.level)
	}
	if n, _ := fmt.Sscanf(setting, "set,%d,%d", &mode, &lvl); n != 2 {
		return "error:2 parameter error", ""
	}
	if e.calibrating() {
		return fmt.Sprintf("current mode %d is caling. Don't permit switch mode", m.now.mode), ""
	}
	if mode < 0 || mode > m.maxMode {
		return fmt.Sprintf("error:1 not support set workmode max_mode[%d]", m.maxMode), ""
	}
	l, ok := m.product.at(mode, lvl)
	if !ok {
		return "worklevel unknown argument level range:-1 ~ 0", ""
	}
	e.put(l)
	return "", ""
}

// soft notes a soft off or on for an instant of the miner's own clock.
func (e *Emulator) soft(name, setting string) (failed, info string) {
	m := &e.m
	var enable int
	var unix int64
	if n, _ := fmt.Sscanf(setting, "%d:%d", &enable, &unix); n != 2 {
		return "", name + " unknown argument"
	}
	when := time.Unix(unix, 0).Add(-e.config.ClockOff)
	e.obey(func() {
		switch {
		case enable != 1:
		case name == "softoff":
			m.offAt, m.offSaid = when, unix
		default:
			m.onAt, m.onSaid = when, unix
		}
	})
	if name == "softon" && e.config.SilentSoftOn {
		return "", closed
	}
	return "", fmt.Sprintf("success %s:%d", name, unix)
}

// light sets the ring of a Nano 3s.
func (e *Emulator) light(name, setting string) (failed, info string) {
	if name == "ledmode" {
		var mode int
		if n, _ := fmt.Sscanf(setting, "%d", &mode); n != 1 || mode < 0 || mode > 1 {
			return "Input param error.", ""
		}
		e.obey(func() { e.led.Mode = mode })
		return "", fmt.Sprintf("success set:%d", mode)
	}
	if e.led.Mode != 0 {
		return "", "not in (day)mode now"
	}
	l := led{Mode: e.led.Mode}
	if n, _ := fmt.Sscanf(setting, "%d-%d-%d-%d-%d-%d", &l.Effect, &l.Bright, &l.Temper, &l.R, &l.G, &l.B); n != 6 || l.Effect < 0 || l.Effect > 4 {
		return "led parameter wrong", ""
	}
	e.obey(func() { e.led = l })
	return "", "led set ok"
}
