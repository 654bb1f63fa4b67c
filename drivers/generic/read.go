package generic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hearth/device"
	"hearth/internal/fetch"
	"hearth/internal/jsonpath"
	"hearth/units"
)

// doc is an answer or a message, or why there is none.
type doc struct {
	body []byte
	at   time.Time
	why  error
}

// docs are all that a reading is made from.
type docs map[Source]doc

// collect asks for every answer and takes the newest message of every topic.
// It is an error if the device is not there, or if what it says holds none of
// the values it was asked for.
func (h *Heater) collect(ctx context.Context) (docs, error) {
	got := make(docs)
	if h.broker != nil {
		if err := h.present(); err != nil {
			return nil, err
		}
	}
	for _, v := range h.cfg.sources() {
		s := h.cfg.source(*v.source)
		if _, done := got[s]; done {
			continue
		}
		if s.Topic != "" {
			got[s] = h.newest(s.Topic)
			continue
		}
		body, err := h.http.Do(ctx, http.MethodGet, s.Get, nil)
		if err != nil {
			return nil, classify(err)
		}
		got[s] = doc{body: body, at: h.now()}
	}
	if err := h.silent(got); err != nil {
		return nil, err
	}
	return got, h.garbage(got)
}

// present is an error if the broker, or the device by its availability topic,
// is not there.
func (h *Heater) present() error {
	if !h.broker.Connected() {
		return fmt.Errorf("%w: the MQTT broker is not connected", device.ErrUnreachable)
	}
	topic := h.cfg.MQTT.Availability
	if topic == "" {
		return nil
	}
	m, _, ok := h.latest.Get(topic)
	switch said := strings.TrimSpace(string(m.Payload)); {
	case !ok:
		return fmt.Errorf("%w: nothing has come on its availability topic %s yet", device.ErrUnreachable, topic)
	case said != h.cfg.MQTT.Online:
		return fmt.Errorf("%w: %s says %.40q, not %q", device.ErrUnreachable, topic, said, h.cfg.MQTT.Online)
	}
	return nil
}

// newest returns the newest message of a topic unless it cannot be believed.
func (h *Heater) newest(topic string) doc {
	m, at, ok := h.latest.Get(topic)
	age := h.now().Sub(at)
	switch {
	case !ok:
		return doc{why: fmt.Errorf("no message has come on %s yet", topic)}
	case m.Retained && !h.cfg.MQTT.Retained:
		return doc{at: at, why: fmt.Errorf("only a retained message has come on %s, and nobody knows how old it is (retained: true takes it)", topic)}
	case age > h.cfg.MQTT.StaleAfter, -age > h.cfg.MQTT.StaleAfter:
		return doc{at: at, why: fmt.Errorf("the last message on %s is %v old", topic, age.Round(time.Second))}
	}
	return doc{body: m.Payload, at: at}
}

// silent is an error if there is nothing to read at all.
func (h *Heater) silent(got docs) error {
	var why error
	for _, d := range got {
		if d.why == nil {
			return nil
		}
		why = d.why
	}
	return fmt.Errorf("%w: %w", device.ErrUnreachable, why)
}

// garbage is an error for a document that holds none of the values that stand
// in it by the description.
func (h *Heater) garbage(got docs) error {
	found := make(map[Source]bool)
	faults := make(map[Source]error)
	note := func(s Source, err error) {
		s = h.cfg.source(s)
		if err == nil || errors.Is(err, jsonpath.ErrUnknown) {
			found[s] = true
		} else {
			faults[s] = err
		}
	}
	for _, n := range h.numbers() {
		_, err := got.number(h.cfg.source(n.Source), n.Field)
		note(n.Source, err)
	}
	if s := h.cfg.State; s != nil {
		word, err := got.text(h.cfg.source(s.Source), s.Path)
		if _, known := s.Values[word]; err == nil && !known {
			err = fmt.Errorf("the state %.40q is not in the description", word)
		}
		note(s.Source, err)
	}
	for _, t := range []*Text{h.cfg.Level, h.cfg.SerialFrom} {
		if t != nil {
			_, err := got.text(h.cfg.source(t.Source), t.Path)
			note(t.Source, err)
		}
	}
	for s, err := range faults {
		if !found[s] && got[s].why == nil {
			return fmt.Errorf("%w: %w", device.ErrGarbage, err)
		}
	}
	return nil
}

func (h *Heater) numbers() []Number {
	var all []Number
	for _, n := range []*Number{h.cfg.Power, h.cfg.Energy} {
		if n != nil {
			all = append(all, *n)
		}
	}
	for _, t := range h.cfg.Temperatures {
		all = append(all, t.Number)
	}
	return all
}

func (d docs) text(s Source, p jsonpath.Path) (string, error) {
	if err := d[s].why; err != nil {
		return "", err
	}
	return p.Text(d[s].body)
}

func (d docs) number(s Source, f jsonpath.Field) (float64, error) {
	if err := d[s].why; err != nil {
		return 0, err
	}
	return f.Number(d[s].body)
}

// simulated reports whether any answer says that it comes from an emulator.
func (d docs) simulated() bool {
	for _, x := range d {
		var top struct {
			Emulator string `json:"emulator"`
		}
		if bytes.Contains(x.body, []byte(`"emulator"`)) && json.Unmarshal(x.body, &top) == nil && top.Emulator == "hearth" {
			return true
		}
	}
	return false
}

