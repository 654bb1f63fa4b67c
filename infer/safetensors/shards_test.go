package safetensors_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/infer/safetensors"
)

// shard makes a file with tensors of one byte each, which count from 1.
func shard(t *testing.T, names ...string) []byte {
	t.Helper()
	var s []safetensors.Source
	for i, n := range names {
		s = append(s, source(n, safetensors.U8, []byte{byte(i + 1)}, 1))
	}
	var b bytes.Buffer
	if err := safetensors.Write(&b, s, nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func openAll(index string, files map[string][]byte) (*safetensors.File, error) {
	s, err := safetensors.Index([]byte(index))
	if err != nil {
		return nil, err
	}
	return safetensors.OpenShards(s, func(name string) (io.ReaderAt, int64, error) {
		b, ok := files[name]
		if !ok {
			return nil, 0, errors.New("no such file")
		}
		return bytes.NewReader(b), int64(len(b)), nil
	})
}

func TestOpenShards(t *testing.T) {
	const index = `{"metadata":{"total_size":3,"of":["{",{"a":null}]},"weight_map":{"a":"m-1-of-2.safetensors","b":"m-2-of-2.safetensors","c":"m-1-of-2.safetensors"}}`
	f, err := openAll(index, map[string][]byte{
		"m-1-of-2.safetensors": shard(t, "a", "c"),
		"m-2-of-2.safetensors": shard(t, "b"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a", "b", "c"}, f.Names()); d != "" {
		t.Errorf("names (-want +got):\n%s", d)
	}
	got := make([]int64, 1)
	for name, want := range map[string]int64{"a": 1, "b": 1, "c": 2} {
		if err := tensor(t, f, name).Ints(got, 0); err != nil || got[0] != want {
			t.Errorf("%s = %d, %v; want %d", name, got[0], err, want)
		}
	}

	for want, files := range map[string]map[string][]byte{
		"no such file": {"m-1-of-2.safetensors": shard(t, "a", "c")},
		`lacks tensor "c"`: {
			"m-1-of-2.safetensors": shard(t, "a"), "m-2-of-2.safetensors": shard(t, "b"),
		},
		`holds tensor "a"`: {
			"m-1-of-2.safetensors": shard(t, "a", "c"), "m-2-of-2.safetensors": shard(t, "a", "b"),
		},
		`holds tensor "d"`: {
			"m-1-of-2.safetensors": shard(t, "a", "c", "d"), "m-2-of-2.safetensors": shard(t, "b"),
		},
		"m-1-of-2.safetensors: safetensors header": {"m-1-of-2.safetensors": []byte("no")},
	} {
		if _, err := openAll(index, files); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; want an error with %q", err, want)
		}
	}
}

func hostileIndexes() map[string]string {
	bad := map[string]string{
		``: "EOF", `[]`: "belongs", `{`: "EOF", `{}`: "no tensor", `{"weight_map":{}}`: "no tensor",
		`{"weight_map":{"a":"f"}} x`:                  "after the object",
		`{"weight_map":{"a":"f"},"weight_map":{}}`:    "comes twice",
		`{"weight_map":{"a":"f","a":"g"}}`:            "comes twice",
		`{"weight_map":{"a":1}}`:                      "string belongs",
		`{"weight_map":{"a":"f"},"more":1}`:           `no "more"`,
		`{"metadata":` + strings.Repeat("[", 100_000): "EOF",
		"{\"weight_map\":{\"a\":\"\xff\"}}":           "UTF-8",
	}
	for _, name := range []string{
		``, `.`, `..`, `../m`, `/etc/passwd`, `a/b`, `a\\b`, `C:m`, `m\u0000`, `.hidden`, `-rf`, `a b`, `m.`, `ü`,
		strings.Repeat("m", 256),
	} {
		bad[`{"weight_map":{"a":"`+name+`"}}`] = "plain file name"
	}
	return bad
}

func TestHostileIndexes(t *testing.T) {
	for in, want := range hostileIndexes() {
		if _, err := safetensors.Index([]byte(in)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v; want an error with %q", in, err, want)
		}
	}
	_, err := safetensors.OpenShards(safetensors.Shards{"a": "../m"}, func(string) (io.ReaderAt, int64, error) {
		t.Error("a path was opened")
		return nil, 0, errors.ErrUnsupported
	})
	if err == nil {
		t.Error("a path was taken for a plain file name")
	}
}

// FuzzIndex: what is taken names plain files only, and opens without a panic
// whatever the files hold.
func FuzzIndex(f *testing.F) {
	for in := range hostileIndexes() {
		f.Add([]byte(in), []byte{})
	}
	f.Add([]byte(`{"metadata":{"total_size":3},"weight_map":{"a":"f","b":"f"}}`), file(`{}`))
	f.Add([]byte(`{"weight_map":{"a":"f"}}`), file(`{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}`, 1))
	f.Fuzz(func(t *testing.T, in, shard []byte) {
		s, err := safetensors.Index(in)
		if err != nil {
			return
		}
		all, err := safetensors.OpenShards(s, func(name string) (io.ReaderAt, int64, error) {
			if strings.ContainsAny(name, `/\:`) || strings.HasPrefix(name, ".") {
				t.Fatalf("%q is not plain", name)
			}
			return bytes.NewReader(shard), int64(len(shard)), nil
		})
		if err == nil && len(all.Names()) != len(s) {
			t.Fatalf("%d tensors of %d", len(all.Names()), len(s))
		}
	})
}
