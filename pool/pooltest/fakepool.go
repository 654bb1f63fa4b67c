package pooltest

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"maps"
	"math/big"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"hearth/pool/stratum2/noise"
)

// FakePool is a mining pool on a real socket that speaks Stratum V1 or V2. It checks
// shares by its own arithmetic, written out from the protocol and shared with
// nothing that it tests, and counts what it credits to each worker. It can be as
// difficult as pools in the field are.
type FakePool struct {
	t      testing.TB
	cfg    FakePoolConfig
	id     *noise.Identity
	key    noise.AuthorityKey
	listen net.Listener
	alive  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	conns    map[fakePeer]bool
	ever     int // connections so far
	job      *fakeJob
	jobs     map[string]*fakeJob
	serial   int
	blocks   int
	credit   map[string]float64
	accepted map[string]int
	rejected map[string]map[int]int
	refuse   []fakeRefusal
	mute     bool // shares have no answers
	dead     bool // nothing has: the connections are half open
}

// FakePoolConfig says what a [FakePool] is like. The zero value is a pool as
// the book has it.
type FakePoolConfig struct {
	// Extranonce1 is that of the first connection; the last byte counts on. Nil:
	// e0000000.
	Extranonce1 []byte
	// Extranonce2 is how many bytes it leaves to the miner. Zero: 8.
	Extranonce2 int
	// Difficulty of the shares. Zero: 2^-20, which a test finds in a millisecond.
	Difficulty float64
	// Mask is what it lets roll. Zero: 1fffe000.
	Mask uint32
	// Version of its jobs. Zero: 20000000.
	Version uint32
	// Bits is what it does with the bits that a miner rolled.
	Bits FakeBits
	// Configure is what it does when it is asked for version rolling.
	Configure FakeConfigure
	// Names is what it thinks of several workers on one connection.
	Names FakeNames
	// User, if there is one, is the only name it knows.
	User string
	// Coinbase is how long the first part of its coinbase is, in bytes. Zero: 60.
	Coinbase int
	// TLS, if there is one, is what it listens with.
	TLS *tls.Config
	// Quiet: it sends no job before Notify is called.
	Quiet bool
	// V2: it speaks Stratum V2 instead. What is said above of version rolling, of
	// several workers and of TLS does not apply.
	V2 bool
	// Nameless: it knows no extensions of V2, and does not answer when asked.
	Nameless bool
}

// FakeBits is what a pool does with a miner's version bits.
type FakeBits uint8

// The three ways that are in use.
const (
	FakeReplace FakeBits = iota // BIP 310
	FakeOr                      // ckpool, DATUM
	FakeXor                     // public-pool
)

// FakeConfigure is what a pool says to mining.configure.
type FakeConfigure uint8

// What pools say.
const (
	FakeGrants FakeConfigure = iota
	FakeNull                 // null, as OCEAN did
	FakeError
	FakeSilent
	FakeHangsUp
)

// FakeNames is what a pool thinks of several workers on one connection.
type FakeNames uint8

// What pools think.
const (
	FakeSeveral FakeNames = iota // each is let in and credited
	FakeRefuses                  // only the first is let in
	FakeDrops                    // the second ends the connection
	FakeAny                      // whatever a share names is credited, let in or not
	FakeFirst                    // all are let in, and the first is credited
)

// fakeJob is a job as the pool knows it.
type fakeJob struct {
	id             string
	number         uint32 // its id in V2
	prev           [32]byte
	before, after  []byte
	branch         [][32]byte
	version, ntime uint32
	clean          bool
}

type fakeRefusal struct {
	code int
	text string
}

// fakePeer is one connection, in one version of Stratum. Its methods are called
// without the pool's mutex.
type fakePeer interface {
	talk() // until the connection ends
	notify()
	ask(difficulty float64)
	close()
}

// fakePlace is what a job was sent with.
type fakePlace struct {
	e1         []byte
	e2         int
	difficulty float64
}

// NewFakePool starts a pool that ends with the test.
func NewFakePool(t testing.TB, cfg FakePoolConfig) *FakePool {
	t.Helper()
	if cfg.Extranonce1 == nil {
		cfg.Extranonce1 = []byte{0xe0, 0, 0, 0}
	}
	if cfg.Extranonce2 == 0 {
		cfg.Extranonce2 = 8
	}
	if cfg.Difficulty == 0 {
		cfg.Difficulty = 1.0 / (1 << 20)
	}
	if cfg.Mask == 0 {
		cfg.Mask = 0x1fffe000
	}
	if cfg.Version == 0 {
		cfg.Version = 0x20000000
	}
	if cfg.Coinbase == 0 {
		cfg.Coinbase = 60
	}
	p := &FakePool{
		t: t, cfg: cfg, conns: map[fakePeer]bool{}, jobs: map[string]*fakeJob{},
		credit: map[string]float64{}, accepted: map[string]int{}, rejected: map[string]map[int]int{},
	}
	if cfg.V2 {
		p.identify()
	}
	p.open("127.0.0.1:0")
	t.Cleanup(func() { p.Stop() })
	if !cfg.Quiet {
		p.Notify(true)
	}
	return p
}

