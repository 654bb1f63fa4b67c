package safetensors

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Source is one tensor to write.
type Source struct {
	Name  string
	DType DType
	Shape []int
	// Data writes the tensor's bytes, little-endian and last dimension
	// fastest: exactly as many as type and shape say. It is called once, when
	// its turn comes.
	Data func(w io.Writer) error
}

// Bytes returns the data of a [Source] that is in memory.
func Bytes(b []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(b)
		return err
	}
}

// Write writes a file: the tensors by name, whatever their order in tensors,
// and the header padded with spaces to a multiple of 8 bytes. Nothing of a
// tensor is kept in memory. After an error what was written is of no use.
func Write(w io.Writer, tensors []Source, metadata map[string]string) error {
	if err := write(w, tensors, metadata); err != nil {
		return fmt.Errorf("write safetensors: %w", err)
	}
	return nil
}

func write(w io.Writer, tensors []Source, metadata map[string]string) error {
	sorted := slices.Clone(tensors)
	slices.SortFunc(sorted, func(a, b Source) int { return strings.Compare(a.Name, b.Name) })
	sizes, header, err := layout(sorted, metadata)
	if err != nil {
		return err
	}
	out := binary.LittleEndian.AppendUint64(make([]byte, 0, 8+len(header)), uint64(len(header)))
	if _, err := w.Write(append(out, header...)); err != nil {
		return err
	}
	for i, s := range sorted {
		exact := &exactly{w: w, left: sizes[i]}
		if err := s.Data(exact); err != nil {
			return fmt.Errorf("tensor %q: %w", s.Name, err)
		}
		if exact.left != 0 {
			return fmt.Errorf("tensor %q: its data are %d bytes short", s.Name, exact.left)
		}
	}
	return nil
}

// layout returns the bytes of each tensor and the padded header.
func layout(sorted []Source, metadata map[string]string) ([]int64, []byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(metadata) > 0 {
		b.WriteString(`"` + metadataKey + `":{`)
		for i, k := range slices.Sorted(maps.Keys(metadata)) {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := errors.Join(writeString(&b, k), b.WriteByte(':'), writeString(&b, metadata[k])); err != nil {
				return nil, nil, fmt.Errorf("metadata %q: %w", k, err)
			}
		}
		b.WriteByte('}')
	}
	sizes := make([]int64, len(sorted))
	at := int64(0)
	for i, s := range sorted {
		if len(s.Name) > maxKey {
			return nil, nil, fmt.Errorf("a tensor's name of %d bytes is over the limit of %d", len(s.Name), maxKey)
		}
		if s.Name == metadataKey || i > 0 && s.Name == sorted[i-1].Name {
			return nil, nil, fmt.Errorf("tensor %q: the name is taken", s.Name)
		}
		_, size, err := measure(s.DType, s.Shape)
		if err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", s.Name, err)
		}
		if at+size < at {
			return nil, nil, fmt.Errorf("tensor %q: the file would have more than 2^63 bytes", s.Name)
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		if err := writeString(&b, s.Name); err != nil {
			return nil, nil, fmt.Errorf("tensor %q: %w", s.Name, err)
		}
		fmt.Fprintf(&b, `:{"dtype":"%s","shape":[`, s.DType)
		for j, d := range s.Shape {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(strconv.Itoa(d))
		}
		fmt.Fprintf(&b, `],"data_offsets":[%d,%d]}`, at, at+size)
		at += size
		sizes[i] = size
	}
	b.WriteByte('}')
	for b.Len()%8 != 0 {
		b.WriteByte(' ')
	}
	if b.Len() > MaxHeader {
		return nil, nil, fmt.Errorf("a header of %d bytes is over the limit of %d", b.Len(), MaxHeader)
	}
	return sizes, b.Bytes(), nil
}

func writeString(b *bytes.Buffer, s string) error {
	if !utf8.ValidString(s) {
		return errors.New("it is not valid UTF-8")
	}
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the encoder ends a line
	return nil
}

// exactly passes on so many bytes and no more.
type exactly struct {
	w    io.Writer
	left int64
}

func (e *exactly) Write(p []byte) (int, error) {
	if int64(len(p)) > e.left {
		return 0, fmt.Errorf("its data are over the %d bytes that type and shape say", e.left)
	}
	n, err := e.w.Write(p)
	e.left -= int64(n)
	return n, err
}
