package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"hearth/config"
	"hearth/drivers/computer"
	"hearth/furnace"
	"hearth/homeassistant"
	"hearth/httpapi"
	"hearth/internal/mqtt"
	"hearth/pool"
	"hearth/site"
	"hearth/web"
)

type upCmd struct {
	Config     string        `help:"The file that describes the home. Without it a simulated home runs." type:"path" placeholder:"FILE"`
	Data       string        `help:"Folder for the ledger and settings." default:"${data}" type:"path" placeholder:"DIR"`
	Listen     string        `help:"Address of the page and API (default 127.0.0.1:8420)." placeholder:"HOST:PORT"`
	Place      string        `help:"Place whose typical weather the simulated home has; by default one in your time zone." placeholder:"NAME"`
	Speed      float64       `help:"Run the simulated home this many times faster than life." default:"1" placeholder:"N"`
	Start      string        `help:"Day the simulated home begins at, with --speed." placeholder:"2027-01-10"`
	For        time.Duration `help:"Stop after this much of the home's time, such as 168h." placeholder:"TIME"`
	Burn       bool          `help:"Agree that this computer heats the place it stands in, and makes dumb heat of it while no work waits."`
	Folder     []string      `help:"Make the texts of this folder ready for \"hearth search\" while this computer heats; say it again for more." type:"existingdir" sep:"none" placeholder:"DIR"`
	Network    string        `help:"Mine on this network while heat is wanted: a file or address of its description, or \"devnet\" for the one that \"hearthnode devnet\" runs on this computer." placeholder:"NETWORK"`
	NetworkKey string        `help:"File of random bytes that opens the keys to mine with (default: lock in the folder for mining)." type:"path" placeholder:"FILE"`
	Log        string        `help:"How much to log: error, warn, info or debug." enum:"error,warn,info,debug" default:"warn"`
}

// Run heats until it is interrupted.
func (c *upCmd) Run(p *program) error {
	// Whoever read the output may go; heaters are still to be looked after.
	ignore(brokenPipe())
	log := newLogger(p.err, c.Log)
	src := deps{log: log, data: c.Data, burn: c.Burn, pool: new(atomic.Pointer[pool.Service])}
	if c.Speed <= 1 { // a home that runs faster than life does not use this computer
		src.work = furnace.New(computer.Burner{}, time.Now)
	}
	var (
		f   config.File
		sim *simulation
		err error
	)
	switch {
	case c.Burn && c.Speed > 1:
		return coded(exitUsage, errors.New("--burn: a home that runs faster than life does not use this computer"))
	case c.Network != "" && c.Speed > 1:
		return coded(exitUsage, errors.New("--network: a home that runs faster than life does not use this computer"))
	case c.Config != "" && (c.Speed != 1 || c.Place != "" || c.Start != ""):
		return coded(exitUsage, errors.New("--speed, --place and --start are for the simulated home: leave out --config"))
	case c.file() != "":
		src.dir = filepath.Dir(c.file())
		if f, err = config.Load(c.file()); err != nil {
			return coded(exitUsage, err)
		}
	default:
		// A made-up home never writes into a real home's ledger.
		src.data = filepath.Join(c.Data, simulatedDir)
		if sim, err = newSimulation(p.ctx, c.Place, c.Speed, c.Start, src.data); err != nil {
			return coded(exitUsage, err)
		}
		f, src.sim = sim.file, sim
	}
	if c.Listen != "" {
		f.Listen = c.Listen
	}
	if err := os.MkdirAll(src.data, 0o700); err != nil {
		return fmt.Errorf("make the data folder: %w", err)
	}
	auth, err := httpapi.OpenAuth(c.Data)
	if err != nil {
		return err
	}
	l, err := listen(p.ctx, f.Listen)
	if err != nil {
		return err
	}
	h, err := assemble(p.ctx, f, src)
	if err != nil {
		_ = l.Close()
		return err
	}
	r := newResidence(h, src, c.file(), c.Data)
	defer func() { r.now.close(context.WithoutCancel(p.ctx)) }()
	return c.serve(p, r, f, auth, l)
}

