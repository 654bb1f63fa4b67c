package hub

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
)

// anchorForm finds the links of a package index's page (PEP 503).
var anchorForm = regexp.MustCompile(`(?i)<a\s[^>]*?href\s*=\s*["']([^"']+)["']`)

// find asks a package index where a wheel is. It understands both forms that
// an index may answer in: JSON (PEP 691) and HTML (PEP 503).
func (s *Store) find(ctx context.Context, t *fetcher, p PythonPackage) (remote, error) {
	page := strings.TrimRight(s.index, "/") + "/" + p.Project + "/"
	fail := func(err error) (remote, error) {
		return remote{}, fmt.Errorf("look up %s at %s: %w", p.Project, host(page), err)
	}
	base, err := url.Parse(page)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return remote{}, errors.New("the address of the package index (PIP_INDEX_URL) is not one: write it as https://pypi.org/simple")
	}
	header := http.Header{"Accept": {"application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"}}
	b, got, err := t.readAll(ctx, page, header)
	if err != nil {
		return fail(err)
	}
	var links []string
	if strings.Contains(got.Get("Content-Type"), "json") {
		var doc struct {
			Files []struct {
				URL string `json:"url"`
			} `json:"files"`
		}
		if err := json.Unmarshal(b, &doc); err != nil {
			return fail(fmt.Errorf("%w: no list of files", ErrWrongContent))
		}
		for _, f := range doc.Files {
			links = append(links, f.URL)
		}
	} else {
		for _, m := range anchorForm.FindAllSubmatch(b, -1) {
			links = append(links, strings.ReplaceAll(string(m[1]), "&amp;", "&"))
		}
	}
	for _, l := range links {
		u, err := base.Parse(l)
		if err != nil || (u.Scheme != "https" && u.Scheme != base.Scheme) || !strings.HasSuffix(u.Path, "/"+p.Wheel) {
			continue
		}
		u.Fragment = ""
		if u.Host == base.Host {
			u.User = base.User
		}
		return remote{URL: u.String(), Path: p.Wheel, Size: p.Size, SHA256: p.SHA256}, nil
	}
	return fail(fmt.Errorf("it does not have %s", p.Wheel))
}
