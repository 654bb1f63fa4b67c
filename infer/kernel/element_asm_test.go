package kernel

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The generator of the assembly writes above each function which extensions
// its instructions come from. What its operands are it does not say: a register
// beyond the 16th needs AVX-512 whatever the instruction.
func TestAssemblyUsesNothingItsLevelDoesNotPromise(t *testing.T) {
	for _, c := range []struct {
		files   string
		promise []string
		beyond  *regexp.Regexp
	}{
		{"*_avx2_amd64.s", []string{"CMOV", "MMX+", "SSE2", "AVX", "AVX2"}, regexp.MustCompile(`\b(Z\d+|K\d|[XY](1[6-9]|2\d|3[01]))\b`)},
		{"*_avxvnni_amd64.s", []string{"CMOV", "MMX+", "SSE2", "AVX", "AVX2", "AVXVNNI"}, regexp.MustCompile(`\b(Z\d+|K\d|[XY](1[6-9]|2\d|3[01]))\b`)},
		{"*_avx512_amd64.s", []string{
			"CMOV", "MMX+", "SSE2", "AVX", "AVX2", "AVX512F", "AVX512BW", "AVX512DQ", "AVX512VL", "AVX512VBMI", "AVX512VNNI",
		}, nil},
	} {
		files, err := filepath.Glob(c.files)
		if err != nil || len(files) == 0 {
			t.Fatalf("no files %s: %v", c.files, err)
		}
		promised := map[string]bool{}
		for _, p := range c.promise {
			promised[p] = true
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			functions, told := 0, 0
			for n, line := range strings.Split(string(text), "\n") {
				if strings.HasPrefix(line, "TEXT ") {
					functions++
				}
				if needs, ok := strings.CutPrefix(line, "// Requires: "); ok {
					told++
					for need := range strings.SplitSeq(needs, ", ") {
						if !promised[need] {
							t.Errorf("%s:%d: needs %s", file, n+1, need)
						}
					}
				}
				if c.beyond != nil && !strings.HasPrefix(line, "//") && c.beyond.MatchString(line) {
					t.Errorf("%s:%d: %s", file, n+1, strings.TrimSpace(line))
				}
			}
			if functions == 0 || told != functions {
				t.Errorf("%s tells of %d functions of %d what they need", file, told, functions)
			}
		}
	}
}
