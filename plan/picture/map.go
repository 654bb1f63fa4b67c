package picture

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// Tile is a region on the map.
type Tile struct {
	Code, Name string // "US-ME", "Maine"
	// Value decides the colour, Figure is written.
	Value  float64
	Figure string
	// Best names what wins there, as a tooltip.
	Best string
	// Unknown says why there is no figure.
	Unknown string
}

// spot is the place of a region on the grid of tiles: each has the same size,
// since a region's ground does not matter here.
type spot struct {
	code     string
	col, row int8
}

// spots keep neighbours as near to each other as a grid can. America stands
// at the left, Europe at the right.
var spots = [...]spot{
	{"US-AK", 0, 0},
	{"US-ME", 10, 0},
	{"US-VT", 9, 1},
	{"US-NH", 10, 1},
	{"US-WA", 0, 2},
	{"US-ID", 1, 2},
	{"US-MT", 2, 2},
	{"US-ND", 3, 2},
	{"US-MN", 4, 2},
	{"US-IL", 5, 2},
	{"US-WI", 6, 2},
	{"US-MI", 7, 2},
	{"US-NY", 8, 2},
	{"US-RI", 9, 2},
	{"US-MA", 10, 2},
	{"US-OR", 0, 3},
	{"US-NV", 1, 3},
	{"US-WY", 2, 3},
	{"US-SD", 3, 3},
	{"US-IA", 4, 3},
	{"US-IN", 5, 3},
	{"US-OH", 6, 3},
	{"US-PA", 7, 3},
	{"US-NJ", 8, 3},
	{"US-CT", 9, 3},
	{"US-CA", 0, 4},
	{"US-UT", 1, 4},
	{"US-CO", 2, 4},
	{"US-NE", 3, 4},
	{"US-MO", 4, 4},
	{"US-KY", 5, 4},
	{"US-WV", 6, 4},
	{"US-VA", 7, 4},
	{"US-MD", 8, 4},
	{"US-DE", 9, 4},
	{"US-AZ", 1, 5},
	{"US-NM", 2, 5},
	{"US-KS", 3, 5},
	{"US-AR", 4, 5},
	{"US-TN", 5, 5},
	{"US-NC", 6, 5},
	{"US-SC", 7, 5},
	{"US-DC", 8, 5},
	{"US-OK", 3, 6},
	{"US-LA", 4, 6},
	{"US-MS", 5, 6},
	{"US-AL", 6, 6},
	{"US-GA", 7, 6},
	{"US-HI", 0, 7},
	{"US-TX", 3, 7},
	{"US-FL", 8, 7},

	{"CA-BC", 0, 1},
	{"CA-AB", 1, 1},
	{"CA-SK", 2, 1},
	{"CA-MB", 3, 1},
	{"CA-ON", 5, 1},
	{"CA-QC", 7, 1},
	{"CA-NB", 11, 0},
	{"CA-NS", 11, 1},

	{"IS", 13, 0},
	{"NO", 16, 0},
	{"SE", 17, 0},
	{"FI", 18, 0},
	{"EE", 19, 1},
	{"IE", 13, 2},
	{"GB", 14, 2},
	{"DK", 16, 2},
	{"LT", 18, 2},
	{"LV", 19, 2},
	{"NL", 15, 3},
	{"DE", 16, 3},
	{"PL", 17, 3},
	{"BY", 18, 3},
	{"BE", 14, 4},
	{"LU", 15, 4},
	{"CZ", 16, 4},
	{"SK", 17, 4},
	{"UA", 18, 4},
	{"MD", 19, 4},
	{"FR", 14, 5},
	{"CH", 15, 5},
	{"LI", 16, 5},
	{"AT", 17, 5},
	{"HU", 18, 5},
	{"RO", 19, 5},
	{"GE", 20, 5},
	{"PT", 13, 6},
	{"ES", 14, 6},
	{"IT", 15, 6},
	{"SI", 16, 6},
	{"HR", 17, 6},
	{"BA", 18, 6},
	{"RS", 19, 6},
	{"BG", 20, 6},
	{"MT", 15, 7},
	{"ME", 17, 7},
	{"XK", 18, 7},
	{"AL", 17, 8},
	{"MK", 19, 7},
	{"TR", 20, 7},
	{"GR", 19, 8},
	{"CY", 20, 8},
}

// Map draws regions as tiles of one size, coloured from much worse over even
// to much better. Regions that have no place of their own stand below.
func Map(c Caption, unit string, tiles []Tile) *Drawing {
	const side, gap = 50, 4
	d := &Drawing{Width: 21*(side+gap) + 2*marginX, Title: c.Title}
	top := d.head(c.Says) + 10
	steps := newSteps(tiles)
	at := map[string]spot{}
	rows := 0
	for _, s := range spots {
		at[s.code] = s
	}
	var rest []Tile
	place := func(t Tile, col, row int) {
		rows = max(rows, row+1)
		x, y := marginX+float64(col)*(side+gap), top+float64(row)*(side+gap)
		d.tile(t, steps, x, y, side, side)
	}
	for _, t := range tiles {
		if s, ok := at[t.Code]; ok {
			place(t, int(s.col), int(s.row))
		} else {
			rest = append(rest, t)
		}
	}
	below := rows
	for i, t := range rest {
		place(t, i%21, below+i/21)
	}
	bottom := top + float64(rows)*(side+gap) + 6
	d.steps(steps, bottom, unit)
	d.Height = bottom + 58
	d.Description = tellTiles(tiles)
	return d
}

