package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"hearth/device"
	"hearth/httpapi"
	"hearth/site"
)

// maxRebuild bounds the time in which a home is rebuilt with another device.
const maxRebuild = time.Minute

// installView is the page that adds a device.
type installView struct {
	// Chosen is set when it is known which device: the form is shown.
	Chosen  bool
	Model   string
	Serial  string
	Kind    string
	Address string
	ID      string // proposed
	Zones   []site.ZoneState
	Sensors []site.SensorState
	Relays  []site.DeviceState
	// Fresh is set where the first real device ends a simulated home.
	Fresh bool
}

// The choices of the form that are no ids.
const (
	newZone   = "+new"
	ownSensor = "+own"
)

// install shows the first step: find a device, or say where it is; and once
// that is known, where it goes.
func (p *pages) install(w http.ResponseWriter, r *http.Request) error {
	if _, err := httpapi.InstallerOf(p.home); err != nil {
		return err
	}
	s, q := p.home.State(), r.URL.Query()
	v := installView{
		Model: q.Get("model"), Serial: q.Get("serial"), Kind: q.Get("kind"), Address: strings.TrimSpace(q.Get("address")),
		Fresh: s.SimulatedNote != "",
	}
	v.Chosen = v.Kind != "" && v.Address != ""
	v.ID = proposedID(s, v.Model, v.Kind)
	if !v.Fresh { // what is simulated ends with the simulation
		v.Zones, v.Sensors = s.Zones, s.Sensors
		for _, d := range s.Devices {
			if d.Caps != nil && (d.Caps.Work == device.NoWork || d.Caps.Work == device.Resistive) && d.Caps.Can(device.Off) {
				v.Relays = append(v.Relays, d)
			}
		}
	}
	return p.show(w, r, http.StatusOK, "install", view{Title: "Add a device", Page: "devices", State: s}, v)
}

// proposedID makes an id that is free from a model's name.
func proposedID(s site.State, model, kind string) string {
	id := slug(model)
	if id == "" {
		id = slug(kind)
	}
	for n, base := 2, id; ; n++ {
		if _, taken := deviceByID(s, id); !taken {
			return id
		}
		id = fmt.Sprintf("%s-%d", base, n)
	}
}

// slug turns a name into an id: lower-case letters, digits and dashes.
func slug(name string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(name) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		} else if b.Len() > 0 && !strings.HasSuffix(b.String(), "-") {
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// addHref leads from a device that was found to the form that adds it.
func addHref(kind, address, model, serial string) string {
	return "/install?" + url.Values{"kind": {kind}, "address": {address}, "model": {model}, "serial": {serial}}.Encode()
}

// postInstall adds the device of the form and leads on to its checks.
func (p *pages) postInstall(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	in, err := httpapi.InstallerOf(p.home)
	if err != nil {
		return err
	}
	get := func(name string) string { return strings.TrimSpace(r.PostForm.Get(name)) }
	t := httpapi.PlacementText{
		ID: get("id"), Name: get("name"), Kind: get("kind"), Address: get("address"),
		Zone: get("zone"), Role: get("role"), Relay: get("relay"),
		Limit: withUnit(get("limit"), "W"), Load: withUnit(get("load"), "W"),
	}
	switch t.Zone {
	case "":
		t.Role = ""
	case newZone:
		t.ZoneName = get("zone_name")
		if t.Zone = slug(t.ZoneName); t.Zone == "" {
			return invalid("Give the new place a name.")
		}
		if slices.ContainsFunc(p.home.State().Zones, func(z site.ZoneState) bool { return z.ID == t.Zone }) && p.home.State().SimulatedNote == "" {
			return invalid("There is a place %q already: choose it, or give the new one another name.", t.ZoneName)
		}
		if t.Sensor = get("sensor"); t.Sensor == ownSensor {
			t.Sensor = t.ID + "/"
		}
		if t.Sensor != "" {
			t.SetPoint = withUnit(get("setpoint"), "°C")
		}
	}
	placement, err := t.Placement()
	if err != nil {
		return err
	}
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxRebuild)); err != nil {
		return fmt.Errorf("rebuild the home: %w", err)
	}
	if err := in.Place(r.Context(), placement, by(r)); err != nil {
		return err
	}
	http.Redirect(w, r, "/install/"+url.PathEscape(t.ID), http.StatusSeeOther)
	return nil
}

// withUnit is a number a person typed, with a point or a comma, with the unit
// that stands beside its field.
func withUnit(s, unit string) string {
	if s == "" {
		return ""
	}
	return strings.Replace(s, ",", ".", 1) + " " + unit
}

