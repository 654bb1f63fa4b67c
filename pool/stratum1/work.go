package stratum1

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"hearth/pool/job"
	"hearth/pool/stratum"
)

// maxIssued is how many jobs a client remembers: half an hour of them at one
// every 30 s.
const maxIssued = 64

// maxForeign is the longest id of a pool's job, in bytes of JSON.
const maxForeign = 128

// place is what the pool gives of the extranonce: its own bytes, and room for
// the client's.
type place struct {
	e1   []byte
	room int
}

// placeOf reads extranonce1 and the size of extranonce2.
func placeOf(e1, size []byte) (place, error) {
	s, ok := text(e1)
	if !ok || len(s) > 2*maxExtranonce1 {
		return place{}, errors.New("its extranonce1 is no string of up to 32 bytes")
	}
	b, err := hex.AppendDecode(nil, s)
	if err != nil {
		return place{}, fmt.Errorf("its extranonce1 is not hexadecimal: %w", err)
	}
	n, ok := number(size)
	if !ok || n != math.Trunc(n) || n < 1 || n > maxRoom {
		return place{}, fmt.Errorf("its extranonce2 has no size from 1 to %d bytes", maxRoom)
	}
	return place{e1: b, room: int(n)}, nil
}

// work is what a notification says.
type work struct {
	id      []byte // JSON, to be said back as it came
	foreign string
	prev    job.Hash
	before  []byte
	after   []byte
	branch  []job.Hash
	version uint32
	bits    uint32
	time    uint32
	network job.Target

	place place
	bound bool
	again uint32 // how often these bytes were given out before
}

// issued is what must be known of a job to send its shares.
type issued struct {
	id   uint32
	work *work
	job  *job.Job
	mask uint32
}

// parseWork reads the parameters of mining.notify.
func parseWork(p [][]byte) (w *work, clean bool, err error) {
	if len(p) < 8 {
		return nil, false, fmt.Errorf("it has %d parameters, not nine", len(p))
	}
	w = new(work)
	if len(p[0]) > maxForeign {
		return nil, false, fmt.Errorf("the job's id has %d bytes, more than %d", len(p[0]), maxForeign)
	}
	w.id = slices.Clone(p[0])
	id, ok := text(w.id)
	if !ok {
		id = w.id
	}
	w.foreign = string(id)

	fields := [...]struct {
		at   int
		name string
		read func([]byte) bool
	}{
		{1, "previous hash", func(s []byte) bool { w.prev, ok = prev(s); return ok }},
		{2, "first half of the coinbase", func(s []byte) bool { w.before, ok = coinbase(s); return ok && len(w.before) > 0 }},
		{3, "second half of the coinbase", func(s []byte) bool { w.after, ok = coinbase(s); return ok && len(w.after) > 0 }},
		{5, "version", func(s []byte) bool { w.version, ok = word(s); return ok }},
		{6, "bits", func(s []byte) bool { w.bits, ok = word(s); return ok }},
		{7, "time", func(s []byte) bool { w.time, ok = word(s); return ok }},
	}
	for _, f := range fields {
		s, ok := text(p[f.at])
		if !ok || !f.read(s) {
			return nil, false, fmt.Errorf("its %s cannot be read", f.name)
		}
	}
	if w.branch, err = branch(p[4]); err != nil {
		return nil, false, err
	}
	if w.network, err = job.CompactTarget(w.bits); err != nil {
		return nil, false, err
	}
	// Firmware looks at the last parameter, so pools may put more before it.
	return w, len(p) > 8 && string(p[len(p)-1]) == "true", nil
}

func coinbase(s []byte) ([]byte, bool) {
	if len(s) > 2*job.MaxCoinbase {
		return nil, false
	}
	b, err := hex.AppendDecode(make([]byte, 0, len(s)/2), s)
	return b, err == nil
}

