package avalon

import (
	"fmt"
	"slices"
	"strings"

	"hearth/units"
)

// Model names a miner.
type Model string

// The miners.
const (
	Nano3  Model = "nano3"
	Nano3s Model = "nano3s"
	Mini3  Model = "mini3"
	Q      Model = "q"
)

// Models lists the miners.
func Models() []Model { return []Model{Nano3, Nano3s, Mini3, Q} }

// ParseModel reads a model's name.
func ParseModel(s string) (Model, error) {
	m := Model(strings.ToLower(s))
	if !slices.Contains(Models(), m) {
		return "", fmt.Errorf("there is no model %q: use one of %v", s, Models())
	}
	return m, nil
}

// level is one setting of a miner's power.
type level struct {
	mode, level int
	wall        units.Watts
	rate        float64 // GH/s
}

// product is what the models differ in.
type product struct {
	prod, model, hwtype, swtype, version string
	mac                                  string
	levels                               []level // by rising power
	maxMode                              int
	modes                                bool        // has workmode; the Nano 3 has worklevel only
	softOff                              bool        // has softoff and softon
	led                                  bool        // has a light ring
	idle                                 units.Watts // on, not hashing
	wallPerDC                            float64
	volts                                float64 // of the hash board
	setVolts                             int     // PS[5]
	chips                                int
	fans                                 int
	target                               float64 // °C of the chips that the fan holds
	wrapped                              bool    // MM ID0:Summary, in 'STATS':{…}
}

func (m Model) product() product {
	switch m {
	case Nano3:
		// 140 W class with levels Low, Mid and High. PS as on the 3s.
		return product{
			prod: "Avalonnano", model: "nano3", mac: "e0e1a9000003", hwtype: "PMMv1_X1", swtype: "MM318_X2", version: "24071801_42c628d",
			levels:  []level{{0, 0, 65, 2300}, {0, 1, 100, 3300}, {0, 2, 140, 4100}},
			maxMode: 0, idle: 6, wallPerDC: 1.08, volts: 27.5, setVolts: 3700, chips: 10, fans: 1, target: 90,
		}
	case Nano3s:
		// High and the form of PS from recordings: PS[0 0 27541 4 0 3756 133].
		return product{
			prod: "Avalon Nano3s", model: "nano3s", mac: "e0e1a9000035", hwtype: "N_MM1v1_X1", swtype: "MM319", version: "25021401_56abae7",
			levels:  []level{{0, 0, 66, 3400}, {1, 0, 100, 5000}, {2, 0, 133, 6700}},
			maxMode: 2, modes: true, led: true, idle: 6, wallPerDC: 1.08, volts: 275.41, setVolts: 3756, chips: 12, fans: 1, target: 90,
		}
	case Q:
		// Super draws 1598 W DC and 1670 W at the wall in a recording.
		return product{
			prod: "Avalon Q", model: "Q", mac: "e0e1a9000051", hwtype: "Q_MM1v1_X1", swtype: "MM319", version: "25052801_14a19a2",
			levels:  []level{{0, 0, 800, 52_000}, {1, 0, 1300, 76_000}, {2, 0, 1670, 90_000}},
			maxMode: 2, modes: true, softOff: true, idle: 146, wallPerDC: 1.045, volts: 24.21, setVolts: 2245, chips: 160, fans: 4, target: 65, wrapped: true,
		}
	case Mini3:
		// The Mini 3's Super draws 755 W DC and 839 W at the wall in a recording;
		// the pairs are Heating, Mining and Night, each with Eco (-1) and Super (0).
		return product{
			prod: "Mini3", model: "Mini3", mac: "e0e1a9000033", hwtype: "Mini3_MM1v1_X1", swtype: "MM319", version: "25021401_56abae7",
			levels: []level{
				{0, -1, 450, 22_000},
				{1, -1, 450, 22_000},
				{2, -1, 400, 20_000},
				{2, 0, 600, 29_000},
				{0, 0, 839, 39_000},
				{1, 0, 839, 39_000},
			},
			maxMode: 2, modes: true, softOff: true, idle: 14, wallPerDC: 1.11, volts: 20.91, setVolts: 2090, chips: 66, fans: 2, target: 80, wrapped: true,
		}
	}
	panic("avalon: there is no model " + string(m))
}

// at returns the level of a mode and a level, false if there is none.
func (p product) at(mode, lvl int) (level, bool) {
	for _, l := range p.levels {
		if l.mode == mode && l.level == lvl {
			return l, true
		}
	}
	return level{}, false
}

// usual is the level a miner comes with: full power, the Mini 3 in its own
// Heating mode.
func (p product) usual() level {
	if p.model == "Mini3" {
		l, _ := p.at(0, 0)
		return l
	}
	return p.levels[len(p.levels)-1]
}

// commands returns the options of ascset that the model has, as its help does.
func (p product) commands() []string {
	c := []string{"help", "voltage", "fan-spd"}
	if p.led {
		c = append(c, "ledmode", "ledset")
	}
	if p.modes {
		c = append(c, "workmode")
	}
	c = append(c, "worklevel")
	if p.modes {
		c = append(c, "work_mode_lvl")
	}
	c = append(c, "reboot")
	if p.softOff {
		c = append(c, "softoff", "softon")
	}
	return c
}
