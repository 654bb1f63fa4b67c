package axeos

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"hearth/device"
	"hearth/drivers/internal/httpjson"
	"hearth/units"
)

// stored is one pool as the firmware stores it: under the flat names of one
// place, or as a row of the table that ESP-Miner keeps since 2.15.
type stored struct {
	device.Pool
	row httpjson.Object // of the table
	id  int             // the row's number
	// odd says why the pool cannot be written back as it was, empty if it can.
	odd string
}

// pooling is what one answer of the miner says of its pools, and how they are
// set: every dialect of the firmware has places in order of preference.
type pooling struct {
	table  bool
	nerd   bool
	places []string // flat: the beginning of each place's names; table: the names of the numbers
	order  []stored // as places; a place without a pool is the zero stored
	rows   []stored // table: every pool there is
	gate   string
}

// Pools implements [device.Repointer].
func (m *Miner) Pools(ctx context.Context) (device.Pools, error) {
	info, err := m.info(ctx)
	if err != nil {
		return device.Pools{}, fmt.Errorf("read the miner's pools: %w", err)
	}
	return poolsOf(info, m.now()).told(), nil
}

// SetPools implements [device.Repointer].
func (m *Miner) SetPools(ctx context.Context, order []device.Pool) error {
	if err := m.setPools(ctx, order); err != nil {
		return fmt.Errorf("set the miner's pools: %w", err)
	}
	return nil
}

func (m *Miner) setPools(ctx context.Context, order []device.Pool) error {
	for _, p := range order {
		if err := p.Check(); err != nil {
			return err
		}
	}
	info, err := m.info(ctx)
	if err != nil {
		return err
	}
	now := poolsOf(info, m.now())
	switch {
	case now.gate != "":
		return fmt.Errorf("%w: %s", device.ErrRefused, now.gate)
	case len(order) == 0 || len(order) > len(now.places):
		return fmt.Errorf("%w: the miner takes 1 to %d pools, not %d", device.ErrUnsupported, len(now.places), len(order))
	}
	// What is stored may have been stored by a call that was cut short before it
	// was in use, and passwords cannot be compared: only what this driver has put
	// in force itself is left alone.
	if slices.EqualFunc(order, m.given, equalPools) && slices.EqualFunc(order, now.told().Order, device.Pool.Same) {
		return nil
	}
	m.given = nil
	if now.table {
		err = m.selectPools(ctx, now, order)
	} else {
		err = m.patchPools(ctx, info, now, order)
	}
	if err == nil {
		m.given = slices.Clone(order)
	}
	return err
}

// equalPools also compares what is told of passwords.
func equalPools(p, q device.Pool) bool {
	a, told := p.Password.Get()
	b, alsoTold := q.Password.Get()
	return p.Same(q) && told == alsoTold && a == b
}

// poolsOf reads the dialect and the pools from an answer to info.
func poolsOf(info httpjson.Object, at time.Time) pooling {
	p := pooling{nerd: isNerd(info), places: []string{"stratum"}}
	if info.Has("fallbackStratumURL") {
		p.places = append(p.places, "fallbackStratum")
	}
	p.table = info.Has("pools") && info.Has("primaryPoolIndex") && info.Has("secondaryPoolIndex")
	if p.table {
		p.places = []string{"primaryPoolIndex", "secondaryPoolIndex"}
		for _, row := range info.Objects("pools") {
			if id, ok := whole(row, "id", 0, 255); ok && len(p.rows) < 64 {
				s := storedAs(row, "stratum", at)
				s.row, s.id = row, id
				p.rows = append(p.rows, s)
			}
		}
	}
	// The firmware's own switch makes the second place the preferred one.
	if swapped, _ := info.Truth("useFallbackStratum"); swapped && len(p.places) == 2 {
		p.places[0], p.places[1] = p.places[1], p.places[0]
	}
	for _, place := range p.places {
		if !p.table {
			p.order = append(p.order, storedAs(info, place, at))
			continue
		}
		var s stored
		if id, ok := whole(info, place, 0, 255); ok {
			s = p.row(id)
		}
		p.order = append(p.order, s)
	}
	p.gate = p.closed(info)
	return p
}

// closed says what to do before pools can be set.
func (p pooling) closed(info httpjson.Object) string {
	if otp, _ := info.Truth("otp"); otp {
		return "The miner asks for a one-time password with every change. Turn that off on its settings page."
	}
	mode, _ := info.Object("stratum").Float("activePoolMode")
	if p.nerd && mode != 0 {
		return "The miner divides its work between its pools. Set its pool mode to failover on its settings page."
	}
	for _, s := range p.order {
		if s.odd != "" && !p.table {
			return s.odd
		}
	}
	return ""
}

