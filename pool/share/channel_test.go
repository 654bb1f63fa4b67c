package share_test

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"hearth/pool/job"
	"hearth/pool/share"
)

// hashes is the difficulty of a share that takes so many hashes on average,
// nearly: 2^32 is difficulty 1.
func hashes(log2 float64) job.Difficulty { return job.Difficulty(math.Exp2(log2 - 32)) }

// work is a job as tests use it: any will do.
func work(id uint32) *job.Job {
	return &job.Job{
		ID: id, Source: "node", Version: 0x20000000, Mask: job.MaskV2, Prev: job.Hash{1}, Bits: 0x1d00ffff, Time: 1000,
		Prefix: []byte("prefix"), Suffix: []byte("suffix"), Extranonce: 8, Goal: hashes(60).Target(), Network: hashes(80).Target(),
	}
}

// mine finds a nonce, from start on, whose hash meets reach but not below, which
// may be 0.
func mine(j *job.Job, extranonce []byte, version, ntime, start uint32, reach, below job.Difficulty) uint32 {
	h := j.Header(extranonce, version, ntime, start)
	most, least := reach.Target(), below.Target()
	for ; ; h.Nonce++ {
		if hash := h.Hash(); hash.Meets(most) && (below == 0 || !hash.Meets(least)) {
			return h.Nonce
		}
	}
}

// The files in testdata/channel are dialogues with a channel. Difficulties are
// written as the hashes that a share takes on average: 2^12.
//
//	channel [start=D] [floor=D] [ceiling=D] [mask=HEX] [e1=HEX] [e2=N] [fixed]
//	at SECONDS
//	offer ID [clean] [source=S] [goal=D] [network=D] [mask=HEX] [size=N]
//	    -> D, the difficulty; "told" if the miner has to be told
//	share ID [reach=D] [below=D] [bits=HEX] [version=HEX] [time=N] [e2=HEX] [again]
//	    mines a share that meets reach, what the miner was told if it is missing,
//	    but not below; again sends the last one anew
//	    -> the verdict's reason, credit, goal and block
//	tick -> "changed" if there is another difficulty to be told
//	suggest D / atleast D / mask HEX
//	rate -> the hash rate
func TestDialogues(t *testing.T) {
	paths, err := filepath.Glob("testdata/channel/*.txt")
	if err != nil || len(paths) < 5 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txt"), func(t *testing.T) {
			f, err := os.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			d := dialogue{jobs: make(map[uint32]*job.Job), now: time.Unix(1_700_000_000, 0)}
			d.begin = d.now
			lines := bufio.NewScanner(f)
			for n := 1; lines.Scan(); n++ {
				line, _, _ := strings.Cut(lines.Text(), "#")
				if line = strings.TrimSpace(line); line == "" {
					continue
				}
				do, want, _ := strings.Cut(line, "->")
				got, err := d.do(strings.Fields(do))
				if err != nil {
					t.Fatalf("%s:%d: %v", path, n, err)
				}
				if want = strings.TrimSpace(want); got != want {
					t.Errorf("%s:%d: %s\n  got  %s\n  want %s", path, n, line, got, want)
				}
			}
		})
	}
}

type dialogue struct {
	channel    *share.Channel
	e1         []byte
	jobs       map[uint32]*job.Job
	begin, now time.Time
	last       share.Submission
	nonce      uint32
}

// options are the words of a line behind its first: name=value, or a name alone.
type options map[string]string

func (o options) difficulty(name string) (job.Difficulty, error) {
	text, ok := o[name]
	if !ok {
		return 0, nil
	}
	return difficulty(text)
}

func difficulty(text string) (job.Difficulty, error) {
	e, err := strconv.ParseFloat(strings.TrimPrefix(text, "2^"), 64)
	if err != nil {
		return 0, err
	}
	return hashes(e), nil
}

func (o options) hex(name string, other uint32) (uint32, error) {
	text, ok := o[name]
	if !ok {
		return other, nil
	}
	n, err := strconv.ParseUint(text, 16, 32)
	return uint32(n), err
}

func (o options) number(name string, other int) (int, error) {
	text, ok := o[name]
	if !ok {
		return other, nil
	}
	return strconv.Atoi(text)
}

func power(d job.Difficulty) string {
	return "2^" + strconv.FormatFloat(math.Log2(float64(d))+32, 'g', 4, 64)
}

