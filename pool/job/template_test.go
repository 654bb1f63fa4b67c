package job_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"hearth/pool/job"
)

func parse(t rapid.TB, raw []byte) *job.Template {
	t.Helper()
	tmpl, err := job.ParseTemplate(raw)
	if err != nil {
		t.Fatal(err)
	}
	return tmpl
}

// The files hold the same block as both nodes would propose it.
func TestTemplatesOfBothNodes(t *testing.T) {
	p := propose(881423, 3, 150, 2)
	for name, write := range map[string]func(rapid.TB) []byte{"core": p.core, "btcd": p.btcd} {
		t.Run(name, func(t *testing.T) {
			raw, err := os.ReadFile("testdata/templates/" + name + ".json")
			if err != nil {
				t.Fatal(err)
			}
			commitment := p.commitment()
			want := &job.Template{
				Head: p.head(), Coinbase: p.value, Commitment: commitment[:], WeightLimit: 4_000_000,
			}
			if want.Target, err = job.CompactTarget(p.bits); err != nil {
				t.Fatal(err)
			}
			switch name {
			case "core":
				want.Rules = []string{"csv", "!segwit", "taproot"}
				want.LongPoll = p.prev.String() + "4711"
			case "btcd":
				want.Flags = []byte("\x0b/P2SH/btcd/")
				want.MaxTime = p.time + 7200
				want.LongPoll = p.prev.String() + "-1700000000"
			}
			for _, tx := range p.txs {
				var b bytes.Buffer
				if err := tx.Serialize(&b); err != nil {
					t.Fatal(err)
				}
				want.Transactions = append(want.Transactions, job.NewTransaction(job.Hash(tx.TxHash()), job.Hash(tx.WitnessHash()),
					1000, int64(3*tx.SerializeSizeStripped()+tx.SerializeSize()), []byte(hex.EncodeToString(b.Bytes()))))
			}
			for _, raw := range [][]byte{raw, write(t)} {
				if diff := cmp.Diff(want, parse(t, raw), cmp.AllowUnexported(job.Transaction{}), cmpopts.EquateEmpty()); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

func TestTemplatesThatAreNot(t *testing.T) {
	core, btcd := string(propose(1, 2, 150, 1).core(t)), string(propose(1, 2, 150, 1).btcd(t))
	for _, c := range []struct{ name, raw, old, new, want string }{
		{"no value", btcd, `"coinbasevalue"`, `"coinbasetxn"`, "ask without the capability coinbasetxn"},
		{"no height", core, `"height"`, `"depth"`, "height is missing"},
		{"no prev", core, `"previousblockhash"`, `"p"`, "previousblockhash is missing"},
		{"no bits", core, `"bits"`, `"b"`, "bits are missing"},
		{"no time", core, `"curtime"`, `"c"`, "curtime is missing"},
		{"no version", core, `"version"`, `"v"`, "version is missing"},
		{"bits and target differ", core, `"17029a8a"`, `"17029a8b"`, "do not agree"},
		{"bits not hexadecimal", core, `"17029a8a"`, `"17o29a8a"`, "bits:"},
		{"a rule of tomorrow", core, `"taproot"`, `"!tomorrow"`, `rule "tomorrow"`},
		{"signet wants a signature", core, `"taproot"`, `"!signet"`, `rule "signet"`},
		{"wrong commitment", core, "6a24aa21a9ed", "6a24aa21a9ed00", "witness commitment"},
		{"commitment of another block", btcd, `"default_witness_commitment":"`, `"default_witness_commitment":"00`, "witness commitment"},
		{"commitment cut in half", btcd, `"default_witness_commitment":"`, `"default_witness_commitment":"0`, "default_witness_commitment:"},
		{"transaction without data", core, `"data":"`, `"date":"`, "data: transaction 0 has 0 digits"},
		{"short id", core, `"txid":"`, `"txid":"00`, "txid: a hash has 64"},
		{"no id", core, `"txid":"`, `"id":"`, "txid: a hash has 64"},
		{"an id of other letters", core, `"hash":"`, `"hash":"xyz`, "hash: a hash has 64"},
		{"a fee that is not whole", core, `"fee":1000`, `"fee":10.5`, "want a whole number"},
		{"height as text", core, `"height":`, `"height":"`, "want a whole number"},
		{"cut short", core, `"height"`, "\x00", "the JSON"},
		{"time of 64 bits", core, `"curtime":`, `"curtime":9999`, "curtime: not a number of 32 bits"},
		{"two documents", core, `{"capabilities"`, `{} {"capabilities"`, "is missing"},
		{"more money than there is", core, `"coinbasevalue":`, `"coinbasevalue":99999999`, "impossible"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := strings.Replace(c.raw, c.old, c.new, 1)
			if raw == c.raw {
				t.Fatalf("%q is not there", c.old)
			}
			if _, err := job.ParseTemplate([]byte(raw)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := job.ParseTemplate([]byte(core + " 1")); err == nil || !strings.Contains(err.Error(), "the end") {
		t.Errorf("something behind it: %v", err)
	}
}

func TestVersionsAreSignedNumbers(t *testing.T) {
	p := propose(1, 0, 0, 0)
	p.version = 0xe0000004
	if got := parse(t, p.core(t)).Version; got != p.version {
		t.Errorf("%08x", got)
	}
}

// The head is found whatever has arrived, and is never another than it is.
func TestPeek(t *testing.T) {
	for _, count := range []int{0, 3, 200} {
		p := propose(7, count, 300, 2)
		for name, raw := range map[string][]byte{"core": p.core(t), "btcd": p.btcd(t), "file": indent(t, p.core(t))} {
			raw = append(append([]byte(`{"result":`), raw...), `,"error":null,"id":1}`...)
			early := len(raw)
			step := max(1, len(raw)/3000)
			for n := len(raw); n >= 0; n -= step {
				h, ok := job.Peek(raw[:n])
				if !ok {
					continue
				}
				early = min(early, n)
				want := p.head()
				if h.Version == 0 {
					want.Version = 0
				}
				if h.MinTime == 0 {
					want.MinTime = 0
				}
				if h != want {
					t.Fatalf("%s, %d bytes: %+v, want %+v", name, n, h, want)
				}
			}
			if h, _ := job.Peek(raw); h != p.head() {
				t.Errorf("%s, whole: %+v, want %+v", name, h, p.head())
			}
			if name == "btcd" && early > 500 {
				t.Errorf("btcd's head is known only after %d bytes", early)
			}
		}
	}
}

func indent(t *testing.T, raw []byte) []byte {
	t.Helper()
	return []byte(strings.NewReplacer(`":`, `" : `, `,"`, ",\n\t\"").Replace(string(raw)))
}

func TestEmptyBlocks(t *testing.T) {
	h := job.Head{Height: 840_000, Prev: job.Hash{1}, Bits: 0x17029a8a, Time: 1_713_571_767}
	tmpl, err := job.Empty(h, job.Mainnet)
	if err != nil || tmpl.Coinbase != 312_500_000 || tmpl.Version != 0x20000000 || len(tmpl.Transactions) != 0 || tmpl.Commitment != nil {
		t.Fatalf("%+v, %v", tmpl, err)
	}
	for _, bad := range []struct {
		h    job.Head
		n    job.Network
		want string
	}{
		{job.Head{Bits: 0x17029a8a}, job.Mainnet, "height 0"},
		{job.Head{Height: 1}, job.Mainnet, "target is zero"},
		{h, "lightning", "no Bitcoin network"},
	} {
		if _, err := job.Empty(bad.h, bad.n); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%+v: %v, want %q", bad.h, err, bad.want)
		}
	}
}

func TestSubsidies(t *testing.T) {
	for _, c := range []struct {
		n      job.Network
		height int64
		want   int64
	}{
		{job.Mainnet, 0, 50e8},
		{job.Mainnet, 209_999, 50e8},
		{job.Mainnet, 210_000, 25e8},
		{job.Mainnet, 840_000, 312_500_000},
		{job.Mainnet, 33 * 210_000, 0},
		{job.Mainnet, 32*210_000 + 5, 1},
		{job.Mainnet, 1 << 40, 0},
		{job.Testnet, 210_000, 25e8},
		{job.Signet, 210_000, 25e8},
		{job.Simnet, 210_000, 25e8},
		{job.Regtest, 149, 50e8},
		{job.Regtest, 150, 25e8},
		{job.Regtest, 451, 625_000_000},
	} {
		if got, err := c.n.Subsidy(c.height); err != nil || got != c.want {
			t.Errorf("%s %d: %d, %v; want %d", c.n, c.height, got, err, c.want)
		}
	}
	if _, err := job.Mainnet.Subsidy(-1); err == nil {
		t.Error("a block before the first has a subsidy")
	}
	// All there will ever be.
	var sum int64
	for h := int64(0); ; h += 210_000 {
		s, err := job.Mainnet.Subsidy(h)
		if err != nil {
			t.Fatal(err)
		}
		if s == 0 {
			break
		}
		sum += 210_000 * s
	}
	if sum != 2_099_999_997_690_000 {
		t.Errorf("%d sats", sum)
	}
}

func FuzzParseTemplate(f *testing.F) {
	for _, p := range []proposal{propose(1, 0, 0, 0), propose(2, 1, 120, 1), propose(3, 3, 120, 2)} {
		f.Add(p.core(f))
		f.Add(p.btcd(f))
	}
	f.Add([]byte(`{"rules":[],"coinbaseaux":null,"transactions":[{}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		h, ok := job.Peek(raw)
		if ok && (h.Height < 1 || h.Bits == 0 || h.Time == 0) {
			t.Errorf("peeked %+v", h)
		}
		tmpl, err := job.ParseTemplate(raw)
		if err != nil {
			if tmpl != nil || strings.Contains(err.Error(), "%!") {
				t.Errorf("%v, %v", tmpl, err)
			}
			return
		}
		if target, err := job.CompactTarget(tmpl.Bits); err != nil || target != tmpl.Target || len(tmpl.Commitment)%32 != 0 {
			t.Errorf("%+v, %v", tmpl, err)
		}
		j, err := job.New(tmpl, job.CoinbaseSpec{Payees: []job.Payee{{Script: []byte{0x51}, Sats: tmpl.Coinbase}}}, 1, "node")
		if err != nil {
			return
		}
		if _, err := j.Assemble(make([]byte, 8), j.Version, j.Time, 0); err != nil && !strings.Contains(err.Error(), "reading transaction") {
			t.Error(err)
		}
	})
}
