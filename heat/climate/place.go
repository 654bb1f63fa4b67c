package climate

import (
	"cmp"
	_ "embed" // for the tables
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/heat"
	"hearth/internal/spelling"
	"hearth/units"
)

// Source says where weather comes from and what is owed for it.
type Source struct {
	Dataset, Licence, Attribution string
	// Note says what the weather is not; empty where nothing is to be said.
	Note string
}

// Month is the normal weather of one month.
type Month struct {
	Mean   units.Celsius
	Range  units.Kelvin        // from the coldest to the warmest hour of a day, on average
	Spread units.Kelvin        // standard deviation of the days' means
	Global units.KilowattHours // on a level square metre in a day, on average
}

// Place is where weather is known.
type Place struct {
	// Name and Region are for people: "Denver", "Colorado, USA".
	Name, Region string
	heat.Location
	// Zone is the IANA time zone, for the clock on the wall; empty if unknown.
	Zone string
	// Offset is local standard time less universal time. The hours of a [Year]
	// are counted in it, summer and winter.
	Offset time.Duration
	// Design is the temperature exceeded in 99.6 % of the hours of a year. A
	// year made up from normals has milder extremes: size by this instead.
	Design units.Celsius
	// Months are the normals, January first; all zero for a place that came
	// with an hourly year.
	Months [12]Month
	Source Source
}

// String returns "Denver, Colorado, USA".
func (p Place) String() string {
	if p.Region == "" {
		return p.Name
	}
	return p.Name + ", " + p.Region
}

//go:embed places.csv
var placesCSV string

// Places returns every place with a typical year, sorted by region as shipped.
func Places() []Place {
	sources := map[string]Source{
		"TMY3": {
			Dataset: "TMY3", Licence: "public domain",
			Attribution: "Typical Meteorological Year 3, National Renewable Energy Laboratory (NREL)",
		},
		"NSRDB2019": {
			Dataset: "NSRDB 2019", Licence: "open, with attribution",
			Attribution: "National Solar Radiation Database (NSRDB), National Renewable Energy Laboratory (NREL), year 2019",
			Note:        "the weather is that of the one year 2019, a mild one in Europe: most years want more heat, and their coldest hours are colder",
		},
	}
	var list []Place
	for _, row := range embedded(placesCSV) {
		number := func(column int) float64 {
			x, err := strconv.ParseFloat(row[column], 64)
			if err != nil {
				panic(fmt.Sprintf("weather: places.csv: %s: %v", row[0], err))
			}
			return x
		}
		p := Place{
			Name: row[0], Region: row[1], Zone: row[2], Source: sources[row[3]],
			Location: heat.Location{Latitude: number(4), Longitude: number(5)},
			Offset:   time.Duration(number(6) * float64(time.Hour)),
			Design:   units.Celsius(number(7)),
		}
		for m := range p.Months {
			p.Months[m] = Month{
				Mean:   units.Celsius(number(8 + m)),
				Range:  units.Kelvin(number(20 + m)),
				Spread: units.Kelvin(number(32 + m)),
				Global: units.KilowattHours(number(44 + m)),
			}
		}
		list = append(list, p)
	}
	return list
}

// embedded returns the rows of a table of this package, without its heading.
func embedded(table string) [][]string {
	r := csv.NewReader(strings.NewReader(table))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		panic(fmt.Sprintf("climate: read an embedded table: %v", err))
	}
	return rows[1:]
}

// PlaceByName finds a place by its name, with or without its region, whatever
// the case and accents. An error names the places that come nearest.
func PlaceByName(name string) (Place, error) {
	want := plain(name)
	if want == "" {
		return Place{}, fmt.Errorf("find weather: the place is empty: give a name such as %q", "Oslo")
	}
	known := Places()
	for _, p := range known {
		if plain(p.Name) == want || plain(p.String()) == want {
			return p, nil
		}
	}
	type candidate struct {
		name     string
		distance int
	}
	var near []candidate
	for _, p := range known {
		have := plain(p.Name)
		d := spelling.Distance(want, have)
		if strings.HasPrefix(have, want) || strings.HasPrefix(want, have) {
			d = min(d, 1)
		}
		if d <= 1+len(want)/4 {
			near = append(near, candidate{p.Name, d})
		}
	}
	if len(near) == 0 {
		return Place{}, fmt.Errorf("find weather: no place is called %q: %s are known, among %d; an EPW file works for any place",
			name, "Denver, London, Oslo, Seattle and Vienna", len(known))
	}
	slices.SortStableFunc(near, func(a, b candidate) int { return a.distance - b.distance })
	var names []string
	for _, c := range near[:min(3, len(near))] {
		names = append(names, c.name)
	}
	return Place{}, fmt.Errorf("find weather: no place is called %q: did you mean %s?", name, strings.Join(names, " or "))
}

// plain strips a name of case, accents and punctuation.
func plain(s string) string {
	const accented, bare = "àáâãäåāăąçćčďèéêëēęěğìíîïīıłñńňòóôõöøōőřśšşťùúûüūůűýÿźżž", "aaaaaaaaacccdeeeeeeegiiiiiilnnnoooooooorssstuuuuuuuyyzzz"
	from := []rune(accented)
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		if i := slices.Index(from, r); i >= 0 {
			r = rune(bare[i])
		}
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

//go:embed zones.csv
var zonesCSV string

// chiefPlace returns where a time zone's chief place is.
func chiefPlace(zone string) (heat.Location, bool) {
	for _, row := range embedded(zonesCSV) {
		if row[0] != zone {
			continue
		}
		lat, err1 := strconv.ParseFloat(row[1], 64)
		lon, err2 := strconv.ParseFloat(row[2], 64)
		if err := errors.Join(err1, err2); err != nil {
			panic(fmt.Sprintf("weather: zones.csv: %s: %v", row[0], err))
		}
		return heat.Location{Latitude: lat, Longitude: lon}, true
	}
	return heat.Location{}, false
}

// PlaceForTimeZone returns the place whose climate is likeliest to be that of
// a home in the IANA time zone: near in latitude before all, then near. South
// of the equator it is a place as far north, so that the climate fits but the
// seasons are turned. A zone that is not in the table is placed by its offset
// from universal time, and one that is not known at all by that of Greenwich,
// at 45° north.
func PlaceForTimeZone(zone string) Place {
	at, ok := chiefPlace(zone)
	if !ok {
		at = heat.Location{Latitude: 45}
		if l, err := time.LoadLocation(zone); err == nil {
			_, winter := time.Date(2025, time.January, 15, 0, 0, 0, 0, l).Zone()
			_, summer := time.Date(2025, time.July, 15, 0, 0, 0, 0, l).Zone()
			at.Longitude = float64(min(winter, summer)) / 240 // 4 minutes of time for a degree
		}
	}
	at.Latitude = math.Abs(at.Latitude)
	return slices.MinFunc(Places(), func(p, q Place) int {
		return cmp.Compare(distance(p.Location, at), distance(q.Location, at))
	})
}

// distance tells how unlike two climates north of the equator are, in degrees
// of longitude there. That a degree of latitude counts for 2.5, and the tropic
// for a quarter of the world, is a judgement.
func distance(a, b heat.Location) float64 {
	const tropic = 23.44
	east := math.Abs(math.Remainder(a.Longitude-b.Longitude, 360))
	d := math.Hypot(2.5*(a.Latitude-b.Latitude), east*math.Cos((a.Latitude+b.Latitude)/2*math.Pi/180))
	if (a.Latitude < tropic) != (b.Latitude < tropic) {
		d += 90
	}
	return d
}
