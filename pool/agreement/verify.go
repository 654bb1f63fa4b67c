package agreement

import (
	"bytes"
	"cmp"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"hearth/ledger"
)

// Records yields the records of an exported ledger from the first on, each time
// that it is called; see [ledger.Read]. They are either the whole chain, or a
// selection of it in the same order.
type Records func() iter.Seq2[ledger.Record, error]

// Check is one thing that was held against another.
type Check struct {
	OK bool `json:"ok"`
	// Text says in plain words what agrees, or what differs and how.
	Text string `json:"text"`
}

// Verification is what [Verify] found.
type Verification struct {
	Statement Statement `json:"statement"`
	Checks    []Check   `json:"checks"`
}

// OK reports whether everything agrees.
func (v Verification) OK() bool {
	return len(v.Checks) > 0 && !slices.ContainsFunc(v.Checks, func(c Check) bool { return !c.OK })
}

// String says it in plain words, one line for each check.
func (v Verification) String() string {
	var b strings.Builder
	for _, c := range v.Checks {
		word := "agrees:  "
		if !c.OK {
			word = "DIFFERS: "
		}
		b.WriteString(word + c.Text + "\n")
	}
	return b.String()
}

func (v *Verification) good(format string, args ...any) {
	v.Checks = append(v.Checks, Check{true, fmt.Sprintf(format, args...)})
}

func (v *Verification) bad(format string, args ...any) {
	v.Checks = append(v.Checks, Check{false, fmt.Sprintf(format, args...)})
}

// Verify works a statement out again from the agreement and the records, and
// says what agrees and what differs. The key is the ledger's public key and the
// location that of the agreement's time zone. An error means that it could not
// look: the agreement or the statement cannot be read at all.
func Verify(statement, text []byte, records Records, key ed25519.PublicKey, loc *time.Location) (Verification, error) {
	var v Verification
	a, err := Parse(text)
	if err != nil {
		return v, fmt.Errorf("verify statement: read the agreement: %w", err)
	}
	s, err := ParseStatement(statement, key)
	v.Statement = s
	switch {
	case errors.Is(err, ErrSignature):
		v.bad("The statement is not signed with the ledger's key, or was changed after it was signed.")
	case err != nil:
		return v, fmt.Errorf("verify statement: %w", err)
	default:
		v.good("The statement is signed with the ledger's key.")
	}
	if s.Digest != a.digest || s.Agreement != a.Name {
		v.bad("The statement is of another text of the agreement: it names the digest %s, and this text has %s.", s.Digest, a.digest)
		return v, nil
	}
	v.good("The agreement's text is the one that the statement names.")
	if err := s.Head.Verify(key); err != nil {
		v.bad("The head in the statement is not genuine: %v.", err)
		return v, nil
	}
	e, err := v.replay(a, loc, records, key)
	if err != nil || e == nil {
		return v, err
	}
	v.compare(e)
	return v, nil
}

// replay reads the records and returns the evidence they make, nil if they are
// not such as can be worked with.
func (v *Verification) replay(a *Agreement, loc *time.Location, records Records, key ed25519.PublicKey) (*Evidence, error) {
	s := v.Statement
	first, holed, closing := survey(records, s.Closing)
	e, err := NewEvidence(a, loc, s.Simulated)
	resumed := closing != nil && (holed || first != 1)
	if err == nil && resumed {
		e, err = Resume(a, loc, s.Simulated, *closing)
	}
	if err != nil {
		return nil, fmt.Errorf("verify statement: %w", err)
	}
	after, trouble := e.opening.after, ""
	feed := func(r ledger.Record) {
		if trouble == "" && r.Seq > after && r.Seq <= s.Head.Seq {
			if _, err := e.Add(r); err != nil {
				trouble = err.Error()
			}
		}
	}
	if first == 1 {
		report := ledger.Verify(tee(records(), feed), ledger.Expect{Key: key, Head: &s.Head})
		if !report.OK() {
			v.bad("%s", report)
			return nil, nil
		}
		v.good("The ledger is whole up to record %d, each record signed and following the one before, and the head in the statement is its own.", report.Last)
	} else if !v.selection(records(), key, feed) {
		return nil, nil
	}
	if trouble != "" {
		v.bad("The ledger cannot be worked with: %s.", trouble)
		return nil, nil
	}
	if resumed {
		v.good("The books up to %s were closed in record %d: what that record brings forward is taken as it is signed.", e.opening.until.In(loc).Format("2 January 2006"), s.Closing)
	}
	if first == 1 && e.gaps {
		v.bad("Records that the statement needs were removed from this ledger: take one from before they were.")
		return nil, nil
	}
	for _, d := range e.disputes {
		v.bad("%s", d)
	}
	return e, nil
}

// survey looks the records over: the number of the first, whether there is a
// hole behind record 1, and the closing with a number.
func survey(records Records, number uint64) (first uint64, holed bool, closing *ledger.Closing) {
	last := uint64(0)
	for r, err := range records() {
		if err != nil {
			break
		}
		if first == 0 {
			first = r.Seq
		}
		if last == 1 && r.Seq > 2 {
			holed = true
		}
		last = r.Seq
		if r.Seq == number {
			if body, err := r.Decode(); err == nil {
				if c, ok := body.(ledger.Closing); ok {
					closing = &c
				}
			}
		}
		if number == 0 && last > 1 || number != 0 && last >= number {
			break
		}
	}
	return first, holed, closing
}

