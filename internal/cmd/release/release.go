package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Platform is a system and a processor to build for.
type Platform struct{ OS, Arch string }

// Platforms are those that Hearth is released for.
func Platforms() []Platform {
	return []Platform{
		{"darwin", "amd64"},
		{"darwin", "arm64"},
		{"linux", "amd64"},
		{"linux", "arm"},
		{"linux", "arm64"},
		{"windows", "amd64"},
	}
}

// ParsePlatform reads "linux/arm64".
func ParsePlatform(s string) (Platform, error) {
	for _, p := range Platforms() {
		if s == p.String() {
			return p, nil
		}
	}
	return Platform{}, fmt.Errorf("%q is not one of %v", s, Platforms())
}

// String prints "linux/arm64".
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// Release says what to make.
type Release struct {
	Module    string // the module's folder
	Package   string // the program, relative to it
	Out       string // where the archives go
	Version   string // empty: what the program says of itself
	Platforms []Platform
}

// documents go into every archive beside the program.
var documents = [...]string{"LICENSE", "NOTICE", "README.md"}

// Make builds every platform and writes archives and checksums, telling out of
// each. Files of the same names are replaced.
func (r Release) Make(ctx context.Context, out io.Writer) error {
	docs, err := r.documents()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.Out, 0o755); err != nil {
		return fmt.Errorf("make the release's folder: %w", err)
	}
	var sums []string
	for _, p := range r.Platforms {
		name, data, err := r.archive(ctx, p, docs)
		if err != nil {
			return fmt.Errorf("make %v: %w", p, err)
		}
		if err := os.WriteFile(filepath.Join(r.Out, name), data, 0o644); err != nil {
			return fmt.Errorf("write the archive: %w", err)
		}
		sum := fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name)
		sums = append(sums, sum)
		fmt.Fprint(out, sum)
	}
	slices.SortFunc(sums, func(a, b string) int { return strings.Compare(a[64:], b[64:]) })
	if err := os.WriteFile(filepath.Join(r.Out, "SHA256SUMS"), []byte(strings.Join(sums, "")), 0o644); err != nil {
		return fmt.Errorf("write the checksums: %w", err)
	}
	return nil
}

func (r Release) documents() ([]file, error) {
	var list []file
	for _, name := range documents {
		b, err := os.ReadFile(filepath.Join(r.Module, name))
		if err != nil {
			return nil, fmt.Errorf("read what goes into every archive: %w", err)
		}
		list = append(list, file{name, b, 0o644})
	}
	return list, nil
}

// archive builds the program for one platform and packs it.
func (r Release) archive(ctx context.Context, p Platform, docs []file) (name string, data []byte, err error) {
	program := filepath.Base(r.Package)
	if p.OS == "windows" {
		program += ".exe"
	}
	dir, err := os.MkdirTemp("", "hearth-release-*")
	if err != nil {
		return "", nil, err
	}
	defer func() {
		if rerr := os.RemoveAll(dir); err == nil {
			err = rerr
		}
	}()
	binary := filepath.Join(dir, program)
	if err := r.build(ctx, p, binary); err != nil {
		return "", nil, err
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return "", nil, fmt.Errorf("read the version of what was built: %w", err)
	}
	b, err := os.ReadFile(binary)
	if err != nil {
		return "", nil, err
	}
	version := r.Version
	if version == "" {
		version = versionOf(info)
	}
	if !fileName.MatchString(version) {
		return "", nil, fmt.Errorf("%q cannot stand in a file's name", version)
	}
	folder := fmt.Sprintf("hearth_%s_%s_%s", strings.TrimPrefix(version, "v"), p.OS, p.Arch)
	parts, err := r.licences(ctx, info)
	if err != nil {
		return "", nil, err
	}
	files := append([]file{{program, b, 0o755}, parts}, docs...)
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })

	var packed bytes.Buffer
	if p.OS == "windows" {
		name, err = folder+".zip", zipped(&packed, folder, files, timeOf(info))
	} else {
		name, err = folder+".tar.gz", tarred(&packed, folder, files, timeOf(info))
	}
	if err != nil {
		return "", nil, fmt.Errorf("pack %s: %w", name, err)
	}
	return name, packed.Bytes(), nil
}

var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.+_-]*$`)

// build compiles without cgo and without a trace of where: paths are trimmed,
// symbols stripped. Settings of the environment that change code are named, so
// that none of the caller's counts.
func (r Release) build(ctx context.Context, p Platform, binary string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=auto", "-ldflags=-s -w", "-o", binary, r.Package)
	cmd.Dir = r.Module
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+p.OS, "GOARCH="+p.Arch,
		"GOFLAGS=-mod=readonly", "GOAMD64=v1", "GOARM64=v8.0", "GOARM=6", "GOEXPERIMENT=", "GOFIPS140=off")
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go build: %w: %s", err, bytes.TrimSpace(said))
	}
	return nil
}

// versionOf is the version that Go put into the program from the repository's
// tags.
func versionOf(info *buildinfo.BuildInfo) string {
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	return "devel"
}

// timeOf is the time of the commit, and the earliest that both kinds of
// archive can hold where there is none.
func timeOf(info *buildinfo.BuildInfo) time.Time {
	for _, s := range info.Settings {
		if s.Key != "vcs.time" {
			continue
		}
		if t, err := time.Parse(time.RFC3339, s.Value); err == nil {
			return t.UTC().Truncate(2 * time.Second) // the grain of zip
		}
	}
	return time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)
}
