package journal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"time"

	"hearth/ledger"
	"hearth/pool/job"
)

// A segment is a header and frames. All fixed numbers are big-endian.
//
//	header: magic (16), number (8), begun (8, ns), interval (8, ns), flags (1: 1 = simulated), digest of the segment before (32), CRC (4)
//	frame:  length of the payload (4), CRC over what follows (4), first bytes of the chain so far (8), payload
//
// The chain begins with SHA-256(header without CRC); each frame takes it on to
// SHA-256(chain ‖ payload). The digest is where it ends. CRCs are CRC-32C.
//
// A payload is items: a byte of kind and flags, then varints (encoding/binary)
// and bytes.
//
//	name:  length, bytes: the next name, numbered from 1; 0 is ""
//	share: time since the item before (signed, ns), worker, source, party, work [, header (80)]
//	tally: time as above, span (ns), worker, source, party, work, count, stale, rejected
//	lost:  time as above, span (ns), how many
const (
	magic      = "hearth/shares/1\n"
	headerSize = len(magic) + 8 + 8 + 8 + 1 + 32 + 4
	frameSize  = 4 + 4 + 8

	kindName  = 1
	kindShare = 2
	kindTally = 3
	kindLost  = 4
	kindMask  = 0x07

	flagVerdict = 0x18 // two bits
	flagUnpaid  = 0x20
	flagHeader  = 0x40

	flagSimulated = 1
)

// Bounds of what is read.
const (
	maxFrame = 1 << 20 // bytes of payload
	maxName  = ledger.MaxSubject
	maxNames = 1 << 20
	// maxInterval keeps an interval's end in the years that can be written.
	maxInterval = 366 * 24 * time.Hour
	// fullFrame is how large a payload may be before another is begun.
	fullFrame = maxFrame / 2
)

// head is what a segment's header says.
type head struct {
	number    uint64
	begun     int64 // nanoseconds since 1970
	interval  time.Duration
	simulated bool
	prev      ledger.Hash
}

func castagnoli() *crc32.Table { return crc32.MakeTable(crc32.Castagnoli) }

func (h head) bytes() []byte {
	b := append(make([]byte, 0, headerSize), magic...)
	b = binary.BigEndian.AppendUint64(b, h.number)
	b = binary.BigEndian.AppendUint64(b, uint64(h.begun))
	b = binary.BigEndian.AppendUint64(b, uint64(h.interval))
	var flags byte
	if h.simulated {
		flags |= flagSimulated
	}
	b = append(b, flags)
	b = append(b, h.prev[:]...)
	return binary.BigEndian.AppendUint32(b, crc32.Checksum(b, castagnoli()))
}

// chain is where the hash chain begins.
func (h head) chain() ledger.Hash {
	b := h.bytes()
	return sha256.Sum256(b[:len(b)-4])
}

// errTorn is what a reader ends with where no whole frame follows.
var errTorn = errors.New("no whole frame follows")

func parseHead(b []byte) (head, error) {
	if len(b) < headerSize || string(b[:len(magic)]) != magic {
		return head{}, fmt.Errorf("not a segment of shares: %w", errTorn)
	}
	b = b[:headerSize]
	if binary.BigEndian.Uint32(b[headerSize-4:]) != crc32.Checksum(b[:headerSize-4], castagnoli()) {
		return head{}, fmt.Errorf("the header of the segment is damaged: %w", errTorn)
	}
	b = b[len(magic):]
	h := head{
		number: binary.BigEndian.Uint64(b), begun: int64(binary.BigEndian.Uint64(b[8:])),
		interval: time.Duration(binary.BigEndian.Uint64(b[16:])), simulated: b[24] == flagSimulated,
	}
	copy(h.prev[:], b[25:])
	if h.interval <= 0 || h.interval > maxInterval || h.begun < earliest || h.begun > latest || b[24] > flagSimulated {
		return head{}, errors.New("the segment's interval or flags are of a newer Hearth")
	}
	return h, nil
}

// encoder writes frames. What it remembers belongs to one segment.
type encoder struct {
	chain ledger.Hash
	names map[string]uint64
	last  int64    // time of the item before
	added []string // names since the last [encoder.keep]
}

// mark is what an encoder is set back to when a write fails.
type mark struct {
	chain ledger.Hash
	last  int64
}

func (e *encoder) mark() mark { return mark{e.chain, e.last} }

func (e *encoder) keep() { e.added = e.added[:0] }

func (e *encoder) undo(m mark) {
	e.chain, e.last = m.chain, m.last
	for _, n := range e.added {
		delete(e.names, n)
	}
	e.keep()
}

