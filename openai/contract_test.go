package openai_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/internal/openapitest"
	"hearth/openai"
)

func readDocument(t *testing.T, r *rig) *openapitest.Document {
	t.Helper()
	_, body := r.send("GET", "/v1/openapi.json", "")
	d, err := openapitest.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryRouteIsDocumentedAndServed(t *testing.T) {
	documented, faults := readDocument(t, newRig(t, openai.Options{})).Routes()
	for _, fault := range faults {
		t.Error(fault)
	}
	served := openai.Routes()
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
	check := func(op openapitest.Operation, method, path, body string, want int, headers ...string) {
		t.Helper()
		res, answer := r.send(method, path, body, headers...)
		if res.StatusCode != want {
			t.Errorf("%s %s answers %s, want %d: %s", method, path, res.Status, want, answer)
		}
		for _, fault := range d.Check(op, res.StatusCode, res.Header, answer) {
			t.Errorf("%s %s: %s", method, path, fault)
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
				asked := op.RequestBody.Content["application/json"]
				for _, fault := range d.ValidateJSON(asked.Schema, string(asked.Example)) {
					t.Errorf("the example of %s: %s", path, fault)
				}
				check(op, "POST", target, string(asked.Example), 200)
				check(op, "POST", target, string(asked.Example), 200, "X-Hearth-Receipt: 1")
				check(op, "POST", target, `{"model":"writer"}`, 400)
				check(op, "POST", target, string(asked.Example), 415, "Content-Type: text/plain")
				check(op, "POST", target, string(asked.Example), 403, "Sec-Fetch-Site: cross-site")
			default:
				check(op, strings.ToUpper(method), target, "", 200)
				check(op, strings.ToUpper(method), target, "", 403, "X-Forwarded-For: 10.0.0.1")
			}
		}
	}
}

// What differs by one field is found: with a document that allows everything
// the tests above could not fail.
func TestTheDocumentIsStrict(t *testing.T) {
	d := readDocument(t, newRig(t, openai.Options{}))
	for value, want := range map[string]int{
		`{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}`:             0,
		`{"prompt_tokens":1.5,"completion_tokens":2,"total_tokens":3}`:           1,
		`{"prompt_tokens":1,"total_tokens":3}`:                                   1,
		`{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3,"more":true}`: 1,
		`[]`: 1,
	} {
		if got := d.ValidateJSON(d.Schema("Usage"), value); len(got) != want {
			t.Errorf("%s: %d faults, want %d: %v", value, len(got), want, got)
		}
	}
}
