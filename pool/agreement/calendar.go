package agreement

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Date is a day.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// String prints "2026-10-01".
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, d.Month, d.Day) }

// MarshalText implements [encoding.TextMarshaler]; the zero Date is empty.
func (d Date) MarshalText() ([]byte, error) {
	if d.IsZero() {
		return nil, nil
	}
	return []byte(d.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Date) UnmarshalText(b []byte) (err error) {
	*d = Date{}
	if len(b) > 0 {
		*d, err = parseDate(string(b))
	}
	return err
}

// IsZero reports whether there is no date.
func (d Date) IsZero() bool { return d == Date{} }

// In returns the first instant of the day at a place.
func (d Date) In(loc *time.Location) time.Time {
	return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, loc)
}

// next returns the day after.
func (d Date) next() Date { return dateOf(time.Date(d.Year, d.Month, d.Day+1, 0, 0, 0, 0, time.UTC)) }

// prior returns the day before.
func (d Date) prior() Date { return dateOf(time.Date(d.Year, d.Month, d.Day-1, 0, 0, 0, 0, time.UTC)) }

func (d Date) before(e Date) bool {
	if d.Year != e.Year {
		return d.Year < e.Year
	}
	return Day{d.Month, d.Day}.ordinal() < Day{e.Month, e.Day}.ordinal()
}

// later returns the later of two dates.
func later(d, e Date) Date {
	if d.before(e) {
		return e
	}
	return d
}

func dateOf(t time.Time) Date {
	y, m, d := t.Date()
	return Date{y, m, d}
}

// parseDate reads "2026-10-01".
func parseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil || t.Year() < 2009 || t.Year() > 2200 {
		return Date{}, fmt.Errorf("%q is not a date: write it as 2026-10-01", s)
	}
	return dateOf(t), nil
}

// Day is a day of every year.
type Day struct {
	Month time.Month
	Day   int
}

// String prints "1 October".
func (d Day) String() string { return fmt.Sprintf("%d %s", d.Day, d.Month) }

func (d Day) ordinal() int { return int(d.Month)*32 + d.Day }

// parseDay reads "1 October".
func parseDay(s string) (Day, error) {
	bad := fmt.Errorf("%q is not a day of the year: write it as 1 October", s)
	number, name, ok := strings.Cut(s, " ")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || strconv.Itoa(n) != number {
		return Day{}, bad
	}
	for m := time.January; m <= time.December; m++ {
		if !strings.EqualFold(m.String(), name) {
			continue
		}
		// 29 February is a day of some years.
		if last := time.Date(2028, m+1, 0, 0, 0, 0, 0, time.UTC).Day(); n < 1 || n > last {
			return Day{}, fmt.Errorf("%q: %s has %d days", s, m, last)
		}
		return Day{m, n}, nil
	}
	return Day{}, bad
}

// Span is a part of every year: both days belong to it. Where From comes after
// To it lies over the turn of the year. A span that begins on 29 February begins
// on 1 March in years without it, and one that ends there ends on the 28th.
type Span struct{ From, To Day }

// Has reports whether a day of some year is in the span.
func (s Span) Has(d Date) bool {
	at, from, to := Day{d.Month, d.Day}.ordinal(), s.From.ordinal(), s.To.ordinal()
	if from <= to {
		return at >= from && at <= to
	}
	return at >= from || at <= to
}

// String prints "1 October to 30 April".
func (s Span) String() string { return s.From.String() + " to " + s.To.String() }

// month is a month of a year at a place: what monthly amounts count in.
type month struct {
	year  int
	month time.Month
}

func monthOf(d Date) month { return month{d.Year, d.Month} }

// length is how long the month is at a place, where clocks are put forward and
// back.
func (m month) length(loc *time.Location) time.Duration {
	return Date{m.year, m.month + 1, 1}.In(loc).Sub(Date{m.year, m.month, 1}.In(loc))
}
