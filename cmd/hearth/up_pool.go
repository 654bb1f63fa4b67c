package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"hearth/config"
	"hearth/device"
	"hearth/internal/loopback"
	"hearth/ledger"
	"hearth/pool"
	"hearth/site"
	"hearth/store"
	"hearth/units"
)

// poolFolder is where a home's pool keeps what is not in the ledger.
const poolFolder = "pool"

// pooling is the pool of a home: the one place where miners, ledger and site meet.
// It is nil where the home has none.
type pooling struct {
	service  *pool.Service
	listener net.Listener
	home     *residence

	// pointing is held while a miner's pools are changed.
	pointing sync.Mutex

	mu     sync.Mutex
	heated units.Known[units.KilowattHours] // as last added up, at warmAt
	warmAt time.Time
}

// pools prepares a home's pool, nil where its description names none.
func (c *upCmd) pools(ctx context.Context, r *residence, f config.File) (*pooling, error) {
	if f.Pool.Empty() {
		return nil, nil
	}
	if r.simulated() {
		return nil, coded(exitUsage, errors.New("pool: a home with a pool has a configuration of its own: name it with --config"))
	}
	var cfg pool.Config
	if err := f.Pool.Decode(&cfg); err != nil {
		return nil, coded(exitUsage, err)
	}
	key, err := store.LoadKey(filepath.Join(r.deps.data, keyFile))
	if err != nil {
		return nil, err
	}
	location, err := zoneOf(f)
	if err != nil {
		return nil, coded(exitUsage, err)
	}
	p := &pooling{home: r}
	opt := pool.Options{
		Config: cfg, Dir: filepath.Join(c.Data, poolFolder), Base: r.deps.dir, Book: poolBook{r}, Key: key, Log: r.log,
		Now: time.Now, Random: rand.Reader, Location: location, Secret: secretFrom(r.deps.dir), Agent: "hearth/" + version(),
		Tariff: func() units.Known[units.Price] { return r.State().Price },
	}
	if len(f.Devices) > 0 {
		opt.Heat = p.heat
	}
	if p.service, err = pool.New(ctx, opt); err != nil {
		return nil, coded(exitUsage, err)
	}
	p.listener, err = p.service.Listen(ctx)
	return p, err
}

// addedUp is how long a sum of heat is good enough for a page.
const addedUp = time.Minute

// heat is what the miners of the home gave between two times, added up once a
// minute.
func (p *pooling) heat(ctx context.Context, from, to time.Time) units.Known[units.KilowattHours] {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.warmAt.IsZero() || to.Sub(p.warmAt) > addedUp || to.Before(p.warmAt) {
		p.heated, p.warmAt = p.addUp(ctx, from, to), to
	}
	return p.heated
}

func (p *pooling) addUp(ctx context.Context, from, to time.Time) units.Known[units.KilowattHours] {
	records, err := p.home.book().Find(ctx, store.Filter{Kinds: []ledger.Kind{ledger.KindHeat}, From: from, To: to, Limit: -1})
	if err != nil {
		return units.Unknown[units.KilowattHours]("the ledger cannot be read: "+err.Error(), to)
	}
	var sum units.Joules
	worst := units.None
	for _, r := range records {
		body, err := r.Decode()
		h, ok := body.(ledger.Heat)
		if err != nil || !ok || r.Simulated {
			continue
		}
		sum += h.Joules
		worst = max(worst, h.Provenance)
	}
	if sum == 0 {
		return units.Unknown[units.KilowattHours]("no heat was recorded", to)
	}
	return units.Know(sum.KilowattHours(), to, worst)
}

// run serves miners until the context ends.
func (p *pooling) run(ctx context.Context) error { return p.service.Run(ctx, p.listener) }

// greeting says where miners come in, and how.
func (p *pooling) greeting(page string) string {
	return fmt.Sprintf("Sats: http://%s/pool. Miners come in at %s; \"hearth pool pair NAME\" lets one in.", page, p.listener.Addr())
}

// firstAnswer is how long pools and nodes have to answer before a person is told
// that they do not.
const firstAnswer = 15 * time.Second

