package ledger

import (
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"iter"
	"time"
)

// Report is what [Verify] found.
type Report struct {
	// Records counts those that were looked at and found good.
	Records uint64 `json:"records"`
	// First and Last are their lowest and highest numbers, 0 if there is none.
	First uint64    `json:"first"`
	Last  uint64    `json:"last"`
	From  time.Time `json:"from"` // earliest time among them
	To    time.Time `json:"to"`   // and latest: clocks may be set back
	// Genesis and Hash are the hashes of the first and the last.
	Genesis Hash `json:"genesis"`
	Hash    Hash `json:"hash"`
	// Pruned counts the records that a checkpoint stands for.
	Pruned uint64 `json:"pruned"`
	// Head is the number of the last record in the head that was given, 0 if
	// none was. Records after it are good, but not yet vouched for from
	// outside the file.
	Head uint64 `json:"head"`
	// Sums are the amounts in the whole ledger, removed records included.
	Sums []Sum `json:"sums"`
	// Problem is the first thing that is wrong, nil if nothing is.
	Problem *Problem `json:"problem,omitempty"`
}

// OK reports whether nothing is wrong.
func (r Report) OK() bool { return r.Problem == nil }

// String says it in plain words.
func (r Report) String() string {
	if r.Problem != nil {
		return r.Problem.Error()
	}
	s := fmt.Sprintf("The ledger is whole: %s, from %s to %s, each signed and each following the one before.",
		count(r.Records), r.From.UTC().Format(time.DateTime+" UTC"), r.To.UTC().Format(time.DateTime+" UTC"))
	if r.Pruned > 0 {
		s += fmt.Sprintf(" A signed checkpoint stands for %s removed earlier.", count(r.Pruned))
	}
	switch {
	case r.Head == 0:
		s += " No signed head was given, so a cut end would not show."
	case r.Head < r.Last:
		s += fmt.Sprintf(" The signed head outside the file vouches for it up to record %d.", r.Head)
	default:
		s += " The signed head outside the file agrees."
	}
	return s
}

func count(n uint64) string {
	if n == 1 {
		return "1 record"
	}
	return fmt.Sprintf("%d records", n)
}

// Fault says what kind of thing is wrong.
type Fault string

// The faults that [Verify] tells apart.
const (
	FaultUnreadable Fault = "unreadable" // the record could not be read at all
	FaultGenesis    Fault = "genesis"    // no genesis, or that of another ledger
	FaultKey        Fault = "key"        // made with another key
	FaultEdited     Fault = "edited"     // does not match its own hash
	FaultForged     Fault = "forged"     // not signed with the ledger's key
	FaultChain      Fault = "chain"      // does not continue from the one before
	FaultMissing    Fault = "missing"    // records are gone and no checkpoint says so
	FaultRepeated   Fault = "repeated"   // a number appears twice
	FaultOrder      Fault = "order"      // a number comes too late
	FaultForm       Fault = "form"       // signed, but not as the specification has it
	FaultCheckpoint Fault = "checkpoint" // does not fit the records around it
	FaultHead       Fault = "head"       // the head outside the file is not genuine
	FaultCut        Fault = "cut"        // the end is cut off, or an older copy put back
	FaultRewritten  Fault = "rewritten"  // differs from what the head vouches for
)

// Problem is one thing that is wrong with a ledger.
type Problem struct {
	Seq   uint64 `json:"seq"` // of the record, 0 if it has none
	Fault Fault  `json:"fault"`
	Text  string `json:"text"` // plain words
}

// Error returns the text.
func (p *Problem) Error() string { return p.Text }

// Expect is what a ledger is held against.
type Expect struct {
	// Key is the public key that every record must be signed with.
	Key ed25519.PublicKey
	// Genesis is the hash of the first record; zero if it is not known.
	Genesis Hash
	// Head is a signed head kept outside the file; nil if there is none.
	Head *Head
}

// Verify reads records in the order they lie in the file and holds them
// against each other and against what is expected. It stops at the first
// thing that is wrong, which the report names.
func Verify(records iter.Seq2[Record, error], want Expect) Report {
	v := verifier{want: want, sums: Sums{}}
	if h := want.Head; h != nil {
		if err := h.Verify(want.Key); err != nil {
			v.report.Problem = &Problem{h.Seq, FaultHead, "The head kept outside the file is not genuine: " + err.Error() + "."}
			return v.report
		}
		v.report.Head = h.Seq
	}
	for r, err := range records {
		if err != nil {
			v.fail(v.report.Last+1, FaultUnreadable, "Record %d cannot be read: %v.", v.report.Last+1, err)
		} else {
			v.next(r)
		}
		if v.report.Problem != nil {
			return v.report
		}
	}
	v.end()
	return v.report
}

type verifier struct {
	want   Expect
	report Report
	sums   Sums
	hole   uint64 // last number of the hole behind the genesis, 0 if none
	before Hash   // what the record behind the hole says came before it
	cover  *Checkpoint
	stands uint64 // last number that any checkpoint so far stands for
}

func (v *verifier) fail(seq uint64, f Fault, format string, args ...any) {
	v.report.Problem = &Problem{seq, f, fmt.Sprintf(format, args...)}
}

