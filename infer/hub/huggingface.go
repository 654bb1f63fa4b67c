package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// modelInfo is the part of GET /api/models/{repository}/revision/{revision}
// that is used (huggingface.co/docs/hub/api).
type modelInfo struct {
	SHA      string `json:"sha"`
	Siblings []struct {
		Name string `json:"rfilename"`
		Size *int64 `json:"size"`
		Blob string `json:"blobId"`
		LFS  *struct {
			SHA256 string `json:"sha256"`
			Size   int64  `json:"size"`
		} `json:"lfs"`
	} `json:"siblings"`
}

// repository is what a model hub has of a model.
type repository struct {
	commit string // what the branch or tag stood for when it was asked
	files  []remote
}

// list asks the hub for the files of a repository that an import reads. The
// commit is fixed by the answer, so that all files are of one state.
func (s *Store) list(ctx context.Context, t *fetcher, ref Reference) (repository, error) {
	header := http.Header{}
	if s.token != "" {
		header.Set("Authorization", "Bearer "+s.token)
	}
	base := strings.TrimRight(s.endpoint, "/")
	fail := func(err error) (repository, error) {
		return repository{}, fmt.Errorf("look up %s at %s: %w", ref, host(base), err)
	}
	b, _, err := t.readAll(ctx, base+"/api/models/"+ref.Repository+"/revision/"+url.PathEscape(ref.Revision)+"?blobs=true", header)
	if errors.Is(err, fs.ErrNotExist) {
		return fail(errors.New("there is no such repository or revision: names are as on the model's page, such as BAAI/bge-small-en-v1.5"))
	}
	if err != nil {
		return fail(err)
	}
	var info modelInfo
	if err := json.Unmarshal(b, &info); err != nil {
		return fail(fmt.Errorf("%w: no list of files", ErrWrongContent))
	}
	if !commitForm.MatchString(info.SHA) {
		return fail(fmt.Errorf("%w: it does not name a commit", ErrWrongContent))
	}
	r := repository{commit: info.SHA}
	for _, f := range info.Siblings {
		if ref.File == "" && !wanted(f.Name) || ref.File != "" && f.Name != ref.File && !beside(f.Name) {
			continue
		}
		m := remote{
			URL:  base + "/" + ref.Repository + "/resolve/" + info.SHA + "/" + f.Name,
			Path: f.Name, Size: -1, Header: header,
		}
		switch {
		case f.LFS != nil && hexForm.MatchString(f.LFS.SHA256) && f.LFS.Size >= 0:
			m.Size, m.SHA256 = f.LFS.Size, f.LFS.SHA256
		case f.Size != nil && *f.Size >= 0 && commitForm.MatchString(f.Blob):
			m.Size, m.Blob = *f.Size, f.Blob
		default:
			return fail(fmt.Errorf("%w: it does not say what %s should be", ErrWrongContent, f.Name))
		}
		if m.Size > largestFile {
			return fail(fmt.Errorf("%w: %s is said to have %d bytes", ErrWrongContent, f.Name, m.Size))
		}
		r.files = append(r.files, m)
	}
	if err := complete(r.files, ref); err != nil {
		return fail(err)
	}
	slices.SortFunc(r.files, func(a, b remote) int { return int(min(max(a.Size-b.Size, -1), 1)) })
	return r, nil
}

// complete reports what is missing of a model before anything is fetched.
func complete(files []remote, ref Reference) error {
	has := func(p string) bool { return slices.ContainsFunc(files, func(f remote) bool { return f.Path == p }) }
	if ref.File != "" {
		if !has(ref.File) {
			return fmt.Errorf("it has no file %s", ref.File)
		}
		if !has("tokenizer.json") {
			return errors.New("it has no tokenizer.json beside the GGUF file: fetch the file and the tokenizer.json of the model it was made of into one folder, and use \"hearth model add FILE.gguf\"")
		}
		return nil
	}
	if !has("model.safetensors") && !slices.ContainsFunc(files, func(f remote) bool { return shardForm.MatchString(f.Path) }) {
		return errors.New("it has no weights as safetensors: if it has GGUF files, name one as owner/name:file.gguf; pickled weights are never read")
	}
	for _, p := range []string{"config.json", "tokenizer.json"} {
		if !has(p) {
			return fmt.Errorf("it has no %s, without which Hearth cannot use it", p)
		}
	}
	return nil
}
