package main

import (
	"bytes"
	"context"
	"debug/buildinfo"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// licences collects the licence texts of what is linked into a program: of Go
// itself and of every module. Their terms want them to go with the binary. A
// module without one is an error, because it may not be given away.
func (r Release) licences(ctx context.Context, info *buildinfo.BuildInfo) (file, error) {
	var b strings.Builder
	b.WriteString("Hearth is built with the following, under their own licences.\n")
	root, err := r.goSays(ctx, "env", "GOROOT")
	if err != nil {
		return file{}, err
	}
	if err := licencesIn(&b, "Go", info.GoVersion, root); err != nil {
		return file{}, err
	}
	for _, dep := range info.Deps {
		if dep.Replace != nil {
			dep = dep.Replace
		}
		dir, err := r.goSays(ctx, "list", "-m", "-f", "{{.Dir}}", dep.Path)
		if err != nil {
			return file{}, err
		}
		if err := licencesIn(&b, dep.Path, dep.Version, dir); err != nil {
			return file{}, err
		}
	}
	return file{"LICENSES-OF-PARTS.txt", []byte(b.String()), 0o644}, nil
}

func (r Release) goSays(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = r.Module
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(bytes.TrimSpace(out)), nil
}

func licencesIn(b *strings.Builder, name, version, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("find the licence of %s: %w", name, err)
	}
	found := false
	for _, e := range entries {
		stem, _, _ := strings.Cut(strings.ToUpper(e.Name()), ".")
		if e.IsDir() || !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE"}, func(s string) bool {
			return stem == s || strings.HasPrefix(stem, s+"-")
		}) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return fmt.Errorf("read the licence of %s: %w", name, err)
		}
		found = found || !strings.HasPrefix(stem, "NOTICE")
		fmt.Fprintf(b, "\n\n======== %s %s: %s ========\n\n%s\n", name, version, e.Name(), bytes.TrimSpace(text))
	}
	// Debian keeps the licence of its Go elsewhere; go.dev/LICENSE is the same.
	if !found && name != "Go" {
		return fmt.Errorf("%s %s has no licence in %s: what is not licensed must not be released", name, version, dir)
	}
	return nil
}
