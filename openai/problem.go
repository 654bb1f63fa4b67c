package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Problem is an error as clients of this API expect it:
// {"error":{"message","type","param","code"}}.
type Problem struct { //nolint:errname // it is the body of an answer, too
	Status  int           `json:"-"`
	Message string        `json:"message"`
	Type    string        `json:"type"`
	Param   *string       `json:"param"`
	Code    *string       `json:"code"`
	After   time.Duration `json:"-"` // for Retry-After; 0 says nothing
}

// Error implements error.
func (p *Problem) Error() string { return p.Message }

// Types of problems.
const (
	typeInvalid    = "invalid_request_error"
	typeAuth       = "authentication_error"
	typePermission = "permission_error"
	typeLimit      = "rate_limit_error"
	typeBusy       = "overloaded_error"
	typeServer     = "server_error"
)

func ref(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// invalid is a request that cannot be served as it is. Param names the field.
func invalid(param, code, format string, args ...any) *Problem {
	return &Problem{Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...), Type: typeInvalid, Param: ref(param), Code: ref(code)}
}

// unsupported is a field that would change the answer in a way that Hearth
// cannot.
func unsupported(param, format string, args ...any) *Problem {
	return invalid(param, "unsupported_parameter", format, args...)
}

func notFound(param, code, format string, args ...any) *Problem {
	p := invalid(param, code, format, args...)
	p.Status = http.StatusNotFound
	return p
}

// busy is a request that may be served later.
func busy(status int, code string, after time.Duration, format string, args ...any) *Problem {
	kind := typeBusy
	if status == http.StatusTooManyRequests {
		kind = typeLimit
	}
	return &Problem{Status: status, Message: fmt.Sprintf(format, args...), Type: kind, Code: ref(code), After: after}
}

func stopping() *Problem {
	return busy(http.StatusServiceUnavailable, "stopping", 5*time.Second, "The server is stopping: ask again when it is back.")
}

// Stopping answers a request that came while the server stops.
func Stopping(w http.ResponseWriter) {
	w.Header().Set("Connection", "close")
	stopping().write(w)
}

// problemOf turns any error into one for the client. What was not meant for
// it is not told.
func problemOf(err error) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		return p
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return busy(http.StatusServiceUnavailable, "timeout", time.Second, "The answer took longer than this server allows: ask for fewer tokens, or, if it may wait for heat (flex), ask again later.")
	case errors.Is(err, context.Canceled):
		return stopping()
	}
	return &Problem{Status: http.StatusInternalServerError, Message: "Hearth made a mistake; its log says more.", Type: typeServer, Code: ref("internal")}
}

// write sends the problem.
func (p *Problem) write(w http.ResponseWriter) {
	if p.After > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int((p.After+time.Second-1)/time.Second)))
	}
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, p.Status, errorBody{p})
}

type errorBody struct {
	Error *Problem `json:"error"`
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		status = http.StatusInternalServerError
		b = []byte(`{"error":{"message":"Hearth made a mistake: the answer cannot be written.","type":"server_error","param":null,"code":"internal"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n')) //nolint:errcheck // the client is gone
}