// file is the configuration to use: the one that is named, or the one that
// the page or "hearth devices --add" began in the data folder. Asking for a
// simulation leaves the latter aside.
func (c *upCmd) file() string {
	if c.Config != "" || c.Speed != 1 || c.Place != "" || c.Start != "" {
		return c.Config
	}
	path := filepath.Join(c.Data, homeFile)
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// serve runs the home, its page and whatever else looks at it, until ctx ends.
func (c *upCmd) serve(p *program, r *residence, f config.File, auth *httpapi.Auth, l net.Listener) error {
	ctx, stop := context.WithCancelCause(p.ctx)
	defer stop(nil)
	r.fatal = stop
	// Engines end with the page: answers under way may end.
	engines, endEngines := context.WithCancel(context.WithoutCancel(ctx))
	f.Inference.Folders = append(slices.Clone(f.Inference.Folders), c.Folder...)
	models := newInference(engines, c.Data, f.Inference, r.deps.work, r.log)
	defer models.close()
	defer endEngines()
	mining, err := c.joins(ctx, r)
	if err != nil {
		return err
	}
	own, err := c.pools(ctx, r, f)
	if err != nil {
		return err
	}
	r.setPool(own)
	if own != nil {
		r.deps.pool.Store(own.service)
	}
	o := web.Options{Home: r, Auth: auth, Log: r.log}
	if mining != nil {
		o.Mining = mining.view
	}
	pages, err := web.New(o)
	if err != nil {
		return fmt.Errorf("prepare the pages: %w", err)
	}
	handler := httpapi.New(httpapi.Options{Home: r, Auth: auth, Log: r.log, Version: version(), Web: pages, Inference: models})

	var wg sync.WaitGroup
	// The page outlives the loop a little, so that its end can be seen.
	pageCtx, closePage := context.WithCancel(context.WithoutCancel(ctx))
	defer wg.Wait()
	defer closePage()
	wg.Go(func() {
		if err := httpapi.Serve(pageCtx, l, nil, handler, r.log); err != nil {
			stop(err)
		}
	})
	wg.Go(func() {
		(&lan{dir: c.Data, auth: auth, handler: handler, log: r.log, main: l.Addr()}).run(pageCtx)
	})
	if f.HomeAssistant {
		wg.Go(func() { c.homeAssistant(ctx, r, f) })
	}
	wg.Go(func() { models.keepFolders(ctx) })
	if mining != nil {
		wg.Go(func() { mining.run(ctx) })
	}
	if own != nil {
		wg.Go(func() {
			if err := own.run(ctx); err != nil {
				stop(err)
			}
		})
	}
	if c.For > 0 {
		wg.Go(func() { stopAt(ctx, stop, r, r.State().At.Add(c.For)) })
	}
	wg.Go(func() { reloadOn(ctx, r) })
	c.greet(p, r, models, l, r.deps.data)
	if own != nil {
		wg.Go(func() { own.look(ctx, p) })
	}
	began := r.State().At
	ended := context.AfterFunc(ctx, func() {
		fmt.Fprintln(p.err, "Stopping: every heater is told to go to its safe state. Ctrl-C again leaves at once, and heaters as they are.")
	})
	defer ended()
	err = r.run(ctx)
	c.farewell(p, r, began, err)
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, err)
	}
	return err
}

// homeAssistant shows the home to Home Assistant while its broker is there.
func (c *upCmd) homeAssistant(ctx context.Context, r *residence, f config.File) {
	cfg, err := brokerConfig(f, r.deps.dir)
	if err == nil {
		var broker *mqtt.Client
		if broker, err = mqtt.Connect(ctx, cfg, r.log, homeassistant.Will("")); err == nil {
			defer func() { _ = broker.Close() }()
			err = homeassistant.Run(ctx, homeassistant.Options{Home: r, Broker: broker, Version: version(), Log: r.log})
		}
	}
	if err != nil && ctx.Err() == nil {
		r.log.Warn("Home Assistant does not see this home", "error", err)
	}
}

// greet says where the page is and what is real about this home.
func (c *upCmd) greet(p *program, r *residence, models *inference, l net.Listener, dir string) {
	st := r.State()
	fmt.Fprintf(p.out, "%s\n", p.paint(bold, "Hearth heats. Page: http://"+l.Addr().String()))
	if st.SimulatedNote != "" {
		fmt.Fprintf(p.out, "%s\n", p.paint(warm, "Simulated: "+st.SimulatedNote))
	}
	if st.Compute.Present {
		fmt.Fprintln(p.out, st.Compute.Note)
	}
	if own := r.ownPool(); own != nil {
		fmt.Fprintln(p.out, own.greeting(l.Addr().String()))
	}
	fmt.Fprintln(p.out, models.greeting(l.Addr().String()))
	fmt.Fprintf(p.out, "%s\n", p.paint(dim, "Ledger and settings: "+dir+". Stop with Ctrl-C."))
}

// farewell says how the heaters were left.
func (c *upCmd) farewell(p *program, r *residence, began time.Time, err error) {
	st := r.State()
	if c.Speed > 1 || c.For > 0 {
		fmt.Fprintf(p.out, "Ran %s of the home's time. %s\n", st.At.Sub(began).Round(time.Minute), summary(r.site().Summary()))
	}
	if err != nil {
		return
	}
	fmt.Fprintln(p.out, "Stopped. Every heater that answers was told to go to its safe state.")
	for _, d := range st.Devices {
		if d.Zone != "" && !d.Online {
			fmt.Fprintf(p.out, "%s does not answer and could not be told: look at it.\n", oneLine(d.Name))
		}
	}
}

// summary prints what a run did, for people.
func summary(s site.Summary) string {
	var starts strings.Builder
	for _, d := range s.Devices {
		fmt.Fprintf(&starts, " %s started %d times, at most %d in a day;", d.Name, d.Starts, d.MostStarts)
	}
	return fmt.Sprintf("Heat %s, backup's share %s, comfort %s; longest below %s.%s %d trips.",
		s.Heat, s.Backup, s.Comfort, s.LongestCold.Round(time.Minute), starts.String(), s.Trips)
}

// stopAt ends the run when the home's clock reaches t.
func stopAt(ctx context.Context, stop context.CancelCauseFunc, r *residence, t time.Time) {
	for range r.Watch(ctx) {
		if !r.State().At.Before(t) {
			stop(nil)
			return
		}
	}
}

// listen opens the page's address and explains the two usual failures.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, coded(exitUsage, fmt.Errorf("--listen %q: write it as 127.0.0.1:8420", addr))
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, coded(exitUsage, fmt.Errorf("listen on %s: the page is served to this computer only; \"hearth password\" opens it to the local network over TLS", addr))
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: something runs there already, perhaps Hearth itself (see \"hearth status\"); choose another with --listen", addr)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

// newLogger writes what an operator may need to stderr.
func newLogger(w interface{ Write([]byte) (int, error) }, level string) *slog.Logger {
	var l slog.Level
	_ = l.UnmarshalText([]byte(level)) // kong has checked it
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}))
}

// ignore lets signals pass. An empty list means none, not all as it does to
// [signal.Ignore].
func ignore(signals []os.Signal) {
	if len(signals) > 0 {
		signal.Ignore(signals...)
	}
}
