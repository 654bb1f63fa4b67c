package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

const (
	// largestText is the largest file that is searched, in bytes; what is
	// larger is data rather than text.
	largestText = 4 << 20
	// passageBytes is about how long a passage is: what a small embedder was
	// trained on, some 150 words.
	passageBytes = 800
)

// passage is a piece of a file that is embedded as one.
type passage struct {
	file     string // below the folder, with slashes
	from, to int    // lines, from 1
	text     string
}

// walked is what a walk through a folder found.
type walked struct {
	passages []passage
	files    int
	// skipped counts files that are no text, too large, or cannot be read.
	binary, large int
	unread        []string
}

// walk cuts every text below dir into passages. Folders of version control and
// of installed packages, and all that is hidden, are left out; links are not
// followed.
func walk(ctx context.Context, dir string) (walked, error) {
	var w walked
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if name == dir {
				return err
			}
			w.unread = append(w.unread, name)
			if d != nil && d.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		hidden := strings.HasPrefix(d.Name(), ".") && name != dir
		if d.IsDir() {
			if hidden || d.Name() == "node_modules" || d.Name() == "__pycache__" {
				return fs.SkipDir
			}
			return nil
		}
		if hidden || !d.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		w.read(name, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		return w, fmt.Errorf("search %s: %w", dir, err)
	}
	return w, nil
}

// read adds the passages of one file.
func (w *walked) read(name, rel string) {
	text, err := readText(name)
	switch {
	case errors.Is(err, errBinary):
		w.binary++
	case errors.Is(err, errLarge):
		w.large++
	case err != nil:
		w.unread = append(w.unread, rel)
	default:
		w.files++
		w.passages = append(w.passages, cut(rel, text)...)
	}
}

var (
	errBinary = errors.New("not a text")
	errLarge  = errors.New("too large")
)

// longestLine is longer than any line that a person wrote, in bytes.
const longestLine = 10_000

func longestLineOf(text []byte) int {
	most := 0
	for line := range bytes.Lines(text) {
		most = max(most, len(line))
	}
	return most
}

// readText reads a file that is UTF-8 text.
func readText(name string) (string, error) {
	f, err := os.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	head := make([]byte, 8192)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", err
	}
	if bytes.IndexByte(head[:n], 0) >= 0 {
		return "", errBinary
	}
	rest, err := io.ReadAll(io.LimitReader(f, largestText+1))
	if err != nil {
		return "", err
	}
	all := append(head[:n], rest...)
	switch {
	case len(all) > largestText:
		return "", errLarge
	case !utf8.Valid(all) || bytes.IndexByte(all, 0) >= 0:
		return "", errBinary
	case longestLineOf(all) > longestLine:
		return "", errBinary // written by a machine, for machines
	}
	return string(bytes.TrimPrefix(all, []byte("\ufeff"))), nil
}

// cut divides a text into passages: paragraphs, short ones joined while they
// fit together, long ones parted at the ends of lines, and lines that are too
// long themselves at a space.
func cut(file, text string) []passage {
	var out []passage
	var now passage
	blank := false // a blank line stands before this one
	flush := func() {
		now.text = strings.TrimRight(now.text, "\n")
		if strings.TrimSpace(now.text) != "" {
			out = append(out, now)
		}
		now = passage{}
	}
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			blank = true
			continue
		}
		// A heading begins a passage, so that it stands with what it is about.
		if heading := strings.HasPrefix(line, "#") && blank; heading && len(now.text) > passageBytes/4 {
			flush()
		}
		for _, part := range parts(line) {
			if now.text != "" && len(now.text)+len(part) > passageBytes {
				flush()
			}
			if now.text == "" {
				now = passage{file: file, from: number}
			} else if blank {
				now.text += "\n"
			}
			blank = false
			now.text += part + "\n"
			now.to = number
		}
	}
	flush()
	return out
}

// parts divides a line that is longer than a passage at spaces, where it has
// some.
func parts(line string) []string {
	var out []string
	for len(line) > passageBytes {
		at := strings.LastIndexByte(line[:passageBytes], ' ')
		if at < passageBytes/2 {
			for at = passageBytes; !utf8.RuneStart(line[at]); at-- {
			}
		}
		out = append(out, line[:at])
		line = strings.TrimLeft(line[at:], " ")
	}
	return append(out, line)
}
