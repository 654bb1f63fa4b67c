package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Field is a field that an extension adds to a message: type, length and value,
// after the message's own fields. Other than everything else, its numbers are
// big-endian.
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
	b = binary.BigEndian.AppendUint16(b, f.Extension)
	b = append(b, f.Type)
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.Value)))
	return append(b, f.Value...), err
}

// NextField splits the first field off what [Parse] left. The value shares its
// memory with rest.
func NextField(rest []byte) (f Field, after []byte, err error) {
	if len(rest) < fieldHead {
		return Field{}, nil, fmt.Errorf("reading the field of an extension: %w", errShort)
	}
	f = Field{Extension: binary.BigEndian.Uint16(rest), Type: rest[2]}
	n := int(binary.BigEndian.Uint16(rest[3:]))
	rest = rest[fieldHead:]
	if len(rest) < n {
		return Field{}, nil, fmt.Errorf("reading the field of an extension: %w", errShort)
	}
	f.Value = rest[:n:n]
	return f, rest[n:], nil
}

// longestName is how long the name of a worker may be, in bytes.
const longestName = 32

const typeName = 0x01

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
// name shares its memory with rest.
func FindWorkerName(rest []byte) (name []byte, ok bool, err error) {
	for len(rest) > 0 {
		var f Field
		if f, rest, err = NextField(rest); err != nil {
			return nil, false, err
		}
		if f.Extension != WorkerNames || f.Type != typeName || ok {
			continue
		}
		if len(f.Value) > longestName {
			return nil, false, errors.New("reading a worker's name: it is longer than 32 bytes")
		}
		name, ok = f.Value, true
	}
	return name, ok, nil
}
