package atlas

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
