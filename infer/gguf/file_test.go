package gguf_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/infer/gguf"
)

// builder makes files by hand, so that they can be wrong in any way.
type builder struct{ b []byte }

func (w *builder) u32(v ...uint32) *builder {
	for _, x := range v {
		w.b = binary.LittleEndian.AppendUint32(w.b, x)
	}
	return w
}

func (w *builder) u64(v ...uint64) *builder {
	for _, x := range v {
		w.b = binary.LittleEndian.AppendUint64(w.b, x)
	}
	return w
}

func (w *builder) text(s string) *builder {
	w.u64(uint64(len(s)))
	w.b = append(w.b, s...)
	return w
}

func (w *builder) raw(b ...byte) *builder {
	w.b = append(w.b, b...)
	return w
}

func (w *builder) tensor(name string, kind uint32, offset uint64, dims ...uint64) *builder {
	return w.text(name).u32(uint32(len(dims))).u64(dims...).u32(kind).u64(offset)
}

// data pads to the alignment of 32 and adds n bytes.
func (w *builder) data(n int) *builder {
	for len(w.b)%32 != 0 {
		w.raw(0)
	}
	return w.raw(make([]byte, n)...)
}

func begin(version uint32, tensors, metadata uint64) *builder {
	return (&builder{[]byte("GGUF")}).u32(version).u64(tensors, metadata)
}

func open(b []byte) (*gguf.File, error) { return gguf.Open(bytes.NewReader(b), int64(len(b))) }

func library(t testing.TB) []byte {
	b, err := os.ReadFile("testdata/library.gguf")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A file written by the gguf package of llama.cpp gives the metadata that went
// in and, bit for bit, the numbers that package's own dequantisation gives.
// testdata/golden.py made it.
func TestLibraryFile(t *testing.T) {
	f, err := open(library(t))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"general.architecture": "test", "general.alignment": uint32(64),
		"u8": uint8(255), "i8": int8(-128), "u16": uint16(65535), "i16": int16(-32768),
		"u32": uint32(math.MaxUint32), "i32": int32(math.MinInt32),
		"u64": uint64(math.MaxUint64), "i64": int64(math.MinInt64),
		"f32": float32(0.5), "f64": 1.0 / 3, "yes": true, "text": "zwölf",
		"texts": []string{"a", "", "ü"}, "numbers": []int32{1, -2, 3}, "scores": []float32{0.5, -1},
	}
	if d := cmp.Diff(want, f.Metadata()); d != "" {
		t.Errorf("metadata (-want +got):\n%s", d)
	}
	shapes := map[string][]int{
		"F32": {2, 5}, "F16": {2, 5}, "BF16": {2, 5},
		"Q8_0": {3, 1024}, "Q4_K": {3, 1024}, "Q5_K": {3, 1024}, "Q6_K": {3, 1024},
	}
	values, err := os.ReadFile("testdata/library.f32")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Names()) != len(shapes) {
		t.Errorf("names %q", f.Names())
	}
	for _, name := range f.Names() {
		x, _ := f.Tensor(name)
		if d := cmp.Diff(shapes[name], x.Shape); d != "" || x.Type.String() != name {
			t.Errorf("%s is %v %v", name, x.Type, x.Shape)
		}
		got := make([]float32, x.Len())
		if err := x.Floats(got, 0); err != nil {
			t.Fatal(err)
		}
		for i, g := range got {
			w := binary.LittleEndian.Uint32(values[4*i:])
			if math.Float32bits(g) != w {
				t.Fatalf("%s: element %d is %v, want %v", name, i, g, math.Float32frombits(w))
			}
		}
		values = values[4*len(got):]
	}
	if len(values) != 0 {
		t.Errorf("%d bytes of expected values are left", len(values))
	}
}

// Any stretch is that part of the whole, wherever blocks begin.
func TestStretches(t *testing.T) {
	f, err := open(library(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Q8_0", "Q4_K"} {
		x, _ := f.Tensor(name)
		whole := make([]float32, x.Len())
		if err := x.Floats(whole, 0); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ from, count int }{
			{0, 1}, {1, 1}, {255, 2}, {256, 256}, {31, 514}, {3071, 1}, {3072, 0}, {17, 0}, {1, 3071},
		} {
			got := make([]float32, c.count)
			if err := x.Floats(got, c.from); err != nil {
				t.Errorf("%s %v: %v", name, c, err)
			}
			if d := cmp.Diff(whole[c.from:c.from+c.count], got); c.count > 0 && d != "" {
				t.Errorf("%s %v (-want +got):\n%s", name, c, d)
			}
		}
		for _, c := range []struct{ from, count int }{{-1, 1}, {3072, 1}, {0, 3073}, {math.MaxInt, 1}} {
			if err := x.Floats(make([]float32, c.count), c.from); err == nil {
				t.Errorf("%s %v is outside the tensor and was read", name, c)
			}
		}
	}
}

