package shelly

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"strings"
	"time"

	"hearth/units"
)

// params are the arguments of a method.
type params map[string]json.RawMessage

func (p params) number(name string) (float64, bool) { return argument[float64](p, name) }

func (p params) truth(name string) (bool, bool) { return argument[bool](p, name) }

func argument[T any](p params, name string) (v T, ok bool) {
	var given *T
	if json.Unmarshal(p[name], &given) != nil || given == nil {
		return v, false
	}
	return *given, true
}

// rpcError is an error of a method, as frames carry it.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

const (
	noSuchMethod = 404
	badArgument  = -103
	notFound     = -105
)

func missing(name string) *rpcError {
	return &rpcError{badArgument, fmt.Sprintf("Missing or bad argument '%s'!", name)}
}

func absent(id float64) *rpcError {
	return &rpcError{notFound, fmt.Sprintf("Argument 'id', value %v not found!", id)}
}

// handler is the device's web server: its RPC without the page.
func (e *Emulator) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /shelly", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, e.deviceInfo()) })
	mux.HandleFunc("POST /rpc", e.frame)
	mux.HandleFunc("GET /rpc/{method}", e.direct)
	mux.HandleFunc("POST /rpc/{method}", e.direct)
	return mux
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that hung up is no news
}

// maxRequest bounds a request's body.
const maxRequest = 16 << 10

// frame answers a JSON-RPC frame.
func (e *Emulator) frame(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID     json.RawMessage `json:"id"`
		Src    string          `json:"src"`
		Method string          `json:"method"`
		Params params          `json:"params"`
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
	if err != nil || json.Unmarshal(b, &in) != nil || in.Method == "" {
		answer(w, http.StatusBadRequest, rpcError{badArgument, "Invalid request!"})
		return
	}
	if !open(in.Method) && !e.admitted(r) {
		e.challenge(w)
		return
	}
	out := map[string]any{"id": in.ID, "src": e.id}
	if in.Src != "" {
		out["dst"] = in.Src
	}
	if result, err := e.call(in.Method, in.Params); err != nil {
		out["error"] = err
	} else {
		out["result"] = result
	}
	answer(w, http.StatusOK, out)
}

// direct answers a method named in the path, with its arguments in the query
// or the body.
func (e *Emulator) direct(w http.ResponseWriter, r *http.Request) {
	method := r.PathValue("method")
	if !open(method) && !e.admitted(r) {
		e.challenge(w)
		return
	}
	p := params{}
	if r.Method == http.MethodPost {
		b, err := io.ReadAll(io.LimitReader(r.Body, maxRequest))
		if err != nil || len(b) > 0 && json.Unmarshal(b, &p) != nil {
			answer(w, http.StatusBadRequest, rpcError{badArgument, "Invalid request!"})
			return
		}
	}
	for name, values := range r.URL.Query() {
		v := json.RawMessage(values[0])
		if !json.Valid(v) {
			v, _ = json.Marshal(values[0])
		}
		p[name] = v
	}
	result, err := e.call(method, p)
	switch {
	case err == nil:
		answer(w, http.StatusOK, result)
	case err.Code == noSuchMethod:
		answer(w, http.StatusNotFound, err)
	default:
		answer(w, http.StatusInternalServerError, err)
	}
}

// open tells the methods that need no login.
func open(method string) bool { return strings.EqualFold(method, "Shelly.GetDeviceInfo") }

// call runs a method. Method names are not case sensitive.
func (e *Emulator) call(method string, p params) (any, *rpcError) {
	switch strings.ToLower(method) {
	case "shelly.getdeviceinfo":
		return e.deviceInfo(), nil
	case "shelly.getstatus":
		return e.status(), nil
	case "shelly.reboot":
		if !e.faults.LyingOK() {
			e.mu.Lock()
			e.relay.restartAt = e.clock().Add(time.Second)
			e.mu.Unlock()
		}
		return nil, nil
	case "sys.getstatus":
		return e.status()["sys"], nil
	case "switch.getstatus", "temperature.getstatus":
		kind, _, _ := strings.Cut(strings.ToLower(method), ".")
		return e.component(kind, p)
	case "switch.set", "switch.toggle", "switch.getconfig", "switch.setconfig":
		id, ok := p.number("id")
		switch {
		case !ok:
			return nil, missing("id")
		case id != 0:
			return nil, absent(id)
		}
		return e.switchCall(strings.ToLower(method), p)
	}
	return nil, &rpcError{noSuchMethod, "No handler for " + method}
}

// component answers the part of the status that the id names.
func (e *Emulator) component(kind string, p params) (any, *rpcError) {
	id, ok := p.number("id")
	if !ok {
		return nil, missing("id")
	}
	c, ok := e.status()[fmt.Sprintf("%s:%v", kind, id)]
	if !ok {
		return nil, absent(id)
	}
	return c, nil
}

