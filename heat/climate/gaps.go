package climate

import (
	"fmt"
	"math"
	"time"
)

// longestGap is how many hours in a row may be unknown in weather that is
// read. A straight line over so short a time hardly changes a year's heat;
// over a longer one it would make up weather that was not.
const longestGap = 6

// unknown returns a value that is not there.
func unknown() float32 { return float32(math.NaN()) }

// record is a year as it is read: some hours may be unknown.
type record struct {
	hours []hour
	lines []int // where each hour stands, or the line before which it is missing
	named [3]string
}

func newRecord(temperature, direct, diffuse string) *record {
	r := &record{
		hours: make([]hour, hoursInYear), lines: make([]int, hoursInYear),
		named: [3]string{temperature, direct, diffuse},
	}
	for i := range r.hours {
		r.hours[i] = hour{unknown(), unknown(), unknown()}
	}
	return r
}

// missing says that the hours from the index on, up to before the index next,
// are not in the file, as the given line shows.
func (r *record) missing(from, next, line int) {
	for i := from; i < next; i++ {
		r.lines[i] = line
	}
}

// at returns a value of an hour, by its place in the names.
func (h *hour) at(column int) *float32 {
	return [...]*float32{&h.temperature, &h.direct, &h.diffuse}[column]
}

// fill joins the ends of every short gap by a straight line, the last hour of
// the year before the first, and returns how many hours it made up. A gap of
// more than [longestGap] hours is refused, with the line where it begins.
func (r *record) fill() (filled int, err error) {
	touched := make([]bool, hoursInYear)
	for column := range r.named {
		known := -1
		for i := range r.hours {
			if !isUnknown(*r.hours[i].at(column)) {
				known = i
			}
		}
		if known < 0 {
			return 0, fmt.Errorf("the %s is unknown in every hour", r.named[column])
		}
		// From the last known hour on, once around the year.
		for i := 1; i <= hoursInYear; i++ {
			start := (known + i) % hoursInYear
			if !isUnknown(*r.hours[start].at(column)) {
				continue
			}
			length := 1
			for isUnknown(*r.hours[(start+length)%hoursInYear].at(column)) {
				length++
			}
			if length > longestGap {
				return 0, fmt.Errorf("line %d: the %s is unknown for %d hours from %s on: gaps of up to %d hours are filled, longer ones have to be filled by somebody who knows the place",
					r.lines[start], r.named[column], length, hourName(start), longestGap)
			}
			before := *r.hours[(start+hoursInYear-1)%hoursInYear].at(column)
			after := *r.hours[(start+length)%hoursInYear].at(column)
			for k := range length {
				share := float32(k+1) / float32(length+1)
				at := (start + k) % hoursInYear
				*r.hours[at].at(column) = before + (after-before)*share
				touched[at] = true
			}
			i += length - 1
		}
	}
	for _, t := range touched {
		if t {
			filled++
		}
	}
	return filled, nil
}

func isUnknown(x float32) bool { return x != x }

// hourName returns "1 March, 05:00", when the hour of a year begins.
func hourName(index int) string {
	return time.Date(2025, time.January, 1, index, 0, 0, 0, time.UTC).Format("2 January, 15:04")
}

// hourIndex returns which hour of a year without a leap day begins at the
// given hour of a day, and false for a date or hour that there is not.
func hourIndex(month, day, hour int) (int, bool) {
	t := time.Date(2025, time.Month(month), day, hour, 0, 0, 0, time.UTC)
	if hour < 0 || hour > 23 || int(t.Month()) != month || t.Day() != day {
		return 0, false
	}
	return (t.YearDay()-1)*24 + hour, true
}