// classify puts an error of HTTP in the terms of package device.
func classify(err error) error {
	kind := device.ErrUnreachable
	if errors.Is(err, fetch.ErrNotHTTP) {
		kind = device.ErrGarbage
	}
	if status, ok := errors.AsType[*fetch.StatusError](err); ok {
		switch s := status.Status; {
		case s == http.StatusNotFound, s == http.StatusMethodNotAllowed, s == http.StatusNotImplemented:
			kind = device.ErrUnsupported
		case s == http.StatusTooManyRequests, s >= 500:
			kind = device.ErrBusy
		case s >= 400:
			kind = device.ErrRefused
		default:
			kind = device.ErrGarbage
		}
	}
	return fmt.Errorf("%w: %w", kind, err)
}

// Read implements [device.Device]. Values over MQTT carry the time at which
// their message came.
func (h *Heater) Read(ctx context.Context) (device.Reading, error) {
	got, err := h.collect(ctx)
	if err != nil {
		return device.Reading{}, fmt.Errorf("read %s: %w", h.cfg.Model, err)
	}
	at := h.now()
	none := "the description has no such value"
	r := device.Reading{
		At:       at,
		Energy:   units.Unknown[units.Joules](none, at),
		HashRate: units.Unknown[units.HashRate](none, at),
		Level:    units.Unknown[string](none, at),
		Target:   units.Unknown[units.Watts](none, at),
		Flow:     units.Unknown[units.LitresPerMinute](none, at),
		Pool:     units.Unknown[bool](none, at),
		Uptime:   units.Unknown[time.Duration](none, at),
	}
	from := measured(h.cfg.Measured)
	if n := h.cfg.Power; n != nil {
		r.Power = known(h, got, *n, from, func(v float64) (units.Watts, error) {
			p := units.Watts(v * powerUnit(n.Unit))
			if most := h.plausible(); p < 0 || p > most {
				return 0, fmt.Errorf("the device says %v, which cannot be", p)
			}
			return p, nil
		})
	}
	if n := h.cfg.Energy; n != nil {
		r.Energy = known(h, got, *n, from, func(v float64) (units.Joules, error) {
			e := units.Joules(v * energyUnit(n.Unit))
			if e < 0 || e > 1e15 {
				return 0, fmt.Errorf("the device says %v, which cannot be", e)
			}
			return e, nil
		})
	}
	for _, t := range h.cfg.Temperatures {
		r.Temps = append(r.Temps, device.Temp{Name: t.Name, Kind: t.Kind, Value: known(h, got, t.Number, units.Meter, func(v float64) (units.Celsius, error) {
			return jsonpath.Celsius(v, t.Unit)
		})})
	}
	if t := h.cfg.Level; t != nil {
		r.Level = h.level(got, *t, from)
	}
	r.State = h.state(got, r.Power)
	if h.cfg.Power == nil {
		r.Power = h.nameplate(r)
	}
	return r, nil
}

// plausible is the most watts that are believed.
func (h *Heater) plausible() units.Watts {
	if h.cfg.Max > 0 {
		return h.cfg.Max * 1.5
	}
	return 1e6
}

// known reads one number and makes a quantity of it.
func known[T any](h *Heater, got docs, n Number, from units.Provenance, convert func(float64) (T, error)) units.Known[T] {
	s := h.cfg.source(n.Source)
	v, err := got.number(s, n.Field)
	if err == nil {
		var q T
		if q, err = convert(v); err == nil {
			return units.Know(q, got[s].at, from)
		}
	}
	return units.Unknown[T](err.Error(), got[s].at)
}

func (h *Heater) level(got docs, t Text, from units.Provenance) units.Known[string] {
	s := h.cfg.source(t.Source)
	word, err := got.text(s, t.Path)
	if err != nil {
		return units.Unknown[string](err.Error(), got[s].at)
	}
	for _, l := range h.cfg.Levels {
		if l.Value == word {
			return units.Know(l.ID, got[s].at, from)
		}
	}
	return units.Unknown[string](fmt.Sprintf("the device says level %.40q, which is not in the description", word), got[s].at)
}

func (h *Heater) state(got docs, power units.Known[units.Watts]) device.State {
	if s := h.cfg.State; s != nil {
		word, err := got.text(h.cfg.source(s.Source), s.Path)
		if state, ok := s.Values[word]; err == nil && ok {
			return state
		}
		return device.StateUnknown
	}
	p, ok := power.Get()
	_, pauses := h.cfg.Commands[string(device.Pause)]
	switch {
	case !ok || h.cfg.HeatingAbove == 0:
		return device.StateUnknown
	case p > h.cfg.HeatingAbove:
		return device.StateHeating
	case pauses:
		return device.StatePaused
	}
	return device.StateOff
}

// nameplate is the power to expect of a device that does not tell it.
func (h *Heater) nameplate(r device.Reading) units.Known[units.Watts] {
	id, atLevel := r.Level.Get()
	switch {
	case r.State == device.StateHeating && atLevel:
		for _, l := range h.cfg.Levels {
			if l.ID == id {
				return units.Know(l.Power, r.At, units.Nameplate)
			}
		}
	case r.State == device.StateHeating && len(h.cfg.Levels) == 0 && h.cfg.Max > 0:
		return units.Know(h.cfg.Max, r.At, units.Nameplate)
	case (r.State == device.StatePaused || r.State == device.StateOff) && h.cfg.Idle > 0:
		return units.Know(h.cfg.Idle, r.At, units.Nameplate)
	}
	return units.Unknown[units.Watts]("the device does not tell its power, nor does its state or label", r.At)
}