// tellTiles lists the best, for those who cannot see the map.
func tellTiles(tiles []Tile) string {
	known := slices.DeleteFunc(slices.Clone(tiles), func(t Tile) bool { return t.Unknown != "" })
	slices.SortStableFunc(known, func(a, b Tile) int {
		switch {
		case a.Value > b.Value:
			return -1
		case a.Value < b.Value:
			return 1
		}
		return 0
	})
	says := []string{fmt.Sprintf("%d regions, %d of them with a figure", len(tiles), len(known))}
	for _, t := range known[:min(len(known), 10)] {
		says = append(says, t.Name+" "+t.Figure)
	}
	return strings.Join(says, ". ")
}

// tile draws one region or cell.
func (d *Drawing) tile(t Tile, s steps, x, y, w, h float64) {
	code := t.Code[strings.LastIndexByte(t.Code, '-')+1:]
	if t.Unknown != "" {
		d.rect(x, y, w, h, line, t.Name+": unknown, "+t.Unknown)
		d.text(x+w/2, y+h/2-3, 13, soft, middle, code).bold = true
		d.text(x+w/2, y+h/2+13, 10, soft, middle, "unknown")
		return
	}
	ink := s.of(t.Value)
	tip := t.Name + ": " + t.Figure
	if t.Best != "" {
		tip += ", " + t.Best
	}
	d.rect(x, y, w, h, ink, tip)
	if code != "" {
		d.text(x+w/2, y+h/2-3, 13, ink, middle, code).bold = true
		d.text(x+w/2, y+h/2+13, 11, ink, middle, t.Figure)
		return
	}
	d.text(x+w/2, y+h/2+4, 11, ink, middle, t.Figure)
}

// steps are the borders between the colours of the map.
type steps struct{ unit float64 }

// newSteps chooses a round step such that most tiles differ from others: the
// outer colours are for what lies beyond twice the step.
func newSteps(tiles []Tile) steps {
	var size []float64
	for _, t := range tiles {
		if t.Unknown == "" {
			size = append(size, math.Abs(t.Value))
		}
	}
	if len(size) == 0 {
		return steps{1}
	}
	slices.Sort(size)
	raw := size[len(size)*8/10] / 2.5
	if raw <= 0 {
		return steps{1}
	}
	decade := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range [...]float64{1, 2, 2.5, 5, 10} {
		if m*decade >= raw*0.999 {
			return steps{m * decade}
		}
	}
	return steps{10 * decade}
}

// borders between seven colours; the middle one is about even.
func (s steps) borders() [6]float64 {
	return [...]float64{-2.2 * s.unit, -1.2 * s.unit, -0.2 * s.unit, 0.2 * s.unit, 1.2 * s.unit, 2.2 * s.unit}
}

func (s steps) of(v float64) ink {
	i := step0
	for _, b := range s.borders() {
		if v >= b {
			i++
		}
	}
	return i
}

// steps draws the legend of the map.
func (d *Drawing) steps(s steps, y float64, unit string) {
	const w, h = 70, 14
	d.text(marginX, y+11, 12, text, start, unit)
	x := marginX + width(unit, 12) + 14
	if x+7*w > d.Width-marginX {
		x, y = marginX, y+20
	}
	a := axis{step: s.unit / 10}
	for i := range 7 {
		d.rect(x+float64(i)*w, y, w, h, step0+ink(i), "")
	}
	for i, b := range s.borders() {
		d.text(x+float64(i+1)*w, y+h+13, 10, soft, middle, a.label(b))
	}
	d.text(x, y+h+13, 10, soft, start, "worse")
	d.text(x+7*w, y+h+13, 10, soft, end, "better")
}

// Cell is a field of a [Grid].
type Cell struct {
	Value   float64
	Figure  string
	Unknown string
}

// Grid draws a table of figures with the map's colours: one row for each name
// of rows and one column for each of columns; cells are by row.
func Grid(c Caption, unit string, rows, columns []string, cells [][]Cell) *Drawing {
	const h, gap = 24, 2
	d := &Drawing{Width: chartWidth, Title: c.Title}
	top := d.head(c.Says) + 10
	names := 0.0
	for _, r := range rows {
		names = min(max(names, width(r, 12)), 200)
	}
	left := marginX + names + 10
	w := (chartWidth - marginX - left) / float64(max(len(columns), 1))
	var tiles []Tile
	for i, row := range cells {
		for j, cell := range row {
			tiles = append(tiles, Tile{Name: rows[i] + ", " + columns[j], Value: cell.Value, Figure: cell.Figure, Unknown: cell.Unknown})
		}
	}
	s := newSteps(tiles)
	for j, name := range columns {
		d.text(left+w*(float64(j)+0.5), top+12, 11, soft, middle, clip(name, 11, w-4))
	}
	top += 20
	i := 0
	for r, name := range rows {
		y := top + float64(r)*(h+gap)
		d.text(left-8, y+h/2+4, 12, text, end, clip(name, 12, 200))
		for j := range cells[r] {
			t := tiles[i]
			i++
			x := left + w*float64(j)
			if t.Unknown != "" {
				d.rect(x, y, w-gap, h, line, t.Name+": unknown, "+t.Unknown)
				d.text(x+w/2, y+h/2+4, 10, soft, middle, "unknown")
				continue
			}
			d.tile(t, s, x, y, w-gap, h)
		}
	}
	bottom := top + float64(len(rows))*(h+gap) + 8
	d.steps(s, bottom, unit)
	d.Height = bottom + 58
	d.Description = tellTiles(tiles)
	return d
}
