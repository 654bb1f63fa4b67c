package shelly

import (
	"context"
	"fmt"
	"net/http"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
)

const rpcPath = "/rpc"

// rpc calls the methods of a device: JSON-RPC frames over POST, with a digest
// once the device asks for one.
type rpc struct {
	http           *httpjson.Client
	user, password string

	id   int // of the last request
	auth session
}

// call calls a method and returns its result.
func (r *rpc) call(ctx context.Context, method string, params map[string]any) (httpjson.Object, error) {
	result, err := r.try(ctx, method, params)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", method, err)
	}
	return result, nil
}

func (r *rpc) try(ctx context.Context, method string, params map[string]any) (httpjson.Object, error) {
	r.id++
	frame := map[string]any{"id": r.id, "src": "hearth", "method": method}
	if params != nil {
		frame["params"] = params
	}
	a, err := r.send(ctx, frame)
	if err == nil && a.Status == http.StatusUnauthorized {
		// Either the first request, or the nonce has become stale.
		if err := r.challenged(a); err != nil {
			return nil, err
		}
		if a, err = r.send(ctx, frame); err == nil && a.Status == http.StatusUnauthorized {
			r.auth = session{}
			return nil, fmt.Errorf("%w: the password is wrong: correct the file that the configuration names", device.ErrRefused)
		}
	}
	if err != nil {
		return nil, err
	}
	return decodeFrame(a, r.id)
}

// decodeFrame takes the result out of the frame that answers request id.
func decodeFrame(a httpjson.Answer, id int) (httpjson.Object, error) {
	var reply httpjson.Object
	if err := a.Decode(&reply); err != nil {
		return nil, err
	}
	if e := reply.Object("error"); e != nil {
		return nil, methodError(e)
	}
	result := reply.Object("result")
	if got, ok := reply.Float("id"); !ok || got != float64(id) || result == nil {
		return nil, fmt.Errorf("%w: this is not the answer to the request", device.ErrGarbage)
	}
	return result, nil
}

func (r *rpc) send(ctx context.Context, frame any) (httpjson.Answer, error) {
	var header http.Header
	if r.auth.open() {
		value, err := r.auth.authorize(http.MethodPost, rpcPath, r.user, r.password)
		if err != nil {
			return httpjson.Answer{}, err
		}
		header = http.Header{"Authorization": {value}}
	}
	return r.http.Do(ctx, http.MethodPost, rpcPath, frame, header)
}

// challenged takes up the challenge in a 401.
func (r *rpc) challenged(a httpjson.Answer) error {
	if r.password == "" {
		return fmt.Errorf("%w: it has a password: put it in a file and name that in the configuration (password: file:…)", device.ErrRefused)
	}
	c, err := chooseChallenge(a.Header.Values("WWW-Authenticate"))
	if err != nil {
		return fmt.Errorf("%w: log in: %w", device.ErrRefused, err)
	}
	r.auth = session{challenge: c}
	return nil
}

// methodError sorts the error of an RPC. The codes are those of the page
// Common Errors: 404 no such method, -103 bad argument, -104 deadline, -105 no
// such component, -108 exhausted, -109 failed precondition, -114 unavailable.
func methodError(e httpjson.Object) error {
	code, _ := e.Float("code")
	said, _ := e.Text("message")
	kind := device.ErrRefused
	switch code {
	case 404, -103, -105:
		kind = device.ErrUnsupported
	case -104, -108, -114:
		kind = device.ErrBusy
	}
	return fmt.Errorf("%w: code %v, %.120q", kind, code, said)
}
