package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
)

// Field is one line of an entry: a key and a plain value.
type Field struct{ Key, Value string }

// Insert returns the file with one more entry in a section ("devices",
// "rooms", "sensors", …), or in place of the entry of that id. All else stays
// as it is written, comments included. The result is checked as a whole: an
// entry that does not fit is an error and nothing is changed.
func Insert(src []byte, section, id string, fields []Field) ([]byte, error) {
	if !isID(id) {
		return nil, fmt.Errorf("%q is not a name: use lower-case letters, digits and dashes", id)
	}
	out, err := Remove(src, section, id)
	if err != nil {
		return nil, err
	}
	body, err := parse(out)
	if err != nil {
		return nil, err
	}
	indent, line := "  ", 0
	var at *ast.MappingValueNode
	if body != nil {
		at = child(body, section)
	}
	if at != nil {
		line = at.Key.GetToken().Position.Line
		pairs, ok := pairsOf(at.Value)
		if !ok || len(pairs) > 0 && pairs[0].Key.GetToken().Position.Line == line {
			return nil, fmt.Errorf("%s is written on one line (line %d): write it as a block, one entry under the other", section, line)
		}
		if len(pairs) > 0 {
			indent = strings.Repeat(" ", pairs[0].Key.GetToken().Position.Column-1)
		}
	}
	var entry strings.Builder
	fmt.Fprintf(&entry, "%s%s:\n", indent, id)
	for _, f := range fields {
		if strings.ContainsFunc(f.Value, func(r rune) bool { return r == utf8.RuneError || unicode.IsControl(r) }) {
			return nil, fmt.Errorf("%s: %q is not plain text", f.Key, f.Value)
		}
		if f.Value != "" {
			fmt.Fprintf(&entry, "%s%s%s: %s\n", indent, indent, f.Key, quote(f.Value))
		}
	}
	text := strings.TrimRight(string(out), "\n")
	if text != "" {
		text += "\n"
	}
	if at == nil {
		text += section + ":\n" + entry.String()
	} else {
		lines := strings.SplitAfter(text, "\n")
		text = strings.Join(lines[:line], "") + entry.String() + strings.Join(lines[line:], "")
	}
	if _, err := Parse([]byte(text)); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// Remove returns the file without an entry of a section; one that is not
// there is no error. The result is not checked: others may have named it.
func Remove(src []byte, section, id string) ([]byte, error) {
	body, err := parse(src)
	if err != nil || body == nil {
		return src, err
	}
	at := child(body, section)
	if at == nil {
		return src, nil
	}
	pairs, ok := pairsOf(at.Value)
	if !ok {
		return src, nil
	}
	lines := strings.SplitAfter(string(src), "\n")
	for _, p := range pairs {
		if keyOf(p) != id {
			continue
		}
		from := p.Key.GetToken().Position
		if from.Line == at.Key.GetToken().Position.Line {
			return nil, fmt.Errorf("%s is written on one line (line %d): write it as a block, one entry under the other", section, from.Line)
		}
		to := from.Line // lines up to and including this one belong to the entry
		for i := to; i < len(lines) && (deeper(lines[i], from.Column-1) || idle(lines[i])); i++ {
			if !idle(lines[i]) {
				to = i + 1
			}
		}
		if len(pairs) == 1 { // a section without entries has no value
			from.Line = at.Key.GetToken().Position.Line
		}
		return []byte(strings.Join(lines[:from.Line-1], "") + strings.Join(lines[to:], "")), nil
	}
	return src, nil
}

// idle reports whether a line is empty or only a comment: it belongs to an
// entry when more of the entry follows it.
func idle(line string) bool {
	text := strings.TrimSpace(line)
	return text == "" || strings.HasPrefix(text, "#")
}

// deeper reports whether a line belongs to an entry indented by n: it is
// indented more.
func deeper(line string, n int) bool {
	text := strings.TrimLeft(line, " ")
	return strings.TrimSpace(text) != "" && len(line)-len(text) > n
}

func child(n ast.Node, key string) *ast.MappingValueNode {
	pairs, _ := pairsOf(n)
	for _, p := range pairs {
		if keyOf(p) == key {
			return p
		}
	}
	return nil
}

// quote writes a value so that YAML reads the same text back.
func quote(s string) string {
	switch s {
	case "true", "false":
		return s
	}
	return strconv.Quote(s)
}

// Save writes the file in one piece: a power cut leaves the old or the new.
func Save(path string, src []byte) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".hearth-*.yaml")
	if err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	mode := fs.FileMode(0o600)
	if info, err := os.Stat(path); err == nil {
		mode = info.Mode().Perm()
	}
	_, err = tmp.Write(src)
	if err = errors.Join(err, tmp.Chmod(mode), tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return fmt.Errorf("write the configuration: %w", err)
	}
	return nil
}
