package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"hearth/config"
	"hearth/pool"
)

type checkCmd struct {
	File string `arg:"" help:"The configuration file." type:"path" placeholder:"FILE"`
	JSON bool   `help:"Print JSON."`
}

// Run checks the file, drivers' settings included, without talking to any
// device.
func (c *checkCmd) Run(p *program) error {
	var own pool.Config
	f, err := config.Load(c.File)
	if err == nil {
		var h *household
		h, err = assemble(p.ctx, f, deps{dir: filepath.Dir(c.File), log: slog.New(slog.DiscardHandler), dry: true})
		if err == nil {
			h.close(context.WithoutCancel(p.ctx))
			own, err = checkPool(f, filepath.Dir(c.File))
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
		if !f.Pool.Empty() {
			fmt.Fprintln(p.out, poolLine(own))
			for _, file := range walletLacks(own.Payouts, filepath.Dir(c.File)) {
				fmt.Fprintf(p.out, "Note: payouts: %s is not there, and nothing can be paid out until it is.\n", oneLine(file))
			}
		}
		for _, id := range slices.Sorted(maps.Keys(f.Devices)) {
			if f.Devices[id].Simulated {
				fmt.Fprintf(p.out, "Note: %s is marked as simulated; so is everything it touches.\n", id)
			}
		}
	}
	return nil
}

// checkPool reads the section "pool" of a configuration in dir, and refuses what
// the pool would refuse at its start.
func checkPool(f config.File, dir string) (pool.Config, error) {
	cfg, err := poolConfig(f)
	if err == nil && !f.Pool.Empty() {
		err = pool.Check(pool.Options{Config: cfg, Base: dir, Secret: secretFrom(dir), Now: time.Now})
	}
	return cfg, err
}

// walletLacks are the files of lnd that are not there. A pool starts without them: its
// wallet may be made later.
func walletLacks(c pool.Payouts, dir string) (files []string) {
	if c.Rail != "lnd" {
		return nil
	}
	for _, file := range []string{strings.TrimPrefix(c.Secret, "file:"), c.Certificate} {
		path := file
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if _, err := os.Stat(path); file != "" && err != nil {
			files = append(files, file)
		}
	}
	return files
}

// poolLine says what a pool would do.
func poolLine(c pool.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "The pool is for %s: ", c.Network)
	switch c.Role {
	case pool.Proxy:
		names := make([]string, len(c.Upstreams))
		for i, u := range c.Upstreams {
			names[i] = oneLine(u.Name)
		}
		fmt.Fprintf(&b, "in front of %s", strings.Join(names, ", "))
	case pool.Solo:
		fmt.Fprintf(&b, "solo, with the node %s", oneLine(c.Node.URL))
	case pool.Open:
		fmt.Fprintf(&b, "a pool of its own, with the node %s, by the scheme %s", oneLine(c.Node.URL), c.Scheme)
	}
	if c.Agreement != "" {
		fmt.Fprintf(&b, ", shared by %s", oneLine(c.Agreement))
	}
	if c.Payouts.Rail != "" {
		fmt.Fprintf(&b, ", paid out by %s", c.Payouts.Rail)
	}
	fmt.Fprintf(&b, "; miners come in at %s.", c.Listen)
	return b.String()
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
