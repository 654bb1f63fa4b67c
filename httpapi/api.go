package httpapi

import (
	"context"
	_ "embed"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"hearth/site"
	"hearth/units"
)

// Options is what [New] serves. Home, Auth and Log must be set.
type Options struct {
	// Home is the home.
	Home Home
	// Auth knows who may come in.
	Auth *Auth
	// Log takes what an operator may need.
	Log *slog.Logger
	// Version is of the program.
	Version string
	// Web serves the pages: everything that is not the API. Nil serves none.
	Web http.Handler
	// Inference serves the models of this home under /v1/, to visitors who may
	// change things or have a token for it. Nil serves none.
	Inference http.Handler
	// Now is the clock of sessions and logins; nil is [time.Now]. The home has
	// a clock of its own.
	Now func() time.Time
	// StateEvery is the least time between two state events of one stream; 0
	// is half a second.
	StateEvery time.Duration
}

// api holds the handlers.
type api struct {
	home    Home
	auth    *Auth
	log     *slog.Logger
	version string
	now     func() time.Time
	streams streams
	// heavy is held by the one request that reads the whole ledger.
	heavy sync.Mutex
	// seeking is held by the one request that looks for devices.
	seeking sync.Mutex
}

//go:embed openapi.json
var openAPI []byte

// route is one operation of the API.
type route struct {
	method, path string
	scope        Scope // empty: for everybody
	serve        func(w http.ResponseWriter, r *http.Request) error
}

func (a *api) routes() []route {
	return []route{
		{"GET", "/api/v1/state", ScopeRead, a.state},
		{"GET", "/api/v1/events", ScopeRead, a.events},
		{"GET", "/api/v1/log", ScopeRead, a.logEntries},
		{"GET", "/api/v1/devices", ScopeRead, a.devices},
		{"GET", "/api/v1/devices/{id}", ScopeRead, a.device},
		{"GET", "/api/v1/history", ScopeRead, a.history},
		{"GET", "/api/v1/ledger", ScopeRead, a.ledger},
		{"GET", "/api/v1/ledger/verify", ScopeRead, a.ledgerVerify},
		{"GET", "/api/v1/ledger/export.csv", ScopeRead, a.ledgerExport("csv", "text/csv; charset=utf-8; header=present")},
		{"GET", "/api/v1/ledger/export.parquet", ScopeRead, a.ledgerExport("parquet", "application/vnd.apache.parquet")},
		{"GET", "/api/v1/ledger/export.chain", ScopeRead, a.ledgerExport("chain", "application/octet-stream")},
		{"GET", "/api/v1/openapi.json", ScopeRead, a.document},
		{"GET", "/metrics", ScopeRead, a.metrics()},
		{"GET", "/healthz", "", a.health},

		{"PUT", "/api/v1/zones/{zone}/setpoint", ScopeControl, a.putSetPoint},
		{"PUT", "/api/v1/zones/{zone}/mode", ScopeControl, a.putMode},
		{"PUT", "/api/v1/zones/{zone}/preset", ScopeControl, a.putPreset},
		{"PUT", "/api/v1/zones/{zone}/manual", ScopeControl, a.putManual},
		{"POST", "/api/v1/devices/{id}/blink", ScopeControl, a.blink},
		{"POST", "/api/v1/trips/{id}/clear", ScopeControl, a.clearTrip},
		{"PUT", "/api/v1/compute", ScopeControl, a.putCompute},
		{"POST", "/api/v1/discover", ScopeControl, a.discover},
		{"POST", "/api/v1/devices", ScopeControl, a.postDevice},
		{"DELETE", "/api/v1/devices/{id}", ScopeControl, a.deleteDevice},
		{"GET", "/api/v1/devices/{id}/checks", ScopeRead, a.checks},
		{"POST", "/api/v1/devices/{id}/checks/{name}", ScopeControl, a.postCheck},
		{"GET", "/api/v1/devices/{id}/sheet", ScopeRead, a.sheet},
		{"POST", "/api/v1/devices/{id}/sheet", ScopeControl, a.postSheet},

		{"GET", "/api/v1/pool", ScopeRead, a.poolState},
		{"POST", "/api/v1/pool/miners", ScopeControl, a.postMiner},
		{"DELETE", "/api/v1/pool/miners/{name}", ScopeControl, a.deleteMiner},
		{"PUT", "/api/v1/pool/payouts", ScopeControl, a.putPayouts},
		{"POST", "/api/v1/pool/receipts", ScopeControl, a.postReceipt},
		{"POST", "/api/v1/pool/reports", ScopeControl, a.postReport},
		{"GET", "/api/v1/pool/statements/{party}", ScopeRead, a.statement},
		{"PUT", "/api/v1/devices/{id}/pool", ScopeControl, a.putDevicePool},

		{"POST", "/login", "", a.login},
		{"POST", "/logout", ScopeRead, a.logout},
	}
}

