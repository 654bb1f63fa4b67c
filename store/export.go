package store

import (
	"bufio"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"hearth/ledger"
	"hearth/units"
)

// Format is a form that the ledger is written out in.
type Format string

// The formats of [Store.Export].
const (
	// CSV is RFC 4180, for spreadsheets: units in the headings, and no cell
	// that a spreadsheet would take for a formula.
	CSV Format = "csv"
	// Parquet has the same columns, typed.
	Parquet Format = "parquet"
	// Chain is the records' binary form, one after the other, which
	// [ledger.Read] and [ledger.Verify] take: what a stranger needs to check
	// the ledger. It is always whole, whatever the times.
	Chain Format = "chain"
)

// Export writes the records from one time on and before another to w, in
// order of number; a zero time is no bound.
func (s *Store) Export(ctx context.Context, w io.Writer, format Format, from, to time.Time) error {
	write, ok := map[Format]func(io.Writer, iter.Seq2[ledger.Record, error]) error{
		CSV: exportCSV, Parquet: exportParquet, Chain: exportChain,
	}[format]
	if !ok {
		return fmt.Errorf("export ledger: %q is not a format: use csv, parquet or chain", format)
	}
	f := Filter{From: from, To: to, Limit: -1}
	if format == Chain {
		f.From, f.To = time.Time{}, time.Time{}
	}
	where, args := f.condition()
	out := bufio.NewWriterSize(w, 1<<16)
	err := s.snapshot(ctx, func(q querier) error { return write(out, each(ctx, q, where, args...)) })
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("export ledger: %w", classify(err))
	}
	return nil
}

// row is a record as an export shows it. Amounts that a kind of record does
// not have are nil.
type row struct {
	Seq        uint64     `parquet:"seq"`
	At         time.Time  `parquet:"at_utc,timestamp(microsecond)"`
	Kind       string     `parquet:"kind,dict"`
	Subject    string     `parquet:"subject,dict"`
	Zone       string     `parquet:"zone,dict"`
	Simulated  bool       `parquet:"simulated"`
	Provenance string     `parquet:"provenance,dict"`
	From       *time.Time `parquet:"from_utc,optional,timestamp(microsecond)"`
	To         *time.Time `parquet:"to_utc,optional,timestamp(microsecond)"`
	Millijoule *int64     `parquet:"energy_mj,optional"`
	Amount     *int64     `parquet:"work_amount,optional"`
	Unit       string     `parquet:"work_unit,dict"`
	Millisats  *int64     `parquet:"earning_msat,optional"`
	Body       string     `parquet:"body,json"`
	Hash       string     `parquet:"hash"`
}

func toRow(r ledger.Record) (row, error) {
	x := row{
		Seq: r.Seq, At: r.At, Kind: string(r.Kind), Subject: r.Subject, Simulated: r.Simulated,
		Body: string(r.Body), Hash: r.Hash.String(),
	}
	body, err := r.Decode()
	if err != nil {
		return x, fmt.Errorf("record %d: %w", r.Seq, err)
	}
	energy := func(e ledger.Energy) {
		mj := e.Millijoules()
		x.Zone, x.From, x.To, x.Millijoule = e.Zone, &e.From, &e.To, &mj
		x.Provenance = e.Provenance.String()
	}
	switch b := body.(type) {
	case ledger.Electricity:
		energy(ledger.Energy(b))
	case ledger.Heat:
		energy(ledger.Energy(b))
	case ledger.Work:
		x.From, x.To, x.Amount, x.Unit = &b.From, &b.To, &b.Amount, string(b.Unit)
		x.Provenance = b.Provenance.String()
	case ledger.Earning:
		x.Millisats = &b.Millisats
	case ledger.Shares:
		x.From, x.To, x.Amount, x.Unit = &b.From, &b.To, &b.Work, string(b.WorkUnit())
	}
	return x, nil
}

func exportCSV(w io.Writer, records iter.Seq2[ledger.Record, error]) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	err := out.Write([]string{
		"number", "time (UTC)", "kind", "subject", "zone", "simulated", "provenance", "from (UTC)", "to (UTC)",
		"energy (J)", "energy (kWh)", "work", "unit of work", "earning (msat)", "body (JSON)", "hash (SHA-256)",
	})
	if err != nil {
		return err
	}
	for r, err := range records {
		if err != nil {
			return err
		}
		x, err := toRow(r)
		if err != nil {
			return err
		}
		var joules, kwh string
		if x.Millijoule != nil {
			joules = fmt.Sprintf("%d.%03d", *x.Millijoule/1000, *x.Millijoule%1000)
			kwh = strconv.FormatFloat(float64(units.Joules(float64(*x.Millijoule)/1000).KilowattHours()), 'f', 9, 64)
		}
		err = out.Write([]string{
			strconv.FormatUint(x.Seq, 10), x.At.Format(time.RFC3339Nano), text(x.Kind), text(x.Subject), text(x.Zone),
			strconv.FormatBool(x.Simulated), x.Provenance, instant(x.From), instant(x.To), joules, kwh,
			number(x.Amount), text(x.Unit), number(x.Millisats), text(x.Body), x.Hash,
		})
		if err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// text keeps a spreadsheet from taking a cell for a formula: names of devices
// come from outside. See OWASP, "CSV Injection".
func text(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", []rune(s)[0]) {
		return "'" + s
	}
	return s
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func exportParquet(w io.Writer, records iter.Seq2[ledger.Record, error]) error {
	out := parquet.NewGenericWriter[row](w, parquet.Compression(&parquet.Zstd), parquet.CreatedBy("hearth", "1", ""))
	batch := make([]row, 0, 1000)
	flush := func() error {
		_, err := out.Write(batch)
		batch = batch[:0]
		return err
	}
	for r, err := range records {
		if err != nil {
			return err
		}
		x, err := toRow(r)
		if err != nil {
			return err
		}
		if batch = append(batch, x); len(batch) == cap(batch) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return out.Close()
}

func exportChain(w io.Writer, records iter.Seq2[ledger.Record, error]) error {
	var buf []byte
	for r, err := range records {
		if err != nil {
			return err
		}
		if buf, err = r.AppendBinary(buf[:0]); err != nil {
			return err
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
