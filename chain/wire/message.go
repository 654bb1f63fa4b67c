package wire

import (
	"encoding/binary"
	"time"
)

// A Message is the encoding of a protobuf message, built field by field. The
// zero value is the empty message.
//
// Fields have to be added in ascending order of their numbers; a field with
// its default value (0, false, "") is left out, as proto3 has it. Numbers are
// those of the message's .proto file. A Message must not be added to by two
// goroutines at a time.
type Message struct {
	b []byte
}

// The wire types of protobuf (protobuf.dev/programming-guides/encoding).
const (
	varintType  = 0
	fixed64Type = 1
	bytesType   = 2
	fixed32Type = 5
)

// Bytes returns the encoding. The slice is the message's own.
func (m *Message) Bytes() []byte { return m.b }

func (m *Message) tag(field, kind int) {
	m.b = binary.AppendUvarint(m.b, uint64(field)<<3|uint64(kind))
}

// Uint adds an unsigned number or an enum: uint32, uint64.
func (m *Message) Uint(field int, v uint64) {
	if v == 0 {
		return
	}
	m.tag(field, varintType)
	m.b = binary.AppendUvarint(m.b, v)
}

// Int adds a signed number: int32 or int64 (not sint32 or sint64, which are
// encoded otherwise).
func (m *Message) Int(field int, v int64) { m.Uint(field, uint64(v)) }

// Bool adds a truth value.
func (m *Message) Bool(field int, v bool) {
	if v {
		m.Uint(field, 1)
	}
}

// Fixed64 adds a number of type fixed64 or sfixed64.
func (m *Message) Fixed64(field int, v uint64) {
	if v == 0 {
		return
	}
	m.tag(field, fixed64Type)
	m.b = binary.LittleEndian.AppendUint64(m.b, v)
}

// Data adds bytes, unless there are none.
func (m *Message) Data(field int, v []byte) {
	if len(v) != 0 {
		m.Element(field, v)
	}
}

// Text adds a string, unless it is empty.
func (m *Message) Text(field int, v string) {
	if v == "" {
		return
	}
	m.tag(field, bytesType)
	m.b = binary.AppendUvarint(m.b, uint64(len(v)))
	m.b = append(m.b, v...)
}

// Element adds one element of a repeated field of bytes, strings or messages.
// Unlike the others it is also written when it is empty.
func (m *Message) Element(field int, v []byte) {
	m.tag(field, bytesType)
	m.b = binary.AppendUvarint(m.b, uint64(len(v)))
	m.b = append(m.b, v...)
}

// Sub adds a message. It is written even when it is empty: a message that is
// there and says nothing is not the same as one that is missing.
func (m *Message) Sub(field int, v Message) { m.Element(field, v.b) }

// Time adds a google.protobuf.Timestamp.
func (m *Message) Time(field int, t time.Time) { m.Sub(field, Timestamp(t)) }

// Timestamp is the google.protobuf.Timestamp of a time.
func Timestamp(t time.Time) Message {
	var m Message
	m.Int(1, t.Unix())
	m.Int(2, int64(t.Nanosecond()))
	return m
}

// Delimited returns the message with its length in front, as signatures of
// consensus and values in streams have it.
func (m *Message) Delimited() []byte {
	b := binary.AppendUvarint(make([]byte, 0, len(m.b)+binary.MaxVarintLen64), uint64(len(m.b)))
	return append(b, m.b...)
}
