package pooltest

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// fakeV1 is a connection in Stratum V1.
type fakeV1 struct {
	*fakeBase

	// Guarded by the pool's mutex.
	mask  uint32
	names []string
}

// SetExtranonce changes what the pool gives of it, for the jobs that follow. The
// pool speaks V1.
func (p *FakePool) SetExtranonce(e1 []byte, e2 int) {
	for _, c := range p.connections() {
		v := c.(*fakeV1)
		p.mu.Lock()
		v.next.e1, v.next.e2 = e1, e2
		p.mu.Unlock()
		v.say(fmt.Sprintf(`{"id":null,"method":"mining.set_extranonce","params":["%x",%d]}`, e1, e2))
	}
}

// SetMask changes what may be rolled, at once. The pool speaks V1.
func (p *FakePool) SetMask(mask uint32) {
	for _, c := range p.connections() {
		v := c.(*fakeV1)
		p.mu.Lock()
		v.mask &= mask
		p.mu.Unlock()
		v.say(fmt.Sprintf(`{"id":null,"method":"mining.set_version_mask","params":["%08x"]}`, mask))
	}
}

// Say sends a line to all, whatever it is. The pool speaks V1.
func (p *FakePool) Say(line string) {
	for _, c := range p.connections() {
		c.(*fakeV1).say(line)
	}
}

func (c *fakeV1) talk() {
	lines := bufio.NewReader(c.conn)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return // also in the middle of a line
		}
		var m struct {
			ID     json.RawMessage
			Method string
			Params []json.RawMessage
		}
		if err := json.Unmarshal(line, &m); err != nil {
			c.p.t.Errorf("the fake pool heard %q: %v", line, err)
			return
		}
		if !c.hear(m.ID, m.Method, m.Params) {
			return
		}
	}
}

func (c *fakeV1) say(line string) {
	c.write.Lock()
	defer c.write.Unlock()
	c.send([]byte(line + "\n"))
}

func (c *fakeV1) ask(difficulty float64) {
	c.p.mu.Lock()
	c.next.difficulty = difficulty
	c.p.mu.Unlock()
	c.say(`{"id":null,"method":"mining.set_difficulty","params":[` + strconv.FormatFloat(difficulty, 'g', -1, 64) + `]}`)
}

func (c *fakeV1) answer(id json.RawMessage, result string, refusal *fakeRefusal) {
	if refusal != nil {
		c.say(fmt.Sprintf(`{"id":%s,"result":null,"error":[%d,%q,null]}`, id, refusal.code, refusal.text))
		return
	}
	c.say(fmt.Sprintf(`{"id":%s,"result":%s,"error":null}`, id, result))
}

// hear takes a request; false ends the connection.
func (c *fakeV1) hear(id json.RawMessage, method string, params []json.RawMessage) bool {
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
		e1, e2 := c.next.e1, c.next.e2
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

func (c *fakeV1) configure(id json.RawMessage, params []json.RawMessage) bool {
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

func (c *fakeV1) authorize(id json.RawMessage, user string) bool {
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
	difficulty := c.next.difficulty
	p.mu.Unlock()
	c.answer(id, "true", why)
	if first && why == nil {
		c.ask(difficulty)
		c.notify()
	}
	return true
}

// notify sends the current job.
func (c *fakeV1) notify() {
	j := c.place()
	if j == nil {
		return
	}
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
func (c *fakeV1) judge(worker, id, e2, ntime, nonce, bits string) *fakeRefusal {
	p := c.p
	p.mu.Lock()
	defer p.mu.Unlock()
	why := c.fault(worker, id, e2, ntime, nonce, bits)
	if p.cfg.Names == FakeFirst && why == nil {
		worker = c.names[0]
	}
	return p.judge(worker, c.places[id].difficulty, why)
}

func (c *fakeV1) fault(worker, id, e2, ntime, nonce, bits string) *fakeRefusal {
	p := c.p
	if !c.in || p.cfg.Names != FakeAny && !slices.Contains(c.names, worker) {
		return &fakeRefusal{24, "Unauthorized worker"}
	}
	j, placed := p.jobs[id], c.places[id].e1 != nil
	if j == nil || !placed {
		return &fakeRefusal{21, "Job not found"}
	}
	extranonce, err := hex.DecodeString(e2)
	at, err1 := strconv.ParseUint(ntime, 16, 32)
	n, err2 := strconv.ParseUint(nonce, 16, 32)
	if err != nil || err1 != nil || err2 != nil || len(ntime) != 8 || len(nonce) != 8 {
		return &fakeRefusal{20, "Invalid number"}
	}
	version, ok := c.version(j.version, bits)
	if !ok {
		return &fakeRefusal{20, "Invalid version bits"}
	}
	return c.check(j, extranonce, version, uint32(at), uint32(n))
}

// version is what the pool takes the miner to have hashed.
func (c *fakeV1) version(of uint32, bits string) (uint32, bool) {
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
