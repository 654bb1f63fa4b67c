package brief

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"hearth/internal/spelling"
)

// Error is a mistake in a brief.
type Error struct {
	Key  string
	Line int // in a file; 0 elsewhere
	// Source is the line as it stands in the file.
	Source string
	// Text says what is wrong and what would be right.
	Text string
}

// Error prints the line, the key and the text, and below them the line itself.
func (e *Error) Error() string {
	text := e.Text
	if e.Key != "" {
		text = e.Key + ": " + text
	}
	if e.Line == 0 {
		return text
	}
	return fmt.Sprintf("line %d: %s\n  %4d | %s", e.Line, text, e.Line, e.Source)
}

// mostFile bounds a file; a brief is a few dozen short lines.
const mostFile = 64 << 10

// Parse reads a file. An error is an [*Error]. What the values mean is looked
// at by [Brief.Ask].
func Parse(src []byte) (Brief, error) {
	var b Brief
	if len(src) > mostFile {
		return b, &Error{Text: fmt.Sprintf("the file has %d bytes, a question has at most %d", len(src), mostFile)}
	}
	src = bytes.TrimPrefix(src, []byte("\ufeff")) // as some editors begin files
	lines := strings.Split(string(src), "\n")
	for i, l := range lines {
		// The parser takes time that grows with the square of the depth.
		if strings.Count(l, "[")+strings.Count(l, "{") > 20 {
			return b, &Error{Line: i + 1, Source: lineOf(lines, i+1), Text: "too many brackets: write one key and its value a line"}
		}
	}
	f, err := parser.ParseBytes(src, 0)
	if err != nil {
		return b, syntax(lines, err)
	}
	if len(f.Docs) > 1 && f.Docs[1].Body != nil {
		return b, &Error{Text: "the file holds several documents: keep one"}
	}
	if len(f.Docs) == 0 || f.Docs[0].Body == nil {
		return b, nil
	}
	var pairs []*ast.MappingValueNode
	switch n := f.Docs[0].Body.(type) {
	case *ast.MappingNode:
		pairs = n.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{n}
	case *ast.CommentGroupNode:
		return b, nil
	default:
		return b, at(lines, n, "", "write a key and its value a line, such as \"place: Denver\"")
	}
	b.lines = map[string]source{}
	for _, p := range pairs {
		key, ok := single(p.Key)
		if !ok {
			return Brief{}, at(lines, p.Key, "", "a key is a word such as \"place\"")
		}
		if _, twice := b.lines[key]; twice {
			return Brief{}, at(lines, p.Key, key, "stands twice in the file")
		}
		value, ok := single(p.Value)
		if list, isList := p.Value.(*ast.SequenceNode); isList {
			value, ok = joined(list)
		}
		if _, empty := p.Value.(*ast.NullNode); empty {
			return Brief{}, at(lines, p.Key, key, "has no value: give one or remove the line")
		}
		if !ok {
			return Brief{}, at(lines, p.Value, key, "wants a single value")
		}
		if strings.TrimSpace(value) == "" {
			return Brief{}, at(lines, p.Key, key, "has no value: give one or remove the line")
		}
		if err := b.Set(key, value); err != nil {
			return Brief{}, at(lines, p.Key, key, "there is no such key"+hint(key))
		}
		e := at(lines, p.Key, key, "")
		b.lines[key] = source{e.Line, e.Source}
	}
	return b, nil
}

// syntax keeps the first line of the parser's message, "[line:column] text".
func syntax(lines []string, err error) error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	e := &Error{Text: "not YAML: " + text}
	var column int
	if n, _ := fmt.Sscanf(text, "[%d:%d]", &e.Line, &column); n == 2 {
		_, text, _ = strings.Cut(text, "] ")
		e.Text = "not YAML: " + text
		e.Source = lineOf(lines, e.Line)
	}
	return e
}

func at(lines []string, n ast.Node, key, text string) *Error {
	e := &Error{Key: key, Text: text}
	if t := n.GetToken(); t != nil && t.Position != nil {
		e.Line = t.Position.Line
		e.Source = lineOf(lines, e.Line)
	}
	return e
}

func lineOf(lines []string, n int) string {
	if n < 1 || n > len(lines) {
		return ""
	}
	line := []rune(strings.TrimRight(lines[n-1], "\r"))
	if len(line) > mostLine {
		line = append(line[:mostLine], '…')
	}
	return string(line)
}

// mostLine is how much of a line an error quotes.
const mostLine = 100

// single returns the text of a single value.
func single(n ast.Node) (string, bool) {
	switch t := n.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.LiteralNode:
		return t.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, true
	}
	return "", false
}

// joined returns a list as one value, with commas.
func joined(n *ast.SequenceNode) (string, bool) {
	var parts []string
	for _, v := range n.Values {
		s, ok := single(v)
		if !ok {
			return "", false
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, ", "), true
}

// mostKey bounds what a proposal is looked for: no key is as long.
const mostKey = 40

// hint proposes the nearest key.
func hint(got string) string {
	best, least := "", 4
	if len(got) > mostKey {
		got = got[:mostKey]
	}
	for _, k := range Keys() {
		if d := spelling.Distance(got, k.Name); d < least {
			best, least = k.Name, d
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	return ": \"hearth plan home --help\" lists them"
}
