package axeos

import (
	"encoding/json"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hearth/device"
	"hearth/units"
)

// slots is how many pools ESP-Miner 2.15 and later keep; two of them are
// selected. Firmware before it, and a NerdQAxe's, have those two and no more.
const slots = 8

// hidden stands for a password in answers. Written to a pool it means the one
// that is stored there.
const hidden = "*****"

// pool is one pool in flash, under the names of the API.
type pool struct {
	Protocol   string  `json:"stratumProtocol"`
	URL        string  `json:"stratumURL"` // a host without scheme and port
	Port       float64 `json:"stratumPort"`
	User       string  `json:"stratumUser"`
	Password   string  `json:"stratumPassword"`
	Difficulty float64 `json:"stratumSuggestedDifficulty"`
	Extranonce bool    `json:"stratumExtranonceSubscribe"`
	TLS        float64 `json:"stratumTLS"`
	Cert       string  `json:"stratumCert"`
	Decode     bool    `json:"stratumDecodeCoinbase"`
	Channel    string  `json:"stratumV2ChannelType"`
	Key        string  `json:"stratumV2AuthorityPubkey"`
	MustAuth   bool    `json:"stratumV2RequireAuth"`
}

// blank is what the firmware fills in where a pool is written without it.
func blank() pool {
	return pool{Protocol: "SV1", Port: 3333, Password: "x", Decode: true, Channel: "extended"}
}

// pools are the pools in flash and the one that is mined.
type pools struct {
	slot        [slots]pool
	first, next int  // primaryPoolIndex, secondaryPoolIndex
	swapped     bool // useFallbackStratum
	inForce     pool
}

func factory() pools {
	p := pools{next: 1}
	p.slot[0], p.slot[1] = blank(), blank()
	p.slot[0].URL, p.slot[0].User, p.slot[0].Password = "pool.example.org", "hearth.emulated", "first secret"
	p.slot[1].URL, p.slot[1].User, p.slot[1].Password = "backup.example.org", "hearth.backup", "second secret"
	p.inForce = p.preferred()
	return p
}

// preferred is the pool that the firmware connects to first.
func (p *pools) preferred() pool {
	a, b := p.slot[p.first], p.slot[p.next]
	if p.swapped && b.URL != "" {
		return b
	}
	return a
}

// Pool returns the pool that the miner mines at now, with its password: after
// a change, firmware before 2.15 goes on with the old one until it restarts.
func (e *Emulator) Pool() device.Pool {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.advance(e.m.ambient)
	p := e.pools.inForce
	end := device.Endpoint{Scheme: device.StratumTCP, Host: p.URL, Port: int(p.Port)}
	switch {
	case p.Protocol == "SV2":
		end.Scheme, end.Key = device.Stratum2TCP, p.Key
	case p.TLS != 0:
		end.Scheme = device.StratumTLS
	}
	return device.Pool{URL: end.String(), User: p.User, Password: units.Know(p.Password, e.m.at, units.Simulated)}
}

// table tells firmware that keeps eight pools.
func (e *Emulator) table() bool {
	major, minor := version(e.config.Firmware)
	return !e.m.nerd && (major > 2 || major == 2 && minor >= 15)
}

// live tells firmware that takes new pools without a restart.
func (e *Emulator) live() bool { return e.m.nerd || e.table() }

// speaksV2 tells firmware that has the settings for Stratum V2 and TLS.
func (e *Emulator) speaksV2() bool {
	major, minor := version(e.config.Firmware)
	return !e.m.nerd && (major > 2 || major == 2 && minor >= 14)
}

// poolSetting takes one field of a PATCH that is about pools. It returns false
// when the field is about something else, and ok false for a value that
// firmware refuses (a Bitaxe's) or ignores (a NerdQAxe's).
func (e *Emulator) poolSetting(name string, v any) (write func(*pools), ok, mine bool) {
	number, isNumber := v.(float64)
	whole := isNumber && number == math.Trunc(number)
	index := whole && number >= 0 && number < slots
	switch name {
	case "primaryPoolIndex":
		return func(p *pools) { p.first = int(number) }, index, e.table()
	case "secondaryPoolIndex":
		return func(p *pools) { p.next = int(number) }, index, e.table()
	case "useFallbackStratum":
		truth, isTruth := v.(bool)
		on := isTruth && truth || number == 1
		return func(p *pools) { p.swapped = on }, isTruth || whole && (number == 0 || number == 1), !e.m.nerd
	}
	at, key := 0, name
	if rest, ok := strings.CutPrefix(name, "fallback"); ok && rest != "" {
		at, key = 1, strings.ToLower(rest[:1])+rest[1:]
	}
	set, ok, mine := field(key, v, e.m.nerd)
	if !mine {
		return nil, false, false
	}
	if e.table() {
		return nil, true, true // since 2.15 these are only told: a PATCH of them is ignored
	}
	return func(p *pools) { set(&p.slot[at]) }, ok, true
}

// field is one setting of one pool in the API before 2.15.
func field(key string, v any, nerd bool) (set func(*pool), ok, mine bool) {
	text, isText := v.(string)
	number, isNumber := v.(float64)
	truth, isTruth := v.(bool)
	switch key {
	case "stratumURL":
		return func(p *pool) { p.URL = text }, isText, true
	case "stratumPort":
		return func(p *pool) { p.Port = number }, isNumber && number >= 0 && number <= 65535, true
	case "stratumUser":
		return func(p *pool) { p.User = text }, isText, true
	case "stratumPassword":
		return func(p *pool) { p.Password = text }, isText, true
	case "stratumTLS":
		if nerd {
			return func(p *pool) { p.TLS = float64(flag(truth)) }, isTruth, true
		}
		return func(p *pool) { p.TLS = number }, isNumber && number >= 0 && number <= 3, true
	case "stratumProtocol":
		return func(p *pool) { p.Protocol = text }, text == "SV1" || text == "SV2", !nerd
	case "stratumV2AuthorityPubkey":
		return func(p *pool) { p.Key = text }, isText && len(text) <= 52, !nerd
	}
	return nil, false, false
}

