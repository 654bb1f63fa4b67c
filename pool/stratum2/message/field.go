package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Field is a field that an extension adds to a message: type, length and value,
// after the message's own fields.
//
// Whether its numbers are little-endian, as all others of the protocol, or
// big-endian is disputed. Section 3.4.3 of the specification says nothing and
// has an example with big-endian ones; the reference implementation has always
// written and read little-endian ones (crate parsers_sv2, 0.2 to 0.6), and
// others have followed it. So that is what is written here. Both are read.
type Field struct {
	Extension uint16
	Type      uint8
	Value     []byte
}

const fieldHead = 5

func (f Field) append(b []byte, err error) ([]byte, error) {
	if len(f.Value) > math.MaxUint16 {
		return b, errLong
	}
	b = binary.LittleEndian.AppendUint16(b, f.Extension)
	b = append(b, f.Type)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(f.Value)))
	return append(b, f.Value...), err
}

// nextField splits off the first field. The value shares its memory with rest.
func nextField(rest []byte, order binary.ByteOrder) (f Field, after []byte, err error) {
	if len(rest) < fieldHead {
		return Field{}, nil, errShort
	}
	f = Field{Extension: order.Uint16(rest), Type: rest[2]}
	n := int(order.Uint16(rest[3:]))
	rest = rest[fieldHead:]
	if len(rest) < n {
		return Field{}, nil, errShort
	}
	f.Value = rest[:n:n]
	return f, rest[n:], nil
}

// longestName is how long the name of a worker may be, in bytes.
const longestName = 32

const typeName = 0x01

var errName = errors.New("reading a worker's name: it is longer than 32 bytes")

// WorkerName is the field of extension [WorkerNames] that says who found a
// share. Names of more than 32 bytes are an error.
func WorkerName(name string) (Field, error) {
	if len(name) > longestName {
		return Field{}, fmt.Errorf("the worker name %q is longer than %d bytes; give it a shorter one", name, longestName)
	}
	return Field{Extension: WorkerNames, Type: typeName, Value: []byte(name)}, nil
}

// FindWorkerName looks for a [WorkerName] among the fields that [Parse] left;
// ok is false if there is none. Fields that nobody knows are passed over. The
// name shares its memory with rest. What are no fields in either order of bytes
// is an error.
func FindWorkerName(rest []byte) (name []byte, ok bool, err error) {
	name, ok, err = findName(rest, binary.LittleEndian)
	if ok || errors.Is(err, errName) {
		return name, ok, err
	}
	again, there, bad := findName(rest, binary.BigEndian)
	if there || errors.Is(bad, errName) {
		return again, there, bad
	}
	if err != nil && bad != nil {
		return nil, false, fmt.Errorf("reading the fields of extensions: %w", err)
	}
	return nil, false, nil
}

func findName(rest []byte, order binary.ByteOrder) (name []byte, ok bool, err error) {
	for len(rest) > 0 {
		var f Field
		if f, rest, err = nextField(rest, order); err != nil {
			return nil, false, err
		}
		if f.Extension != WorkerNames || f.Type != typeName || ok {
			continue
		}
		if len(f.Value) > longestName {
			return nil, false, errName
		}
		name, ok = f.Value, true
	}
	return name, ok, nil
}
