package importer

import (
	"errors"
	"fmt"
	"strings"

	"hearth/infer/token"
)

// A calibration is bounded in multiplications, and so in tokens.
const (
	calibrationWork = int64(60e9)
	minCalibration  = 128
	maxCalibration  = 2048
)

// passages turns lines of text into the passages of the calibration, until there
// are enough tokens of them. Their lengths differ: they are of one, one, two and
// four lines in turn.
func (p *plan) passages(tokenizerJSON []byte, lines []string) ([][]int32, error) {
	t, err := token.Parse(tokenizerJSON)
	if err != nil {
		return nil, err
	}
	if t.Size() > p.config.Vocab {
		return nil, fmt.Errorf("its tokenizer has %d tokens and its embeddings %d: they are not of one model", t.Size(), p.config.Vocab)
	}
	// Tables of embeddings are filled up to a round number, by a few of a hundred.
	if t.Size() < p.config.Vocab/4*3 {
		return nil, fmt.Errorf("its tokenizer has only %d tokens for %d embeddings: they are not of one model", t.Size(), p.config.Vocab)
	}
	left := int(min(max(calibrationWork/p.perToken(), minCalibration), maxCalibration))
	var passages [][]int32
	for i := 0; len(lines) > 0 && left > 0; i++ {
		n := min([...]int{1, 1, 2, 4}[i%4], len(lines))
		ids, err := t.Encode(strings.Join(lines[:n], " "), token.Options{AddSpecial: true})
		if err != nil {
			return nil, fmt.Errorf("line %d of the texts: %w", i+1, err)
		}
		lines = lines[n:]
		if ids = ids[:min(len(ids), p.config.Context, left)]; len(ids) > 0 {
			passages = append(passages, ids)
			left -= len(ids)
		}
	}
	if len(passages) == 0 {
		return nil, errors.New("there is no text to calibrate on")
	}
	return passages, nil
}
