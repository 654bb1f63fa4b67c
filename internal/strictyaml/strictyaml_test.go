package strictyaml_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"

	"hearth/internal/strictyaml"
)

const nesting = 20

func TestParse(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"name: a\n", ""},
		{"- [a, {b: c}]\n", ""},
		{strings.Repeat("[", nesting) + strings.Repeat("]", nesting), ""},
		{strings.Repeat("{}", 3*nesting), "line 1: not YAML"},
		{"a: 1\nb: " + strings.Repeat("[", nesting+1), "line 2: brackets are nested too deeply\n     2 | b: [[["},
		{"]]]\n" + strings.Repeat("{", nesting+1), "line 2: brackets are nested too deeply"},
		{"a: 1\r\nb: {\r\n", "line 2: not YAML"},
		{"\tname: x\n", "line 1: not YAML: tab character cannot use as a map key directly\n     1 | \tname: x\n       |     ^"},
		{"name: \"x\n", "not YAML"},
		{"a: 1\na: 2\n", "line 2: not YAML: mapping key \"a\" already defined at [1:1]\n     2 | a: 2\n       | ^"},
		{"a: 1\n---\nb: 2\n", "the letter holds several documents: keep one"},
		{"a: 1\n---\n", ""},
	} {
		n, err := strictyaml.Parse([]byte(c.text), "the letter", nesting)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want %q", c.text, err, c.want)
		}
		if (n == nil) != (err != nil) {
			t.Errorf("%.40q: %v with %v", c.text, n, err)
		}
	}
	for _, empty := range []string{"", "\n\n", "---\n"} {
		if n, err := strictyaml.Parse([]byte(empty), "the letter", nesting); n != nil || err != nil {
			t.Errorf("%q: %v, %v, want nothing", empty, n, err)
		}
	}
}

func TestErrorfPointsAtTheLine(t *testing.T) {
	src := []byte("one: 1\r\ntwo:\r\n  three: x\r\n")
	n, err := strictyaml.Parse(src, "the text", nesting)
	if err != nil {
		t.Fatal(err)
	}
	two := n.(*ast.MappingNode).Values[1]
	inner := two.Value.(*ast.MappingNode).Values[0].Value
	const want = "line 3: x is not 3\n     3 |   three: x\n       |          ^"
	if got := strictyaml.Errorf(src, inner, "%v is not %d", inner, 3).Error(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := strictyaml.Errorf(src, nil, "%d is missing", 4); got.Error() != "4 is missing" || got.Line != 0 {
		t.Errorf("%+v", got)
	}
}

func TestScalar(t *testing.T) {
	for text, want := range map[string]string{
		"plain text": "plain text", "'quoted'": "quoted", "\"a\\tb\"": "a\tb",
		"0x1F": "0x1F", "-7": "-7", "1.50": "1.50", "true": "true", ".inf": ".inf", ".nan": ".nan",
		"[a]": "", "{a: b}": "", "|\n  two\n  lines\n": "", "&a x": "", "!!str x": "", "~": "",
	} {
		n, err := strictyaml.Parse([]byte(text), "the text", nesting)
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if got, ok := strictyaml.Scalar(n); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %v, want %q", text, got, ok, want)
		}
	}
}

// Every mistake is an Error that shows a line of the text, or none.
func FuzzParse(f *testing.F) {
	f.Add([]byte("a: {b: [c, 1.5]}\nd: |\n  e\n"))
	f.Add([]byte("a: &x [*x]\n---\n"))
	f.Add([]byte("a: [\r\nb: }\r\n"))
	f.Add([]byte(strings.Repeat("[", 30)))
	f.Fuzz(func(t *testing.T, src []byte) {
		n, err := strictyaml.Parse(src, "the text", nesting)
		var at *strictyaml.Error
		switch {
		case err == nil && n == nil:
			return
		case err == nil:
			at = strictyaml.Errorf(src, n, "it")
		case n != nil || !errors.As(err, &at) || at.Text == "":
			t.Fatalf("%v, %#v", n, err)
		}
		if at.Source != "" && !strings.Contains(string(src), at.Source) {
			t.Errorf("%q is no line of the text", at.Source)
		}
		if at.Line < 0 || strings.Contains(at.Source, "\n") || at.Line == 0 && at.Source != "" {
			t.Errorf("%+v", at)
		}
	})
}
