package jsonscan_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"hearth/internal/jsonscan"
)

// read walks a document as far as Object, Array, Text and Int know it, and
// writes down what it saw.
func read(c *jsonscan.Cursor, first byte, b *strings.Builder) {
	switch first {
	case '{':
		b.WriteString("{")
		for name := range c.Object() {
			fmt.Fprintf(b, "%s:", name)
			fmt.Fprintf(b, "%s;", c.Skip())
		}
		b.WriteString("}")
	case '[':
		b.WriteString("[")
		for i := range c.Array() {
			fmt.Fprintf(b, "%d=%s;", i, c.Skip())
		}
		b.WriteString("]")
	case '"':
		fmt.Fprintf(b, "%s", c.Text())
	case 'n':
		fmt.Fprintf(b, "null %v", c.Null())
	default:
		fmt.Fprintf(b, "%d", c.Int())
	}
}

func TestCursor(t *testing.T) {
	deep := strings.Repeat("[", jsonscan.MaxDepth) + strings.Repeat("]", jsonscan.MaxDepth)
	for _, c := range []struct{ doc, want, err string }{
		{`{}`, `{}`, ""},
		{` { "a" : 1 , "b":[1,{"c":"}"}] } `, `{a:1;b:[1,{"c":"}"}];}`, ""},
		{`{"a":true,"b":null,"c":-1.5e+3}`, `{a:true;b:null;c:-1.5e+3;}`, ""},
		{`[1, "two" ,[3]]`, `[0=1;1="two";2=[3];]`, ""},
		{`[]`, `[]`, ""},
		{`"plain"`, `plain`, ""},
		{`"a \"quoted\" word\\"`, `a "quoted" word\`, ""},
		{`"ends in \\"`, `ends in \`, ""},
		{`"\u00e9\n"`, "é\n", ""},
		{`{"n\u0061me":"\"]"}`, `{name:"\"]";}`, ""},
		{`-12`, `-12`, ""},
		{`123456789012345678`, `123456789012345678`, ""},
		{`null`, `null true`, ""},
		{`[` + deep + `]`, `[0=` + deep + `;]`, ""},

		{`1234567890123456789`, `0`, "at most 18 digits"},
		{`1.5`, `0`, "want a whole number"},
		{`1e5`, `0`, "want a whole number"},
		{`-`, `0`, "want a whole number"},
		{`null0`, `null true`, "want the end"},
		{`nul`, `null false`, `want the end`},
		{`{} 1`, `{}`, "want the end"},
		{`{"a":1`, `{a:1;}`, "ends where ','"},
		{`{"a" 1}`, `{}`, "want ':'"},
		{`{"a":1 "b":2}`, `{a:1;}`, "want ','"},
		{`{1:2}`, `{}`, `want '"'`},
		{`{"a":}`, `{a:;}`, "want a value"},
		{`{"a":1,}`, `{a:1;}`, `want '"'`},
		{`[1,]`, `[0=1;1=;]`, "want a value"},
		{`[1`, `[0=1;]`, "ends where"},
		{`["a`, `[0=;]`, "ends where the end of a string"},
		{`"a`, ``, "ends where the end of a string"},
		{`"\x"`, ``, "want a string"},
		{`"\"`, ``, "ends where the end of a string"},
		{`[{]}]`, `[0=;]`, "want a value"},
		{`[[` + deep + `]]`, `[0=;]`, "at most 64 levels"},
		{`[?]`, `[0=;]`, "want a value"},
	} {
		var b strings.Builder
		cur := jsonscan.New([]byte(c.doc))
		read(cur, strings.TrimSpace(c.doc)[0], &b)
		err := cur.End()
		if b.String() != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %s, %v; want %s, %q", c.doc, b.String(), err, c.want, c.err)
		}
	}
}

func TestTheFirstMistakeStays(t *testing.T) {
	c := jsonscan.New([]byte(`{"a":x,"b":2}`))
	for range c.Object() {
		c.Int()
	}
	first := c.Err()
	if first == nil || c.Int() != 0 || c.Text() != nil || c.Skip() != nil || c.Null() {
		t.Error("it goes on after a mistake")
	}
	for range c.Array() {
		t.Error("it goes on after a mistake")
	}
	if c.Err() != first || c.End() != first {
		t.Errorf("%v, then %v", first, c.Err())
	}
}

// A value that is neither read nor skipped is a mistake, not an endless loop.
func TestForgottenValues(t *testing.T) {
	c := jsonscan.New([]byte(`[[1,2],[3]]`))
	for range c.Array() {
		continue
	}
	if c.Err() == nil {
		t.Error("no mistake")
	}
}

func TestTextIsPartOfTheDocument(t *testing.T) {
	doc := []byte(`"abc"`)
	if s := jsonscan.New(doc).Text(); &s[0] != &doc[1] {
		t.Error("it was copied")
	}
}

// What encoding/json takes, the cursor goes over, to the same end; and what it
// reads is what encoding/json reads.
func FuzzCursor(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":"\"\\"}],"c":null}`, `["\u00e9",-1e5,true]`, ` "x" `, `[`, `{"a":1,"a":2}`, `12`, `"\ud800"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		c := jsonscan.New(doc)
		raw := c.Skip()
		err := c.End()
		if json.Valid(doc) {
			if err != nil && !strings.Contains(err.Error(), "levels") {
				t.Fatalf("%q: %v", doc, err)
			}
			if err == nil && !bytes.Equal(raw, bytes.Trim(doc, " \t\r\n")) {
				t.Fatalf("%q: %q", doc, raw)
			}
		}
		var text string
		c = jsonscan.New(doc)
		if got := c.Text(); c.End() == nil && utf8.Valid(doc) && json.Unmarshal(doc, &text) == nil && string(got) != text {
			t.Fatalf("%q: %q, want %q", doc, got, text)
		}
		var n int64
		c = jsonscan.New(doc)
		if got := c.Int(); c.End() == nil && json.Unmarshal(doc, &n) == nil && got != n {
			t.Fatalf("%q: %d, want %d", doc, got, n)
		}
		c = jsonscan.New(doc)
		for name := range c.Object() {
			_ = name
			for range c.Array() {
				c.Skip()
			}
		}
		_ = c.End()
	})
}
