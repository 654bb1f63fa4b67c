package journal

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"hearth/ledger"
)

// The endings of file names: of segments that are written or not yet folded,
// of those that are folded, and of files whose header is broken.
const (
	openEnd   = ".open"
	foldedEnd = ".shares"
	brokenEnd = ".broken"
)

// base is the name of a segment's file without its ending.
func base(number uint64) string { return fmt.Sprintf("%012d", number) }

// parseName reads the name of a segment's file.
func parseName(name string) (number uint64, folded, ok bool) {
	digits, folded := strings.CutSuffix(name, foldedEnd)
	if !folded {
		if digits, ok = strings.CutSuffix(name, openEnd); !ok {
			return 0, false, false
		}
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, folded, err == nil && name == base(number)+map[bool]string{true: foldedEnd, false: openEnd}[folded]
}

// Bounds of a segment, besides its interval.
const (
	fullSegment = 64 << 20 // bytes
	fullNames   = 1 << 16
)

// segment is the segment that is written to.
type segment struct {
	head head
	name string
	file file
	size int64 // of what is surely on the disk; 0 until the header is
	torn bool  // there may be more behind it, which nobody was promised
	enc  encoder
}

func newSegment(fs files, h head) (*segment, error) {
	s := &segment{head: h, name: base(h.number) + openEnd}
	f, err := fs.create(s.name)
	if err != nil {
		return nil, err
	}
	s.file, s.enc = f, encoder{chain: h.chain(), names: map[string]uint64{}, last: h.begun}
	return s, nil
}

// over reports whether nothing more should go into the segment. A clock that
// was set back ends it as well.
func (s *segment) over(now int64) bool {
	start := floor(s.head.begun, s.head.interval)
	return now < start || now >= start+int64(s.head.interval) || s.size >= fullSegment || len(s.enc.names) >= fullNames
}

// write brings items to the disk: all, or as far as anybody will ever know
// none.
func (s *segment) write(fs files, items func(yield func(item) bool)) error {
	if err := s.clean(); err != nil {
		return err
	}
	if s.size == 0 {
		// The header goes first, with the name, so that later a file without a
		// whole one can be told from one that was damaged.
		if err := s.put(s.head.bytes(), fs.syncDir); err != nil {
			return err
		}
	}
	was := s.enc.mark()
	err := s.put(s.enc.frames(nil, items), nil)
	if err != nil {
		s.enc.undo(was)
		return err
	}
	s.enc.keep()
	return nil
}

// put writes bytes behind what is on the disk and syncs them, and then what
// else there is to sync.
func (s *segment) put(b []byte, also func() error) error {
	s.torn = true
	_, err := s.file.WriteAt(b, s.size)
	if err == nil {
		err = s.file.Sync()
	}
	if err == nil && also != nil {
		err = also()
	}
	if err != nil {
		return err
	}
	s.size += int64(len(b))
	s.torn = false
	return nil
}

// clean cuts off what a failed write may have left, before the segment is
// written on or ends: it is written again, there or in the next segment, and
// would be counted twice.
func (s *segment) clean() error {
	if !s.torn {
		return nil
	}
	if err := s.file.Truncate(s.size); err != nil {
		return err
	}
	if err := s.file.Sync(); err != nil {
		return err
	}
	s.torn = false
	return nil
}

// closed is a segment that nothing more is written to, and that is not yet
// folded.
type closed struct {
	number uint64
	name   string
	// digest and size are what was written; of a segment that an earlier
	// process left they are what it was found to hold.
	digest ledger.Hash
	size   int64
	// left is set for such a segment: it has yet to be synced and, if cut is
	// set, what is torn has to be cut off.
	left, cut bool
	// tried is set when its records may be in the ledger.
	tried bool
}

// scan reads a segment as far as it is whole, and returns its decoder. An
// error is the disk's, or wraps errTorn if not even the header is whole.
func scan(r io.ReaderAt, each func(item)) (*decoder, error) {
	in := bufio.NewReaderSize(io.NewSectionReader(r, 0, math.MaxInt64), 64<<10)
	d, err := newDecoder(in)
	if err != nil {
		return nil, err
	}
	for {
		if err := d.next(each); errors.Is(err, errTorn) {
			return d, nil
		} else if err != nil {
			return nil, err
		}
	}
}

// followed reports whether a whole frame comes after one that is not: then that
// one was not torn off in a write, but damaged later.
func followed(r io.ReaderAt, bad int64) bool {
	var front [frameSize]byte
	if _, err := r.ReadAt(front[:], bad); err != nil {
		return false
	}
	next := bad + frameSize + int64(binary.BigEndian.Uint32(front[:]))
	if _, err := r.ReadAt(front[:], next); err != nil {
		return false
	}
	n := binary.BigEndian.Uint32(front[:])
	if n == 0 || n > maxFrame {
		return false
	}
	b := make([]byte, 8+n)
	if _, err := r.ReadAt(b, next+8); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	return crc32.Checksum(b, castagnoli()) == binary.BigEndian.Uint32(front[4:])
}

// begin is a head for a segment that begins now.
func (c Config) begin(number uint64, now int64, prev ledger.Hash) head {
	return head{number: number, begun: now, interval: c.Interval, simulated: c.Simulated, prev: prev}
}

// at is a moment as a time.
func at(ns int64) time.Time { return time.Unix(0, ns).UTC() }
