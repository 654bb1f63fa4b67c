package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/infer/safetensors"
)

// file makes a file of the given header and data.
func file(header string, data ...byte) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), data...)
}

func open(b []byte) (*safetensors.File, error) {
	return safetensors.Open(bytes.NewReader(b), int64(len(b)))
}

func mustOpen(t *testing.T, b []byte) *safetensors.File {
	t.Helper()
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func tensor(t *testing.T, f *safetensors.File, name string) safetensors.Tensor {
	t.Helper()
	x, ok := f.Tensor(name)
	if !ok {
		t.Fatalf("no tensor %q among %q", name, f.Names())
	}
	return x
}

// A file that the format's own library wrote is read as that library reads it.
// testdata/golden.py made it.
func TestLibraryFile(t *testing.T) {
	b, err := os.ReadFile("testdata/library.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	f := mustOpen(t, b)
	if d := cmp.Diff(map[string]string{"format": "np", "of": "golden.py"}, f.Metadata()); d != "" {
		t.Errorf("metadata (-want +got):\n%s", d)
	}
	j, err := os.ReadFile("testdata/library.json")
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		Shape  map[string][]int
		Values map[string][]any
	}
	dec := json.NewDecoder(bytes.NewReader(j))
	dec.UseNumber()
	if err := dec.Decode(&want); err != nil {
		t.Fatal(err)
	}
	if len(f.Names()) != len(want.Shape) || !slices.IsSorted(f.Names()) {
		t.Errorf("names %q, want the %d of %v, sorted", f.Names(), len(want.Shape), want.Shape)
	}
	for name, shape := range want.Shape {
		if d := cmp.Diff(shape, tensor(t, f, name).Shape); d != "" {
			t.Errorf("shape of %s (-want +got):\n%s", name, d)
		}
	}
	for name, values := range want.Values {
		x := tensor(t, f, name)
		if x.Len() != len(values) {
			t.Fatalf("%s has %d elements, want %d", name, x.Len(), len(values))
		}
		var got []any
		if x.DType[0] == 'F' || x.DType == safetensors.BF16 {
			got = floats(t, x)
			for i, v := range values {
				w, err := strconv.ParseFloat(v.(string), 32)
				if err != nil {
					t.Fatal(err)
				}
				values[i] = math.Float32bits(float32(w))
			}
		} else {
			all := make([]int64, x.Len())
			if err := x.Ints(all, 0); err != nil {
				t.Fatal(err)
			}
			for i, v := range all {
				got = append(got, v)
				switch w := values[i].(type) {
				case json.Number:
					values[i], err = w.Int64()
				case bool:
					values[i] = map[bool]int64{true: 1}[w]
				}
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if d := cmp.Diff(values, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

func floats(t *testing.T, x safetensors.Tensor) (bits []any) {
	t.Helper()
	all := make([]float32, x.Len())
	if err := x.Floats(all, 0); err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		bits = append(bits, math.Float32bits(v))
	}
	return bits
}

// Every binary16 and every bfloat16 number is what its definition says.
func TestHalvesAreExact(t *testing.T) {
	var data []byte
	for i := range 1 << 16 {
		data = binary.LittleEndian.AppendUint16(data, uint16(i))
	}
	for _, c := range []struct {
		dtype              string
		exponent, fraction uint
	}{{"F16", 5, 10}, {"BF16", 8, 7}} {
		b := file(fmt.Sprintf(`{"x":{"dtype":%q,"shape":[65536],"data_offsets":[0,131072]}}`, c.dtype), data...)
		got := make([]float32, 1<<16)
		if err := tensor(t, mustOpen(t, b), "x").Floats(got, 0); err != nil {
			t.Fatal(err)
		}
		bias := 1<<(c.exponent-1) - 1
		for i, g := range got {
			e := i >> c.fraction & (1<<c.exponent - 1)
			f := float64(i & (1<<c.fraction - 1))
			var want float64
			switch {
			case e == 1<<c.exponent-1 && f == 0:
				want = math.Inf(1)
			case e == 1<<c.exponent-1:
				want = math.NaN()
			case e == 0:
				want = math.Ldexp(f, 1-bias-int(c.fraction))
			default:
				want = math.Ldexp(f+float64(int(1)<<c.fraction), e-bias-int(c.fraction))
			}
			if i>>15 == 1 {
				want = -want
			}
			same := float64(g) == want && math.Signbit(float64(g)) == math.Signbit(want)
			if !same && (!math.IsNaN(want) || !math.IsNaN(float64(g))) {
				t.Fatalf("%s %#04x = %v, want %v", c.dtype, i, g, want)
			}
		}
	}
}

// A stretch of a tensor is the same as that part of the whole, also where it
// spans several reads; bytes are read as an [io.ReaderAt] reads them.
func TestStretches(t *testing.T) {
	const n = 50_000
	var data []byte
	for i := range n {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(i)))
	}
	var b bytes.Buffer
	err := safetensors.Write(&b, []safetensors.Source{
		{Name: "a", DType: safetensors.I8, Shape: []int{3}, Data: safetensors.Bytes([]byte{1, 2, 3})},
		{Name: "x", DType: safetensors.F32, Shape: []int{n}, Data: safetensors.Bytes(data)},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	x := tensor(t, mustOpen(t, b.Bytes()), "x")
	for _, c := range []struct{ from, count int }{{0, n}, {1, n - 1}, {17, 3}, {n, 0}, {n - 1, 1}, {0, 0}} {
		got := make([]float32, c.count)
		if err := x.Floats(got, c.from); err != nil {
			t.Errorf("%v: %v", c, err)
		}
		for i, g := range got {
			if g != float32(c.from+i) {
				t.Fatalf("%v: element %d = %v", c, c.from+i, g)
			}
		}
	}
	for _, c := range []struct{ from, count int }{{0, n + 1}, {-1, 1}, {n, 1}, {n + 1, 0}, {math.MaxInt, 2}} {
		if err := x.Floats(make([]float32, c.count), c.from); err == nil {
			t.Errorf("%v is outside the tensor and was read", c)
		}
	}
	got, err := io.ReadAll(io.NewSectionReader(x, 0, math.MaxInt64))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes read, %v; want the %d of the tensor", len(got), err, len(data))
	}
	if n, err := x.ReadAt(make([]byte, 8), -1); n != 0 || err == nil {
		t.Errorf("read before the tensor: %d, %v", n, err)
	}
	if n, err := x.ReadAt(make([]byte, 8), x.Size()-3); n != 3 || err != io.EOF {
		t.Errorf("read over the end: %d, %v; want 3, EOF", n, err)
	}
}

func TestWrongAccessor(t *testing.T) {
	f := mustOpen(t, file(`{"b":{"dtype":"BOOL","shape":[1],"data_offsets":[16,17]},"i":{"dtype":"U64","shape":[1],"data_offsets":[8,16]},`+
		`"f":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"q":{"dtype":"F4","shape":[2],"data_offsets":[17,18]}}`,
		0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 2, 0x21))
	wants := func(name string, err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want an error with %q", name, err, want)
		}
	}
	wants("i", tensor(t, f, "i").Floats(make([]float32, 1), 0), "U64")
	wants("f", tensor(t, f, "f").Ints(make([]int64, 1), 0), "F32")
	wants("q", tensor(t, f, "q").Floats(make([]float32, 1), 0), "F4")
	wants("i", tensor(t, f, "i").Ints(make([]int64, 1), 0), "more than an int64 holds")
	wants("b", tensor(t, f, "b").Ints(make([]int64, 1), 0), "truth value of 2")
	if _, ok := f.Tensor("none"); ok {
		t.Error("a tensor that does not exist was found")
	}
}

// hostile are files that must be refused, with a word of the reason.
func hostile() map[string]struct {
	b    []byte
	want string
} {
	type c = struct {
		b    []byte
		want string
	}
	one := func(dtype, shape, offsets string) []byte {
		return file(`{"x":{"dtype":`+dtype+`,"shape":`+shape+`,"data_offsets":`+offsets+`}}`, 1, 2, 3, 4)
	}
	two := func(a, b string) []byte {
		return file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":`+a+`},"b":{"dtype":"U8","shape":[2],"data_offsets":`+b+`}}`, 1, 2, 3, 4)
	}
	huge := binary.LittleEndian.AppendUint64(nil, math.MaxUint64)
	over := binary.LittleEndian.AppendUint64(nil, safetensors.MaxHeader+1)
	return map[string]c{
		"empty":                   {nil, "too short"},
		"seven bytes":             {make([]byte, 7), "too short"},
		"no header":               {file(``), "begin with {"},
		"largest length":          {huge, "over the limit"},
		"length over the limit":   {append(over, '{'), "over the limit"},
		"length past the end":     {append([]byte{100, 0, 0, 0, 0, 0, 0, 0}, "{}"...), "past the end"},
		"not an object":           {file(`[]`), "begin with {"},
		"space before the object": {file(` {}`), "begin with {"},
		"cut short":               {file(`{"x":`), "EOF"},
		"not UTF-8":               {file("{\"\xff\":1}"), "UTF-8"},
		"bytes after the object":  {file(`{} x`), "after the object"},
		"two objects":             {file(`{}{}`), "after the object"},
		"name twice": {
			file(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"x":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 1, 2, 3, 4),
			"comes twice",
		},
		"name twice, once escaped": {
			file(`{"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"\u0078":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 1, 2, 3, 4),
			"comes twice",
		},
		"key twice":           {file(`{"x":{"dtype":"U8","dtype":"I8","shape":[4],"data_offsets":[0,4]}}`, 1, 2, 3, 4), "comes twice"},
		"metadata twice":      {file(`{"__metadata__":{},"__metadata__":{}}`), "comes twice"},
		"metadata key twice":  {file(`{"__metadata__":{"a":"b","a":"c"}}`), "comes twice"},
		"metadata number":     {file(`{"__metadata__":{"a":1}}`), "string belongs"},
		"unknown key":         {file(`{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4],"more":1}}`, 1, 2, 3, 4), `no "more"`},
		"key in another case": {file(`{"x":{"DType":"U8","shape":[4],"data_offsets":[0,4]}}`, 1, 2, 3, 4), `no "DType"`},
		"missing key":         {file(`{"x":{"dtype":"U8","shape":[4]}}`, 1, 2, 3, 4), "lacks"},
		"name without end":    {file(`{"` + strings.Repeat("n", 4097) + `":{}}`), "4097 bytes"},
		"type without end":    {one(`"`+strings.Repeat("t", 1<<20)+`"`, `[4]`, `[0,4]`), `ttt..." is not known`},
		"shape without end":   {one(`"U8"`, `[4`+strings.Repeat(`,1`, 1<<20)+`]`, `[0,4]`), "more than 32 numbers"},
		"unknown type":        {one(`"Q8"`, `[4]`, `[0,4]`), `"Q8" is not known`},
		"type is a number":    {one(`8`, `[4]`, `[0,4]`), "string belongs"},
		"too few bytes":       {one(`"F32"`, `[2]`, `[0,4]`), "take 8 bytes"},
		"too many bytes":      {one(`"U8"`, `[3]`, `[0,4]`), "take 3 bytes"},
		"half a byte":         {one(`"F4"`, `[3]`, `[0,1]`), "whole bytes"},
		"negative dimension":  {one(`"U8"`, `[-4]`, `[0,4]`), "whole number"},
		"fraction":            {one(`"U8"`, `[4.0]`, `[0,4]`), "whole number"},
		"exponent":            {one(`"U8"`, `[4e0]`, `[0,4]`), "whole number"},
		"dimension of 2^63":   {one(`"U8"`, `[9223372036854775808]`, `[0,4]`), "whole number"},
		"product overflows":   {one(`"U8"`, `[4294967296,4294967296,4]`, `[0,4]`), "too large"},
		"product wraps to 4":  {one(`"U8"`, `[9223372036854775807,2,2,4]`, `[0,4]`), "too large"},
		"bytes overflow":      {one(`"F64"`, `[2305843009213693952]`, `[0,0]`), "too large"},
		"one offset":          {one(`"U8"`, `[4]`, `[4]`), "begin and an end"},
		"three offsets":       {one(`"U8"`, `[4]`, `[0,4,8]`), "begin and an end"},
		"end before begin":    {one(`"U8"`, `[4]`, `[4,0]`), "begin and an end"},
		"past the end":        {one(`"U8"`, `[5]`, `[0,5]`), "past the end"},
		"gap at the front":    {one(`"U8"`, `[3]`, `[1,4]`), "no tensor"},
		"bytes at the back":   {one(`"U8"`, `[3]`, `[0,3]`), "no tensor"},
		"data and no tensor":  {file(`{}`, 1), "no tensor"},
		"overlap":             {two(`[0,2]`, `[1,3]`), "inside the one before"},
		"same bytes":          {two(`[0,2]`, `[0,2]`), "inside the one before"},
		"gap in the middle": {
			file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[2],"data_offsets":[2,4]}}`, 1, 2, 3, 4),
			"no tensor",
		},
		"deep": {file(`{"x":` + strings.Repeat("[", 1<<16)), "belongs"},
	}
}

func TestHostileFiles(t *testing.T) {
	for name, c := range hostile() {
		_, err := open(c.b)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want an error with %q", name, err, c.want)
		}
	}
}

func TestStrangeButValid(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":                    file(`{}`),
		"padded":                     file(`{}      `),
		"empty tensors":              file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"b":{"dtype":"F32","shape":[3,0],"data_offsets":[0,0]}}`),
		"a scalar":                   file(`{"a":{"dtype":"U8","shape":[],"data_offsets":[0,1]}}`, 1),
		"header in another order":    file(`{"b":{"data_offsets":[1,2],"shape":[1],"dtype":"U8"},"a":{"dtype":"I8","shape":[1],"data_offsets":[0,1]}}`, 1, 2),
		"an empty one in the middle": file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"b":{"dtype":"U8","shape":[0],"data_offsets":[1,1]},"c":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}`, 1, 2),
	} {
		if _, err := open(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A file that is shorter than its size says gives an error when read.
func TestFileCutAfterOpening(t *testing.T) {
	b := file(`{"x":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}}`, 1, 2, 3, 4)
	f, err := safetensors.Open(bytes.NewReader(b[:len(b)-2]), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	err = tensor(t, f, "x").Ints(make([]int64, 4), 0)
	if err == nil || !strings.Contains(err.Error(), "sooner than it said") {
		t.Errorf("%v; want that the file ends too soon", err)
	}
}

// FuzzOpen: what opens can be read to the last element, and writing it again
// gives a file that holds the same.
func FuzzOpen(f *testing.F) {
	for _, c := range hostile() {
		f.Add(c.b)
	}
	b, err := os.ReadFile("testdata/library.safetensors")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Fuzz(func(t *testing.T, in []byte) {
		file, err := open(in)
		if err != nil {
			return
		}
		var sources []safetensors.Source
		for _, name := range file.Names() {
			x := tensor(t, file, name)
			data := make([]byte, x.Size())
			if _, err := x.ReadAt(data, 0); err != nil {
				t.Fatal(err)
			}
			if x.DType == safetensors.F32 || x.DType == safetensors.F16 {
				if err := x.Floats(make([]float32, x.Len()), 0); err != nil {
					t.Fatal(err)
				}
			}
			if x.DType == safetensors.I8 {
				if err := x.Ints(make([]int64, x.Len()), 0); err != nil {
					t.Fatal(err)
				}
			}
			sources = append(sources, safetensors.Source{Name: name, DType: x.DType, Shape: x.Shape, Data: safetensors.Bytes(data)})
		}
		var out bytes.Buffer
		if err := safetensors.Write(&out, sources, file.Metadata()); err != nil {
			t.Fatal(err)
		}
		again := mustOpen(t, out.Bytes())
		if d := cmp.Diff(file.Names(), again.Names()); d != "" {
			t.Fatalf("names (-want +got):\n%s", d)
		}
		if d := cmp.Diff(file.Metadata(), again.Metadata()); d != "" {
			t.Fatalf("metadata (-want +got):\n%s", d)
		}
	})
}
