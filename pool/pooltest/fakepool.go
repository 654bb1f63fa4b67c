package pooltest

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// FakePool is a mining pool on a real socket that speaks Stratum V1. It checks
// shares by its own arithmetic, written out from the protocol and shared with
// nothing that it tests, and counts what it credits to each worker. It can be as
// difficult as pools in the field are.
type FakePool struct {
	t      testing.TB
	cfg    FakePoolConfig
	listen net.Listener
	alive  sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	conns    map[*fakeConn]bool
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
	// Difficulty of the shares. Zero: 2^-16, which a test finds in milliseconds.
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

// fakeConn is one connection.
type fakeConn struct {
	p    *FakePool
	conn net.Conn

	// Guarded by the pool's mutex.
	in         bool
	nextE1     []byte
	nextE2     int
	mask       uint32
	difficulty float64
	names      []string
	places     map[string]fakePlace
	seen       map[string]bool

	write sync.Mutex
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
		cfg.Difficulty = 1.0 / (1 << 16)
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
		t: t, cfg: cfg, conns: map[*fakeConn]bool{}, jobs: map[string]*fakeJob{},
		credit: map[string]float64{}, accepted: map[string]int{}, rejected: map[string]map[int]int{},
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
		c.conn.Close()
	}
}

func (p *FakePool) connections() []*fakeConn {
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
		id: id, prev: sha256.Sum256(fmt.Append(nil, "block", p.blocks)),
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
	for c := range p.conns {
		c.difficulty = d
	}
	p.mu.Unlock()
	p.Say(`{"id":null,"method":"mining.set_difficulty","params":[` + strconv.FormatFloat(d, 'g', -1, 64) + `]}`)
}

// SetExtranonce changes what the pool gives of it, for the jobs that follow.
func (p *FakePool) SetExtranonce(e1 []byte, e2 int) {
	p.mu.Lock()
	for c := range p.conns {
		c.nextE1, c.nextE2 = e1, e2
	}
	p.mu.Unlock()
	p.Say(fmt.Sprintf(`{"id":null,"method":"mining.set_extranonce","params":["%x",%d]}`, e1, e2))
}

// SetMask changes what may be rolled, at once.
func (p *FakePool) SetMask(mask uint32) {
	p.mu.Lock()
	for c := range p.conns {
		c.mask &= mask
	}
	p.mu.Unlock()
	p.Say(fmt.Sprintf(`{"id":null,"method":"mining.set_version_mask","params":["%08x"]}`, mask))
}

// Say sends a line to all, whatever it is.
func (p *FakePool) Say(line string) {
	for _, c := range p.connections() {
		c.say(line)
	}
}

// serve is one connection.
func (p *FakePool) serve(conn net.Conn) {
	defer conn.Close()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	e1 := slices.Clone(p.cfg.Extranonce1)
	e1[len(e1)-1] += byte(p.ever)
	c := &fakeConn{
		p: p, conn: conn, nextE1: e1, nextE2: p.cfg.Extranonce2,
		difficulty: p.cfg.Difficulty, places: map[string]fakePlace{}, seen: map[string]bool{},
	}
	p.conns[c] = true
	p.ever++
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		delete(p.conns, c)
		p.mu.Unlock()
	}()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		var m struct {
			ID     json.RawMessage
			Method string
			Params []json.RawMessage
		}
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			p.t.Errorf("the fake pool heard %q: %v", lines.Bytes(), err)
			return
		}
		if !c.hear(m.ID, m.Method, m.Params) {
			return
		}
	}
}

// say sends a line. A pool that is dead has nothing to say.
func (c *fakeConn) say(line string) {
	c.p.mu.Lock()
	dead := c.p.dead
	c.p.mu.Unlock()
	if dead {
		return
	}
	c.write.Lock()
	defer c.write.Unlock()
	_ = c.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	_, _ = c.conn.Write([]byte(line + "\n")) // whoever is gone hears nothing
}

func (c *fakeConn) answer(id json.RawMessage, result string, refusal *fakeRefusal) {
	if refusal != nil {
		c.say(fmt.Sprintf(`{"id":%s,"result":null,"error":[%d,%q,null]}`, id, refusal.code, refusal.text))
		return
	}
	c.say(fmt.Sprintf(`{"id":%s,"result":%s,"error":null}`, id, result))
}

// hear takes a request; false ends the connection.
func (c *fakeConn) hear(id json.RawMessage, method string, params []json.RawMessage) bool {
	word := func(i int) string {
		var s string
		if i < len(params) {
			_ = json.Unmarshal(params[i], &s) // what is no text is an empty one
		}
		return s
	}
	switch method {
	case "mining.configure":
		return c.configure(id, params)
	case "mining.subscribe":
		c.p.mu.Lock()
		e1, e2 := c.nextE1, c.nextE2
		c.p.mu.Unlock()
		c.answer(id, fmt.Sprintf(`[[["mining.set_difficulty","f"],["mining.notify","f"]],"%x",%d]`, e1, e2), nil)
	case "mining.authorize":
		return c.authorize(id, word(0))
	case "mining.submit":
		worker := word(0)
		why := c.judge(worker, word(1), word(2), word(3), word(4), word(5))
		c.p.mu.Lock()
		mute := c.p.mute
		c.p.mu.Unlock()
		if !mute {
			c.answer(id, "true", why)
		}
	case "mining.suggest_difficulty", "mining.extranonce.subscribe":
		c.answer(id, "true", nil)
	default:
		c.answer(id, "", &fakeRefusal{20, "unknown method"})
	}
	return true
}

