package httpapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"hearth/site"
	"hearth/units"
)

// maxBody bounds a request's JSON.
const maxBody = 64 << 10

// decode reads exactly one JSON object of the form of v: no unknown field, no
// field twice, nothing after it, at most [maxBody] bytes, sent as
// application/json.
func decode(w http.ResponseWriter, r *http.Request, v any) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return &Problem{
			http.StatusUnsupportedMediaType, "content_type",
			"The body must be JSON.", "Send Content-Type: application/json.",
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return &Problem{
				http.StatusRequestEntityTooLarge, "too_large",
				"The body is larger than 64 KiB.", "No request here needs more than a few hundred bytes.",
			}
		}
		return &Problem{http.StatusBadRequest, "bad_json", "The body could not be read.", ""}
	}
	return decodeBytes(body, v)
}

func decodeBytes(body []byte, v any) error {
	bad := func(msg, hint string) error { return &Problem{http.StatusBadRequest, "bad_json", msg, hint} }
	if len(bytes.TrimSpace(body)) > 0 {
		if err := onceEach(body); err != nil {
			return err
		}
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return bad("The body is empty.", "Send a JSON object.")
		}
		if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			if t.Field == "" {
				return bad(fmt.Sprintf("The body is a JSON %s, not an object.", t.Value), "")
			}
			return bad(fmt.Sprintf("%q cannot be a %s here.", t.Field, t.Value), "")
		}
		if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return bad("There is no field "+name+" here.", "See /api/v1/openapi.json.")
		}
		return bad("The body is not valid JSON.", "")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad("Something follows the JSON object.", "Send one object and nothing else.")
	}
	return nil
}

// onceEach refuses an object that names a field twice, or in capitals, which
// encoding/json would take for the same field: two programs must not be able
// to read one body differently. What is no object at all, it leaves to others.
func onceEach(body []byte) error {
	d := json.NewDecoder(bytes.NewReader(body))
	seen := make(map[string]bool)
	t, err := d.Token()
	for object := t == json.Delim('{'); object && err == nil && d.More(); {
		if t, err = d.Token(); err != nil {
			break
		}
		name, _ := t.(string)
		switch {
		case seen[name]:
			return &Problem{http.StatusBadRequest, "bad_json", fmt.Sprintf("The field %q is there twice.", name), ""}
		case name != strings.ToLower(name):
			return &Problem{http.StatusBadRequest, "bad_json", fmt.Sprintf("There is no field %q here.", name), "See /api/v1/openapi.json."}
		}
		seen[name] = true
		var skip json.RawMessage
		err = d.Decode(&skip)
	}
	return nil //nolint:nilerr // what is no JSON, the decoder says better
}

// setPointBody is the body of PUT …/setpoint.
type setPointBody struct {
	Value *float64   `json:"value"`
	Unit  string     `json:"unit"`
	Until *time.Time `json:"until"`
}

// SetPointOf reads a set-point for a zone: a temperature with its unit, "°C"
// or "°F", within what the zone allows. An error is a *[Problem].
func SetPointOf(z site.ZoneState, value *float64, unit string) (units.Celsius, error) {
	t, err := celsius(value, unit)
	if err != nil {
		return 0, err
	}
	if t < z.Min-1e-6 || t > z.Max+1e-6 {
		return 0, invalid("%v is outside what %s allows: %v to %v.", t, z.Name, z.Min, z.Max)
	}
	return t, nil
}

// celsius checks and converts a temperature with its unit. A bare number is
// refused: 70 is a warm room in one country and a burn in another.
func celsius(value *float64, unit string) (units.Celsius, error) {
	if value == nil {
		return 0, invalid(`The temperature is missing: send for instance {"value":21,"unit":"°C"}.`)
	}
	if math.IsNaN(*value) || math.IsInf(*value, 0) {
		return 0, invalid("The temperature is not a number.")
	}
	switch unit {
	case "°C", "C", "°F", "F":
	case "":
		return 0, invalid(`The temperature has no unit: add "unit":"°C" or "unit":"°F".`)
	default:
		return 0, invalid("%q is not a unit of temperature: use °C or °F.", unit)
	}
	var t units.Celsius
	if err := t.UnmarshalText([]byte(strconv.FormatFloat(*value, 'f', -1, 64) + " " + unit)); err != nil {
		return 0, invalid("That is not a temperature: %v.", err)
	}
	return t, nil
}

// longest bounds how far ahead anything may be set.
const longest = 366 * 24 * time.Hour

// Ahead checks a time until which something is to hold, against the home's
// clock now. Nil becomes the zero time. An error is a *[Problem].
func Ahead(now time.Time, until *time.Time) (time.Time, error) {
	switch {
	case until == nil:
		return time.Time{}, nil
	case !until.After(now):
		return time.Time{}, invalid("%q is not in the future: the home's clock says %s.", "until", now.Format(time.RFC3339))
	case until.Sub(now) > longest:
		return time.Time{}, invalid("%q is more than a year ahead.", "until")
	}
	return *until, nil
}

// modeBody is the body of PUT …/mode.
type modeBody struct {
	Mode site.Mode `json:"mode"`
}

// presetBody is the body of PUT …/preset.
type presetBody struct {
	Preset *string    `json:"preset"`
	Value  *float64   `json:"value"`
	Unit   string     `json:"unit"`
	Until  *time.Time `json:"until"`
}

// manualBody is the body of PUT …/manual.
type manualBody struct {
	Device  string   `json:"device"`
	Level   *string  `json:"level"`
	Minutes *float64 `json:"minutes"`
}

// discoverBody is the body of POST /api/v1/discover.
type discoverBody struct {
	Scan string `json:"scan"`
}

// widestScan is the widest network that may be scanned, in bits of prefix.
const widestScan = 22

// ParseScan checks a network to look for devices in, such as
// "192.168.1.0/24": a private one, of at most 1022 addresses, since nobody
// else's network is to be knocked at. Empty is no scan. An error is a
// *[Problem].
func ParseScan(s string) (string, error) {
	if s = strings.TrimSpace(s); s == "" {
		return "", nil
	}
	p, err := netip.ParsePrefix(s)
	switch a := p.Addr(); {
	case err != nil || !a.Is4():
		return "", invalid("%q is not a network: write it as 192.168.1.0/24.", s)
	case !a.IsPrivate() && !a.IsLoopback() && !a.IsLinkLocalUnicast():
		return "", invalid("%s is not a private network: only your own can be scanned.", p)
	case p.Bits() < widestScan:
		return "", invalid("%s is too wide: scan at most a /%d at a time.", p, widestScan)
	}
	return p.Masked().String(), nil
}

// computeBody is the body of PUT /api/v1/compute.
type computeBody struct {
	Allowed *bool `json:"allowed"`
}
