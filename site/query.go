package site

import (
	"errors"
	"time"

	"hearth/units"
)

// Errors that a surface turns into its own form.
var (
	// ErrNotFound: there is no such zone, device, sensor or trip.
	ErrNotFound = errors.New("not found")
	// ErrInvalid: what was asked makes no sense; the text says what would.
	ErrInvalid = errors.New("not possible")
	// ErrUnavailable: it makes sense but cannot be done now.
	ErrUnavailable = errors.New("not available now")
)

// Metric is a quantity that history keeps.
type Metric string

// The metrics of zones, devices and the home.
const (
	MetricTemp        Metric = "temp"        // °C; zones
	MetricSetPoint    Metric = "setpoint"    // °C; zones
	MetricPower       Metric = "power"       // W; devices, zones, home
	MetricElectricity Metric = "electricity" // Wh per point; devices
	MetricHeat        Metric = "heat"        // Wh per point; zones
	MetricOutdoor     Metric = "outdoor"     // °C; home
)

// HistoryQuery asks for one metric of one subject over time.
type HistoryQuery struct {
	// Subject is a zone's or device's id; "home" for the whole.
	Subject string
	Metric  Metric
	From    time.Time
	To      time.Time
	// Points bounds the answer; it is down-sampled to at most so many.
	Points int
}

// Point is one span of history. Mean, Min and Max are null in JSON where
// nothing is known of the span.
type Point struct {
	At         time.Time        `json:"at"` // start of the span
	Mean       *float64         `json:"mean"`
	Min        *float64         `json:"min"`
	Max        *float64         `json:"max"`
	Provenance units.Provenance `json:"provenance"`
}

// History is the answer to a HistoryQuery.
type History struct {
	Subject string        `json:"subject"`
	Metric  Metric        `json:"metric"`
	Unit    string        `json:"unit"`
	Span    time.Duration `json:"span_ns"` // of one point
	Points  []Point       `json:"points"`
}
