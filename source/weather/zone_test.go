package weather_test

import (
	"testing"

	"hearth/source/weather"
)

func TestLocalTimeZoneFollowsTZ(t *testing.T) {
	t.Setenv("TZ", ":Europe/Oslo")
	if got := weather.LocalTimeZone(); got != "Europe/Oslo" {
		t.Errorf("the time zone is %q", got)
	}
	t.Setenv("TZ", "")
	if got := weather.LocalTimeZone(); got == "" {
		t.Error("the time zone has no name at all")
	}
}
