package config

import (
	"encoding"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"hearth/internal/spelling"
	"hearth/internal/strictyaml"
)

// Error is a mistake in the file, with the line it stands in.
type Error = strictyaml.Error

// maxFile bounds the file; a description of a home is a few kilobytes.
const maxFile = 1 << 20

// maxNesting is generous: brackets in quoted text and comments count too.
const maxNesting = 200

// parse returns the top mapping of the file.
func parse(src []byte) (ast.Node, error) {
	if len(src) > maxFile {
		return nil, &Error{Text: fmt.Sprintf("the file has %d bytes: a home's description has at most %d", len(src), maxFile)}
	}
	return strictyaml.Parse(src, "the file", maxNesting)
}

// decoder fills Go values from YAML nodes and refuses everything it does not
// know.
type decoder struct {
	src   []byte
	depth int
}

func (d *decoder) fail(n ast.Node, format string, args ...any) error {
	return strictyaml.Errorf(d.src, n, format, args...)
}

var (
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	durationType = reflect.TypeFor[time.Duration]()
	sectionType  = reflect.TypeFor[Section]()
)

// maxDepth bounds nesting, against hostile files.
const maxDepth = 20

// into decodes n into v, which is settable. what names the place for people.
func (d *decoder) into(n ast.Node, v reflect.Value, what string) error {
	if d.depth++; d.depth > maxDepth {
		return d.fail(n, "%s is nested too deeply", what)
	}
	defer func() { d.depth-- }()
	switch n.(type) {
	case *ast.AnchorNode, *ast.AliasNode, *ast.MergeKeyNode, *ast.TagNode:
		return d.fail(n, "anchors, aliases and tags are not used in this file")
	case *ast.NullNode:
		return d.fail(n, "%s has no value: give one or remove the line", what)
	case *ast.CommentGroupNode:
		return nil
	}
	if v.Type() == sectionType {
		v.Set(reflect.ValueOf(Section{node: n, source: d.src}))
		return nil
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		return d.into(n, v.Elem(), what)
	}
	if v.CanAddr() && v.Addr().Type().Implements(textType) {
		s, ok := scalar(n)
		if !ok {
			return d.fail(n, "%s wants a single value", what)
		}
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(s)); err != nil {
			return d.fail(n, "%s: %v", what, err)
		}
		return nil
	}
	if s, ok := reflect.TypeAssert[interface{ setRest(Section) }](v.Addr()); ok {
		rest, err := d.split(n, v, what)
		s.setRest(rest)
		return err
	}
	switch v.Kind() {
	case reflect.Struct:
		return d.structure(n, v, what)
	case reflect.Map:
		return d.mapping(n, v, what)
	case reflect.Slice:
		return d.sequence(n, v, what)
	default:
		return d.scalar(n, v, what)
	}
}

func (d *decoder) structure(n ast.Node, v reflect.Value, what string) error {
	pairs, ok := pairsOf(n)
	if !ok {
		return d.fail(n, "%s wants keys and values", what)
	}
	fields := fieldsOf(v.Type())
	seen := map[string]bool{}
	for _, p := range pairs {
		key := keyOf(p)
		if seen[key] {
			return d.fail(p.Key, "%q stands twice in %s", key, what)
		}
		seen[key] = true
		i, ok := fields[key]
		if !ok {
			return d.fail(p.Key, "%s has no key %q%s", what, key, hint(key, fields))
		}
		field := v.FieldByIndex(i)
		if err := d.into(p.Value, field, key); err != nil {
			return err
		}
		if f := v.Type().FieldByIndex(i); field.IsZero() && strings.HasSuffix(f.Tag.Get("yaml"), ",positive") {
			return d.fail(p.Value, "%s cannot be zero: remove the line for the usual value", key)
		}
	}
	return nil
}

func (d *decoder) mapping(n ast.Node, v reflect.Value, what string) error {
	pairs, ok := pairsOf(n)
	if !ok {
		return d.fail(n, "%s wants names and values", what)
	}
	m := reflect.MakeMapWithSize(v.Type(), len(pairs))
	for _, p := range pairs {
		key := reflect.New(v.Type().Key()).Elem()
		key.SetString(keyOf(p))
		if m.MapIndex(key).IsValid() {
			return d.fail(p.Key, "%q stands twice in %s", key, what)
		}
		elem := reflect.New(v.Type().Elem()).Elem()
		if err := d.into(p.Value, elem, keyOf(p)); err != nil {
			return err
		}
		m.SetMapIndex(key, elem)
	}
	v.Set(m)
	return nil
}

