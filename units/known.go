package units

import (
	"encoding/json"
	"fmt"
	"math"
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
// which must not be None. A quantity that cannot be (not a number, infinite,
// below absolute zero) is unknown, whoever says it.
func Know[T any](v T, at time.Time, from Provenance) Known[T] {
	if from == None {
		panic("units.Know: a known value needs a provenance")
	}
	if why := impossible(v); why != "" {
		return Unknown[T](why, at)
	}
	return Known[T]{value: v, at: at, from: from}
}

// impossible says why v cannot be the value of a quantity, empty if it can.
func impossible(v any) string {
	q, ok := v.(Quantity)
	if !ok {
		return ""
	}
	f := q.Float()
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return "the reading is not a number"
	}
	if t, ok := v.(Celsius); ok && t < AbsoluteZero {
		return "the reading is below absolute zero"
	}
	return ""
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
		return Know(f(v), k.at, k.from)
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
	return Know(f(x, y), at, Worst(a.from, b.from))
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
// or {"value":null,"unit":"°C","provenance":"unknown","why":"…"}. A duration
// is written in seconds.
func (k Known[T]) MarshalJSON() ([]byte, error) {
	out := knownJSON{Provenance: k.from, Why: k.Why(), Value: json.RawMessage("null")}
	var plain any = k.value
	switch v := plain.(type) {
	case Quantity:
		out.Unit, plain = v.Unit(), v.Float()
	case time.Duration:
		out.Unit, plain = "s", v.Seconds()
	}
	if !k.at.IsZero() {
		out.At = &k.at
	}
	if k.from != None {
		b, err := json.Marshal(plain)
		if err != nil {
			return nil, err
		}
		out.Value = b
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads what MarshalJSON writes. A unit other than T's own, a
// missing unit and a value that cannot be are errors.
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
	if err := unmarshalPlain(in.Value, in.Unit, &v); err != nil {
		return err
	}
	if why := impossible(v); why != "" {
		return fmt.Errorf("value %s %s: %s", in.Value, in.Unit, why)
	}
	*k = Know(v, at, in.Provenance)
	return nil
}

// unmarshalPlain reads a number counted in unit into *dst.
func unmarshalPlain(b json.RawMessage, unit string, dst any) error {
	var (
		f    float64
		want string
		set  func()
	)
	switch d := dst.(type) {
	case *Watts:
		want, set = d.Unit(), func() { *d = Watts(f) }
	case *Joules:
		want, set = d.Unit(), func() { *d = Joules(f) }
	case *KilowattHours:
		want, set = d.Unit(), func() { *d = KilowattHours(f) }
	case *Celsius:
		want, set = d.Unit(), func() { *d = Celsius(f) }
	case *Kelvin:
		want, set = d.Unit(), func() { *d = Kelvin(f) }
	case *Litres:
		want, set = d.Unit(), func() { *d = Litres(f) }
	case *LitresPerMinute:
		want, set = d.Unit(), func() { *d = LitresPerMinute(f) }
	case *HashRate:
		want, set = d.Unit(), func() { *d = HashRate(f) }
	case *Fraction:
		want, set = d.Unit(), func() { *d = Fraction(f) }
	case *RPM:
		want, set = d.Unit(), func() { *d = RPM(f) }
	case *Grams:
		want, set = d.Unit(), func() { *d = Grams(f) }
	case *Sats:
		want, set = d.Unit(), func() { *d = Sats(f) }
	case *time.Duration:
		want, set = "s", func() { *d = time.Duration(math.Round(f * 1e9)) }
	case *Money:
		return d.UnmarshalText([]byte(string(b) + " " + unit))
	case *Price:
		return d.UnmarshalText([]byte(string(b) + " " + unit))
	default:
		return json.Unmarshal(b, dst)
	}
	if unit != want {
		return fmt.Errorf("value in %q where %q is wanted", unit, want)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return err
	}
	set()
	return nil
}
