package model

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/zeebo/blake3"

	"hearth/infer/safetensors"
)

const (
	manifestKey  = "hearth"         // of the metadata
	tokenizerKey = "tokenizer.json" // the name of a tensor
)

// Write writes a model file. The manifest must be that of the model and the
// tokenizer; equal arguments give equal files.
func Write(w io.Writer, m *Model, f *Manifest, tokenizerJSON []byte) error {
	if err := write(w, m, f, tokenizerJSON); err != nil {
		return fmt.Errorf("write a model file: %w", err)
	}
	return nil
}

func write(w io.Writer, m *Model, f *Manifest, tokenizerJSON []byte) error {
	actual, err := NewManifest(m, tokenizerJSON)
	if err != nil {
		return err
	}
	want, err := actual.ID()
	if err != nil {
		return err
	}
	if got, err := f.ID(); err != nil {
		return err
	} else if got != want {
		return errors.New("the manifest is not that of the model and the tokenizer")
	}
	manifest, err := f.Encode()
	if err != nil {
		return err
	}
	if _, err := ParseManifest(manifest); err != nil {
		return err
	}
	tensors := []safetensors.Source{{
		Name: tokenizerKey, DType: safetensors.U8, Shape: []int{len(tokenizerJSON)}, Data: safetensors.Bytes(tokenizerJSON),
	}}
	for _, p := range m.parts() {
		if p.absent() {
			continue
		}
		tensors = append(tensors, safetensors.Source{
			Name: p.name, DType: p.dtype(), Shape: p.shape,
			Data: func(w io.Writer) error {
				return p.write(func(b []byte) error { _, err := w.Write(b); return err })
			},
		})
	}
	return safetensors.Write(w, tensors, map[string]string{manifestKey: string(manifest)})
}

// ReadManifest reads the manifest of a model file and nothing else: neither
// weights nor tokenizer are held to it.
func ReadManifest(r io.ReaderAt, size int64) (*Manifest, error) {
	f, _, err := open(r, size)
	if err != nil {
		return nil, fmt.Errorf("read a model file: %w", err)
	}
	return f, nil
}

// Read reads a model file of size bytes and holds everything in it to its
// manifest. It allocates a few times what the file has bytes, at most, and
// keeps no reference to r. An error of r comes back.
func Read(r io.ReaderAt, size int64) (m *Model, f *Manifest, tokenizerJSON []byte, err error) {
	m, f, tokenizerJSON, err = read(r, size)
	if err != nil {
		return nil, nil, nil, fmt.Errorf("read a model file: %w", err)
	}
	return m, f, tokenizerJSON, nil
}

func open(r io.ReaderAt, size int64) (*Manifest, *safetensors.File, error) {
	file, err := safetensors.Open(r, size)
	if err != nil {
		return nil, nil, err
	}
	text, ok := file.Metadata()[manifestKey]
	if !ok {
		return nil, nil, errors.New("it has no manifest: it is not a model file of Hearth's: import it first")
	}
	f, err := ParseManifest([]byte(text))
	if err != nil {
		return nil, nil, err
	}
	return f, file, nil
}

