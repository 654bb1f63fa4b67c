package explorer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

//go:embed templates static
var files embed.FS

// patience is how long a page waits for its queries.
const patience = 10 * time.Second

// explorer holds the handlers.
type explorer struct {
	Source
	modules
	log   *slog.Logger
	tmpl  map[string]*template.Template
	tags  map[string]string // of static files
	paid  counted
	seats chan struct{} // of pages that follow the chain
}

// New returns the handler of the pages. It is safe for concurrent use.
func New(source Source, log *slog.Logger) (http.Handler, error) {
	e := &explorer{
		Source: source, modules: newModules(source.Queries), log: log,
		tmpl: make(map[string]*template.Template), tags: make(map[string]string), seats: make(chan struct{}, maxFollowers),
	}
	names, err := fs.Glob(files, "static/*")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(b)
		e.tags[path.Base(name)] = hex.EncodeToString(sum[:8])
	}
	layout, err := template.New("layout.html").Funcs(template.FuncMap{"static": e.address, "plus": func(a, b int) int { return a + b }}).ParseFS(files, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, fmt.Errorf("read the pages' templates: %w", err)
	}
	for _, name := range [...]string{"overview", "sheet", "problem"} {
		t, err := layout.Clone()
		if err == nil {
			t, err = t.ParseFS(files, "templates/"+name+".html")
		}
		if err != nil {
			return nil, fmt.Errorf("read the template of page %s: %w", name, err)
		}
		e.tmpl[name] = t
	}
	return e.routes(), nil
}

func (e *explorer) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /static/{file}", e.static)
	mux.HandleFunc("GET /live", e.live)
	mux.HandleFunc("GET /search", e.search)
	mux.HandleFunc("GET /{$}", e.overview)
	for pattern, build := range map[string]func(context.Context, *http.Request) (*sheet, error){
		"blocks":                e.blocks,
		"blocks/{height}":       e.block,
		"transactions":          e.transactions,
		"transactions/{hash}":   e.transaction,
		"tickets":               e.tickets,
		"tickets/{nullifier}":   e.ticket,
		"jobs":                  e.jobs,
		"jobs/{id}":             e.job,
		"claims":                e.claims,
		"claims/{key}":          e.claim,
		"trials":                e.trials,
		"trials/{claim}":        e.trial,
		"projects":              e.projects,
		"projects/{id}":         e.project,
		"models":                e.models,
		"models/{id}":           e.oneModel,
		"miners":                e.miners,
		"miners/{owner}":        e.miner,
		"validators":            e.validators,
		"validators/{operator}": e.validator,
		"penalties":             e.penalties,
		"emission":              e.minting,
		"beacon":                e.randomness,
		"accounts/{address}":    e.account,
	} {
		mux.HandleFunc("GET /"+pattern, e.serve(build))
	}
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		e.problem(w, r, missing("There is no page here."))
	})
	return guarded(mux)
}

// guarded sets what keeps a page from being used against its reader. All of it
// comes from this server; nothing may frame it.
func guarded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

// view is what every page has.
type view struct {
	Title   string
	Pages   []entry // of the navigation
	Page    string  // the current one
	Live    bool    // the page follows the chain
	Test    bool
	Query   string // that was searched for
	Network string
	Height  string
	Body    any
}

type entry struct{ Href, Name string }

func navigation() []entry {
	return []entry{
		{"/", "Overview"},
		{"/blocks", "Blocks"},
		{"/transactions", "Transactions"},
		{"/tickets", "Tickets"},
		{"/jobs", "Jobs"},
		{"/claims", "Claims"},
		{"/trials", "Trials"},
		{"/projects", "Projects"},
		{"/models", "Models"},
		{"/miners", "Miners"},
		{"/validators", "Power"},
		{"/penalties", "Penalties"},
		{"/emission", "Emission"},
		{"/beacon", "Beacon"},
	}
}

