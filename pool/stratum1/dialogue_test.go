package stratum1_test

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/pool/job"
	"hearth/pool/share"
	"hearth/pool/stratum"
	"hearth/pool/stratum1"
)

// A dialogue is a script of what two peers say. Lines that begin with
//
//	#    are for the reader
//	>    are sent to the end under test
//	<    are what it must say, in that order and nothing else
//	!    are for the stage: see the two stages below
//
// Lines of JSON are compared as values. $name stands for what the stage has
// put there.
type dialogue struct {
	t    *testing.T
	line int
	out  []string // said by the end under test and not yet asked for
	vars map[string]string
	now  time.Time
	ids  *job.Counter
	jobs map[string]*job.Job
}

// stage is the end under test of a dialogue.
type stage interface {
	hear(d *dialogue, line string) []byte
	direct(d *dialogue, verb string, args []string) []byte
}

func TestMiners(t *testing.T) { play(t, "testdata/miners", func() stage { return &poolStage{} }) }
func TestPools(t *testing.T)  { play(t, "testdata/pools", func() stage { return &minerStage{} }) }

func play(t *testing.T, folder string, begin func() stage) {
	scripts, err := filepath.Glob(filepath.Join(folder, "*.txt"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("no dialogues in %s: %v", folder, err)
	}
	for _, script := range scripts {
		t.Run(strings.TrimSuffix(filepath.Base(script), ".txt"), func(t *testing.T) {
			f, err := os.Open(script)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			d := &dialogue{t: t, now: noon(), vars: map[string]string{}, ids: job.NewCounter(0), jobs: map[string]*job.Job{}}
			d.play(bufio.NewScanner(f), begin())
		})
	}
}

func (d *dialogue) play(lines *bufio.Scanner, s stage) {
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		d.line++
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		what, rest := line[0], d.fill(strings.TrimSpace(line[1:]))
		if what != '<' {
			d.silent()
		}
		switch what {
		case '>':
			d.say(s.hear(d, rest))
		case '!':
			f := strings.Fields(rest)
			d.say(s.direct(d, f[0], f[1:]))
		case '<':
			d.expect(rest)
		default:
			d.fatal("a line begins with # > < or !")
		}
	}
	if err := lines.Err(); err != nil {
		d.t.Fatal(err)
	}
	d.silent()
}

func (d *dialogue) fatal(format string, args ...any) {
	d.t.Helper()
	d.t.Fatalf("line %d: %s", d.line, fmt.Sprintf(format, args...))
}

func (d *dialogue) say(b []byte) {
	if len(b) > 0 && b[len(b)-1] != '\n' {
		d.fatal("what is said does not end with a line feed: %q", b)
	}
	for line := range strings.Lines(string(b)) {
		d.out = append(d.out, line)
	}
}

func (d *dialogue) silent() {
	d.t.Helper()
	if len(d.out) > 0 {
		d.fatal("it said more: %s", strings.Join(d.out, ""))
	}
}

func (d *dialogue) expect(want string) {
	d.t.Helper()
	if len(d.out) == 0 {
		d.fatal("it said nothing, want %s", want)
	}
	got := d.out[0]
	d.out = d.out[1:]
	if name, ok := strings.CutPrefix(want, "notify "); ok {
		d.notified(got, strings.Fields(name))
		return
	}
	if diff := cmp.Diff(decode(d, want), decode(d, got)); diff != "" {
		d.fatal("it said %s(-want +got):\n%s", got, diff)
	}
}

// notified checks that a line notifies of a job: "NAME" or "NAME clean".
func (d *dialogue) notified(line string, want []string) {
	j, ok := d.jobs[want[0]]
	if !ok {
		d.fatal("there is no job %s", want[0])
	}
	var m struct {
		Method string
		Params []any
	}
	if err := json.Unmarshal([]byte(line), &m); err != nil || m.Method != "mining.notify" || len(m.Params) != 9 {
		d.fatal("it said %s want a notification", line)
	}
	if id := fmt.Sprintf("%08x", j.ID); m.Params[0] != id {
		d.fatal("the notification is of %v, want %s", m.Params[0], id)
	}
	if clean := len(want) > 1 && want[1] == "clean"; m.Params[8] != clean {
		d.fatal("the notification's clean is %v, want %v", m.Params[8], clean)
	}
}

func decode(d *dialogue, line string) any {
	var v any
	if err := json.Unmarshal([]byte(line), &v); err != nil {
		d.fatal("%s is no JSON: %v", line, err)
	}
	return v
}

func (d *dialogue) fill(line string) string {
	return os.Expand(line, func(name string) string {
		v, ok := d.vars[name]
		if !ok {
			d.fatal("nothing has set $%s", name)
		}
		return v
	})
}

