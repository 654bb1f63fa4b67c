package stratum1

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

// said returns every line of the dialogues, as seeds.
func said(f *testing.F) [][]byte {
	f.Helper()
	var lines [][]byte
	for _, folder := range []string{"miners", "pools"} {
		scripts, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
		if err != nil || len(scripts) == 0 {
			f.Fatalf("no dialogues of %s: %v", folder, err)
		}
		for _, script := range scripts {
			text, err := os.ReadFile(script)
			if err != nil {
				f.Fatal(err)
			}
			for line := range bytes.Lines(text) {
				if line[0] == '>' || line[0] == '<' {
					lines = append(lines, bytes.TrimSpace(line[1:]))
				}
			}
		}
	}
	return lines
}

// What the hand-written scanner is sure of, encoding/json reads in the same way.
func FuzzScan(f *testing.F) {
	for _, line := range said(f) {
		f.Add(line)
	}
	for _, line := range []string{
		"", " ", "{}", "{ }", `{"id":1,}`, `{"id":1 "method":"x"}`, `{"a":{"b":[1,2,{"c":"]}"}]},"id":[ ]}`, `{"id":-0,"result":1.5e+7}`,
		`{"id":01}`, `{"id":1,"id":2}`, `{"Id":1}`, "{\"meth\u017fod\":1}", `{"method":"a\u0062"}`, `{"id":"\ud800"}`, "{\"id\":\"\x01\"}", "{\"method\":\"\xff\"}",
		`{"id":tru}`, `{"id":[}`, `{"id":1}x`, `{"reject-reason":"why","error":{}}`, "{\n\t\"id\" : 1\r}", `{"id":[[[[[[[[[[[]]]]]]]]]]]}`,
	} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var fast message
		if !fast.scan(line) {
			return
		}
		slow, err := parseSlow(line)
		if err != nil {
			t.Fatalf("the scanner takes %q, and encoding/json does not: %v", line, err)
		}
		for _, c := range []struct {
			name       string
			fast, slow []byte
		}{
			{"id", fast.id, slow.id},
			{"method", fast.method, slow.method},
			{"params", fast.params, slow.params},
			{"result", fast.result, slow.result},
			{"error", fast.fault, slow.fault},
			{"reject-reason", fast.reason, slow.reason},
		} {
			if !bytes.Equal(c.fast, c.slow) {
				t.Errorf("the %s of %q is %q, and for encoding/json %q", c.name, line, c.fast, c.slow)
			}
		}
	})
}

// The elements of a list are what encoding/json says they are.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		"[]", "[ ]", "[1]", `["a","b"]`, `[[1,2],{"a":[3]},"]"]`, "[ 1 , \"x\\\"\" ,null ]", "{}", `"a"`, "1", `[[[[[[[[[[[[1]]]]]]]]]]],2]`,
		`["\\",[],{}]`, `["\u005d"]`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if !json.Valid(raw) {
			return
		}
		var want []json.RawMessage
		if json.Unmarshal(raw, &want) != nil {
			want = nil
		}
		var out [3][]byte
		n, all := split(raw, out[:])
		if all != len(want) || n != min(all, len(out)) {
			t.Fatalf("%q has %d of %d elements, want %d", raw, n, all, len(want))
		}
		for i := range n {
			if !bytes.Equal(out[i], want[i]) {
				t.Errorf("element %d of %q is %q, want %q", i, raw, out[i], want[i])
			}
		}
	})
}

// However a stream is cut into packets, the lines are the same.
func TestLinesDoNotDependOnPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		lines := rapid.SliceOf(rapid.StringMatching(`[ -~]{0,700}`)).Draw(t, "lines")
		ends := rapid.SliceOfN(rapid.SampledFrom([]string{"\n", "\r\n"}), len(lines), len(lines)).Draw(t, "ends")
		var stream []byte
		for i, line := range lines {
			stream = append(stream, line+ends[i]...)
		}
		l := Lines{Max: 1024}
		var got []string
		for len(stream) > 0 {
			space := l.Space()
			n := min(rapid.IntRange(1, 2000).Draw(t, "packet"), len(space), len(stream))
			copy(space, stream[:n])
			stream = stream[n:]
			l.Wrote(n)
			got = drain(t, &l, got)
		}
		if !slices.Equal(got, lines) && len(got)+len(lines) > 0 {
			t.Errorf("got %q want %q", got, lines)
		}
	})
}

type fataler interface{ Fatal(...any) }

func drain(t fataler, l *Lines, got []string) []string {
	for {
		line, ok, err := l.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			return got
		}
		got = append(got, string(line))
	}
}

// A line without end costs no more than its bound, and one that was long costs
// nothing once it is gone.
func TestLinesAreBounded(t *testing.T) {
	for _, most := range []int{512, 1024, 5000, MinerLine, PoolLine} {
		l := Lines{Max: most}
		r := iotest.OneByteReader(strings.NewReader(strings.Repeat("x", most-1) + "\nnext\n" + strings.Repeat("y", 2*most)))
		var got []string
		var err error
		for err == nil {
			n, _ := r.Read(l.Space())
			l.Wrote(n)
			var line []byte
			var ok bool
			if line, ok, err = l.Next(); ok {
				got = append(got, string(line))
				if len(got) == 2 && len(l.Space()) > restLines {
					t.Errorf("%d: a quiet connection keeps %d bytes", most, len(l.buf))
				}
			}
		}
		if want := []string{strings.Repeat("x", most-1), "next"}; !slices.Equal(got, want) {
			t.Errorf("%d: got %d lines", most, len(got))
		}
		if !strings.Contains(err.Error(), "too long") {
			t.Errorf("%d: the error is %v", most, err)
		}
		if len(l.buf) > most+1 && len(l.buf) > restLines {
			t.Errorf("%d: an endless line costs %d bytes", most, len(l.buf))
		}
	}
}

func TestWord(t *testing.T) {
	for s, want := range map[string]uint32{"0": 0, "a9291f00": 0xa9291f00, "FFFFFFFF": 0xffffffff, "1fFfe000": 0x1fffe000, "007": 7} {
		if got, ok := word([]byte(s)); !ok || got != want {
			t.Errorf("%s is %x, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "000000000", "0x12", "-1", " 1", "g", "é"} {
		if got, ok := word([]byte(s)); ok {
			t.Errorf("%q is taken for %x", s, got)
		}
	}
}
