package atlas

import (
	"encoding/csv"
	"fmt"
	"strconv"
	"strings"
	"time"

	"hearth/units"
)

// Fact is a figure with its year and its source. The zero Fact is unknown.
type Fact struct {
	Value  float64 // in the unit that the fact's field says
	Year   int     // that the figure is of
	Source SourceID
	// Note says what a figure is not, or why it is unknown.
	Note string
}

// Get returns the figure and whether it is known.
func (f Fact) Get() (float64, bool) { return f.Value, f.Source != "" }

// Known returns the figure as a quantity that may be unknown, read at the end
// of the fact's year. Statistics are estimates, none is a meter.
func (f Fact) Known() units.Known[float64] {
	if f.Source == "" {
		why := f.Note
		if why == "" {
			why = "no openly licensed figure is known"
		}
		return units.Unknown[float64](why, time.Time{})
	}
	return units.Know(f.Value, time.Date(f.Year, time.December, 31, 0, 0, 0, 0, time.UTC), units.Estimate)
}

// table is an embedded CSV file whose first row names the columns.
type table struct {
	name string
	rows []record
}

// record is a row of a table, by column.
type record struct {
	table string
	cells map[string]string
}

// read parses an embedded table. Only a mistake in this package can make it
// fail, and its tests read every table.
func read(name, text string) table {
	r := csv.NewReader(strings.NewReader(text))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		panic(fmt.Sprintf("atlas: read %s: %v", name, err))
	}
	t := table{name: name}
	for _, row := range rows[1:] {
		cells := make(map[string]string, len(row))
		for i, cell := range row {
			cells[rows[0][i]] = cell
		}
		t.rows = append(t.rows, record{name, cells})
	}
	return t
}

// text returns a cell that has to be there.
func (r record) text(column string) string {
	s, ok := r.cells[column]
	if !ok {
		panic(fmt.Sprintf("atlas: %s has no column %q", r.table, column))
	}
	return s
}

// number returns a cell's number; an empty cell is unknown.
func (r record) number(column string) (x float64, known bool) {
	s := r.text(column)
	if s == "" {
		return 0, false
	}
	x, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(fmt.Sprintf("atlas: %s: column %q: %v", r.table, column, err))
	}
	return x, true
}

// value returns a cell's number, 0 where the cell is empty.
func (r record) value(column string) float64 {
	x, _ := r.number(column)
	return x
}

// fact returns the fact of a cell; year, source and note are the row's.
func (r record) fact(column string) Fact {
	x, known := r.number(column)
	if !known {
		return Fact{}
	}
	return Fact{Value: x, Year: int(r.value("year")), Source: SourceID(r.text("source")), Note: r.text("note")}
}
