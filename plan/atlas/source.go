package atlas

import _ "embed" // for the table

// SourceID names a [Source], such as "eia-seds-2023".
type SourceID string

// Source is where facts come from and what is owed for them.
type Source struct {
	ID          SourceID
	Title       string
	Publisher   string
	Year        int
	Licence     string
	Attribution string // the words to be shown
	Address     string // where it can be looked up; may be empty
	// Note says what the figures are not, such as "2023 prices".
	Note string
}

//go:embed sources.csv
var sourcesCSV string

// Sources returns every source that a fact of this package names.
func Sources() []Source {
	var list []Source
	for _, r := range read("sources.csv", sourcesCSV).rows {
		list = append(list, Source{
			ID:          SourceID(r.text("id")),
			Title:       r.text("title"),
			Publisher:   r.text("publisher"),
			Year:        int(r.value("year")),
			Licence:     r.text("licence"),
			Attribution: r.text("attribution"),
			Address:     r.text("address"),
			Note:        r.text("note"),
		})
	}
	return list
}

// SourceOf returns the source with the given ID, and whether there is one.
func SourceOf(id SourceID) (Source, bool) {
	for _, s := range Sources() {
		if s.ID == id {
			return s, true
		}
	}
	return Source{}, false
}
