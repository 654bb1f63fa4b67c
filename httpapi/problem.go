package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"hearth/site"
)

// Problem is an error that a person or a program can act on. It is the body
// of every answer that is not a success: {"error":{"code","message","hint"}}.
type Problem struct { //nolint:errname // what RFC 9457 calls it too
	// Status is the HTTP status.
	Status int `json:"-"`
	// Code is stable, for programs.
	Code string `json:"code"`
	// Message says what is wrong, in plain words.
	Message string `json:"message"`
	// Hint says what to do about it.
	Hint string `json:"hint,omitempty"`
}

// Error implements error.
func (p *Problem) Error() string {
	if p.Hint == "" {
		return p.Message
	}
	return p.Message + " " + p.Hint
}

// ProblemOf turns any error into a Problem. The text of an error that the
// home did not mean for people is replaced, since it may tell too much.
func ProblemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, site.ErrNotFound):
		return &Problem{http.StatusNotFound, "not_found", err.Error(), ""}
	case errors.Is(err, site.ErrInvalid):
		return &Problem{http.StatusUnprocessableEntity, "invalid", err.Error(), ""}
	case errors.Is(err, site.ErrUnavailable):
		return &Problem{http.StatusServiceUnavailable, "unavailable", err.Error(), "Try again later."}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return &Problem{http.StatusServiceUnavailable, "unavailable", "The answer took too long.", "Try again later."}
	}
	return &Problem{http.StatusInternalServerError, "internal", "Hearth made a mistake.", "Its log says more."}
}

func invalid(format string, args ...any) *Problem {
	return &Problem{http.StatusUnprocessableEntity, "invalid", fmt.Sprintf(format, args...), ""}
}

func notFound(format string, args ...any) *Problem {
	return &Problem{http.StatusNotFound, "not_found", fmt.Sprintf(format, args...), ""}
}

// write sends the problem as JSON.
func (p *Problem) write(w http.ResponseWriter) {
	writeJSON(w, p.Status, struct {
		Error *Problem `json:"error"`
	}{p})
}

// writeJSON sends v. A value that cannot be encoded is a mistake of the
// program and becomes a 500 before anything is sent.
func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		b = []byte(`{"error":{"code":"internal","message":"Hearth made a mistake: the answer cannot be written."}}`)
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) //nolint:errcheck // the client is gone
}
