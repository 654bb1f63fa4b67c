package main

import (
	"bytes"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"hearth/config"
)

// TestGuideSatSharing holds the guide to sat sharing to the program: its files
// are good, each of its commands is one, and what the checks say in it is what
// they say. The way from contract to payout itself is played in hearth/pool.
func TestGuideSatSharing(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guide/sat-sharing.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("node-password", "farm")
	node := httptest.NewTLSServer(nil)
	node.Close()
	if err := os.Mkdir("chain", 0o700); err != nil {
		t.Fatal(err)
	}
	write("chain/rpc.cert", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: node.Certificate().Raw})))
	files, commands, quotes := 0, 0, 0
	for _, b := range blocks(string(guide)) {
		kind, name, _ := strings.Cut(b.kind, " ")
		switch kind {
		case "yaml":
			if name == "" {
				name = "section.yaml"
			}
			write(name, b.text)
			files++
			if strings.HasPrefix(b.text, "agreement: 1") {
				guideRun(t, "hearth pool check-agreement "+name)
				continue
			}
			f, err := config.Load(name)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := poolConfig(f); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case "sh":
			said := ""
			for line := range strings.SplitSeq(strings.ReplaceAll(b.text, "\\\n", " "), "\n") {
				typed, prompt := strings.CutPrefix(line, "$ ")
				line = unwrapped(line)
				switch {
				case strings.HasPrefix(typed, "hearth "):
					commands++
					guideParse(t, typed)
					said = ""
					if strings.HasPrefix(typed, "hearth check ") || strings.HasPrefix(typed, "hearth pool check-agreement ") {
						said = unwrapped(guideRun(t, typed))
					}
				case prompt:
					said = ""
				case said != "" && line != "" && line != "…":
					quotes++
					if !strings.Contains(said, line) {
						t.Errorf("the guide says\n\t%s\nbut the command does not:\n%s", line, said)
					}
				}
			}
		}
	}
	if files < 4 || commands < 17 || quotes < 15 {
		t.Errorf("%d files, %d commands and %d quotes found in the guide", files, commands, quotes)
	}
}

// guideParse refuses a command line that the program does not know.
func guideParse(t *testing.T, typed string) {
	t.Helper()
	parser, err := kong.New(new(cli), kong.Name("hearth"), kong.Vars{"data": t.TempDir(), "url": defaultURL})
	if err != nil {
		t.Fatal(err)
	}
	command, _, _ := strings.Cut(typed, " #")
	if _, err := parser.Parse(words(command)[1:]); err != nil {
		t.Errorf("%s: %v", typed, err)
	}
}

// guideRun runs a command of the guide and returns what it printed.
func guideRun(t *testing.T, typed string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := (&program{ctx: t.Context(), out: &out, err: &errs}).run(words(typed)[1:]); code != 0 {
		t.Errorf("%s\nexit code %d: %s", typed, code, &errs)
	}
	return out.String()
}