// look says once, while the home starts, what gives no work.
func (p *pooling) look(ctx context.Context, to *program) {
	first := p.service.State(ctx).Sources
	end := time.After(firstAnswer)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for over := false; !over; {
		select {
		case <-ctx.Done():
			return
		case <-end:
			over = true
		case <-tick.C:
		}
		lines, settled := unreached(first, p.service.State(ctx).Sources, over)
		if !settled {
			continue
		}
		for _, l := range lines {
			fmt.Fprintln(to.err, to.paint(warm, l))
		}
		return
	}
}

// unreached says of what gives work now, against how it was at first, what cannot
// be reached; false while some of it may still answer.
func unreached(first, now []pool.SourceState, over bool) (lines []string, settled bool) {
	begun := map[string]string{}
	for _, s := range first {
		begun[s.Name] = s.Why
	}
	for _, s := range now {
		switch {
		case s.Up:
		case s.Why == begun[s.Name] && !over:
			return nil, false
		default:
			lines = append(lines, oneLine(fmt.Sprintf("%s at %s gives no work, and is tried again (\"hearth pool status\" says how it stands): %s", s.Name, s.Where, s.Why)))
		}
	}
	return lines, true
}

// poolBook is the home's ledger as a pool wants it, across rebuilt homes.
type poolBook struct{ home *residence }

// Append implements [pool.Book].
func (b poolBook) Append(ctx context.Context, entries ...ledger.Entry) (ledger.Head, error) {
	return b.home.book().Append(ctx, entries...)
}

// Records implements [pool.Book].
func (b poolBook) Records(ctx context.Context, from uint64, limit int) ([]ledger.Record, error) {
	return b.home.book().Records(ctx, from, limit)
}

// Head implements [pool.Book].
func (b poolBook) Head() ledger.Head { return b.home.book().Head() }

// Since implements [pool.Book].
func (b poolBook) Since(ctx context.Context, from time.Time, kinds ...ledger.Kind) iter.Seq2[ledger.Record, error] {
	return b.home.book().Since(ctx, from, kinds...)
}

// Pool implements [httpapi.Pool].
func (r *residence) Pool() *pool.State {
	p := r.ownPool()
	if p == nil {
		return nil
	}
	s := p.service.State(context.Background())
	return &s
}

func (r *residence) ownPool() *pooling {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.pool
}

// invalid makes an error of the pool one that a visitor can mend.
func invalidPool(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", site.ErrInvalid, err)
}

// Pair lets a miner in.
func (r *residence) Pair(ctx context.Context, m pool.Miner, by string) (pool.Pairing, error) {
	p, err := r.ownPool().service.Pair(m)
	if err != nil {
		return p, invalidPool(err)
	}
	return p, r.site().Note(ctx, "pool", "paired", m.Name, by)
}

// Unpair ends that.
func (r *residence) Unpair(ctx context.Context, miner, by string) error {
	if err := r.ownPool().service.Miners().Remove(miner); err != nil {
		return fmt.Errorf("%w: %w", site.ErrNotFound, err)
	}
	return r.site().Note(ctx, "pool", "unpaired", miner, by)
}

// StopPayouts throws or releases the kill switch.
func (r *residence) StopPayouts(ctx context.Context, stop bool, by string) error {
	return r.ownPool().service.StopPayouts(ctx, stop, by)
}

// Receive books what somebody paid for work.
func (r *residence) Receive(ctx context.Context, x pool.Receipt, by string) error {
	return invalidPool(r.ownPool().service.Receive(ctx, x, by))
}

// Report compares what a pool reports with the work itself.
func (r *residence) Report(ctx context.Context, x pool.Reported, by string) error {
	return invalidPool(r.ownPool().service.Report(ctx, x, by))
}

// Statement is what a party's month came to.
func (r *residence) Statement(ctx context.Context, party string, month time.Time, format string) ([]byte, error) {
	b, err := r.ownPool().service.Statement(ctx, party, month, format)
	return b, invalidPool(err)
}

