package jsonpath

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"hearth/units"
)

// Field is a number in a document and how to read it.
type Field struct {
	// Path is where the number is.
	Path Path `yaml:"path"`
	// Scale multiplies it; 0 is 1.
	Scale float64 `yaml:"scale"`
	// Unknown lists the numbers, before scaling, by which the device says that
	// it does not know, such as -1, -127 or 85.
	Unknown []float64 `yaml:"unknown"`
}

// ErrUnknown says that a device told, by a number that stands for it, that it
// does not know.
var ErrUnknown = errors.New("which stands for unknown")

// Number returns the scaled number. A number listed as unknown is
// [ErrUnknown].
func (f Field) Number(doc []byte) (float64, error) {
	v, err := f.Path.Number(doc)
	if err != nil {
		return 0, err
	}
	if slices.Contains(f.Unknown, v) {
		return 0, fmt.Errorf("%s is %v, %w", f.Path.name(), v, ErrUnknown)
	}
	if f.Scale != 0 {
		v *= f.Scale
	}
	if math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s is too large", f.Path.name())
	}
	return v, nil
}

// The temperatures that a thermometer in or around a house can show.
const (
	Coldest units.Celsius = -60
	Hottest units.Celsius = 150
)

// IsTemperature reports whether unit is one that [Celsius] takes. Nothing at
// all is none.
func IsTemperature(unit string) bool {
	_, err := Celsius(50, unit)
	return unit != "" && err == nil
}

// Celsius makes a temperature of a figure in °C (also C, or nothing), °F (F)
// or m°C. What no thermometer in a house shows is an error.
func Celsius(v float64, unit string) (units.Celsius, error) {
	switch unit {
	case "", "°C", "C":
	case "°F", "F":
		v = (v - 32) / 1.8
	case "m°C":
		v /= 1000
	default:
		return 0, fmt.Errorf("%q is not a unit of temperature: write °C, °F or m°C", unit)
	}
	t := units.Celsius(v)
	if !(t >= Coldest && t <= Hottest) {
		return 0, fmt.Errorf("%v cannot be", t)
	}
	return t, nil
}
