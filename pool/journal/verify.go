package journal

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"math"
	"os"
	"slices"
	"time"

	"hearth/ledger"
	"hearth/pool/job"
)

// adding is a segment that was read and added up.
type adding struct {
	head    head
	digest  ledger.Hash
	size    int64
	entries []ledger.Entry
}

func newAdding(r io.ReaderAt, also ...func(item)) (adding, error) {
	// The interval stands in the header, which comes first.
	h := make([]byte, headerSize)
	if _, err := r.ReadAt(h, 0); err != nil {
		return adding{}, err
	}
	front, err := parseHead(h)
	if err != nil {
		return adding{}, err
	}
	sum := newAdder(front.interval)
	d, err := scan(r, func(it item) {
		sum.add(it)
		for _, f := range also {
			f(it)
		}
	})
	if err != nil {
		return adding{}, err
	}
	entries, err := sum.entries(d.head, d.chain)
	if err != nil {
		return adding{}, err
	}
	return adding{d.head, d.chain, d.size, entries}, nil
}

// Report is what [Verify] found in a segment.
type Report struct {
	Number   uint64
	Begun    time.Time
	Interval time.Duration
	Digest   ledger.Hash
	// Before is the digest of the segment before, zero if it is not known.
	Before ledger.Hash
	// Shares counts those accepted, Proven those whose header shows the work
	// that they were credited with, Weak those whose header shows less.
	Shares, Proven, Weak int64
	Work                 job.Work
	// Excess is how many bytes lie behind what is whole.
	Excess int64
	// Missing are records that the segment makes and the ledger has not, Extra
	// those that the ledger has of this digest and the segment does not make.
	Missing []ledger.Entry
	Extra   []ledger.Record
}

// OK reports whether the ledger says what the segment says.
func (r Report) OK() bool {
	return r.Weak == 0 && r.Excess == 0 && len(r.Missing) == 0 && len(r.Extra) == 0
}

// String says it in plain words.
func (r Report) String() string {
	s := fmt.Sprintf("Segment %d, begun %s: %d accepted shares worth %d of work, %d of them with proof. ",
		r.Number, r.Begun.UTC().Format(time.RFC3339), r.Shares, r.Work, r.Proven)
	if r.OK() {
		return s + "The ledger says the same."
	}
	if r.Weak > 0 {
		s += fmt.Sprintf("%d shares were credited with more than their header shows. ", r.Weak)
	}
	if r.Excess > 0 {
		s += fmt.Sprintf("%d bytes at the end are damaged. ", r.Excess)
	}
	if len(r.Missing) > 0 {
		s += fmt.Sprintf("The ledger lacks %d records of it. ", len(r.Missing))
	}
	if len(r.Extra) > 0 {
		s += fmt.Sprintf("The ledger has %d records that it does not make, the first with number %d. ", len(r.Extra), r.Extra[0].Seq)
	}
	return s[:len(s)-1]
}

// Verify reads the segment in a file and holds it against the records of a
// ledger. The error is for what kept it from looking.
func Verify(name string, records iter.Seq2[ledger.Record, error]) (Report, error) {
	report, err := verify(name, records)
	if err != nil {
		return Report{}, fmt.Errorf("verify the shares in %s: %w", name, err)
	}
	return report, nil
}

func verify(name string, records iter.Seq2[ledger.Record, error]) (Report, error) {
	f, err := os.Open(name)
	if err != nil {
		return Report{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Report{}, err
	}
	var rep Report
	sum, err := newAdding(f, rep.look)
	if err != nil {
		return Report{}, err
	}
	rep.Number, rep.Begun, rep.Interval = sum.head.number, at(sum.head.begun), sum.head.interval
	rep.Digest, rep.Before, rep.Excess = sum.digest, sum.head.prev, info.Size()-sum.size
	var own []ledger.Record
	for r, err := range records {
		if err != nil {
			return Report{}, err
		}
		if ours(r, sum) {
			own = append(own, r)
		}
	}
	if rep.Missing, err = missing(sum.entries, each(own)); err != nil {
		return Report{}, err
	}
	want := count(sum.entries)
	rep.Extra = slices.DeleteFunc(own, func(r ledger.Record) bool {
		b := bearing{r.Kind, r.Subject, string(r.Body)}
		want[b]--
		return want[b] >= 0
	})
	return rep, nil
}

// look counts a share and looks at its proof.
func (r *Report) look(it item) {
	r.Shares += int64(it.count)
	r.Work = job.Work(min(uint64(r.Work)+it.work, math.MaxInt64))
	if !it.single || it.Verdict != Accepted || it.Header == (job.Header{}) {
		return
	}
	if it.Header.Hash().Difficulty().Work() >= it.Work {
		r.Proven++
	} else {
		r.Weak++
	}
}

// ours reports whether a record says to be of a segment.
func ours(r ledger.Record, s adding) bool {
	// Most are of others: they need not be decoded.
	if !bytes.Contains(r.Body, []byte(s.digest.String())) {
		return false
	}
	body, err := r.Decode()
	if err != nil {
		return false
	}
	switch b := body.(type) {
	case ledger.Shares:
		return b.Digest == s.digest
	case ledger.Gap:
		return true // it names the digest in its words
	}
	return false
}

func each(records []ledger.Record) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}
