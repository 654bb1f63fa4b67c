package stratum2

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"hearth/pool/job"
	"hearth/pool/stratum2/message"
)

// Dialogues are text. A line is a message by the name that the specification
// gives it, with its fields as name=value: numbers, bytes and hashes in
// hexadecimal as on the wire ("11*32" is 32 times 11), texts as they are or in
// quotes. An expected message need not name all its fields. "as NAME" behind an
// expected message remembers it, and $NAME.Field stands for a field of it.

// names is every message by its name.
func names() map[string]message.Header {
	all := map[string]message.Header{}
	for _, extension := range []uint16{message.Core, message.Negotiation} {
		for k := range 256 {
			h := message.Header{Extension: extension, Kind: message.Kind(k)}
			if message.New(h) != nil {
				all[nameOf(h)] = h
			}
		}
	}
	return all
}

func nameOf(h message.Header) string {
	name, _, _ := strings.Cut(h.String(), " of ")
	return name
}

// words splits a line at spaces that are not in quotes.
func words(line string) []string {
	quoted := false
	return strings.FieldsFunc(line, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ' ' && !quoted
	})
}

// memory is what a dialogue remembers: fields by "NAME.Field".
type memory map[string]string

func (m memory) value(s string) string {
	if name, ok := strings.CutPrefix(s, "$"); ok {
		return m[name]
	}
	return s
}

// compose makes a message of a line.
func (m memory) compose(line string) (message.Message, error) {
	w := words(line)
	h, ok := names()[w[0]]
	if !ok {
		return nil, fmt.Errorf("no message is called %q", w[0])
	}
	out := message.New(h)
	v := reflect.ValueOf(out).Elem()
	for _, pair := range w[1:] {
		name, text, _ := strings.Cut(pair, "=")
		f := v.FieldByName(name)
		if !f.IsValid() {
			return nil, fmt.Errorf("%s has no field %q", w[0], name)
		}
		if err := assign(f, m.value(text)); err != nil {
			return nil, fmt.Errorf("%s: %w", pair, err)
		}
	}
	return out, nil
}

func unhex(s string) ([]byte, error) {
	s, times, repeated := strings.Cut(s, "*")
	b, err := hex.DecodeString(s)
	if err != nil || !repeated {
		return b, err
	}
	n, err := strconv.Atoi(times)
	return slices.Repeat(b, n), err
}

func assign(f reflect.Value, text string) error {
	switch f.Interface().(type) {
	case uint8, uint16, uint32, uint64:
		n, err := strconv.ParseUint(text, 0, 64)
		f.SetUint(n)
		return err
	case float32:
		n, err := strconv.ParseFloat(text, 32)
		f.SetFloat(n)
		return err
	case bool:
		b, err := strconv.ParseBool(text)
		f.SetBool(b)
		return err
	case string:
		f.SetString(strings.Trim(text, `"`))
	case []byte:
		b, err := unhex(text)
		f.SetBytes(b)
		return err
	case job.Hash, job.Target:
		b, err := unhex(text)
		if len(b) != 32 {
			return fmt.Errorf("%d bytes, %w", len(b), err)
		}
		reflect.Copy(f, reflect.ValueOf(b))
	case []uint16:
		for t := range strings.SplitSeq(text, ",") {
			n, err := strconv.ParseUint(t, 0, 16)
			if err != nil {
				return err
			}
			f.Set(reflect.Append(f, reflect.ValueOf(uint16(n))))
		}
	default:
		return fmt.Errorf("a dialogue cannot write a %v", f.Type())
	}
	return nil
}

// show is a field as a dialogue writes it.
func show(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case []byte:
		return hex.EncodeToString(x)
	case job.Hash:
		return hex.EncodeToString(x[:])
	case job.Target:
		return hex.EncodeToString(x[:])
	case []job.Hash:
		return fmt.Sprintf("%d steps", len(x))
	case string:
		if strings.Contains(x, " ") {
			return strconv.Quote(x)
		}
		return x
	case []uint16:
		return strings.Trim(strings.ReplaceAll(fmt.Sprint(x), " ", ","), "[]")
	}
	return fmt.Sprint(v.Interface())
}

func render(m message.Message, h message.Header) string {
	out := nameOf(h)
	v := reflect.ValueOf(m).Elem()
	for i := range v.NumField() {
		out += " " + v.Type().Field(i).Name + "=" + show(v.Field(i))
	}
	return out
}

// expect holds a message to a line.
func (m memory) expect(got message.Message, h message.Header, line string) error {
	w := words(line)
	if n := len(w); n > 2 && w[n-2] == "as" {
		v := reflect.ValueOf(got).Elem()
		for i := range v.NumField() {
			m[w[n-1]+"."+v.Type().Field(i).Name] = show(v.Field(i))
		}
		w = w[:n-2]
	}
	if nameOf(h) != w[0] {
		return fmt.Errorf("got  %s\nwant %s", render(got, h), line)
	}
	want, err := m.compose(strings.Join(w, " "))
	if err != nil {
		return err
	}
	for _, pair := range w[1:] {
		name, _, _ := strings.Cut(pair, "=")
		a, b := reflect.ValueOf(got).Elem().FieldByName(name), reflect.ValueOf(want).Elem().FieldByName(name)
		if show(a) != show(b) {
			return fmt.Errorf("%s is %s, want %s\ngot  %s", name, show(a), show(b), render(got, h))
		}
	}
	return nil
}

// split cuts plain frames.
func split(t testing.TB, b []byte) (heads []message.Header, payloads [][]byte) {
	t.Helper()
	for len(b) > 0 {
		h, err := message.ParseHeader(b[:min(len(b), message.HeaderSize)])
		if err != nil || len(b) < message.HeaderSize+h.Size {
			t.Fatalf("%d bytes that are no frames: %v", len(b), err)
		}
		heads, payloads = append(heads, h), append(payloads, b[message.HeaderSize:message.HeaderSize+h.Size])
		b = b[message.HeaderSize+h.Size:]
	}
	return heads, payloads
}

// parsed reads a frame whole.
func parsed(t testing.TB, h message.Header, payload []byte) message.Message {
	t.Helper()
	m := message.New(h)
	if m == nil {
		t.Fatalf("%v is unknown", h)
	}
	rest, err := message.Parse(m, payload)
	if err != nil || len(rest) != 0 {
		t.Fatalf("%v: %d bytes left, %v", h, len(rest), err)
	}
	return m
}

// dialogues runs every file of a folder, one subtest each. Each line is given
// to a function of a play that begins anew with the file; lines without text and
// those that begin with # are passed over.
func dialogues(t *testing.T, folder string, begin func(t *testing.T) (line func(text string) error, end func() error)) {
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no dialogues in testdata/%s: %v", folder, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			line, end := begin(t)
			for i, l := range strings.Split(string(text), "\n") {
				if l = strings.TrimSpace(l); l == "" || l[0] == '#' {
					continue
				}
				if err := line(l); err != nil {
					t.Fatalf("%s:%d: %s\n%v", file, i+1, l, err)
				}
			}
			if err := end(); err != nil {
				t.Fatalf("%s: at the end: %v", file, err)
			}
		})
	}
}

// spoil overwrites what was received: who still needs it should have copied it.
func spoil(b []byte) {
	for i := range b {
		b[i] = 0xee
	}
}
