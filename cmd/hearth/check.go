package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"hearth/config"
)

type checkCmd struct {
	File string `arg:"" help:"The configuration file." type:"path" placeholder:"FILE"`
	JSON bool   `help:"Print JSON."`
}

// Run checks the file, drivers' settings included, without talking to any
// device.
func (c *checkCmd) Run(p *program) error {
	f, err := config.Load(c.File)
	if err == nil {
		var h *household
		h, err = assemble(p.ctx, f, deps{dir: filepath.Dir(c.File), log: slog.New(slog.DiscardHandler), dry: true})
		if err == nil {
			h.close(context.WithoutCancel(p.ctx))
			_, err = poolConfig(f)
		}
	}
	if c.JSON {
		out := map[string]any{"ok": err == nil}
		if err != nil {
			out["error"] = err.Error()
		}
		if err := printJSON(p.out, out); err != nil {
			return err
		}
	}
	if err != nil {
		return coded(exitUsage, err)
	}
	if !c.JSON {
		fmt.Fprintf(p.out, "%s is good: %s, %s, %s, %s, %s.\n", c.File, count(len(f.Rooms), "room"), count(len(f.Tanks), "tank"),
			count(len(f.Manual), "place without a thermometer"), count(len(f.Devices), "device"), count(len(f.Sensors), "sensor"))
		for _, id := range slices.Sorted(maps.Keys(f.Devices)) {
			if f.Devices[id].Simulated {
				fmt.Fprintf(p.out, "Note: %s is marked as simulated; so is everything it touches.\n", id)
			}
		}
	}
	return nil
}

// count prints "1 room" or "2 rooms"; of several words the first is counted.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	first, rest, found := strings.Cut(noun, " ")
	if found {
		rest = " " + rest
	}
	return fmt.Sprintf("%d %ss%s", n, first, rest)
}