// options reads name=value.
func (d *dialogue) options(args []string) map[string]string {
	m := map[string]string{}
	for _, a := range args {
		k, v, _ := strings.Cut(a, "=")
		m[k] = v
	}
	return m
}

func (d *dialogue) number(s string) float64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		d.fatal("%v", err)
	}
	return f
}

func (d *dialogue) word(s string) uint32 {
	v, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		d.fatal("%v", err)
	}
	return uint32(v)
}

// poolStage is a Session that hears a miner. Its directions:
//
//	session e1=HEX e2=N mask=HEX start=D workers=N   begin; all have defaults
//	login USER PASSWORD [AGENT]                      the last line asked to be let in; - is no password
//	admit | refuse WHY…                              answer that
//	job NAME [clean] [mask=HEX]                      make a job and give it out
//	offer NAME [clean]                               give it out again
//	solve NAME [bits=HEX] [e2=HEX] [time=N]          find a share; sets $job $e2 $ntime $nonce $bits
//	share REASON USER                                the last line was a share, and this became of it
//	wait DURATION, tick, keepalive                   let time pass
//	bad                                              the last line was none that Stratum knows
type poolStage struct {
	s    *stratum1.Session
	e1   []byte
	e2   int
	last stratum1.Event
	err  error
}

func (p *poolStage) hear(d *dialogue, line string) []byte {
	var out []byte
	out, p.last, p.err = p.s.Receive(nil, []byte(line), d.now)
	return out
}

func (p *poolStage) direct(d *dialogue, verb string, args []string) []byte {
	o := d.options(args)
	get := func(name, otherwise string) string {
		if v, ok := o[name]; ok {
			return v
		}
		return otherwise
	}
	switch verb {
	case "session":
		p.e1, _ = hex.DecodeString(get("e1", "0a0b0c0d"))
		p.e2 = int(d.number(get("e2", "4")))
		p.s = stratum1.NewSession(stratum1.Config{
			Extranonce1: p.e1, Extranonce2: p.e2, Mask: d.word(get("mask", "1fffe000")),
			Start: job.Difficulty(d.number(get("start", "0.0000152587890625"))), Vardiff: share.Vardiff{Floor: 1.0 / (1 << 20)}, Workers: int(d.number(get("workers", "1"))),
		})
	case "login":
		want := append(args, make([]string, 3-len(args))...)
		if want[1] == "-" {
			want[1] = ""
		}
		if got := []string{p.last.User, p.last.Password, p.last.Agent}; p.last.Kind != stratum1.Login || !cmp.Equal(got, want) {
			d.fatal("the last line was %+v, want a login of %q", p.last, want)
		}
	case "admit":
		return p.s.Admit(nil, "")
	case "refuse":
		return p.s.Admit(nil, strings.Join(args, " "))
	case "job":
		_, clean := o["clean"]
		d.jobs[args[0]] = testJob(d.ids.Next(), len(p.e1)+p.e2, d.word(get("mask", "1fffe000")), clean)
		d.vars["job"] = fmt.Sprintf("%08x", d.jobs[args[0]].ID)
		return p.offer(d, d.jobs[args[0]], clean)
	case "offer":
		_, clean := o["clean"]
		return p.offer(d, d.jobs[args[0]], clean)
	case "solve":
		j := d.jobs[args[0]]
		e2, _ := hex.DecodeString(get("e2", strings.Repeat("00", p.e2)))
		bits, ntime := d.word(get("bits", "0")), j.Time+uint32(d.number(get("time", "0")))
		nonce := solve(j, append(append([]byte{}, p.e1...), e2...), j.Version|bits, ntime, p.s.Channel().Difficulty())
		d.vars["job"] = fmt.Sprintf("%08x", j.ID)
		d.vars["e2"] = hex.EncodeToString(e2)
		d.vars["ntime"], d.vars["nonce"], d.vars["bits"] = fmt.Sprintf("%08x", ntime), fmt.Sprintf("%08x", nonce), fmt.Sprintf("%08x", bits)
	case "share":
		want := strings.ReplaceAll(args[0], "-", " ")
		if p.last.Kind != stratum1.Share || p.last.Verdict.Reason.String() != want || p.last.User != args[1] {
			d.fatal("the last line was a %v of %s: %v; want a share of %s, %s", p.last.Kind, p.last.User, p.last.Verdict.Reason, args[1], want)
		}
	case "wait":
		by, err := time.ParseDuration(args[0])
		if err != nil {
			d.fatal("%v", err)
		}
		d.now = d.now.Add(by)
	case "tick":
		p.s.Tick(d.now)
	case "keepalive":
		return p.s.Keepalive(nil)
	case "bad":
		if p.err == nil {
			d.fatal("the last line was taken for Stratum")
		}
		p.err = nil
	default:
		d.fatal("this stage does not know %q", verb)
	}
	if p.err != nil {
		d.fatal("the last line was refused: %v", p.err)
	}
	return nil
}

