package text_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hearth/infer/text"
)

func TestStop(t *testing.T) {
	for _, c := range []struct {
		name   string
		stops  []string
		pieces []string
		want   []string // what each piece makes certain
		flush  string
		found  string
	}{
		{"nothing to watch for", nil, []string{"a", "b"}, []string{"a", "b"}, "", ""},
		{"within a piece", []string{"END"}, []string{"so END it"}, []string{"so "}, "", "END"},
		{"across pieces", []string{"END"}, []string{"so E", "N", "D it"}, []string{"so ", "", ""}, "", "END"},
		{"a false beginning", []string{"END"}, []string{"so E", "NO"}, []string{"so ", "ENO"}, "", ""},
		{"a beginning at the end", []string{"END"}, []string{"so EN"}, []string{"so "}, "EN", ""},
		{"a beginning within a beginning", []string{"aab"}, []string{"aa", "a", "b"}, []string{"", "a", ""}, "", "aab"},
		{"the first of two", []string{"two", "one"}, []string{"x one two"}, []string{"x "}, "", "one"},
		{"the longer one began first", []string{"\n\nUser", "U"}, []string{"ok\n\nU", "ser"}, []string{"ok", ""}, "", "\n\nUser"},
		{"the longer one never ends", []string{"\n\nUser", "U"}, []string{"ok\n\nU", "nd"}, []string{"ok", "\n\n"}, "", "U"},
		{"the text ends in between", []string{"\n\nUser", "U"}, []string{"ok\n\nU"}, []string{"ok"}, "\n\n", "U"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := text.NewStop(c.stops)
			for i, p := range c.pieces {
				if got, _ := s.Push(p); got != c.want[i] {
					t.Errorf("piece %q makes %q certain, want %q", p, got, c.want[i])
				}
			}
			if got := s.Flush(); got != c.flush {
				t.Errorf("held %q, want %q", got, c.flush)
			}
			if s.Found() != c.found {
				t.Errorf("found %q, want %q", s.Found(), c.found)
			}
		})
	}
}

// However a text is cut into pieces, what comes out is the text up to the
// first stop string.
func TestStopDoesNotDependOnThePieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"a", "b", "ab", "ä"})
		stops := rapid.SliceOfN(rapid.Map(rapid.SliceOfN(alphabet, 1, 4), join), 0, 3).Draw(t, "stops")
		pieces := rapid.SliceOfN(rapid.Map(rapid.SliceOfN(alphabet, 0, 5), join), 0, 8).Draw(t, "pieces")
		s := text.NewStop(stops)
		got := ""
		for _, p := range pieces {
			out, done := s.Push(p)
			if got += out; done {
				break
			}
		}
		got += s.Flush()
		whole := join(pieces)
		want := whole
		for _, x := range stops {
			before, _, _ := strings.Cut(whole, x)
			if len(before) < len(want) {
				want = before
			}
		}
		if got != want {
			t.Fatalf("stops %q in %q: got %q, want %q", stops, whole, got, want)
		}
	})
}

func join(list []string) string { return strings.Join(list, "") }
