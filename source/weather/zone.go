package weather

import (
	"os"
	"path/filepath"
	"strings"
	"time"
)

// LocalTimeZone returns the IANA name of this computer's time zone as far as
// it can be found out: from TZ, from the link /etc/localtime, or from
// /etc/timezone; "Local" where none tells. [hearth/heat/climate.PlaceForTimeZone] takes any of them.
func LocalTimeZone() string {
	if name := strings.TrimPrefix(os.Getenv("TZ"), ":"); name != "" {
		return name
	}
	if name := time.Local.String(); name != "Local" {
		return name
	}
	if link, err := os.Readlink("/etc/localtime"); err == nil {
		if _, name, ok := strings.Cut(filepath.ToSlash(link), "zoneinfo/"); ok {
			return name
		}
	}
	if b, err := os.ReadFile("/etc/timezone"); err == nil && len(b) < 100 {
		if name := strings.TrimSpace(string(b)); name != "" {
			return name
		}
	}
	return "Local"
}
