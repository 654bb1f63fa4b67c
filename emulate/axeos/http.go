package axeos

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
)

// handler is the firmware's web server: its API without page and files.
func (e *Emulator) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/system/info", e.getInfo)
	mux.HandleFunc("GET /api/system/asic", e.getASIC)
	mux.HandleFunc("PATCH /api/system", e.patch)
	mux.HandleFunc("POST /api/system/restart", e.restart)
	if e.m.nerd {
		mux.HandleFunc("POST /api/system/shutdown", e.change(func(m *machine) { m.shutdown = true }))
	} else {
		mux.HandleFunc("GET /api/system/statistics", e.getStatistics)
		mux.HandleFunc("POST /api/system/identify", e.identify)
	}
	if e.table() {
		mux.HandleFunc("PUT /api/system/pools/{slot}", e.putPool)
		mux.HandleFunc("DELETE /api/system/pools/{slot}", e.deletePool)
	}
	if e.hasPause() {
		mux.HandleFunc("POST /api/system/pause", e.change(func(m *machine) { m.paused = true }))
		mux.HandleFunc("POST /api/system/resume", e.change(func(m *machine) { m.paused = false }))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !private(r) {
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// private tells whether the firmware lets a request in: from a private
// address, and with an Origin, if any, that is a private address, a bare host
// name or one in .local.
func private(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !privateHost(host, false) {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && privateHost(u.Hostname(), true)
}

func privateHost(host string, names bool) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return names && host != "" && (!strings.Contains(host, ".") || strings.HasSuffix(host, ".local"))
	}
	ip = ip.Unmap()
	return ip.IsPrivate() || ip.IsLoopback() || ip.IsLinkLocalUnicast()
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a client that hung up is no news
}

// change makes a command that changes the machine and answers OK. Under the
// fault LyingOK it answers OK and changes nothing.
func (e *Emulator) change(f func(*machine)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if !e.faults.LyingOK() {
			e.update(f)
		}
		w.WriteHeader(http.StatusOK)
	}
}

// restart answers, and restarts a second later.
func (e *Emulator) restart(w http.ResponseWriter, _ *http.Request) {
	if !e.faults.LyingOK() {
		e.update(func(m *machine) { m.restartAt = m.at.Add(time.Second) })
	}
	_, _ = io.WriteString(w, "System will restart shortly.")
}

func (e *Emulator) identify(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	e.greetings++
	e.mu.Unlock()
	w.WriteHeader(http.StatusOK)
}

// patch sets settings. Every field is checked before any is written, and each
// one written costs a write to flash. The firmware of a NerdQAxe checks little
// and answers 200 to what it ignores.
func (e *Emulator) patch(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(io.LimitReader(r.Body, 10<<10))
	var fields map[string]any
	if err != nil || json.Unmarshal(b, &fields) != nil {
		http.Error(w, "Invalid JSON", http.StatusBadRequest)
		return
	}
	var writes []func(*machine)
	var tables []map[int]pool
	foreign := map[string]any{}
	for name, v := range fields {
		write, ok := setting(name, v)
		if put, fits, mine := e.poolSetting(name, v); mine {
			ok = fits
			write = func(*machine) { put(&e.pools) }
			if ok && put == nil {
				continue
			}
		}
		if name == "pools" && e.table() {
			rows, fits := readPools(v)
			if fits {
				tables = append(tables, rows)
				continue
			}
			ok = false
		}
		if f, isNumber := v.(float64); e.m.nerd && isNumber && f != math.Trunc(f) {
			ok = false // it reads whole numbers only
		}
		switch {
		case !ok && !e.m.nerd:
			http.Error(w, "Wrong API input", http.StatusBadRequest)
			return
		case !ok:
		case write == nil:
			foreign[name] = v
		default:
			writes = append(writes, write)
		}
	}
	if !e.faults.LyingOK() {
		e.update(func(m *machine) {
			for _, write := range writes {
				write(m)
			}
			for _, rows := range tables {
				for i, p := range rows {
					e.store(i, p)
				}
			}
			e.changed()
			m.flash += len(writes) + len(foreign)
			maps.Copy(e.foreign, foreign)
		})
	}
	w.WriteHeader(http.StatusOK)
}

// setting checks one field of a PATCH. It returns what the field does to the
// machine, nil for a setting that has nothing to do with heat (a pool, Wi-Fi),
// and false for a value out of range.
func setting(name string, v any) (write func(*machine), ok bool) {
	number, isNumber := v.(float64)
	within := func(lo, hi float64) bool { return isNumber && number >= lo && number <= hi }
	whole := isNumber && number == math.Trunc(number)
	switch name {
	case "frequency":
		return func(m *machine) { m.wantMHz = number }, within(1, 65535)
	case "coreVoltage":
		return func(m *machine) { m.wantMV = number }, within(1, 65535) && whole
	case "overheat_mode":
		return func(m *machine) { m.overheat = false }, within(0, 0)
	case "temptarget":
		return nil, within(35, 66)
	case "minFanSpeed", "minimumFanSpeed":
		return nil, within(0, 99)
	case "manualFanSpeed", "fanspeed":
		return nil, within(0, 100)
	case "autofanspeed", "overclockEnabled", "invertscreen":
		return nil, within(0, 1)
	}
	return nil, true
}

func (e *Emulator) getASIC(w http.ResponseWriter, _ *http.Request) {
	b := e.m.board
	out := map[string]any{
		"ASICModel": b.chip, "deviceModel": b.family, "asicCount": b.chips, "swarmColor": "green",
		"defaultFrequency": b.usualMHz, "frequencyOptions": b.mhz,
		"defaultVoltage": b.usualMV, "voltageOptions": b.mv,
	}
	if b.nerd {
		out["absMaxFrequency"], out["absMinVoltage"], out["absMaxVoltage"] = 800, 1005, 1400
		out["ecoFrequency"], out["ecoVoltage"] = b.mhz[0], b.mv[0]
	}
	answer(w, out)
}