// commissionView is a device's first hour.
type commissionView struct {
	site.DeviceState
	ZoneName string
	// Timed is set for a heater in a place without thermometer.
	Timed  bool
	Checks []checkView
	// Proven is set when there is something to sign.
	Proven bool
	// Signed is the last sheet, if one was signed.
	Signed *site.SignedSheet
}

// checkView is one of the three checks, begun or not.
type checkView struct {
	ID, Title, About string
	site.Check
}

// Begun reports whether the check was ever started.
func (c checkView) Begun() bool { return c.Outcome != "" }

// Open reports whether the check is under way.
func (c checkView) Open() bool {
	return c.Outcome == site.CheckRunning || c.Outcome == site.CheckWaiting
}

func checkTitle(name string) string {
	switch name {
	case site.CheckControl:
		return "Does it as it is told?"
	case site.CheckUnplug:
		return "Is its absence noticed?"
	case site.CheckInternet:
		return "What does it do without the internet?"
	}
	return name
}

func checkAbout(name string) string {
	switch name {
	case site.CheckControl:
		return "Hearth runs it, stops it, and does both once more. Only what is read back from the device counts. Nothing for you to do; an Avalon takes some minutes."
	case site.CheckUnplug:
		return "You pull its plug and put it back. Hearth must notice both, and must not make up values meanwhile."
	case site.CheckInternet:
		return "You take the home off the internet for ten minutes. This shows whether the room stays warm when the line is down."
	}
	return ""
}

// installed finds the device of the path and how its checks stand.
func (p *pages) installed(r *http.Request) (httpapi.Installer, site.State, commissionView, error) {
	s := p.home.State()
	in, err := httpapi.InstallerOf(p.home)
	if err != nil {
		return nil, s, commissionView{}, err
	}
	id := r.PathValue("device")
	d, ok := deviceByID(s, id)
	if !ok {
		return nil, s, commissionView{}, fmt.Errorf("device %q: %w", id, site.ErrNotFound)
	}
	list, err := in.Checks(id)
	if err != nil {
		return nil, s, commissionView{}, err
	}
	v := commissionView{DeviceState: d}
	if z, err := zoneByID(s, d.Zone); err == nil {
		v.ZoneName, v.Timed = z.Name, z.Kind == "manual"
	}
	for _, name := range []string{site.CheckControl, site.CheckUnplug, site.CheckInternet} {
		c := checkView{ID: name, Title: checkTitle(name), About: checkAbout(name)}
		for _, k := range list {
			if k.Name == name {
				c.Check = k
			}
		}
		v.Proven = v.Proven || c.Begun() && !c.Open()
		v.Checks = append(v.Checks, c)
	}
	return in, s, v, nil
}

func (p *pages) commission(w http.ResponseWriter, r *http.Request) error {
	in, s, v, err := p.installed(r)
	if err != nil {
		return err
	}
	if sheet, err := in.LastSheet(r.Context(), v.ID); err == nil {
		v.Signed = &sheet
	}
	return p.show(w, r, http.StatusOK, "commission", view{Title: v.Name, Page: "devices", Live: true, State: s, Path: r.URL.EscapedPath()}, v)
}

func (p *pages) postCheck(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	in, _, v, err := p.installed(r)
	if err != nil {
		return err
	}
	if err := in.StartCheck(r.Context(), v.ID, r.PathValue("name"), by(r)); err != nil {
		return err
	}
	return done(w, r)
}

func (p *pages) postSheet(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	in, _, v, err := p.installed(r)
	if err != nil {
		return err
	}
	if _, err := in.SignSheet(r.Context(), v.ID, by(r)); err != nil {
		return err
	}
	http.Redirect(w, r, "/install/"+url.PathEscape(v.ID)+"/sheet", http.StatusSeeOther)
	return nil
}

// sheetView is a commissioning sheet on paper.
type sheetView struct {
	site.SignedSheet
	Titles map[string]string // of checks
}

func (p *pages) sheet(w http.ResponseWriter, r *http.Request) error {
	in, err := httpapi.InstallerOf(p.home)
	if err != nil {
		return err
	}
	signed, err := in.LastSheet(r.Context(), r.PathValue("device"))
	if err != nil {
		return err
	}
	v := sheetView{SignedSheet: signed, Titles: map[string]string{}}
	for _, k := range signed.Sheet.Checks {
		v.Titles[k.Name] = checkTitle(k.Name)
	}
	return p.show(w, r, http.StatusOK, "sheet", view{Title: "Commissioning sheet", Page: "devices"}, v)
}
