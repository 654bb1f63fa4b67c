package httpapi

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"hearth/ledger"
	"hearth/site"
)

// maxRecords bounds one answer of the ledger.
const maxRecords = 1000

// ledger answers records from a number on; left out, the last ones.
func (a *api) ledger(w http.ResponseWriter, r *http.Request) error {
	q, s := r.URL.Query(), a.home.State()
	limit, from := 100, uint64(0)
	if v := q.Get("limit"); v != "" {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > maxRecords {
			return invalid("limit=%q: ask for 1 to %d records.", v, maxRecords)
		}
		limit = n
	}
	if v := q.Get("from"); v != "" {
		n, err := strconv.ParseUint(v, 10, 63)
		if err != nil {
			return invalid("from=%q is not the number of a record.", v)
		}
		from = n
	} else if n := uint64(limit); s.Ledger.Records > n {
		from = s.Ledger.Records - n + 1
	}
	list, err := a.home.LedgerRecords(r.Context(), from, limit)
	if err != nil {
		return err
	}
	if list == nil {
		list = []ledger.Record{}
	}
	writeJSON(w, http.StatusOK, struct {
		Ledger  site.LedgerState `json:"ledger"`
		Records []ledger.Record  `json:"records"`
	}{s.Ledger, list})
	return nil
}

// alone lets one request at a time read the whole ledger, which takes long in
// an old home.
func (a *api) alone() (done func(), err error) {
	if !a.heavy.TryLock() {
		return nil, &Problem{http.StatusServiceUnavailable, "busy", "Another request reads the whole ledger just now.", "Try again in a moment."}
	}
	return a.heavy.Unlock, nil
}

func (a *api) ledgerVerify(w http.ResponseWriter, r *http.Request) error {
	done, err := a.alone()
	if err != nil {
		return err
	}
	defer done()
	// The server's time limit is for short answers.
	if err := http.NewResponseController(w).SetWriteDeadline(time.Time{}); err != nil {
		return fmt.Errorf("verify ledger: %w", err)
	}
	report, err := a.home.LedgerVerify(r.Context())
	if err != nil {
		return err
	}
	if report.Sums == nil {
		report.Sums = []ledger.Sum{}
	}
	writeJSON(w, http.StatusOK, struct {
		OK   bool   `json:"ok"`
		Text string `json:"text"`
		ledger.Report
	}{report.OK(), report.String(), report})
	return nil
}

// ledgerExport streams the ledger in a format, as a file.
func (a *api) ledgerExport(format, contentType string) func(http.ResponseWriter, *http.Request) error {
	return func(w http.ResponseWriter, r *http.Request) error {
		var from, to time.Time
		if err := times(r.URL.Query().Get, &from, &to); err != nil {
			return err
		}
		done, err := a.alone()
		if err != nil {
			return err
		}
		defer done()
		out := &download{w: w, rc: http.NewResponseController(w), head: func(h http.Header) {
			h.Set("Content-Type", contentType)
			h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="hearth-ledger-%s.%s"`, a.home.State().At.Format("2006-01-02"), format))
		}}
		err = a.home.LedgerExport(r.Context(), out, format, from, to)
		if err != nil && out.begun {
			// Half a file must not look like a whole one.
			a.log.WarnContext(r.Context(), "ledger export broke off", "error", err)
			panic(http.ErrAbortHandler)
		}
		if err == nil && !out.begun {
			_, err = out.Write(nil)
		}
		return err
	}
}

// download writes a long answer: each piece has a time limit, the whole has
// none. Headers go out with the first piece, so that an error before it can
// still be told.
type download struct {
	w     http.ResponseWriter
	rc    *http.ResponseController
	head  func(http.Header)
	begun bool
}

// Write implements io.Writer.
func (d *download) Write(b []byte) (int, error) {
	if err := d.rc.SetWriteDeadline(time.Now().Add(sendTimeout)); err != nil {
		return 0, err
	}
	if !d.begun {
		d.begun = true
		d.head(d.w.Header())
		d.w.WriteHeader(http.StatusOK)
	}
	return d.w.Write(b)
}
