package record

import (
	"encoding/binary"
	"fmt"

	"hearth/chain/wire"
	"hearth/infer/model"
)

// The stores that records are in.
const (
	Work     = "work"
	Models   = "model"
	Beacon   = "beacon"
	Commons  = "commons"
	Emission = "emission"
)

// read takes the fields of a message one by one. Those that take does not know
// it passes over.
func read(what string, b []byte, take func(f wire.Field) error) error {
	for f, err := range wire.Fields(b) {
		if err == nil {
			err = take(f)
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", what, err)
		}
	}
	return nil
}

// The setters read a field into a place of its type.

func number(to *uint64, f wire.Field) (err error) {
	*to, err = f.Uint()
	return err
}

func small(to *int, f wire.Field) error {
	n, err := f.Int32()
	*to = int(n)
	return err
}

func height(to *int64, f wire.Field) error {
	n, err := f.Int()
	if err == nil && n < 0 {
		err = fmt.Errorf("field %d: %d is no height", f.Number, n)
	}
	*to = n
	return err
}

func truth(to *bool, f wire.Field) (err error) {
	*to, err = f.Bool()
	return err
}

func text(to *string, f wire.Field) (err error) {
	*to, err = f.Text()
	return err
}

// hash reads 32 bytes, or none where a value is not known yet.
func hash[H ~[32]byte](to *H, f wire.Field) error {
	b, err := f.Data()
	if err == nil && len(b) != 32 {
		err = fmt.Errorf("field %d: a hash has %d bytes", f.Number, len(b))
	}
	if err == nil {
		*to = H(b)
	}
	return err
}

func enum[E ~int32](to *E, f wire.Field) error {
	n, err := f.Int32()
	*to = E(n)
	return err
}

// numbered is the key of what is kept by a number.
func numbered(prefix byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{prefix}, n)
}

func hashed(prefix byte, h model.Hash) []byte { return append([]byte{prefix}, h[:]...) }

func named(prefix byte, s string) []byte { return append([]byte{prefix}, s...) }
