package units

import (
	"encoding/json"
	"fmt"
	"time"
)

// Provenance says where a figure comes from, best first. The order is a law
// of the design: meter > PSU > estimate > nameplate > simulated.
type Provenance uint8

// The provenances, from best to worst.
const (
	// None is the provenance of a value that is unknown.
	None Provenance = iota
	// Chosen is a value that a person, a schedule or a rule set. It does not
	// make a figure derived from it any worse.
	Chosen
	// Meter is an instrument made for the purpose: a meter, a thermometer.
	Meter
	// PSU is what a power supply measures of itself.
	PSU
	// Estimate is a firmware's or a model's reckoning.
	Estimate
	// Nameplate is a figure off a label or a data sheet.
	Nameplate
	// Simulated is made up by a model of a thing that is not there.
	Simulated
)

var provenanceNames = [...]string{"unknown", "chosen", "meter", "psu", "estimate", "nameplate", "simulated"}

// String returns the name used in the API and the ledger.
func (p Provenance) String() string {
	if int(p) < len(provenanceNames) {
		return provenanceNames[p]
	}
	return fmt.Sprintf("provenance(%d)", uint8(p))
}

// MarshalText implements [encoding.TextMarshaler].
func (p Provenance) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Provenance) UnmarshalText(b []byte) error {
	for i, n := range provenanceNames {
		if n == string(b) {
			*p = Provenance(i)
			return nil
		}
	}
	return fmt.Errorf("%q is not a provenance", b)
}

// Worst returns the worse of two provenances. None is worse than all: what is
// made from an unknown is unknown.
func Worst(p, q Provenance) Provenance {
	if p == None || q == None {
		return None
	}
	return max(p, q)
}

// Known is a T that may be unknown. The zero Known is unknown.
type Known[T any] struct {
	value T
	at    time.Time
	from  Provenance // None exactly when unknown
	why   string
}

// Know returns the known value v, read at the time at from the source from,
// which must not be None.
func Know[T any](v T, at time.Time, from Provenance) Known[T] {
	if from == None {
		panic("units.Know: a known value needs a provenance")
	}
	return Known[T]{value: v, at: at, from: from}
}

// Unknown returns an unknown T, with the reason in plain words and the time
// since or at which it is unknown (zero if that is unknown too).
func Unknown[T any](why string, at time.Time) Known[T] { return Known[T]{why: why, at: at} }

// Get returns the value and whether it is known. The value of an unknown is
// the zero T and must not be used.
func (k Known[T]) Get() (T, bool) { return k.value, k.from != None }

// IsKnown reports whether the value is known.
func (k Known[T]) IsKnown() bool { return k.from != None }

// At returns when the value was read.
func (k Known[T]) At() time.Time { return k.at }

// From returns where the value comes from; None when unknown.
func (k Known[T]) From() Provenance { return k.from }

// Why returns why the value is unknown, empty when it is known.
func (k Known[T]) Why() string {
	if k.from != None {
		return ""
	}
	if k.why == "" {
		return "no reading yet"
	}
	return k.why
}

// Marked returns k with its provenance made at least as bad as p.
func (k Known[T]) Marked(p Provenance) Known[T] {
	if k.from != None {
		k.from = max(k.from, p)
	}
	return k
}

// Fresh returns k, or an unknown when k is older than age at now, or lies
// more than age in the future, as after a clock jump.
func (k Known[T]) Fresh(now time.Time, age time.Duration) Known[T] {
	if k.from == None {
		return k
	}
	switch d := now.Sub(k.at); {
	case d > age:
		return Unknown[T](fmt.Sprintf("last reading is %s old", d.Round(time.Second)), k.at)
	case -d > age:
		return Unknown[T]("reading is from the future: a clock is wrong", k.at)
	}
	return k
}

// String prints the value as its type prints, or "unknown (why)".
func (k Known[T]) String() string {
	if k.from == None {
		return "unknown (" + k.Why() + ")"
	}
	return fmt.Sprint(k.value)
}

// Map applies f to a known value, keeping time and provenance.
func Map[T, U any](k Known[T], f func(T) U) Known[U] {
	if v, ok := k.Get(); ok {
		return Known[U]{value: f(v), at: k.at, from: k.from}
	}
	return Known[U]{at: k.at, why: k.why}
}

// Join combines two values: unknown if either is, else f of both with the
// older time and the worse provenance.
func Join[T, U, V any](a Known[T], b Known[U], f func(T, U) V) Known[V] {
	x, ok := a.Get()
	if !ok {
		return Known[V]{at: a.at, why: a.why}
	}
	y, ok := b.Get()
	if !ok {
		return Known[V]{at: b.at, why: b.why}
	}
	at := a.at
	if b.at.Before(at) {
		at = b.at
	}
	return Known[V]{value: f(x, y), at: at, from: Worst(a.from, b.from)}
}

// knownJSON is the form of a Known on every surface: a plain number with its
// unit, or null with the reason.
type knownJSON struct {
	Value      json.RawMessage `json:"value"`
	Unit       string          `json:"unit,omitempty"`
	At         *time.Time      `json:"at,omitempty"`
	Provenance Provenance      `json:"provenance"`
	Why        string          `json:"why,omitempty"`
}

// MarshalJSON writes {"value":20.6,"unit":"°C","at":…,"provenance":"meter"},
// or {"value":null,"unit":"°C","provenance":"unknown","why":"…"}.
func (k Known[T]) MarshalJSON() ([]byte, error) {
	out := knownJSON{Provenance: k.from, Why: k.Why(), Value: json.RawMessage("null")}
	q, isQuantity := any(k.value).(Quantity)
	if isQuantity {
		out.Unit = q.Unit()
	}
	if !k.at.IsZero() {
		out.At = &k.at
	}
	if k.from != None {
		var plain any = k.value
		if isQuantity {
			plain = q.Float()
		}
		b, err := json.Marshal(plain)
		if err != nil {
			return nil, err
		}
		out.Value = b
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes. A unit other than T's own is
// an error. Prices and other composite quantities are not read back.
func (k *Known[T]) UnmarshalJSON(b []byte) error {
	var in knownJSON
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	var at time.Time
	if in.At != nil {
		at = *in.At
	}
	if in.Provenance == None || string(in.Value) == "null" || in.Value == nil {
		*k = Unknown[T](in.Why, at)
		return nil
	}
	var v T
	if q, ok := any(v).(Quantity); ok && q.Unit() != in.Unit && q.Unit() != "" {
		return fmt.Errorf("value in %q where %q is wanted", in.Unit, q.Unit())
	}
	if err := unmarshalPlain(in.Value, &v); err != nil {
		return err
	}
	*k = Know(v, at, in.Provenance)
	return nil
}

func unmarshalPlain(b json.RawMessage, dst any) error {
	var f *float64
	switch d := dst.(type) {
	case *Watts:
		f = (*float64)(d)
	case *Joules:
		f = (*float64)(d)
	case *KilowattHours:
		f = (*float64)(d)
	case *Celsius:
		f = (*float64)(d)
	case *Kelvin:
		f = (*float64)(d)
	case *Litres:
		f = (*float64)(d)
	case *LitresPerMinute:
		f = (*float64)(d)
	case *HashRate:
		f = (*float64)(d)
	case *Fraction:
		f = (*float64)(d)
	case *RPM:
		f = (*float64)(d)
	case *Grams:
		f = (*float64)(d)
	default:
		return json.Unmarshal(b, dst)
	}
	return json.Unmarshal(b, f)
}
