// Command tally reads what "go test -json" writes, shows it to people and
// counts it. CI pipes each run of the tests through it:
//
//	go test -json ./... | go run ./internal/cmd/tally -keep run.json
//
// and at the end counts all kept runs together, each test once:
//
//	go run ./internal/cmd/tally -count run.json race.json
//
// It prints a line for each package, the output of what failed, and on -count
// "N passed, N failed, N skipped". It exits 1 when anything failed.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
)

func main() {
	keep := flag.String("keep", "", "write what is read to this `file` too")
	count := flag.Bool("count", false, "count the files named, and show nothing else")
	also := flag.Int("failed-steps", 0, "with -count: failures that are not tests, to be added")
	flag.Parse()
	failed, err := run(os.Stdin, os.Stdout, *keep, *count, *also, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "tally:", err)
		os.Exit(2)
	}
	if failed {
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer, keep string, count bool, also int, files []string) (failed bool, err error) {
	if !count {
		if keep != "" {
			f, err := os.Create(keep)
			if err != nil {
				return false, fmt.Errorf("keep the run: %w", err)
			}
			defer func() {
				if cerr := f.Close(); err == nil && cerr != nil {
					err = fmt.Errorf("keep the run: %w", cerr)
				}
			}()
			in = io.TeeReader(in, f)
		}
		t := newTally()
		if err := t.read(in, out); err != nil {
			return false, err
		}
		_, n, _ := t.totals()
		return n > 0, nil
	}
	all := newTally()
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return false, fmt.Errorf("count a run: %w", err)
		}
		err = all.read(f, io.Discard)
		f.Close()
		if err != nil {
			return false, fmt.Errorf("count %s: %w", name, err)
		}
	}
	passed, bad, skipped := all.totals()
	bad += also
	for _, s := range all.skips() {
		fmt.Fprintln(out, "skipped:", s)
	}
	fmt.Fprintf(out, "%d passed, %d failed, %d skipped\n", passed, bad, skipped)
	return bad > 0, nil
}
