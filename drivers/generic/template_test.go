package generic

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestTemplatesAreFilled(t *testing.T) {
	o := order{power: 812.6, max: 1200, level: `L2 "eco"/&`}
	for _, c := range []struct{ text, body, url string }{
		{"", "", ""},
		{"on", "on", "on"},
		{"w={{.Watts}}", "w=813", "w=813"},
		{"{{ .Kilowatts }} kW", "0.813 kW", "0.813 kW"},
		{"{{.Percent}}%", "68%", "68%"},
		{"{{.Watts}}{{.Watts}}", "813813", "813813"},
		{"/l/{{.Level}}", `/l/L2 "eco"/&`, "/l/L2%20%22eco%22%2F%26"},
		{`{"l": "{{.Level}}"}`, `{"l": "L2 \"eco\"/\u0026"}`, `{"l": "L2%20%22eco%22%2F%26"}`},
		{"a } b", "a } b", "a } b"},
	} {
		var tpl Template
		if err := tpl.UnmarshalText([]byte(c.text)); err != nil {
			t.Error(err)
			continue
		}
		if got := tpl.fill(o, tpl.escapeFor()); got != c.body {
			t.Errorf("%q is filled as %q, want %q", c.text, got, c.body)
		}
		if got := tpl.fill(o, inURL); got != c.url {
			t.Errorf("%q is filled in a URL as %q, want %q", c.text, got, c.url)
		}
	}
	for _, text := range []string{"{{", "{{.Watts", "{{Watts}}", "{{.watts}}", "{{}}", "{{.}}", "{{range .Level}}", "{{.Level | html}}"} {
		var tpl Template
		if err := tpl.UnmarshalText([]byte(text)); err == nil || !strings.Contains(err.Error(), ".Watts, .Kilowatts, .Percent, .Level") {
			t.Errorf("%q was taken: %v", text, err)
		}
	}
}

// FuzzTemplate holds that a level, whatever it is, stays within its JSON
// string, and that text without places is sent as it stands.
func FuzzTemplate(f *testing.F) {
	f.Add(`{"l": "{{.Level}}", "w": {{.Watts}}}`, `a"b`)
	f.Add("w={{ .Watts }}&l={{.Level}}", "x&y=z")
	f.Add("{{", "")
	f.Fuzz(func(t *testing.T, text, level string) {
		var tpl Template
		if tpl.UnmarshalText([]byte(text)) != nil {
			return
		}
		got := tpl.fill(order{power: 500, max: 1000, level: level}, tpl.escapeFor())
		if !strings.Contains(text, "{{") && got != text {
			t.Errorf("%q became %q", text, got)
		}
		var fixed Template
		if err := fixed.UnmarshalText([]byte(`{"l": "{{.Level}}"}`)); err != nil {
			t.Fatal(err)
		}
		var doc map[string]string
		body := fixed.fill(order{level: level}, fixed.escapeFor())
		if err := json.Unmarshal([]byte(body), &doc); err != nil || len(doc) != 1 || doc["l"] != strings.ToValidUTF8(level, "\uFFFD") && len(level) == len(doc["l"]) {
			t.Errorf("level %q makes %q: %v", level, body, err)
		}
	})
}
