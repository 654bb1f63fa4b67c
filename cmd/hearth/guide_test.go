package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestGuideWouldItPay types the commands of the guide to the planner. What the
// guide quotes of their output must be in it: its figures are those that the
// program prints.
func TestGuideWouldItPay(t *testing.T) {
	guide, err := os.ReadFile("../../docs/guide/would-it-pay.md")
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir()) // pictures are written here
	var printed string
	commands, quotes := 0, 0
	quoted := func(s string) {
		if s = unwrapped(s); s == "" || s == "…" {
			return
		}
		quotes++
		if !strings.Contains(printed, s) {
			t.Errorf("the guide says\n\t%s\nbut the last command before it does not", s)
		}
	}
	for _, b := range blocks(string(guide)) {
		command := strings.ReplaceAll(b.text, "\\\n", " ")
		switch {
		case b.kind == "sh" && strings.HasPrefix(command, "hearth plan") && !strings.Contains(command, ".yaml"):
			var out, errs bytes.Buffer
			args := words(strings.TrimSpace(command))
			if code := (&program{ctx: t.Context(), out: &out, err: &errs}).run(args[1:]); code != 0 {
				t.Fatalf("%s\nexit code %d: %s", command, code, &errs)
			}
			printed = unwrapped(out.String())
			commands++
		case b.kind == ">":
			for sentence := range strings.SplitSeq(b.text, "\n\n") {
				quoted(sentence)
			}
		case b.kind == "text":
			for line := range strings.SplitSeq(b.text, "\n") {
				quoted(line)
			}
		}
	}
	if commands < 6 || quotes < 50 {
		t.Errorf("%d commands and %d quotes found in the guide", commands, quotes)
	}
}

// block is one of code, with its language, or a quote, ">".
type block struct{ kind, text string }

func blocks(markdown string) []block {
	var list []block
	var kind string
	for line := range strings.SplitSeq(markdown, "\n") {
		fence, isFence := strings.CutPrefix(line, "```")
		quote, isQuote := strings.CutPrefix(line, ">")
		if kind == ">" && !isQuote {
			kind = ""
		}
		switch {
		case isFence && kind != "":
			kind = ""
		case isFence:
			kind = fence
			list = append(list, block{kind: kind})
		case isQuote && kind == "":
			kind = ">"
			list = append(list, block{kind, strings.TrimSpace(quote) + "\n"})
		case isQuote && kind == ">":
			list[len(list)-1].text += strings.TrimSpace(quote) + "\n"
		case kind != "":
			list[len(list)-1].text += line + "\n"
		}
	}
	return list
}

// words parts a command line as a shell does where only double quotes are used.
func words(command string) []string {
	var list []string
	for _, m := range regexp.MustCompile(`"([^"]*)"|(\S+)`).FindAllStringSubmatch(command, -1) {
		list = append(list, m[1]+m[2])
	}
	return list
}

// unwrapped makes one space of all white space.
func unwrapped(s string) string { return strings.Join(strings.Fields(s), " ") }
