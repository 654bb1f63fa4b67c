package httpjson

import (
	"encoding/json"
	"math"
	"time"

	"hearth/units"
)

// Object is a JSON object whose fields are looked at one by one. Names match
// exactly: firmware has fields that differ by case alone.
type Object map[string]json.RawMessage

// Has reports whether the field is there and is not null.
func (o Object) Has(name string) bool {
	v, ok := o[name]
	return ok && string(v) != "null"
}

// Float returns a field that is a finite number.
func (o Object) Float(name string) (float64, bool) {
	var v *float64
	if json.Unmarshal(o[name], &v) != nil || v == nil || math.IsInf(*v, 0) || math.IsNaN(*v) {
		return 0, false
	}
	return *v, true
}

// Text returns a field that is a string.
func (o Object) Text(name string) (string, bool) {
	var v *string
	if json.Unmarshal(o[name], &v) != nil || v == nil {
		return "", false
	}
	return *v, true
}

// Truth returns a field that is true, false, 0 or 1: firmware changes between
// the two forms from one version to the next.
func (o Object) Truth(name string) (value, ok bool) {
	var v *bool
	if json.Unmarshal(o[name], &v) == nil && v != nil {
		return *v, true
	}
	switch f, ok := o.Float(name); {
	case ok && f == 0:
		return false, true
	case ok && f == 1:
		return true, true
	}
	return false, false
}

// Object returns a field that is an object, nil if it is not.
func (o Object) Object(name string) Object {
	var v Object
	if json.Unmarshal(o[name], &v) != nil {
		return nil
	}
	return v
}

// Objects returns the objects in a field that is a list of objects, nil if it
// is not.
func (o Object) Objects(name string) []Object {
	var v []Object
	if json.Unmarshal(o[name], &v) != nil {
		return nil
	}
	return v
}

// Floats returns a field that is a list of numbers, nil if it is not.
func (o Object) Floats(name string) []float64 {
	var v []float64
	if json.Unmarshal(o[name], &v) != nil {
		return nil
	}
	return v
}

// Texts returns a field that is a list of strings, nil if it is not.
func (o Object) Texts(name string) []string {
	var v []string
	if json.Unmarshal(o[name], &v) != nil {
		return nil
	}
	return v
}

// Known returns a field that is a number within lowest and highest, and an
// unknown with the reason when it is missing, of another type or out of range.
func Known[T ~float64](o Object, name string, lowest, highest T, at time.Time, from units.Provenance) units.Known[T] {
	v, ok := o.Float(name)
	switch {
	case !o.Has(name):
		return units.Unknown[T]("the device does not tell", at)
	case !ok:
		return units.Unknown[T]("the device tells something that is not a number", at)
	case T(v) < lowest || T(v) > highest:
		return units.Unknown[T]("the device tells "+string(o[name])+", which cannot be", at)
	}
	return units.Know(T(v), at, from)
}