// New returns the handler of everything: the API, the pages and the gate in
// front of both. It is safe for concurrent use. Streams of events end when the
// request's context does, so a server that is to stop must end that first;
// [Serve] does.
func New(o Options) http.Handler {
	a := &api{home: o.Home, auth: o.Auth, log: o.Log, version: o.Version, now: o.Now}
	if a.now == nil {
		a.now = time.Now
	}
	a.streams.every = o.StateEvery
	if a.streams.every == 0 {
		a.streams.every = 500 * time.Millisecond
	}
	mux := http.NewServeMux()
	for _, rt := range a.routes() {
		mux.Handle(rt.method+" "+rt.path, a.handle(rt))
	}
	mux.HandleFunc("/api/", a.nothing)
	if o.Inference != nil {
		mux.Handle("/v1/", within(ScopeInfer, o.Inference))
	}
	if o.Web != nil {
		mux.Handle("/", o.Web)
	}
	return &gate{auth: o.Auth, log: o.Log, now: a.now, origin: http.NewCrossOriginProtection(), next: mux}
}

// handle checks the visitor's scope and turns an error into its answer.
func (a *api) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var err error
		if v := VisitorOf(r.Context()); !v.may(rt.scope) {
			err = v.tooLittle(rt.scope)
		} else {
			err = rt.serve(w, r)
		}
		if err == nil {
			return
		}
		p := ProblemOf(err)
		if p.Status == http.StatusInternalServerError {
			a.log.ErrorContext(r.Context(), "request failed", "path", r.URL.Path, "error", err)
		}
		p.write(w)
	})
}

// may reports whether the visitor may do what needs the scope.
func (v Visitor) may(s Scope) bool {
	return s == "" || v.Scope == s || v.Scope == ScopeControl
}

// tooLittle says which token the visitor needs.
func (v Visitor) tooLittle(s Scope) *Problem {
	what := "This token may look, but not change anything."
	switch {
	case v.Scope == ScopeInfer:
		what = "This token is for the models alone."
	case s == ScopeInfer:
		what = "This token may look at the home, but not ask its models."
	}
	return &Problem{http.StatusForbidden, "scope", what, "Make one with the scope " + string(s) + "."}
}