func read(r io.ReaderAt, size int64) (*Model, *Manifest, []byte, error) {
	f, file, err := open(r, size)
	if err != nil {
		return nil, nil, nil, err
	}
	// The skeleton costs a few hundred bytes a matrix, and the file has to
	// name as many before it is built.
	if len(file.Names()) < len(f.Weights) {
		return nil, nil, nil, fmt.Errorf("it has %d tensors, and the manifest lists %d matrices", len(file.Names()), len(f.Weights))
	}
	m := f.Config.skeleton()
	parts := m.parts()
	if err := checkTensors(file, parts); err != nil {
		return nil, nil, nil, err
	}
	tokenizerJSON, err := readTokenizer(file, f)
	if err != nil {
		return nil, nil, nil, err
	}
	weights := f.Weights
	for _, p := range parts {
		t, ok := file.Tensor(p.name)
		if !ok {
			continue // optional
		}
		if err := p.read(t); err != nil {
			return nil, nil, nil, err
		}
		if w, ok := p.matrix(); ok {
			if blake3.Sum256(bytesOf(*p.int8s)) != weights[0].Root {
				return nil, nil, nil, fmt.Errorf("the weights of %s are not those of the manifest: the file is damaged: fetch it again", w.Name)
			}
			weights = weights[1:]
		}
	}
	if hashData(parts) != f.Data {
		return nil, nil, nil, errors.New("its scales and tables are not those of the manifest: the file is damaged: fetch it again")
	}
	if f.Config.Tied {
		exp := m.Head.ChannelExp
		m.Head.Tie(m.Embedding, f.Config.ResidualBits)
		if m.Head.ChannelExp != exp {
			return nil, nil, nil, errors.New("the exponent of the head is not that of the embedding it is tied to")
		}
	}
	m.H0 = f.H0
	m.Natural = shuffle(f.Config.Width, f.H0, "residual")
	if err := m.Validate(); err != nil {
		return nil, nil, nil, err
	}
	return m, f, tokenizerJSON, nil
}

// checkTensors holds the names, types and shapes of a file to those of the
// model, before anything is allocated for them.
func checkTensors(file *safetensors.File, parts []part) error {
	known := map[string]bool{tokenizerKey: true}
	for _, p := range parts {
		known[p.name] = true
		t, ok := file.Tensor(p.name)
		if !ok {
			if p.optional {
				continue
			}
			return fmt.Errorf("it lacks the tensor %q", p.name)
		}
		if t.DType != p.dtype() || !slices.Equal(t.Shape, p.shape) {
			return fmt.Errorf("the tensor %q is %s %v: it must be %s %v", p.name, t.DType, t.Shape, p.dtype(), p.shape)
		}
	}
	for _, name := range file.Names() {
		if !known[name] {
			return fmt.Errorf("it has a tensor %q, which is no part of the model", name)
		}
	}
	return nil
}

func readTokenizer(file *safetensors.File, f *Manifest) ([]byte, error) {
	t, ok := file.Tensor(tokenizerKey)
	if !ok {
		return nil, errors.New("it has no tokenizer")
	}
	if t.DType != safetensors.U8 || len(t.Shape) != 1 {
		return nil, fmt.Errorf("its tokenizer is %s %v: it must be bytes", t.DType, t.Shape)
	}
	b := make([]byte, t.Size())
	if err := readFull(t, b, 0); err != nil {
		return nil, err
	}
	if blake3.Sum256(b) != f.Tokenizer {
		return nil, errors.New("its tokenizer does not belong to this model: the manifest names another")
	}
	return b, nil
}

// read fills the part from a tensor of its type and shape.
func (p part) read(t safetensors.Tensor) error {
	n := p.count()
	if p.int8s != nil {
		*p.int8s = make([]int8, n)
		return readFull(t, bytesOf(*p.int8s), 0)
	}
	size := 4
	if p.int16s != nil {
		size = 2
		*p.int16s = make([]int16, n)
	} else {
		*p.int32s = make([]int32, n)
	}
	buf := make([]byte, min(n*size, stretch))
	for at := 0; at < n; {
		count := min(n-at, stretch/size)
		b := buf[:count*size]
		if err := readFull(t, b, int64(at*size)); err != nil {
			return err
		}
		for i := range count {
			if p.int16s != nil {
				(*p.int16s)[at+i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
			} else {
				(*p.int32s)[at+i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
			}
		}
		at += count
	}
	if p.numbers != nil {
		return p.numbers(*p.int32s)
	}
	return nil
}

func readFull(t safetensors.Tensor, b []byte, at int64) error {
	n, err := t.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = errors.New("the file is truncated: fetch it again")
	}
	return fmt.Errorf("tensor %q: %w", t.Name, err)
}
