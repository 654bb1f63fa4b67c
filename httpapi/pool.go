package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"hearth/pool"
)

// Pool is a [Home] whose miners mine through it. A home that is none, and one
// without a pool, answers 404. All methods are safe for concurrent use; their
// errors are like those of a home.
type Pool interface {
	// Pool returns what there is to show, nil if the home has no pool.
	Pool() *pool.State
	// Pair lets a miner in: with a token, or by its address.
	Pair(ctx context.Context, m pool.Miner, by string) (pool.Pairing, error)
	// Unpair ends that.
	Unpair(ctx context.Context, miner, by string) error
	// PointMiner makes a device of this home mine at the home's own pool, and
	// keeps what it mined at before; RestoreMiner puts that back.
	PointMiner(ctx context.Context, device, by string) error
	RestoreMiner(ctx context.Context, device, by string) error
	// StopPayouts throws or releases the kill switch.
	StopPayouts(ctx context.Context, stop bool, by string) error
	// Receive books what somebody paid for work.
	Receive(ctx context.Context, r pool.Receipt, by string) error
	// Report compares what a pool says that work earned with the work itself.
	Report(ctx context.Context, r pool.Reported, by string) error
	// Statement returns the signed statement of a party for a month, as "json",
	// "csv" or "text".
	Statement(ctx context.Context, party string, month time.Time, format string) ([]byte, error)
}

// PoolOf returns the home as its miners see it. An error is a *[Problem].
func PoolOf(h Home) (Pool, error) {
	if _, err := PoolState(h); err != nil {
		return nil, err
	}
	return h.(Pool), nil
}

// PoolState returns what there is to show of the home's pool. It takes a look
// into the ledger: ask once for a page. An error is a *[Problem].
func PoolState(h Home) (*pool.State, error) {
	if p, ok := h.(Pool); ok {
		if s := p.Pool(); s != nil {
			return s, nil
		}
	}
	return nil, &Problem{
		http.StatusNotFound, "not_found", "This home has no pool of its own.",
		`Add a section "pool" to its configuration: see the guide on sat sharing.`,
	}
}

func (a *api) poolState(w http.ResponseWriter, _ *http.Request) error {
	s, err := PoolState(a.home)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, s)
	return nil
}

func (a *api) postMiner(w http.ResponseWriter, r *http.Request) error {
	p, err := PoolOf(a.home)
	if err != nil {
		return err
	}
	var body struct {
		Name    string `json:"name"`
		Address string `json:"address"`
		Account string `json:"account"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	m, err := MinerText(body.Name, body.Address, body.Account)
	if err != nil {
		return err
	}
	paired, err := p.Pair(r.Context(), m, by(r.Context()))
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusCreated, paired)
	return nil
}

func (a *api) deleteMiner(w http.ResponseWriter, r *http.Request) error {
	p, err := PoolOf(a.home)
	if err != nil {
		return err
	}
	if err := p.Unpair(r.Context(), r.PathValue("name"), by(r.Context())); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// The two places that a home's miner may be sent to.
const (
	ToHearth  = "hearth"
	ToEarlier = "earlier"
)

func (a *api) putDevicePool(w http.ResponseWriter, r *http.Request) error {
	p, err := PoolOf(a.home)
	if err != nil {
		return err
	}
	var body struct {
		To string `json:"to"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	switch body.To {
	case ToHearth:
		err = p.PointMiner(r.Context(), r.PathValue("id"), by(r.Context()))
	case ToEarlier:
		err = p.RestoreMiner(r.Context(), r.PathValue("id"), by(r.Context()))
	default:
		err = invalid(`%q is no place to mine at: send {"to":"hearth"} or {"to":"earlier"}.`, body.To)
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) putPayouts(w http.ResponseWriter, r *http.Request) error {
	p, err := PoolOf(a.home)
	if err != nil {
		return err
	}
	var body struct {
		Stopped *bool `json:"stopped"`
	}
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Stopped == nil {
		return invalid(`Send {"stopped":true} or {"stopped":false}.`)
	}
	if err := p.StopPayouts(r.Context(), *body.Stopped, by(r.Context())); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, p.Pool().Money)
	return nil
}

func (a *api) postReceipt(w http.ResponseWriter, r *http.Request) error {
	p, err := PoolOf(a.home)
	if err != nil {
		return err
	}
	var body pool.Receipt
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Source == "" || body.Proof == "" || body.Millisats == 0 {
		return invalid("A receipt has a source, an amount in msat and a proof: the transaction or payment hash.")
	}
	if body.At.IsZero() {
		body.At = a.home.State().At
	}
	if err := p.Receive(r.Context(), body, by(r.Context())); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (a *api) postReport(w http.ResponseWriter, r *http.Request) error {
	p, err := PoolOf(a.home)
	if err != nil {
		return err
	}
	var body pool.Reported
	if err := decode(w, r, &body); err != nil {
		return err
	}
	if body.Source == "" || !body.From.Before(body.To) || body.Millisats < 0 {
		return invalid("A report has a source, a span from … to …, and an amount in msat.")
	}
	if err := p.Report(r.Context(), body, by(r.Context())); err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, p.Pool())
	return nil
}

// statementType is the media type of a form of statement.
func statementType(format string) (string, bool) {
	switch format {
	case "", "json":
		return "application/json; charset=utf-8", true
	case "csv":
		return "text/csv; charset=utf-8; header=present", true
	case "text":
		return "text/plain; charset=utf-8", true
	}
	return "", false
}

func (a *api) statement(w http.ResponseWriter, r *http.Request) error {
	p, err := PoolOf(a.home)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	kind, ok := statementType(q.Get("format"))
	if !ok {
		return invalid("format=%q: there is json, csv and text.", q.Get("format"))
	}
	month, err := time.Parse("2006-01", q.Get("month"))
	if err != nil {
		return invalid("month=%q: write it as 2026-11.", q.Get("month"))
	}
	format := q.Get("format")
	if format == "" {
		format = "json"
	}
	b, err := p.Statement(r.Context(), r.PathValue("party"), month, format)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", kind)
	w.Write(b) //nolint:errcheck // the client is gone
	return nil
}

// MinerText reads a miner as a person writes it. An error is a *[Problem].
func MinerText(name, address, account string) (pool.Miner, error) {
	m := pool.Miner{Name: strings.TrimSpace(name), Account: strings.TrimSpace(account)}
	if address = strings.TrimSpace(address); address != "" {
		ip, err := netip.ParseAddr(address)
		if err != nil || ip.Zone() != "" {
			return m, invalid("%q is not an address: write the miner's own, such as 192.168.1.41.", address)
		}
		m.Address = ip
	}
	return m, nil
}
