// Package jsonpath finds one value in a JSON document by a dotted path, as a
// person writes it in a configuration file:
//
//	temperature
//	meters[0].power
//	StatusSNS.DS18B20.Temperature
//	status["switch:0"].apower
//
// Keys stand between dots; a number in brackets counts list elements from 0,
// or from the end when negative; a key that holds a dot or a bracket is quoted
// in brackets. The empty path is the whole document, which may then also be
// plain text that is not JSON at all, as in many MQTT messages.
//
// The path is deliberately no query language: it names one value or none.
package jsonpath

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Path is where a value is in a document. The zero Path is the whole document.
type Path struct {
	text  string
	steps []step
}

// step is a key, or an index where the key is not set.
type step struct {
	key   *string
	index int
}

// Parse reads a path.
func Parse(text string) (Path, error) {
	p := Path{text: text}
	rest := text
	bad := func(why string) (Path, error) {
		return Path{}, fmt.Errorf("path %q: %s: write it as %q", text, why, "meters[0].power")
	}
	for first := true; rest != ""; first = false {
		switch {
		case rest[0] == '[':
			s, after, err := bracket(rest)
			if err != nil {
				return bad(err.Error())
			}
			p.steps = append(p.steps, s)
			rest = after
			continue
		case rest[0] == '.' && !first:
			rest = rest[1:]
		case !first:
			return bad("a dot is missing after a bracket")
		}
		end := strings.IndexAny(rest, ".[]")
		if end < 0 {
			end = len(rest)
		}
		if end == 0 {
			return bad("a key is empty")
		}
		if end < len(rest) && rest[end] == ']' {
			return bad("a bracket is not opened")
		}
		key := rest[:end]
		p.steps = append(p.steps, step{key: &key})
		rest = rest[end:]
	}
	return p, nil
}

// bracket reads [12], [-1] or ["key"] at the start of s.
func bracket(s string) (step, string, error) {
	if strings.HasPrefix(s, `["`) {
		quoted, err := strconv.QuotedPrefix(s[1:])
		if err != nil {
			return step{}, "", errors.New("a quote is not closed")
		}
		key, err := strconv.Unquote(quoted)
		after, closed := strings.CutPrefix(s[1+len(quoted):], "]")
		if err != nil || !closed {
			return step{}, "", errors.New("a bracket is not closed")
		}
		return step{key: &key}, after, nil
	}
	inside, after, closed := strings.Cut(s[1:], "]")
	if !closed {
		return step{}, "", errors.New("a bracket is not closed")
	}
	n, err := strconv.Atoi(inside)
	if err != nil {
		return step{}, "", fmt.Errorf("%q in brackets is not a number", inside)
	}
	return step{index: n}, after, nil
}

// String returns the path as it was written.
func (p Path) String() string { return p.text }

// MarshalText implements [encoding.TextMarshaler].
func (p Path) MarshalText() ([]byte, error) { return []byte(p.text), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (p *Path) UnmarshalText(b []byte) error {
	got, err := Parse(string(b))
	if err != nil {
		return err
	}
	*p = got
	return nil
}

// Text returns a scalar of the document as text: a string as it is, a number
// as it was written, true or false. A list, an object, null and a missing
// value are errors that say where the path ended.
func (p Path) Text(doc []byte) (string, error) {
	root, err := decode(doc)
	if err != nil {
		if text := strings.TrimSpace(string(doc)); len(p.steps) == 0 && text != "" {
			return text, nil
		}
		return "", err
	}
	v, err := p.walk(root)
	if err != nil {
		return "", err
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	case nil:
		return "", fmt.Errorf("%s is null", p.name())
	}
	return "", fmt.Errorf("%s is %s, not a value", p.name(), kind(v))
}

// Number returns a number of the document, which may also stand in quotes.
// It is finite.
func (p Path) Number(doc []byte) (float64, error) {
	text, err := p.Text(doc)
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil || math.IsNaN(v) || math.IsInf(v, 0) {
		return 0, fmt.Errorf("%s is %.40q, not a number", p.name(), text)
	}
	return v, nil
}

// decode reads one JSON document and nothing after it.
func decode(doc []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("the answer is not JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the answer is not JSON: something follows it")
	}
	return root, nil
}

func (p Path) walk(v any) (any, error) {
	for i, s := range p.steps {
		here := Path{steps: p.steps[:i]}.name()
		if s.key != nil {
			object, ok := v.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%s is %s: there is no %q in it", here, kind(v), *s.key)
			}
			if v, ok = object[*s.key]; !ok {
				return nil, fmt.Errorf("there is no %q in %s", *s.key, here)
			}
			continue
		}
		list, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("%s is %s, not a list", here, kind(v))
		}
		n := s.index
		if n < 0 {
			n += len(list)
		}
		if n < 0 || n >= len(list) {
			return nil, fmt.Errorf("%s has %d elements: there is no [%d]", here, len(list), s.index)
		}
		v = list[n]
	}
	return v, nil
}

// name prints the path for a person.
func (p Path) name() string {
	if len(p.steps) == 0 {
		return "the answer"
	}
	var b strings.Builder
	for i, s := range p.steps {
		switch {
		case s.key == nil:
			fmt.Fprintf(&b, "[%d]", s.index)
		case *s.key == "" || strings.ContainsAny(*s.key, `.[]"`):
			fmt.Fprintf(&b, "[%q]", *s.key)
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(*s.key)
		}
	}
	return b.String()
}

func kind(v any) string {
	switch v.(type) {
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "text"
	case json.Number:
		return "a number"
	case bool:
		return "true or false"
	}
	return "null"
}
