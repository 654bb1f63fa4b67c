package httpapi_test

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/httpapi"
	"hearth/internal/openapitest"
	"hearth/web/storybook"
)

func readDocument(t *testing.T, r *rig) *openapitest.Document {
	t.Helper()
	res, body := r.ask("GET", "/api/v1/openapi.json", "")
	if res.StatusCode != http.StatusOK {
		t.Fatalf("the document: %s", res.Status)
	}
	d, err := openapitest.Parse([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestEveryRouteIsDocumentedAndServed(t *testing.T) {
	documented, faults := readDocument(t, newRig(t, storybook.Heating())).Routes()
	for _, fault := range faults {
		t.Error(fault)
	}
	served := httpapi.Routes()
	slices.Sort(served)
	if diff := cmp.Diff(served, documented); diff != "" {
		t.Errorf("served (-) and documented (+) differ:\n%s", diff)
	}
}

// example is a request to an operation, as a program would send it.
func example(op openapitest.Operation, path string) (target, body, contentType string) {
	target = strings.NewReplacer(
		"/trips/{id}", "/trips/room_over_temperature%2Fliving", "/miners/{name}", "/miners/shed", "{party}", "host?month=2026-01",
		"{id}", "mini3", "{zone}", "living", "{name}", "control",
	).Replace(path)
	if op.ID == "removeDevice" {
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
					for _, fault := range d.Check(op, res.StatusCode, res.Header, answer) {
						t.Errorf("%s %s: %s", method, target, fault)
					}
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

// What differs by one field is found: with a document that allows everything
// the tests above could not fail.
func TestTheDocumentIsStrict(t *testing.T) {
	d := readDocument(t, newRig(t, storybook.Heating()))
	f := func(schema, value string, want int) {
		t.Helper()
		if got := d.ValidateJSON(d.Schema(schema), value); len(got) != want {
			t.Errorf("%s against %s: %d faults, want %d: %v", value, schema, len(got), want, got)
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
