package tariff

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Season is a part of the year, its first and last day included. It may span
// new year. The zero Season is the whole year.
type Season struct {
	from, to int // month × 32 + day
}

// Has reports whether the season has the date.
func (s Season) Has(month time.Month, day int) bool {
	date := int(month)*32 + day
	switch {
	case s == Season{}:
		return true
	case s.from <= s.to:
		return date >= s.from && date <= s.to
	}
	return date >= s.from || date <= s.to
}

// UnmarshalText reads "nov-mar", for whole months, or "15 oct - 14 apr".
func (s *Season) UnmarshalText(b []byte) error {
	bad := fmt.Errorf("season %q: write it as \"nov-mar\" or \"15 oct - 14 apr\"", b)
	from, to, ok := strings.Cut(strings.ToLower(string(b)), "-")
	if !ok {
		return bad
	}
	var ok1, ok2 bool
	if s.from, ok1 = date(from, 1); !ok1 {
		return bad
	}
	if s.to, ok2 = date(to, 31); !ok2 {
		return bad
	}
	return nil
}

// date reads "15 oct" or "oct", which stands for its given day.
func date(s string, day int) (int, bool) {
	fields := strings.Fields(s)
	if len(fields) == 2 {
		n, err := strconv.Atoi(fields[0])
		if err != nil || n < 1 || n > 31 {
			return 0, false
		}
		day, fields = n, fields[1:]
	}
	if len(fields) != 1 || len(fields[0]) < 3 {
		return 0, false
	}
	for m := time.January; m <= time.December; m++ {
		if strings.HasPrefix(strings.ToLower(m.String()), fields[0]) {
			return int(m)*32 + day, true
		}
	}
	return 0, false
}
