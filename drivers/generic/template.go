package generic

import (
	"encoding/json"
	"fmt"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"hearth/units"
)

// Template is text with places for what is commanded: {{.Watts}} in whole
// watts, {{.Kilowatts}} with three decimals, {{.Percent}} of the range's
// maximum in whole percent, and {{.Level}}. Nothing else stands between
// braces: a template has no conditions and no functions.
type Template struct {
	text  string
	parts []part
}

// part is plain text, or a place where name is set.
type part struct{ plain, name string }

var places = [...]string{"Watts", "Kilowatts", "Percent", "Level"}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (t *Template) UnmarshalText(b []byte) error {
	text := string(b)
	parsed := Template{text: text}
	for rest := text; rest != ""; {
		plain, after, open := strings.Cut(rest, "{{")
		if plain != "" {
			parsed.parts = append(parsed.parts, part{plain: plain})
		}
		if !open {
			break
		}
		inside, next, closed := strings.Cut(after, "}}")
		name, dotted := strings.CutPrefix(strings.TrimSpace(inside), ".")
		if !closed || !dotted || !slices.Contains(places[:], name) {
			return fmt.Errorf("template %q: between {{ and }} stands one of .%s", text, strings.Join(places[:], ", ."))
		}
		parsed.parts = append(parsed.parts, part{name: name})
		rest = next
	}
	*t = parsed
	return nil
}

// MarshalText implements [encoding.TextMarshaler].
func (t Template) MarshalText() ([]byte, error) { return []byte(t.text), nil }

// has reports whether the template has a place for any of the names.
func (t Template) has(names ...string) bool {
	return slices.ContainsFunc(t.parts, func(p part) bool { return slices.Contains(names, p.name) })
}

// order is what a template is filled with.
type order struct {
	power, max units.Watts
	level      string
}

// fill puts an order in the places. escape makes a level harmless where the
// text goes; numbers need none.
func (t Template) fill(o order, escape func(string) string) string {
	var b strings.Builder
	for _, p := range t.parts {
		switch p.name {
		case "":
			b.WriteString(p.plain)
		case "Watts":
			b.WriteString(strconv.FormatInt(int64(math.Round(float64(o.power))), 10))
		case "Kilowatts":
			b.WriteString(strconv.FormatFloat(float64(o.power)/1000, 'f', 3, 64))
		case "Percent":
			share := 0.0
			if o.max > 0 {
				share = float64(o.power / o.max)
			}
			b.WriteString(strconv.FormatInt(int64(math.Round(100*share)), 10))
		case "Level":
			b.WriteString(escape(o.level))
		}
	}
	return b.String()
}

// inURL escapes for paths and queries alike.
func inURL(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// escapeFor returns how to escape in a body or payload: as in a JSON string
// where the text is a JSON object or list, else not at all.
func (t Template) escapeFor() func(string) string {
	if s := strings.TrimSpace(t.text); strings.HasPrefix(s, "{") && !strings.HasPrefix(s, "{{") || strings.HasPrefix(s, "[") {
		return func(s string) string {
			b, err := json.Marshal(s)
			if err != nil {
				return ""
			}
			return string(b[1 : len(b)-1])
		}
	}
	return func(s string) string { return s }
}
