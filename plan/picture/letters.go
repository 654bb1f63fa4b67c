package picture

import "strings"

// widths of the printable ASCII letters of the Go Regular font, in thousandths
// of the font's size. They are near those of Helvetica, to which most fonts of
// screens come near, so that an SVG needs no font to be laid out.
var widths = [...]uint16{
	278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 584, 584, 316, 584, 316, 278,
	556, 556, 556, 556, 556, 556, 556, 556, 556, 556, 306, 306, 584, 584, 584, 556,
	1015, 667, 667, 722, 722, 667, 611, 778, 722, 399, 496, 667, 556, 833, 722, 778,
	667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556,
	333, 556, 556, 500, 556, 556, 278, 556, 556, 247, 253, 500, 268, 833, 556, 556,
	556, 556, 333, 500, 283, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
}

// wider is how much wider than these the letters of the widest usual font are,
// DejaVu Sans of Linux, for which room is left.
const wider = 1.13

// width is how wide a text is at a size, at most; letters beyond ASCII are
// taken to be as wide as an n.
func width(s string, size float64) float64 {
	sum := 0
	for _, r := range s {
		switch {
		case r >= ' ' && r <= '~':
			sum += int(widths[r-' '])
		case r == '…':
			sum += 1000
		default:
			sum += 556
		}
	}
	return float64(sum) / 1000 * size * wider
}

// wrap parts a text into lines no wider than most, at spaces.
func wrap(s string, size, most float64) []string {
	var lines []string
	var now string
	for word := range strings.FieldsSeq(s) {
		next := word
		if now != "" {
			next = now + " " + word
		}
		if now != "" && width(next, size) > most {
			lines, next = append(lines, now), word
		}
		now = next
	}
	if now != "" {
		lines = append(lines, now)
	}
	return lines
}

// clip shortens a text that is wider than most.
func clip(s string, size, most float64) string {
	if width(s, size) <= most {
		return s
	}
	letters := []rune(s)
	for len(letters) > 1 && width(string(letters)+"…", size) > most {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}
