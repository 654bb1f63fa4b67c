package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/httpapi"
	"hearth/web/storybook"
)

// document is the part of an OpenAPI document that the tests read.
type document struct {
	root  map[string]any
	Paths map[string]map[string]operation
}

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
		Ref     string `json:"$ref"`
		Content map[string]struct{ Schema any }
	}
}

func readDocument(t *testing.T, r *rig) document {
	t.Helper()
	res, body := r.ask("GET", "/api/v1/openapi.json", "")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("the document: %s", res.Status)
	}
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
	d := readDocument(t, newRig(t, storybook.Heating()))
	var documented []string
	ids := map[string]bool{}
	for path, ops := range d.Paths {
		for method, op := range ops {
			documented = append(documented, strings.ToUpper(method)+" "+path)
			if op.OperationID == "" || ids[op.OperationID] {
				t.Errorf("%s %s: operationId %q is empty or taken", method, path, op.OperationID)
			}
			ids[op.OperationID] = true
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == name[1] && p.In == "path" }) {
					t.Errorf("%s %s: parameter %s is not documented", method, path, name[1])
				}
			}
		}
	}
	served := httpapi.Routes()
	slices.Sort(documented)
	slices.Sort(served)
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("served (-) and documented (+) differ:\n%s", diff)
	}
}

// example is a request to an operation, as a program would send it.
func example(op operation, path string) (target, body, contentType string) {
	target = strings.NewReplacer("/trips/{id}", "/trips/room_over_temperature%2Fliving", "{id}", "mini3", "{zone}", "living", "{name}", "control").Replace(path)
	if op.OperationID == "removeDevice" {
		target = "/api/v1/devices/bitaxe" // the others are still asked about mini3
	}
	contentType = "application/json"
	if op.RequestBody != nil {
		for kind, c := range op.RequestBody.Content {
			contentType, body = kind, string(c.Example)
		}
	}
	return target, body, contentType
}

// Every answer of the running server, in every situation of a home, is of the
// form that the document says, and of no other.
func TestAnswersAreAsDocumented(t *testing.T) {
	succeeded := make(map[string]bool)
	for _, s := range storybook.Situations() {
		t.Run(s.Name, func(t *testing.T) {
			r := newRig(t, s.Open())
			d := readDocument(t, r)
			for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
				// What is put there first can be got afterwards.
				for _, method := range slices.Backward(slices.Sorted(maps.Keys(d.Paths[path]))) {
					if path == "/api/v1/events" {
						continue // see TestStream
					}
					op := d.Paths[path][method]
					target, body, kind := example(op, path)
					res, answer := r.ask(strings.ToUpper(method), target, body, "Content-Type: "+kind)
					d.check(t, op, method+" "+target, res, answer)
					if res.StatusCode < 400 {
						succeeded[method+" "+path] = true
					} else if !succeeded[method+" "+path] {
						succeeded[method+" "+path] = false
					}
				}
			}
		})
	}
	for name, ok := range succeeded {
		if !ok {
			t.Errorf("%s succeeds in no situation", name)
		}
	}
}

// check holds an answer against the operation's document.
func (d document) check(t *testing.T, op operation, name string, res answer, body string) {
	t.Helper()
	doc, ok := op.Responses[fmt.Sprint(res.StatusCode)]
	if !ok {
		t.Errorf("%s answers %d, which is not documented: %s", name, res.StatusCode, body)
		return
	}
	content := doc.Content
	if doc.Ref != "" {
		b, err := json.Marshal(d.resolve(doc.Ref))
		if err != nil {
			t.Fatal(err)
		}
		var target struct {
			Content map[string]struct{ Schema any }
		}
		if err := json.Unmarshal(b, &target); err != nil {
			t.Fatal(err)
		}
		content = target.Content
	}
	if len(content) == 0 {
		if res.StatusCode == http.StatusNoContent && body != "" {
			t.Errorf("%s answers a body where none is documented: %s", name, body)
		}
		return
	}
	kind, _, _ := strings.Cut(res.Header.Get("Content-Type"), ";")
	c, ok := content[kind]
	if !ok {
		t.Errorf("%s answers %q, which is not documented", name, kind)
		return
	}
	if kind != "application/json" {
		return
	}
	var v any
	if err := json.Unmarshal([]byte(body), &v); err != nil {
		t.Errorf("%s: %v in %s", name, err, body)
		return
	}
	for _, complaint := range d.validate(c.Schema, v, "") {
		t.Errorf("%s: %s", name, complaint)
	}
}

