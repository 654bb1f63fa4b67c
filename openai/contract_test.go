package openai_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/openai"
)

type operation struct {
	OperationID string `json:"operationId"`
	Parameters  []struct{ Name, In string }
	RequestBody *struct {
		Content map[string]struct {
			Schema  any
			Example json.RawMessage
		}
	}
	Responses map[string]struct {
		Content map[string]struct{ Schema any }
	}
}

type document struct {
	root  map[string]any
	Paths map[string]map[string]operation
}

func readDocument(t *testing.T, r *rig) document {
	t.Helper()
	_, body := r.send("GET", "/v1/openapi.json", "")
	var d document
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(body), &d.root); err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryRouteIsDocumentedAndServed(t *testing.T) {
	d := readDocument(t, newRig(t, openai.Options{}))
	var documented []string
	for path, ops := range d.Paths {
		for method, op := range ops {
			documented = append(documented, strings.ToUpper(method)+" "+path)
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == name[1] && p.In == "path" }) {
					t.Errorf("%s %s: parameter %s is not documented", method, path, name[1])
				}
			}
		}
	}
	served := openai.Routes()
	slices.Sort(documented)
	slices.Sort(served)
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("served (-) and documented (+) differ:\n%s", diff)
	}
}

// The examples of the document are taken, and what is answered, to them and
// to what cannot be served, has the documented form and no other.
func TestAnswersAreAsDocumented(t *testing.T) {
	r := newRig(t, openai.Options{})
	d := readDocument(t, r)
	check := func(op operation, method, path, body string, want int, headers ...string) {
		t.Helper()
		res, answer := r.send(method, path, body, headers...)
		c, ok := op.Responses[fmt.Sprint(res.StatusCode)].Content["application/json"]
		if res.StatusCode != want || !ok {
			t.Errorf("%s %s answers %s, want %d, documented: %v: %s", method, path, res.Status, want, ok, answer)
			return
		}
		var v any
		if err := json.Unmarshal([]byte(answer), &v); err != nil {
			t.Errorf("%s %s: %v", method, path, err)
			return
		}
		for _, complaint := range d.validate(c.Schema, v, "") {
			t.Errorf("%s %s: %s", method, path, complaint)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for method, op := range d.Paths[path] {
			target := strings.ReplaceAll(path, "{id}", "writer")
			switch {
			case path == "/v1/receipts/{id}":
				check(op, "GET", target, "", 404)
				var a chatAnswer
				r.ask("/v1/chat/completions", `{`+hello+`,"max_tokens":3}`, &a, "X-Hearth-Receipt: 1")
				check(op, "GET", "/v1/receipts/"+a.ID, "", 200)
			case op.RequestBody != nil:
				example := string(op.RequestBody.Content["application/json"].Example)
				for _, complaint := range d.validate(op.RequestBody.Content["application/json"].Schema, parse(t, example), "") {
					t.Errorf("the example of %s: %s", path, complaint)
				}
				check(op, "POST", target, example, 200)
				check(op, "POST", target, example, 200, "X-Hearth-Receipt: 1")
				check(op, "POST", target, `{"model":"writer"}`, 400)
				check(op, "POST", target, example, 415, "Content-Type: text/plain")
				check(op, "POST", target, example, 403, "Sec-Fetch-Site: cross-site")
			default:
				check(op, strings.ToUpper(method), target, "", 200)
				check(op, strings.ToUpper(method), target, "", 403, "X-Forwarded-For: 10.0.0.1")
			}
		}
	}
}

func parse(t *testing.T, s string) (v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(s), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (d document) resolve(ref string) any {
	var v any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		v = v.(map[string]any)[part]
	}
	return v
}

// validate holds a value against a JSON Schema, as far as the document uses
// it. A keyword it does not know is wrong.
func (d document) validate(schema, v any, at string) (complaints []string) {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{at + ": no schema"}
	}
	bad := func(format string, args ...any) {
		complaints = append(complaints, at+": "+fmt.Sprintf(format, args...))
	}
	properties, _ := s["properties"].(map[string]any)
	for key, want := range s {
		switch key {
		case "description", "properties", "additionalProperties":
		case "type":
			list, ok := want.([]any)
			if !ok {
				list = []any{want}
			}
			if !slices.ContainsFunc(list, func(x any) bool { return isType(x.(string), v) }) {
				bad("%v is not of type %v", v, want)
			}
		case "$ref":
			complaints = append(complaints, d.validate(d.resolve(want.(string)), v, at)...)
		case "anyOf":
			if !slices.ContainsFunc(want.([]any), func(x any) bool { return len(d.validate(x, v, at)) == 0 }) {
				bad("%v fits none of the choices", v)
			}
		case "const":
			if v != want {
				bad("%v is not %v", v, want)
			}
		case "enum":
			if !slices.Contains(want.([]any), v) {
				bad("%v is none of %v", v, want)
			}
		case "items":
			list, _ := v.([]any)
			for i, x := range list {
				complaints = append(complaints, d.validate(want, x, fmt.Sprintf("%s[%d]", at, i))...)
			}
		case "required":
			o, _ := v.(map[string]any)
			for _, name := range want.([]any) {
				if _, there := o[name.(string)]; !there && o != nil {
					bad("%s is missing", name)
				}
			}
		default:
			bad("the validator does not know %q", key)
		}
	}
	o, _ := v.(map[string]any)
	for name, x := range o {
		switch p, known := properties[name]; {
		case known:
			complaints = append(complaints, d.validate(p, x, at+"."+name)...)
		case s["additionalProperties"] == false:
			bad("%s is not documented", name)
		default:
			if more, ok := s["additionalProperties"].(map[string]any); ok {
				complaints = append(complaints, d.validate(more, x, at+"."+name)...)
			}
		}
	}
	return complaints
}

func isType(name string, v any) bool {
	switch x := v.(type) {
	case nil:
		return name == "null"
	case bool:
		return name == "boolean"
	case string:
		return name == "string"
	case float64:
		return name == "number" || name == "integer" && x == float64(int64(x))
	case []any:
		return name == "array"
	case map[string]any:
		return name == "object"
	}
	return false
}

// The validator itself finds what is wrong: a test that cannot fail is none.
func TestValidatorFindsFaults(t *testing.T) {
	d := readDocument(t, newRig(t, openai.Options{}))
	for value, want := range map[string]int{
		`{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}`:             0,
		`{"prompt_tokens":1.5,"completion_tokens":2,"total_tokens":3}`:           1,
		`{"prompt_tokens":1,"total_tokens":3}`:                                   1,
		`{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"more":true}`: 1,
		`[]`: 1,
	} {
		if got := d.validate(d.resolve("#/components/schemas/Usage"), parse(t, value), ""); len(got) != want {
			t.Errorf("%s: %d complaints, want %d: %v", value, len(got), want, got)
		}
	}
}