// earlierPools is the setting that keeps what a device mined at before.
func earlierPools(device string) string { return "pools/" + device }

// PointMiner makes a device mine at the home's own pool. What it mined at is kept
// first, and a second pointing does not overwrite it.
func (r *residence) PointMiner(ctx context.Context, id, by string) error {
	p := r.ownPool()
	p.pointing.Lock()
	defer p.pointing.Unlock()
	s := r.site()
	now, err := s.Pools(ctx, id)
	if err != nil {
		return err
	}
	if now.Gate != "" {
		return fmt.Errorf("%w: %s", site.ErrInvalid, now.Gate)
	}
	if err := p.reachable(id); err != nil {
		return err
	}
	earlier := others(id, now.Order)
	if len(earlier) == len(now.Order) {
		if err := r.keepPools(ctx, id, earlier); err != nil {
			return err
		}
	}
	was, paired := p.service.Miners().Get(id)
	at, err := p.pairDevice(id, now)
	if err != nil {
		return err
	}
	for i := range now.Order { // the place that it has here already, under an older token
		if ours(id, now.Order[i]) {
			now.Order[i] = at
		}
	}
	order, _ := now.Pointed(at)
	err = s.SetPools(ctx, id, order, by)
	if err != nil && paired {
		// The miner has the token of before, if any.
		err = errors.Join(err, p.service.Miners().Put(was))
	}
	return err
}

// others are the pools of a device but this home's own: there it logs in under
// its own id, with or without a token.
func others(id string, order []device.Pool) []device.Pool {
	return slices.DeleteFunc(slices.Clone(order), func(q device.Pool) bool { return ours(id, q) })
}

func ours(id string, q device.Pool) bool {
	name, _, _ := strings.Cut(q.User, ".")
	return name == id
}

// thisComputerOnly is said of a port for miners that no other machine reaches.
const thisComputerOnly = "That address is this computer's own: no other machine reaches it. For a miner on the home network, set pool: listen to the address that this computer has there, such as 192.168.1.10:3333."

// reachable refuses to point a miner at a port that it cannot reach.
func (p *pooling) reachable(id string) error {
	if !loopback.Host(p.service.Address()) { // empty before it listens
		return nil
	}
	for _, d := range p.home.State().Devices {
		if d.ID == id && d.Simulated {
			return nil // it is on this computer too
		}
	}
	return fmt.Errorf("%w: the pool listens on this computer only, where no miner can reach it: set pool: listen to this computer's address on the home network", site.ErrInvalid)
}

// pairDevice lets a device in, with a fresh token, and returns the pool that it
// is to mine at.
func (p *pooling) pairDevice(id string, now device.Pools) (device.Pool, error) {
	if err := p.service.Miners().Remove(id); err != nil && !errors.Is(err, pool.ErrNotPaired) {
		return device.Pool{}, invalidPool(err)
	}
	paired, err := p.service.Pair(pool.Miner{Name: id})
	if err != nil {
		return device.Pool{}, invalidPool(err)
	}
	at := device.Pool{URL: paired.URL, User: paired.User, Password: units.Know(paired.Token, time.Now(), units.Chosen)}
	if !now.Keeps {
		// The firmware keeps a password with the place, not with the pool: it
		// stays for the day when the earlier pool is put back, and the token goes
		// into the name.
		at.User, at.Password = paired.User2, units.Unknown[string]("the earlier pool's is kept", time.Now())
	}
	return at, nil
}

// RestoreMiner puts back what a device mined at before it was pointed here.
func (r *residence) RestoreMiner(ctx context.Context, id, by string) error {
	p := r.ownPool()
	p.pointing.Lock()
	defer p.pointing.Unlock()
	order, err := r.keptPools(ctx, id)
	if err != nil {
		return err
	}
	if err := r.site().SetPools(ctx, id, order, by); err != nil {
		return err
	}
	if err := p.service.Miners().Remove(id); err != nil && !errors.Is(err, pool.ErrNotPaired) {
		return invalidPool(err)
	}
	return r.book().Delete(ctx, earlierPools(id))
}
