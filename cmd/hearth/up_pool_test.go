package main

import (
	"slices"
	"testing"

	"hearth/pool"
)

// What gives no work is told as soon as it is known of all, and what does is not
// mentioned.
func TestAPersonIsToldWhatGivesNoWork(t *testing.T) {
	const waits = "It has not answered yet."
	source := func(name, why string) pool.SourceState {
		return pool.SourceState{Name: name, Where: "127.0.0.1:1", Up: why == "", Why: why}
	}
	told := func(name, why string) string {
		return name + ` at 127.0.0.1:1 gives no work, and is tried again ("hearth pool status" says how it stands): ` + why
	}
	first := []pool.SourceState{source("ocean", waits), source("node", waits)}
	for _, c := range []struct {
		what    string
		now     []pool.SourceState
		over    bool
		want    []string
		settled bool
	}{
		{"all answer", []pool.SourceState{source("ocean", ""), source("node", "")}, false, nil, true},
		{"one may still answer", []pool.SourceState{source("ocean", "connection refused"), source("node", waits)}, false, nil, false},
		{"one failed", []pool.SourceState{source("ocean", "connection refused"), source("node", "")}, false, []string{told("ocean", "connection refused")}, true},
		{"one waited too long", []pool.SourceState{source("ocean", ""), source("node", waits)}, true, []string{told("node", waits)}, true},
		{"nothing gives work yet", nil, false, nil, true},
	} {
		if got, settled := unreached(first, c.now, c.over); settled != c.settled || !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, %v; want %q, %v", c.what, got, settled, c.want, c.settled)
		}
	}
}
