package homeassistant

import (
	"encoding/json"
	"strconv"

	"hearth/units"
)

// message is one retained message.
type message struct{ topic, payload string }

// device is the "dev" part of a discovery message.
type device struct {
	IDs          []string `json:"ids"`
	Name         string   `json:"name"`
	Manufacturer string   `json:"mf,omitempty"`
	Model        string   `json:"mdl,omitempty"`
	Firmware     string   `json:"sw,omitempty"`
	Serial       string   `json:"sn,omitempty"`
	URL          string   `json:"cu,omitempty"`
	Via          string   `json:"via_device,omitempty"`
}

// origin says which program made the discovery message.
type origin struct {
	Name    string `json:"name"`
	Version string `json:"sw,omitempty"`
	URL     string `json:"url,omitempty"`
}

type topicRef struct {
	Topic string `json:"topic"`
}

// entity is one component of a thing. Its names are those of Home Assistant's
// MQTT integration, which knows many more.
type entity struct {
	Platform string  `json:"p"`
	UniqueID string  `json:"unique_id,omitempty"`
	Name     *string `json:"name"` // null: the thing's own name

	Availability     []topicRef `json:"availability,omitempty"`
	AvailabilityMode string     `json:"availability_mode,omitempty"`

	StateTopic      string   `json:"state_topic,omitempty"`
	CommandTopic    string   `json:"command_topic,omitempty"`
	AttributesTopic string   `json:"json_attributes_topic,omitempty"`
	DeviceClass     string   `json:"device_class,omitempty"`
	StateClass      string   `json:"state_class,omitempty"`
	Unit            string   `json:"unit_of_measurement,omitempty"`
	Category        string   `json:"entity_category,omitempty"`
	Digits          *int     `json:"suggested_display_precision,omitempty"`
	ExpireAfter     int      `json:"expire_after,omitempty"`
	Options         []string `json:"options,omitempty"`
	Icon            string   `json:"icon,omitempty"`

	Min  *float64 `json:"min,omitempty"`
	Max  *float64 `json:"max,omitempty"`
	Step float64  `json:"step,omitempty"`
	Mode string   `json:"mode,omitempty"`

	Modes              []string `json:"modes,omitempty"`
	ModeState          string   `json:"mode_state_topic,omitempty"`
	ModeCommand        string   `json:"mode_command_topic,omitempty"`
	Action             string   `json:"action_topic,omitempty"`
	CurrentTemperature string   `json:"current_temperature_topic,omitempty"`
	TemperatureState   string   `json:"temperature_state_topic,omitempty"`
	TemperatureCommand string   `json:"temperature_command_topic,omitempty"`
	TemperatureUnit    string   `json:"temperature_unit,omitempty"`
	MinTemperature     *float64 `json:"min_temp,omitempty"`
	MaxTemperature     *float64 `json:"max_temp,omitempty"`
	TemperatureStep    float64  `json:"temp_step,omitempty"`
	Precision          float64  `json:"precision,omitempty"`
	Presets            []string `json:"preset_modes,omitempty"`
	PresetState        string   `json:"preset_mode_state_topic,omitempty"`
	PresetCommand      string   `json:"preset_mode_command_topic,omitempty"`
}

// thing is one device of Home Assistant: its discovery message, and its values
// now.
type thing struct {
	names    names
	kind, id string
	device   device
	entities map[string]entity
	values   []message
}

// expire is after how many seconds without news a sensor becomes unavailable:
// it catches a Hearth that hangs, which the last will does not.
const expire = 300

// add puts an entity into the thing.
func (t *thing) add(key, name string, e entity) {
	e.UniqueID = t.names.object(t.kind, t.id) + "_" + slug(key)
	if name != "" {
		e.Name = &name
	}
	if e.Availability == nil {
		e.Availability = t.availability()
	}
	e.AvailabilityMode = "all"
	t.entities[slug(key)] = e
}

// availability lists what must be online for every entity of the thing.
func (t *thing) availability() []topicRef {
	refs := []topicRef{{t.names.availability()}}
	if t.kind == "device" {
		refs = append(refs, topicRef{t.topic("availability")})
	}
	return refs
}

func (t *thing) topic(value string) string {
	if t.kind == "home" {
		return t.names.topic("home", "home", value)
	}
	return t.names.topic(t.kind, t.id, value)
}

func (t *thing) set(value, payload string) {
	t.values = append(t.values, message{t.topic(value), payload})
}

// sensor adds a sensor whose entity is unavailable while k is unknown.
func sensor[Q units.Quantity](t *thing, key, name string, k units.Known[Q], scale float64, digits int, e entity) {
	e.Platform = "sensor"
	e.StateTopic = t.topic(slug(key))
	if e.Availability == nil {
		e.Availability = t.availability()
	}
	e.Availability = append(e.Availability, topicRef{t.topic(slug(key) + "/availability")})
	e.ExpireAfter = expire
	e.Digits = &digits
	t.add(key, name, e)

	// A subscriber must never see the old value as available.
	available, value := t.topic(slug(key)+"/availability"), e.StateTopic
	if v, ok := k.Get(); ok {
		t.values = append(t.values, message{value, number(v.Float()*scale, digits)}, message{available, online})
	} else {
		t.values = append(t.values, message{available, offline}, message{value, none})
	}
}

// config is the thing's discovery message. gone names entities that Home
// Assistant knows and the thing no longer has, with their platforms: one with
// nothing but its platform is removed.
func (t *thing) config(version, page string, gone map[string]string) message {
	entities := make(map[string]any, len(t.entities)+len(gone))
	for key, platform := range gone {
		entities[key] = map[string]string{"p": platform}
	}
	for key, e := range t.entities {
		entities[key] = e
	}
	text, err := json.Marshal(struct {
		Device   device         `json:"dev"`
		Origin   origin         `json:"o"`
		Entities map[string]any `json:"cmps"`
		QoS      int            `json:"qos"`
	}{t.device, origin{Name: "Hearth", Version: version, URL: page}, entities, 1})
	if err != nil {
		// Only strings and finite numbers go in.
		panic("homeassistant: " + err.Error())
	}
	return message{t.names.config(t.names.object(t.kind, t.id)), string(text)}
}

// number prints x with digits decimals.
func number(x float64, digits int) string {
	s := strconv.FormatFloat(x, 'f', digits, 64)
	if f, err := strconv.ParseFloat(s, 64); err == nil && f == 0 {
		return strconv.FormatFloat(0, 'f', digits, 64) // not "-0.0"
	}
	return s
}

// celsius prints a temperature that may be unknown, as a thermostat takes it.
func celsius(k units.Known[units.Celsius]) string {
	if v, ok := k.Get(); ok {
		return number(v.Float(), 2)
	}
	return none
}

func onOff(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}
