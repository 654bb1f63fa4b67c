package safetensors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// Bounds of what a header says, far over what models in use have: without them
// it could say it again in an error, or in a shape, at many times its size.
const (
	maxKey  = 1 << 12 // bytes of a name or a key
	maxDims = 32
)

// metadataKey is the one key of the header that is not a tensor.
const metadataKey = "__metadata__"

// info is what the header says of one tensor.
type info struct {
	name       string
	dtype      DType
	shape      []int
	len        int   // elements
	begin, end int64 // bytes, from the end of the header
}

// parseHeader reads the JSON header. It is read token by token because
// encoding/json takes repeated keys, and keys in any case, when it fills a
// struct or a map.
func parseHeader(b []byte) (infos []info, metadata map[string]string, err error) {
	d, err := newReader(b)
	if err != nil {
		return nil, nil, err
	}
	metadata = map[string]string{}
	seen := map[string]bool{}
	err = d.object(func(name string) error {
		if seen[name] {
			return fmt.Errorf("%q comes twice", name)
		}
		seen[name] = true
		if name == metadataKey {
			return d.strings(metadata)
		}
		in, err := d.info()
		if err != nil {
			return fmt.Errorf("tensor %q: %w", name, err)
		}
		in.name = name
		infos = append(infos, in)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return infos, metadata, d.end()
}

// reader takes JSON apart strictly.
type reader struct{ dec *json.Decoder }

func newReader(b []byte) (*reader, error) {
	if !utf8.Valid(b) {
		return nil, errors.New("it is not valid UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return &reader{d}, nil
}

func (r *reader) token() (json.Token, error) {
	t, err := r.dec.Token()
	if err == io.EOF {
		return nil, io.ErrUnexpectedEOF
	}
	return t, err
}

func (r *reader) delim(want json.Delim) error {
	t, err := r.token()
	if err != nil {
		return err
	}
	if t != want {
		return fmt.Errorf("%s stands where %s belongs", quote(t), want)
	}
	return nil
}

func (r *reader) string() (string, error) {
	t, err := r.token()
	if err != nil {
		return "", err
	}
	s, ok := t.(string)
	if !ok {
		return "", fmt.Errorf("%s stands where a string belongs", quote(t))
	}
	return s, nil
}

// number reads a whole number from 0 to the largest int64.
func (r *reader) number() (int64, error) {
	t, err := r.token()
	if err != nil {
		return 0, err
	}
	n, ok := t.(json.Number)
	if !ok {
		return 0, fmt.Errorf("%s stands where a number belongs", quote(t))
	}
	u, err := strconv.ParseUint(n.String(), 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%s is not a whole number from 0 to 2^63-1", quote(t))
	}
	return int64(u), nil
}

// object reads an object; value must read the value of the key it is given.
func (r *reader) object(value func(key string) error) error {
	if err := r.delim('{'); err != nil {
		return err
	}
	for r.dec.More() {
		k, err := r.string()
		if err != nil {
			return err
		}
		if len(k) > maxKey {
			return fmt.Errorf("the name %s has %d bytes, over the limit of %d", quote(k), len(k), maxKey)
		}
		if err := value(k); err != nil {
			return err
		}
	}
	return r.delim('}')
}

// numbers reads a list of whole numbers.
func (r *reader) numbers() ([]int64, error) {
	if err := r.delim('['); err != nil {
		return nil, err
	}
	var all []int64
	for r.dec.More() {
		n, err := r.number()
		if err != nil {
			return nil, err
		}
		if all = append(all, n); len(all) > maxDims {
			return nil, fmt.Errorf("a list of more than %d numbers", maxDims)
		}
	}
	return all, r.delim(']')
}

// strings reads an object of strings into m.
func (r *reader) strings(m map[string]string) error {
	return r.object(func(k string) error {
		if _, ok := m[k]; ok {
			return fmt.Errorf("%q comes twice", k)
		}
		v, err := r.string()
		if err != nil {
			return fmt.Errorf("%q: %w", k, err)
		}
		m[k] = v
		return nil
	})
}

// end reports what follows the outermost value, if anything does.
func (r *reader) end() error {
	if _, err := r.dec.Token(); err != io.EOF {
		return errors.New("bytes after the object")
	}
	return nil
}

func (r *reader) info() (info, error) {
	var in info
	var dims, offsets []int64
	seen := map[string]bool{}
	err := r.object(func(key string) (err error) {
		if seen[key] {
			return fmt.Errorf("%q comes twice", key)
		}
		seen[key] = true
		switch key {
		case "dtype":
			var s string
			s, err = r.string()
			in.dtype = DType(s)
			if err == nil && in.dtype.bits() == 0 {
				err = fmt.Errorf("type %s is not known", quote(s))
			}
		case "shape":
			dims, err = r.numbers()
		case "data_offsets":
			offsets, err = r.numbers()
		default:
			err = fmt.Errorf("a tensor has no %q", key)
		}
		return err
	})
	if err != nil {
		return in, err
	}
	if len(seen) != 3 {
		return in, errors.New("it lacks one of dtype, shape and data_offsets")
	}
	if len(offsets) != 2 || offsets[0] > offsets[1] {
		return in, fmt.Errorf("data_offsets %v are not a begin and an end", offsets)
	}
	in.begin, in.end = offsets[0], offsets[1]
	if in.shape, err = shape(dims); err != nil {
		return in, err
	}
	elements, size, err := measure(in.dtype, in.shape)
	if err != nil {
		return in, err
	}
	if size != in.end-in.begin {
		return in, fmt.Errorf("%v of %s take %d bytes, and data_offsets give %d", in.shape, in.dtype, size, in.end-in.begin)
	}
	in.len = elements
	return in, nil
}

func shape(dims []int64) ([]int, error) {
	s := make([]int, len(dims))
	for i, d := range dims {
		if d > math.MaxInt {
			return nil, fmt.Errorf("shape %v is too large for this computer", dims)
		}
		s[i] = int(d)
	}
	return s, nil
}

// measure returns the elements and bytes of a tensor.
func measure(d DType, shape []int) (elements int, size int64, err error) {
	width := d.bits()
	if width == 0 {
		return 0, 0, fmt.Errorf("type %q is not known", d)
	}
	if len(shape) > maxDims {
		return 0, 0, fmt.Errorf("%d dimensions are over the limit of %d", len(shape), maxDims)
	}
	n := uint64(1)
	for _, dim := range shape {
		if dim < 0 {
			return 0, 0, fmt.Errorf("shape %v is negative", shape)
		}
		hi, lo := bits.Mul64(n, uint64(dim))
		if hi != 0 || lo > math.MaxInt64/64 {
			return 0, 0, fmt.Errorf("shape %v is too large", shape)
		}
		n = lo
	}
	if n > math.MaxInt {
		return 0, 0, fmt.Errorf("shape %v is too large for this computer", shape)
	}
	all := n * uint64(width)
	if all%8 != 0 {
		return 0, 0, fmt.Errorf("%v of %s do not fill whole bytes", shape, d)
	}
	return int(n), int64(all / 8), nil
}

// quote shows a token in an error, never at length.
func quote(t json.Token) string {
	s := fmt.Sprint(t)
	if len(s) > 40 {
		s = s[:40] + "..."
	}
	return strconv.Quote(s)
}
