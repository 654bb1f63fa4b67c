package agreement

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"

	"hearth/internal/spelling"
	"hearth/internal/strictyaml"
)

// Error is a mistake in a contract, with the line it stands in.
type Error = strictyaml.Error

// The bounds of a contract, so that a hostile one costs little. A text must fit
// into a record of the ledger, where a character may take two bytes.
const (
	maxText    = 24 << 10
	maxNesting = 50
	maxEntries = 64 // in a list or a mapping
	maxWord    = 255
)

// reader takes a contract apart. It keeps the first mistake and hands out
// nothing from then on, so that whoever reads asks once, at the end.
type reader struct {
	src []byte
	err error
}

// node is a place in the contract and what people call it.
type node struct {
	ast.Node
	what string
}

// missing is the node of a key that is not there.
func (n node) missing() bool { return n.Node == nil }

func (r *reader) fail(n node, format string, args ...any) {
	if r.err == nil {
		r.err = strictyaml.Errorf(r.src, n.Node, format, args...)
	}
}

// open returns the top of the text.
func (r *reader) open() node {
	top := node{what: "the agreement"}
	switch {
	case len(r.src) > maxText:
		r.fail(top, "the text has %d bytes: an agreement has at most %d", len(r.src), maxText)
		return top
	case !utf8.Valid(r.src):
		r.fail(top, "the text is not UTF-8: save it as UTF-8")
		return top
	}
	body, err := strictyaml.Parse(r.src, "the text", maxNesting)
	switch {
	case err != nil:
		r.err = err
	case body == nil:
		r.fail(top, "the text is empty: an agreement begins with \"agreement: 1\"")
	}
	top.Node = body
	return top
}

// entry is a key and what stands under it.
type entry struct {
	key   string
	at    node // of the key
	value node
}

// entries returns a mapping's entries, each key once, in the order of the text.
func (r *reader) entries(n node) []entry {
	var pairs []*ast.MappingValueNode
	switch t := n.Node.(type) {
	case nil:
		return nil
	case *ast.MappingNode:
		pairs = t.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{t}
	default:
		r.fail(n, "%s wants keys and values", n.what)
		return nil
	}
	if len(pairs) > maxEntries {
		r.fail(n, "%s has %d entries, more than %d", n.what, len(pairs), maxEntries)
		return nil
	}
	var out []entry
	for _, p := range pairs {
		key, ok := plain(p.Key)
		e := entry{key, node{p.Key, key}, node{p.Value, key}}
		switch {
		case !ok:
			r.fail(e.at, "%s: a key is a plain word", n.what)
			return nil
		case slices.ContainsFunc(out, func(o entry) bool { return o.key == key }):
			r.fail(e.at, "%q stands twice in %s", key, n.what)
			return nil
		}
		if _, empty := p.Value.(*ast.NullNode); empty {
			r.fail(e.at, "%s has no value: give one or remove the line", key)
			return nil
		}
		out = append(out, e)
	}
	return out
}

// fields returns the entries of a mapping that has the given keys and no other.
// Keys that are not there give a node that is missing.
func (r *reader) fields(n node, keys ...string) map[string]node {
	out := make(map[string]node, len(keys))
	for _, k := range keys {
		out[k] = node{what: k}
	}
	for _, e := range r.entries(n) {
		if !slices.Contains(keys, e.key) {
			r.fail(e.at, "%s has no key %q%s", n.what, e.key, hint(e.key, keys))
			return out
		}
		out[e.key] = e.value
	}
	return out
}

// only returns the one entry of a mapping that has one.
func (r *reader) only(n node, example string) entry {
	es := r.entries(n)
	if r.err == nil && len(es) != 1 {
		r.fail(n, "%s wants one key: write it as %q", n.what, example)
	}
	if r.err != nil || len(es) != 1 {
		return entry{}
	}
	return es[0]
}

// list returns the entries of a list.
func (r *reader) list(n node) []node {
	if n.missing() {
		return nil
	}
	seq, ok := n.Node.(*ast.SequenceNode)
	switch {
	case !ok:
		r.fail(n, "%s wants a list", n.what)
		return nil
	case len(seq.Values) > maxEntries:
		r.fail(n, "%s has %d entries, more than %d", n.what, len(seq.Values), maxEntries)
		return nil
	}
	out := make([]node, len(seq.Values))
	for i, v := range seq.Values {
		out[i] = node{v, fmt.Sprintf("%s, entry %d", n.what, i+1)}
	}
	return out
}

// word returns the text of a single value, empty for a missing one.
func (r *reader) word(n node) string {
	if n.missing() {
		return ""
	}
	s, ok := plain(n.Node)
	switch {
	case !ok:
		r.fail(n, "%s wants a single value", n.what)
	case s == "" || len(s) > maxWord || strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c == 0x7f || c >= 0x80 && c < 0xa0 }):
		r.fail(n, "%s wants a line of 1 to %d characters", n.what, maxWord)
	default:
		return s
	}
	return ""
}

// words returns a list of different words.
func (r *reader) words(n node) []string {
	var out []string
	for _, e := range r.list(n) {
		w := r.word(e)
		if r.err != nil {
			return nil
		}
		if slices.Contains(out, w) {
			r.fail(e, "%q stands twice in %s", w, n.what)
			return nil
		}
		out = append(out, w)
	}
	return out
}

// choice returns one of several words.
func choice[W ~string](r *reader, n node, words ...W) W {
	got := r.word(n)
	for _, w := range words {
		if string(w) == got {
			return w
		}
	}
	if !n.missing() {
		options := make([]string, len(words))
		for i, w := range words {
			options[i] = string(w)
		}
		r.fail(n, "%s: %q is not known%s", n.what, got, hint(got, options))
	}
	return ""
}

// read parses a single value. A missing one gives the zero T.
func read[T any](r *reader, n node, parse func(string) (T, error)) T {
	var zero T
	s := r.word(n)
	if r.err != nil || n.missing() {
		return zero
	}
	v, err := parse(s)
	if err != nil {
		r.fail(n, "%s: %v", n.what, err)
		return zero
	}
	return v
}

// plain returns the text of a single value in one line.
func plain(n ast.Node) (string, bool) { return strictyaml.Scalar(n) }

// hint proposes the nearest word, or lists the words there are.
func hint(got string, words []string) string {
	best, bestDist := "", 3
	if len(got) <= maxWord {
		for _, w := range words {
			if d := spelling.Distance(got, w); d < bestDist {
				best, bestDist = w, d
			}
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ": there is " + strings.Join(words, ", ")
}