func (p *FakePool) open(address string) {
	p.t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", address)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.listen, p.closed = l, false
	p.mu.Unlock()
	p.alive.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if p.cfg.TLS != nil {
				conn = tls.Server(conn, p.cfg.TLS)
			}
			p.alive.Go(func() { p.serve(conn) })
		}
	})
}

// URL is where the pool is.
func (p *FakePool) URL() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cfg.V2 {
		return "stratum2+tcp://" + p.listen.Addr().String() + "/" + p.key.String()
	}
	if p.cfg.TLS != nil {
		return "stratum+tls://" + p.listen.Addr().String()
	}
	return "stratum+tcp://" + p.listen.Addr().String()
}

// Stop closes the port and every connection.
func (p *FakePool) Stop() {
	p.mu.Lock()
	p.closed = true
	p.listen.Close()
	p.mu.Unlock()
	p.Drop()
	p.alive.Wait()
}

// Start opens the port again, at the same address, after Stop.
func (p *FakePool) Start() {
	p.t.Helper()
	p.open(p.listen.Addr().String())
}

// Drop closes every connection.
func (p *FakePool) Drop() {
	for _, c := range p.connections() {
		c.close()
	}
}

func (p *FakePool) connections() []fakePeer {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Keys(p.conns))
}

// Connections is how many there are now, and how many there ever were.
func (p *FakePool) Connections() (now, ever int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.conns), p.ever
}

// Mute leaves shares without an answer.
func (p *FakePool) Mute(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = on
}

// Die leaves the connections open and says nothing any more.
func (p *FakePool) Die(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dead = on
}

// Refuse refuses the next share, whatever it is, with a code and a text.
func (p *FakePool) Refuse(code int, text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = append(p.refuse, fakeRefusal{code, text})
}

// Credit is the sum of the difficulties of the shares credited to a worker.
func (p *FakePool) Credit(worker string) float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.credit[worker]
}

// Accepted is how many shares were credited to a worker.
func (p *FakePool) Accepted(worker string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accepted[worker]
}

// Rejected is how many shares that named a worker were refused, by code.
func (p *FakePool) Rejected(worker string) map[int]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.rejected[worker])
}

// Notify makes a job and sends it to all. A clean one is of a new block.
func (p *FakePool) Notify(clean bool) {
	p.mu.Lock()
	p.serial++
	id := "j" + strconv.Itoa(p.serial)
	p.mu.Unlock()
	p.NotifyAs(id, clean)
}

// NotifyAs is Notify with an id of the caller's choice, as of pools that give
// one twice.
func (p *FakePool) NotifyAs(id string, clean bool) {
	p.mu.Lock()
	p.serial++
	if clean {
		p.blocks++
	}
	before := make([]byte, p.cfg.Coinbase)
	copy(before, "\x01\x00\x00\x00\x01")
	binary.BigEndian.PutUint64(before[len(before)-8:], uint64(p.serial))
	j := &fakeJob{
		id: id, number: uint32(p.serial), prev: sha256.Sum256(fmt.Append(nil, "block", p.blocks)),
		before: before, after: []byte("/fake pool/"), version: p.cfg.Version, ntime: uint32(time.Now().Unix()), clean: clean,
		branch: [][32]byte{sha256.Sum256([]byte("a")), sha256.Sum256(fmt.Append(nil, p.serial))},
	}
	if clean {
		clear(p.jobs)
	}
	p.job, p.jobs[id] = j, j
	p.mu.Unlock()
	for _, c := range p.connections() {
		c.notify()
	}
}

// Repeat sends the current job once more.
func (p *FakePool) Repeat() {
	for _, c := range p.connections() {
		c.notify()
	}
}

// SetDifficulty changes it for the jobs that follow.
func (p *FakePool) SetDifficulty(d float64) {
	p.mu.Lock()
	p.cfg.Difficulty = d
	p.mu.Unlock()
	for _, c := range p.connections() {
		c.ask(d)
	}
}