func (d *dialogue) do(words []string) (string, error) {
	o := make(options)
	for _, w := range words[1:] {
		name, value, _ := strings.Cut(w, "=")
		o[name] = value
	}
	first := ""
	if len(words) > 1 {
		first = words[1]
	}
	switch words[0] {
	case "channel":
		return "", d.open(o)
	case "at":
		s, err := strconv.ParseFloat(first, 64)
		d.now = d.begin.Add(time.Duration(s * float64(time.Second)))
		return "", err
	case "offer":
		return d.offer(first, o)
	case "share":
		return d.share(first, o)
	case "tick":
		if d.channel.Tick(d.now) {
			return "changed", nil
		}
		return "", nil
	case "suggest", "atleast":
		v, err := difficulty(first)
		if words[0] == "suggest" {
			d.channel.Suggest(v)
		} else {
			d.channel.AtLeast(v)
		}
		return "", err
	case "mask":
		m, err := strconv.ParseUint(first, 16, 32)
		d.channel.SetMask(uint32(m))
		return "", err
	case "rate":
		r := d.channel.Rate(d.now)
		if v, ok := r.Get(); ok {
			return fmt.Sprintf("%.3g H/s %s", float64(v), r.From()), nil
		}
		return "unknown: " + r.Why(), nil
	}
	return "", fmt.Errorf("what is %q?", words[0])
}

func (d *dialogue) open(o options) (err error) {
	c := share.Config{}
	set := func(to *job.Difficulty, name string) {
		if err == nil {
			*to, err = o.difficulty(name)
		}
	}
	set(&c.Start, "start")
	set(&c.Vardiff.Floor, "floor")
	set(&c.Vardiff.Ceiling, "ceiling")
	_, c.Vardiff.Fixed = o["fixed"]
	if err != nil {
		return err
	}
	if c.Mask, err = o.hex("mask", 0); err != nil {
		return err
	}
	if c.Extranonce2, err = o.number("e2", 4); err != nil {
		return err
	}
	d.e1 = []byte{0xaa, 0xbb, 0xcc, 0xdd}
	if text, ok := o["e1"]; ok {
		if d.e1, err = hex.DecodeString(text); err != nil {
			return err
		}
	}
	c.Extranonce1 = d.e1
	d.channel = share.NewChannel(c)
	return nil
}

func (d *dialogue) offer(id string, o options) (string, error) {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return "", err
	}
	j := work(uint32(n))
	j.Prev = job.Hash{byte(n)}
	_, j.Clean = o["clean"]
	if s, ok := o["source"]; ok {
		j.Source = s
	}
	if j.Mask, err = o.hex("mask", j.Mask); err != nil {
		return "", err
	}
	if j.Extranonce, err = o.number("size", len(d.e1)+4); err != nil {
		return "", err
	}
	if v, err := o.difficulty("goal"); err != nil {
		return "", err
	} else if v > 0 {
		j.Goal = v.Target()
	}
	if v, err := o.difficulty("network"); err != nil {
		return "", err
	} else if v > 0 {
		j.Network = v.Target()
	}
	d.jobs[j.ID] = j
	v, told := d.channel.Offer(j, d.now)
	if told {
		return power(v) + " told", nil
	}
	return power(v), nil
}

func (d *dialogue) share(id string, o options) (string, error) {
	n, err := strconv.ParseUint(id, 10, 32)
	if err != nil {
		return "", err
	}
	if _, again := o["again"]; !again {
		if err := d.mine(uint32(n), o); err != nil {
			return "", err
		}
	}
	d.last.Job = uint32(n)
	v := d.channel.Check(d.last, d.now)
	words := []string{v.Reason.String()}
	if v.Credit > 0 {
		words = append(words, power(d.channel.Worth(uint32(n))))
	}
	if v.Goal {
		words = append(words, "goal")
	}
	if v.Block {
		words = append(words, "block")
	}
	return strings.Join(words, " "), nil
}

func (d *dialogue) mine(id uint32, o options) error {
	j := d.jobs[id]
	if j == nil {
		j = work(id)
	}
	reach, err := o.difficulty("reach")
	if err != nil {
		return err
	}
	if reach == 0 {
		reach = d.channel.Difficulty()
	}
	below, err := o.difficulty("below")
	if err != nil {
		return err
	}
	d.nonce++
	s := share.Submission{Job: id, Extranonce2: binary.BigEndian.AppendUint32(nil, d.nonce), HasBits: true}
	version := j.Version
	if s.Bits, err = o.hex("bits", 0); err != nil {
		return err
	}
	version |= s.Bits
	if _, ok := o["version"]; ok {
		if s.Version, err = o.hex("version", 0); err != nil {
			return err
		}
		version, s.HasBits = s.Version, false
	}
	if text, ok := o["e2"]; ok {
		if s.Extranonce2, err = hex.DecodeString(text); err != nil {
			return err
		}
	}
	ntime, err := o.number("time", int(j.Time))
	if err != nil {
		return err
	}
	s.Time = uint32(ntime)
	extranonce := append(append([]byte{}, d.e1...), s.Extranonce2...)
	s.Nonce = mine(j, extranonce, version, s.Time, 0, reach, below)
	d.last = s
	return nil
}
