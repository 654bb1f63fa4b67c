package safetensors_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/infer/safetensors"
)

func source(name string, d safetensors.DType, data []byte, shape ...int) safetensors.Source {
	return safetensors.Source{Name: name, DType: d, Shape: shape, Data: safetensors.Bytes(data)}
}

// The bytes of a file are fixed: tensors by name, metadata by key, no spaces
// but the padding.
func TestWrite(t *testing.T) {
	var b bytes.Buffer
	err := safetensors.Write(&b, []safetensors.Source{
		source("w", safetensors.I8, []byte{1, 2, 3, 4, 5, 6}, 2, 3),
		source("a<b", safetensors.U16, []byte{7, 8}, 1),
	}, map[string]string{"z": "ü", "hearth": "1"})
	if err != nil {
		t.Fatal(err)
	}
	header := `{"__metadata__":{"hearth":"1","z":"ü"},"a<b":{"dtype":"U16","shape":[1],"data_offsets":[0,2]},"w":{"dtype":"I8","shape":[2,3],"data_offsets":[2,8]}}`
	header += strings.Repeat(" ", (8-len(header)%8)%8)
	if d := cmp.Diff(string(file(header, 7, 8, 1, 2, 3, 4, 5, 6)), b.String()); d != "" {
		t.Errorf("file (-want +got):\n%s", d)
	}
}

func TestWriteNothing(t *testing.T) {
	var b bytes.Buffer
	if err := safetensors.Write(&b, nil, nil); err != nil {
		t.Fatal(err)
	}
	if f := mustOpen(t, b.Bytes()); len(f.Names()) != 0 {
		t.Errorf("names %q, want none", f.Names())
	}
}

func TestWriteRefuses(t *testing.T) {
	broken := errors.New("broken source")
	cases := map[string][]safetensors.Source{
		"taken":              {source("a", safetensors.I8, nil, 0), source("a", safetensors.I8, nil, 0)},
		"name is taken":      {source("__metadata__", safetensors.I8, nil, 0)},
		"UTF-8":              {source("\xff", safetensors.I8, nil, 0)},
		"is not known":       {source("a", "Q8", nil, 0)},
		"4097 bytes":         {source(strings.Repeat("n", 4097), safetensors.I8, nil, 0)},
		"33 dimensions":      {source("a", safetensors.I8, []byte{1}, slices.Repeat([]int{1}, 33)...)},
		"negative":           {source("a", safetensors.I8, nil, -1)},
		"too large":          {source("a", safetensors.I8, nil, 1<<30, 1<<30, 1<<30)},
		"1 bytes short":      {source("a", safetensors.I8, []byte{1}, 2)},
		"over the 2 bytes":   {source("a", safetensors.I8, []byte{1, 2, 3}, 2)},
		"do not fill whole":  {source("a", "F4", nil, 1)},
		"broken source":      {{Name: "a", DType: safetensors.I8, Shape: []int{1}, Data: func(io.Writer) error { return broken }}},
		`tensor "b": its da`: {source("a", safetensors.I8, []byte{1}, 1), source("b", safetensors.I8, nil, 1)},
	}
	if strconv.IntSize == 64 { // smaller computers have no such shapes
		for i := range 9 {
			cases["2^63"] = append(cases["2^63"], source(strconv.Itoa(i), safetensors.I64, nil, math.MaxInt/64))
		}
	}
	for want, s := range cases {
		err := safetensors.Write(io.Discard, s, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
	if err := safetensors.Write(io.Discard, nil, map[string]string{"a": "\xff"}); err == nil {
		t.Error("metadata that are not UTF-8 were written")
	}
}

// Whatever is written reads back the same, from an 8-byte boundary, and the
// order of the sources does not matter.
func TestWrittenReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(rapid.String(), 0, 6, rapid.ID).Draw(t, "names")
		var sources []safetensors.Source
		want := map[string][]byte{}
		for _, name := range names {
			if name == "__metadata__" {
				continue
			}
			dims := rapid.SliceOfN(rapid.IntRange(0, 5), 0, 3).Draw(t, "dims")
			size := 2
			for _, d := range dims {
				size *= d
			}
			data := rapid.SliceOfN(rapid.Byte(), size, size).Draw(t, "data")
			sources = append(sources, source(name, safetensors.BF16, data, dims...))
			want[name] = data
		}
		metadata := rapid.MapOfN(rapid.String(), rapid.String(), 0, 3).Draw(t, "metadata")
		var a, b bytes.Buffer
		if err := safetensors.Write(&a, sources, metadata); err != nil {
			t.Fatal(err)
		}
		slices.Reverse(sources)
		if err := safetensors.Write(&b, sources, metadata); err != nil || !bytes.Equal(a.Bytes(), b.Bytes()) {
			t.Fatalf("another order gives another file (%v)", err)
		}
		if n := binary.LittleEndian.Uint64(a.Bytes()); n%8 != 0 {
			t.Errorf("header of %d bytes", n)
		}
		f, err := open(a.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(metadata, f.Metadata()); d != "" {
			t.Errorf("metadata (-want +got):\n%s", d)
		}
		if len(f.Names()) != len(want) {
			t.Errorf("names %q", f.Names())
		}
		for name, data := range want {
			x, _ := f.Tensor(name)
			got := make([]byte, x.Size())
			if _, err := x.ReadAt(got, 0); err != nil || !bytes.Equal(got, data) {
				t.Errorf("%q: %v, %v; want %v", name, got, err, data)
			}
		}
	})
}
