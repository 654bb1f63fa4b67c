package openapitest_test

import (
	"net/http"
	"strings"
	"testing"

	"hearth/internal/openapitest"
)

const document = `{
"paths": {
  "/stoves/{id}": {
    "get": {"operationId": "stove", "parameters": [{"name": "id", "in": "path"}], "responses": {
      "200": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Stove"}}, "text/html": {}}},
      "204": {}, "404": {"$ref": "#/components/responses/None"}, "410": {"$ref": "#/components/responses/Missing"}
    }},
    "put": {"operationId": "stove", "responses": {}}
  }
},
"components": {
  "responses": {"None": {"content": {"application/json": {"schema": {"type": "string", "const": "none"}}}}},
  "schemas": {
    "Stove": {"type": "object", "required": ["lit"], "additionalProperties": false, "properties": {
      "lit": {"type": "boolean"}, "power": {"type": ["number", "null"], "minimum": 0, "maximum": 100},
      "logs": {"type": "integer"}, "at": {"type": "string", "format": "date-time"},
      "kind": {"enum": ["tiled", "iron"]}, "name": {"type": "string", "pattern": "^[a-z]+$"},
      "past": {"type": "array", "items": {"type": "integer"}},
      "notes": {"type": "object", "additionalProperties": {"type": "string"}},
      "fuel": {"anyOf": [{"const": "wood"}, {"const": "peat"}]}
    }},
    "Odd": {"type": "string", "maxLength": 5}
  }
}}`

func parse(t *testing.T) *openapitest.Document {
	t.Helper()
	d, err := openapitest.Parse([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Every kind of fault is found: a check that finds none says nothing.
func TestFaultsOfValues(t *testing.T) {
	d := parse(t)
	for _, c := range []struct{ schema, value, want string }{
		{"Stove", `{"lit":true,"power":3.5,"logs":2,"at":"2026-01-14T18:30:00Z","kind":"iron","name":"a","past":[1],"notes":{"a":"b"},"fuel":"peat"}`, ""},
		{"Stove", `{"lit":true,"power":null}`, ""},
		{"Stove", `[]`, "not of type object"},
		{"Stove", `{}`, "lit is missing"},
		{"Stove", `{"lit":1}`, ".lit: 1 is not of type boolean"},
		{"Stove", `{"lit":true,"more":1}`, "more is not documented"},
		{"Stove", `{"lit":true,"power":-1}`, "less than 0"},
		{"Stove", `{"lit":true,"power":101}`, "more than 100"},
		{"Stove", `{"lit":true,"logs":1.5}`, "not of type integer"},
		{"Stove", `{"lit":true,"at":"yesterday"}`, "yesterday"},
		{"Stove", `{"lit":true,"kind":"electric"}`, "none of [tiled iron]"},
		{"Stove", `{"lit":true,"name":"A"}`, "does not match"},
		{"Stove", `{"lit":true,"past":[1,"2"]}`, ".past[1]: 2 is not of type integer"},
		{"Stove", `{"lit":true,"notes":{"a":1}}`, ".notes.a: 1 is not of type string"},
		{"Stove", `{"lit":true,"fuel":"coal"}`, "none of the choices"},
		{"Stove", `{"lit":`, "unexpected end"},
		{"Odd", `"short"`, `does not know "maxLength"`},
		{"None", `1`, "no schema"},
	} {
		faults := d.ValidateJSON(d.Schema(c.schema), c.value)
		if c.want == "" && len(faults) != 0 || c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.want)) {
			t.Errorf("%s against %s: %q, want %q", c.value, c.schema, faults, c.want)
		}
	}
}

func TestFaultsOfAnswers(t *testing.T) {
	d := parse(t)
	for _, c := range []struct {
		status     int
		kind, body string
		want       string
	}{
		{200, "application/json; charset=utf-8", `{"lit":true}`, ""},
		{200, "application/json", `{}`, "lit is missing"},
		{200, "text/html", `<p>`, ""},
		{200, "text/plain", `lit`, `"text/plain" is not documented`},
		{204, "", "", ""},
		{204, "", "lit", "a body where none is documented"},
		{404, "application/json", `"none"`, ""},
		{404, "application/json", `"some"`, "some is not none"},
		{410, "application/json", `{}`, "#/components/responses/Missing is no response"},
		{500, "application/json", `{}`, "500 is not documented"},
	} {
		faults := d.Check(d.Paths["/stoves/{id}"]["get"], c.status, http.Header{"Content-Type": {c.kind}}, c.body)
		if c.want == "" && len(faults) != 0 || c.want != "" && (len(faults) != 1 || !strings.Contains(faults[0], c.want)) {
			t.Errorf("%d %s %s: %q, want %q", c.status, c.kind, c.body, faults, c.want)
		}
	}
}

func TestFaultsOfRoutes(t *testing.T) {
	routes, faults := parse(t).Routes()
	if got := strings.Join(routes, ", "); got != "GET /stoves/{id}, PUT /stoves/{id}" {
		t.Errorf("the routes are %s", got)
	}
	all := strings.Join(faults, "\n")
	if len(faults) != 2 || !strings.Contains(all, `operationId "stove" is empty or taken`) || !strings.Contains(all, "PUT /stoves/{id}: parameter id is not documented") {
		t.Errorf("the faults are %q", faults)
	}
}
