package library

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"hearth/chain/commons/tree"
)

// Handler serves lists of jobs, each under the hexadecimal form of its root:
// GET /ROOT is the file, GET /ROOT/INDEX one job with its proof. It is safe for
// concurrent use.
type Handler struct {
	lists map[string]*tree.List
	mux   *http.ServeMux
}

// NewHandler serves lists.
func NewHandler(lists ...*tree.List) *Handler {
	h := &Handler{lists: make(map[string]*tree.List, len(lists)), mux: http.NewServeMux()}
	for _, l := range lists {
		h.lists[Path(l.Root())] = l
	}
	h.mux.HandleFunc("GET /{root}", h.file)
	h.mux.HandleFunc("GET /{root}/{index}", h.job)
	return h
}

// Path is where a list is found at a library: a source of a project is the
// library's address, "/" and this.
func Path(root tree.Hash) string { return hex.EncodeToString(root[:]) }

// ServeHTTP implements [http.Handler].
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.mux.ServeHTTP(w, r) }

func (h *Handler) list(w http.ResponseWriter, r *http.Request) *tree.List {
	l := h.lists[r.PathValue("root")]
	if l == nil {
		http.Error(w, "this library has no list of jobs with that root", http.StatusNotFound)
		return nil
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	return l
}

func (h *Handler) file(w http.ResponseWriter, r *http.Request) {
	if l := h.list(w, r); l != nil {
		_, _ = l.WriteTo(w) // a reader that goes away has what it got
	}
}

func (h *Handler) job(w http.ResponseWriter, r *http.Request) {
	l := h.list(w, r)
	if l == nil {
		return
	}
	index, err := strconv.ParseUint(r.PathValue("index"), 10, 64)
	if err == nil && index >= l.Len() {
		err = fmt.Errorf("the list has %d jobs, counted from 0", l.Len())
	}
	if err != nil {
		http.Error(w, fmt.Sprintf("no job %q: %v", r.PathValue("index"), err), http.StatusNotFound)
		return
	}
	encoding, proof, err := l.Job(index)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	b := binary.LittleEndian.AppendUint32(nil, uint32(len(encoding)))
	b = append(append(b, encoding...), slices.Concat(proof...)...)
	w.Header().Set("Content-Length", strconv.Itoa(len(b)))
	_, _ = w.Write(b)
}