// switchCall is the Switch component's methods that act on its only instance.
func (e *Emulator) switchCall(method string, p params) (any, *rpcError) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.relay.advance(e.clock())
	was := e.relay.on
	lying := e.faults.LyingOK()
	switch method {
	case "switch.getconfig":
		return e.switchConfig(), nil
	case "switch.setconfig":
		var c struct {
			AutoOff *bool    `json:"auto_off"`
			Delay   *float64 `json:"auto_off_delay"`
		}
		if json.Unmarshal(p["config"], &c) != nil || c.Delay != nil && (*c.Delay < 0 || *c.Delay > 86_400) {
			return nil, missing("config")
		}
		if c.AutoOff != nil && !lying {
			e.relay.autoOff = *c.AutoOff
		}
		if c.Delay != nil && !lying {
			e.relay.autoDelay = seconds(*c.Delay)
		}
		if !lying {
			e.configured++
		}
		return map[string]any{"restart_required": false}, nil
	case "switch.toggle":
		if !lying {
			e.relay.set(!was, 0, "http")
		}
	case "switch.set":
		on, ok := p.truth("on")
		if !ok {
			return nil, missing("on")
		}
		after, given := p.number("toggle_after")
		if _, has := p["toggle_after"]; has && (!given || after < 0 || after > 1e7) {
			return nil, missing("toggle_after")
		}
		if !lying {
			e.relay.set(on, seconds(after), "http")
		}
	}
	return map[string]any{"was_on": was}, nil
}

func (e *Emulator) switchConfig() map[string]any {
	r := &e.relay
	c := map[string]any{
		"id": 0, "name": nil, "in_mode": "detached", "initial_state": "off",
		"auto_on": false, "auto_on_delay": 60.0, "auto_off": r.autoOff, "auto_off_delay": r.autoDelay.Seconds(),
	}
	if r.meters {
		c["power_limit"], c["voltage_limit"], c["current_limit"] = float64(r.rating), 280, float64(r.rating)/volts
	}
	return c
}

func (e *Emulator) deviceInfo() map[string]any {
	info := map[string]any{
		"emulator": "hearth",
		"name":     nil, "id": e.id, "mac": e.config.MAC, "slot": 0, "model": e.relay.code, "gen": 2,
		"fw_id": "20260701-120000/" + e.config.Firmware, "ver": e.config.Firmware, "app": e.relay.app,
		"auth_en": e.config.Password != "", "auth_domain": nil,
	}
	if e.config.Password != "" {
		info["auth_domain"] = e.id
	}
	return info
}

// status is the answer to Shelly.GetStatus.
func (e *Emulator) status() map[string]any {
	// The thermometers ask the house, which may be asking this relay for its
	// heat at this moment: so they are read before the lock is taken.
	temps := e.thermometers()
	e.mu.Lock()
	defer e.mu.Unlock()
	r := &e.relay
	r.advance(e.clock())
	out := map[string]any{
		"ble": map[string]any{}, "cloud": map[string]any{"connected": false}, "mqtt": map[string]any{"connected": false},
		"input:0": map[string]any{"id": 0, "state": false},
		"sys": map[string]any{
			"mac": e.config.MAC, "restart_required": false, "time": r.at.UTC().Format("15:04"), "unixtime": r.at.Unix(),
			"uptime": int(r.at.Sub(r.booted).Seconds()), "ram_size": 246_000, "ram_free": 148_000, "cfg_rev": e.configured,
			"available_updates": map[string]any{},
		},
		"wifi":     map[string]any{"sta_ip": nil, "status": "got ip", "ssid": "emulated", "rssi": -61},
		"switch:0": e.switchStatus(),
	}
	maps.Copy(out, temps)
	return out
}

// switchStatus is the answer to Switch.GetStatus. e.mu is held.
func (e *Emulator) switchStatus() map[string]any {
	r := &e.relay
	warm := 12 + 20*float64(r.draw()/r.rating) // above the room, an assumption
	inside := float64(e.ambient) + warm
	if e.overheated {
		inside = 105
	}
	s := map[string]any{
		"id": 0, "source": r.source, "output": r.on,
		"temperature": map[string]any{"tC": tenth(inside), "tF": tenth(inside*1.8 + 32)},
	}
	if !r.timer.IsZero() {
		s["timer_started_at"] = float64(r.timer.UnixMilli()) / 1000
		s["timer_duration"] = r.timerFor.Seconds()
	}
	if r.meters {
		w := float64(r.draw()) * e.faults.LyingWatts()
		s["apower"], s["voltage"], s["current"], s["freq"], s["pf"] = tenth(w), volts, math.Round(w/volts*1000)/1000, 50.0, 1.0
		minutes := make([]float64, len(r.minute))
		for i, j := range r.minute {
			minutes[i] = math.Round(float64(j) / 3.6) // mWh
		}
		s["aenergy"] = map[string]any{
			"total":     math.Round(wattHours(r.count)*1000) / 1000,
			"by_minute": minutes, "minute_ts": r.at.Truncate(time.Minute).Unix(),
		}
	}
	if len(r.errors) > 0 {
		s["errors"] = r.errors
	}
	return s
}

func wattHours(j units.Joules) float64 { return float64(j) / 3600 }

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func tenth(x float64) float64 { return math.Round(x*10) / 10 }
