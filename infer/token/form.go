package token

import (
	"slices"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// longRun is from how many marks in a row on the text package is not asked:
// it inserts a grapheme joiner after 30 that do not start a character
// (UAX 15, Stream-Safe Text), which tokenizers do not. A mark decomposes to
// three at most.
const longRun = 8

// form returns the function that brings a text into a normalisation form.
func form(f norm.Form) func(string) string {
	return func(s string) string {
		run := 0
		for _, r := range s {
			if !unicode.Is(unicode.M, r) {
				run = 0
				continue
			}
			if run++; run == longRun {
				return slowForm(f, s)
			}
		}
		return f.String(s)
	}
}

// slowForm is UAX 15 as it is written: decompose, put marks in order, compose.
func slowForm(f norm.Form, s string) string {
	decompose := norm.NFD
	if f == norm.NFKC || f == norm.NFKD {
		decompose = norm.NFKD
	}
	type char struct {
		r     rune
		class uint8
	}
	var all []char
	start := 0 // of the run of characters that do not start one
	order := func() {
		slices.SortStableFunc(all[start:], func(a, b char) int { return int(a.class) - int(b.class) })
		start = len(all)
	}
	for _, r := range s {
		for _, d := range decompose.String(string(r)) {
			class := norm.NFD.PropertiesString(string(d)).CCC()
			if class == 0 {
				order()
				all = append(all, char{d, 0})
				start = len(all)
				continue
			}
			all = append(all, char{d, class})
		}
	}
	order()
	out := make([]rune, 0, len(all))
	if f == norm.NFD || f == norm.NFKD {
		for _, c := range all {
			out = append(out, c.r)
		}
		return string(out)
	}
	starter, last := none, uint8(0)
	for _, c := range all {
		if starter >= 0 && (last == 0 && len(out) == starter+1 || last < c.class) {
			pair := []rune(norm.NFC.String(string([]rune{out[starter], c.r})))
			if len(pair) == 1 {
				out[starter] = pair[0]
				continue
			}
		}
		if c.class == 0 {
			starter = len(out)
		}
		last = c.class
		out = append(out, c.r)
	}
	return string(out)
}
