package openapitest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// ValidateJSON holds a JSON text against a schema, and returns what is wrong.
func (d *Document) ValidateJSON(schema any, text string) []string {
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return []string{fmt.Sprintf("%v in %s", err, text)}
	}
	return d.validate(schema, v, "")
}

// validate holds the value at a place against a schema.
func (d *Document) validate(schema, v any, at string) (faults []string) {
	s, ok := schema.(map[string]any)
	if !ok {
		return []string{at + ": no schema"}
	}
	bad := func(format string, args ...any) {
		faults = append(faults, at+": "+fmt.Sprintf(format, args...))
	}
	if types, ok := s["type"]; ok {
		list, ok := types.([]any)
		if !ok {
			list = []any{types}
		}
		if !slices.ContainsFunc(list, func(x any) bool { return isType(x.(string), v) }) {
			bad("%v is not of type %v", v, types)
			return faults
		}
	}
	for key, want := range s {
		switch key {
		case "type", "description", "default", "required", "additionalProperties", "contentEncoding", "properties":
		case "$ref":
			faults = append(faults, d.validate(d.resolve(want.(string)), v, at)...)
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
			list, _ := v.([]any)
			for i, x := range list {
				faults = append(faults, d.validate(want, x, fmt.Sprintf("%s[%d]", at, i))...)
			}
		default:
			bad("the validator does not know %q", key)
		}
	}
	if o, ok := v.(map[string]any); ok {
		faults = append(faults, d.validateObject(s, o, at)...)
	}
	return faults
}

func (d *Document) validateObject(s, o map[string]any, at string) (faults []string) {
	properties, _ := s["properties"].(map[string]any)
	required, _ := s["required"].([]any)
	for _, name := range required {
		if _, ok := o[name.(string)]; !ok {
			faults = append(faults, fmt.Sprintf("%s: %s is missing", at, name))
		}
	}
	for name, x := range o {
		switch p, known := properties[name]; {
		case known:
			faults = append(faults, d.validate(p, x, at+"."+name)...)
		case s["additionalProperties"] == false:
			faults = append(faults, fmt.Sprintf("%s: %s is not documented", at, name))
		default:
			if more, ok := s["additionalProperties"].(map[string]any); ok {
				faults = append(faults, d.validate(more, x, at+"."+name)...)
			}
		}
	}
	return faults
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
