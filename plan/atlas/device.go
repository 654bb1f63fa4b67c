package atlas

import (
	_ "embed" // for the table

	"hearth/units"
)

// DeviceKind is what a device computes.
type DeviceKind string

// What devices compute.
const (
	Hashing   DeviceKind = "hash"      // Bitcoin's SHA-256d
	Inference DeviceKind = "inference" // models, on processors and graphics cards
)

// Device is a machine whose heat can be used.
type Device struct {
	Name string
	Kind DeviceKind
	// Draw is the electrical power at full work, Least the least at which it
	// still works, Idle what it takes when it does not; all nominal.
	Draw, Least, Idle units.Watts
	// Plain is that part of Draw which only heats and computes nothing.
	Plain units.Watts
	// Terahashes in a second at Draw, of a device that hashes; else 0.
	Terahashes float64
	// Hottest is the highest temperature of the water it gives; 0: air only.
	Hottest units.Celsius
	// Recovery is the share of its heat that reaches rooms or water.
	Recovery units.Fraction
	// Availability is the share of its nominal earnings that it was seen to be
	// paid; 0 where nobody looked.
	Availability units.Fraction
	// Price of one in US dollars, and Noise in dB(A) at full work.
	Price, Noise Fact
	Life         float64 // years, by judgement
	Source       SourceID
	Note         string
}

// Efficiency returns joules for a terahash, of what of the power computes; 0
// for a device that does not hash.
func (d Device) Efficiency() float64 {
	if d.Terahashes == 0 {
		return 0
	}
	return float64(d.Draw-d.Plain) / d.Terahashes
}

//go:embed devices.csv
var devicesCSV string

// Devices returns every known device, hash heaters first.
func Devices() []Device {
	var list []Device
	for _, r := range read("devices.csv", devicesCSV).rows {
		d := Device{
			Name: r.text("name"), Kind: DeviceKind(r.text("kind")),
			Draw: units.Watts(r.value("draw")), Least: units.Watts(r.value("least")),
			Idle: units.Watts(r.value("idle")), Plain: units.Watts(r.value("plain")),
			Terahashes: r.value("terahashes"),
			Hottest:    units.Celsius(r.value("hottest")), Recovery: units.Fraction(r.value("recovery")), Availability: units.Fraction(r.value("availability")),
			Life: r.value("life"), Source: SourceID(r.text("source")), Note: r.text("note"),
		}
		if x, known := r.number("price"); known {
			d.Price = Fact{x, int(r.value("price_year")), SourceID(r.text("price_source")), r.text("price_note")}
		} else {
			d.Price.Note = r.text("price_note")
		}
		if x, known := r.number("noise"); known {
			d.Noise = Fact{x, int(r.value("year")), d.Source, r.text("noise_note")}
		}
		list = append(list, d)
	}
	return list
}
