package cgminer

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"hearth/device"
)

// Reply is one decoded reply.
type Reply struct {
	Status Status
	// Sections holds the rows of each part but the status, by its name in
	// capitals: "SUMMARY", "STATS", "POOLS". The text form calls the rows of
	// POOLS "POOL".
	Sections map[string][]Object
}

// Row returns the first row of a section.
func (r Reply) Row(section string) (Object, bool) {
	rows := r.Sections[section]
	if len(rows) == 0 {
		return nil, false
	}
	return rows[0], true
}

// The codes of replies that drivers branch on, from CGMiner's API.
const (
	CodeInvalidCommand = 14
	CodeAccessDenied   = 45
	CodeASCSetInfo     = 118
	CodeASCSetOK       = 119
	CodeASCSetFailed   = 120
)

// Severity is the first letter of a status.
type Severity byte

// The severities.
const (
	Success     Severity = 'S'
	Information Severity = 'I'
	Warning     Severity = 'W'
	Failure     Severity = 'E'
	Fatal       Severity = 'F'
)

// Status is the head of a reply.
type Status struct {
	Severity Severity
	// When is the device's clock, zero if it does not tell.
	When time.Time
	Code int
	// Msg is what the device says in words, Description what it calls itself.
	Msg, Description string
}

// Err returns nil for a success, a piece of information or a warning, else an
// error that wraps what the status means and quotes the device.
func (s Status) Err() error {
	switch s.Severity {
	case Success, Information, Warning:
		return nil
	case Failure, Fatal:
	}
	kind := device.ErrRefused
	if s.Code == CodeInvalidCommand {
		kind = device.ErrUnsupported
	}
	return fmt.Errorf("%w: it says %.200q (code %d)", kind, s.Msg, s.Code)
}

// Object is a row of a reply. Values are strings, numbers, truths or nested;
// in the text form all are strings.
type Object map[string]any

// Text returns a string, or the digits of a number.
func (o Object) Text(key string) (string, bool) {
	switch v := o[key].(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	}
	return "", false
}

// Float returns a finite number, which may stand in a string.
func (o Object) Float(key string) (float64, bool) {
	s, ok := o.Text(key)
	if !ok {
		return 0, false
	}
	return Float(s)
}

// Float reads a finite decimal number.
func Float(s string) (float64, bool) {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, false
	}
	return f, true
}

// Truth returns a boolean, which may stand in a string.
func (o Object) Truth(key string) (value, ok bool) {
	switch v := o[key].(type) {
	case bool:
		return v, true
	case string:
		switch strings.ToLower(v) {
		case "true", "y":
			return true, true
		case "false", "n":
			return false, true
		}
	}
	return false, false
}

// Decode reads a reply in either form and repairs what is known to be broken.
// Its error wraps [device.ErrGarbage].
func Decode(raw []byte) (Reply, error) {
	if end := bytes.IndexByte(raw, 0); end >= 0 {
		raw = raw[:end]
	}
	raw = bytes.TrimSpace(raw)
	switch {
	case len(raw) == 0:
		return Reply{}, fmt.Errorf("%w: an empty reply", device.ErrGarbage)
	case bytes.HasPrefix(raw, []byte("STATUS=")):
		return decodeText(string(raw))
	}
	return decodeJSON(raw)
}

func decodeJSON(raw []byte) (Reply, error) {
	bad := func(why string) (Reply, error) {
		return Reply{}, fmt.Errorf("%w: %s: %.60q", device.ErrGarbage, why, raw)
	}
	d := json.NewDecoder(bytes.NewReader(repair(raw)))
	d.UseNumber()
	var top map[string]any
	if err := d.Decode(&top); err != nil {
		return bad("the reply is not JSON")
	}
	// A second object, after the comma that repair put in, is another reply.
	if rest, err := io.ReadAll(io.MultiReader(d.Buffered())); err != nil {
		return bad("the reply is not JSON")
	} else if rest = bytes.TrimSpace(rest); len(rest) > 0 && !bytes.HasPrefix(rest, []byte(",{")) {
		return bad("the reply has more after its end")
	}
	r := Reply{Sections: map[string][]Object{}}
	for name, v := range top {
		list, ok := v.([]any)
		if !ok {
			continue
		}
		rows := make([]Object, 0, len(list))
		for _, e := range list {
			if row, ok := e.(map[string]any); ok {
				rows = append(rows, row)
			}
		}
		r.Sections[strings.ToUpper(name)] = rows
	}
	return r.headed()
}

// headed takes the status from the sections.
func (r Reply) headed() (Reply, error) {
	head, ok := r.Row("STATUS")
	severity, told := head.Text("STATUS")
	if !ok || !told || len(severity) != 1 || !strings.Contains("SIWEF", severity) {
		return Reply{}, fmt.Errorf("%w: the reply has no status", device.ErrGarbage)
	}
	delete(r.Sections, "STATUS")
	r.Status.Severity = Severity(severity[0])
	r.Status.Msg, _ = head.Text("Msg")
	r.Status.Description, _ = head.Text("Description")
	if code, ok := head.Float("Code"); ok && code == math.Trunc(code) && code >= 0 && code < 1e6 {
		r.Status.Code = int(code)
	}
	if when, ok := head.Float("When"); ok && when > 0 && when < 1e11 {
		r.Status.When = time.Unix(int64(when), 0)
	}
	return r, nil
}

// decodeText reads "STATUS=S,When=…,Msg=…|SUMMARY,Elapsed=…|". Commas and bars
// inside brackets belong to the value, as do those behind a backslash.
func decodeText(raw string) (Reply, error) {
	bad := func(why string) (Reply, error) {
		return Reply{}, fmt.Errorf("%w: %s: %.60q", device.ErrGarbage, why, raw)
	}
	parts, whole := split(raw, '|')
	if !whole || len(parts) == 0 || strings.TrimSpace(parts[len(parts)-1]) != "" {
		return bad("the reply breaks off")
	}
	r := Reply{Sections: map[string][]Object{}}
	for _, part := range parts[:len(parts)-1] {
		fields, _ := split(part, ',')
		row := Object{}
		name := ""
		for i, f := range fields {
			key, value, _ := strings.Cut(f, "=")
			key = strings.TrimSpace(key)
			if i == 0 {
				name = strings.ToUpper(key)
			}
			row[key] = unescape(value)
		}
		if name == "" {
			return bad("a part of the reply has no name")
		}
		r.Sections[name] = append(r.Sections[name], row)
	}
	return r.headed()
}

// split cuts s at each sep outside brackets and not behind a backslash. It
// reports whether every bracket was closed.
func split(s string, sep byte) (parts []string, whole bool) {
	depth, start := 0, 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '[':
			depth++
		case ']':
			depth = max(0, depth-1)
		case sep:
			if depth == 0 {
				parts = append(parts, s[start:i])
				start = i + 1
			}
		}
	}
	return append(parts, s[min(start, len(s)):]), depth == 0
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
