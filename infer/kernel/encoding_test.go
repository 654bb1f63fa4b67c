package kernel

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Go's assembler cannot write VPDPBUSD as processors without AVX-512 read it, so
// the generator writes the bytes itself. Somebody else's disassembler must read
// in them what the comments above them say.
func TestEncodedBytesAreWhatTheirCommentsSay(t *testing.T) {
	objdump, err := exec.LookPath("objdump")
	if err != nil {
		t.Skip("this computer has no objdump (binutils) to read machine code with")
	}
	text, err := os.ReadFile("product_avxvnni_amd64.s")
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	var code []byte
	operands := regexp.MustCompile(`// \{vex\} VPDPBUSD (Y\d+), (Y\d+), (Y\d+)$`)
	literal := regexp.MustCompile(`^\s+(?:LONG|BYTE)\s+\$0x([0-9a-f]+)$`)
	for line := range strings.SplitSeq(string(text), "\n") {
		if m := operands.FindStringSubmatch(line); m != nil {
			said = append(said, strings.Join(m[1:], ","))
		} else if m := literal.FindStringSubmatch(line); m != nil {
			b, err := hex.DecodeString(m[1])
			if err != nil {
				t.Fatal(err)
			}
			slices.Reverse(b) // least significant first
			code = append(code, b...)
		}
	}
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), objdump, "-D", "-b", "binary", "-m", "i386:x86-64", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	var read []string
	instruction := regexp.MustCompile(`^\s*[0-9a-f]+:(?:\s[0-9a-f]{2})+\s+(.*)$`)
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		if m := instruction.FindStringSubmatch(lines.Text()); m != nil {
			rest, ok := strings.CutPrefix(m[1], "{vex} vpdpbusd ")
			if !ok {
				t.Fatalf("instruction %d reads %q", len(read), m[1])
			}
			read = append(read, strings.ToUpper(strings.ReplaceAll(rest, "%ymm", "Y")))
		}
	}
	if len(said) == 0 || !slices.Equal(read, said) {
		t.Errorf("%d instructions are\n%v, the comments say\n%v", len(read), read, said)
	}
}