func (c *fakeConn) configure(id json.RawMessage, params []json.RawMessage) bool {
	switch c.p.cfg.Configure {
	case FakeNull:
		c.answer(id, "null", nil)
		return true
	case FakeError:
		c.answer(id, "", &fakeRefusal{20, "unknown method"})
		return true
	case FakeSilent:
		return true
	case FakeHangsUp:
		return false
	}
	var options map[string]any
	if len(params) > 1 {
		_ = json.Unmarshal(params[1], &options) // no options are the default ones
	}
	mask := uint64(0xffffffff)
	if s, ok := options["version-rolling.mask"].(string); ok {
		mask, _ = strconv.ParseUint(s, 16, 32)
	}
	granted := uint32(mask) & c.p.cfg.Mask
	c.p.mu.Lock()
	c.mask = granted
	c.p.mu.Unlock()
	c.answer(id, fmt.Sprintf(`{"version-rolling":true,"version-rolling.mask":"%08x","subscribe-extranonce":true}`, granted), nil)
	return true
}

func (c *fakeConn) authorize(id json.RawMessage, user string) bool {
	p := c.p
	p.mu.Lock()
	first := len(c.names) == 0
	var why *fakeRefusal
	switch {
	case first && p.cfg.User != "" && user != p.cfg.User:
		why = &fakeRefusal{24, "unknown user " + user}
	case !first && p.cfg.Names == FakeDrops:
		p.mu.Unlock()
		return false
	case !first && p.cfg.Names == FakeRefuses:
		why = &fakeRefusal{24, "one worker for each connection"}
	default:
		c.names = append(c.names, user)
		c.in = true
	}
	difficulty := c.difficulty
	p.mu.Unlock()
	c.answer(id, "true", why)
	if first && why == nil {
		c.say(`{"id":null,"method":"mining.set_difficulty","params":[` + strconv.FormatFloat(difficulty, 'g', -1, 64) + `]}`)
		c.notify()
	}
	return true
}

// notify sends the current job.
func (c *fakeConn) notify() {
	p := c.p
	p.mu.Lock()
	j := p.job
	if j == nil || !c.in {
		p.mu.Unlock()
		return
	}
	if j.clean {
		clear(c.places)
	}
	c.places[j.id] = fakePlace{c.nextE1, c.nextE2, c.difficulty}
	p.mu.Unlock()
	swapped := make([]byte, 0, 32)
	for i := 0; i < 32; i += 4 {
		swapped = append(swapped, j.prev[i+3], j.prev[i+2], j.prev[i+1], j.prev[i])
	}
	branch := make([]string, len(j.branch))
	for i, b := range j.branch {
		branch[i] = fmt.Sprintf(`"%x"`, b)
	}
	c.say(fmt.Sprintf(`{"id":null,"method":"mining.notify","params":["%s","%x","%x","%x",[%s],"%08x","1d00ffff","%08x",%v]}`,
		j.id, swapped, j.before, j.after, strings.Join(branch, ","), j.version, j.ntime, j.clean))
}

// judge checks a share and credits it; nil is accepted.
func (c *fakeConn) judge(worker, id, e2, ntime, nonce, bits string) *fakeRefusal {
	p := c.p
	p.mu.Lock()
	defer p.mu.Unlock()
	why := c.fault(worker, id, e2, ntime, nonce, bits)
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
	if p.cfg.Names == FakeFirst {
		worker = c.names[0]
	}
	p.credit[worker] += c.places[id].difficulty
	p.accepted[worker]++
	return nil
}

func (c *fakeConn) fault(worker, id, e2, ntime, nonce, bits string) *fakeRefusal {
	p := c.p
	if !c.in || p.cfg.Names != FakeAny && !slices.Contains(c.names, worker) {
		return &fakeRefusal{24, "Unauthorized worker"}
	}
	j, place := p.jobs[id], c.places[id]
	if j == nil || place.e1 == nil {
		return &fakeRefusal{21, "Job not found"}
	}
	e2Bytes, err := hex.DecodeString(e2)
	if err != nil || len(e2Bytes) != place.e2 {
		return &fakeRefusal{20, "Invalid extranonce2"}
	}
	at, err1 := strconv.ParseUint(ntime, 16, 32)
	n, err2 := strconv.ParseUint(nonce, 16, 32)
	if err1 != nil || err2 != nil || len(ntime) != 8 || len(nonce) != 8 {
		return &fakeRefusal{20, "Invalid number"}
	}
	if at < uint64(j.ntime) || at > uint64(j.ntime)+7000 {
		return &fakeRefusal{20, "Invalid ntime"}
	}
	version, ok := c.version(j.version, bits)
	if !ok {
		return &fakeRefusal{20, "Invalid version bits"}
	}
	hash := j.hash(place.e1, e2Bytes, version, uint32(at), uint32(n))
	if !reaches(hash, place.difficulty) {
		return &fakeRefusal{23, "Low difficulty share"}
	}
	if c.seen[string(hash[:])] {
		return &fakeRefusal{22, "Duplicate share"}
	}
	c.seen[string(hash[:])] = true
	return nil
}

// version is what the pool takes the miner to have hashed.
func (c *fakeConn) version(of uint32, bits string) (uint32, bool) {
	if bits == "" {
		return of, true
	}
	b, err := strconv.ParseUint(bits, 16, 32)
	if err != nil || uint32(b)&^c.mask != 0 {
		return 0, false
	}
	switch c.p.cfg.Bits {
	case FakeOr:
		return of | uint32(b), true
	case FakeXor:
		return of ^ uint32(b), true
	}
	return of&^c.mask | uint32(b), true
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
