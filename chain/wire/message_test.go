package wire_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/wire"
)

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		u, i := rapid.Uint64Min(1).Draw(t, "unsigned"), rapid.Int64Max(-1).Draw(t, "signed")
		parts := rapid.SliceOf(rapid.SliceOf(rapid.Byte())).Draw(t, "parts")
		when := times().Draw(t, "time")
		var m wire.Message
		m.Uint(1, u)
		m.Int(2, i)
		for _, p := range parts {
			m.Element(7, p)
		}
		m.Fixed64(100, u)
		m.Time(1<<29-1, when)

		n := 0
		for f, err := range wire.Fields(m.Bytes()) {
			if err != nil {
				t.Fatal(err)
			}
			switch f.Number {
			case 1:
				if v, err := f.Uint(); err != nil || v != u {
					t.Fatalf("field 1: %d, %v", v, err)
				}
			case 2:
				if v, err := f.Int(); err != nil || v != i {
					t.Fatalf("field 2: %d, %v", v, err)
				}
			case 7:
				if v, err := f.Element(); err != nil || !bytes.Equal(v, parts[n]) || f.Again != (n > 0) {
					t.Fatalf("part %d: %x, %v, again: %v", n, v, err, f.Again)
				}
				n++
			case 100:
				if v, err := f.Fixed64(); err != nil || v != u {
					t.Fatalf("field 100: %d, %v", v, err)
				}
			case 1<<29 - 1:
				if v, err := f.Time(); err != nil || !v.Equal(when) {
					t.Fatalf("time: %v, %v, want %v", v, err, when)
				}
			}
		}
		if n != len(parts) {
			t.Fatalf("%d parts read, %d written", n, len(parts))
		}
	})
}

func TestBytesThatAreNoMessage(t *testing.T) {
	for _, c := range []struct {
		name string
		in   []byte
		says string
	}{
		{"a tag cut off", []byte{0x80}, "cut off"},
		{"field 0", []byte{0x00, 0x01}, "number 0"},
		{"a field beyond protobuf's", []byte{0x80, 0x80, 0x80, 0x80, 0x10, 0x01}, "no field has the number"},
		{"a value cut off", []byte{0x08}, "cut off"},
		{"a long form of 1", []byte{0x08, 0x81, 0x00}, "shortest form"},
		{"a long form of 0", []byte{0x08, 0x80, 0x00}, "shortest form"},
		{"65 bits", []byte{0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02}, "larger than 64 bits"},
		{"a length without the bytes", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x7f, 1}, "1 left"},
		{"a length beyond memory", []byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1}, "1 left"},
		{"half a fixed64", []byte{0x09, 1, 2, 3, 4}, "eight bytes"},
		{"half a fixed32", []byte{0x0d, 1, 2}, "four bytes"},
		{"a group", []byte{0x0b, 0x0c}, "wire type 3"},
		{"fields in another order", []byte{0x10, 1, 0x08, 1}, "after field 2"},
	} {
		var last error
		for _, err := range wire.Fields(c.in) {
			last = err
		}
		if last == nil || !strings.Contains(last.Error(), c.says) {
			t.Errorf("%s: error %v, want one that says %q", c.name, last, c.says)
		}
	}
}

func TestFieldsOfAnotherType(t *testing.T) {
	var m wire.Message
	m.Uint(1, 300)
	m.Data(2, []byte{0xff})
	m.Uint(3, 1<<40)
	m.Element(4, nil)
	m.Element(4, nil)
	for f, err := range wire.Fields(m.Bytes()) {
		if err != nil {
			t.Fatal(err)
		}
		var bad error
		switch {
		case f.Number == 1:
			if _, bad = f.Data(); bad != nil {
				_, bad = f.Bool()
			}
		case f.Number == 2:
			if _, bad = f.Uint(); bad != nil {
				if _, bad = f.Text(); bad != nil {
					_, bad = f.Time()
				}
			}
		case f.Number == 3:
			_, bad = f.Int32()
		case f.Again:
			_, bad = f.Data()
		default:
			continue
		}
		if bad == nil {
			t.Errorf("field %d was read as what it is not", f.Number)
		}
	}
}

func FuzzFields(f *testing.F) {
	f.Add([]byte{0x08, 0x01, 0x12, 0x02, 'h', 'i'})
	f.Add([]byte{0x0a, 0x0a, 0x08, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		// What is read can be written again, and gives the same bytes but for
		// numbers that are 0 and need not have been there.
		var m wire.Message
		defaults := false
		for f, err := range wire.Fields(b) {
			if err != nil {
				return
			}
			_, _ = f.Time()
			_, _ = f.Text()
			if v, err := f.Element(); err == nil {
				m.Element(f.Number, v)
				continue
			}
			f.Again = false
			if v, err := f.Uint(); err == nil {
				defaults = defaults || v == 0
				m.Uint(f.Number, v)
			} else if v, err := f.Fixed64(); err == nil {
				defaults = defaults || v == 0
				m.Fixed64(f.Number, v)
			} else {
				return // fixed32, which nothing here writes
			}
		}
		if !defaults && !bytes.Equal(m.Bytes(), b) {
			t.Fatalf("%x was written again as %x", b, m.Bytes())
		}
	})
}
