package token

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// partGoldens is what the reference library's parts make of texts and tokens.
type partGoldens struct {
	Texts       []string
	Tokens      [][]string
	Normalizers []struct {
		Part json.RawMessage
		Want []string
	}
	PreTokenizers []struct {
		Part json.RawMessage
		Want [][]string
	} `json:"pre_tokenizers"`
	Decoders []struct {
		Part json.RawMessage
		Want []string
	}
}

// Every part by itself does what the reference library's part of that name
// does. testdata/golden.py made the file.
func TestParts(t *testing.T) {
	b, err := os.ReadFile("testdata/parts.json")
	if err != nil {
		t.Fatal(err)
	}
	var g partGoldens
	if err := json.Unmarshal(b, &g); err != nil {
		t.Fatal(err)
	}
	for _, c := range g.Normalizers {
		normalize, err := parseNormalizer(c.Part, 0)
		if err != nil {
			t.Fatalf("%s: %v", c.Part, err)
		}
		for i, text := range g.Texts {
			if got, err := normalize(text); err != nil || got != c.Want[i] {
				t.Errorf("%s: %+q becomes %+q, %v; want %+q", c.Part, text, got, err, c.Want[i])
			}
		}
	}
	for _, c := range g.PreTokenizers {
		split, err := parseSplitter(c.Part, 0)
		if err != nil {
			t.Fatalf("%s: %v", c.Part, err)
		}
		for i, text := range g.Texts {
			if text == "" { // never reaches a splitter
				continue
			}
			sections, err := split(nil, section{text, true})
			var got []string
			for _, s := range sections {
				got = append(got, s.text)
			}
			if err != nil || !slices.Equal(got, c.Want[i]) {
				t.Errorf("%s: %+q is split into %+q, %v; want %+q", c.Part, text, got, err, c.Want[i])
			}
		}
	}
	for _, c := range g.Decoders {
		decode, err := parseDecoder(c.Part, 0)
		if err != nil {
			t.Fatalf("%s: %v", c.Part, err)
		}
		for i, tokens := range g.Tokens {
			if got := strings.Join(decode(slices.Clone(tokens)), ""); got != c.Want[i] {
				t.Errorf("%s: %+q gives %+q, want %+q", c.Part, tokens, got, c.Want[i])
			}
		}
	}
}

// Every byte has its own character, and that gives the byte back.
func TestByteLevelIsOneToOne(t *testing.T) {
	seen := map[rune]bool{}
	for i := range 256 {
		r := byteRune(byte(i))
		if b, ok := runeByte(r); seen[r] || !ok || b != byte(i) {
			t.Errorf("byte %#x is %q, and that is %#x, %v", i, r, b, ok)
		}
		seen[r] = true
	}
	for r := range rune(0x400) {
		if _, ok := runeByte(r); ok != seen[r] {
			t.Errorf("%q stands for a byte: %v, want %v", r, ok, seen[r])
		}
	}
}
