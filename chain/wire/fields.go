package wire

import (
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"math"
	"math/bits"
	"time"
	"unicode/utf8"
)

// A Field is one field of a message that is being read.
type Field struct {
	// Number is the field's number in the .proto file, from 1.
	Number int
	// Again says that the field before had the same number: true for the second
	// and later elements of a repeated field, and an error for any other.
	Again bool

	kind byte
	num  uint64
	data []byte
}

// maxField is the largest number that protobuf allows for a field.
const maxField = 1<<29 - 1

// Fields reads a message field by field. It accepts only what [Message] writes:
// numbers in their shortest form and fields in ascending order, so that no
// bytes mean two things. The first fault ends it with an error.
//
// Nothing is copied: the fields point into the message.
func Fields(message []byte) iter.Seq2[Field, error] {
	return func(yield func(Field, error) bool) {
		last := 0
		for rest := message; len(rest) > 0; {
			f, n, err := next(rest)
			if err == nil && f.Number < last {
				err = fmt.Errorf("field %d comes after field %d", f.Number, last)
			}
			if err != nil {
				yield(Field{}, fmt.Errorf("read protobuf at byte %d: %w", len(message)-len(rest), err))
				return
			}
			f.Again = f.Number == last
			last = f.Number
			if !yield(f, nil) {
				return
			}
			rest = rest[n:]
		}
	}
}

// next reads the field that b starts with and returns its length.
func next(b []byte) (Field, int, error) {
	tag, n, err := uvarint(b)
	if err != nil {
		return Field{}, 0, fmt.Errorf("tag: %w", err)
	}
	if tag>>3 == 0 || tag>>3 > maxField {
		return Field{}, 0, fmt.Errorf("no field has the number %d", tag>>3)
	}
	f := Field{Number: int(tag >> 3), kind: byte(tag & 7)}
	switch f.kind {
	case varintType:
		v, m, err := uvarint(b[n:])
		if err != nil {
			return Field{}, 0, fmt.Errorf("field %d: %w", f.Number, err)
		}
		f.num = v
		return f, n + m, nil
	case fixed64Type:
		if len(b)-n < 8 {
			return Field{}, 0, fmt.Errorf("field %d: eight bytes expected, %d left", f.Number, len(b)-n)
		}
		f.num = binary.LittleEndian.Uint64(b[n:])
		return f, n + 8, nil
	case fixed32Type:
		if len(b)-n < 4 {
			return Field{}, 0, fmt.Errorf("field %d: four bytes expected, %d left", f.Number, len(b)-n)
		}
		f.num = uint64(binary.LittleEndian.Uint32(b[n:]))
		return f, n + 4, nil
	case bytesType:
		size, m, err := uvarint(b[n:])
		if err != nil {
			return Field{}, 0, fmt.Errorf("field %d: length: %w", f.Number, err)
		}
		n += m
		if size > uint64(len(b)-n) {
			return Field{}, 0, fmt.Errorf("field %d: %d bytes announced, %d left", f.Number, size, len(b)-n)
		}
		f.data = b[n : n+int(size) : n+int(size)]
		return f, n + int(size), nil
	}
	return Field{}, 0, fmt.Errorf("field %d: wire type %d is not used", f.Number, f.kind)
}

func uvarint(b []byte) (uint64, int, error) {
	v, n := binary.Uvarint(b)
	switch {
	case n == 0:
		return 0, 0, errors.New("the number is cut off")
	case n < 0:
		return 0, 0, errors.New("the number is larger than 64 bits")
	case n != max(1, (bits.Len64(v)+6)/7):
		return 0, 0, fmt.Errorf("%d is not written in its shortest form", v)
	}
	return v, n, nil
}

var errKind = errors.New("has another type than the message's definition says")

func (f Field) of(kind byte) error {
	if f.kind != kind {
		return fmt.Errorf("field %d %w", f.Number, errKind)
	}
	if f.Again {
		return fmt.Errorf("field %d is there twice", f.Number)
	}
	return nil
}

// Uint returns the value of a uint64, uint32 or enum.
func (f Field) Uint() (uint64, error) { return f.num, f.of(varintType) }

// Int returns the value of an int64.
func (f Field) Int() (int64, error) { return int64(f.num), f.of(varintType) }

// Int32 returns the value of an int32, a uint32 below 2³¹ or an enum.
func (f Field) Int32() (int32, error) {
	v, err := f.Int()
	if err == nil && (v < math.MinInt32 || v > math.MaxInt32) {
		err = fmt.Errorf("field %d: %d is not a number of 32 bits", f.Number, v)
	}
	return int32(v), err
}

// Bool returns the value of a bool.
func (f Field) Bool() (bool, error) {
	v, err := f.Uint()
	if err == nil && v > 1 {
		err = fmt.Errorf("field %d: %d is not a truth value", f.Number, v)
	}
	return v == 1, err
}

// Fixed64 returns the value of a fixed64 or sfixed64.
func (f Field) Fixed64() (uint64, error) { return f.num, f.of(fixed64Type) }

// Data returns bytes, or the encoding of a message. It points into the message
// that is being read.
func (f Field) Data() ([]byte, error) { return f.data, f.of(bytesType) }

// Text returns a string. It has to be UTF-8.
func (f Field) Text() (string, error) {
	b, err := f.Data()
	if err == nil && !utf8.Valid(b) {
		err = fmt.Errorf("field %d: the text is not UTF-8", f.Number)
	}
	return string(b), err
}

// Element returns one element of a repeated field of bytes or messages.
func (f Field) Element() ([]byte, error) {
	f.Again = false
	return f.Data()
}

// Time returns a google.protobuf.Timestamp in UTC.
func (f Field) Time() (time.Time, error) {
	b, err := f.Data()
	if err != nil {
		return time.Time{}, err
	}
	var sec, nano int64
	for part, err := range Fields(b) {
		if err != nil {
			return time.Time{}, fmt.Errorf("field %d: %w", f.Number, err)
		}
		switch part.Number {
		case 1:
			sec, err = part.Int()
		case 2:
			nano, err = part.Int()
		default:
			err = fmt.Errorf("a time has no field %d", part.Number)
		}
		if err != nil {
			return time.Time{}, fmt.Errorf("field %d: %w", f.Number, err)
		}
	}
	if nano < 0 || nano >= 1e9 || sec < minSecond || sec > maxSecond {
		return time.Time{}, fmt.Errorf("field %d: %d s and %d ns is no time in the years 1 to 9999", f.Number, sec, nano)
	}
	return time.Unix(sec, nano).UTC(), nil
}

// Timestamps reach from the year 1 to the end of the year 9999
// (google/protobuf/timestamp.proto).
const (
	minSecond = -62135596800
	maxSecond = 253402300799
)
