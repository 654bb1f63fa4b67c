package miner

import (
	"encoding/binary"
	"math/bits"
	"sync/atomic"

	"hearth/pool/job"
)

// plot is a job and how far its search has come. All threads share it.
type plot struct {
	job  *job.Job
	next atomic.Uint64 // number of the patch that nobody searches yet

	versions, extranonces, times uint64 // how many there are of each
	version, extranonce          uint64 // to begin with
	nonce                        uint32
	fill                         []byte // the bytes of extranonce that stay
}

// counted is how many bytes of extranonce are turned over at most. It is more than
// any computer gets through while a job lives.
const counted = 4

// newPlot begins the search of a job. It begins anywhere, so that who comes back to
// a job does not find the same shares again; random is uniform over all numbers.
func newPlot(j *job.Job, random func() uint64) *plot {
	_, last := j.Times()
	p := &plot{
		job:         j,
		versions:    1 << bits.OnesCount32(j.Mask),
		extranonces: 1 << (8 * min(j.Extranonce, counted)),
		times:       1,
		version:     random(),
		extranonce:  random(),
		nonce:       uint32(random()),
	}
	if last > j.Time {
		p.times += uint64(last - j.Time)
	}
	for len(p.fill) < j.Extranonce-counted {
		p.fill = binary.LittleEndian.AppendUint64(p.fill, random())
	}
	p.fill = p.fill[:max(0, j.Extranonce-counted)]
	return p
}

// patch is all nonces of one version, one extranonce and one time.
type patch struct {
	version, time uint32
	extranonce    []byte
}

// patch makes p the next patch that nobody searches yet. It reports false if
// there is none left.
func (l *plot) patch(p *patch) bool {
	n := l.next.Add(1) - 1
	version := (n + l.version) % l.versions
	n /= l.versions
	extranonce := (n + l.extranonce) % l.extranonces
	n /= l.extranonces
	if n >= l.times {
		return false
	}
	p.version = l.job.Version&^l.job.Mask | spread(uint32(version), l.job.Mask)
	p.time = l.job.Time + uint32(n)
	p.extranonce = append(p.extranonce[:0], l.fill...)
	for i := min(l.job.Extranonce, counted) - 1; i >= 0; i-- {
		p.extranonce = append(p.extranonce, byte(extranonce>>(8*i)))
	}
	return true
}

// spread puts the low bits of n where mask has ones, in their order.
func spread(n, mask uint32) uint32 {
	var out uint32
	for ; mask != 0; mask &= mask - 1 {
		out |= (n & 1) * (mask & -mask)
		n >>= 1
	}
	return out
}