func branch(raw []byte) ([]job.Hash, error) {
	var p [job.MaxBranch][]byte
	n, all := split(raw, p[:])
	if all > n {
		return nil, fmt.Errorf("its merkle branch has %d steps, more than %d", all, job.MaxBranch)
	}
	hashes := make([]job.Hash, n)
	for i, raw := range p[:n] {
		s, ok := text(raw)
		if !ok || len(s) != 2*len(hashes[i]) {
			return nil, fmt.Errorf("step %d of its merkle branch is no hash", i)
		}
		if _, err := hex.Decode(hashes[i][:], s); err != nil {
			return nil, fmt.Errorf("step %d of its merkle branch is no hash", i)
		}
	}
	return hashes, nil
}

// same reports whether two notifications lead to the same headers.
func (w *work) same(v *work) bool {
	return w.prev == v.prev && w.version == v.version && w.bits == v.bits && w.time == v.time &&
		bytes.Equal(w.before, v.before) && bytes.Equal(w.after, v.after) && slices.Equal(w.branch, v.branch)
}

func (c *Client) notify(p [][]byte, now time.Time) error {
	w, clean, err := parseWork(p)
	if err != nil {
		return fmt.Errorf("read a job of the pool: %w", err)
	}
	c.heard = now
	if last := c.work; last != nil {
		// A new block makes the earlier jobs worthless, whether the pool says so or
		// not.
		clean = clean || last.prev != w.prev
		if w.same(last) && (!last.bound || samePlace(last.place, c.place)) {
			if !clean && w.foreign == last.foreign && c.current != nil && c.current.Goal == c.difficulty.Target() {
				return nil // the pool says the same again, to be heard
			}
			w.again = last.again
			if c.current != nil {
				w.again++
			}
		}
	}
	c.work = w
	if clean {
		c.issued = c.issued[:0]
	} else {
		// A pool that gives an id twice knows only the later of the two.
		c.issued = slices.DeleteFunc(c.issued, func(i issued) bool { return i.work.foreign == w.foreign })
	}
	if !c.Ready() {
		return nil
	}
	return c.issue(clean, now)
}

func samePlace(a, b place) bool { return a.room == b.room && bytes.Equal(a.e1, b.e1) }

// issue makes a job of the last notification and gives it out.
func (c *Client) issue(clean bool, now time.Time) error {
	if err := c.pace.Take(now, clean, c.work.network); err != nil {
		return err
	}
	w := c.work
	if !w.bound {
		w.place, w.bound = c.place, true
	}
	n := min(c.shape, w.place.room)
	if size := len(w.before) + len(w.place.e1) + w.place.room + len(w.after); size > job.MaxCoinbase {
		return fmt.Errorf("take a job of the pool: its coinbase has %d bytes, more than %d", size, job.MaxCoinbase)
	}
	prefix := make([]byte, 0, len(w.before)+len(w.place.e1)+w.place.room-n)
	prefix = append(prefix, w.before...)
	prefix = append(prefix, w.place.e1...)
	prefix = append(prefix, make([]byte, w.place.room-n)...)
	j := &job.Job{
		ID: c.config.Next(), Source: c.config.Source, Foreign: w.foreign,
		// Bits that the pool has set itself are not rolled: pools differ in what
		// the miner's bits do to them.
		Version: w.version, Mask: c.mask &^ w.version,
		Prev: w.prev, Bits: w.bits, Time: w.time, MinTime: w.time,
		Prefix: prefix, Suffix: w.after, Extranonce: n, Branch: w.branch,
		Clean: clean, Network: w.network, Goal: c.difficulty.Target(),
	}
	// The same bytes once more would be the same search once more, and every share
	// a duplicate. A second later they are others.
	j.Time = max(w.time, w.time+min(w.again, 600))
	c.current = j
	if len(c.issued) == maxIssued {
		c.issued = slices.Delete(c.issued, 0, 1)
	}
	c.issued = append(c.issued, issued{id: j.ID, work: w, job: j, mask: c.mask})
	c.tell(News{Kind: NewJob, Job: j})
	return nil
}

// reissue gives the current work out again because something else about it has
// changed.
func (c *Client) reissue(clean bool, now time.Time) error {
	if c.current == nil {
		return nil
	}
	c.work.again++
	return c.issue(clean, now)
}