// A tensor of many chunks is put together without a seam.
func TestLongTensor(t *testing.T) {
	const n = 40_000 * 32
	w := begin(3, 1, 0).tensor("x", 8, 0, 32, n/32).data(0)
	for i := range n / 32 {
		w.raw(0, 0x3c) // 1.0
		for j := range 32 {
			w.raw(byte(i + j))
		}
	}
	f, err := open(w.b)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := f.Tensor("x")
	got := make([]float32, n-5)
	if err := x.Floats(got, 5); err != nil {
		t.Fatal(err)
	}
	for i, g := range got {
		if want := float32(int8((i+5)/32 + (i+5)%32)); g != want {
			t.Fatalf("element %d is %v, want %v", i+5, g, want)
		}
	}
}

// A type that is known but not converted opens, and the error names it.
func TestTypeThatIsNotConverted(t *testing.T) {
	f, err := open(begin(2, 1, 0).tensor("x", 2, 0, 32).data(18).b)
	if err != nil {
		t.Fatal(err)
	}
	x, _ := f.Tensor("x")
	err = x.Floats(make([]float32, 1), 0)
	if err == nil || !strings.Contains(err.Error(), "Q4_0") {
		t.Errorf("%v; want an error that names Q4_0", err)
	}
}

type file struct {
	b    []byte
	want string
}

func hostile() map[string]file {
	nested := begin(3, 0, 1).text("k").u32(9)
	for range 10_000 {
		nested.u32(9).u64(1)
	}
	bad := map[string]file{
		"empty":              {nil, "past the end"},
		"another kind":       {[]byte("PK\x03\x04 and more"), "begins with"},
		"version 1":          {begin(1, 0, 0).b, "version 1"},
		"version 4":          {begin(4, 0, 0).b, "version 4"},
		"big-endian":         {begin(3<<24, 0, 0).b, "big-endian"},
		"cut in the counts":  {begin(3, 0, 0).b[:20], "past the end"},
		"2^64-1 tensors":     {begin(3, math.MaxUint64, 0).b, "number of tensors"},
		"2^64-1 metadata":    {begin(3, 0, math.MaxUint64).b, "number of metadata"},
		"2^63 characters":    {begin(3, 0, 1).u64(1 << 63).data(99).b, "past the end"},
		"empty key":          {begin(3, 0, 1).text("").u32(0).data(99).b, "name of 0 bytes"},
		"key not UTF-8":      {begin(3, 0, 1).text("\xff").u32(0).data(99).b, "UTF-8"},
		"long key":           {begin(3, 0, 1).text(strings.Repeat("k", 1<<16)).u32(0).data(99).b, "name of 65536 bytes"},
		"key twice":          {begin(3, 0, 2).text("k").u32(0).raw(1).text("k").u32(0).raw(1).b, "comes twice"},
		"type 13":            {begin(3, 0, 1).text("k").u32(13).data(9).b, "type 13"},
		"array of type 13":   {begin(3, 0, 1).text("k").u32(9, 13).u64(1).data(9).b, "type 13"},
		"truth value":        {begin(3, 0, 1).text("k").u32(7).raw(2).data(9).b, "truth value of 2"},
		"array of 2^60":      {begin(3, 0, 1).text("k").u32(9, 4).u64(1 << 60).data(99).b, "past the end"},
		"array of 2^62":      {begin(3, 0, 1).text("k").u32(9, 8).u64(1 << 62).data(99).b, "past the end"},
		"nested arrays":      {nested.b, "nested"},
		"alignment 0":        {begin(3, 0, 1).text("general.alignment").u32(4, 0).b, "power of two"},
		"alignment 48":       {begin(3, 0, 1).text("general.alignment").u32(4, 48).b, "power of two"},
		"alignment a string": {begin(3, 0, 1).text("general.alignment").u32(8).text("32").b, "power of two"},

		"long name":         {begin(3, 1, 0).tensor(strings.Repeat("n", 65), 0, 0, 1).data(4).b, "name of 65 bytes"},
		"name twice":        {begin(3, 2, 0).tensor("x", 0, 0, 1).tensor("x", 0, 32, 1).data(36).b, "comes twice"},
		"five dimensions":   {begin(3, 1, 0).tensor("x", 0, 0, 1, 1, 1, 1, 1).data(4).b, "5 dimensions"},
		"2^32-1 dimensions": {begin(3, 1, 0).text("x").u32(math.MaxUint32).data(99).b, "dimensions"},
		"dimension of 2^63": {begin(3, 1, 0).tensor("x", 0, 0, 1<<63).data(4).b, "too large"},
		"product overflows": {begin(3, 1, 0).tensor("x", 0, 0, 1<<32, 1<<32).data(4).b, "too large"},
		"type not known":    {begin(3, 1, 0).tensor("x", 4, 0, 32).data(18).b, "type 4"},
		"half a block":      {begin(3, 1, 0).tensor("x", 8, 0, 16, 2).data(34).b, "whole blocks"},
		"not there":         {begin(3, 1, 0).tensor("x", 0, 0, 100).b, "past the end"},
		"too short":         {begin(3, 1, 0).tensor("x", 0, 0, 100).data(399).b, "past the end"},
		"bytes left over":   {begin(3, 1, 0).tensor("x", 0, 0, 1).data(33).b, "belong to no tensor"},
		"gap at the front":  {begin(3, 1, 0).tensor("x", 0, 32, 1).data(64).b, "begins at byte 32"},
		"off the alignment": {begin(3, 2, 0).tensor("x", 0, 0, 1).tensor("y", 0, 4, 1).data(64).b, "begins at byte 4"},
		"overlap":           {begin(3, 2, 0).tensor("x", 0, 0, 16).tensor("y", 0, 32, 1).data(64).b, "begins at byte 32"},
		"same bytes":        {begin(3, 2, 0).tensor("x", 0, 0, 1).tensor("y", 0, 0, 1).data(64).b, "begins at byte 0"},
		"offset 2^64-32":    {begin(3, 1, 0).tensor("x", 0, math.MaxUint64-31, 1).data(64).b, "begins at byte"},
	}
	return bad
}

