package httpapi

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"hearth/discovery"
)

// maxSearch bounds one search for devices.
const maxSearch = 2 * time.Minute

// discover looks for devices. One search runs at a time.
func (a *api) discover(w http.ResponseWriter, r *http.Request) error {
	var body discoverBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	scan, err := ParseScan(body.Scan)
	if err != nil {
		return err
	}
	if !a.seeking.TryLock() {
		return &Problem{http.StatusServiceUnavailable, "busy", "Another search for devices is under way.", "Try again in a minute."}
	}
	defer a.seeking.Unlock()
	if err := http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxSearch + sendTimeout)); err != nil {
		return fmt.Errorf("look for devices: %w", err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxSearch)
	defer cancel()
	found, err := a.home.Discover(ctx, scan)
	if err != nil {
		return err
	}
	if found == nil {
		found = []discovery.Finding{}
	}
	writeJSON(w, http.StatusOK, struct {
		Found []discovery.Finding `json:"found"`
	}{found})
	return nil
}
