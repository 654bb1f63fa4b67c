package ledger

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
	"unicode"
	"unicode/utf8"
)

// Hash is a SHA-256 hash.
type Hash [sha256.Size]byte

// String prints the hash in hexadecimal.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *Hash) UnmarshalText(b []byte) error { return unhex(h[:], b) }

// Signature is an ed25519 signature.
type Signature [ed25519.SignatureSize]byte

// String prints the signature in hexadecimal.
func (s Signature) String() string { return hex.EncodeToString(s[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (s Signature) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, s[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Signature) UnmarshalText(b []byte) error { return unhex(s[:], b) }

// unhex decodes lower-case hexadecimal of exactly len(dst) bytes.
func unhex(dst, b []byte) error {
	if len(b) != hex.EncodedLen(len(dst)) || bytes.ContainsAny(b, "ABCDEF") {
		return fmt.Errorf("want %d lower-case hexadecimal digits", hex.EncodedLen(len(dst)))
	}
	_, err := hex.Decode(dst, b)
	return err
}

// Entry is what goes into the ledger: a record before it has its place in
// the chain. [NewEntry] makes one.
type Entry struct {
	// At is when it happened, with nanoseconds; the time zone is not kept.
	At   time.Time
	Kind Kind
	// Subject is what it is about: a device's or zone's id, empty for the
	// home as a whole.
	Subject string
	// Simulated marks what did not happen in the world.
	Simulated bool
	// Body is a JSON object in canonical form; see [Canonical].
	Body json.RawMessage
}

// Record is one link of the chain.
type Record struct {
	Seq       uint64          `json:"seq"` // counts from 1, the genesis
	At        time.Time       `json:"at"`
	Kind      Kind            `json:"kind"`
	Subject   string          `json:"subject"`
	Simulated bool            `json:"simulated"`
	Body      json.RawMessage `json:"body"`
	Prev      Hash            `json:"prev"` // of the record before; zero in the genesis
	Hash      Hash            `json:"hash"`
	Sig       Signature       `json:"sig"`
}

// The texts that keep one use of the hash or the key from passing as another.
const (
	recordTag    = "hearth/record/1\n"
	signatureTag = "hearth/record-signature/1\n"
	headTag      = "hearth/head/1\n"
)

// MaxSubject is the most bytes a subject may have.
const MaxSubject = 255

// flagSimulated is the bit of the flags byte for Record.Simulated.
const flagSimulated = 1

// Seal gives the entry its place in the chain: behind the record with the
// number seq-1 and the hash prev (0 and the zero hash for the genesis).
func (e Entry) Seal(seq uint64, prev Hash, key ed25519.PrivateKey) (Record, error) {
	r := Record{
		Seq: seq, At: e.At.UTC(), Kind: e.Kind, Subject: e.Subject,
		Simulated: e.Simulated, Body: e.Body, Prev: prev,
	}
	if err := r.check(); err != nil {
		return Record{}, fmt.Errorf("seal record %d: %w", seq, err)
	}
	r.Hash = r.sum()
	copy(r.Sig[:], ed25519.Sign(key, r.Hash.message()))
	return r, nil
}

// Entry returns what the record says, without its place.
func (r Record) Entry() Entry {
	return Entry{At: r.At, Kind: r.Kind, Subject: r.Subject, Simulated: r.Simulated, Body: r.Body}
}

// Decode returns the body in its own type, or nil without an error for a kind
// that this version does not know.
func (r Record) Decode() (Body, error) { return decode(r.Kind, r.Body) }

// Check reports whether the entry can be sealed.
func (e Entry) Check() error {
	return Record{
		Seq: 2, Prev: Hash{1}, At: e.At.UTC(), Kind: e.Kind, Subject: e.Subject,
		Simulated: e.Simulated, Body: e.Body,
	}.check()
}

// check reports whether the record's fields, hash and signature apart, are
// such as the specification allows.
func (r Record) check() error {
	switch {
	case r.Seq == 0:
		return errors.New("the number 0 is not used")
	case (r.Seq == 1) != (r.Kind == KindGenesis):
		return errors.New("record 1, and no other, is the genesis")
	case (r.Seq == 1) != (r.Prev == Hash{}):
		return errors.New("the genesis, and no other record, has nothing before it")
	case !r.Kind.valid():
		return fmt.Errorf("kind %q: want a short word of a-z, 0-9 and _", r.Kind)
	case !time.Unix(0, r.At.UnixNano()).Equal(r.At):
		return fmt.Errorf("time %s is outside the years 1678 to 2262", r.At.Format(time.RFC3339))
	}
	if err := checkSubject(r.Subject); err != nil {
		return err
	}
	if err := checkCanonical(r.Body); err != nil {
		return err
	}
	body, err := decode(r.Kind, r.Body)
	if err != nil {
		return err
	}
	if p, ok := body.(interface{ simulated() bool }); ok && p.simulated() && !r.Simulated {
		return errors.New("a simulated amount in a record that is not marked simulated")
	}
	return nil
}

func checkSubject(s string) error {
	if len(s) > MaxSubject {
		return fmt.Errorf("subject of %d bytes is longer than %d", len(s), MaxSubject)
	}
	if !utf8.ValidString(s) {
		return errors.New("subject is not valid UTF-8")
	}
	for _, c := range s {
		if unicode.IsControl(c) {
			return fmt.Errorf("subject %q has a control character", s)
		}
	}
	return nil
}

// appendContent appends what is hashed.
func (r Record) appendContent(b []byte) []byte {
	b = append(b, recordTag...)
	b = binary.BigEndian.AppendUint64(b, r.Seq)
	b = append(b, r.Prev[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(r.At.UnixNano()))
	var flags byte
	if r.Simulated {
		flags |= flagSimulated
	}
	b = append(b, flags, byte(len(r.Kind)))
	b = append(b, r.Kind...)
	b = binary.BigEndian.AppendUint16(b, uint16(len(r.Subject)))
	b = append(b, r.Subject...)
	b = binary.BigEndian.AppendUint32(b, uint32(len(r.Body)))
	return append(b, r.Body...)
}

// sum is the record's hash as it should be.
func (r Record) sum() Hash { return sha256.Sum256(r.appendContent(nil)) }

// message is what is signed.
func (h Hash) message() []byte { return append([]byte(signatureTag), h[:]...) }

// AppendBinary appends the record in its binary form, the content that is
// hashed followed by the signature. It implements [encoding.BinaryAppender].
func (r Record) AppendBinary(b []byte) ([]byte, error) {
	return append(r.appendContent(b), r.Sig[:]...), nil
}

// The sizes that bound a record's binary form.
const (
	fixedSize = len(recordTag) + 8 + 32 + 8 + 1 + 1
	// MaxRecord is the most bytes a record's binary form can have.
	MaxRecord = fixedSize + maxKind + 2 + MaxSubject + 4 + MaxBody + ed25519.SignatureSize
)

// ParseRecord reads one record's binary form from the front of b and returns
// what follows it. The hash is computed; the chain and the signature are for
// [Verify]. What ParseRecord accepts, AppendBinary gives back byte for byte.
func ParseRecord(b []byte) (Record, []byte, error) {
	r, rest, err := parseRecord(b)
	if err != nil {
		return Record{}, nil, fmt.Errorf("parse record: %w", err)
	}
	return r, rest, nil
}

func parseRecord(b []byte) (Record, []byte, error) {
	short := io.ErrUnexpectedEOF
	if len(b) < fixedSize {
		return Record{}, nil, short
	}
	if string(b[:len(recordTag)]) != recordTag {
		return Record{}, nil, errors.New("does not begin as a record")
	}
	c := b[len(recordTag):]
	var r Record
	r.Seq, c = binary.BigEndian.Uint64(c), c[8:]
	r.Prev, c = Hash(c[:32]), c[32:]
	r.At, c = time.Unix(0, int64(binary.BigEndian.Uint64(c))).UTC(), c[8:]
	flags, kind := c[0], int(c[1])
	c = c[2:]
	if flags&^flagSimulated != 0 {
		return Record{}, nil, fmt.Errorf("unknown flags %#x", flags)
	}
	r.Simulated = flags&flagSimulated != 0
	if len(c) < kind+2 {
		return Record{}, nil, short
	}
	r.Kind, c = Kind(c[:kind]), c[kind:]
	subject := int(binary.BigEndian.Uint16(c))
	if c = c[2:]; len(c) < subject+4 {
		return Record{}, nil, short
	}
	r.Subject, c = string(c[:subject]), c[subject:]
	body := int64(binary.BigEndian.Uint32(c))
	if body > MaxBody {
		return Record{}, nil, fmt.Errorf("body of %d bytes is longer than %d", body, MaxBody)
	}
	if c = c[4:]; int64(len(c)) < body+ed25519.SignatureSize {
		return Record{}, nil, short
	}
	r.Body, c = bytes.Clone(c[:body]), c[body:]
	r.Sig, c = Signature(c[:ed25519.SignatureSize]), c[ed25519.SignatureSize:]
	if err := r.check(); err != nil {
		return Record{}, nil, err
	}
	r.Hash = r.sum()
	return r, c, nil
}

// Read yields the records of a stream of binary forms, one after the other.
// It ends at the first error.
func Read(in io.Reader) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		buf := make([]byte, 0, 2*MaxRecord)
		for eof := false; ; {
			for !eof && len(buf) < MaxRecord {
				n, err := in.Read(buf[len(buf):cap(buf)])
				buf = buf[:len(buf)+n]
				if errors.Is(err, io.EOF) {
					eof = true
				} else if err != nil {
					yield(Record{}, fmt.Errorf("read record: %w", err))
					return
				}
			}
			if len(buf) == 0 {
				return
			}
			r, rest, err := ParseRecord(buf)
			if !yield(r, err) || err != nil {
				return
			}
			buf = buf[:copy(buf[:cap(buf)], rest)]
		}
	}
}