// serve makes a handler of what builds a sheet.
func (e *explorer) serve(build func(context.Context, *http.Request) (*sheet, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		s, err := build(ctx, r)
		if err != nil {
			e.problem(w, r, err)
			return
		}
		e.show(w, r, http.StatusOK, "sheet", view{Title: s.Title, Live: s.Live}, s)
	}
}

// show writes a page, whole or not at all.
func (e *explorer) show(w http.ResponseWriter, r *http.Request, code int, name string, v view, body any) {
	v.Body, v.Test, v.Pages = body, e.Test, navigation()
	v.Page = "/"
	if first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/"); first != "" {
		v.Page += first
	}
	v.Network, v.Height = e.network(r.Context())
	var b bytes.Buffer
	if err := e.tmpl[name].ExecuteTemplate(&b, "layout.html", v); err != nil {
		e.log.ErrorContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
		http.Error(w, "This page could not be made; the node's log says why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.WriteHeader(code)
	w.Write(b.Bytes()) //nolint:errcheck // the reader is gone
}

// network returns the name and the height of the chain, if the node tells them.
func (e *explorer) network(ctx context.Context) (name, height string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	s, err := e.Chain.Status(ctx)
	if err != nil {
		return "", ""
	}
	return plain(s.NodeInfo.Network), number(s.SyncInfo.LatestBlockHeight)
}

// failure is what a reader is told when a page cannot be made.
type failure struct {
	Code       int
	Said, Hint string
}

func (f *failure) Error() string { return f.Said }

// missing returns the failure for something that is not on the chain.
func missing(format string, args ...any) error {
	return &failure{http.StatusNotFound, fmt.Sprintf(format, args...), "It may never have existed, or be older than this node remembers: settled jobs, claims and trials are forgotten after a while."}
}

// malformed returns the failure for an address that names nothing.
func malformed(format string, args ...any) error {
	return &failure{http.StatusBadRequest, fmt.Sprintf(format, args...), "Check the address of this page, or search for what you mean."}
}

// failureOf says what a failed query means to a reader.
func failureOf(err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	switch {
	case status.Code(err) == codes.NotFound:
		return failureOf(missing("This is not on the chain."))
	case status.Code(err) == codes.InvalidArgument:
		return failureOf(malformed("The node does not understand what this page asks for: %s", plain(status.Convert(err).Message())))
	case errors.Is(err, context.DeadlineExceeded):
		return &failure{http.StatusGatewayTimeout, "The node did not answer in time.", "It may be busy or catching up. Try again in a while."}
	default:
		return &failure{http.StatusBadGateway, "The node could not answer: " + plain(err.Error()), "It may be starting or catching up. Its log says more."}
	}
}

func (e *explorer) problem(w http.ResponseWriter, r *http.Request, err error) {
	f := failureOf(err)
	if f.Code >= http.StatusInternalServerError {
		e.log.WarnContext(r.Context(), "page failed", "path", r.URL.Path, "error", err)
	}
	title := "That did not work"
	if f.Code == http.StatusNotFound {
		title = "Not found"
	}
	e.show(w, r, f.Code, "problem", view{Title: title}, f)
}

// address is that of a static file; it changes with the content.
func (e *explorer) address(name string) string { return "/static/" + name + "?v=" + e.tags[name] }

func (e *explorer) static(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	tag, ok := e.tags[name]
	if !ok {
		e.problem(w, r, missing("There is no such file."))
		return
	}
	b, err := files.ReadFile("static/" + name)
	if err != nil {
		e.problem(w, r, err)
		return
	}
	switch path.Ext(name) {
	case ".css":
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
	case ".js":
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
	case ".svg":
		w.Header().Set("Content-Type", "image/svg+xml")
	}
	w.Header().Set("ETag", `"`+tag+`"`)
	w.Header().Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == tag {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(b))
}

// counted sums the epochs that are over: what was paid for, by class. Epochs
// never change, so each is read once.
type counted struct {
	mu     sync.Mutex
	epochs uint64    // summed
	last   uint64    // highest number summed, once epochs is not zero
	mega   [3]uint64 // paid jobs, commons, audits: millions of MACs
}