func (d *decoder) sequence(n ast.Node, v reflect.Value, what string) error {
	seq, ok := n.(*ast.SequenceNode)
	if !ok {
		return d.fail(n, "%s wants a list", what)
	}
	s := reflect.MakeSlice(v.Type(), len(seq.Values), len(seq.Values))
	for i, e := range seq.Values {
		if err := d.into(e, s.Index(i), fmt.Sprintf("%s, entry %d", what, i+1)); err != nil {
			return err
		}
	}
	v.Set(s)
	return nil
}

func (d *decoder) scalar(n ast.Node, v reflect.Value, what string) error {
	s, ok := scalar(n)
	if !ok {
		return d.fail(n, "%s wants a single value", what)
	}
	bad := func(example string) error { return d.fail(n, "%s: %q is not %s", what, s, example) }
	if v.Type() == durationType {
		t, err := time.ParseDuration(s)
		if err != nil {
			return bad("a length of time, such as 90s, 15m or 12h")
		}
		v.SetInt(int64(t))
		return nil
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(s)
	case reflect.Bool:
		b, err := strconv.ParseBool(s)
		if _, isBool := n.(*ast.BoolNode); !isBool || err != nil {
			return bad("true or false")
		}
		v.SetBool(b)
	case reflect.Int, reflect.Int64:
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil || v.OverflowInt(i) {
			return bad("a whole number")
		}
		v.SetInt(i)
	case reflect.Float64:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
			return bad("a number")
		}
		v.SetFloat(f)
	case reflect.Interface:
		v.Set(reflect.ValueOf(plain(n, s)))
	default:
		return fmt.Errorf("decode %s: a %v cannot stand in a configuration", what, v.Type())
	}
	return nil
}

// plain returns a scalar as the Go value YAML says it is.
func plain(n ast.Node, s string) any {
	switch n.(type) {
	case *ast.IntegerNode, *ast.FloatNode:
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	case *ast.BoolNode:
		return s == "true"
	}
	return s
}

// scalar returns the text of a single value, of one line or several.
func scalar(n ast.Node) (string, bool) {
	if t, ok := n.(*ast.LiteralNode); ok {
		return t.Value.Value, true
	}
	return strictyaml.Scalar(n)
}

// pairsOf returns the entries of a mapping.
func pairsOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch t := n.(type) {
	case *ast.MappingNode:
		return t.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{t}, true
	}
	return nil, false
}

func keyOf(p *ast.MappingValueNode) string {
	if s, ok := scalar(p.Key); ok {
		return s
	}
	return p.Key.String()
}

// fieldsOf maps YAML keys to fields.
func fieldsOf(t reflect.Type) map[string][]int {
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		key, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if key == "" || key == "-" || f.Anonymous || !f.IsExported() {
			continue
		}
		fields[key] = f.Index
	}
	return fields
}

// hint proposes the nearest key, or lists the keys there are.
func hint(got string, fields map[string][]int) string {
	var keys []string
	best, bestDist := "", 3
	for k := range fields {
		keys = append(keys, k)
		if dist := spelling.Distance(got, k); dist < bestDist || dist == bestDist && k < best {
			best, bestDist = k, dist
		}
	}
	if best != "" {
		return fmt.Sprintf(": did you mean %q?", best)
	}
	if len(keys) == 0 {
		return ": it takes no keys"
	}
	slices.Sort(keys)
	return ": it takes " + strings.Join(keys, ", ")
}

// Decode fills dst strictly from the section. An empty section leaves dst as
// it is.
func (s Section) Decode(dst any) error {
	if s.node == nil {
		return nil
	}
	d := &decoder{src: s.source}
	return d.into(s.node, reflect.ValueOf(dst).Elem(), "this entry")
}

// Empty reports whether the section does not stand in the file.
func (s Section) Empty() bool { return s.node == nil }

// split parts a mapping into what the struct v knows and the rest.
func (d *decoder) split(n ast.Node, v reflect.Value, what string) (Section, error) {
	pairs, ok := pairsOf(n)
	if !ok {
		return Section{}, d.fail(n, "%s wants keys and values", what)
	}
	fields := fieldsOf(v.Type())
	var rest []*ast.MappingValueNode
	var own []*ast.MappingValueNode
	for _, p := range pairs {
		if _, ok := fields[keyOf(p)]; ok {
			own = append(own, p)
		} else {
			rest = append(rest, p)
		}
	}
	if err := d.structure(&ast.MappingNode{Values: own, BaseNode: &ast.BaseNode{}}, v, what); err != nil {
		return Section{}, err
	}
	s := Section{source: d.src}
	if len(rest) > 0 {
		s.node = &ast.MappingNode{Values: rest, Start: rest[0].GetToken(), BaseNode: &ast.BaseNode{}}
	}
	return s, nil
}
