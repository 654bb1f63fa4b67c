package beacon

import (
	"bytes"
	"fmt"

	"hearth/chain/beacon/drand"
	"hearth/chain/beacon/rule"
)

// mark begins an injection. No transaction begins with it: a field with the
// number 0 is no protobuf.
const mark = "\x00hb\x01"

// maxInjection is the most bytes of an injection: 256 rounds and a reveal.
const maxInjection = 16 << 10

// IsInjection tells the beacon's part of a block from a transaction. It says
// nothing of whether it is good.
func IsInjection(tx []byte) bool { return bytes.HasPrefix(tx, []byte(mark)) }

// ReadInjection reads what a block brought, for who shows blocks. It says
// whether it is written as it must be, not whether it is true.
func ReadInjection(tx []byte) (Injection, error) {
	in, err := decode(tx)
	if err != nil {
		return Injection{}, err
	}
	return message(in), nil
}

// encode writes an injection as a block holds it.
func encode(in rule.Injection) ([]byte, error) {
	m := message(in)
	b, err := m.Marshal()
	return append([]byte(mark), b...), err
}

func message(in rule.Injection) Injection {
	m := Injection{First: in.First}
	for i := range in.Rounds {
		m.Signatures = append(m.Signatures, in.Rounds[i][:])
	}
	if in.Reveal != nil {
		m.Reveal = in.Reveal[:]
	}
	return m
}

// decode reads what a block holds. There is one encoding of an injection.
func decode(tx []byte) (rule.Injection, error) {
	var in rule.Injection
	if !IsInjection(tx) {
		return in, ErrInjection.Wrap("it does not begin as an injection does")
	}
	if len(tx) > maxInjection {
		return in, ErrInjection.Wrapf("%d bytes: want at most %d", len(tx), maxInjection)
	}
	var m Injection
	if err := m.Unmarshal(tx[len(mark):]); err != nil {
		return in, ErrInjection.Wrap(err.Error())
	}
	in.First = m.First
	for i, b := range m.Signatures {
		s, err := signature(b)
		if err != nil {
			return rule.Injection{}, ErrInjection.Wrapf("round %d of it: %s", i, err)
		}
		in.Rounds = append(in.Rounds, s)
	}
	if len(m.Reveal) > 0 {
		s, err := signature(m.Reveal)
		if err != nil {
			return rule.Injection{}, ErrInjection.Wrapf("its reveal: %s", err)
		}
		in.Reveal = &s
	}
	if again, err := encode(in); err != nil || !bytes.Equal(again, tx) {
		return rule.Injection{}, ErrInjection.Wrap("not written as this chain writes it")
	}
	return in, nil
}

func signature(b []byte) (s drand.Signature, err error) {
	if len(b) != len(s) {
		return s, fmt.Errorf("a signature of %d bytes: want %d", len(b), len(s))
	}
	copy(s[:], b)
	return s, nil
}
