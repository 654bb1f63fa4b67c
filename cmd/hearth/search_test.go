package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCut(t *testing.T) {
	long := strings.Repeat("word ", 300) // 1500 bytes on one line
	type span struct {
		From, To int
		Begin    string
	}
	for name, c := range map[string]struct {
		text string
		want []span
	}{
		"nothing":                       {"\n\n  \n", nil},
		"paragraphs that fit together":  {"one\n\ntwo\n", []span{{1, 3, "one\n\ntwo"}}},
		"carriage returns":              {"one\r\ntwo\r\n", []span{{1, 2, "one\ntwo"}}},
		"blank lines in front":          {"\n\none", []span{{3, 3, "one"}}},
		"a paragraph that does not fit": {strings.Repeat("a", 500) + "\n\n" + strings.Repeat("b", 500), []span{{1, 1, "aaa"}, {3, 3, "bbb"}}},
		"a line that is too long":       {"x\n" + long, []span{{1, 1, "x"}, {2, 2, "word word"}, {2, 2, "word word"}}},
		"a heading":                     {strings.Repeat("a", 300) + "\n\n# Next\nabout it", []span{{1, 1, "aaa"}, {3, 4, "# Next\nabout it"}}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []span
			for i, p := range cut("f", c.text) {
				begin := p.text
				if i < len(c.want) {
					begin = p.text[:min(len(p.text), len(c.want[i].Begin))]
				}
				got = append(got, span{p.from, p.to, begin})
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Errorf("passages (-want +got):\n%s", d)
			}
		})
	}
}

// Passages are in order, none is longer than it may be, and no word is lost.
func TestCutKeepsEveryWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.Custom(func(t *rapid.T) string {
			return strings.Repeat(rapid.SampledFrom([]string{"word ", "ä", "# head ", ""}).Draw(t, "unit"), rapid.IntRange(0, 400).Draw(t, "times"))
		})
		text := strings.Join(rapid.SliceOfN(line, 0, 12).Draw(t, "lines"), "\n")
		joined := ""
		last := 0
		for _, p := range cut("f", text) {
			if len(p.text) > passageBytes+8 || p.from < last || p.to < p.from {
				t.Fatalf("lines %d to %d after %d, %d bytes", p.from, p.to, last, len(p.text))
			}
			last = p.from
			joined += p.text
		}
		squeeze := func(s string) string { return strings.Join(strings.Fields(s), "") }
		if squeeze(joined) != squeeze(text) {
			t.Fatalf("%q became %q", text, joined)
		}
	})
}

func TestWalkReadsTextOnly(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{
		"a.txt": "a", "sub/b.go": "package b", "c.bin": "a\x00b", "d.latin1": "caf\xe9", "late.bin": strings.Repeat("a", 9000) + "\x00",
		".hidden": "x", ".git/config": "x", "node_modules/x.js": "x", "large.txt": strings.Repeat("a\n", largestText), "bom.md": "\ufeffbom",
	} {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	w, err := walk(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, p := range w.passages {
		got = append(got, p.file+" "+p.text)
	}
	if d := cmp.Diff([]string{"a.txt a", "bom.md bom", "sub/b.go package b"}, got); d != "" {
		t.Errorf("read (-want +got):\n%s", d)
	}
	if w.binary != 3 || w.large != 1 {
		t.Errorf("%d binary, %d large", w.binary, w.large)
	}
}

func TestVectorCache(t *testing.T) {
	data := t.TempDir()
	open := func(model string) *vectorCache {
		c, err := openCache(data, "/home/me/notes", model, 3)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	c := open("m1")
	c.put(digest{1}, vector{1, -2, 3})
	c.put(digest{2}, vector{4, 5, 6})
	if err := c.save(map[digest]bool{{1}: true}); err != nil {
		t.Fatal(err)
	}
	if got, ok := open("m1").get(digest{1}); !ok || !cmp.Equal(got, vector{1, -2, 3}) {
		t.Errorf("read back %v", got)
	}
	if _, ok := open("m1").get(digest{2}); ok {
		t.Error("a passage that is gone is kept")
	}
	if _, ok := open("m2").get(digest{1}); ok {
		t.Error("another model's vector is used")
	}
	// A damaged file is as good as none.
	b, err := os.ReadFile(c.path)
	if err != nil {
		t.Fatal(err)
	}
	for at := range b {
		bad := append([]byte(nil), b...)
		bad[at] ^= 1
		if err := os.WriteFile(c.path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if len(open("m1").vectors) != 0 {
			t.Fatalf("a change of byte %d is not found", at)
		}
	}
}
