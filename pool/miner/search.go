package miner

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"errors"
	"hash"

	"hearth/pool/job"
)

// search hashes headers that differ in their nonce alone. It serves one
// goroutine.
type search struct {
	sum    digest
	empty  []byte // the state of SHA-256 before anything was written
	middle []byte // and after the first block of the header
	room   []byte // for a state
	// Two blocks with their padding: the end of the header, and the hash of the
	// header.
	tail, inner [sha256.BlockSize]byte
}

// digest is SHA-256 of the standard library, whose state can be taken and put
// back.
type digest interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

// Where a state in the standard library's form has the eight words that are the
// hash once the last block was written: "sha\x03", the words, the unfinished block
// and the length.
const stateAt, stateEnd = 4, 4 + sha256.Size

var errState = errors.New("prepare to mine: SHA-256 of this build does not give its state as expected")

// newSearch is a search without a header. It fails if the standard library's
// SHA-256 is not what this package knows.
func newSearch() (*search, error) {
	sum, ok := sha256.New().(digest)
	if !ok {
		return nil, errState
	}
	s := &search{sum: sum}
	s.empty = s.state(nil)
	s.room = make([]byte, 0, len(s.empty))
	s.tail[job.HeaderSize-sha256.BlockSize] = 0x80
	binary.BigEndian.PutUint64(s.tail[sha256.BlockSize-8:], 8*job.HeaderSize)
	s.inner[sha256.Size] = 0x80
	binary.BigEndian.PutUint64(s.inner[sha256.BlockSize-8:], 8*sha256.Size)

	probe := job.Header{Version: 1, Prev: job.Hash{2}, Root: job.Hash{3, 31: 4}, Time: 5, Bits: 6, Nonce: 7}
	if s.set(probe); len(s.empty) < stateEnd || s.hash(probe.Nonce) != probe.Hash() {
		return nil, errState
	}
	return s, nil
}

// state appends the state of the sum.
func (s *search) state(b []byte) []byte {
	b, err := s.sum.AppendBinary(b)
	if err != nil {
		return nil
	}
	return b
}

// set makes h the header whose nonces are searched.
func (s *search) set(h job.Header) {
	var b [job.HeaderSize]byte
	h.Append(b[:0])
	s.sum.Reset()
	s.sum.Write(b[:sha256.BlockSize])
	s.middle = s.state(s.middle[:0])
	copy(s.tail[:], b[sha256.BlockSize:job.HeaderSize-4])
}

// hash is the hash of the header with this nonce.
func (s *search) hash(nonce uint32) job.Hash {
	binary.LittleEndian.PutUint32(s.tail[job.HeaderSize-sha256.BlockSize-4:], nonce)
	copy(s.inner[:], s.block(s.middle, s.tail[:]))
	return job.Hash(s.block(s.empty, s.inner[:]))
}

// block is what a state becomes with one more block. The result holds until the
// next call.
func (s *search) block(from, block []byte) []byte {
	_ = s.sum.UnmarshalBinary(from) // it takes what it gave: newSearch has tried
	s.sum.Write(block)
	return s.state(s.room[:0])[stateAt:stateEnd]
}

// find looks through n nonces from the given one on, round and round, for the
// first whose hash meets the goal, and returns how many it has looked at, that one
// included.
func (s *search) find(nonce uint32, n int, goal *job.Target) (looked int, found bool) {
	for i := range n {
		if s.hash(nonce + uint32(i)).Meets(*goal) {
			return i + 1, true
		}
	}
	return n, false
}
