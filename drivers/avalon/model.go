package avalon

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/units"
)

// knob is how a model's level is set and told.
type knob int

const (
	noKnob       knob = iota // not a home miner: it can only be read
	workMode                 // workmode,set,N
	workLevel                // worklevel,set,N
	modeAndLevel             // work_mode_lvl,set,1,N: the Mini 3 in Mining
)

// mining is the Mini 3's mode without a thermostat of its own.
const mining = 1

// step is one level of a model.
type step struct {
	id, name string
	value    int // what the knob is set to
	power    units.Watts
	loud     int
}

// channel is one thermometer and the key that tells it.
type channel struct {
	key, name string
	kind      device.TempKind
	note      string
}

// model is what the driver knows of one kind of miner.
type model struct {
	name  string
	knob  knob
	steps []step // by rising power
	most  units.Watts
	// idle is the draw that a recording shows; 0: none was met.
	idle  units.Watts
	temps []channel
	fans  int
	notes []string
}

// chips are the channels that all models have.
func chips() []channel {
	return []channel{
		{"TMax", "hottest chip", device.Chip, ""},
		{"TAvg", "chips", device.Chip, "the average of all chips"},
	}
}

// modelOf finds the model by what version tells. The watts are the vendor's
// and recordings' figures for the wall; those of the lower levels of the Nanos
// are assumptions.
func modelOf(prod, name string) model {
	flat := strings.NewReplacer(" ", "", "-", "", "_", "").Replace(strings.ToLower(prod + " " + name))
	switch {
	case strings.Contains(flat, "nano3s"):
		return model{
			name: "Avalon Nano 3s", knob: workMode, most: 150, fans: 1,
			steps: []step{{"low", "Low", 0, 66, 1}, {"mid", "Mid", 1, 100, 2}, {"high", "High", 2, 133, 3}},
			temps: append([]channel{
				{"ITemp", "air in", device.AirIn, ""}, {"OTemp", "air out", device.AirOut, ""},
			}, chips()...),
		}
	case strings.Contains(flat, "nano3"):
		return model{
			name: "Avalon Nano 3", knob: workLevel, most: 150, fans: 1,
			steps: []step{{"low", "Low", 0, 65, 1}, {"mid", "Mid", 1, 100, 2}, {"high", "High", 2, 140, 3}},
			temps: append([]channel{
				{"Temp", "board", device.Board, ""}, {"OTemp", "air out", device.AirOut, ""},
			}, chips()...),
		}
	case strings.Contains(flat, "mini3"):
		return model{
			name: "Avalon Mini 3", knob: modeAndLevel, most: 900, fans: 2,
			steps: []step{{"eco", "Eco", -1, 450, 1}, {"super", "Super", 0, 850, 2}},
			temps: append([]channel{
				{"ITemp", "air in", device.AirIn, ""}, {"HBTemp", "board", device.Board, ""},
			}, chips()...),
			notes: []string{"Hearth runs it in its mode Mining. Its mode Heating has a thermostat of its own in Canaan's app, which Hearth does not use."},
		}
	case strings.HasPrefix(flat, "avalonq"), name == "Q":
		return model{
			name: "Avalon Q", knob: workMode, most: 1800, idle: 146, fans: 4,
			steps: []step{{"eco", "Eco", 0, 800, 1}, {"standard", "Standard", 1, 1300, 2}, {"super", "Super", 2, 1700, 3}},
			temps: append([]channel{
				{"ITemp", "air in", device.AirIn, ""},
				{"HBITemp", "board in", device.Board, "where air enters the hash board"},
				{"HBOTemp", "board out", device.Board, "where air leaves the hash board"},
			}, chips()...),
		}
	}
	// 4000 W bounds what any miner of the family on one plug draws.
	return model{
		name: strings.TrimSpace(prod), most: 4000, fans: 4, temps: chips(),
		notes: []string{fmt.Sprintf("%q is not one of the home miners this driver can set: it is only read.", strings.TrimSpace(prod))},
	}
}

// command returns the parameter of ascset that sets a step.
func (m model) command(s step) string {
	value := fmt.Sprint(s.value)
	if m.knob == modeAndLevel {
		value = fmt.Sprintf("%d,%d", mining, s.value)
	}
	return "0," + m.option() + ",set," + value
}

// option is the name of the option of ascset that sets a step.
func (m model) option() string {
	return [...]string{noKnob: "", workMode: "workmode", workLevel: "worklevel", modeAndLevel: "work_mode_lvl"}[m.knob]
}

// step returns the step of an id.
func (m model) step(id string) (step, bool) {
	i := slices.IndexFunc(m.steps, func(s step) bool { return s.id == id })
	if i < 0 {
		return step{}, false
	}
	return m.steps[i], true
}

// level tells which step is in force.
func (m model) level(s stats, at time.Time) units.Known[string] {
	unknown := func(format string, args ...any) units.Known[string] {
		return units.Unknown[string](fmt.Sprintf(format, args...), at)
	}
	var key string
	switch m.knob {
	case noKnob:
		return unknown("this miner has no levels that Hearth knows")
	case workMode:
		key = "WORKMODE"
	case workLevel:
		key = "WORKLEVEL"
	case modeAndLevel:
		key = "WORKLEVEL"
		mode, ok := s.whole("WORKMODE")
		if !ok {
			return unknown("the miner does not tell WORKMODE")
		}
		if mode != mining {
			return unknown("the miner is in its mode %s, which Hearth does not set", [...]string{"Heating", "Mining", "Night"}[max(0, min(2, mode))])
		}
	}
	v, ok := s.whole(key)
	if !ok {
		return unknown("the miner does not tell %s", key)
	}
	for _, st := range m.steps {
		if st.value == v {
			return units.Know(st.id, at, units.Estimate)
		}
	}
	return unknown("the miner is at %s %d, which Hearth does not know", key, v)
}
