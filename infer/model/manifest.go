package model

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/zeebo/blake3"
)

// Format is the version of model files that this package reads and writes.
const Format = 1

// Hash is a BLAKE3 hash; as text it is lower-case hex.
type Hash [32]byte

func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalText implements [encoding.TextMarshaler].
func (h Hash) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *Hash) UnmarshalText(text []byte) error {
	var v Hash
	if len(text) != 2*len(v) {
		return fmt.Errorf("a hash has %d hex digits, not %d", 2*len(v), len(text))
	}
	if _, err := hex.Decode(v[:], text); err != nil {
		return fmt.Errorf("read a hash: %w", err)
	}
	if v.String() != string(text) {
		return errors.New("a hash is written in lower case")
	}
	*h = v
	return nil
}

// Manifest says what a model is. Everything but Blocks, Source and Template is
// bound by the model's id.
type Manifest struct {
	Format int    `json:"format"`
	Config Config `json:"config"`
	// Tokenizer is the hash of the tokenizer.json as stored.
	Tokenizer Hash `json:"tokenizer"`
	// Weights lists every matrix, in the order of [Model.Permute].
	Weights []Weight `json:"weights"`
	// Data is the hash of everything else: for each other tensor of the file
	// but the tokenizer, by name, of a line "name type d0 d1" (or one d) and its
	// bytes.
	Data Hash `json:"data"`
	// H0 is the hash that the permutations follow from.
	H0 Hash `json:"h0"`

	// Blocks lists what may not be mined: blocks of weights that fail
	// admission, for each matrix that has any.
	Blocks []Refused `json:"blocks,omitempty"`
	// Source says where the model came from.
	Source *Source `json:"source,omitempty"`
	// Template is the chat template that came with the model, as published.
	Template string `json:"template,omitempty"`
}

// Weight is one matrix of weights.
type Weight struct {
	Name string `json:"name"`
	N    int    `json:"n"`
	K    int    `json:"k"`
	// Root is the BLAKE3 hash of the bytes of all rows. BLAKE3 is a tree: a
	// part of the rows can be shown to belong to it without the rest.
	Root Hash `json:"root"`
}

// Refused names blocks of one matrix, in rising order.
type Refused struct {
	Name   string   `json:"name"`
	Blocks []uint32 `json:"blocks"`
}

// Source says where a model came from. It is a note for people.
type Source struct {
	// Name as published, such as sentence-transformers/all-MiniLM-L6-v2.
	Name    string `json:"name"`
	Licence string `json:"licence,omitempty"`
	// Files that the model was made of.
	Files []SourceFile `json:"files,omitempty"`
}

// SourceFile is a file and its SHA-256 in hex.
type SourceFile struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
}

// NewManifest describes a permuted model and its tokenizer.
func NewManifest(m *Model, tokenizerJSON []byte) (*Manifest, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	if m.H0 == (Hash{}) {
		return nil, errors.New("describe a model: its channels are in their natural order: permute it first")
	}
	f := &Manifest{Format: Format, Config: m.Config, Tokenizer: blake3.Sum256(tokenizerJSON), H0: m.H0}
	f.Config.EOS = append([]int32{}, m.Config.EOS...)
	parts := m.parts()
	for _, p := range parts {
		if w, ok := p.matrix(); ok {
			w.Root = blake3.Sum256(bytesOf(*p.int8s))
			f.Weights = append(f.Weights, w)
		}
	}
	f.Data = hashData(parts)
	return f, nil
}

// ID is the name of a model: the hash of its manifest's encoding without
// Blocks, Source and Template.
func (f *Manifest) ID() (Hash, error) {
	bound := *f
	bound.Blocks, bound.Source, bound.Template = nil, nil, ""
	b, err := bound.Encode()
	if err != nil {
		return Hash{}, err
	}
	return blake3.Sum256(b), nil
}

// Encode returns the manifest in its one encoding: JSON without white space,
// the names of every object sorted, numbers whole and in decimal, nothing
// escaped in strings that need not be.
func (f *Manifest) Encode() ([]byte, error) {
	for _, s := range f.texts() {
		if !utf8.ValidString(s) {
			return nil, fmt.Errorf("encode a manifest: %q is not valid UTF-8", s)
		}
	}
	b, err := json.Marshal(f)
	if err != nil {
		return nil, fmt.Errorf("encode a manifest: %w", err)
	}
	// Objects as maps come out sorted.
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		return nil, fmt.Errorf("encode a manifest: %w", err)
	}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("encode a manifest: %w", err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

func (f *Manifest) texts() []string {
	texts := []string{f.Template, f.Config.Kind, f.Config.Family, f.Config.Pooling}
	for _, w := range f.Weights {
		texts = append(texts, w.Name)
	}
	for _, b := range f.Blocks {
		texts = append(texts, b.Name)
	}
	if f.Source != nil {
		texts = append(texts, f.Source.Name, f.Source.Licence)
		for _, s := range f.Source.Files {
			texts = append(texts, s.Name, s.SHA256)
		}
	}
	return texts
}

// ParseManifest reads a manifest. What is not in the one encoding, and what
// describes a model that cannot be, is an error.
func ParseManifest(b []byte) (*Manifest, error) {
	f, err := parseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("read a manifest: %w", err)
	}
	return f, nil
}

func parseManifest(b []byte) (*Manifest, error) {
	var version struct {
		Format int `json:"format"`
	}
	if err := json.Unmarshal(b, &version); err != nil {
		return nil, err
	}
	if version.Format != Format {
		return nil, fmt.Errorf("it has format %d, and this program reads format %d: import the model again", version.Format, Format)
	}
	f := new(Manifest)
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(f); err != nil {
		return nil, err
	}
	if again, err := f.Encode(); err != nil {
		return nil, err
	} else if !bytes.Equal(again, b) {
		return nil, errors.New("it is not in its one encoding")
	}
	if err := f.Config.Validate(); err != nil {
		return nil, err
	}
	if f.Config.EOS == nil {
		return nil, errors.New("eos is null: no token is an empty list")
	}
	if f.H0 == (Hash{}) {
		return nil, errors.New("h0 is zero")
	}
	return f, f.checkNames()
}

// checkNames holds the lists of the manifest to the matrices that the
// configuration calls for.
func (f *Manifest) checkNames() error {
	want := f.Config.weights()
	if len(f.Weights) != len(want) {
		return fmt.Errorf("it lists %d matrices, and the model has %d", len(f.Weights), len(want))
	}
	for i, w := range want {
		got := f.Weights[i]
		if got.Name != w.Name || got.N != w.N || got.K != w.K {
			return fmt.Errorf("matrix %d is %q of %d×%d: it must be %q of %d×%d", i, got.Name, got.N, got.K, w.Name, w.N, w.K)
		}
	}
	i := 0
	for _, refused := range f.Blocks {
		for ; i < len(want) && want[i].Name != refused.Name; i++ {
		}
		if i == len(want) {
			return fmt.Errorf("blocks names %q, which is no matrix of the model or not in their order", refused.Name)
		}
		i++
		if len(refused.Blocks) == 0 {
			return fmt.Errorf("blocks lists none of %q", refused.Name)
		}
		for j, b := range refused.Blocks {
			if j > 0 && b <= refused.Blocks[j-1] {
				return fmt.Errorf("blocks of %q are not in rising order", refused.Name)
			}
		}
	}
	return nil
}
