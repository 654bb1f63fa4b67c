package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// event is one line of "go test -json"; see "go doc test2json".
type event struct {
	Action, Package, Test, Output string
	ImportPath, FailedBuild       string // of a build
	Elapsed                       float64
}

type result int

const (
	running result = iota
	skipped
	passed
	failed
)

// test names a test, a subtest, or with an empty name a whole package.
type test struct{ pkg, name string }

// tally is what happened to each test over one run or several. A test that
// failed in one run has failed; one that was skipped in one and passed in
// another has passed.
type tally struct {
	results map[test]result
	output  map[test]*strings.Builder
	why     map[test]string // of a skipped test
}

func newTally() *tally {
	return &tally{map[test]result{}, map[test]*strings.Builder{}, map[test]string{}}
}

// read adds one run. A line that is not JSON, as the go command writes when
// it cannot start, is shown and is a failure.
func (t *tally) read(in io.Reader, out io.Writer) error {
	open := map[test]bool{} // of this run
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			var e event
			if json.Unmarshal([]byte(line), &e) != nil || e.Action == "" {
				if strings.TrimSpace(line) != "" {
					fmt.Fprint(out, line)
					t.set(test{"go test", strings.TrimSpace(line)}, failed)
				}
			} else {
				t.add(e, open, out)
			}
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			return fmt.Errorf("read the run: %w", err)
		}
	}
	// What began and did not end was killed.
	for k := range open {
		fmt.Fprintf(out, "FAIL %s %s: did not end\n", k.pkg, k.name)
		t.set(k, failed)
	}
	return nil
}

func (t *tally) add(e event, open map[test]bool, out io.Writer) {
	k := test{e.Package, e.Test}
	switch e.Action {
	case "start", "run":
		open[k] = true
		delete(t.output, k)
	case "output":
		b := t.output[k]
		if b == nil {
			b = new(strings.Builder)
			t.output[k] = b
		}
		b.WriteString(e.Output)
	case "build-output":
		fmt.Fprint(out, e.Output)
	case "build-fail":
		t.set(test{e.ImportPath, "(build)"}, failed)
	case "pass", "skip", "fail":
		delete(open, k)
		t.end(k, e, open, out)
	}
}

// end notes how a test or a package ended.
func (t *tally) end(k test, e event, open map[test]bool, out io.Writer) {
	text := ""
	if b := t.output[k]; b != nil {
		text = b.String()
		delete(t.output, k)
	}
	if k.name != "" {
		switch e.Action {
		case "pass":
			t.set(k, passed)
		case "skip":
			t.set(k, skipped)
			t.why[k] = reason(text)
		case "fail":
			t.set(k, failed)
			fmt.Fprintf(out, "FAIL %s %s\n%s", k.pkg, k.name, text)
		}
		return
	}
	// A package is no test of its own, unless it failed and no test of it says
	// so: it did not build, panicked outside a test, or ran out of time.
	var n [failed + 1]int
	for o, r := range t.results {
		if o.pkg == k.pkg {
			n[r]++
		}
	}
	word := map[string]string{"pass": "ok", "skip": "--", "fail": "FAIL"}[e.Action]
	if e.Action == "fail" {
		for o := range open {
			if o.pkg == k.pkg {
				delete(open, o)
				t.set(o, failed)
				n[failed]++
				fmt.Fprintf(out, "FAIL %s %s: did not end\n", o.pkg, o.name)
				if b := t.output[o]; b != nil {
					fmt.Fprint(out, b.String())
				}
			}
		}
		fmt.Fprint(out, text)
		if n[failed] == 0 && e.FailedBuild == "" {
			t.set(test{k.pkg, "(package)"}, failed)
		}
	}
	fmt.Fprintf(out, "%-4s %-36s %6.1f s  %d passed, %d failed, %d skipped\n",
		word, k.pkg, e.Elapsed, n[passed], n[failed], n[skipped])
}

func (t *tally) set(k test, r result) { t.results[k] = max(t.results[k], r) }

func (t *tally) totals() (pass, fail, skip int) {
	for _, r := range t.results {
		switch r {
		case passed:
			pass++
		case failed:
			fail++
		case skipped:
			skip++
		case running: // never noted: what did not end has failed
		}
	}
	return pass, fail, skip
}

// skips lists what was skipped and why, in order.
func (t *tally) skips() []string {
	var list []string
	for k, r := range maps.All(t.results) {
		if r == skipped {
			list = append(list, fmt.Sprintf("%s %s: %s", k.pkg, k.name, t.why[k]))
		}
	}
	slices.Sort(list)
	return list
}

// reason finds what a test said when it was skipped.
func reason(output string) string {
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "=== ") || strings.HasPrefix(line, "--- ") {
			continue
		}
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			_, line, _ = strings.Cut(text, ": ")
		}
		return line
	}
	return "no reason given"
}
