package job

import (
	"crypto/sha256"
	"hash"
)

// Which bits of a version miners may turn over as they like.
const (
	MaskV1 = 0x1fffe000 // BIP 320, and what Stratum V1 miners know
	MaskV2 = 0x1fffffe0 // BIP 323, and what Stratum V2 means by version rolling
)

// Limits of what is taken from a node or an upstream.
const (
	MaxBranch     = 32      // steps of a merkle branch
	MaxExtranonce = 32      // bytes of extranonce
	MaxCoinbase   = 1 << 16 // bytes of a coinbase without witness
)

// Job is one piece of work. It never changes once made and is shared by all who
// mine it, in any number of goroutines.
type Job struct {
	// ID is unique in this process for longer than any miner remembers; never
	// 0. Stratum V1 writes it as 8 hexadecimal digits.
	ID uint32
	// Source is who gave the job: the name of an upstream, "node" or
	// "fallback". A miner on one source sees only its jobs.
	Source string
	// Foreign is the id by which the source knows the job; empty if it has none.
	Foreign string

	// Version has the bits of Mask cleared, so that the three ways in which
	// firmwares combine it with what they rolled (replace, or, xor) agree.
	Version uint32
	// Mask is the bits a miner may roll. A Stratum V1 miner uses what it shares
	// with MaskV1.
	Mask uint32
	Prev Hash
	Bits uint32 // short form of Network
	Time uint32 // the time to begin with, seconds since 1970
	// MinTime and MaxTime are the first and the last time that the source
	// accepts. A MinTime of 0 is Time, a MaxTime of 0 is two hours after Time.
	MinTime, MaxTime uint32

	// Prefix and Suffix are the coinbase without its witness, around the
	// extranonce. The upstream's own extranonce and padding, if any, are part
	// of Prefix.
	Prefix, Suffix []byte
	// Extranonce is how many bytes go between Prefix and Suffix: what the
	// server gives each miner and what the miner turns over, together.
	Extranonce int
	// Branch leads from the coinbase to the merkle root.
	Branch []Hash

	// Clean says that the earlier jobs of the source are stale.
	Clean bool
	// Unpaid says that nobody pays for shares of this job: it makes heat only.
	Unpaid bool
	// Network is the target of a block.
	Network Target
	// Goal is the target of a share that the source wants to see: that of an
	// upstream's shares, or Network.
	Goal Target
	// Height of the block; 0 if it is unknown.
	Height int64
	// Block is what a block is made of; nil if only the source can make it.
	Block *Block
}

// Times is the first and the last time that a share of the job may carry.
func (j *Job) Times() (first, last uint32) {
	first, last = j.MinTime, j.MaxTime
	if first == 0 {
		first = j.Time
	}
	if last == 0 {
		last = j.Time + 7200
		if last < j.Time {
			last = 1<<32 - 1
		}
	}
	return first, last
}

// Scratch is room for computing merkle roots without allocating. The zero value
// is ready; it must not be used by two goroutines at a time.
type Scratch struct {
	sum  hash.Hash
	pair [64]byte
}

// Root is the merkle root with the given extranonce, which should have
// Extranonce bytes.
func (j *Job) Root(extranonce []byte) Hash {
	var s Scratch
	return j.RootInto(&s, extranonce)
}

// RootInto is Root with room to compute in: it allocates only with the first
// use of s.
func (j *Job) RootInto(s *Scratch, extranonce []byte) Hash {
	if s.sum == nil {
		s.sum = sha256.New()
	}
	s.sum.Reset()
	s.sum.Write(j.Prefix)
	s.sum.Write(extranonce)
	s.sum.Write(j.Suffix)
	first := s.sum.Sum(s.pair[:0])
	root := Hash(sha256.Sum256(first))
	for i := range j.Branch {
		copy(s.pair[:32], root[:])
		copy(s.pair[32:], j.Branch[i][:])
		root = Double(s.pair[:])
	}
	return root
}

// Header is the header that a miner hashes. The version is the whole version,
// as mined.
func (j *Job) Header(extranonce []byte, version, ntime, nonce uint32) Header {
	var s Scratch
	return j.HeaderInto(&s, extranonce, version, ntime, nonce)
}

// HeaderInto is Header with room to compute in.
func (j *Job) HeaderInto(s *Scratch, extranonce []byte, version, ntime, nonce uint32) Header {
	return Header{Version: version, Prev: j.Prev, Root: j.RootInto(s, extranonce), Time: ntime, Bits: j.Bits, Nonce: nonce}
}