func (e *Emulator) getInfo(w http.ResponseWriter, _ *http.Request) {
	e.mu.Lock()
	e.advance(e.m.ambient)
	out := e.info()
	e.mu.Unlock()
	answer(w, out)
}

// info is the answer to GET /api/system/info. e.mu is held.
func (e *Emulator) info() map[string]any {
	m := &e.m
	// The hash rate of a lucky or unlucky minute: 3 % around the average.
	uptime := m.at.Sub(m.booted).Seconds()
	rate := m.rate * (1 + 0.03*math.Sin(uptime/7))
	watts := float64(m.power()) * e.faults.LyingWatts()
	chip, regulator := -1.0, -1.0
	if m.started && !e.blind {
		chip = tenth(m.chip)
		regulator = tenth(float64(m.ambient) + 0.85*(m.chip-float64(m.ambient)) + 8)
	}
	actual := 0.0
	if m.started && !m.shutdown {
		actual = m.wantMV - 6
	}
	out := map[string]any{
		"hearthEmulator": true,
		"ASICModel":      m.board.chip, "boardVersion": m.version,
		"version": e.config.Firmware, "axeOSVersion": e.config.Firmware,
		"macAddr": e.config.MAC, "hostname": e.config.Hostname, "mdnsHostname": e.config.Hostname + ".local",
		"power": tenth(watts), "voltage": tenth(m.volts * 1000 * 0.99),
		"current":  tenth(float64(m.power()-m.allowance) / m.volts * 1000),
		"hashRate": rate, "hashRate_1m": m.rate, "hashRate_10m": m.rate, "hashRate_1h": m.rate,
		"expectedHashrate": m.expected(m.wantMHz), "errorPercentage": 0.3,
		"temp": chip, "vrTemp": regulator, "fanrpm": math.Round(m.rpm()), "fanspeed": tenth(m.duty * 100),
		"frequency": m.wantMHz, "actualFrequency": m.mhz, "coreVoltage": m.wantMV, "coreVoltageActual": actual,
		"maxPower": float64(m.limit), "nominalVoltage": m.volts,
		"overheat_mode": flag(m.overheat),
		"uptimeSeconds": math.Floor(uptime), "totalUptimeSeconds": math.Floor(uptime),
		"resetReason": "Reset due to power-on event", "runningPartition": "factory", "wifiStatus": "Connected!", "wifiRSSI": -58,
		"isUsingFallbackStratum": 0,
		"sharesAccepted":         math.Floor(uptime / 5), "sharesRejected": 0, "bestDiff": "1.2M", "blockFound": 0, "smallCoreCount": m.cores,
		"freeHeap": 8_300_000, "poolConnectionInfo": "IPv4",
	}
	for name, v := range e.foreign {
		if !secret(name) {
			out[name] = v
		}
	}
	e.tellPools(out)
	if !m.poolOK {
		out["poolConnectionInfo"] = "Not Connected"
	}
	if m.fault != "" {
		out["power_fault"] = m.fault
	}
	if m.chips > 1 && !m.nerd {
		out["temp2"] = chip
		out["fan2rpm"] = 0
	}
	if e.hasPause() {
		out["miningPaused"] = m.paused
	}
	if m.nerd {
		e.nerdInfo(out)
	}
	return out
}

// secret tells the settings that can be written but are never told.
func secret(name string) bool {
	return strings.Contains(strings.ToLower(name), "pass")
}

// nerdInfo turns a Bitaxe's answer into a NerdQAxe's.
func (e *Emulator) nerdInfo(out map[string]any) {
	m := &e.m
	for _, name := range []string{
		"axeOSVersion", "boardVersion", "actualFrequency", "overheat_mode", "temptarget",
		"minFanSpeed", "overclockEnabled", "poolConnectionInfo", "power_fault", "nominalVoltage",
	} {
		delete(out, name)
	}
	temps := make([]float64, m.chips)
	for i := range temps {
		temps[i] = out["temp"].(float64)
	}
	if m.shutdown {
		out["hashRate"], out["hashRate_1m"] = 0, 0
	}
	out["deviceModel"] = m.family
	out["shutdown"] = m.shutdown
	out["otp"] = e.config.OTP
	out["currentA"] = tenth(float64(m.power()) / m.volts)
	out["minPower"] = 30
	out["overheat_temp"] = throttle
	out["pidTargetTemp"] = fanTarget
	out["asicTemps"] = temps
	out["fans"] = []any{map[string]any{"label": "Fan 1", "mode": 1, "rpm": out["fanrpm"], "speedPerc": out["fanspeed"]}}
	mode := flag(e.config.Dual)
	out["stratum"] = map[string]any{
		"poolMode": mode, "activePoolMode": mode,
		"pools": []any{map[string]any{"connected": m.poolOK, "host": e.pools.inForce.URL, "port": e.pools.inForce.Port}},
	}
}

func (m *machine) rpm() float64 {
	if m.blocked {
		return 0
	}
	return m.duty * 7200
}

func tenth(x float64) float64 { return math.Round(x*10) / 10 }

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

// version reads "v2.14.0b1" as 2, 14.
func version(s string) (major, minor int) {
	if _, err := fmt.Sscanf(strings.TrimPrefix(s, "v"), "%d.%d", &major, &minor); err != nil {
		return 0, 0
	}
	return major, minor
}
