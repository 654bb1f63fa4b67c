package ledger_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/ledger"
)

// TestVerify is what may be wrong with a ledger and what is said of it. Each
// case begins with the records 1 to 6 and their head.
func TestVerify(t *testing.T) {
	whole := chain(t, 6)
	stranger := ed25519.NewKeyFromSeed(make([]byte, 32))
	var foreign []ledger.Record // as whole, but signed with another key
	{
		e, err := ledger.NewGenesis(start, stranger.Public().(ed25519.PublicKey), [16]byte{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := e.Seal(1, ledger.Hash{}, stranger)
		if err != nil {
			t.Fatal(err)
		}
		foreign = append(foreign, r)
	}
	type ledgerCase struct {
		records []ledger.Record
		want    ledger.Expect
	}
	tests := []struct {
		name   string
		change func(c *ledgerCase)
		fault  ledger.Fault // "" if nothing is wrong
		seq    uint64
		phrase string
	}{
		{"untouched", func(*ledgerCase) {}, "", 0, "6 records"},
		{"no head", func(c *ledgerCase) { c.want.Head = nil }, "", 0, "No signed head was given"},
		{"an older head", func(c *ledgerCase) { c.want.Head = headOf(c.records[:4]) }, "", 0, "up to record 4"},
		{"the right genesis", func(c *ledgerCase) { c.want.Genesis = c.records[0].Hash }, "", 0, "agrees"},
		{"nothing, no head", func(c *ledgerCase) { c.records, c.want.Head = nil, nil }, ledger.FaultGenesis, 0, "empty"},
		{"nothing", func(c *ledgerCase) { c.records = nil }, ledger.FaultCut, 1, "Records 1 to 6"},
		{"no genesis", func(c *ledgerCase) { c.records = c.records[1:] }, ledger.FaultGenesis, 2, "begins with record 2"},
		{"another genesis expected", func(c *ledgerCase) { c.want.Genesis = ledger.Hash{1} }, ledger.FaultGenesis, 1, "another ledger"},
		{"another ledger's head", func(c *ledgerCase) {
			h := c.records[5].Head(ledger.Hash{5}, key())
			c.want.Head = &h
		}, ledger.FaultGenesis, 1, "another ledger"},
		{"made with another key", func(c *ledgerCase) { c.records, c.want.Head = foreign, nil }, ledger.FaultKey, 1, "another key"},
		{"a head by another key", func(c *ledgerCase) {
			h := c.records[5].Head(c.records[0].Hash, stranger)
			c.want.Head = &h
		}, ledger.FaultHead, 6, "not genuine"},
		{"a head edited", func(c *ledgerCase) { c.want.Head.Seq = 5 }, ledger.FaultHead, 5, "not genuine"},
		{"one missing", func(c *ledgerCase) { c.records = slices.Delete(c.records, 3, 4) }, ledger.FaultMissing, 4, "Record 4 is missing"},
		{"several missing", func(c *ledgerCase) { c.records = slices.Delete(c.records, 2, 5) }, ledger.FaultMissing, 3, "Records 3 to 5 are missing"},
		{"missing behind the genesis", func(c *ledgerCase) { c.records = slices.Delete(c.records, 1, 3) }, ledger.FaultMissing, 2, "Records 2 to 3 are missing"},
		{"one twice", func(c *ledgerCase) { c.records = slices.Insert(c.records, 3, c.records[2]) }, ledger.FaultRepeated, 3, "Record 3 appears twice"},
		{"two swapped", func(c *ledgerCase) { c.records[3], c.records[4] = c.records[4], c.records[3] }, ledger.FaultMissing, 4, "Record 4 is missing"},
		{"one again at the end", func(c *ledgerCase) { c.records = append(c.records, c.records[2]) }, ledger.FaultOrder, 3, "Record 3 comes after record 6"},
		{"the last cut", func(c *ledgerCase) { c.records = c.records[:5] }, ledger.FaultCut, 6, "Record 6"},
		{"the tail cut", func(c *ledgerCase) { c.records = c.records[:3] }, ledger.FaultCut, 4, "Records 4 to 6"},
		{"edited", func(c *ledgerCase) { c.records[2].Subject = "another" }, ledger.FaultEdited, 3, "Record 3 was changed"},
		{"edited, hash made anew", func(c *ledgerCase) {
			r, err := drawn(t, 99).Seal(3, c.records[1].Hash, stranger)
			if err != nil {
				t.Fatal(err)
			}
			c.records[2] = r
		}, ledger.FaultForged, 3, "not signed"},
		{"a signature from elsewhere", func(c *ledgerCase) { c.records[2].Sig = c.records[3].Sig }, ledger.FaultForged, 3, "not signed"},
		{"a genuine record from elsewhere", func(c *ledgerCase) {
			c.records[2] = extend(t, slices.Clone(whole[:1]), drawn(t, 7), drawn(t, 8))[2]
		}, ledger.FaultChain, 3, "does not continue from record 2"},
		{"another end by the same key", func(c *ledgerCase) {
			c.records = extend(t, c.records[:4], drawn(t, 7), drawn(t, 8), drawn(t, 9))
		}, ledger.FaultRewritten, 6, "rewritten"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := ledgerCase{slices.Clone(whole), ledger.Expect{Key: public(), Head: headOf(whole)}}
			test.change(&c)
			report := ledger.Verify(stream(c.records), c.want)
			if !strings.Contains(report.String(), test.phrase) {
				t.Errorf("says %q, want %q in it", report, test.phrase)
			}
			switch p := report.Problem; {
			case p == nil && test.fault != "":
				t.Errorf("found nothing, want %s at %d", test.fault, test.seq)
			case p != nil && (p.Fault != test.fault || p.Seq != test.seq):
				t.Errorf("found %s at %d (%s), want %q at %d", p.Fault, p.Seq, p.Text, test.fault, test.seq)
			}
		})
	}
}

func TestVerifyUnreadable(t *testing.T) {
	records := chain(t, 3)
	broken := func(yield func(ledger.Record, error) bool) {
		if yield(records[0], nil) && yield(records[1], nil) {
			yield(ledger.Record{}, errors.New("bad sector"))
		}
	}
	report := ledger.Verify(broken, ledger.Expect{Key: public()})
	if p := report.Problem; p == nil || p.Fault != ledger.FaultUnreadable || p.Seq != 3 || !strings.Contains(p.Text, "bad sector") {
		t.Errorf("%v", report)
	}
}

// pruned returns a ledger of n records of which those from 2 to last were
// removed behind a checkpoint, as a store does it.
func pruned(t testing.TB, records []ledger.Record, last uint64) []ledger.Record {
	t.Helper()
	var before *ledger.Checkpoint
	var gone []ledger.Record
	for _, r := range records[1:] {
		if r.Seq <= last {
			gone = append(gone, r)
		}
		body, err := r.Decode()
		if err != nil {
			t.Fatal(err)
		}
		if c, ok := body.(ledger.Checkpoint); ok && c.Last == records[1].Seq-1 {
			before = &c
		}
	}
	c, err := ledger.Condense(records[0].Hash, before, stream(gone))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.NewEntry(start, "", false, c)
	if err != nil {
		t.Fatal(err)
	}
	records = extend(t, records, e)
	return append(records[:1:1], records[1+len(gone):]...)
}

func TestVerifyPruned(t *testing.T) {
	whole := chain(t, 12)
	sums := ledger.Verify(stream(whole), ledger.Expect{Key: public()}).Sums
	once := pruned(t, whole, 6)
	twice := pruned(t, once, 9)
	all := pruned(t, once, 13) // the first checkpoint among them
	for name, records := range map[string][]ledger.Record{"once": once, "twice": twice, "all": all} {
		report := ledger.Verify(stream(records), ledger.Expect{Key: public(), Head: headOf(records)})
		if !report.OK() {
			t.Fatalf("%s: %v", name, report)
		}
		if diff := cmp.Diff(sums, report.Sums); diff != "" {
			t.Errorf("%s: the sums changed:\n%s", name, diff)
		}
	}
	if n := len(all); n != 2 {
		t.Errorf("%d records are left where two should be", n)
	}
	// The head of before the pruning still vouches for what is there.
	if report := ledger.Verify(stream(twice), ledger.Expect{Key: public(), Head: headOf(whole)}); !report.OK() {
		t.Error(report)
	}

	f := func(name string, records []ledger.Record, fault ledger.Fault, phrase string) {
		t.Helper()
		p := ledger.Verify(stream(records), ledger.Expect{Key: public()}).Problem
		if p == nil || p.Fault != fault || !strings.Contains(p.Text, phrase) {
			t.Errorf("%s: %+v, want %s with %q", name, p, fault, phrase)
		}
	}
	f("one more removed", slices.Delete(slices.Clone(once), 1, 2), ledger.FaultMissing, "Records 2 to 7")
	f("the checkpoint removed", once[:len(once)-1], ledger.FaultMissing, "Records 2 to 6")
	f("a record put back", slices.Insert(slices.Clone(once), 1, whole[5]), ledger.FaultMissing, "Records 2 to 5")

	last := once[len(once)-1]
	body, err := last.Decode()
	if err != nil {
		t.Fatal(err)
	}
	c := body.(ledger.Checkpoint)
	for name, change := range map[string]func(*ledger.Checkpoint){
		"another hash":   func(c *ledger.Checkpoint) { c.Hash[0] ^= 1 },
		"the far future": func(c *ledger.Checkpoint) { *c = condensed(t, whole[0], 40) },
	} {
		changed := c
		change(&changed)
		e, err := ledger.NewEntry(start, "", false, changed)
		if err != nil {
			t.Fatal(err)
		}
		f(name, extend(t, slices.Clone(once[:len(once)-1]), e), ledger.FaultCheckpoint, "checkpoint in record 13")
	}
	e, err := ledger.NewEntry(start, "", false, c)
	if err != nil {
		t.Fatal(err)
	}
	f("the same again", extend(t, slices.Clone(once), e), ledger.FaultCheckpoint, "no more than one before")
	c.Root[0] ^= 1
	if _, err := ledger.NewEntry(start, "", false, c); err == nil {
		t.Error("a root that is not that of its peaks was encoded")
	}
}

// condensed is the checkpoint of a ledger of n records.
func condensed(t *testing.T, first ledger.Record, n int) ledger.Checkpoint {
	t.Helper()
	records := []ledger.Record{first}
	for i := range n - 1 {
		records = extend(t, records, drawn(t, i))
	}
	c, err := ledger.Condense(first.Hash, nil, stream(records[1:]))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestCondenseRefuses is what no checkpoint may stand for.
func TestCondenseRefuses(t *testing.T) {
	whole := chain(t, 8)
	edited := slices.Clone(whole)
	edited[3].Subject = "another"
	tests := map[string]iter.Seq2[ledger.Record, error]{
		"nothing":        stream(nil),
		"the genesis":    stream(whole[:3]),
		"a late begin":   stream(whole[2:5]),
		"a gap":          stream(slices.Concat(whole[1:3], whole[4:5])),
		"a changed one":  stream(edited[1:5]),
		"another's":      stream(extend(t, []ledger.Record{chain(t, 2)[1]}, drawn(t, 3))[1:]),
		"what is unread": func(yield func(ledger.Record, error) bool) { yield(ledger.Record{}, errors.New("bad sector")) },
	}
	for name, records := range tests {
		if c, err := ledger.Condense(whole[0].Hash, nil, records); err == nil {
			t.Errorf("%s: condensed to %+v", name, c)
		}
	}
}

func ExampleReport() {
	fmt.Println(ledger.Report{
		Records: 1440, First: 1, Last: 1440, From: start, To: start.AddDate(0, 0, 1), Head: 1440,
	})
	fmt.Println(ledger.Report{Problem: &ledger.Problem{
		Seq: 17, Fault: ledger.FaultEdited, Text: "Record 17 was changed after it was written: it does not match its own hash.",
	}})
	// Output:
	// The ledger is whole: 1440 records, from 2026-01-15 12:00:00 UTC to 2026-01-16 12:00:00 UTC, each signed and each following the one before. The signed head outside the file agrees.
	// Record 17 was changed after it was written: it does not match its own hash.
}