func TestHostileFiles(t *testing.T) {
	for name, c := range hostile() {
		if _, err := open(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
}

// However a good file is cut, it is refused or, in the padding, complete.
func TestNoSize(t *testing.T) {
	if _, err := gguf.Open(bytes.NewReader(begin(3, 0, 0).b), -1); err == nil {
		t.Error("a file of less than no bytes was opened")
	}
}

func TestCutFiles(t *testing.T) {
	b := library(t)
	for n := range b {
		f, err := open(b[:n])
		if err == nil && n < len(b)-64 {
			t.Fatalf("cut to %d of %d bytes it opens: %q", n, len(b), f.Names())
		}
	}
}

func TestStrangeButValid(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":            begin(3, 0, 0).b,
		"version 2":          begin(2, 1, 0).tensor("x", 0, 0, 1).data(4).b,
		"padding at the end": begin(3, 1, 0).tensor("x", 0, 0, 1).data(32).b,
		"a scalar":           begin(3, 1, 0).tensor("x", 0, 0).data(4).b,
		"an empty tensor":    begin(3, 2, 0).tensor("x", 0, 0, 0).tensor("y", 0, 0, 1).data(4).b,
		"another order":      begin(3, 2, 0).tensor("y", 0, 32, 1).tensor("x", 0, 0, 1).data(36).b,
		"arrays in arrays":   begin(3, 0, 1).text("k").u32(9, 9).u64(1).u32(0).u64(2).raw(1, 2).b,
	} {
		if _, err := open(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that is shorter than its size says gives an error when read.
func TestFileCutAfterOpening(t *testing.T) {
	b := begin(3, 1, 0).tensor("x", 0, 0, 64_000).data(256_000).b
	f, err := gguf.Open(bytes.NewReader(b[:200_000]), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	x, _ := f.Tensor("x")
	err = x.Floats(make([]float32, x.Len()), 0)
	if err == nil || !strings.Contains(err.Error(), "sooner than it said") {
		t.Errorf("%v; want that the file ends too soon", err)
	}
}

// FuzzOpen: what opens can be read to the last element.
func FuzzOpen(f *testing.F) {
	for _, c := range hostile() {
		f.Add(c.b)
	}
	f.Add(library(f))
	f.Add(begin(3, 0, 1).text("k").u32(9, 9).u64(1).u32(0).u64(2).raw(1, 2).b)
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := open(in)
		if err != nil {
			return
		}
		for _, name := range file.Names() {
			x, _ := file.Tensor(name)
			switch x.Type {
			case gguf.F32, gguf.F16, gguf.BF16, gguf.Q80, gguf.Q4K, gguf.Q5K, gguf.Q6K:
				if err := x.Floats(make([]float32, x.Len()), 0); err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}
