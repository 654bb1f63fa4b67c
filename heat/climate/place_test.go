package climate_test

import (
	"strings"
	"testing"
	"time"

	"hearth/heat/climate"
)

func TestPlaceByName(t *testing.T) {
	for give, want := range map[string]string{
		"Oslo": "Oslo", "oslo": "Oslo", " VIENNA ": "Vienna", "malaga": "Málaga", "Málaga": "Málaga",
		"St Louis": "St. Louis", "new york": "New York", "Denver, Colorado, USA": "Denver", "Belgrade": "Belgrade",
	} {
		p, err := climate.PlaceByName(give)
		if err != nil || p.Name != want {
			t.Errorf("%q is %q (%v), want %q", give, p.Name, err, want)
		}
	}
	for give, hint := range map[string]string{
		"Denvr": "Denver", "Viena": "Vienna", "Belgrad": "Belgrade", "colorado": "Colorado Springs", "Timbuktu": "EPW", "": "empty", "!!": "empty",
	} {
		if _, err := climate.PlaceByName(give); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: error is %v, want a hint at %q", give, err, hint)
		}
	}
}

func TestPlacesAreFitToShow(t *testing.T) {
	places := climate.Places()
	if len(places) != 52 {
		t.Errorf("%d places, want 52", len(places))
	}
	seen := map[string]bool{}
	for _, p := range places {
		if seen[p.Name] {
			t.Errorf("two places are called %s", p.Name)
		}
		seen[p.Name] = true
		if p.Source.Licence == "" || !strings.Contains(p.Source.Attribution, "NREL") {
			t.Errorf("%s does not say where it comes from: %+v", p, p.Source)
		}
		if p.Region == "" || strings.ContainsAny(p.Name, "_0123456789") || strings.Contains(p.Name, " Ap") {
			t.Errorf("%q, %q is no name to show", p.Name, p.Region)
		}
		if l, err := time.LoadLocation(p.Zone); err != nil {
			t.Errorf("%s: %v", p, err)
		} else if _, offset := time.Date(2025, time.January, 15, 0, 0, 0, 0, l).Zone(); time.Duration(offset)*time.Second != p.Offset {
			t.Errorf("%s is %v from UTC in winter, its zone says %d s", p, p.Offset, offset)
		}
	}
	places[0].Name = "changed"
	if climate.Places()[0].Name == "changed" {
		t.Error("the table can be changed from outside")
	}
}

func TestPlaceForTimeZone(t *testing.T) {
	for zone, want := range map[string]string{
		"Europe/Oslo": "Oslo", "Europe/Berlin": "Potsdam", "Europe/London": "London", "Europe/Zurich": "Ljubljana", "Europe/Brussels": "Brussels",
		"Europe/Lisbon": "Málaga", "Europe/Madrid": "Málaga", "Europe/Helsinki": "Stockholm", "Europe/Moscow": "Warsaw",
		"America/New_York": "New York", "America/Denver": "Denver", "America/Chicago": "Chicago", "America/Detroit": "Detroit",
		"Pacific/Guam": "Andersen", "Pacific/Honolulu": "Honolulu", "Asia/Nicosia": "Nicosia",
		"Australia/Sydney": "San Francisco", // as far from the equator
		"Asia/Tokyo":       "Portland",      // not Guam, though that is nearer
		"Etc/GMT-1":        "Ljubljana", "EST": "Burlington",
	} {
		if got := climate.PlaceForTimeZone(zone); got.Name != want {
			t.Errorf("%s gets the weather of %s, want %s", zone, got, want)
		}
	}
	for _, zone := range []string{"", "Local", "UTC", "Mars/Olympus_Mons", "../../etc/passwd", "\x00"} {
		if got := climate.PlaceForTimeZone(zone); got.Name == "" {
			t.Errorf("%q gets no weather", zone)
		}
	}
}