// frames appends frames with the items.
func (e *encoder) frames(b []byte, items func(yield func(item) bool)) []byte {
	start := -1
	for it := range items {
		if start < 0 {
			start = len(b)
			b = append(b, make([]byte, frameSize)...)
		}
		b = e.item(b, it)
		if len(b)-start > fullFrame {
			e.finish(b[start:])
			start = -1
		}
	}
	if start >= 0 {
		e.finish(b[start:])
	}
	return b
}

// finish fills in the front of a frame.
func (e *encoder) finish(f []byte) {
	payload := f[frameSize:]
	binary.BigEndian.PutUint32(f, uint32(len(payload)))
	copy(f[8:], e.chain[:8])
	binary.BigEndian.PutUint32(f[4:], crc32.Checksum(f[8:], castagnoli()))
	e.chain = link(e.chain, payload)
}

func link(chain ledger.Hash, payload []byte) ledger.Hash {
	h := sha256.New()
	h.Write(chain[:])
	h.Write(payload)
	return ledger.Hash(h.Sum(nil))
}

func (e *encoder) item(b []byte, it item) []byte {
	if it.dropped > 0 {
		b = e.time(append(b, kindLost), it.from)
		b = binary.AppendUvarint(b, uint64(it.to-it.from))
		return binary.AppendUvarint(b, it.dropped)
	}
	b, worker := e.name(b, it.Worker)
	b, source := e.name(b, it.Source)
	b, party := e.name(b, it.Party)
	kind := byte(kindTally)
	if it.single {
		kind = kindShare | byte(it.Verdict)<<3
	}
	if it.Unpaid {
		kind |= flagUnpaid
	}
	proof := it.single && it.Header != job.Header{}
	if proof {
		kind |= flagHeader
	}
	b = e.time(append(b, kind), it.from)
	if !it.single {
		b = binary.AppendUvarint(b, uint64(it.to-it.from))
	}
	for _, n := range []uint64{worker, source, party, it.work} {
		b = binary.AppendUvarint(b, n)
	}
	if !it.single {
		for _, n := range []uint64{it.count, it.stale, it.rejected} {
			b = binary.AppendUvarint(b, n)
		}
	}
	if proof {
		b = it.Header.Append(b)
	}
	return b
}

// time writes a time as its distance from the one before, which may wrap
// around like the numbers it is read into.
func (e *encoder) time(b []byte, ns int64) []byte {
	b = binary.AppendVarint(b, ns-e.last)
	e.last = ns
	return b
}

func (e *encoder) name(b []byte, s string) ([]byte, uint64) {
	if s == "" {
		return b, 0
	}
	n, ok := e.names[s]
	if !ok {
		n = uint64(len(e.names) + 1)
		e.names[s] = n
		e.added = append(e.added, s)
		b = binary.AppendUvarint(append(b, kindName), uint64(len(s)))
		b = append(b, s...)
	}
	return b, n
}

// decoder reads frames.
type decoder struct {
	head  head
	chain ledger.Hash
	size  int64 // of what was whole so far
	names []string
	last  int64
	in    io.Reader
	buf   []byte
}

// newDecoder reads the header. An error that wraps errTorn says that there is
// none that is whole.
func newDecoder(in io.Reader) (*decoder, error) {
	b := make([]byte, headerSize)
	if err := readFull(in, b); err != nil {
		return nil, err
	}
	h, err := parseHead(b)
	if err != nil {
		return nil, err
	}
	return &decoder{head: h, chain: h.chain(), size: int64(headerSize), last: h.begun, names: []string{""}, in: in}, nil
}

// readFull turns an early end into errTorn, and leaves the disk's errors.
func readFull(in io.Reader, b []byte) error {
	_, err := io.ReadFull(in, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errTorn
	}
	return err
}

// next reads a frame's items, and returns errTorn where no whole one follows.
// The items are valid until the next call.
func (d *decoder) next(yield func(item)) error {
	var front [frameSize]byte
	if err := readFull(d.in, front[:]); err != nil {
		return err
	}
	n := binary.BigEndian.Uint32(front[:])
	if n == 0 || n > maxFrame || !bytes.Equal(front[8:], d.chain[:8]) {
		return errTorn
	}
	if d.buf == nil {
		d.buf = make([]byte, 8, 8+64<<10)
	}
	d.buf = append(d.buf[:0], front[8:]...)
	// A length that is made up must not cost more than what is there.
	in := &io.LimitedReader{R: d.in, N: int64(n)}
	buf := bytes.NewBuffer(d.buf)
	if _, err := buf.ReadFrom(in); err != nil {
		return err
	}
	d.buf = buf.Bytes()
	payload := d.buf[8:]
	if len(payload) != int(n) || crc32.Checksum(d.buf, castagnoli()) != binary.BigEndian.Uint32(front[4:]) {
		return errTorn
	}
	// All of a frame counts, or nothing of it.
	names, last := len(d.names), d.last
	items, err := d.items(payload)
	if err != nil {
		d.names, d.last = d.names[:names], last
		return fmt.Errorf("a frame that is whole makes no sense (%w): %w", err, errTorn)
	}
	d.chain = link(d.chain, payload)
	d.size += int64(frameSize) + int64(n)
	for _, it := range items {
		yield(it)
	}
	return nil
}

