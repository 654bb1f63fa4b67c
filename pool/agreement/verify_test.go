package agreement_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"hearth/ledger"
	"hearth/pool/agreement"
	"hearth/units"
)

// farm is two days of a farmhouse, with a hole in what was measured.
func farm(t testing.TB) (a *agreement.Agreement, b *book, from, to time.Time) {
	t.Helper()
	a = parse(t, example(t, "farmhouse"))
	loc := zone(t, a.Zone)
	b = newBook(t)
	from = time.Date(2026, 10, 1, 0, 0, 0, 0, loc)
	to = from.Add(48 * time.Hour)
	b.add(from.Add(-time.Hour), a.Name, a.Record())
	b.add(from.Add(-time.Minute), "", ledger.Event{Severity: "info", Code: "start", Text: "Started."})
	for i := range 2 * 96 {
		x := from.Add(time.Duration(i) * 15 * time.Minute)
		y := x.Add(15 * time.Minute)
		if i%16 == 0 {
			b.add(x, "EUR", ledger.Rate{Micros: 60_000e6 + int64(i)*1e6, Source: "kraken"})
		}
		if i%4 == 0 {
			b.add(x, "home", ledger.Price{From: x.UTC(), To: x.UTC().Add(time.Hour), Micros: 150_000 + int64(i)*500, Currency: "EUR", Source: "day-ahead"})
		}
		if i != 77 {
			b.electricity("miner-cellar", x, y, 0.8, units.Meter)
		}
		b.electricity("miner-barn", x, y, 0.75, units.PSU)
		b.heat("living", x, y, 0.7, units.Estimate)
		b.heat("tank", x, y, 0.72, units.Meter)
		b.shares("cellar", "braiins", "", x, y, 90_000)
		b.shares("barn", "braiins", "", x, y, 80_000+int64(i))
		if i%48 == 47 {
			b.add(y, "braiins", ledger.Earning{Millisats: 30_000_000, Proof: "payout"})
		}
	}
	p := ledger.Payout{ID: "1", Rail: "lnd", To: "anna@example.com", Millisats: 1_000_000, State: ledger.PayoutBegun}
	b.add(to.Add(-time.Hour), strings.TrimPrefix(a.PartyAccount(0), "party:"), p)
	p.State, p.Proof = ledger.PayoutPaid, "preimage"
	b.add(to.Add(-time.Hour), strings.TrimPrefix(a.PartyAccount(0), "party:"), p)
	b.add(to.Add(time.Hour), "", ledger.Event{Severity: "info", Code: "start", Text: "Started."})
	return a, b, from, to
}

