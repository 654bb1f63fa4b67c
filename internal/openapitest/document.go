package openapitest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Document is an OpenAPI document.
type Document struct {
	// Paths has the operations of each path by their methods, in small letters.
	Paths map[string]map[string]Operation
	root  map[string]any
}

// Operation is one method of a path.
type Operation struct {
	ID          string `json:"operationId"`
	Parameters  []struct{ Name, In string }
	RequestBody *struct {
		Content map[string]struct {
			Schema  any
			Example json.RawMessage
		}
	}
	Responses map[string]Response
}

// Response is what an operation may answer with one status, by kind of content,
// or where the document says so.
type Response struct {
	Ref     string `json:"$ref"`
	Content map[string]struct{ Schema any }
}

// Parse reads a document.
func Parse(b []byte) (*Document, error) {
	var d Document
	if err := json.Unmarshal(b, &d); err != nil {
		return nil, fmt.Errorf("read an OpenAPI document: %w", err)
	}
	if err := json.Unmarshal(b, &d.root); err != nil {
		return nil, fmt.Errorf("read an OpenAPI document: %w", err)
	}
	return &d, nil
}

// Routes returns the documented operations as "GET /path", sorted, and what is
// wrong with them: ids that are missing or taken, parameters of paths that are
// not documented.
func (d *Document) Routes() (routes, faults []string) {
	parameter := regexp.MustCompile(`\{(\w+)\}`)
	ids := map[string]bool{}
	for path, operations := range d.Paths {
		for method, op := range operations {
			route := strings.ToUpper(method) + " " + path
			routes = append(routes, route)
			if op.ID == "" || ids[op.ID] {
				faults = append(faults, fmt.Sprintf("%s: operationId %q is empty or taken", route, op.ID))
			}
			ids[op.ID] = true
			for _, name := range parameter.FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p struct{ Name, In string }) bool { return p.Name == name[1] && p.In == "path" }) {
					faults = append(faults, fmt.Sprintf("%s: parameter %s is not documented", route, name[1]))
				}
			}
		}
	}
	slices.Sort(routes)
	return routes, faults
}

// Schema returns the schema of a name.
func (d *Document) Schema(name string) any { return d.resolve("#/components/schemas/" + name) }

// resolve returns what a reference names, nil if there is no such thing.
func (d *Document) resolve(ref string) any {
	var v any = d.root
	for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
		o, _ := v.(map[string]any)
		v = o[part]
	}
	return v
}

// Check holds an answer against an operation, and returns what is wrong.
func (d *Document) Check(op Operation, status int, header http.Header, body string) (faults []string) {
	doc, ok := op.Responses[fmt.Sprint(status)]
	if !ok {
		return []string{fmt.Sprintf("%d is not documented: %s", status, body)}
	}
	if doc.Ref != "" {
		to := d.resolve(doc.Ref)
		b, err := json.Marshal(to)
		if err == nil {
			err = json.Unmarshal(b, &doc)
		}
		if err != nil || to == nil {
			return []string{fmt.Sprintf("%s is no response (%v)", doc.Ref, err)}
		}
	}
	if len(doc.Content) == 0 {
		if status == http.StatusNoContent && body != "" {
			return []string{fmt.Sprintf("there is a body where none is documented: %s", body)}
		}
		return nil
	}
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	c, ok := doc.Content[kind]
	switch {
	case !ok:
		return []string{fmt.Sprintf("the kind %q is not documented", kind)}
	case kind != "application/json":
		return nil
	}
	return d.ValidateJSON(c.Schema, body)
}