var errItem = errors.New("an item cannot be read")

func (d *decoder) items(b []byte) ([]item, error) {
	var list []item
	for len(b) > 0 {
		kind := b[0]
		b = b[1:]
		var it item
		var err error
		switch kind & kindMask {
		case kindName:
			b, err = d.name(kind, b)
			if err != nil {
				return nil, err
			}
			continue
		case kindShare:
			it, b, err = d.share(kind, b)
		case kindTally:
			it, b, err = d.tally(kind, b)
		case kindLost:
			it, b, err = d.lost(kind, b)
		default:
			err = errItem
		}
		if err != nil {
			return nil, err
		}
		list = append(list, it)
	}
	return list, nil
}

func (d *decoder) name(kind byte, b []byte) ([]byte, error) {
	n, b, err := number(b, maxName)
	if err != nil || kind != kindName || n == 0 || n > uint64(len(b)) || len(d.names) >= maxNames {
		return nil, errItem
	}
	s := string(b[:n])
	if text(s) != s {
		return nil, errItem
	}
	d.names = append(d.names, s)
	return b[n:], nil
}

func (d *decoder) share(kind byte, b []byte) (item, []byte, error) {
	var it item
	at, b, err := d.time(b)
	if err != nil {
		return it, nil, err
	}
	s := Share{At: time.Unix(0, at).UTC(), Verdict: Verdict(kind & flagVerdict >> 3), Unpaid: kind&flagUnpaid != 0}
	if b, err = d.who(&s, b); err != nil {
		return it, nil, err
	}
	work, b, err := number(b, maxAmount)
	if err != nil || s.Verdict > Rejected || s.Verdict != Accepted && work > 0 || kind&0x80 != 0 {
		return it, nil, errItem
	}
	s.Work = job.Work(work)
	if kind&flagHeader != 0 {
		if len(b) < job.HeaderSize {
			return it, nil, errItem
		}
		if s.Header, err = job.ParseHeader(b[:job.HeaderSize]); err != nil {
			return it, nil, err
		}
		b = b[job.HeaderSize:]
	}
	return s.item(), b, nil
}

func (d *decoder) tally(kind byte, b []byte) (it item, _ []byte, err error) {
	if kind&^flagUnpaid != kindTally {
		return it, nil, errItem
	}
	it.Unpaid = kind&flagUnpaid != 0
	if b, err = d.span(&it, b); err != nil {
		return it, nil, err
	}
	if b, err = d.who(&it.Share, b); err != nil {
		return it, nil, err
	}
	for _, p := range []*uint64{&it.work, &it.count, &it.stale, &it.rejected} {
		if *p, b, err = number(b, maxAmount); err != nil {
			return it, nil, err
		}
	}
	if it.work > 0 && it.count == 0 {
		return it, nil, errItem
	}
	return it, b, nil
}

func (d *decoder) lost(kind byte, b []byte) (it item, _ []byte, err error) {
	if b, err = d.span(&it, b); err != nil {
		return it, nil, err
	}
	it.dropped, b, err = number(b, maxAmount)
	if err != nil || it.dropped == 0 || kind != kindLost {
		return it, nil, errItem
	}
	return it, b, nil
}

// who reads worker, source and party.
func (d *decoder) who(s *Share, b []byte) (_ []byte, err error) {
	for _, p := range []*string{&s.Worker, &s.Source, &s.Party} {
		var n uint64
		if n, b, err = number(b, uint64(len(d.names)-1)); err != nil {
			return nil, err
		}
		*p = d.names[n]
	}
	if s.Source == "" {
		return nil, errItem
	}
	return b, nil
}

func (d *decoder) span(it *item, b []byte) (_ []byte, err error) {
	if it.from, b, err = d.time(b); err != nil {
		return nil, err
	}
	n, b, err := number(b, uint64(latest-earliest))
	it.to = it.from + int64(n)
	if err != nil || it.to > latest {
		return nil, errItem
	}
	return b, nil
}

func (d *decoder) time(b []byte) (int64, []byte, error) {
	delta, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, errItem
	}
	if d.last += delta; d.last < earliest || d.last > latest {
		return 0, nil, errItem
	}
	return d.last, b[n:], nil
}

func number(b []byte, most uint64) (uint64, []byte, error) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > most {
		return 0, nil, errItem
	}
	return n, b[size:], nil
}
