package agreement_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"hearth/pool/agreement"
)

const examples = "../../docs/agreements"

func TestExamples(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(examples, "*.yaml"))
	if err != nil || len(files) != 3 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		a, err := agreement.Parse(text)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		t.Log(strings.Join(a.Sentences(), "\n"))
	}
}