// within serves h to visitors of a scope.
func within(s Scope, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if v := VisitorOf(r.Context()); !v.may(s) {
			v.tooLittle(s).write(w)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// nothing answers for paths and methods that the API does not have.
func (a *api) nothing(w http.ResponseWriter, r *http.Request) {
	allow := ""
	for _, rt := range a.routes() {
		m := http.NewServeMux()
		m.HandleFunc(rt.path, func(http.ResponseWriter, *http.Request) {})
		if _, pattern := m.Handler(r); pattern != "" {
			if allow != "" {
				allow += ", "
			}
			allow += rt.method
		}
	}
	if allow != "" {
		w.Header().Set("Allow", allow)
		(&Problem{http.StatusMethodNotAllowed, "method", "This cannot be done with " + r.Method + ".", "Use " + allow + "."}).write(w)
		return
	}
	(&Problem{http.StatusNotFound, "not_found", "There is nothing here.", "See /api/v1/openapi.json."}).write(w)
}

func (a *api) document(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Write(openAPI) //nolint:errcheck // the client is gone
	return nil
}

func (a *api) health(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
	return nil
}

func (a *api) state(w http.ResponseWriter, _ *http.Request) error {
	writeJSON(w, http.StatusOK, a.home.State())
	return nil
}

func (a *api) devices(w http.ResponseWriter, _ *http.Request) error {
	d := a.home.State().Devices
	if d == nil {
		d = []site.DeviceState{}
	}
	writeJSON(w, http.StatusOK, d)
	return nil
}

func (a *api) device(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	for _, d := range a.home.State().Devices {
		if d.ID == id {
			writeJSON(w, http.StatusOK, d)
			return nil
		}
	}
	return notFound("There is no device %q.", id)
}

// maxLog bounds one answer of the log.
const maxLog = 500

func (a *api) logEntries(w http.ResponseWriter, r *http.Request) error {
	after, limit := uint64(0), 100
	q := r.URL.Query()
	if s := q.Get("after"); s != "" {
		n, err := strconv.ParseUint(s, 10, 64)
		if err != nil {
			return invalid("after=%q is not the number of an event.", s)
		}
		after = n
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxLog {
			return invalid("limit=%q: ask for 1 to %d events.", s, maxLog)
		}
		limit = n
	}
	list := a.home.Events(after, limit)
	if list == nil {
		list = []site.Event{}
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

func (a *api) history(w http.ResponseWriter, r *http.Request) error {
	q, err := ParseHistory(r.URL.Query().Get, a.home.State().At)
	if err != nil {
		return err
	}
	h, err := a.home.History(r.Context(), q)
	if err != nil {
		return err
	}
	if h.Points == nil {
		h.Points = []site.Point{}
	}
	writeJSON(w, http.StatusOK, h)
	return nil
}

// maxPoints bounds one answer of history.
const maxPoints = 2000

// ParseHistory reads the parameters subject, metric, from, to (RFC 3339) and
// points, whatever they come from. Left out, they mean the home's power over
// the 24 hours before now in at most 288 points. An error is a *[Problem].
func ParseHistory(get func(string) string, now time.Time) (site.HistoryQuery, error) {
	q := site.HistoryQuery{Subject: "home", Metric: site.MetricPower, From: now.Add(-24 * time.Hour), To: now, Points: 288}
	if s := get("subject"); s != "" {
		q.Subject = s
	}
	switch m := site.Metric(get("metric")); m {
	case "":
	case site.MetricTemp, site.MetricSetPoint, site.MetricPower, site.MetricElectricity, site.MetricHeat, site.MetricOutdoor:
		q.Metric = m
	default:
		return q, invalid("metric=%q: there is temp, setpoint, power, electricity, heat and outdoor.", m)
	}
	if err := times(get, &q.From, &q.To); err != nil {
		return q, err
	}
	if get("from") == "" && get("to") != "" {
		q.From = q.To.Add(-24 * time.Hour)
	}
	if !q.From.Before(q.To) {
		return q, invalid("from is not before to.")
	}
	if s := get("points"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxPoints {
			return q, invalid("points=%q: ask for 1 to %d.", s, maxPoints)
		}
		q.Points = n
	}
	return q, nil
}

// times reads the parameters from and to where they are given.
func times(get func(string) string, from, to *time.Time) error {
	for name, at := range map[string]*time.Time{"from": from, "to": to} {
		if s := get(name); s != "" {
			t, err := time.Parse(time.RFC3339, s)
			if err != nil {
				return invalid("%s=%q: write a time as 2026-01-31T18:00:00+01:00.", name, s)
			}
			*at = t
		}
	}
	return nil
}

// zone returns the zone of the path and the state it is in.
func (a *api) zone(r *http.Request) (site.ZoneState, site.State, error) {
	id, s := r.PathValue("zone"), a.home.State()
	for _, z := range s.Zones {
		if z.ID == id {
			return z, s, nil
		}
	}
	return site.ZoneState{}, s, notFound("There is no zone %q.", id)
}

// answerZone sends the zone as it is after a change.
func (a *api) answerZone(w http.ResponseWriter, r *http.Request) error {
	z, _, err := a.zone(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, z)
	return nil
}

func by(ctx context.Context) string { return VisitorOf(ctx).Name }

func (a *api) putSetPoint(w http.ResponseWriter, r *http.Request) error {
	z, s, err := a.zone(r)
	if err != nil {
		return err
	}
	var body setPointBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	t, err := SetPointOf(z, body.Value, body.Unit)
	if err != nil {
		return err
	}
	until, err := Ahead(s.At, body.Until)
	if err != nil {
		return err
	}
	if err := a.home.SetPoint(r.Context(), z.ID, t, until, by(r.Context())); err != nil {
		return err
	}
	return a.answerZone(w, r)
}

func (a *api) putMode(w http.ResponseWriter, r *http.Request) error {
	z, _, err := a.zone(r)
	if err != nil {
		return err
	}
	var body modeBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Mode != site.ModeHeat && body.Mode != site.ModeOff {
		return invalid("%q is not a mode: use heat or off.", body.Mode)
	}
	if err := a.home.SetMode(r.Context(), z.ID, body.Mode, by(r.Context())); err != nil {
		return err
	}
	return a.answerZone(w, r)
}

func (a *api) putPreset(w http.ResponseWriter, r *http.Request) error {
	z, s, err := a.zone(r)
	if err != nil {
		return err
	}
	var body presetBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Preset == nil {
		return invalid(`The preset is missing: away, boost, holiday, or "" to go back to the schedule.`)
	}
	switch *body.Preset {
	case "", "away", "boost", "holiday":
	default:
		return invalid(`%q is not a preset: use away, boost, holiday, or "" to go back to the schedule.`, *body.Preset)
	}
	var set *units.Celsius
	if body.Value != nil || body.Unit != "" {
		t, err := SetPointOf(z, body.Value, body.Unit)
		if err != nil {
			return err
		}
		set = &t
	}
	until, err := Ahead(s.At, body.Until)
	if err != nil {
		return err
	}
	if err := a.home.SetPreset(r.Context(), z.ID, *body.Preset, set, until, by(r.Context())); err != nil {
		return err
	}
	return a.answerZone(w, r)
}

// maxManual bounds a manual level: nobody watches it for longer.
const maxManual = 24 * time.Hour

func (a *api) putManual(w http.ResponseWriter, r *http.Request) error {
	z, _, err := a.zone(r)
	if err != nil {
		return err
	}
	var body manualBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	switch {
	case body.Device == "":
		return invalid("The device is missing.")
	case body.Level == nil:
		return invalid(`The level is missing: one of the heater's, on, a power such as 500 W, or off.`)
	}
	var d time.Duration
	if *body.Level != "off" && *body.Level != "" {
		switch {
		case body.Minutes == nil:
			return invalid("The minutes are missing: a manual level always ends.")
		case !(*body.Minutes >= 1 && *body.Minutes <= maxManual.Minutes()):
			return invalid("%g minutes: a manual level lasts 1 to %g minutes.", *body.Minutes, maxManual.Minutes())
		}
		d = time.Duration(*body.Minutes * float64(time.Minute))
	}
	if err := a.home.Manual(r.Context(), z.ID, body.Device, *body.Level, d, by(r.Context())); err != nil {
		return err
	}
	return a.answerZone(w, r)
}

func (a *api) blink(w http.ResponseWriter, r *http.Request) error {
	if err := a.home.Blink(r.Context(), r.PathValue("id")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) clearTrip(w http.ResponseWriter, r *http.Request) error {
	if err := a.home.ClearTrip(r.Context(), r.PathValue("id"), by(r.Context())); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) putCompute(w http.ResponseWriter, r *http.Request) error {
	var body computeBody
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Allowed == nil {
		return invalid(`Send {"allowed":true} or {"allowed":false}.`)
	}
	if err := a.home.AllowCompute(r.Context(), *body.Allowed, by(r.Context())); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, a.home.State().Compute)
	return nil
}
