package brief

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// unit is one that a figure may be written in, and how many of the key's own
// unit it is.
type unit struct {
	name   string
	factor float64
}

// measure is a kind of figure: its own unit, in which bare numbers are, other
// units, and what it may be.
type measure struct {
	own         string
	others      []unit
	least, most float64
	// offset is set for temperatures in °F.
	fahrenheit bool
	// strict figures need their unit: 0.9 could be 90 % or 0.9 %.
	strict bool
	// whole figures count what has no halves.
	whole   bool
	example string
}

func area(least, most float64) measure {
	return measure{own: "m²", others: []unit{{"m2", 1}, {"ft²", 0.09290304}, {"ft2", 0.09290304}, {"sqft", 0.09290304}}, least: least, most: most, example: "140 m²"}
}

func watts(least, most float64) measure {
	return measure{own: "W", others: []unit{{"kW", 1000}, {"MW", 1e6}}, least: least, most: most, example: "1700 W"}
}

func kilowatts(least, most float64) measure {
	return measure{own: "kW", others: []unit{{"W", 0.001}, {"MW", 1000}}, least: least, most: most, example: "50 kW"}
}

func celsius(least, most float64) measure {
	return measure{own: "°C", others: []unit{{"C", 1}}, fahrenheit: true, least: least, most: most, example: "20 °C"}
}

func share(least, most float64) measure {
	return measure{own: "%", least: least, most: most, strict: true, example: "90 %"}
}

func transmittance() measure {
	// 1 Btu/h·ft²·°F is 5.678263 W/m²K.
	return measure{own: "W/m²K", others: []unit{{"W/m2K", 1}, {"W/(m²K)", 1}, {"W/(m2K)", 1}, {"BTU/hft²F", 5.678263}, {"BTU/hft2F", 5.678263}}, least: 0.05, most: 8, example: "0.8 W/m²K"}
}

func whole(name string, least, most float64) measure {
	return measure{own: name, least: least, most: most, whole: true, example: "4"}
}

func count(name string, least, most float64) measure {
	return measure{own: name, least: least, most: most, example: "4"}
}

// read returns a figure in the measure's own unit.
func (m measure) read(s string) (float64, error) {
	if strings.Contains(s, ",") {
		return 0, fmt.Errorf("%q: write decimals with a point and thousands without a sign, as in %q", s, m.example)
	}
	number, name := split(s)
	if number == "" {
		return 0, fmt.Errorf("%q is not a figure: write it as %q", s, m.example)
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, fmt.Errorf("%q is not a figure: write it as %q", s, m.example)
	}
	switch {
	case name == "" && m.strict:
		return 0, fmt.Errorf("%q has no unit: write it as %q", s, m.example)
	case m.fahrenheit && (name == "°F" || name == "F"):
		v = (v - 32) / 1.8
	case name != "" && !same(name, m.own):
		found := false
		for _, u := range m.others {
			if same(name, u.name) {
				v, found = v*u.factor, true
				break
			}
		}
		if !found {
			return 0, fmt.Errorf("%q: %q is not a unit for this: write it as %q", s, name, m.example)
		}
	}
	if !(v >= m.least && v <= m.most) {
		return 0, fmt.Errorf("%s cannot be: it must be from %g to %g %s", s, m.least, m.most, m.own)
	}
	if m.whole && v != math.Trunc(v) {
		return 0, fmt.Errorf("%s cannot be: write a whole number, such as %q", s, m.example)
	}
	return v, nil
}

// same compares units, whatever the spaces within.
func same(a, b string) bool { return a == strings.ReplaceAll(b, " ", "") }

// split parts a figure from its unit: "0.12 USD/kWh", "$900", "5 %".
func split(s string) (number, name string) {
	s = strings.NewReplacer(" ", "", "\u00a0", "", "\u202f", "", "_", "").Replace(s)
	for _, sign := range [...]string{"$", "€", "£"} {
		if rest, ok := strings.CutPrefix(s, sign); ok {
			n, tail := split(rest)
			return n, sign + tail
		}
	}
	end := 0
	for end < len(s) {
		c := s[end]
		if c >= '0' && c <= '9' || c == '.' || (c == '-' || c == '+') && (end == 0 || s[end-1] == 'e') ||
			c == 'e' && end > 0 && end+1 < len(s) && (s[end+1] == '-' || s[end+1] == '+' || s[end+1] >= '0' && s[end+1] <= '9') {
			end++
			continue
		}
		break
	}
	return s[:end], s[end:]
}

// currency reads the currency at the beginning of a unit: "USD/kWh", "ct/kWh",
// "$/therm". Hundredths are those of the currency of the plan.
func currency(name, own string) (code, rest string, factor float64) {
	for _, sign := range [...]struct {
		sign, code string
		factor     float64
	}{{"US$", "USD", 1}, {"$", "USD", 1}, {"€", "EUR", 1}, {"£", "GBP", 1}, {"¢", own, 0.01}, {"ct", own, 0.01}, {"cents", own, 0.01}, {"p/", "GBP", 0.01}} {
		if rest, ok := strings.CutPrefix(name, sign.sign); ok {
			if sign.sign == "p/" {
				rest = "/" + rest
			}
			return sign.code, rest, sign.factor
		}
	}
	if len(name) >= 3 && strings.IndexFunc(name[:3], func(r rune) bool { return r < 'A' || r > 'Z' }) < 0 {
		return name[:3], name[3:], 1
	}
	return own, name, 1
}

// money reads an amount or a price. per are the units after the slash with
// what one of them is of the plan's own unit; none for an amount.
type money struct {
	currency  string  // of the plan
	perDollar float64 // 0 where it is not known yet
	per       []unit
	least     float64
	most      float64
	example   string
}

func (m money) read(s string) (float64, error) {
	if strings.Contains(s, ",") {
		return 0, fmt.Errorf("%q: write decimals with a point and thousands without a sign, as in %q", s, m.example)
	}
	number, name := split(s)
	v, err := strconv.ParseFloat(number, 64)
	if number == "" || err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		return 0, fmt.Errorf("%q is not a figure: write it as %q", s, m.example)
	}
	code, rest, factor := currency(name, m.currency)
	v *= factor
	switch {
	case code == m.currency:
	case code == "USD" && m.perDollar > 0:
		v *= m.perDollar
	default:
		return 0, fmt.Errorf("%q is in %s, but the plan is in %s: convert it, or say \"currency: %s\"", s, code, m.currency, code)
	}
	if rest != "" || factor != 1 && len(m.per) > 0 {
		after, isPer := strings.CutPrefix(rest, "/")
		found := len(m.per) == 0 && rest == ""
		for _, u := range m.per {
			if isPer && same(after, u.name) {
				v, found = v/u.factor, true
				break
			}
		}
		if !found {
			return 0, fmt.Errorf("%q: %q is not a unit for this: write it as %q", s, name, m.example)
		}
	}
	if v < m.least {
		if m.least == 0 {
			return 0, fmt.Errorf("%s is below zero, which cannot be", s)
		}
		return 0, fmt.Errorf("%s cannot be: it must be at least %g", s, m.least)
	}
	if v > m.most {
		return 0, fmt.Errorf("%s cannot be: it must be at most %g %s", s, m.most, m.currency)
	}
	return v, nil
}
