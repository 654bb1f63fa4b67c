package generic_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"hearth/drivers/generic"
)

// The description in the package comment is one that the driver takes.
func TestTheExampleIsTaken(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(src)) {
		if entry, ok := strings.CutPrefix(line, "//\t    "); ok && !strings.HasPrefix(entry, "kind:") {
			lines = append(lines, entry)
		}
	}
	if len(lines) < 10 {
		t.Fatalf("no example in the package comment: %q", lines)
	}
	d, err := generic.New(nil).Open(t.Context(), describe(strings.Join(lines, "")), env(time.Now))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
