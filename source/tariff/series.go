package tariff

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/units"
)

// Series is prices with dates. It never changes and may be shared.
type Series struct {
	currency string
	slots    []slot
}

// slot is a price from an instant to another, in millionths per kWh.
type slot struct {
	from, to time.Time
	micros   int64
}

// mostSlots bounds a file: more than twenty years of quarter hours.
const mostSlots = 800_000

// Currency returns the ISO 4217 code of the prices.
func (s *Series) Currency() string { return s.currency }

// At returns the price at the instant t; unknown before, after and in gaps.
func (s *Series) At(t time.Time) units.Known[units.Price] {
	i, exact := slices.BinarySearchFunc(s.slots, t, func(e slot, t time.Time) int { return e.from.Compare(t) })
	if !exact {
		i--
	}
	const format = "2006-01-02 15:04 UTC"
	switch {
	case i < 0:
		return units.Unknown[units.Price]("prices are known from "+s.slots[0].from.UTC().Format(format)+" on only", t)
	case t.Before(s.slots[i].to):
		return units.Know(units.Price{PerKWh: units.Money{Micros: s.slots[i].micros, Currency: s.currency}}, t, units.Chosen)
	case i == len(s.slots)-1:
		return units.Unknown[units.Price]("prices are known until "+s.slots[i].to.UTC().Format(format)+" only", t)
	}
	return units.Unknown[units.Price](fmt.Sprintf("prices have a gap from %s to %s", s.slots[i].to.UTC().Format(format), s.slots[i+1].from.UTC().Format(format)), t)
}

// ReadCSV reads prices from comma-separated values such as
//
//	start,EUR/MWh
//	2026-10-25T02:45:00+02:00,-1.20
//	2026-10-25T02:00:00+01:00,0.35
//
// The second heading is the unit: a currency per kWh or per MWh. Times are
// RFC 3339 with their zone, so that the days of clock changes with their 92
// and 100 quarters are plain; they go forward. A price holds for a quarter,
// half or full hour: the shortest time between two rows of the file. Where
// that is not right, as in a file that changes from hours to quarters, a third
// column named end says until when. A slot that is left out, or whose price is
// empty, is unknown. What cannot be read is refused by line.
func ReadCSV(r io.Reader) (*Series, error) {
	rows := csv.NewReader(r)
	rows.Comment = '#'
	rows.TrimLeadingSpace = true
	rows.ReuseRecord = true
	heading, err := rows.Read()
	if err != nil {
		return nil, fmt.Errorf("heading: %w", err)
	}
	currency, scale, err := headings(heading)
	if err != nil {
		return nil, fmt.Errorf("heading: %w", err)
	}
	s := &Series{currency: currency}
	unpriced := map[time.Time]bool{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil { // names the line itself
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		if len(s.slots) == mostSlots {
			return nil, fmt.Errorf("line %d: there are more than %d rows", line, mostSlots)
		}
		e, known, err := readSlot(row, scale)
		if err == nil && len(s.slots) > 0 {
			switch last := s.slots[len(s.slots)-1]; {
			case !e.from.After(last.from):
				err = fmt.Errorf("%s is not after the row before", e.from.Format(time.RFC3339))
			case e.from.Before(last.to):
				err = fmt.Errorf("%s is before the end of the row before", e.from.Format(time.RFC3339))
			}
		}
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", line, err)
		}
		if !known {
			unpriced[e.from] = true
		}
		s.slots = append(s.slots, e)
	}
	if len(unpriced) == len(s.slots) {
		return nil, errors.New("there are no prices")
	}
	if len(heading) == 2 {
		if err := s.ends(); err != nil {
			return nil, err
		}
	}
	s.slots = slices.DeleteFunc(s.slots, func(e slot) bool { return unpriced[e.from] })
	return s, nil
}

func headings(heading []string) (currency string, scale float64, err error) {
	column := make([]string, len(heading))
	for i, h := range heading {
		column[i] = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
	}
	if len(column) < 2 || len(column) > 3 || column[0] != "start" || len(column) == 3 && column[2] != "end" {
		return "", 0, fmt.Errorf("%q: want %q or %q", strings.Join(column, ","), "start,EUR/kWh", "start,EUR/MWh,end")
	}
	currency, per, _ := strings.Cut(column[1], "/")
	scale, ok := map[string]float64{"kWh": 1e6, "MWh": 1e3}[per]
	var check units.Price
	if !ok || check.UnmarshalText([]byte("1 "+currency+"/kWh")) != nil {
		return "", 0, fmt.Errorf("%q is not a price's unit: write it as %q or %q", column[1], "EUR/kWh", "EUR/MWh")
	}
	return currency, scale, nil
}

func readSlot(row []string, scale float64) (e slot, known bool, err error) {
	if e.from, err = instant(row[0]); err != nil {
		return e, false, err
	}
	if len(row) == 3 {
		if e.to, err = instant(row[2]); err != nil {
			return e, false, err
		}
		if length := e.to.Sub(e.from); length <= 0 || length > 366*24*time.Hour {
			return e, false, fmt.Errorf("the price ends %s after it starts", length)
		}
	}
	text := strings.TrimSpace(row[1])
	if text == "" {
		return e, false, nil
	}
	price, err := strconv.ParseFloat(text, 64)
	if err != nil || !(math.Abs(price*scale) < 1e12) {
		return e, false, fmt.Errorf("price is %q, not a number such as 0.25", text)
	}
	e.micros = int64(math.Round(price * scale))
	return e, true, nil
}

func instant(s string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339, strings.TrimSpace(s))
	if err != nil {
		return t, fmt.Errorf("time %q: write it as 2026-01-31T15:00:00+01:00", s)
	}
	return t, nil
}

// ends gives every slot the shortest distance between two.
func (s *Series) ends() error {
	length := time.Hour
	for i := 1; i < len(s.slots); i++ {
		length = min(length, s.slots[i].from.Sub(s.slots[i-1].from))
	}
	if length != time.Hour && length != 30*time.Minute && length != 15*time.Minute {
		return fmt.Errorf("prices lie %s apart, want quarter, half or full hours", length)
	}
	for i := range s.slots {
		s.slots[i].to = s.slots[i].from.Add(length)
	}
	return nil
}
