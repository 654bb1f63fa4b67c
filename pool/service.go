package pool

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"hearth/ledger"
	"hearth/pool/job"
	"hearth/pool/server"
	"hearth/pool/share"
	"hearth/units"
)

// Book is the ledger as a service wants it.
type Book interface {
	// Append writes entries behind all others, all or none, and returns when they
	// are safe.
	Append(ctx context.Context, entries ...ledger.Entry) (ledger.Head, error)
	// Records returns at most limit records from the number from on.
	Records(ctx context.Context, from uint64, limit int) ([]ledger.Record, error)
	// Since yields the records of these kinds from a time on.
	Since(ctx context.Context, from time.Time, kinds ...ledger.Kind) iter.Seq2[ledger.Record, error]
	// Head is signed and names the last record.
	Head() ledger.Head
}

// Options is what a service is made of besides its configuration.
type Options struct {
	Config Config
	// Dir is the folder of what the service keeps: paired miners, keys, shares.
	Dir string
	// Base is the folder that the configuration's paths are relative to.
	Base string
	// Book is the ledger; Key signs its records and the statements made of it.
	Book Book
	Key  ed25519.PrivateKey
	Log  *slog.Logger
	// Now is the clock, Random where tokens and keys come from.
	Now    func() time.Time
	Random io.Reader
	// Location is whose months and days count.
	Location *time.Location
	// Secret reads what the configuration names as "file:…".
	Secret func(ref string) (string, error)
	// Tariff is what a kilowatt-hour costs now, nil where there is no tariff.
	Tariff func() units.Known[units.Price]
	// Heat is the heat that the home's heaters gave between two times.
	Heat func(ctx context.Context, from, to time.Time) units.Known[units.KilowattHours]
	// Agent is how the service names itself to pools.
	Agent string
}

// Service is a pool, a proxy or a solo miner's desk. Make it with New, and run
// it with Run. Its methods are safe for concurrent use.
type Service struct {
	opt    Options
	cfg    Config
	miners *Miners
	server *server.Server
	jobs   *job.Counter
	key    string // of V2, as text

	relays   []*relay
	mint     *mint
	lend     *lending
	contract *contract
	books    *books
	pricer   *pricer

	wake   chan struct{}
	events chan ledger.Entry // told, and not written yet

	keeping, fitting sync.Mutex // one at a time: what is kept, the room in jobs

	mu         sync.Mutex
	began      time.Time
	lines      []*line
	bySource   map[string]*line
	room       int // bytes of extranonce that all jobs leave
	memory     memory
	heaters    map[server.Worker]*heater
	fallback   bool
	fallbackAt time.Time
	// fallbackRoom is what the present job of the fallback leaves to miners.
	fallbackRoom int
	lastRefused  refusal
	address      string // that is listened on
}

// New prepares a service: all that a person can get wrong fails here, and
// nothing is sent to anybody yet.
func New(ctx context.Context, opt Options) (*Service, error) {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Location == nil {
		opt.Location = time.Local
	}
	kept, err := remember(opt.Dir)
	if err != nil {
		return nil, err
	}
	s, err := equip(opt, kept)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(opt.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the pool's folder: %w", err)
	}
	if s.miners, err = OpenMiners(filepath.Join(opt.Dir, "miners.json")); err != nil {
		return nil, err
	}
	identity, err := loadIdentity(opt.Dir, opt.Random)
	if err != nil {
		return nil, err
	}
	s.key = identity.text
	if s.server, err = server.New(server.Config{
		Log: opt.Log, Key: identity.static, Authority: identity.authority,
		MaxConns: s.cfg.Connections, MaxPerAddress: max(256, s.cfg.Connections),
		Next: s.next, Start: job.Difficulty(s.cfg.Difficulty), Vardiff: share.Vardiff{Floor: job.Difficulty(s.cfg.LeastDifficulty)},
	}, s); err != nil {
		return nil, err
	}
	if s.mint != nil {
		if s.mint.found, err = openFound(opt.Dir); err != nil {
			return nil, err
		}
	}
	if s.books, err = s.openBooks(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// equip makes of a service what follows from its configuration, the files that
// this names, and what is remembered of the process before. It writes nothing.
func equip(opt Options, kept memory) (*Service, error) {
	s := &Service{
		opt: opt, cfg: opt.Config.Filled(), memory: kept,
		wake: make(chan struct{}, 1), events: make(chan ledger.Entry, waitingEvents), began: opt.Now(),
		// Job ids go on from the clock, so that a miner that remembers those of
		// the process before meets none again.
		jobs:     job.NewCounter(uint32(opt.Now().Unix())),
		bySource: map[string]*line{}, heaters: map[server.Worker]*heater{},
		room: extranonceBytes,
	}
	err := s.cfg.Check()
	if err == nil {
		err = s.agree()
	}
	if err == nil && s.cfg.Role == Proxy {
		err = s.makeRelays()
	} else if err == nil {
		err = s.makeMint()
	}
	if err == nil {
		s.pricer, err = openPricer(s.cfg.Prices, opt.Secret)
	}
	return s, err
}

// addLine makes a line known. The caller holds the lock, or nobody else knows the
// service yet.
func (s *Service) addLine(l *line) {
	s.lines = append(s.lines, l)
	s.bySource[l.name] = l
}

// next is a job id that nobody has seen.
func (s *Service) next() uint32 { return s.jobs.Next() }

// chance is for delays that must not fall together.
func (s *Service) chance() float64 { return rand.Float64() }

// Listen opens the port for miners.
func (s *Service) Listen(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.Listen)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("listen for miners on %s: something runs there already, perhaps another Hearth; choose another address under pool: listen", s.cfg.Listen)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("listen for miners on %s: this computer does not have that address; set pool: listen to one that it has", s.cfg.Listen)
	case err != nil:
		return nil, fmt.Errorf("listen for miners on %s: %w", s.cfg.Listen, err)
	}
	return l, nil
}

// Run serves miners on l until ctx ends, and then writes what they did since
// the last record. It closes l.
func (s *Service) Run(ctx context.Context, l net.Listener) error {
	s.mu.Lock()
	s.began, s.address = s.opt.Now(), l.Addr().String()
	s.mu.Unlock()
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	wg.Go(func() { s.helm(ctx) })
	for _, r := range s.relays {
		wg.Go(func() { r.run(ctx) })
		if r.parties != nil {
			wg.Go(func() { r.probe(ctx) })
		}
	}
	if s.mint != nil {
		wg.Go(func() { s.mint.run(ctx) })
	}
	wg.Go(func() { s.books.run(ctx) })
	wg.Go(func() { s.findWallet(ctx) })
	// The journal ends after the last share, and events after all that is told.
	writing, written := context.WithCancel(context.WithoutCancel(ctx))
	defer written()
	kept := make(chan error, 1)
	go func() { kept <- s.books.journal.Run(writing) }()
	recorded := make(chan struct{})
	go func() {
		defer close(recorded)
		s.recordEvents(writing)
	}()
	if err := s.server.Serve(ctx, l); err != nil && ctx.Err() == nil {
		stop(err)
	}
	stop(nil)
	wg.Wait()
	written()
	err := errors.Join(<-kept, s.keep())
	<-recorded
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return errors.Join(cause, err)
	}
	return err
}

// Miners is the list of who may come in.
func (s *Service) Miners() *Miners { return s.miners }

// Address is where miners are listened for, empty before Run.
func (s *Service) Address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.address
}
