package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"hearth/httpapi"
	"hearth/infer/hub"
	"hearth/internal/loopback"
	"hearth/openai"
)

type serveCmd struct {
	modelsAt  `embed:""`
	Model     []string      `help:"Serve this model, and say it again for more; by default all that are here." placeholder:"NAME" sep:"none"`
	Listen    string        `help:"Address to serve at." default:"127.0.0.1:8420" placeholder:"HOST:PORT"`
	KeyFile   string        `help:"File of keys (\"hearth key add\"). With it every request needs a key, and other computers may ask." type:"path" placeholder:"FILE"`
	PerMinute int           `help:"Most requests of one caller in a minute." default:"600"`
	AtATime   int           `help:"Most requests of one caller at a time." default:"32"`
	Queue     int           `help:"Most answers and texts under way or waiting, of all callers." default:"256"`
	Longest   time.Duration `help:"Longest that a request may take." default:"10m"`
	Log       string        `help:"How much to log: error, warn, info or debug. Prompts and answers never are." enum:"error,warn,info,debug" default:"warn"`
}

// Run serves until it is interrupted.
func (c *serveCmd) Run(p *program) error {
	log := newLogger(p.err, c.Log)
	s, _ := c.store(p, "")
	admit := openai.Local
	if c.KeyFile != "" {
		keys, err := openai.OpenKeys(c.KeyFile)
		if err != nil {
			return coded(exitUsage, err)
		}
		if len(keys.List()) == 0 {
			return coded(exitUsage, fmt.Errorf("%s has no keys, so nobody could ask: make one with \"hearth key add NAME --key-file %s\"", filepath.Base(c.KeyFile), c.KeyFile))
		}
		admit = keys.Admit
	}
	l, err := c.listen(p.ctx)
	if err != nil {
		return err
	}
	models, err := openModels(p.ctx, s, c.Model, log)
	if err != nil {
		_ = l.Close()
		return err
	}
	defer func() {
		for _, m := range models {
			m.close()
		}
	}()
	receipts, err := openReceipts(c.Data)
	if err != nil {
		_ = l.Close()
		return err
	}
	server := openai.New(openai.Options{
		Models: served(models), Admit: admit, Receipts: receipts, Log: log,
		Limits: openai.Limits{Jobs: c.Queue, PerMinute: c.PerMinute, AtATime: c.AtATime, Time: c.Longest},
	})
	mux := http.NewServeMux()
	mux.Handle("/v1/", server)
	mux.Handle("GET /metrics", only(admit, server.Metrics()))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })

	ctx, stop := context.WithCancelCause(p.ctx)
	defer stop(nil)
	// Requests outlive ctx, so that answers under way can end, and engines
	// outlive the requests.
	calls := newLastCalls(mux)
	serving, endServing := context.WithCancel(context.WithoutCancel(p.ctx))
	defer endServing()
	engines, end := context.WithCancel(context.WithoutCancel(p.ctx))
	var running sync.WaitGroup
	defer running.Wait()
	defer end()
	for _, m := range models {
		if m.Decoder == nil {
			continue
		}
		running.Go(func() {
			if err := m.Decoder.Run(engines); err != nil && !errors.Is(err, context.Canceled) {
				stop(fmt.Errorf("the engine of %s ended: %w", m.Name, err))
			}
		})
	}
	scheme := "http"
	conf, fingerprint, err := c.certificate(l)
	if err != nil {
		_ = l.Close()
		return err
	}
	if conf != nil {
		scheme = "https"
	}
	for _, a := range reachedAt(l.Addr(), lanAddresses()) {
		fmt.Fprintf(p.out, "%s\n", p.paint(bold, "Hearth serves "+scheme+"://"+a+"/v1"))
	}
	for _, m := range models {
		fmt.Fprintf(p.out, "  %s (%s)\n", m.Name, m.Config.Kind)
	}
	if fingerprint != "" {
		fmt.Fprintln(p.out, "The certificate is this computer's own; its SHA-256 fingerprint is\n  "+fingerprint)
	}
	which := "any key"
	if c.KeyFile != "" {
		which = "a key of " + filepath.Base(c.KeyFile)
	}
	fmt.Fprintln(p.out, p.paint(dim, "Any OpenAI client works, with the base URL above and "+which+". Stop with Ctrl-C."))
	running.Go(func() {
		defer endServing()
		c.wait(ctx, p, calls)
	})
	err = httpapi.Serve(serving, l, conf, calls, log)
	stop(err)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return err
}

// wait returns when the server is to end: some time after ctx has ended, if
// answers are under way.
func (c *serveCmd) wait(ctx context.Context, p *program, calls *lastCalls) {
	<-ctx.Done()
	under, ended := calls.stop()
	if under == 0 {
		return
	}
	fmt.Fprintf(p.err, "Stopping. Under way: %s, with %.0f seconds to end. Ctrl-C again stops at once.\n", count(under, "request"), grace.Seconds())
	select {
	case <-ended:
	case <-time.After(grace):
		fmt.Fprintln(p.err, "The time is up: what is still under way is cut short.")
	}
}

// reachedAt are the addresses that an address to listen at is reached at: all
// addresses of a computer are not one that could be typed into a client.
func reachedAt(listening net.Addr, lan []string) []string {
	a, ok := listening.(*net.TCPAddr)
	if !ok || !a.IP.IsUnspecified() {
		return []string{listening.String()}
	}
	var all []string
	for _, host := range append([]string{"127.0.0.1"}, lan...) {
		all = append(all, net.JoinHostPort(host, fmt.Sprint(a.Port)))
	}
	return all
}

// served are the models as the API has them.
func served(all []*opened) []*openai.Model {
	var out []*openai.Model
	for _, o := range all {
		out = append(out, o.Model)
	}
	return out
}

// only serves h to who is admitted.
func only(admit func(*http.Request) (openai.Caller, error), h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := admit(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// openModels opens the models to serve. One that is damaged is left out, and the
// log says so, unless it was asked for by name.
func openModels(ctx context.Context, s *hub.Store, wanted []string, log *slog.Logger) (all []*opened, err error) {
	defer func() {
		if err != nil {
			for _, o := range all {
				o.close()
			}
			all = nil
		}
	}()
	names, err := servedNames(s, wanted)
	if err != nil {
		return nil, err
	}
	var out error
	for _, name := range names {
		o, err := openNamed(ctx, s, name, "")
		switch {
		case err == nil:
			all = append(all, o)
		case len(wanted) > 0 || ctx.Err() != nil:
			return all, err
		default:
			log.Warn("a model is left out", "model", name, "error", oneLine(err.Error()))
			out = err
		}
	}
	if len(all) == 0 {
		return nil, out
	}
	return all, nil
}

// listen opens the address. Without keys it must be this computer's own.
func (c *serveCmd) listen(ctx context.Context) (net.Listener, error) {
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return nil, coded(exitUsage, fmt.Errorf("--listen %q: write it as 127.0.0.1:8420", c.Listen))
	}
	if c.KeyFile == "" && !loopback.Host(host) {
		return nil, coded(exitUsage, fmt.Errorf("listen on %s: without keys only this computer is served; make one with \"hearth key add NAME --key-file FILE\" and give --key-file", c.Listen))
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", c.Listen)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: something runs there already, perhaps Hearth itself; choose another with --listen", c.Listen)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", c.Listen, err)
	}
	return l, nil
}
