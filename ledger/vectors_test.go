package ledger_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"
	"time"

	"hearth/ledger"
	"hearth/units"
)

var update = flag.Bool("update", false, "write the vectors")

const vectorsFile = "../spec/vectors/ledger.json"

// vectors is spec/vectors/ledger.json.
type vectors struct {
	Note      string           `json:"note"`
	Seed      string           `json:"seed"` // of the key, RFC 8032
	PublicKey string           `json:"public_key"`
	Records   []recordVector   `json:"records"`
	Head      json.RawMessage  `json:"head"`
	HeadBytes string           `json:"head_signed_bytes"`
	Canonical []canonicalCase  `json:"canonical"`
	Refused   []string         `json:"refused"`
	Pruned    checkpointVector `json:"pruned"`
}

type recordVector struct {
	Record  ledger.Record `json:"record"`
	Content string        `json:"content"` // what is hashed
}

type canonicalCase struct {
	In  string `json:"in"`
	Out string `json:"out"`
}

type checkpointVector struct {
	Note   string          `json:"note"`
	Body   json.RawMessage `json:"body"` // of the checkpoint that stands for records 2 to 8
	Leaves []ledger.Hash   `json:"record_hashes"`
}

func canonicalCases() []canonicalCase {
	var cases []canonicalCase
	for _, in := range []string{
		`{}`,
		` { "b" : 2 , "a" : [ 1 , -1 , 0 , true , false , null ] } `,
		`{"text":"caf\u00e9 \ud83d\udd25 \u2028 </script> \/"}`,
		`{"text":"\u0000\b\t\n\u000b\f\r\u001f\u007f\"\\"}`,
		`{"n":9007199254740991,"m":-9007199254740991}`,
		`{"z":{"b":{},"a":[[],{}]},"a_1":""}`,
	} {
		out, err := ledger.Canonical([]byte(in))
		if err != nil {
			panic(err)
		}
		cases = append(cases, canonicalCase{in, string(out)})
	}
	return cases
}

// refused are bodies that have no canonical form.
func refused() []string {
	return []string{
		``, `[]`, `1`, `"a"`, `null`, `{`, `{}}`, `{} {}`, `{"a":1,}`, `{,}`, `{"a" 1}`, `{a:1}`, `{"a":}`,
		`{"a":1,"a":1}`, `{"a":1,"\u0061":2}`, `{"A":1}`, `{"é":1}`, `{"":1}`, `{"a b":1}`,
		`{"a":1.0}`, `{"a":1e3}`, `{"a":-0}`, `{"a":01}`, `{"a":+1}`, `{"a":-}`, `{"a":.5}`, `{"a":9007199254740992}`, `{"a":-9007199254740992}`,
		`{"a":99999999999999999999}`, `{"a":NaN}`, `{"a":tru}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":"\ud800"}`, `{"a":"\udc00"}`,
		`{"a":"\ud800\u0041"}`, "{\"a\":\"\n\"}", "{\"a\":\"\xff\"}", "{\"a\":\"\xed\xa0\x80\"}", `{"a":"`, `{"a":[1,]}`, `{"a":[1 2]}`, "\ufeff{}", "{}\x00",
	}
}

func build(t *testing.T) vectors {
	t.Helper()
	v := vectors{
		Note:      "Made by a test of package ledger (go test ./ledger -run Vectors -update); see spec/ledger.md. Byte strings are hexadecimal.",
		Seed:      hex.EncodeToString(key().Seed()),
		PublicKey: hex.EncodeToString(public()),
		Canonical: canonicalCases(), Refused: printable(refused()),
	}
	records := everyKind(t)
	for _, r := range records {
		b, err := r.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		v.Records = append(v.Records, recordVector{r, hex.EncodeToString(b[:len(b)-64])})
	}
	last := records[len(records)-1]
	head := last.Head(records[0].Hash, key())
	line, err := head.MarshalLine()
	if err != nil {
		t.Fatal(err)
	}
	v.Head = bytes.TrimSpace(line)
	v.HeadBytes = hex.EncodeToString(headBytes(head))
	c, err := ledger.Condense(records[0].Hash, nil, stream(records[1:8]))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.NewEntry(start, "", false, c)
	if err != nil {
		t.Fatal(err)
	}
	v.Pruned = checkpointVector{Note: "The checkpoint that stands for records 2 to 8 above.", Body: e.Body}
	for _, r := range records[1:8] {
		v.Pruned.Leaves = append(v.Pruned.Leaves, r.Hash)
	}
	return v
}

// printable leaves out what JSON cannot show.
func printable(list []string) []string {
	var out []string
	for _, s := range list {
		if b, err := json.Marshal(s); err == nil && !bytes.Contains(b, []byte(`\ufffd`)) {
			out = append(out, s)
		}
	}
	return out
}

// headBytes is what the specification says a head's signature is over,
// written from its words.
func headBytes(h ledger.Head) []byte {
	b := []byte("hearth/head/1\n")
	b = append(b, h.Genesis[:]...)
	b = append(b, beUint64(h.Seq)...)
	b = append(b, beUint64(uint64(h.At.UnixNano()))...)
	return append(b, h.Hash[:]...)
}