// tee passes records on and shows each to somebody else.
func tee(records iter.Seq2[ledger.Record, error], see func(ledger.Record)) iter.Seq2[ledger.Record, error] {
	return func(yield func(ledger.Record, error) bool) {
		for r, err := range records {
			if err == nil {
				see(r)
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// selection checks records one by one.
func (v *Verification) selection(records iter.Seq2[ledger.Record, error], key ed25519.PublicKey, feed func(ledger.Record)) bool {
	n, last := 0, uint64(0)
	for r, err := range records {
		text := ""
		switch {
		case err != nil:
			text = fmt.Sprintf("A record after record %d cannot be read: %v.", last, err)
		case r.Seq <= last:
			text = fmt.Sprintf("Record %d comes after record %d: the order was changed.", r.Seq, last)
		default:
			if err := r.Verify(key); err != nil {
				text = capital(err.Error()) + "."
			}
		}
		if text != "" {
			v.bad("%s", text)
			return false
		}
		feed(r)
		last = r.Seq
		n++
	}
	v.good("%d records were selected from the ledger, each signed with its key. That none was left out cannot be told from a selection; only the whole chain shows it.", n)
	return true
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// compare works the statement out again and holds it against the one given.
func (v *Verification) compare(e *Evidence) {
	s := v.Statement
	if e.Recorded == 0 {
		v.bad("The ledger does not hold this agreement.")
	} else {
		v.good("The ledger holds the agreement, in record %d.", e.Recorded)
	}
	again, err := e.Statement(s.Party, s.From, s.To, s.AsOf, s.Head)
	if err != nil {
		v.bad("The statement cannot be worked out again: %v.", err)
		return
	}
	v.used(again)
	found := len(v.Checks)
	v.entries(again)
	// The rest is compared as it is written, so that no field is forgotten.
	s.Entries, again.Entries = nil, nil
	s.Used, again.Used = nil, nil
	for _, d := range differences(tree(s), tree(again)) {
		v.bad("%s", d)
	}
	if len(v.Checks) == found {
		v.good("Worked out again, all %d entries and all totals are the same, to the thousandth of a satoshi.", len(v.Statement.Entries))
	}
}

// used compares which records went in.
func (v *Verification) used(again Statement) {
	same := true
	kinds := slices.Sorted(maps.Keys(again.Used))
	for _, k := range slices.Sorted(maps.Keys(v.Statement.Used)) {
		if !slices.Contains(kinds, k) {
			kinds = append(kinds, k)
		}
	}
	var names []string
	for _, k := range kinds {
		said, got := v.Statement.Used[k], again.Used[k]
		if said != got {
			same = false
			v.bad("The statement used %d records of kind %s with the hash %s; here are %d with the hash %s.", said.Records, k, said.Digest, got.Records, got.Digest)
		}
		names = append(names, fmt.Sprintf("%s %d", k, got.Records))
	}
	if same {
		v.good("The records that the statement used are these: %s.", strings.Join(names, ", "))
	}
}

// entries compares line by line.
func (v *Verification) entries(again Statement) {
	find := func(list []Entry, key string) (Entry, bool) {
		i := slices.IndexFunc(list, func(e Entry) bool { return e.Key == key })
		if i < 0 {
			return Entry{}, false
		}
		return list[i], true
	}
	for _, said := range v.Statement.Entries {
		got, ok := find(again.Entries, said.Key)
		if !ok {
			v.bad("Entry %q (%s) does not follow from the records.", said.Text, said.Key)
			continue
		}
		for _, d := range differences(tree(said), tree(got)) {
			v.bad("Entry %q: %s", said.Text, d)
		}
	}
	for _, got := range again.Entries {
		if _, ok := find(v.Statement.Entries, got.Key); !ok {
			v.bad("Entry %q (%s) is missing from the statement.", got.Text, got.Key)
		}
	}
}

// tree is a value as its JSON has it, by path.
func tree(v any) map[string]string {
	out := map[string]string{}
	b, err := json.Marshal(v)
	if err != nil {
		return map[string]string{"": err.Error()}
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	var x any
	if err := dec.Decode(&x); err != nil {
		return map[string]string{"": err.Error()}
	}
	flatten(out, "", x)
	return out
}

func flatten(out map[string]string, path string, x any) {
	switch x := x.(type) {
	case map[string]any:
		for k, y := range x {
			flatten(out, strings.TrimPrefix(path+"."+k, "."), y)
		}
	case []any:
		for i, y := range x {
			flatten(out, fmt.Sprintf("%s[%d]", path, i+1), y)
		}
	default:
		out[path] = fmt.Sprint(x)
	}
}

// differences says which fields two trees have otherwise.
func differences(said, got map[string]string) []string {
	keys := map[string]bool{}
	for k := range said {
		keys[k] = true
	}
	for k := range got {
		keys[k] = true
	}
	var out []string
	for _, k := range slices.SortedFunc(maps.Keys(keys), cmp.Compare[string]) {
		a, inA := said[k]
		b, inB := got[k]
		switch {
		case inA && inB && a == b:
		case !inB:
			out = append(out, fmt.Sprintf("%s says %s, and nothing of it follows from the records.", k, a))
		case !inA:
			out = append(out, fmt.Sprintf("%s is missing; the records give %s.", k, b))
		default:
			out = append(out, fmt.Sprintf("%s says %s, and the records give %s.", k, a, b))
		}
	}
	return out
}
