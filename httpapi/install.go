package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hearth/control"
	"hearth/site"
	"hearth/units"
)

// Installer is a [Home] to which devices can be added while it runs, and
// whose devices can be commissioned. A home that is none answers 404 to what
// an installer asks. All methods are safe for concurrent use; their errors are
// like those of a home.
type Installer interface {
	// Place adds a device to the home.
	Place(ctx context.Context, p site.Placement, by string) error
	// Remove takes a device out of the home, after its safe state.
	Remove(ctx context.Context, device, by string) error
	// StartCheck begins one of the checks control, unplug and internet.
	StartCheck(ctx context.Context, device, name, by string) error
	// Checks returns how a device's checks stand, in the order of a first hour.
	Checks(device string) ([]site.Check, error)
	// SignSheet writes the device's commissioning into the ledger.
	SignSheet(ctx context.Context, device, by string) (site.SignedSheet, error)
	// LastSheet returns the sheet that was signed last.
	LastSheet(ctx context.Context, device string) (site.SignedSheet, error)
}

// InstallerOf returns the home as an installer sees it. An error is a
// *[Problem].
func InstallerOf(h Home) (Installer, error) {
	if i, ok := h.(Installer); ok {
		return i, nil
	}
	return nil, &Problem{
		http.StatusNotFound, "not_found", "Devices cannot be added to this home while it runs.",
		"Write them into its configuration file.",
	}
}

// PlacementText is a [site.Placement] as a program or a person writes it:
// amounts are text with their unit, and what is empty is left out.
type PlacementText struct {
	ID       string `json:"id"`
	Name     string `json:"name,omitempty"`
	Kind     string `json:"kind"`
	Address  string `json:"address"`
	Zone     string `json:"zone,omitempty"`
	ZoneName string `json:"zone_name,omitempty"`
	Sensor   string `json:"sensor,omitempty"`
	SetPoint string `json:"setpoint,omitempty"`
	Role     string `json:"role,omitempty"`
	Limit    string `json:"limit,omitempty"`
	Relay    string `json:"relay,omitempty"`
	Load     string `json:"load,omitempty"`
}

// mostPower bounds a limit and a load: three phases of 32 A, more than which
// no device of a home draws.
const mostPower units.Watts = 22080

// Placement reads the text. What only the home can judge is left to it. An
// error is a *[Problem].
func (t PlacementText) Placement() (site.Placement, error) {
	p := site.Placement{
		ID: t.ID, Name: t.Name, Kind: t.Kind, Address: strings.TrimSpace(t.Address), Zone: t.Zone, ZoneName: t.ZoneName,
		Sensor: t.Sensor, Role: control.Role(t.Role), Relay: t.Relay,
	}
	switch {
	case t.ID == "":
		return p, invalid("The device needs an id: lower-case letters, digits and dashes, such as bath-heater.")
	case t.Kind == "":
		return p, invalid("Say which driver knows the device, as kind: avalon, axeos, shelly, computer or generic.")
	case p.Address == "":
		return p, invalid("Say where the device is, as address, such as 192.168.1.41.")
	case t.Role != "" && p.Role != control.Primary && p.Role != control.Backup:
		return p, invalid("%q is not a role: use primary or backup.", t.Role)
	case t.Zone == "" && (t.Sensor != "" || t.SetPoint != ""):
		return p, invalid("A sensor and a set-point belong to a zone: name it.")
	}
	for _, field := range []struct {
		name, text string
		to         *units.Watts
	}{{"limit", t.Limit, &p.Limit}, {"load", t.Load, &p.Load}} {
		if field.text == "" {
			continue
		}
		if err := field.to.UnmarshalText([]byte(field.text)); err != nil {
			return p, invalid("%s: %v.", field.name, err)
		}
		if !(*field.to > 0 && *field.to <= mostPower) {
			return p, invalid("%s: %v is not possible: use more than 0 W and at most %v.", field.name, *field.to, mostPower)
		}
	}
	if t.SetPoint != "" {
		if err := p.SetPoint.UnmarshalText([]byte(t.SetPoint)); err != nil {
			return p, invalid("setpoint: %v.", err)
		}
	}
	return p, nil
}

// maxRebuild bounds the time in which a home is rebuilt with another device.
const maxRebuild = time.Minute

// installing gives a request the time that rebuilding a home takes, and an
// installer.
func (a *api) installing(w http.ResponseWriter) (Installer, error) {
	in, err := InstallerOf(a.home)
	if err != nil {
		return nil, err
	}
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxRebuild + sendTimeout)); err != nil {
		return nil, fmt.Errorf("rebuild the home: %w", err)
	}
	return in, nil
}

func (a *api) postDevice(w http.ResponseWriter, r *http.Request) error {
	in, err := a.installing(w)
	if err != nil {
		return err
	}
	var body PlacementText
	if err := decode(w, r, &body); err != nil {
		return err
	}
	p, err := body.Placement()
	if err != nil {
		return err
	}
	if err := in.Place(r.Context(), p, by(r.Context())); err != nil {
		return err
	}
	for _, d := range a.home.State().Devices {
		if d.ID == p.ID {
			writeJSON(w, http.StatusCreated, d)
			return nil
		}
	}
	return notFound("The device %q was added, but is gone again.", p.ID)
}

func (a *api) deleteDevice(w http.ResponseWriter, r *http.Request) error {
	in, err := a.installing(w)
	if err != nil {
		return err
	}
	if err := in.Remove(r.Context(), r.PathValue("id"), by(r.Context())); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) checks(w http.ResponseWriter, r *http.Request) error {
	in, err := InstallerOf(a.home)
	if err != nil {
		return err
	}
	list, err := in.Checks(r.PathValue("id"))
	if err != nil {
		return err
	}
	if list == nil {
		list = []site.Check{}
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

func (a *api) postCheck(w http.ResponseWriter, r *http.Request) error {
	in, err := InstallerOf(a.home)
	if err != nil {
		return err
	}
	if err := in.StartCheck(r.Context(), r.PathValue("id"), r.PathValue("name"), by(r.Context())); err != nil {
		return err
	}
	return a.checks(w, r)
}

func (a *api) sheet(w http.ResponseWriter, r *http.Request) error {
	in, err := InstallerOf(a.home)
	if err != nil {
		return err
	}
	s, err := in.LastSheet(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, s)
	return nil
}

func (a *api) postSheet(w http.ResponseWriter, r *http.Request) error {
	in, err := InstallerOf(a.home)
	if err != nil {
		return err
	}
	s, err := in.SignSheet(r.Context(), r.PathValue("id"), by(r.Context()))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, s)
	return nil
}
