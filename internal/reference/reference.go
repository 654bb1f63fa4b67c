package reference

import (
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// Years of weather, NREL TMY3 in EnergyPlus' format.
const (
	Denver  = "USA_CO_Denver.Intl.AP.725650_TMY3"         // the site of ASHRAE 140
	Duluth  = "USA_MN_Duluth.Intl.AP.727450_TMY3"         // very cold
	Seattle = "USA_WA_Seattle-Tacoma.Intl.AP.727930_TMY3" // mild and cloudy
)

// Weather opens a year of weather for the length of a test. Where the data are
// not there the test is skipped, but with CI=true it fails: a validation that
// nobody runs is none.
func Weather(t testing.TB, name string) io.Reader {
	t.Helper()
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(root, "..", "shared", "reference", "data", "weather", name+".epw.gz"))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("in CI the reference weather must be there: %v", err)
		}
		t.Skipf("the reference weather %s is not here: %v", name, err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("reference weather %s: %v", name, err)
	}
	return z
}

// moduleRoot walks up from where the test runs to the folder with go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", fmt.Errorf("find the module: no go.mod above the test")
		}
		dir = parent
	}
}