// whole returns a field that is a whole number within bounds.
func whole(o httpjson.Object, name string, lo, hi int) (int, bool) {
	f, ok := o.Float(name)
	if !ok || f != float64(int(f)) || int(f) < lo || int(f) > hi {
		return 0, false
	}
	return int(f), true
}

// storedAs reads the pool whose names begin with prefix. A pool without a host
// is none.
func storedAs(o httpjson.Object, prefix string, at time.Time) stored {
	host, _ := o.Text(prefix + "URL")
	host = strings.TrimSpace(host)
	if host == "" {
		return stored{}
	}
	user, _ := o.Text(prefix + "User")
	s := stored{Pool: device.Pool{User: user, Password: units.Unknown[string]("the miner does not tell passwords", at)}}
	port, _ := whole(o, prefix+"Port", 1, 65535)
	end := device.Endpoint{Scheme: device.StratumTCP, Host: strings.ToLower(host), Port: port}
	if given, err := device.ParseEndpoint(host); err == nil { // some owners type the whole address
		end = given
	}
	mode, _ := o.Float(prefix + "TLS")
	if on, _ := o.Truth(prefix + "TLS"); on {
		mode = 1
	}
	protocol, _ := o.Text(prefix + "Protocol")
	if n, ok := o.Float(prefix + "Protocol"); ok && n == 1 {
		protocol = "SV2" // a NerdQAxe
	}
	switch {
	case strings.EqualFold(protocol, "SV2"):
		end.Scheme = device.Stratum2TCP
		end.Key, _ = o.Text(keyName(prefix, isNerd(o)))
		end.Key = strings.TrimSpace(end.Key)
	case mode == 1:
		end.Scheme = device.StratumTLS
	case mode != 0:
		end.Scheme = device.StratumTLS
		s.odd = "One of its pools is checked against a certificate of its own, which Hearth could not put back. Set the pools on the miner's own page."
	}
	s.URL = end.String()
	return s
}

// keyName is the name of the key of a pool of Stratum V2.
func keyName(prefix string, nerd bool) string {
	switch {
	case nerd && prefix == "stratum":
		return "sv2AuthorityPubkey"
	case nerd:
		return "fallbackSv2AuthorityPubkey"
	}
	return prefix + "V2AuthorityPubkey"
}

// row returns the pool of a number.
func (p pooling) row(id int) stored {
	for _, s := range p.rows {
		if s.id == id {
			return s
		}
	}
	return stored{}
}

// told says for people and the runtime what was read.
func (p pooling) told() device.Pools {
	t := device.Pools{Places: len(p.places), Keeps: p.table, Restarts: !p.table && !p.nerd, Gate: p.gate}
	for _, s := range p.order {
		if s.URL != "" && (len(t.Order) == 0 || !t.Order[0].Same(s.Pool)) {
			t.Order = append(t.Order, s.Pool)
		}
	}
	switch {
	case p.table:
		t.Notes = append(t.Notes, "The miner keeps up to eight pools with their passwords. Hearth adds one and selects it; the others stay as they are.")
	default:
		t.Notes = append(t.Notes, "The miner does not tell passwords and ties them to its two places. Without a password from Hearth, the one that is there stays and is right again when the earlier pool is put back; with one, it is overwritten for good.")
	}
	if t.Restarts {
		t.Notes = append(t.Notes, "It restarts to use other pools, and forgets a pause by that.")
	}
	return t
}

// patchPools sets the flat fields that differ, in one request, so that all
// change or none.
func (m *Miner) patchPools(ctx context.Context, info httpjson.Object, now pooling, order []device.Pool) error {
	body := map[string]any{}
	for i, place := range now.places {
		if i >= len(order) {
			if now.order[i].URL != "" {
				body[place+"URL"] = ""
			}
			continue
		}
		if err := flatFields(body, info, place, now, now.order[i].Pool, order[i]); err != nil {
			return err
		}
	}
	if len(body) > 0 {
		if err := m.http.Send(ctx, http.MethodPatch, "/api/system", body); err != nil {
			return err
		}
	}
	if now.nerd {
		return nil
	}
	m.woken = m.now()
	return m.post(ctx, "restart")
}

