// Command release makes the archives that people download, one for each
// platform, and a file with their checksums:
//
//	go run ./internal/cmd/release -out dist
//
// From the same commit and the same version of Go it makes the same bytes,
// whoever runs it and wherever: anybody can check that an archive was made
// from the source it claims.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
)

func main() {
	r := Release{Module: ".", Package: "./cmd/hearth", Out: "dist", Platforms: Platforms()}
	flag.StringVar(&r.Out, "out", r.Out, "write to this `folder`")
	flag.StringVar(&r.Version, "version", "", "the `version` in the archives' names; by default the program's own")
	flag.Func("platforms", "make these only, `os/arch,…`", func(s string) error {
		r.Platforms = nil
		for name := range strings.SplitSeq(s, ",") {
			p, err := ParsePlatform(name)
			if err != nil {
				return err
			}
			r.Platforms = append(r.Platforms, p)
		}
		return nil
	})
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := r.Make(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}
