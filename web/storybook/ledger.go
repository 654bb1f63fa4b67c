package storybook

import (
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"

	"hearth/ledger"
	"hearth/units"
)

// key signs the storybook's ledger. It guards nothing.
func key() ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed([]byte("the storybook's key, 32 bytes !!"))
}

// writer makes a ledger: a real chain, signed.
type writer struct{ list []ledger.Record }

func (w *writer) seal(e ledger.Entry, err error) {
	if err == nil {
		var prev ledger.Hash
		if n := len(w.list); n > 0 {
			prev = w.list[n-1].Hash
		}
		var r ledger.Record
		if r, err = e.Seal(uint64(len(w.list)+1), prev, key()); err == nil {
			w.list = append(w.list, r)
		}
	}
	if err != nil {
		panic(err) // a mistake of the storybook
	}
}

func genesis(at time.Time) (ledger.Entry, error) {
	return ledger.NewGenesis(at, key().Public().(ed25519.PublicKey), [16]byte{8, 4, 2, 0})
}

// chain makes a ledger of a few days.
func chain(simulated bool, from units.Provenance) []ledger.Record {
	start := Now().Add(-3 * 24 * time.Hour)
	var w writer
	seal := w.seal
	seal(genesis(start))
	for at := start; at.Before(Now().Add(-time.Hour)); at = at.Add(time.Hour) {
		e := ledger.Energy{From: at, To: at.Add(time.Hour), Joules: 2.92e6, Provenance: max(from, units.Estimate), Zone: "living"}
		seal(ledger.NewEntry(e.To, "mini3", simulated, ledger.Electricity(e)))
		seal(ledger.NewEntry(e.To, "mini3", simulated, ledger.Heat(e)))
	}
	at := Now().Add(-26 * time.Minute)
	seal(ledger.NewEntry(at, "mini3", simulated, ledger.Command{Verb: "set_level", Level: "eco", Why: "0.4 K below the set-point", Confirmed: true}))
	seal(ledger.NewEntry(at.Add(time.Minute), "living", simulated, ledger.Setting{Name: "set-point", From: "20.5 °C", To: "21 °C", By: "someone at this computer"}))
	seal(ledger.NewEntry(at.Add(2*time.Minute), "backup", simulated, ledger.Event{Severity: "notice", Code: "stop", Text: "Backup radiator stopped: the miners suffice."}))
	return w.list
}

// LedgerRecords implements the home.
func (h *Home) LedgerRecords(_ context.Context, from uint64, limit int) ([]ledger.Record, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []ledger.Record
	for _, r := range h.ledger {
		if r.Seq >= from && len(out) < limit {
			out = append(out, r)
		}
	}
	return out, nil
}

func (h *Home) records() iter.Seq2[ledger.Record, error] {
	h.mu.Lock()
	list := h.ledger
	h.mu.Unlock()
	return func(yield func(ledger.Record, error) bool) {
		for _, r := range list {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// LedgerVerify implements the home.
func (h *Home) LedgerVerify(context.Context) (ledger.Report, error) {
	return ledger.Verify(h.records(), ledger.Expect{Key: key().Public().(ed25519.PublicKey)}), nil
}

// Forge changes a record of the ledger, as somebody with access to the file
// might.
func (h *Home) Forge(seq int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ledger = append([]ledger.Record(nil), h.ledger...)
	h.ledger[seq-1].At = h.ledger[seq-1].At.Add(time.Hour)
}

// LedgerExport implements the home.
func (h *Home) LedgerExport(_ context.Context, w io.Writer, format string, from, to time.Time) error {
	type row struct {
		Seq  uint64 `parquet:"seq"`
		At   int64  `parquet:"at_unix_ns"`
		Kind string `parquet:"kind"`
		Body string `parquet:"body"`
	}
	var rows []row
	for r, err := range h.records() {
		if err != nil {
			return err
		}
		if (from.IsZero() || !r.At.Before(from)) && (to.IsZero() || r.At.Before(to)) {
			rows = append(rows, row{r.Seq, r.At.UnixNano(), string(r.Kind), string(r.Body)})
		}
	}
	switch format {
	case "csv":
		c := csv.NewWriter(w)
		for _, r := range rows {
			if err := c.Write([]string{strconv.FormatUint(r.Seq, 10), strconv.FormatInt(r.At, 10), r.Kind, r.Body}); err != nil {
				return err
			}
		}
		c.Flush()
		return c.Error()
	case "parquet":
		return parquet.Write(w, rows)
	case "chain":
		for r, err := range h.records() {
			var b []byte
			if err == nil {
				b, err = r.AppendBinary(nil)
			}
			if err == nil {
				_, err = w.Write(b)
			}
			if err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("export as %q: there is no such format", format)
}
