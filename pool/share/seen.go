package share

import (
	"encoding/binary"

	"hearth/pool/job"
)

// remembered is how many shares of one job a channel remembers. At six shares a
// minute a job lives to see a few dozen.
const remembered = 2048

// seen is the set of shares that were accepted, by 64 bits of their hash. The
// hash of a header covers job, extranonce, time, nonce and version, so that the
// same work is known again even if a source gave it out twice. Two different
// shares have the same 64 bits with odds of 2^-64; in a set of n a new share is
// wrongly taken for an old one with odds of n·2^-64, which for 8 full sets is
// 10^-15, and then all that is lost is that share.
//
// It is an open table of at most half its places, zero for empty.
type seen struct {
	table []uint64
	n     int
}

// mark is the part of a hash that is kept: its least significant bits, which no
// target makes alike.
func mark(h job.Hash) uint64 { return max(binary.LittleEndian.Uint64(h[:]), 1) }

// place is where m is, or where it would go. The table must not be empty.
func (s *seen) place(m uint64) int {
	i := int(m>>32) & (len(s.table) - 1)
	for s.table[i] != 0 && s.table[i] != m {
		i = (i + 1) & (len(s.table) - 1)
	}
	return i
}

func (s *seen) has(m uint64) bool {
	return s.n > 0 && s.table[s.place(m)] == m
}

// add adds m, which must not be in the set, and reports whether there was room.
func (s *seen) add(m uint64) bool {
	if s.n == remembered {
		return false
	}
	if 2*s.n >= len(s.table) {
		old := s.table
		s.table = make([]uint64, max(8, 2*len(old)))
		for _, m := range old {
			if m != 0 {
				s.table[s.place(m)] = m
			}
		}
	}
	s.table[s.place(m)] = m
	s.n++
	return true
}

// clear empties the set and gives a large table back.
func (s *seen) clear() {
	if len(s.table) > 128 {
		s.table = nil
	}
	clear(s.table)
	s.n = 0
}
