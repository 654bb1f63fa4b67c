package httpapi

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"hearth/control"
	"hearth/device"
	"hearth/site"
	"hearth/units"
)

// streams bounds the open streams of events.
type streams struct {
	open  atomic.Int64
	every time.Duration
}

const (
	maxStreams = 64
	// heartbeat keeps proxies from closing a quiet stream, and finds clients
	// that are gone.
	heartbeat = 15 * time.Second
	// sendTimeout ends a stream whose client does not read.
	sendTimeout = 10 * time.Second
	// backlog bounds the log entries sent to a client that was away.
	backlog = 500
)

// brief is the state event: what changes from minute to minute. The rest of
// the state is at /api/v1/state.
type brief struct {
	At        time.Time                  `json:"at"`
	Sentence  string                     `json:"sentence"`
	Simulated bool                       `json:"simulated"`
	Outdoor   units.Known[units.Celsius] `json:"outdoor"`
	Power     units.Known[units.Watts]   `json:"power"`
	Trips     int                        `json:"trips"`
	Zones     []briefZone                `json:"zones"`
	Devices   []briefDevice              `json:"devices"`
}

type briefZone struct {
	ID       string                     `json:"id"`
	Mode     site.Mode                  `json:"mode"`
	Activity control.Activity           `json:"activity"`
	Temp     units.Known[units.Celsius] `json:"temp"`
	SetPoint units.Known[units.Celsius] `json:"setpoint"`
	Preset   string                     `json:"preset"`
	Power    units.Known[units.Watts]   `json:"power"`
}

type briefDevice struct {
	ID      string                   `json:"id"`
	Online  bool                     `json:"online"`
	State   device.State             `json:"state"`
	Power   units.Known[units.Watts] `json:"power"`
	Trouble string                   `json:"trouble,omitempty"`
}

func briefly(s site.State) brief {
	b := brief{
		At: s.At, Sentence: s.Sentence, Simulated: s.Simulated, Outdoor: s.Outdoor, Power: s.Power,
		Trips: len(s.Trips), Zones: []briefZone{}, Devices: []briefDevice{},
	}
	for _, z := range s.Zones {
		b.Zones = append(b.Zones, briefZone{z.ID, z.Mode, z.Activity, z.Temp, z.SetPoint, z.Preset, z.Power})
	}
	for _, d := range s.Devices {
		b.Devices = append(b.Devices, briefDevice{d.ID, d.Online, d.Reading.State, d.Reading.Power, d.Trouble})
	}
	return b
}

// events streams the home as server-sent events: "state" whenever it changed,
// "log" with an id for every entry of the log. A client that comes back with
// Last-Event-ID gets the entries it missed.
func (a *api) events(w http.ResponseWriter, r *http.Request) error {
	if a.streams.open.Add(1) > maxStreams {
		a.streams.open.Add(-1)
		w.Header().Set("Retry-After", "10")
		return &Problem{http.StatusServiceUnavailable, "too_many_streams", "Too many streams of events are open.", "Close some pages."}
	}
	defer a.streams.open.Add(-1)

	newest := uint64(0)
	if last := a.home.Events(0, 1); len(last) > 0 {
		newest = last[len(last)-1].Seq
	}
	after := newest
	if s := r.Header.Get("Last-Event-ID"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return invalid("Last-Event-ID %q is not the number of an event.", s)
		}
		after = n
		if n > newest { // from before a restart: the numbers began anew
			after = 0
		}
	}

	ctx := r.Context()
	rc := http.NewResponseController(w)
	// The server's time limits are for requests that end.
	if err := rc.SetReadDeadline(time.Time{}); err != nil {
		return fmt.Errorf("stream events: %w", err)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)

	var buf bytes.Buffer
	send := func() error {
		defer buf.Reset()
		if err := rc.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
			return err
		}
		if _, err := w.Write(buf.Bytes()); err != nil {
			return err
		}
		return rc.Flush()
	}
	put := func(event, id string, v any) error {
		b, err := json.Marshal(v)
		if err != nil {
			return err
		}
		if id != "" {
			fmt.Fprintf(&buf, "id: %s\n", id)
		}
		fmt.Fprintf(&buf, "event: %s\ndata: %s\n\n", event, b)
		return nil
	}
	update := func() error {
		for _, e := range slices.Clip(a.home.Events(after, backlog)) {
			if err := put("log", strconv.FormatUint(e.Seq, 10), e); err != nil {
				return err
			}
			after = e.Seq
		}
		return put("state", "", briefly(a.home.State()))
	}

	changes := a.home.Watch(ctx)
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	// A client that reconnects does so after this long, in milliseconds.
	buf.WriteString("retry: 2000\n\n")
	for {
		if err := update(); err != nil {
			a.log.ErrorContext(ctx, "cannot encode events", "error", err)
			return nil
		}
		if send() != nil {
			return nil // the client is gone
		}
		// Changes that come faster wait together for this.
		pause := time.NewTimer(a.streams.every)
		select {
		case <-ctx.Done():
			pause.Stop()
			return nil
		case <-pause.C:
		}
		for changed := false; !changed; {
			select {
			case <-ctx.Done():
				return nil
			case _, changed = <-changes:
				if !changed {
					return nil
				}
			case <-beat.C:
				buf.WriteString(": still here\n\n")
				if send() != nil {
					return nil
				}
			}
		}
	}
}
