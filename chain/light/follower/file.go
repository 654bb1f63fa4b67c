package follower

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"hearth/chain/light"
	"hearth/chain/wire"
	"hearth/internal/durable"
)

// kept is how many trusted blocks the file keeps, the newest of them.
const kept = 8

// trust is what the file holds.
type trust struct {
	chain string
	// blocks are trusted, in ascending order.
	blocks []light.Block
	// fork is set once the chain was seen to have two histories.
	fork *light.Fork
}

func (t trust) forked() bool { return t.fork != nil }

func (t trust) newest() light.Block { return t.blocks[len(t.blocks)-1] }

// with is the trust with one block more.
func (t trust) with(b light.Block) trust {
	t.blocks = append(t.blocks[max(0, len(t.blocks)-kept+1):len(t.blocks):len(t.blocks)], b)
	return t
}

// The file is a line that says what it is, the SHA-256 of the rest, and a
// message: chain (1), blocks (2, repeated), and for a fork the common block and
// the two that contradict each other (3, 4, 5).
const title = "hearth chain trust 1\n"

// largest is more than any file has: 8 blocks of the most validators that are
// read, and a fork.
const largest = 8 << 20

func (t trust) encode() []byte {
	var m wire.Message
	m.Text(1, t.chain)
	for _, b := range t.blocks {
		m.Element(2, b.Encode())
	}
	if t.fork != nil {
		m.Element(3, t.fork.Common.Encode())
		m.Element(4, t.fork.Ours.Encode())
		m.Element(5, t.fork.Theirs.Encode())
	}
	sum := sha256.Sum256(m.Bytes())
	return append(append([]byte(title), sum[:]...), m.Bytes()...)
}

func decodeTrust(b []byte) (trust, error) {
	rest, ok := bytes.CutPrefix(b, []byte(title))
	if !ok || len(rest) < sha256.Size {
		return trust{}, errors.New("it is not a file of trusted blocks of this version")
	}
	body := rest[sha256.Size:]
	if sum := sha256.Sum256(body); !bytes.Equal(sum[:], rest[:sha256.Size]) {
		return trust{}, errors.New("it is damaged: the checksum does not fit")
	}
	var t trust
	var fork light.Fork
	parts := 0
	for f, err := range wire.Fields(body) {
		if err != nil {
			return trust{}, err
		}
		if f.Number == 1 {
			if t.chain, err = f.Text(); err != nil {
				return trust{}, err
			}
			continue
		}
		data, err := f.Element()
		if err != nil {
			return trust{}, err
		}
		block, err := light.DecodeBlock(data)
		if err != nil {
			return trust{}, err
		}
		switch {
		case f.Number == 2 && len(t.blocks) < kept:
			if len(t.blocks) > 0 && t.newest().Header.Height >= block.Header.Height {
				return trust{}, errors.New("its blocks are out of order")
			}
			t.blocks = append(t.blocks, block)
		case f.Number >= 3 && f.Number <= 5 && !f.Again:
			*[]*light.Block{&fork.Common, &fork.Ours, &fork.Theirs}[f.Number-3] = block
			parts++
		default:
			return trust{}, fmt.Errorf("it has a field %d too many", f.Number)
		}
		if block.Header.Chain != t.chain {
			return trust{}, fmt.Errorf("it has a block of the chain %q", block.Header.Chain)
		}
	}
	switch {
	case len(t.blocks) == 0:
		return trust{}, errors.New("it has no block")
	case parts == 3:
		t.fork = &fork
	case parts != 0:
		return trust{}, errors.New("it has a part of a fork")
	}
	return t, nil
}

// load reads the file; found is false where there is none.
func load(name string) (t trust, found bool, err error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return trust{}, false, nil
	}
	if err == nil && info.Size() > largest {
		err = fmt.Errorf("it has %d bytes", info.Size())
	}
	var b []byte
	if err == nil {
		b, err = os.ReadFile(name)
	}
	if err == nil {
		t, err = decodeTrust(b)
	}
	if err != nil {
		return trust{}, false, fmt.Errorf("read the trusted blocks in %s: %w; move the file away and start again from a block that you trust", name, err)
	}
	return t, true, nil
}

func (t trust) save(name string) error {
	if err := durable.Replace(name, t.encode(), 0o600); err != nil {
		return fmt.Errorf("keep the trusted blocks in %s: %w", name, err)
	}
	return nil
}