// changed puts stored pools in force where the firmware does so at once. e.mu
// is held.
func (e *Emulator) changed() {
	if e.live() {
		e.pools.inForce = e.pools.preferred()
	}
}

// tellPools adds the pools to the answer of info.
func (e *Emulator) tellPools(out map[string]any) {
	p := &e.pools
	for i, prefix := range []string{"stratum", "fallbackStratum"} {
		s := p.slot[[]int{p.first, p.next}[i]]
		out[prefix+"URL"], out[prefix+"Port"], out[prefix+"User"] = s.URL, s.Port, s.User
		switch {
		case e.m.nerd:
			out[prefix+"TLS"] = s.TLS != 0
		case e.speaksV2():
			out[prefix+"TLS"], out[prefix+"Protocol"], out[prefix+"V2AuthorityPubkey"] = s.TLS, s.Protocol, s.Key
		}
	}
	if !e.m.nerd {
		out["useFallbackStratum"] = flag(p.swapped)
	}
	if !e.table() {
		return
	}
	out["primaryPoolIndex"], out["secondaryPoolIndex"] = p.first, p.next
	rows := []any{}
	for i, s := range p.slot {
		if s.URL == "" {
			continue
		}
		s.Password = hidden
		rows = append(rows, struct {
			ID int `json:"id"`
			pool
		}{i, s})
	}
	out["pools"] = rows
}

// slotOf reads the number at the end of the path.
func slotOf(w http.ResponseWriter, r *http.Request) (int, bool) {
	i, err := strconv.Atoi(r.PathValue("slot"))
	if err != nil || i < 0 || i >= slots {
		http.Error(w, "Invalid pool index", http.StatusBadRequest)
		return 0, false
	}
	return i, true
}

// putPool replaces one pool. What the request leaves out is set to the
// firmware's defaults.
func (e *Emulator) putPool(w http.ResponseWriter, r *http.Request) {
	i, ok := slotOf(w, r)
	if !ok {
		return
	}
	b, err := io.ReadAll(io.LimitReader(r.Body, 10<<10))
	if err != nil || !json.Valid(b) {
		http.Error(w, "Invalid JSON", http.StatusBadRequest)
		return
	}
	in, ok := readPool(b)
	if !ok {
		http.Error(w, "Invalid pool configuration payload", http.StatusBadRequest)
		return
	}
	if !e.faults.LyingOK() {
		e.update(func(*machine) { e.store(i, in) })
	}
	answer(w, map[string]string{"message": "Pool updated successfully"})
}

// readPool reads a pool as it is written, and says whether it is one.
func readPool(b []byte) (pool, bool) {
	in := blank()
	if json.Unmarshal(b, &in) != nil {
		return pool{}, false
	}
	return in, in.URL != "" && len(in.URL) <= 255 && in.User != "" && len(in.User) <= 255 && in.Port >= 1 && in.Port <= 65535 &&
		in.TLS >= 0 && in.TLS <= 2 && (in.Protocol == "SV1" || in.Protocol == "SV2") && len(in.Key) <= 128
}

// readPools reads the field "pools" of a PATCH: a list of pools with their
// numbers.
func readPools(v any) (map[int]pool, bool) {
	b, err := json.Marshal(v)
	var rows []json.RawMessage
	if err != nil || json.Unmarshal(b, &rows) != nil {
		return nil, false
	}
	in := map[int]pool{}
	for _, row := range rows {
		var id struct{ ID *int }
		p, ok := readPool(row)
		if json.Unmarshal(row, &id) != nil || id.ID == nil || *id.ID < 0 || *id.ID >= slots || !ok {
			return nil, false
		}
		in[*id.ID] = p
	}
	return in, true
}

// store writes a pool. e.mu is held.
func (e *Emulator) store(i int, in pool) {
	old := e.pools.slot[i]
	if in.Password == hidden {
		in.Password = blank().Password
		if old.URL != "" {
			in.Password = old.Password
		}
	}
	if in != old {
		e.m.flash++
	}
	e.pools.slot[i] = in
	e.changed()
}

// deletePool clears one pool that is not selected.
func (e *Emulator) deletePool(w http.ResponseWriter, r *http.Request) {
	i, ok := slotOf(w, r)
	if !ok {
		return
	}
	refused := false
	e.update(func(m *machine) {
		if refused = i == e.pools.first || i == e.pools.next; !refused && !e.faults.LyingOK() {
			e.pools.slot[i] = pool{}
			m.flash++
		}
	})
	if refused {
		http.Error(w, "Cannot delete a pool that is currently selected as primary or fallback", http.StatusBadRequest)
		return
	}
	answer(w, map[string]string{"message": "Pool cleared successfully"})
}

// booted makes the stored pools those in force, as every boot does. e.mu is
// held.
func (e *Emulator) booted(at time.Time) {
	if !at.Equal(e.bootSeen) {
		e.bootSeen = at
		e.pools.inForce = e.pools.preferred()
	}
}
