package ledger

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"hearth/units"
)

// Kind is what a record is about: a short word of a-z, 0-9 and _. A kind that
// a version does not know is kept and verified like any other; only its body
// is not looked into.
type Kind string

// The kinds of record whose bodies this version knows.
const (
	KindGenesis     Kind = "genesis"     // [Genesis], record 1
	KindCheckpoint  Kind = "checkpoint"  // [Checkpoint]
	KindElectricity Kind = "electricity" // [Electricity], subject: the device
	KindHeat        Kind = "heat"        // [Heat], subject: the device
	KindWork        Kind = "work"        // [Work], subject: the device
	KindEarning     Kind = "earning"     // [Earning], subject: who paid
	KindCoin        Kind = "coin"        // [Coin], subject: the network
	KindCommand     Kind = "command"     // [Command], subject: the device
	KindTrip        Kind = "trip"        // [Trip], subject: zone or device
	KindEvent       Kind = "event"       // [Event], subject: what it is about
	KindSetting     Kind = "setting"     // [Setting], subject: what was set
	KindGap         Kind = "gap"         // [Gap]
)

// maxMilli is the most thousandths that an energy or a power may have: below
// it the step to floating point and back loses nothing. It is 312 MWh.
const maxMilli = 1 << 50

// maxKind is the most bytes a kind may have.
const maxKind = 32

func (k Kind) valid() bool { return len(k) <= maxKind && isKey(string(k)) }

// Body is what a record says. The types that implement it are in this
// package, one for each kind.
type Body interface {
	// Kind is the kind of record that carries the body.
	Kind() Kind
	check() error
}

// NewEntry returns the entry with the given body, encoded.
func NewEntry(at time.Time, subject string, simulated bool, body Body) (Entry, error) {
	b, err := encode(body)
	if err != nil {
		return Entry{}, fmt.Errorf("encode %s: %w", body.Kind(), err)
	}
	e := Entry{At: at, Kind: body.Kind(), Subject: subject, Simulated: simulated, Body: b}
	return e, nil
}

func encode(body Body) ([]byte, error) {
	if err := body.check(); err != nil {
		return nil, err
	}
	return canonicalJSON(body)
}

// decode reads a body of a known kind. It takes the one form that encode
// writes and no other.
func decode(k Kind, b []byte) (Body, error) {
	switch k {
	case KindGenesis:
		return read[Genesis](k, b)
	case KindCheckpoint:
		return read[Checkpoint](k, b)
	case KindElectricity:
		return read[Electricity](k, b)
	case KindHeat:
		return read[Heat](k, b)
	case KindWork:
		return read[Work](k, b)
	case KindEarning:
		return read[Earning](k, b)
	case KindCoin:
		return read[Coin](k, b)
	case KindCommand:
		return read[Command](k, b)
	case KindTrip:
		return read[Trip](k, b)
	case KindEvent:
		return read[Event](k, b)
	case KindSetting:
		return read[Setting](k, b)
	case KindGap:
		return read[Gap](k, b)
	case KindShares:
		return read[Shares](k, b)
	case KindTransfer:
		return read[Transfer](k, b)
	case KindPayout:
		return read[Payout](k, b)
	case KindRate:
		return read[Rate](k, b)
	case KindAgreement:
		return read[Agreement](k, b)
	case KindPrice:
		return read[Price](k, b)
	case KindYield:
		return read[Yield](k, b)
	case KindClosing:
		return read[Closing](k, b)
	}
	return nil, nil
}