func (p *poolStage) offer(d *dialogue, j *job.Job, clean bool) []byte {
	ready := p.s.Ready()
	out := p.s.Offer(nil, j, d.now)
	if !ready {
		return out
	}
	return stratum1.AppendNotify(out, j, clean)
}

// testJob is a job of mainnet's first difficulty, so that shares are never
// blocks.
func testJob(id uint32, extranonce int, mask uint32, clean bool) *job.Job {
	network, _ := job.CompactTarget(0x1d00ffff)
	before, _ := hex.DecodeString("01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff1a0351a00c")
	after, _ := hex.DecodeString("2f6865617274682fffffffff0100f2052a0100000016001463129112625240bd4f8ce909e375810cb4df76c000000000")
	return &job.Job{
		ID: id, Source: "test", Version: 0x20000000, Mask: mask, Bits: 0x1d00ffff, Time: 0x68dd1880,
		Prev: job.Double([]byte{byte(id)}), Prefix: before, Suffix: after, Extranonce: extranonce,
		Branch: []job.Hash{job.Double([]byte("one")), job.Double([]byte("two"))},
		Clean:  clean, Network: network, Goal: network,
	}
}

// solve finds the nonce of a share of difficulty d.
func solve(j *job.Job, extranonce []byte, version, ntime uint32, d job.Difficulty) uint32 {
	h, target := j.Header(extranonce, version, ntime, 0), d.Target()
	for ; !h.Hash().Meets(target); h.Nonce++ {
	}
	return h.Nonce
}

// minerStage is a Client that hears a pool. Its directions:
//
//	client [agent=A] [mask=HEX] [extranonce=N] [suggest=D] [workers=A,B]   begin: says the login
//	in                                  the last line completed the login
//	job NAME [clean] [version=HEX] [mask=HEX] [extranonce=N] [time=HEX] [difficulty=D] [prefix=HEX] [foreign=ID]
//	                                    the last line brought a job like that; prefix is how its Prefix ends
//	nothing                             the last line brought no news
//	submit NAME [extranonce=HEX] [version=HEX] [ntime=HEX] [nonce=HEX] [worker=W] [cookie=N] [gone]   send a share
//	answer COOKIE OUTCOME [CODE] [REASON…]      the last line answered a share
//	worker USER in|out [WHY…]           the last line let a worker in, or not
//	reconnect DURATION [WHERE]          the last line asked for that
//	message TEXT…                       the last line said that
//	shape N                             leave the miners so many bytes from now on
//	lost COOKIE…                        the connection ends; these shares had no answer
//	wait DURATION                       let time pass
//	bad TEXT…                           the last line ends the connection, for this reason
type minerStage struct {
	c    *stratum1.Client
	news []stratum1.News
	err  error
}

func (m *minerStage) hear(d *dialogue, line string) []byte {
	m.settled(d)
	out, news, err := m.c.Receive(nil, []byte(line), d.now)
	m.news, m.err = append([]stratum1.News{}, news...), err
	return out
}

// settled fails when the last line brought what the script does not know of.
func (m *minerStage) settled(d *dialogue) {
	if m.err != nil {
		d.fatal("the line before was refused: %v", m.err)
	}
	if len(m.news) > 0 {
		d.fatal("the line before brought more news: %+v", m.news)
	}
}

// next is the next piece of news, which must be of a kind.
func (m *minerStage) next(d *dialogue, kind stratum1.NewsKind) stratum1.News {
	if m.err != nil {
		d.fatal("the last line was refused: %v", m.err)
	}
	if len(m.news) == 0 || m.news[0].Kind != kind {
		d.fatal("the news is %+v, want one of kind %d", m.news, kind)
	}
	n := m.news[0]
	m.news = m.news[1:]
	return n
}

