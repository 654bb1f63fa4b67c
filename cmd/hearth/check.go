package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"

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
		fmt.Fprintf(p.out, "%s is good: %d rooms, %d tanks, %d manual zones, %d devices, %d sensors.\n",
			c.File, len(f.Rooms), len(f.Tanks), len(f.Manual), len(f.Devices), len(f.Sensors))
		for _, id := range slices.Sorted(maps.Keys(f.Devices)) {
			if f.Devices[id].Simulated {
				fmt.Fprintf(p.out, "Note: %s is marked as simulated; so is everything it touches.\n", id)
			}
		}
	}
	return nil
}