func read[B Body](k Kind, b []byte) (Body, error) {
	var body B
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil {
		return nil, fmt.Errorf("%s body: %w", k, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s body: bytes after the object", k)
	}
	again, err := encode(body)
	if err != nil {
		return nil, fmt.Errorf("%s body: %w", k, err)
	}
	if !bytes.Equal(b, again) {
		return nil, fmt.Errorf("%s body: written in another form than the one there is", k)
	}
	return body, nil
}

// Genesis begins a ledger.
type Genesis struct {
	Format int `json:"format"` // of the ledger: 1
	// Key is the public key that every record is signed with, hexadecimal.
	Key string `json:"key"`
	// ID tells ledgers made with one key apart: 16 random bytes, hexadecimal.
	ID string `json:"id"`
}

// Kind implements [Body].
func (Genesis) Kind() Kind { return KindGenesis }

func (g Genesis) check() error {
	if g.Format != 1 {
		return fmt.Errorf("format %d is not known: a newer Hearth wrote it", g.Format)
	}
	if err := unhex(make([]byte, 32), []byte(g.Key)); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if err := unhex(make([]byte, 16), []byte(g.ID)); err != nil {
		return fmt.Errorf("id: %w", err)
	}
	return nil
}

// NewGenesis returns the first entry of a ledger signed with the key pub. The
// id makes it differ from every other ledger and should be random.
func NewGenesis(at time.Time, pub []byte, id [16]byte) (Entry, error) {
	g := Genesis{Format: 1, Key: hex.EncodeToString(pub), ID: hex.EncodeToString(id[:])}
	return NewEntry(at, "", false, g)
}

// Energy is an amount of energy in a span of time. It is kept to the
// millijoule.
type Energy struct {
	From, To   time.Time
	Joules     units.Joules // not negative
	Provenance units.Provenance
	// Zone is where the heat went, or where the device stands; may be empty.
	Zone string
}

type energyJSON struct {
	From       time.Time        `json:"from"`
	To         time.Time        `json:"to"`
	MJ         int64            `json:"mj"`
	Provenance units.Provenance `json:"provenance"`
	Zone       string           `json:"zone,omitempty"`
}

func (e Energy) check() error {
	if err := checkSpan(e.From, e.To); err != nil {
		return err
	}
	if err := checkProvenance(e.Provenance); err != nil {
		return err
	}
	if mj := float64(e.Joules) * 1000; math.IsNaN(mj) || mj < 0 || mj > maxMilli {
		return fmt.Errorf("energy of %v J is not an amount", float64(e.Joules))
	}
	return checkSubject(e.Zone)
}

// Millijoules returns the energy as it is kept.
func (e Energy) Millijoules() int64 { return int64(math.Round(float64(e.Joules) * 1000)) }

func (e Energy) simulated() bool { return e.Provenance == units.Simulated }

func (e Energy) marshal() ([]byte, error) {
	return json.Marshal(energyJSON{e.From.UTC(), e.To.UTC(), e.Millijoules(), e.Provenance, e.Zone})
}

func (e *Energy) unmarshal(b []byte) error {
	var in energyJSON
	if err := strict(b, &in); err != nil {
		return err
	}
	*e = Energy{in.From, in.To, units.Joules(float64(in.MJ) / 1000), in.Provenance, in.Zone}
	return nil
}

// strict decodes b, with no field that v does not have. A type that decodes
// itself loses the strictness of the decoder that called it.
func strict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}

func checkSpan(from, to time.Time) error {
	if !from.Before(to) {
		return fmt.Errorf("the span from %s to %s is empty", from.UTC().Format(time.RFC3339), to.UTC().Format(time.RFC3339))
	}
	return nil
}

func checkProvenance(p units.Provenance) error {
	if p < units.Meter || p > units.Simulated {
		return fmt.Errorf("an amount cannot have the provenance %q", p)
	}
	return nil
}

// Electricity is what a device drew.
type Electricity Energy

// Kind implements [Body].
func (Electricity) Kind() Kind { return KindElectricity }

func (e Electricity) check() error    { return Energy(e).check() }
func (e Electricity) simulated() bool { return Energy(e).simulated() }

// MarshalJSON implements [json.Marshaler].
func (e Electricity) MarshalJSON() ([]byte, error) { return Energy(e).marshal() }

// UnmarshalJSON implements [json.Unmarshaler].
func (e *Electricity) UnmarshalJSON(b []byte) error { return (*Energy)(e).unmarshal(b) }

// Heat is what a device gave to a room or a tank.
type Heat Energy

// Kind implements [Body].
func (Heat) Kind() Kind { return KindHeat }

func (h Heat) check() error    { return Energy(h).check() }
func (h Heat) simulated() bool { return Energy(h).simulated() }

// MarshalJSON implements [json.Marshaler].
func (h Heat) MarshalJSON() ([]byte, error) { return Energy(h).marshal() }

// UnmarshalJSON implements [json.Unmarshaler].
func (h *Heat) UnmarshalJSON(b []byte) error { return (*Energy)(h).unmarshal(b) }

// Work is what a device computed in a span of time.
type Work struct {
	From time.Time `json:"from"`
	To   time.Time `json:"to"`
	// Amount counts in Unit, a short word such as "gigahash" or "token".
	Amount     int64            `json:"amount"`
	Unit       Kind             `json:"unit"`
	Provenance units.Provenance `json:"provenance"`
}

// Kind implements [Body].
func (Work) Kind() Kind { return KindWork }

func (w Work) simulated() bool { return w.Provenance == units.Simulated }

func (w Work) check() error {
	if err := checkSpan(w.From, w.To); err != nil {
		return err
	}
	if err := checkProvenance(w.Provenance); err != nil {
		return err
	}
	if w.Amount < 0 {
		return fmt.Errorf("work of %d is not an amount", w.Amount)
	}
	if !w.Unit.valid() {
		return fmt.Errorf("unit %q: want a short word of a-z, 0-9 and _", w.Unit)
	}
	return checkUTC(w.From, w.To)
}

// Earning is what came in for work, or went out if it is negative.
type Earning struct {
	Millisats int64 `json:"msat"`
	// For says what it was paid for, Proof how it can be looked up.
	For   string `json:"for,omitempty"`
	Proof string `json:"proof,omitempty"`
}

// Kind implements [Body].
func (Earning) Kind() Kind { return KindEarning }

func (e Earning) check() error { return nil }

