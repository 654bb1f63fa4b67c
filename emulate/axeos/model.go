package axeos

import (
	"fmt"
	"slices"
	"strings"

	"hearth/units"
)

// Model names a board.
type Model string

// The boards.
const (
	Max        Model = "max"        // BM1397
	Ultra      Model = "ultra"      // BM1366
	Supra      Model = "supra"      // BM1368
	Gamma      Model = "gamma"      // BM1370
	GammaTurbo Model = "gammaturbo" // two BM1370
	NerdQAxe   Model = "nerdqaxe"   // NerdQAxe+, four BM1368
)

// Models lists the boards.
func Models() []Model { return []Model{Max, Ultra, Supra, Gamma, GammaTurbo, NerdQAxe} }

// ParseModel reads a model's name.
func ParseModel(s string) (Model, error) {
	m := Model(strings.ToLower(s))
	if !slices.Contains(Models(), m) {
		return "", fmt.Errorf("there is no model %q: use one of %v", s, Models())
	}
	return m, nil
}

// board is a row of ESP-Miner's main/device_config.h.
type board struct {
	family    string // deviceModel
	version   string // boardVersion
	chip      string // ASICModel
	chips     int
	cores     int // small cores of a chip
	mhz       []float64
	mv        []float64
	usualMHz  float64
	usualMV   float64
	input     units.Watts // into the board at the defaults
	allowance units.Watts // power_offset
	limit     units.Watts // maxPower
	volts     float64     // nominalVoltage
	nerd      bool
}

func (m Model) board() board {
	bm1368 := []float64{400, 425, 450, 475, 485, 490, 500, 525, 550, 575}
	bm1368mv := []float64{1100, 1150, 1166, 1200, 1250, 1300}
	bm1370 := []float64{400, 490, 525, 550, 600, 625}
	bm1370mv := []float64{1000, 1060, 1100, 1150, 1200, 1250}
	switch m {
	case Max:
		return board{
			family: "Max", version: "102", chip: "BM1397", chips: 1, cores: 672,
			mhz:      []float64{400, 425, 450, 475, 485, 500, 525, 550, 575, 600},
			mv:       []float64{1100, 1150, 1200, 1250, 1300, 1350, 1400, 1450, 1500},
			usualMHz: 425, usualMV: 1400, input: 12, allowance: 5, limit: 25, volts: 5,
		}
	case Ultra:
		return board{
			family: "Ultra", version: "205", chip: "BM1366", chips: 1, cores: 894,
			mhz:      []float64{400, 425, 450, 475, 485, 500, 525, 550, 575},
			mv:       []float64{1100, 1150, 1200, 1250, 1300},
			usualMHz: 485, usualMV: 1200, input: 12, allowance: 5, limit: 25, volts: 5,
		}
	case Supra:
		return board{
			family: "Supra", version: "401", chip: "BM1368", chips: 1, cores: 1276,
			mhz: bm1368, mv: bm1368mv,
			usualMHz: 490, usualMV: 1166, input: 12, allowance: 5, limit: 40, volts: 5,
		}
	case Gamma:
		return board{
			family: "Gamma", version: "601", chip: "BM1370", chips: 1, cores: 2040,
			mhz: bm1370, mv: bm1370mv,
			usualMHz: 525, usualMV: 1150, input: 19, allowance: 5, limit: 40, volts: 5,
		}
	case GammaTurbo:
		return board{
			family: "GammaTurbo", version: "801", chip: "BM1370", chips: 2, cores: 2040,
			mhz: bm1370, mv: bm1370mv,
			usualMHz: 525, usualMV: 1150, input: 36, allowance: 10, limit: 60, volts: 12,
		}
	case NerdQAxe:
		return board{
			family: "NerdQAxe+", version: "", chip: "BM1368", chips: 4, cores: 1276,
			mhz: bm1368, mv: bm1368mv,
			usualMHz: 490, usualMV: 1250, input: 56, limit: 100, volts: 12, nerd: true,
		}
	}
	panic(fmt.Sprintf("axeos: there is no model %q", string(m)))
}
