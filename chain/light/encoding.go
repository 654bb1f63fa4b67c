package light

import (
	"errors"
	"fmt"

	"hearth/chain/wire"
)

// Encode writes the block in its one encoding: a message of the header and the
// commit as CometBFT encodes them (1 and 2) and of the validators as it hashes
// them (3, repeated).
func (b Block) Encode() []byte {
	var m wire.Message
	m.Sub(1, b.Header.message())
	m.Sub(2, b.Commit.message())
	for _, v := range b.Validators {
		m.Sub(3, v.message())
	}
	return m.Bytes()
}

func (h Header) message() wire.Message {
	var version, m wire.Message
	version.Uint(1, h.BlockVersion)
	version.Uint(2, h.AppVersion)
	m.Sub(1, version)
	m.Text(2, h.Chain)
	m.Int(3, h.Height)
	m.Time(4, h.Time)
	m.Sub(5, h.Last.message())
	for i, b := range [][]byte{
		h.LastCommitHash, h.DataHash, h.ValidatorsHash, h.NextValidatorsHash, h.ConsensusHash,
		h.AppHash, h.LastResultsHash, h.EvidenceHash, h.Proposer,
	} {
		m.Data(6+i, b)
	}
	return m
}

func (c Commit) message() wire.Message {
	var m wire.Message
	m.Int(1, c.Height)
	m.Int(2, int64(c.Round))
	m.Sub(3, c.Block.message())
	for _, s := range c.Signatures {
		var one wire.Message
		one.Uint(1, uint64(s.Vote))
		one.Data(2, s.Validator)
		one.Time(3, s.Time)
		one.Data(4, s.Signature)
		m.Sub(4, one)
	}
	return m
}

// errField is for fields that a message does not have.
func errField(f wire.Field) error { return fmt.Errorf("there is no field %d", f.Number) }

// each reads a message with a function for its fields.
func each(message []byte, field func(wire.Field) error) error {
	for f, err := range wire.Fields(message) {
		if err != nil {
			return err
		}
		if err := field(f); err != nil {
			return fmt.Errorf("field %d: %w", f.Number, err)
		}
	}
	return nil
}

// sub reads a field that is a message.
func sub(f wire.Field, field func(wire.Field) error) error {
	b, err := f.Data()
	if err != nil {
		return err
	}
	return each(b, field)
}

// DecodeBlock reads what Encode wrote. The block is well-formed; whether it is
// to be trusted is another question. It keeps no part of the input.
func DecodeBlock(b []byte) (Block, error) {
	var out Block
	b = append([]byte(nil), b...)
	err := each(b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return sub(f, out.Header.field)
		case 2:
			return sub(f, out.Commit.field)
		case 3:
			if len(out.Validators) == MaxValidators {
				return fmt.Errorf("more than %d validators", MaxValidators)
			}
			data, err := f.Element()
			if err != nil {
				return err
			}
			var v Validator
			out.Validators = append(out.Validators, v)
			return each(data, out.Validators[len(out.Validators)-1].field)
		}
		return errField(f)
	})
	if err == nil {
		err = out.check(out.Header.Chain)
	}
	if err != nil {
		return Block{}, fmt.Errorf("read block: %w", err)
	}
	return out, nil
}

func (h *Header) field(f wire.Field) (err error) {
	switch f.Number {
	case 1:
		return sub(f, func(f wire.Field) (err error) {
			switch f.Number {
			case 1:
				h.BlockVersion, err = f.Uint()
			case 2:
				h.AppVersion, err = f.Uint()
			default:
				err = errField(f)
			}
			return err
		})
	case 2:
		h.Chain, err = f.Text()
	case 3:
		h.Height, err = f.Int()
	case 4:
		h.Time, err = f.Time()
	case 5:
		return sub(f, h.Last.field)
	default:
		hashes := [...]*[]byte{
			&h.LastCommitHash, &h.DataHash, &h.ValidatorsHash, &h.NextValidatorsHash, &h.ConsensusHash,
			&h.AppHash, &h.LastResultsHash, &h.EvidenceHash, &h.Proposer,
		}
		if f.Number-6 >= len(hashes) {
			return errField(f)
		}
		*hashes[f.Number-6], err = f.Data()
	}
	return err
}

func (id *BlockID) field(f wire.Field) (err error) {
	switch f.Number {
	case 1:
		id.Hash, err = f.Data()
	case 2:
		return sub(f, func(f wire.Field) (err error) {
			switch f.Number {
			case 1:
				var n uint64
				if n, err = f.Uint(); n > 1<<32-1 {
					return errors.New("more parts than 32 bits can count")
				}
				id.Parts = uint32(n)
			case 2:
				id.PartsHash, err = f.Data()
			default:
				err = errField(f)
			}
			return err
		})
	default:
		err = errField(f)
	}
	return err
}

func (c *Commit) field(f wire.Field) (err error) {
	switch f.Number {
	case 1:
		c.Height, err = f.Int()
	case 2:
		c.Round, err = f.Int32()
	case 3:
		return sub(f, c.Block.field)
	case 4:
		if len(c.Signatures) == MaxValidators {
			return fmt.Errorf("more than %d signatures", MaxValidators)
		}
		data, err := f.Element()
		if err != nil {
			return err
		}
		var s CommitSignature
		if err := each(data, s.field); err != nil {
			return err
		}
		c.Signatures = append(c.Signatures, s)
	default:
		err = errField(f)
	}
	return err
}

func (s *CommitSignature) field(f wire.Field) (err error) {
	switch f.Number {
	case 1:
		var n uint64
		if n, err = f.Uint(); n > uint64(ForNil) {
			return fmt.Errorf("%d is no vote", n)
		}
		s.Vote = Vote(n)
	case 2:
		s.Validator, err = f.Data()
	case 3:
		s.Time, err = f.Time()
	case 4:
		s.Signature, err = f.Data()
	default:
		err = errField(f)
	}
	return err
}

func (v *Validator) field(f wire.Field) (err error) {
	switch f.Number {
	case 1:
		return sub(f, func(f wire.Field) error {
			if f.Number != 1 {
				return errors.New("the key is not ed25519")
			}
			b, err := f.Data()
			if err == nil && len(b) != len(v.Key) {
				err = fmt.Errorf("the key has %d bytes", len(b))
			}
			copy(v.Key[:], b)
			return err
		})
	case 2:
		v.Power, err = f.Int()
	default:
		err = errField(f)
	}
	return err
}
