package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"hearth/discovery"
	"hearth/httpapi"
	"hearth/site"
)

// maxSearch bounds one search for devices.
const maxSearch = 2 * time.Minute

// findView is the page that looks for devices.
type findView struct {
	Scan  string
	Done  bool
	Found []findingView
}

// findingView is a device that was found.
type findingView struct {
	discovery.Finding
	// Known is the name under which the home has it already.
	Known string
	// Add leads to the form that adds it; empty where the home takes none.
	Add string
	// Lines are what to write into the configuration file to add it.
	Lines string
}

func (p *pages) find(w http.ResponseWriter, r *http.Request) error {
	return p.show(w, r, http.StatusOK, "find", view{Title: "Find devices", Page: "devices"}, findView{})
}

// postFind searches and shows what it found. It changes nothing, but it
// knocks at doors, so it is a form and not a link.
func (p *pages) postFind(w http.ResponseWriter, r *http.Request) error {
	if err := form(w, r); err != nil {
		return err
	}
	scan, err := httpapi.ParseScan(r.PostForm.Get("scan"))
	if err != nil {
		return err
	}
	if !p.seeking.TryLock() {
		return &httpapi.Problem{Status: http.StatusServiceUnavailable, Code: "busy", Message: "Another search for devices is under way.", Hint: "Try again in a minute."}
	}
	defer p.seeking.Unlock()
	ctx, cancel := context.WithTimeout(r.Context(), maxSearch)
	defer cancel()
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxSearch + 10*time.Second)); err != nil {
		return fmt.Errorf("look for devices: %w", err)
	}
	found, err := p.home.Discover(ctx, scan)
	if err != nil {
		return err
	}
	s := p.home.State()
	v := findView{Scan: scan, Done: true}
	_, cannot := httpapi.InstallerOf(p.home)
	for _, f := range found {
		fv := findingView{Finding: f, Known: owned(s, f), Lines: lines(s, f)}
		if cannot == nil {
			fv.Add = addHref(f.Kind, f.Address, strings.TrimSpace(f.Identity.Vendor+" "+f.Identity.Model), f.Identity.Serial)
		}
		v.Found = append(v.Found, fv)
	}
	return p.show(w, r, http.StatusOK, "find", view{Title: "Find devices", Page: "devices", Path: "/find"}, v)
}

// owned returns the name of the home's device with the serial number of the
// one that was found, or "".
func owned(s site.State, f discovery.Finding) string {
	for _, d := range s.Devices {
		if f.Identity.Serial != "" && strings.EqualFold(d.Identity.Serial, f.Identity.Serial) {
			return d.Name
		}
	}
	return ""
}

// lines is the entry of the configuration file for a device that was found.
func lines(s site.State, f discovery.Finding) string {
	id := slug(f.Identity.Model)
	if id == "" {
		id = f.Kind
	}
	zone := "living"
	if len(s.Zones) > 0 {
		zone = s.Zones[0].ID
	}
	return fmt.Sprintf("devices:\n  %s:\n    kind: %s\n    address: %s\n    zone: %s\n    role: primary\n", id, f.Kind, f.Address, zone)
}
