package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"hearth/control"
	"hearth/httpapi"
	"hearth/site"
)

//go:embed templates static
var files embed.FS

// Options is what the pages show. Home, Auth and Log must be set.
type Options struct {
	// Home is the home.
	Home httpapi.Home
	// Auth tells the settings page whether a password is set, and the tokens.
	Auth *httpapi.Auth
	// Log takes what an operator may need.
	Log *slog.Logger
	// Location is whose time is shown; nil is [time.Local].
	Location *time.Location
	// Mining tells what the home does on a network; nil if it takes no part in one.
	Mining func() *Mining
}

// pages holds the handlers.
type pages struct {
	home httpapi.Home
	auth *httpapi.Auth
	log  *slog.Logger
	loc  *time.Location
	// mining is nil where the home takes no part in a network.
	mining func() *Mining
	tmpl   map[string]*template.Template
	tags   map[string]string // of static files
	// verifying is held by the one request that reads the whole ledger.
	verifying sync.Mutex
	planner   planner
	// seeking is held by the one request that looks for devices.
	seeking sync.Mutex
}

// New returns the handler of the pages. It is safe for concurrent use.
func New(o Options) (http.Handler, error) {
	p := &pages{home: o.Home, auth: o.Auth, log: o.Log, loc: o.Location, mining: o.Mining, tmpl: make(map[string]*template.Template), tags: make(map[string]string)}
	if p.loc == nil {
		p.loc = time.Local
	}
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		return nil, err
	}
	for _, n := range names {
		b, err := files.ReadFile(n)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		p.tags[n] = hex.EncodeToString(sum[:8])
	}
	layout, err := template.New("layout.html").Funcs(p.funcs()).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("read page templates: %w", err)
	}
	for _, name := range []string{"home", "devices", "history", "events", "ledger", "settings", "find", "install", "commission", "sheet", "plan", "pool", "paired", "statement", "login", "error"} {
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(files, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("read page template %s: %w", name, err)
		}
		p.tmpl[name] = t
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{file}", p.static)
	mux.HandleFunc("GET /plan.css", pictureStyle)
	for pattern, serve := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /{$}":          p.front,
		"GET /zones/{zone}": p.oneZone,
		"GET /devices":      p.devices,
		"GET /history":      p.history,
		"GET /events":       p.events,
		"GET /ledger":       p.ledger,
		"GET /settings":     p.settings,
		"GET /find":         p.find,
		"GET /install":      p.install,
		"GET /plan":         p.plan,
		"GET /pool":         p.pool,
		"GET /login":        p.login,
		"GET /":             p.nothing,

		"POST /zones/{zone}/setpoint": p.postSetPoint,
		"POST /zones/{zone}/mode":     p.postMode,
		"POST /zones/{zone}/preset":   p.postPreset,
		"POST /zones/{zone}/manual":   p.postManual,
		"POST /devices/{id}/blink":    p.postBlink,
		"POST /trips/{id}/clear":      p.postClear,
		"POST /compute":               p.postCompute,
		"POST /find":                  p.postFind,

		"POST /pool/miners":               p.postPair,
		"POST /pool/miners/{name}/unpair": p.postUnpair,
		"POST /pool/payouts":              p.postPayouts,
		"GET /pool/statements/{party}":    p.statement,
		"POST /devices/{id}/pool":         p.postDevicePool,

		"POST /install":                        p.postInstall,
		"GET /install/{device}":                p.commission,
		"POST /install/{device}/checks/{name}": p.postCheck,
		"GET /install/{device}/sheet":          p.sheet,
		"POST /install/{device}/sheet":         p.postSheet,
	} {
		mux.Handle(pattern, p.handle(serve))
	}
	return mux, nil
}

// handle shows an error as a page.
func (p *pages) handle(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			p.problem(w, r, err)
		}
	})
}

func (p *pages) problem(w http.ResponseWriter, r *http.Request, err error) {
	problem := httpapi.ProblemOf(err)
	if problem.Status == http.StatusInternalServerError {
		p.log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
	}
	back := "/"
	if r.Method == http.MethodPost && r.PostForm != nil {
		back = httpapi.LocalPath(r.PostForm.Get("back"))
	}
	if err := p.show(w, r, problem.Status, "error", view{Title: "That did not work"}, errorView{problem, back}); err != nil {
		p.log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
		http.Error(w, problem.Error(), problem.Status)
	}
}

type errorView struct {
	Problem *httpapi.Problem
	Back    string
}

func (p *pages) nothing(http.ResponseWriter, *http.Request) error {
	return &httpapi.Problem{Status: http.StatusNotFound, Code: "not_found", Message: "There is no page here.", Hint: "It may have moved."}
}

// view is what every page has.
type view struct {
	// Title names the page.
	Title string
	// Page is the entry of the navigation that is current.
	Page string
	// Live is set on pages that follow the home.
	Live bool
	// Path is where forms lead back to.
	Path string
	// State is the home; the login page shows nothing of it.
	State site.State
	// Visitor is who is looking.
	Visitor httpapi.Visitor
	// Announce changes when a listener should be told the sentence again.
	Announce string
	// Body is the page's own.
	Body any
}

// show writes a page, whole or not at all.
func (p *pages) show(w http.ResponseWriter, r *http.Request, status int, name string, v view, body any) error {
	v.Visitor = httpapi.VisitorOf(r.Context())
	v.Body = body
	if v.Path == "" {
		v.Path = httpapi.LocalPath(r.URL.RequestURI())
	}
	if v.Visitor.Scope != "" && v.State.At.IsZero() {
		v.State = p.home.State()
	}
	v.Announce = announce(v.State)
	var b bytes.Buffer
	if err := p.tmpl[name].ExecuteTemplate(&b, "layout.html", v); err != nil {
		return fmt.Errorf("show page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes()) //nolint:errcheck // the client is gone
	return nil
}

// announce is what a change of is worth interrupting a listener for: what the
// home is doing and what was set, not each tenth of a degree.
func announce(s site.State) string {
	var b strings.Builder
	for _, z := range s.Zones {
		set := "-"
		if v, ok := z.SetPoint.Get(); ok {
			set = v.String()
		}
		fmt.Fprintf(&b, "%s %s %s %s %v;", z.Mode, z.Activity, set, z.Preset, z.Temp.IsKnown())
	}
	for _, t := range s.Trips {
		b.WriteString(t.ID + ";")
	}
	sum := sha256.Sum256([]byte(b.String()))
	return hex.EncodeToString(sum[:6])
}

func (p *pages) static(w http.ResponseWriter, r *http.Request) {
	name := "static/" + r.PathValue("file")
	tag, ok := p.tags[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	b, err := files.ReadFile(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	kind := map[string]string{
		".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8",
		".svg": "image/svg+xml", ".webmanifest": "application/manifest+json",
	}[path.Ext(name)]
	w.Header().Set("Content-Type", kind)
	w.Header().Set("ETag", `"`+tag+`"`)
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == tag { // the address changes with the content
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// zoneByID returns the zone, or a problem.
func zoneByID(s site.State, id string) (site.ZoneState, error) {
	for _, z := range s.Zones {
		if z.ID == id {
			return z, nil
		}
	}
	return site.ZoneState{}, fmt.Errorf("zone %q: %w", id, site.ErrNotFound)
}

func deviceByID(s site.State, id string) (site.DeviceState, bool) {
	for _, d := range s.Devices {
		if d.ID == id {
			return d, true
		}
	}
	return site.DeviceState{}, false
}

// isHeating reports whether the accent colour is due.
func isHeating(a control.Activity) bool { return a == control.Heating }