// Coin is what a network paid for work in its own coin. It is not money: what a
// coin may be exchanged for is not the ledger's business.
type Coin struct {
	// Amount counts in Unit, the smallest part of the coin.
	Amount int64 `json:"amount"`
	Unit   Kind  `json:"unit"`
	// Test says that the coin is a test coin, worth nothing.
	Test bool `json:"test"`
	// For says what it was paid for, Proof how it can be looked up and checked.
	For   string `json:"for,omitempty"`
	Proof string `json:"proof,omitempty"`
}

// Kind implements [Body].
func (Coin) Kind() Kind { return KindCoin }

func (c Coin) check() error {
	if c.Amount < 0 {
		return fmt.Errorf("%d coins cannot come in", c.Amount)
	}
	if !c.Unit.valid() {
		return fmt.Errorf("unit %q: want a short word of a-z, 0-9 and _", c.Unit)
	}
	return nil
}

// Command is what a device was asked to do and whether it did.
type Command struct {
	Verb  string
	Power units.Watts // what the verb set, 0 if it set none; kept to the milliwatt
	Level string
	Why   string
	// Confirmed is set once the device was read back doing it.
	Confirmed bool
	// Trouble says why the command is not believed.
	Trouble string
}

type commandJSON struct {
	Verb      string `json:"verb"`
	MW        int64  `json:"mw,omitempty"`
	Level     string `json:"level,omitempty"`
	Why       string `json:"why,omitempty"`
	Confirmed bool   `json:"confirmed"`
	Trouble   string `json:"trouble,omitempty"`
}

// Kind implements [Body].
func (Command) Kind() Kind { return KindCommand }

func (c Command) check() error {
	if c.Verb == "" {
		return errors.New("a command without a verb")
	}
	if mw := float64(c.Power) * 1000; math.IsNaN(mw) || mw < 0 || mw > maxMilli {
		return fmt.Errorf("power of %v W cannot be asked for", float64(c.Power))
	}
	return nil
}

// MarshalJSON implements [json.Marshaler].
func (c Command) MarshalJSON() ([]byte, error) {
	mw := int64(math.Round(float64(c.Power) * 1000))
	return json.Marshal(commandJSON{c.Verb, mw, c.Level, c.Why, c.Confirmed, c.Trouble})
}

// UnmarshalJSON implements [json.Unmarshaler].
func (c *Command) UnmarshalJSON(b []byte) error {
	var in commandJSON
	if err := strict(b, &in); err != nil {
		return err
	}
	*c = Command{in.Verb, units.Watts(float64(in.MW) / 1000), in.Level, in.Why, in.Confirmed, in.Trouble}
	return nil
}

// Trip is an intervention of the safety supervisor, or its end.
type Trip struct {
	ID      string `json:"id"`
	Rule    string `json:"rule"`
	Cause   string `json:"cause"`
	Did     string `json:"did"`
	Clears  string `json:"clears"`
	Latched bool   `json:"latched"`
	// Cleared is set in the record of the trip's end.
	Cleared bool `json:"cleared"`
}

// Kind implements [Body].
func (Trip) Kind() Kind { return KindTrip }

func (t Trip) check() error {
	if t.ID == "" || t.Rule == "" {
		return errors.New("a trip without its name or rule")
	}
	return nil
}

// Event is something that happened, in plain words.
type Event struct {
	Severity string `json:"severity"`
	Code     string `json:"code"` // for programs, stable
	Text     string `json:"text"`
}

// Kind implements [Body].
func (Event) Kind() Kind { return KindEvent }

func (e Event) check() error {
	if e.Severity == "" || e.Code == "" {
		return errors.New("an event without its severity or code")
	}
	return nil
}

// Setting is something a person or a program changed.
type Setting struct {
	Name string `json:"name"`
	From string `json:"from,omitempty"`
	To   string `json:"to"`
	By   string `json:"by,omitempty"`
}

// Kind implements [Body].
func (Setting) Kind() Kind { return KindSetting }

func (s Setting) check() error {
	if s.Name == "" {
		return errors.New("a setting without its name")
	}
	return nil
}

// Gap says that entries were lost before they could be written, because the
// disk took none for longer than memory could hold them.
type Gap struct {
	From    time.Time `json:"from"` // of the first that was lost
	To      time.Time `json:"to"`   // of the last
	Dropped int64     `json:"dropped"`
	Why     string    `json:"why"`
}

// Kind implements [Body].
func (Gap) Kind() Kind { return KindGap }

func (g Gap) check() error {
	if g.Dropped <= 0 {
		return errors.New("a gap in which nothing was lost")
	}
	return checkUTC(g.From, g.To)
}

// checkUTC keeps times to the one form they are written in.
func checkUTC(times ...time.Time) error {
	for _, t := range times {
		if _, offset := t.Zone(); offset != 0 {
			return fmt.Errorf("time %s is not in UTC", t.Format(time.RFC3339Nano))
		}
	}
	return nil
}