// serve is one connection.
func (p *FakePool) serve(conn net.Conn) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		conn.Close()
		return
	}
	e1 := slices.Clone(p.cfg.Extranonce1)
	e1[len(e1)-1] += byte(p.ever)
	place := fakePlace{e1, p.cfg.Extranonce2, p.cfg.Difficulty}
	base := &fakeBase{p: p, conn: conn, next: place, places: map[string]fakePlace{}, seen: map[[32]byte]bool{}}
	var c fakePeer = &fakeV1{fakeBase: base}
	if p.cfg.V2 {
		c = &fakeV2{fakeBase: base}
	}
	p.conns[c] = true
	p.ever++
	p.mu.Unlock()
	c.talk()
	conn.Close()
	p.mu.Lock()
	delete(p.conns, c)
	p.mu.Unlock()
}

// fakeBase is what the connections of both versions have. All but the socket is
// guarded by the pool's mutex.
type fakeBase struct {
	p    *FakePool
	conn net.Conn

	in     bool
	next   fakePlace
	places map[string]fakePlace // by job
	seen   map[[32]byte]bool    // shares, by hash
	write  sync.Mutex
}

func (c *fakeBase) close() { c.conn.Close() }

// place notes what the current job is sent with; nil if there is none to send.
func (c *fakeBase) place() *fakeJob {
	c.p.mu.Lock()
	defer c.p.mu.Unlock()
	j := c.p.job
	if j == nil || !c.in {
		return nil
	}
	if j.clean {
		clear(c.places)
	}
	c.places[j.id] = c.next
	return j
}

// check is what is wrong with a share of a job that the connection has; nil is
// nothing. The caller holds the mutex.
func (c *fakeBase) check(j *fakeJob, e2 []byte, version, ntime, nonce uint32) *fakeRefusal {
	place := c.places[j.id]
	if len(e2) != place.e2 {
		return &fakeRefusal{20, "Invalid extranonce2"}
	}
	if ntime < j.ntime || ntime > j.ntime+7000 {
		return &fakeRefusal{20, "Invalid ntime"}
	}
	hash := j.hash(place.e1, e2, version, ntime, nonce)
	if !reaches(hash, place.difficulty) {
		return &fakeRefusal{23, "Low difficulty share"}
	}
	if c.seen[hash] {
		return &fakeRefusal{22, "Duplicate share"}
	}
	c.seen[hash] = true
	return nil
}

// send writes, unless the pool is dead. Whoever is gone hears nothing.
func (c *fakeBase) send(b []byte) {
	c.p.mu.Lock()
	dead := c.p.dead
	c.p.mu.Unlock()
	if dead {
		return
	}
	_ = c.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.conn.Write(b)
}

// judge credits a share of a worker, or refuses it for why, which is nil if
// nothing is wrong with it. The caller holds the mutex.
func (p *FakePool) judge(worker string, difficulty float64, why *fakeRefusal) *fakeRefusal {
	if len(p.refuse) > 0 {
		why, p.refuse = &p.refuse[0], p.refuse[1:]
	}
	if why != nil {
		if p.rejected[worker] == nil {
			p.rejected[worker] = map[int]int{}
		}
		p.rejected[worker][why.code]++
		return why
	}
	p.credit[worker] += difficulty
	p.accepted[worker]++
	return nil
}

// hash is the hash of a header, least significant byte first.
func (j *fakeJob) hash(e1, e2 []byte, version, ntime, nonce uint32) [32]byte {
	root := twice(slices.Concat(j.before, e1, e2, j.after))
	for _, b := range j.branch {
		root = twice(slices.Concat(root[:], b[:]))
	}
	var h []byte
	h = binary.LittleEndian.AppendUint32(h, version)
	h = append(h, j.prev[:]...)
	h = append(h, root[:]...)
	h = binary.LittleEndian.AppendUint32(h, ntime)
	h = binary.LittleEndian.AppendUint32(h, 0x1d00ffff)
	h = binary.LittleEndian.AppendUint32(h, nonce)
	return twice(h)
}

func twice(b []byte) [32]byte {
	h := sha256.Sum256(b)
	return sha256.Sum256(h[:])
}

// reaches reports whether hash × difficulty is at most 0xFFFF·2^208, in whole
// numbers.
func reaches(hash [32]byte, difficulty float64) bool {
	slices.Reverse(hash[:])
	h := new(big.Rat).SetInt(new(big.Int).SetBytes(hash[:]))
	d := new(big.Rat).SetFloat64(difficulty)
	most := new(big.Rat).SetInt(new(big.Int).Lsh(big.NewInt(0xffff), 208))
	return h.Mul(h, d).Cmp(most) <= 0
}

// Difficulty is that of the shares that the pool asks for.
func (p *FakePool) Difficulty() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cfg.Difficulty
}