// statement makes the host's.
func statement(t testing.TB, a *agreement.Agreement, b *book, from, to time.Time) agreement.Statement {
	t.Helper()
	e := evidence(t, a, zone(t, a.Zone), b.simulated, b.records)
	s, err := e.Statement("host", from, to, to.Add(time.Hour), b.head())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(t testing.TB, s agreement.Statement) []byte {
	t.Helper()
	doc, err := s.Sign(key())
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func verify(t testing.TB, a *agreement.Agreement, doc []byte, text string, records []ledger.Record) agreement.Verification {
	t.Helper()
	v, err := agreement.Verify(doc, []byte(text), stream(records), public(), zone(t, a.Zone))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerifyAgrees(t *testing.T) {
	a, b, from, to := farm(t)
	doc := sign(t, statement(t, a, b, from, to))
	whole := verify(t, a, doc, a.Text(), b.records)
	if !whole.OK() {
		t.Error(whole)
	}
	// A ledger that went on since agrees just as well.
	n := len(b.records)
	b.electricity("miner-barn", to, to.Add(time.Hour), 1, units.Meter)
	b.add(to.Add(2*time.Hour), "braiins", ledger.Earning{Millisats: 5})
	if v := verify(t, a, doc, a.Text(), b.records); !v.OK() {
		t.Error(v)
	}
	// The records that were used, and no other, agree too; what cannot be told
	// from them is said.
	var used []ledger.Record
	e := evidence(t, a, zone(t, a.Zone), false, nil)
	for _, r := range b.records[:n] {
		took, err := e.Add(r)
		if err != nil {
			t.Fatal(err)
		}
		if took {
			used = append(used, r)
		}
	}
	if len(used) >= n-2 {
		t.Fatalf("%d of %d records were used", len(used), n)
	}
	some := verify(t, a, doc, a.Text(), used)
	if !some.OK() || !strings.Contains(some.String(), "That none was left out cannot be told") {
		t.Error(some)
	}
	t.Logf("%s\n%s", whole, some)

	// As a file, the way an export writes it.
	var file []byte
	for _, r := range b.records {
		var err error
		if file, err = r.AppendBinary(file); err != nil {
			t.Fatal(err)
		}
	}
	v, err := agreement.Verify(doc, []byte(a.Text()), func() iter.Seq2[ledger.Record, error] { return ledger.Read(bytes.NewReader(file)) }, public(), zone(t, a.Zone))
	if err != nil || !v.OK() {
		t.Error(v, err)
	}
}

// reseal chains and signs the records anew from number i+1 on, as the owner of
// the key could.
func reseal(t testing.TB, records []ledger.Record, i int) {
	t.Helper()
	for ; i < len(records); i++ {
		prev, seq := ledger.Hash{}, uint64(1)
		if i > 0 {
			prev, seq = records[i-1].Hash, records[i-1].Seq+1
		}
		r, err := records[i].Entry().Seal(seq, prev, key())
		if err != nil {
			t.Fatal(err)
		}
		records[i] = r
	}
}

// find returns the index of the n-th record of a kind.
func find(t testing.TB, records []ledger.Record, kind ledger.Kind, n int) int {
	t.Helper()
	for i, r := range records {
		if r.Kind == kind {
			if n--; n < 0 {
				return i
			}
		}
	}
	t.Fatalf("there is no such record of kind %s", kind)
	return 0
}

// body replaces what a record says.
func body(t testing.TB, r *ledger.Record, change func(ledger.Body) ledger.Body) {
	t.Helper()
	old, err := r.Decode()
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.NewEntry(r.At, r.Subject, r.Simulated, change(old))
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(r.Body, e.Body) {
		t.Fatal("nothing was changed")
	}
	r.Body = e.Body
}

// TestVerifyFindsTampering changes one thing at a time: in the statement, in the
// agreement, in a record with and without the owner's key.
func TestVerifyFindsTampering(t *testing.T) {
	a, b, from, to := farm(t)
	good := statement(t, a, b, from, to)
	more := func(old ledger.Body) ledger.Body {
		switch x := old.(type) {
		case ledger.Electricity:
			x.Joules++
			return x
		case ledger.Heat:
			x.Joules++
			return x
		case ledger.Shares:
			x.Work++
			return x
		case ledger.Rate:
			x.Micros++
			return x
		case ledger.Price:
			x.Micros++
			return x
		case ledger.Earning:
			x.Millisats++
			return x
		case ledger.Payout:
			x.Millisats++
			return x
		}
		t.Fatalf("%T", old)
		return nil
	}
	for _, kind := range []ledger.Kind{
		ledger.KindElectricity, ledger.KindHeat, ledger.KindShares, ledger.KindRate, ledger.KindPrice, ledger.KindEarning, ledger.KindPayout,
	} {
		t.Run("record of "+string(kind), func(t *testing.T) {
			n := 1
			if kind == ledger.KindElectricity {
				n = 4
			}
			i := find(t, b.records, kind, n)
			edited := slices.Clone(b.records)
			body(t, &edited[i], more)
			v := verify(t, a, sign(t, good), a.Text(), edited)
			wantDiffers(t, v, "was changed after it was written")
			// Somebody without the key makes the chain fit.
			forged := slices.Clone(edited)
			for j := i; j < len(forged); j++ {
				r, err := forged[j].Entry().Seal(forged[j].Seq, forged[j-1].Hash, ed25519.NewKeyFromSeed(make([]byte, 32)))
				if err != nil {
					t.Fatal(err)
				}
				forged[j] = r
			}
			wantDiffers(t, verify(t, a, sign(t, good), a.Text(), forged), "is not signed with the ledger's key")
			// The owner of the key makes another ledger.
			reseal(t, edited, i)
			wantDiffers(t, verify(t, a, sign(t, good), a.Text(), edited), "is not the one that the head outside the file vouches for")
			// And makes the head fit: then the statement is not of that ledger.
			fits := good
			fits.Head = edited[len(edited)-1].Head(edited[0].Hash, key())
			v = verify(t, a, sign(t, fits), a.Text(), edited)
			wantDiffers(t, v, "records of kind "+string(kind)+" with the hash")
		})
	}
	t.Run("a record left out of a selection", func(t *testing.T) {
		var used []ledger.Record
		e := evidence(t, a, zone(t, a.Zone), false, nil)
		for _, r := range b.records {
			if took, err := e.Add(r); err != nil {
				t.Fatal(err)
			} else if took {
				used = append(used, r)
			}
		}
		used = slices.Delete(used, 100, 101)
		wantDiffers(t, verify(t, a, sign(t, good), a.Text(), used), "The statement used")
	})
	t.Run("a record cut off", func(t *testing.T) {
		wantDiffers(t, verify(t, a, sign(t, good), a.Text(), b.records[:len(b.records)-1]), "the end was cut off")
	})
	t.Run("a record swapped", func(t *testing.T) {
		swapped := slices.Clone(b.records)
		swapped[50], swapped[51] = swapped[51], swapped[50]
		wantDiffers(t, verify(t, a, sign(t, good), a.Text(), swapped), "missing, and no checkpoint")
	})
	t.Run("the agreement's text", func(t *testing.T) {
		other := replace(t, a.Text(), "monthly: 15 EUR", "monthly: 16 EUR")
		wantDiffers(t, verify(t, a, sign(t, good), other, b.records), "another text of the agreement")
		// Also if the statement is made to name it.
		o := parse(t, other)
		s := good
		s.Digest = o.Digest()
		wantDiffers(t, verify(t, o, sign(t, s), other, b.records), "The ledger does not hold this agreement")
	})
	t.Run("the agreement's record", func(t *testing.T) {
		i := find(t, b.records, ledger.KindAgreement, 0)
		without := slices.Delete(slices.Clone(b.records), i, i+1)
		reseal(t, without, i)
		s := good
		s.Head = without[len(without)-1].Head(without[0].Hash, key())
		wantDiffers(t, verify(t, a, sign(t, s), a.Text(), without), "The ledger does not hold this agreement")
	})
	t.Run("the signature", func(t *testing.T) {
		doc := sign(t, good)
		mark := []byte(`"sig":"`)
		own, heads := bytes.Index(doc, mark), bytes.LastIndex(doc, mark)
		if own == heads {
			t.Fatal("there is one signature only")
		}
		for _, i := range []int{own + len(mark), heads + len(mark)} {
			broken := slices.Clone(doc)
			if broken[i]++; broken[i] == 'g' || broken[i] == ':' {
				broken[i] = '1'
			}
			wantDiffers(t, verify(t, a, broken, a.Text(), b.records), "is not signed with the ledger's key")
		}
	})
	t.Run("another key", func(t *testing.T) {
		other := ed25519.NewKeyFromSeed(make([]byte, 32))
		doc, err := good.Sign(other)
		if err != nil {
			t.Fatal(err)
		}
		wantDiffers(t, verify(t, a, doc, a.Text(), b.records), "is not signed with the ledger's key")
	})
	t.Run("the head", func(t *testing.T) {
		s := good
		s.Head.Sig[0] ^= 1
		wantDiffers(t, verify(t, a, sign(t, s), a.Text(), b.records), "The head in the statement is not genuine")
	})

	// What the statement says, signed by the owner of the key.
	for name, change := range map[string]func(*agreement.Statement){
		`Entry "Heat rebate to Anna Berg": msat says`:          func(s *agreement.Statement) { s.Entries[1].Millisats-- },
		`Entry "Heat rebate to Anna Berg": mj says`:            func(s *agreement.Statement) { s.Entries[1].Millijoules-- },
		`provenance says meter, and the records give estimate`: func(s *agreement.Statement) { s.Entries[1].Provenance = "meter" },
		`price_most says`:               func(s *agreement.Statement) { s.Most++ },
		`price_source says reuters`:     func(s *agreement.Statement) { s.PriceSource = "reuters" },
		`msat says`:                     func(s *agreement.Statement) { s.Millisats++ },
		`micros says`:                   func(s *agreement.Statement) { s.Micros++ },
		`is missing from the statement`: func(s *agreement.Statement) { s.Entries = s.Entries[1:] },
		`does not follow from the records`: func(s *agreement.Statement) {
			s.Entries = append(slices.Clone(s.Entries), agreement.Entry{Key: "step/9", Text: "A gift"})
		},
		`open[1].held_msat says 0`: func(s *agreement.Statement) { s.Open = slices.Clone(s.Open); s.Open[0].Held = 0 },
		`open[2].text is missing`:  func(s *agreement.Statement) { s.Open = s.Open[:1] },
		`all.parties[2].msat says`: func(s *agreement.Statement) {
			s.All.Parties = slices.Clone(s.All.Parties)
			s.All.Parties[1].Millisats++
		},
		`paid_msat says 5`:              func(s *agreement.Statement) { s.Paid = 5 },
		`payouts[1].proof says another`: func(s *agreement.Statement) { s.Payouts = slices.Clone(s.Payouts); s.Payouts[0].Proof = "another" },
		`title says Statement`:          func(s *agreement.Statement) { s.Title = "Statement" },
		`simulated says true`:           func(s *agreement.Statement) { s.Simulated = true },
		`used 7 records of kind heat`: func(s *agreement.Statement) {
			s.Used = map[ledger.Kind]agreement.Used{"heat": {Records: 7}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			s.Entries = slices.Clone(good.Entries)
			change(&s)
			if cmp.Equal(s, good) {
				t.Fatal("nothing was changed")
			}
			v := verify(t, a, sign(t, s), a.Text(), b.records)
			if name == "simulated says true" {
				// Nothing of what happened counts then, so all of it differs.
				name = "DIFFERS"
			}
			wantDiffers(t, v, name)
		})
	}
}

func wantDiffers(t *testing.T, v agreement.Verification, want string) {
	t.Helper()
	if v.OK() || !strings.Contains(v.String(), want) {
		t.Errorf("want %q in:\n%s", want, v)
	}
}

func TestStatementForms(t *testing.T) {
	a, b, from, to := farm(t)
	s := statement(t, a, b, from, to)
	doc := sign(t, s)
	back, err := agreement.ParseStatement(doc, public())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(s, back); diff != "" {
		t.Error(diff)
	}
	if c, err := ledger.Canonical(doc); err != nil || !bytes.Equal(append(c, '\n'), doc) {
		t.Errorf("the statement is not canonical JSON: %v", err)
	}
	var table bytes.Buffer
	if err := s.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	golden(t, "testdata/statement.csv", table.Bytes())
	golden(t, "testdata/statement.json", doc)

	for want, broken := range map[string][]byte{
		"not a JSON object":               []byte("[]"),
		"not written as Hearth writes it": append([]byte(" "), doc...),
		"unknown field":                   bytes.Replace(doc, []byte(`{"key"`), []byte(`{"extra":1,"key"`), 1),
		"format 2 is not known":           bytes.Replace(doc, []byte(`"format":1`), []byte(`"format":2`), 1),
	} {
		if _, err := agreement.ParseStatement(broken, public()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

func TestSimulatedIsNeverPaid(t *testing.T) {
	a, b, from, to := farm(t)
	real := statement(t, a, b, from, to)
	if msat, err := real.Payable(); err != nil || msat != real.Millisats-1_000_000 {
		t.Errorf("%d msat of %d can be paid: %v", msat, real.Millisats, err)
	}
	made := newBook(t)
	made.simulated = true
	for _, r := range b.records[1:] {
		e := r.Entry()
		e.Simulated = true
		made.append(e)
	}
	s := statement(t, a, made, from, to)
	if !strings.HasPrefix(s.Title, "SIMULATED, nothing is owed. ") || !s.Simulated || s.Millisats != real.Millisats {
		t.Errorf("%q, %d msat", s.Title, s.Millisats)
	}
	if msat, err := s.Payable(); !errors.Is(err, agreement.ErrSimulated) || msat != 0 {
		t.Errorf("%d msat of a simulation can be paid: %v", msat, err)
	}
	if v := s.View(zone(t, a.Zone)); !strings.Contains(v.Warning, "simulation") {
		t.Error(v.Warning)
	}
	// Each sees its own world only, also in one ledger.
	for _, r := range made.records[1:] {
		b.append(r.Entry())
	}
	for _, simulated := range []bool{false, true} {
		e := evidence(t, a, zone(t, a.Zone), simulated, b.records)
		entry, ok, err := e.Transfer(to.Add(time.Hour))
		if err != nil || !ok || entry.Simulated != simulated {
			t.Fatalf("simulated %v: %+v, %v, %v", simulated, entry, ok, err)
		}
		s, err := e.Statement("host", from, to, to.Add(time.Hour), b.head())
		if err != nil || s.Simulated != simulated {
			t.Fatal(s.Simulated, err)
		}
		if !simulated && s.Millisats != real.Millisats {
			t.Errorf("with a simulation in the same ledger the host gets %d msat, without %d", s.Millisats, real.Millisats)
		}
	}
}

// golden holds what was made against a file.
func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Error(diff)
	}
}

// What waits is unknown, not zero, in words and in a table.
func TestWhatWaitsIsUnknown(t *testing.T) {
	a, b, from, _ := farm(t)
	from = from.Add(77 * 15 * time.Minute) // a meter said nothing
	s := statement(t, a, b, from, from.Add(15*time.Minute))
	if len(s.Entries) == 0 {
		t.Fatal("nothing waits")
	}
	for _, r := range s.View(zone(t, a.Zone)).Rows {
		if r.Sats != "unknown" || r.Worth != "" || r.Due != "" && r.Due != "unknown" {
			t.Errorf("%+v", r)
		}
	}
	var table bytes.Buffer
	if err := s.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&table).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if r[0] == "entry" && (r[9] != "" || r[12] != "" || r[13] != "") {
			t.Errorf("%q", r)
		}
	}
}

// Coins of a test network are told to be worth nothing in every form, and the
// statement can be checked like any other.
func TestTestCoinsAreWorthNothing(t *testing.T) {
	_, b, from, to := farm(t)
	a := parse(t, strings.NewReplacer("mode: ledger", "network: regtest\nmode: ledger", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080").Replace(example(t, "farmhouse")))
	test := newBook(t)
	test.add(from.Add(-time.Hour), a.Name, a.Record())
	for _, r := range b.records[2:] {
		test.append(r.Entry())
	}
	s := statement(t, a, test, from, to)
	if s.Millisats == 0 || s.Micros == 0 {
		t.Fatalf("nothing came in: %+v", s)
	}
	const title = "TEST COINS of regtest, worth nothing. Statement for "
	v := s.View(zone(t, a.Zone))
	if !strings.HasPrefix(v.Title, title) || !strings.Contains(v.Test, "Coins of regtest are worth nothing") || !strings.Contains(v.Fiat, "have no price") {
		t.Errorf("%q, %q, %q", v.Title, v.Test, v.Fiat)
	}
	for _, text := range v.Summary {
		if strings.Contains(text, "worth") {
			t.Errorf("the summary says %q", text)
		}
	}
	for _, r := range append(v.Rows, v.Total) {
		if r.Worth != "" {
			t.Errorf("%s is worth %s", r.What, r.Worth)
		}
	}
	var table bytes.Buffer
	if err := s.WriteCSV(&table); err != nil {
		t.Fatal(err)
	}
	if text := table.String(); !strings.Contains(text, title) || strings.Contains(text, "kraken") {
		t.Errorf("the table says\n%s", text)
	}
	if v := verify(t, a, sign(t, s), a.Text(), test.records); !v.OK() {
		t.Error(v)
	}
}

func FuzzParseStatement(f *testing.F) {
	a, b, from, to := farm(f)
	doc := sign(f, statement(f, a, b, from, to))
	f.Add(doc)
	f.Add([]byte(`{"key":"","sig":"","statement":{}}`))
	f.Add([]byte(`{}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		s, err := agreement.ParseStatement(in, public())
		if err != nil && !errors.Is(err, agreement.ErrSignature) {
			return
		}
		again, failed := s.Sign(key())
		if failed != nil || err == nil && !bytes.Equal(bytes.TrimSuffix(again, []byte("\n")), bytes.TrimSuffix(in, []byte("\n"))) {
			t.Errorf("what was read is not what was written: %v", failed)
		}
		s.View(time.UTC)
		var out bytes.Buffer
		if err := s.WriteCSV(&out); err != nil {
			t.Error(err)
		}
		if _, err := json.Marshal(s); err != nil {
			t.Error(err)
		}
	})
}

// FuzzRecords feeds an agreement what may be any ledger at all.
func FuzzRecords(f *testing.F) {
	a, b, _, _ := farm(f)
	loc := zone(f, a.Zone)
	var file []byte
	for _, r := range b.records[:60] {
		var err error
		if file, err = r.AppendBinary(file); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(file)
	f.Add(file[:len(file)/2])
	f.Fuzz(func(t *testing.T, in []byte) {
		e, err := agreement.NewEvidence(a, loc, false)
		if err != nil {
			t.Fatal(err)
		}
		for r, err := range ledger.Read(bytes.NewReader(in)) {
			if err != nil {
				break
			}
			if _, err := e.Add(r); err != nil {
				break
			}
		}
		asOf := a.Start.In(loc).AddDate(0, 0, 3)
		for iv, err := range e.Intervals(asOf) {
			if err != nil {
				break
			}
			sum := iv.Held + iv.Short
			for _, msat := range iv.Paid {
				sum += msat
			}
			if sum != iv.Income {
				t.Fatalf("%d msat came in, and %d went out", iv.Income, sum)
			}
		}
		if _, _, err := e.Close(asOf); err != nil {
			t.Log(err)
		}
	})
}

// TestVectors makes the files that the specification refers to and checks the
// statement from the files alone.
func TestVectors(t *testing.T) {
	const dir = "../../spec/vectors/agreement/"
	a := parse(t, example(t, "farmhouse"))
	loc := zone(t, a.Zone)
	b := newBook(t)
	from := a.Start.In(loc)
	b.add(from.Add(-time.Hour), a.Name, a.Record())
	for i := range 12 {
		x := from.Add(time.Duration(i) * 15 * time.Minute)
		y := x.Add(15 * time.Minute)
		if i%4 == 0 {
			b.add(x, "EUR", ledger.Rate{Micros: 61_234_567_890, Source: "kraken"})
			b.add(x, "home", ledger.Price{From: x.UTC(), To: x.UTC().Add(time.Hour), Micros: 123_456 * int64(i-3), Currency: "EUR", Source: "day-ahead"})
		}
		if i != 5 {
			b.electricity("miner-cellar", x.Add(-7*time.Second), y.Add(-7*time.Second), 0.8, units.Meter)
		}
		b.electricity("miner-barn", x, y, 0.75, units.PSU)
		b.heat("living", x, y, 0.7, units.Estimate)
		b.heat("tank", x, y, 0.72, units.Meter)
		b.shares("cellar", "braiins", "", x, y, 90_001)
		b.shares("neighbour", "braiins", "", x, y, 17)
	}
	b.add(from.Add(3*time.Hour), "braiins", ledger.Earning{Millisats: 7_654_321})
	e := evidence(t, a, loc, false, b.records)
	transfer, ok, err := e.Transfer(from.Add(3 * time.Hour))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	b.append(transfer)
	feed(t, e, b.records[e.Last():])
	s, err := e.Statement("host", from, from.AddDate(0, 1, 0), from.Add(4*time.Hour), b.head())
	if err != nil {
		t.Fatal(err)
	}
	var file []byte
	for _, r := range b.records {
		if file, err = r.AppendBinary(file); err != nil {
			t.Fatal(err)
		}
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	golden(t, dir+"agreement.yaml", []byte(a.Text()))
	golden(t, dir+"ledger.chain", file)
	golden(t, dir+"statement.json", sign(t, s))

	read := func(name string) []byte {
		t.Helper()
		data, err := os.ReadFile(dir + name)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	chain := read("ledger.chain")
	v, err := agreement.Verify(read("statement.json"), read("agreement.yaml"), func() iter.Seq2[ledger.Record, error] {
		return ledger.Read(bytes.NewReader(chain))
	}, public(), loc)
	if err != nil || !v.OK() {
		t.Error(v, err)
	}
}
