package record

import (
	"fmt"

	"hearth/chain/wire"
	"hearth/infer/model"
)

// ModelKey is the key of a registered model in the store [Models].
func ModelKey(id model.Hash) []byte { return hashed(0x10, id) }

// ManifestKey is the key of a model's manifest in the store [Models].
func ManifestKey(id model.Hash) []byte { return hashed(0x11, id) }

// Model is a registered model.
type Model struct {
	ID      model.Hash
	Name    string
	Sources []string // of its weights
}

// mostSources bounds a list of addresses.
const mostSources = 64

// ReadModel reads a model.
func ReadModel(b []byte) (m Model, err error) {
	err = read("a model", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return hash(&m.ID, f)
		case 2:
			return text(&m.Name, f)
		case 4:
			return element(&m.Sources, f)
		}
		return nil
	})
	return m, err
}

func element(to *[]string, f wire.Field) error {
	b, err := f.Element()
	if err == nil && len(*to) >= mostSources {
		err = fmt.Errorf("field %d: more than %d addresses", f.Number, mostSources)
	}
	*to = append(*to, string(b))
	return err
}

// ProjectKey is the key of a project in the store [Commons].
func ProjectKey(id uint64) []byte { return numbered(0x10, id) }

// Project is work for everybody, as far as one has to know it to fetch its jobs.
type Project struct {
	ID      uint64
	Title   string
	Root    model.Hash // of the tree over its jobs
	Jobs    uint64
	Sources []string
}

// ReadProject reads a project.
func ReadProject(b []byte) (p Project, err error) {
	err = read("a project", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return number(&p.ID, f)
		case 3:
			return text(&p.Title, f)
		case 7:
			return hash(&p.Root, f)
		case 8:
			return number(&p.Jobs, f)
		case 9:
			return element(&p.Sources, f)
		}
		return nil
	})
	return p, err
}

// BeaconKey is the key of the value that claims of a height are mined with, in
// the store [Beacon].
func BeaconKey(height int64) []byte { return numbered(0x12, uint64(height)) }

// BeaconValue is what the claims of a block are mined with.
type BeaconValue struct {
	Height  int64
	Round   uint64     // that decides it, 0 while that is not settled
	Value   model.Hash // zero until it is known
	KnownAt int64
}

// ReadBeaconValue reads a value.
func ReadBeaconValue(b []byte) (v BeaconValue, err error) {
	err = read("a value of the beacon", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return height(&v.Height, f)
		case 2:
			return number(&v.Round, f)
		case 4:
			return hash(&v.Value, f)
		case 5:
			return height(&v.KnownAt, f)
		}
		return nil
	})
	return v, err
}

// EarnedKey is the key of what an owner has earned, in the store [Emission].
func EarnedKey(owner string) []byte { return named(0x15, owner) }

// Earned is what an owner has earned, ever, in uhth.
type Earned struct {
	Owner   string
	PaidOut uint64
	Vesting uint64 // earned, and paid later
	Lost    uint64
}

// ReadEarned reads what an owner has earned.
func ReadEarned(b []byte) (e Earned, err error) {
	err = read("what was earned", b, func(f wire.Field) error {
		switch f.Number {
		case 1:
			return text(&e.Owner, f)
		case 2:
			return number(&e.PaidOut, f)
		case 3:
			return number(&e.Vesting, f)
		case 4:
			return number(&e.Lost, f)
		}
		return nil
	})
	return e, err
}