// flatFields adds to body what must change at a place.
func flatFields(body map[string]any, info httpjson.Object, place string, now pooling, is, want device.Pool) error {
	if password, ok := want.Password.Get(); ok {
		body[place+"Password"] = password
	}
	if is.Same(want) {
		return nil
	}
	end, err := device.ParseEndpoint(want.URL)
	if err != nil {
		return err
	}
	add := func(name string, v any) {
		if present := fmt.Sprint(v); !sameText(info, name, present) {
			body[name] = v
		}
	}
	add(place+"URL", end.Host)
	add(place+"Port", end.Port)
	add(place+"User", want.User)
	tls := end.Scheme == device.StratumTLS
	switch has := info.Has(place + "TLS"); {
	case !has && tls:
		return fmt.Errorf("%w: the firmware of this miner knows no TLS: give it a pool with %s", device.ErrUnsupported, device.StratumTCP)
	case has && now.nerd:
		add(place+"TLS", tls)
	case has:
		add(place+"TLS", number(tls))
	}
	v2 := end.Scheme == device.Stratum2TCP
	switch has := info.Has(place + "Protocol"); {
	case !has && v2:
		return fmt.Errorf("%w: the firmware of this miner knows no Stratum V2: give it a pool with %s", device.ErrUnsupported, device.StratumTCP)
	case has && now.nerd:
		add(place+"Protocol", number(v2))
	case has && v2:
		add(place+"Protocol", "SV2")
	case has:
		add(place+"Protocol", "SV1")
	}
	if v2 {
		add(keyName(place, now.nerd), end.Key)
	}
	return nil
}

func number(b bool) int {
	if b {
		return 1
	}
	return 0
}

// sameText reports whether a field holds a value already, as text, number or
// truth.
func sameText(o httpjson.Object, name, value string) bool {
	if s, ok := o.Text(name); ok {
		return s == value
	}
	if f, ok := o.Float(name); ok {
		return strconv.FormatFloat(f, 'f', -1, 64) == value
	}
	b, ok := o.Truth(name)
	return ok && strconv.FormatBool(b) == value
}

// selectPools puts pools that are not in the table into free rows, where they
// touch nothing, and then selects two rows in one request.
func (m *Miner) selectPools(ctx context.Context, now pooling, order []device.Pool) error {
	body := map[string]any{}
	taken := map[int]bool{}
	for _, s := range now.rows {
		taken[s.id] = true
	}
	for i, place := range now.places {
		var id int
		var err error
		if i < len(order) {
			id, err = m.rowFor(ctx, now, order[i], taken)
		} else if id, err = free(taken); err != nil {
			id, err = body[now.places[0]].(int), nil // no empty row: the first pool twice
		}
		if err != nil {
			return err
		}
		body[place] = id
	}
	for i, place := range now.places {
		if s := now.order[i]; s.URL != "" && s.id == body[place] || i >= len(order) && s.URL == "" {
			delete(body, place)
		}
	}
	if len(body) == 0 {
		return nil
	}
	return m.http.Send(ctx, http.MethodPatch, "/api/system", body)
}

// rowFor returns the number of the row that holds a pool, writing it into a
// free one if there is none.
func (m *Miner) rowFor(ctx context.Context, now pooling, want device.Pool, taken map[int]bool) (int, error) {
	row := map[string]any{}
	id := -1
	for _, s := range now.rows {
		if s.Same(want) {
			id = s.id
			for name, v := range s.row { // what Hearth does not know stays
				row[name] = v
			}
			delete(row, "id")
		}
	}
	password, told := want.Password.Get()
	if id >= 0 && !told {
		return id, nil
	}
	if id < 0 {
		end, err := device.ParseEndpoint(want.URL)
		if err != nil {
			return 0, err
		}
		if id, err = free(taken); err != nil {
			return 0, err
		}
		taken[id] = true
		protocol := "SV1"
		if end.Scheme == device.Stratum2TCP {
			protocol = "SV2"
			row["stratumV2AuthorityPubkey"] = end.Key
			row["stratumV2RequireAuth"] = end.Key != ""
		}
		row["stratumProtocol"], row["stratumURL"], row["stratumPort"], row["stratumUser"] = protocol, end.Host, end.Port, want.User
		row["stratumTLS"] = number(end.Scheme == device.StratumTLS)
	}
	if told {
		row["stratumPassword"] = password
	}
	return id, m.http.Send(ctx, http.MethodPut, "/api/system/pools/"+strconv.Itoa(id), row)
}

// tableRows is how many pools ESP-Miner keeps since 2.15.
const tableRows = 8

func free(taken map[int]bool) (int, error) {
	for id := range tableRows {
		if !taken[id] {
			return id, nil
		}
	}
	return 0, fmt.Errorf("%w: all %d places for pools are taken: delete one on the miner's own page", device.ErrRefused, tableRows)
}
