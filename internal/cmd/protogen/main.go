// Command protogen writes the Go code of the network's messages.
//
//	go run ./internal/cmd/protogen           # write what has changed
//	go run ./internal/cmd/protogen -check    # say what has changed, exit 1
//
// It compiles every .proto file below chain/proto and hands the result to two
// plugins that go.mod pins as tools: one for messages and services, one for the
// REST gateway. Neither protoc nor buf is needed, and what the files import is
// read from the module cache, so that code and imports are of one version.
//
// A file goes where its go_package says: that of "hearth/chain/model" into
// chain/model, next to the code that is written by hand.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	check := flag.Bool("check", false, "write nothing, and fail when a file is not what it should be")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, *check); err != nil {
		fmt.Fprintln(os.Stderr, "protogen:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, check bool) error {
	root, err := moduleDir(ctx, "hearth")
	if err != nil {
		return err
	}
	files, err := generate(ctx, root)
	if err != nil {
		return err
	}
	stale, err := compare(root, files)
	if err != nil {
		return err
	}
	if check {
		for _, name := range stale {
			fmt.Fprintln(out, name)
		}
		if len(stale) > 0 {
			return fmt.Errorf("%d files differ from what chain/proto says: run go run ./internal/cmd/protogen", len(stale))
		}
		return nil
	}
	for _, name := range stale {
		if err := put(root, name, files[name]); err != nil {
			return err
		}
		fmt.Fprintln(out, name)
	}
	return nil
}
