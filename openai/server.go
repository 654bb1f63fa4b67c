package openai

import (
	"context"
	"crypto/rand"
	_ "embed"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// Options is what [New] serves.
type Options struct {
	// Models are served by their names.
	Models []*Model
	// Admit says who asks, or why not to answer; nil is [Local].
	Admit func(*http.Request) (Caller, error)
	// Limits bound what can be asked.
	Limits Limits
	// Receipts makes receipts; nil makes none, and says so when asked.
	Receipts *Receipts
	// Used hears of the tokens that were read and written for each request; nil
	// tells nobody.
	Used func(tokens int)
	// Log takes what an operator may need; it must be set.
	Log *slog.Logger
	// Now is the clock; nil is [time.Now].
	Now func() time.Time
}

// Server serves the API. It is safe for concurrent use.
type Server struct {
	models   []*Model
	admit    func(*http.Request) (Caller, error)
	receipts *Receipts
	log      *slog.Logger
	now      func() time.Time
	told     func(tokens int)
	limits   Limits
	gate     turnstile
	metrics  *metrics
	origin   *http.CrossOriginProtection
	mux      *http.ServeMux
}

//go:embed openapi.json
var openAPI []byte

// route is one operation.
type route struct {
	method, path string
	serve        func(w http.ResponseWriter, r *http.Request, c Caller) error
}

func (s *Server) routes() []route {
	return []route{
		{"GET", "/v1/models", s.listModels},
		{"GET", "/v1/models/{id}", s.oneModel},
		{"POST", "/v1/embeddings", s.embeddings},
		{"POST", "/v1/chat/completions", s.chat},
		{"POST", "/v1/completions", s.complete},
		{"GET", "/v1/receipts/{id}", s.receipt},
		{"GET", "/v1/openapi.json", s.document},
	}
}

// New returns a server of o.Models.
func New(o Options) *Server {
	s := &Server{
		models: o.Models, admit: o.Admit, receipts: o.Receipts, log: o.Log, now: o.Now, told: o.Used,
		limits: o.Limits.filled(), origin: http.NewCrossOriginProtection(), mux: http.NewServeMux(),
	}
	if s.admit == nil {
		s.admit = Local
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.gate = turnstile{limits: s.limits, now: s.now, callers: make(map[string]*allowance)}
	s.metrics = newMetrics(s.gate.waiting)
	for _, rt := range s.routes() {
		s.mux.Handle(rt.method+" "+rt.path, s.handle(rt))
	}
	s.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		notFound("", "unknown_url", "There is no %s %s here: see /v1/openapi.json.", r.Method, r.URL.Path).write(w)
	})
	return s
}

// count adds up what a request took.
func (s *Server) count(m *Model, u usage) {
	s.metrics.used(m.Name, u)
	if s.told != nil {
		s.told(u.Total)
	}
}

// Metrics serves Prometheus metrics. Who may see them is for the caller to
// say.
func (s *Server) Metrics() http.Handler { return s.metrics.handler() }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	s.mux.ServeHTTP(w, r)
}

// handle admits the caller, counts, and turns an error into its answer.
func (s *Server) handle(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.now()
		id := "req_" + random()
		w.Header().Set("X-Request-Id", id)
		sent := &status{ResponseWriter: w}
		err := s.let(rt, sent, r)
		if err != nil {
			p := problemOf(err)
			if p.Status == http.StatusInternalServerError {
				// The error comes from the engine and says nothing of the prompt.
				s.log.ErrorContext(r.Context(), "request failed", "path", rt.path, "request", id, "error", err)
			}
			if sent.code == 0 {
				p.write(sent)
			}
		}
		s.metrics.requests.WithLabelValues(rt.path, strconv.Itoa(sent.code)).Inc()
		s.metrics.seconds.WithLabelValues(rt.path).Observe(s.now().Sub(began).Seconds())
		s.log.DebugContext(r.Context(), "request", "path", rt.path, "request", id, "status", sent.code)
	})
}

func (s *Server) let(rt route, w *status, r *http.Request) error {
	// A page of another site must not ask in its visitor's name.
	if err := s.origin.Check(r); err != nil || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return &Problem{Status: http.StatusForbidden, Message: "This request comes from another web site.", Type: typePermission, Code: ref("cross_origin")}
	}
	c, err := s.admit(r)
	if err != nil {
		return err
	}
	leave, err := s.gate.enter(c)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(r.Context(), s.limits.Time)
	defer cancel()
	// The server's own time limits are for short answers. Time is bounded by
	// the context; what a client does not take within it ends the answer.
	rc := http.NewResponseController(w)
	_ = rc.SetReadDeadline(time.Now().Add(time.Minute))
	_ = rc.SetWriteDeadline(time.Now().Add(s.limits.Time + time.Minute))
	return rt.serve(w, r.WithContext(ctx), c)
}

// status remembers what was sent.
type status struct {
	http.ResponseWriter
	code int
}

// WriteHeader implements http.ResponseWriter.
func (s *status) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

// Write implements http.ResponseWriter.
func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// Unwrap is for [http.ResponseController].
func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// random is what ids end with: 96 bits.
func random() string {
	b := make([]byte, 12)
	rand.Read(b) // never fails, says crypto/rand
	return hex.EncodeToString(b)
}

func (s *Server) document(w http.ResponseWriter, _ *http.Request, _ Caller) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(openAPI)
	return nil
}

// find returns the model of a name, or of an id.
func (s *Server) find(name string) (*Model, error) {
	for _, m := range s.models {
		if name == m.Name || name == m.ID {
			return m, nil
		}
	}
	return nil, notFound("model", "model_not_found", "The model %q is not served here: GET /v1/models lists those that are.", name)
}

// modelObject is how the API shows a model. Kind, Context and ModelID are
// Hearth's own.
type modelObject struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	OwnedBy string `json:"owned_by"`
	Hearth  struct {
		ModelID string `json:"model_id"`
		Kind    string `json:"kind"`
		Context int    `json:"context"`
	} `json:"hearth"`
}

func (m *Model) object() modelObject {
	o := modelObject{ID: m.Name, Object: "model", OwnedBy: "hearth"}
	if !m.Created.IsZero() {
		o.Created = m.Created.Unix()
	}
	o.Hearth.ModelID, o.Hearth.Kind, o.Hearth.Context = m.ID, m.Config.Kind, m.Config.Context
	return o
}

func (s *Server) listModels(w http.ResponseWriter, _ *http.Request, _ Caller) error {
	list := struct {
		Object string        `json:"object"`
		Data   []modelObject `json:"data"`
	}{"list", []modelObject{}}
	for _, m := range s.models {
		list.Data = append(list.Data, m.object())
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

func (s *Server) oneModel(w http.ResponseWriter, r *http.Request, _ Caller) error {
	m, err := s.find(r.PathValue("id"))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, m.object())
	return nil
}