func (m *minerStage) direct(d *dialogue, verb string, args []string) []byte {
	o := d.options(args)
	switch verb {
	case "client":
		return m.begin(d, o)
	case "in":
		m.next(d, stratum1.LoggedIn)
	case "job":
		j := m.next(d, stratum1.NewJob).Job
		d.jobs[args[0]] = j
		m.check(d, j, o)
	case "nothing":
		m.settled(d)
	case "submit":
		return m.submit(d, args[0], o)
	case "answer":
		a := m.next(d, stratum1.Answered).Answer
		got := strings.TrimSpace(fmt.Sprintf("%d %v %d %s", a.Cookie, a.Outcome, a.Code, a.Reason))
		if want := strings.Join(args, " "); got != want {
			d.fatal("the answer is %q, want %q", got, want)
		}
	case "worker":
		kind := map[string]stratum1.NewsKind{"in": stratum1.WorkerIn, "out": stratum1.WorkerOut}[args[1]]
		if n := m.next(d, kind); n.User != args[0] || n.Text != strings.Join(args[2:], " ") {
			d.fatal("the news is %+v", n)
		}
	case "reconnect":
		if n := m.next(d, stratum1.Reconnect); n.Wait.String() != args[0] || n.Text != strings.Join(args[1:], " ") {
			d.fatal("the news is %+v", n)
		}
	case "message":
		if n := m.next(d, stratum1.Message); n.Text != strings.Join(args, " ") {
			d.fatal("the news is %+v", n)
		}
	case "shape":
		m.settled(d)
		m.news, m.err = m.c.Shape(int(d.number(args[0])), d.now)
		m.news = append([]stratum1.News{}, m.news...)
	case "lost":
		var got []string
		for _, a := range m.c.Lost() {
			if a.Outcome != stratum.Unknown {
				d.fatal("%+v is not unknown", a)
			}
			got = append(got, strconv.FormatUint(a.Cookie, 10))
		}
		if diff := cmp.Diff(args, got); diff != "" {
			d.fatal("lost (-want +got):\n%s", diff)
		}
	case "wait":
		by, err := time.ParseDuration(args[0])
		if err != nil {
			d.fatal("%v", err)
		}
		d.now = d.now.Add(by)
	case "bad":
		if want := strings.Join(args, " "); m.err == nil || !strings.Contains(m.err.Error(), want) {
			d.fatal("the last line gave %v, want an error with %q", m.err, want)
		}
		m.err = nil
	default:
		d.fatal("this stage does not know %q", verb)
	}
	return nil
}

func (m *minerStage) begin(d *dialogue, o map[string]string) []byte {
	c := stratum1.ClientConfig{Source: "pool", Agent: "hearth", Next: d.ids.Next}
	if v, ok := o["agent"]; ok {
		c.Agent = v
	}
	if v, ok := o["mask"]; ok {
		c.Mask = d.word(v)
	}
	if v, ok := o["extranonce"]; ok {
		c.Extranonce = int(d.number(v))
	}
	if v, ok := o["suggest"]; ok {
		c.Suggest = job.Difficulty(d.number(v))
	}
	workers := "house"
	if v, ok := o["workers"]; ok {
		workers = v
	}
	for name := range strings.SplitSeq(workers, ",") {
		c.Workers = append(c.Workers, stratum.Credential{User: name, Password: "x"})
	}
	m.c = stratum1.NewClient(c)
	return m.c.Login(nil)
}

func (m *minerStage) check(d *dialogue, j *job.Job, o map[string]string) {
	_, clean := o["clean"]
	if j.Clean != clean {
		d.fatal("the job's Clean is %v", j.Clean)
	}
	prefix := hex.EncodeToString(j.Prefix)
	for name, want := range o {
		var got string
		switch name {
		case "version":
			got = fmt.Sprintf("%08x", j.Version)
		case "mask":
			got = fmt.Sprintf("%08x", j.Mask)
		case "extranonce":
			got = strconv.Itoa(j.Extranonce)
		case "time":
			got = fmt.Sprintf("%08x", j.Time)
		case "foreign":
			got = j.Foreign
		case "difficulty":
			got, want = j.Goal.String(), job.Difficulty(d.number(want)).Target().String()
		case "prefix":
			got = prefix[max(0, len(prefix)-len(want)):]
		default:
			continue
		}
		if got != want {
			d.fatal("the job's %s is %s, want %s", name, got, want)
		}
	}
}

func (m *minerStage) submit(d *dialogue, name string, o map[string]string) []byte {
	m.settled(d)
	j, ok := d.jobs[name]
	if !ok {
		d.fatal("there is no job %s", name)
	}
	s := stratum.Share{Worker: o["worker"], Job: j.ID, Version: j.Version, Time: j.Time, Extranonce: make([]byte, j.Extranonce)}
	if v, ok := o["extranonce"]; ok {
		s.Extranonce, _ = hex.DecodeString(v)
	}
	if v, ok := o["version"]; ok {
		s.Version = d.word(v)
	}
	if v, ok := o["nonce"]; ok {
		s.Nonce = d.word(v)
	}
	if v, ok := o["ntime"]; ok {
		s.Time = d.word(v)
	}
	var cookie uint64
	if v, ok := o["cookie"]; ok {
		cookie = uint64(d.number(v))
	}
	out, err := m.c.Submit(nil, s, cookie, d.now)
	if _, gone := o["gone"]; gone {
		if err == nil || len(out) > 0 {
			d.fatal("the share was sent, want it not to be")
		}
		return nil
	}
	if err != nil {
		d.fatal("%v", err)
	}
	return out
}
