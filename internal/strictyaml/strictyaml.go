package strictyaml

import (
	"fmt"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// Error is a mistake in a text, with the line it stands in.
type Error struct {
	Line, Column int // from 1; 0: it stands in no line
	// Text says what is wrong and what would be right.
	Text string
	// Source is the offending line.
	Source string
}

// Error prints the text, and below it the line with a mark under the fault.
func (e *Error) Error() string {
	if e.Line == 0 {
		return e.Text
	}
	pad := strings.Repeat(" ", max(0, e.Column-1))
	return fmt.Sprintf("line %d: %s\n  %4d | %s\n       | %s^", e.Line, e.Text, e.Line, e.Source, pad)
}

// Errorf returns a mistake that stands at n in src. Nil: it stands in no line.
func Errorf(src []byte, n ast.Node, format string, args ...any) *Error {
	e := &Error{Text: fmt.Sprintf(format, args...)}
	if n == nil {
		return e
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		e.Line, e.Column = t.Position.Line, t.Position.Column
		e.Source = lineOf(src, e.Line)
	}
	return e
}

// Parse returns the top of src, nil if it holds nothing. Errors, which are all
// of type [*Error], call it what, such as "the file".
//
// Brackets may be nested so deep. Those in quoted text and comments count too,
// so be generous.
func Parse(src []byte, what string, nesting int) (ast.Node, error) {
	if line := tooDeep(src, nesting); line > 0 {
		return nil, &Error{Line: line, Column: 1, Text: "brackets are nested too deeply", Source: lineOf(src, line)}
	}
	f, err := parser.ParseBytes(src, 0)
	switch {
	case err != nil:
		return nil, syntaxError(src, err)
	case len(f.Docs) > 1 && f.Docs[1].Body != nil:
		return nil, &Error{Text: what + " holds several documents: keep one"}
	case len(f.Docs) == 0 || f.Docs[0].Body == nil:
		return nil, nil
	}
	return f.Docs[0].Body, nil
}

// tooDeep returns the line in which brackets are nested deeper than nesting, or
// 0. The parser's time grows with the square of the depth, so this must be known
// before it begins.
func tooDeep(src []byte, nesting int) int {
	depth, line := 0, 1
	for _, c := range src {
		switch c {
		case '\n':
			line++
		case '[', '{':
			if depth++; depth > nesting {
				return line
			}
		case ']', '}':
			depth = max(0, depth-1)
		}
	}
	return 0
}

// syntaxError keeps the first line of the parser's message and our own form of
// the place, which the parser gives as "[line:column] text".
func syntaxError(src []byte, err error) *Error {
	text, _, _ := strings.Cut(err.Error(), "\n")
	var line, col int
	if n, _ := fmt.Sscanf(text, "[%d:%d]", &line, &col); n == 2 {
		_, text, _ = strings.Cut(text, "] ")
	}
	return &Error{Line: line, Column: col, Text: "not YAML: " + text, Source: lineOf(src, line)}
}

func lineOf(src []byte, n int) string {
	lines := strings.Split(string(src), "\n")
	if n < 1 || n > len(lines) {
		return ""
	}
	return strings.TrimRight(lines[n-1], "\r")
}

// Scalar returns the text of a single value in one line. Anchors, aliases, tags
// and blocks of several lines are none.
func Scalar(n ast.Node) (string, bool) {
	switch t := n.(type) {
	case *ast.StringNode:
		return t.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return t.GetToken().Value, true
	}
	return "", false
}
