package entry

import (
	"fmt"

	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/admission"
)

// OpeningSize is the length of the opening of a tile that may be mined. An
// error says why the tile may not be.
func OpeningSize(m *work.Model, at model.Operation, tile int) (int, error) {
	x, err := m.Mined(at)
	if err != nil {
		return 0, err
	}
	size, err := work.OpeningSize(x.N, x.K, tile)
	if err != nil {
		return 0, err
	}
	if x.Refused(tile) {
		return 0, fmt.Errorf("tile %d of %v is refused already: nobody may mine it", tile, at)
	}
	return size, nil
}

// Challenge returns the test of admission that an opened tile fails, the first
// by name. A tile that passes all that it can fail by itself, and an opening
// that is none, is an error. It takes what hashing and testing the tile takes.
func Challenge(m *work.Model, at model.Operation, tile int, opening []byte) (admission.Test, error) {
	if _, err := OpeningSize(m, at, tile); err != nil {
		return "", err
	}
	x, err := m.Mined(at)
	if err != nil {
		return "", err
	}
	weights, err := work.CheckOpening(kernel.Go, x, tile, opening)
	if err != nil {
		return "", err
	}
	failed, err := admission.ExamineTile(at, weights, x.K)
	if err != nil {
		return "", err
	}
	if len(failed) == 0 {
		return "", fmt.Errorf("tile %d of %v passes every test that a tile alone can fail", tile, at)
	}
	return failed[0], nil
}
