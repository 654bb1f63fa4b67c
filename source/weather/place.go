package weather

import (
	"time"

	"hearth/heat"
	"hearth/units"
)

// Source says where weather comes from and what is owed for it.
type Source struct{ Dataset, Licence, Attribution string }

// Place is where weather is known.
type Place struct {
	// Name and Region are for people: "Denver", "Colorado, USA".
	Name, Region string
	heat.Location
	// Offset is local standard time less universal time, in which the days of
	// the place are counted.
	Offset time.Duration
	// Design is the temperature exceeded in 99.6 % of the hours of a year, for
	// sizing.
	Design units.Celsius
	Source Source
}