func (d document) resolve(ref string) any {
	var v any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		v = v.(map[string]any)[part]
	}
	return v
}

// validate holds a value against a JSON Schema, as far as the document uses
// it, and returns what is wrong. A keyword it does not know is wrong too.
func (d document) validate(schema, v any, at string) (complaints []string) {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{at + ": no schema"}
	}
	bad := func(format string, args ...any) {
		complaints = append(complaints, at+": "+fmt.Sprintf(format, args...))
	}
	if types, ok := s["type"]; ok {
		list, ok := types.([]any)
		if !ok {
			list = []any{types}
		}
		if !slices.ContainsFunc(list, func(x any) bool { return isType(x.(string), v) }) {
			bad("%v is not of type %v", v, types)
			return complaints
		}
	}
	for key, want := range s {
		switch key {
		case "type", "description", "default", "required", "additionalProperties", "contentEncoding", "properties":
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
		case "pattern":
			if x, ok := v.(string); ok && !regexp.MustCompile(want.(string)).MatchString(x) {
				bad("%q does not match %s", v, want)
			}
		case "format":
			if x, ok := v.(string); ok && want == "date-time" {
				if _, err := time.Parse(time.RFC3339, x); err != nil {
					bad("%v", err)
				}
			}
		case "minimum":
			if x, ok := v.(float64); ok && x < want.(float64) {
				bad("%v is less than %v", x, want)
			}
		case "maximum":
			if x, ok := v.(float64); ok && x > want.(float64) {
				bad("%v is more than %v", x, want)
			}
		case "items":
			if list, ok := v.([]any); ok {
				for i, x := range list {
					complaints = append(complaints, d.validate(want, x, fmt.Sprintf("%s[%d]", at, i))...)
				}
			}
		default:
			bad("the validator does not know %q", key)
		}
	}
	if o, ok := v.(map[string]any); ok {
		complaints = append(complaints, d.validateObject(s, o, at)...)
	}
	return complaints
}

func (d document) validateObject(s, o map[string]any, at string) (complaints []string) {
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := o[name.(string)]; !ok {
			complaints = append(complaints, fmt.Sprintf("%s: %s is missing", at, name))
		}
	}
	for name, x := range o {
		switch p, known := properties[name]; {
		case known:
			complaints = append(complaints, d.validate(p, x, at+"."+name)...)
		case s["additionalProperties"] == false:
			complaints = append(complaints, fmt.Sprintf("%s: %s is not documented", at, name))
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
	d := readDocument(t, newRig(t, storybook.Heating()))
	f := func(schema, value string, want int) {
		t.Helper()
		var v any
		if err := json.Unmarshal([]byte(value), &v); err != nil {
			t.Fatal(err)
		}
		got := d.validate(d.resolve("#/components/schemas/"+schema), v, "")
		if len(got) != want {
			t.Errorf("%s against %s: %d complaints, want %d: %v", value, schema, len(got), want, got)
		}
	}
	f("Temperature", `{"value":20.5,"unit":"°C","at":"2026-01-14T18:30:00Z","provenance":"meter"}`, 0)
	f("Temperature", `{"value":null,"unit":"°C","provenance":"unknown","why":"silent"}`, 0)
	f("Temperature", `{"value":20.5,"unit":"W","provenance":"meter"}`, 1)
	f("Temperature", `{"value":"20.5","unit":"°C","provenance":"meter"}`, 1)
	f("Temperature", `{"value":20.5,"unit":"°C","provenance":"guess"}`, 1)
	f("Temperature", `{"value":20.5,"unit":"°C"}`, 1)
	f("Temperature", `{"value":20.5,"unit":"°C","provenance":"meter","colour":"red"}`, 1)
	f("Temperature", `{"value":20.5,"unit":"°C","provenance":"meter","at":"yesterday"}`, 1)
	f("Event", `{}`, 7)
	f("Ledger", `{"records":1.5,"head":"00"}`, 1)
}