func beUint64(n uint64) []byte {
	var b []byte
	for shift := 56; shift >= 0; shift -= 8 {
		b = append(b, byte(n>>shift))
	}
	return b
}

func TestVectors(t *testing.T) {
	got, err := json.MarshalIndent(build(t), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(vectorsFile, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code makes: if the format was meant to change, it needs a new number", vectorsFile)
	}
}

// everyKind is a ledger with a record of every kind whose body is specified.
func everyKind(t testing.TB) []ledger.Record {
	t.Helper()
	from, to := start, start.Add(time.Minute)
	bodies := []struct {
		subject   string
		simulated bool
		body      ledger.Body
	}{
		{"heater", false, ledger.Electricity{From: from, To: to, Joules: 51000.25, Provenance: units.Meter, Zone: "living"}},
		{"heater", false, ledger.Heat{From: from, To: to, Joules: 51000, Provenance: units.Meter, Zone: "living"}},
		{"emulated", true, ledger.Electricity{From: from, To: to.Add(time.Nanosecond), Joules: 0, Provenance: units.Simulated}},
		{"heater", false, ledger.Work{From: from, To: to, Amount: 222_000, Unit: "gigahash", Provenance: units.Estimate}},
		{"pool", false, ledger.Earning{Millisats: 14_250, For: "shares"}},
		{"heater", false, ledger.Command{Verb: "set_level", Level: "eco", Power: 850.5, Why: "Living room is 0.6 K below its set-point.", Confirmed: true}},
		{"living", false, ledger.Trip{ID: "stale/living", Rule: "stale", Cause: "No reading for 10 minutes.", Did: "Stopped.", Clears: "With the next reading.", Latched: false}},
		{"", false, ledger.Event{Severity: "info", Code: "start", Text: "Hearth \"started\" <&> \u2028 é 🔥\n"}},
		{"living", false, ledger.Setting{Name: "setpoint", From: "20.5 °C", To: "21 °C", By: "page"}},
		{"", false, ledger.Gap{From: from, To: to, Dropped: 3, Why: "disk full"}},
		{"hearth-devnet", false, ledger.Coin{Amount: 62_266_304, Unit: "uhth", Test: true, For: "verified work", Proof: "chain hearth-devnet, block 61"}},
		{"bitaxe", false, ledger.Shares{From: from, To: to.Add(14 * time.Minute), Work: 92_160, Count: 90, Stale: 1, Rejected: 2, Source: "pool", Party: "host", Digest: ledger.Hash{9}}},
		{"bitaxe", false, ledger.Shares{From: from, To: to, Count: 0, Rejected: 3, Source: "fallback", Unpaid: true, Digest: ledger.Hash{9}}},
		{"farmhouse", false, ledger.Transfer{ID: "farmhouse/2026-01-15", Entries: []ledger.Posting{{"revenue:pool", -14_250}, {"party:farmhouse/host", 9_975}, {"party:farmhouse/operator", 4_275}}, For: "earnings of 2026-01-15"}},
		{"party:farmhouse/host", false, ledger.Payout{ID: "farmhouse/host/1", Rail: "lnd", To: "host@example.org", Millisats: 9_000, MaxFee: 20, State: ledger.PayoutBegun}},
		{"party:farmhouse/host", false, ledger.Payout{ID: "farmhouse/host/1", Rail: "lnd", To: "host@example.org", Millisats: 9_000, State: ledger.PayoutPrepared, Ticket: "payment hash", Data: []byte("invoice"), Of: 1}},
		{"party:farmhouse/host", false, ledger.Payout{ID: "farmhouse/host/1", Rail: "lnd", To: "host@example.org", Millisats: 9_000, Fee: 5, State: ledger.PayoutPaid, Proof: "preimage"}},
		{"EUR", false, ledger.Rate{Micros: 95_000_000_000, Source: "set by hand"}},
		{"farmhouse", false, ledger.Agreement{Digest: sha256.Sum256([]byte("name: farmhouse\n")), Text: "name: farmhouse\n", Parties: []string{"host", "operator"}}},
		{"home", false, ledger.Price{From: from, To: to, Micros: -12_000, Currency: "EUR", Source: "day-ahead"}},
		{"pool", false, ledger.Yield{Work: 1 << 40, Millisats: 2_600, Height: 900_000, Source: "template"}},
		{"farmhouse", false, ledger.Closing{Digest: sha256.Sum256([]byte("name: farmhouse\n")), Until: start, After: 12, State: json.RawMessage(`{"short":0}`)}},
	}
	records := []ledger.Record{genesis(t)}
	for i, b := range bodies {
		e, err := ledger.NewEntry(start.Add(time.Duration(i)*time.Second), b.subject, b.simulated, b.body)
		if err != nil {
			t.Fatal(err)
		}
		records = extend(t, records, e)
	}
	c, err := ledger.Condense(records[0].Hash, nil, stream(records[1:4]))
	if err != nil {
		t.Fatal(err)
	}
	e, err := ledger.NewEntry(start.Add(time.Hour), "", false, c)
	if err != nil {
		t.Fatal(err)
	}
	unknown := ledger.Entry{At: start.Add(-time.Hour), Kind: "from_the_future", Subject: "Küche", Body: json.RawMessage(`{"a":[1,{"b":null}]}`)}
	return extend(t, records, e, unknown)
}
