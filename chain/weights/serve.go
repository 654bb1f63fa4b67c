package weights

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/zeebo/blake3"

	"hearth/infer/model"
)

const (
	// readers bounds the downloads that are served at a time.
	readers = 16
	// slowest is the rate, in bytes a second, below which a download is broken
	// off: who is slower goes on where it stopped.
	slowest = 64 << 10
	// slack is how far a download may fall behind that.
	slack = time.Minute
)

// Handler serves what is here: GET /ID.hearth is the file of a model, in whole
// or in ranges, and GET / lists the ids as JSON. It serves a bounded number of
// downloads at a time, and answers the others that they may come again.
func (s *Store) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.serveList)
	mux.HandleFunc("GET /{name}", s.serveFile)
	return mux
}

func (s *Store) serveList(w http.ResponseWriter, _ *http.Request) {
	ids, err := s.List()
	if err != nil {
		http.Error(w, "the weights cannot be listed", http.StatusInternalServerError)
		return
	}
	if ids == nil {
		ids = []model.Hash{}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(ids) // who went away needs no answer
}

func (s *Store) serveFile(w http.ResponseWriter, r *http.Request) {
	var id model.Hash
	name, ok := strings.CutSuffix(r.PathValue("name"), Extension)
	if !ok || id.UnmarshalText([]byte(name)) != nil {
		http.NotFound(w, r)
		return
	}
	select {
	case s.serving <- struct{}{}:
		defer func() { <-s.serving }()
	default:
		w.Header().Set("Retry-After", "10")
		http.Error(w, "too many downloads: try again later", http.StatusServiceUnavailable)
		return
	}
	content, size, closeFile, err := s.content(id)
	switch {
	case errors.Is(err, ErrAbsent):
		http.Error(w, ErrAbsent.Error(), http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, "the weights cannot be read", http.StatusInternalServerError)
		return
	}
	defer closeFile()
	tag, err := etag(content, size)
	if err != nil {
		http.Error(w, "the weights cannot be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("ETag", tag)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	out := &paced{ResponseWriter: w, control: http.NewResponseController(w), began: time.Now()}
	http.ServeContent(out, r, "", time.Time{}, io.NewSectionReader(content, 0, size))
	if out.control.Flush() == nil {
		_ = out.control.SetWriteDeadline(time.Time{}) // the connection may serve others
	}
}

// paced gives a download time as it goes on, so that one that takes nothing is
// broken off soon, however large the file is: there are few places. Where the
// server cannot set deadlines, their number is bounded all the same.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
	began   time.Time
	written int64
}

// Write implements io.Writer.
func (p *paced) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(p.began.Add(slack + time.Duration(p.written/slowest)*time.Second))
	n, err := p.ResponseWriter.Write(b)
	p.written += int64(n)
	return n, err
}

// etag names the bytes of a file: its manifest names the model, and says what
// the id does not bind.
func etag(content io.ReaderAt, size int64) (string, error) {
	f, err := model.ReadManifest(content, size)
	if err != nil {
		return "", err
	}
	b, err := f.Encode()
	if err != nil {
		return "", err
	}
	h := blake3.Sum256(b)
	return fmt.Sprintf("\"%x-%d\"", h[:16], size), nil
}