func (v *verifier) next(r Record) {
	last := v.report.Last
	switch {
	case last == 0 && r.Seq != 1:
		v.fail(r.Seq, FaultGenesis, "The ledger begins with record %d: the genesis, record 1, is missing.", r.Seq)
	case last != 0 && r.Seq == last:
		v.fail(r.Seq, FaultRepeated, "Record %d appears twice.", r.Seq)
	case r.Seq < last:
		v.fail(r.Seq, FaultOrder, "Record %d comes after record %d: the order was changed.", r.Seq, last)
	case r.Seq != last+1 && last != 1:
		v.missing(last+1, r.Seq-1)
	case r.sum() != r.Hash:
		v.fail(r.Seq, FaultEdited, "Record %d was changed after it was written: it does not match its own hash.", r.Seq)
	case last != 0 && r.Seq == last+1 && r.Prev != v.report.Hash:
		v.fail(r.Seq, FaultChain, "Record %d does not continue from record %d: one of them was replaced.", r.Seq, last)
	case !ed25519.Verify(v.want.Key, r.Hash.message(), r.Sig[:]):
		v.unsigned(r)
	default:
		v.good(r)
	}
}

// unsigned tells a ledger made with another key from a single forged record.
func (v *verifier) unsigned(r Record) {
	if g, ok := v.genesis(r); ok && g.Key != hex.EncodeToString(v.want.Key) {
		v.fail(r.Seq, FaultKey, "The ledger was made with another key (%s…) than the one it is held against (%x…).", g.Key[:16], v.want.Key[:8])
		return
	}
	v.fail(r.Seq, FaultForged, "Record %d is not signed with the ledger's key: it was forged, or its signature was changed.", r.Seq)
}

func (v *verifier) genesis(r Record) (Genesis, bool) {
	if r.Seq != 1 {
		return Genesis{}, false
	}
	b, err := r.Decode()
	g, ok := b.(Genesis)
	return g, ok && err == nil
}

func (v *verifier) missing(from, to uint64) {
	if from == to {
		v.fail(from, FaultMissing, "Record %d is missing, and no checkpoint stands for it.", from)
		return
	}
	v.fail(from, FaultMissing, "Records %d to %d are missing, and no checkpoint stands for them.", from, to)
}

// good takes in a record whose hash, place and signature are right.
func (v *verifier) good(r Record) {
	if err := r.check(); err != nil {
		v.fail(r.Seq, FaultForm, "Record %d is signed but not written as the specification has it: %v.", r.Seq, err)
		return
	}
	rep := &v.report
	switch {
	case r.Seq == 1:
		if g, _ := v.genesis(r); g.Key != hex.EncodeToString(v.want.Key) {
			v.fail(1, FaultKey, "The genesis names another key than the one it is signed with.")
			return
		}
		if v.want.Genesis != (Hash{}) && r.Hash != v.want.Genesis || v.want.Head != nil && r.Hash != v.want.Head.Genesis {
			v.fail(1, FaultGenesis, "This is another ledger than the one that is expected: its first record differs.")
			return
		}
		rep.First, rep.From, rep.To, rep.Genesis = 1, r.At, r.At, r.Hash
	case r.Seq != rep.Last+1:
		v.hole, v.before = r.Seq-1, r.Prev
		// What came before is the checkpoint's word until it is reached.
	}
	if h := v.want.Head; h != nil && h.Seq == r.Seq && h.Hash != r.Hash {
		v.fail(r.Seq, FaultRewritten, "Record %d is not the one that the head outside the file vouches for: the ledger was rewritten.", r.Seq)
		return
	}
	if !v.amounts(r) {
		return
	}
	rep.Records++
	rep.Last, rep.Hash = r.Seq, r.Hash
	if r.At.Before(rep.From) {
		rep.From = r.At
	}
	if r.At.After(rep.To) {
		rep.To = r.At
	}
}

// amounts adds up what the record says and takes in a checkpoint.
func (v *verifier) amounts(r Record) bool {
	if r.Kind == KindCheckpoint {
		body, err := r.Decode()
		c, ok := body.(Checkpoint)
		switch {
		case err != nil || !ok || c.Last >= r.Seq:
			v.fail(r.Seq, FaultCheckpoint, "The checkpoint in record %d stands for records that come after it.", r.Seq)
			return false
		case c.Last <= v.stands:
			v.fail(r.Seq, FaultCheckpoint, "The checkpoint in record %d stands for no more than one before it.", r.Seq)
			return false
		case c.Last == v.hole && c.Hash != v.before:
			v.fail(r.Seq, FaultCheckpoint, "The checkpoint in record %d does not end where record %d begins.", r.Seq, v.hole+1)
			return false
		}
		if v.stands = c.Last; c.Last == v.hole {
			v.cover = &c
		}
	}
	if err := v.sums.Add(r); err != nil {
		v.fail(r.Seq, FaultForm, "The amount in record %d cannot be added up: %v.", r.Seq, err)
		return false
	}
	return true
}

func (v *verifier) end() {
	rep := &v.report
	h := v.want.Head
	switch {
	case rep.Last == 0 && h == nil:
		v.fail(0, FaultGenesis, "The ledger is empty: it has no genesis.")
		return
	case h != nil && h.Seq > rep.Last:
		v.cut(h)
		return
	}
	if v.hole > 0 {
		if v.cover == nil {
			v.missing(2, v.hole)
			return
		}
		if err := v.sums.Carry(v.cover.Sums); err != nil {
			v.fail(v.hole, FaultForm, "The amounts cannot be added up: %v.", err)
			return
		}
		rep.Pruned = v.hole - 1
	}
	rep.Sums = v.sums.List()
}

func (v *verifier) cut(h *Head) {
	const how = "the end was cut off, or an older copy of the file was put back"
	from := v.report.Last + 1
	if from == h.Seq {
		v.fail(from, FaultCut, "Record %d, which the head outside the file vouches for, is not there: %s.", from, how)
		return
	}
	v.fail(from, FaultCut, "Records %d to %d, which the head outside the file vouches for, are not there: %s.", from, h.Seq, how)
}