// Shape changes how many bytes of extranonce the jobs leave, from 1 to 32, and
// gives the current job out again if that changes it. The news is valid until
// the next call.
func (c *Client) Shape(n int, now time.Time) ([]News, error) {
	clear(c.news)
	c.news = c.news[:0]
	c.shape = min(max(n, 1), job.MaxExtranonce)
	if c.current == nil || c.current.Extranonce == min(c.shape, c.work.place.room) {
		return nil, nil
	}
	err := c.reissue(true, now)
	return c.news, err
}

func (c *Client) setDifficulty(p [][]byte, now time.Time) error {
	if len(p) == 0 {
		return nil
	}
	d, ok := number(p[0])
	if !ok || !(d > 0) || math.IsInf(d, 1) {
		return nil
	}
	first := !c.told
	changed := c.difficulty != job.Difficulty(d)
	c.difficulty, c.told = job.Difficulty(d), true
	if first && changed {
		// The job was given out at difficulty 1 for want of a better one, and a
		// heater's shares at 1 are a flood.
		return c.reissue(true, now)
	}
	return nil
}

func (c *Client) setExtranonce(p [][]byte) error {
	if len(p) < 2 {
		return errors.New("read set_extranonce of the pool: it has fewer than two parameters")
	}
	at, err := placeOf(p[0], p[1])
	if err != nil {
		return fmt.Errorf("read set_extranonce of the pool: %w", err)
	}
	c.place = at
	return nil
}

func (c *Client) setMask(p [][]byte, now time.Time) error {
	if len(p) == 0 {
		return nil
	}
	s, _ := text(p[0])
	mask, ok := word(s)
	if !ok {
		return nil
	}
	return c.roll(mask&c.config.Mask, now)
}

// roll sets the bits that may be rolled, from now on.
func (c *Client) roll(mask uint32, now time.Time) error {
	if mask == c.mask {
		return nil
	}
	lost := c.mask &^ mask
	c.mask = mask
	return c.reissue(lost != 0, now)
}

// Submit appends the submission of a share. The answer comes as News with the
// cookie, or from Lost. The errors are ErrGone, ErrBusy, ErrRefused, and others
// for a share that cannot be right.
func (c *Client) Submit(dst []byte, s stratum.Share, cookie uint64, now time.Time) ([]byte, error) {
	i := slices.IndexFunc(c.issued, func(i issued) bool { return i.id == s.Job })
	if i < 0 || !c.Ready() {
		return dst, fmt.Errorf("submit a share of job %08x: %w", s.Job, ErrGone)
	}
	of := c.issued[i]
	if len(s.Extranonce) != of.job.Extranonce {
		return dst, fmt.Errorf("submit a share of job %08x: its extranonce has %d bytes, not %d", s.Job, len(s.Extranonce), of.job.Extranonce)
	}
	if (s.Version^of.job.Version)&^of.job.Mask != 0 {
		return dst, fmt.Errorf("submit a share of job %08x: version %08x rolls bits outside %08x", s.Job, s.Version, of.job.Mask)
	}
	if s.Worker == "" && len(c.workers) > 0 {
		s.Worker = c.workers[0].User
	}
	for _, w := range c.workers {
		if w.User == s.Worker && w.refused != "" {
			return dst, fmt.Errorf("submit a share of %s: %w: it said %q", s.Worker, ErrRefused, w.refused)
		}
	}
	if len(c.sent) >= maxUnanswered {
		return dst, fmt.Errorf("submit a share: %w: %d of them", ErrBusy, len(c.sent))
	}
	id := c.nextID
	c.nextID++
	c.sent[id] = sent{cookie: cookie, worker: s.Worker, at: now}

	dst = fmt.Appendf(dst, `{"id":%d,"method":"mining.submit","params":[%s,%s,"`, id, quote(s.Worker), of.work.id)
	for range of.work.place.room - len(s.Extranonce) {
		dst = append(dst, "00"...)
	}
	dst = hex.AppendEncode(dst, s.Extranonce)
	dst = append(dst, `","`...)
	dst = appendWord(dst, s.Time)
	dst = append(dst, `","`...)
	dst = appendWord(dst, s.Nonce)
	if of.mask != 0 {
		dst = append(dst, `","`...)
		dst = appendWord(dst, s.Version&of.mask)
	}
	return append(dst, "\"]}\n"...), nil
}
