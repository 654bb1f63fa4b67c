package job_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"hearth/pool/job"
)

// spec shares a block out evenly among some payees; the first gets the rest.
func spec(value int64, payees int) job.CoinbaseSpec {
	c := job.CoinbaseSpec{Tag: "/hearth/"}
	for i := range payees {
		c.Payees = append(c.Payees, job.Payee{Script: append([]byte{0, 20}, bytes.Repeat([]byte{byte(i)}, 20)...), Sats: value / int64(payees)})
	}
	c.Payees[0].Sats += value % int64(payees)
	return c
}

func assemble(t rapid.TB, j *job.Job, extranonce []byte, version, ntime, nonce uint32) *wire.MsgBlock {
	t.Helper()
	raw, err := j.Assemble(extranonce, version, ntime, nonce)
	if err != nil {
		t.Fatal(err)
	}
	var block wire.MsgBlock
	r := bytes.NewReader(raw)
	if err := block.Deserialize(r); err != nil {
		t.Fatal(err)
	}
	if r.Len() != 0 {
		t.Fatalf("%d bytes behind the block", r.Len())
	}
	var again bytes.Buffer
	if err := block.Serialize(&again); err != nil || !bytes.Equal(again.Bytes(), raw) {
		t.Fatalf("btcd writes the block otherwise than it read it (%v)", err)
	}
	return &block
}

// What Hearth makes of a template is a block as btcd's modules know it: the
// roots, the commitment, the coinbase and every byte of every transaction.
func TestBlocksOfRandomTemplates(t *testing.T) {
	counts := []int{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100, 255, 256, 999, 2047, 2048, 2049, 4000}
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.OneOf(rapid.SampledFrom(counts), rapid.IntRange(0, 400)).Draw(t, "transactions")
		p := propose(rapid.Uint64().Draw(t, "seed"), count, 150, rapid.SampledFrom([]int{0, 1, 2, 7}).Draw(t, "witnesses"))
		p.height = rapid.OneOf(rapid.Int64Range(1, 20), rapid.Int64Range(100, 1<<24)).Draw(t, "height")
		core := rapid.Bool().Draw(t, "core")
		raw := p.btcd
		if core {
			raw = p.core
		}
		tmpl := parse(t, raw(t))

		c := spec(p.value, rapid.IntRange(1, 8).Draw(t, "payees"))
		c.Extranonce = rapid.IntRange(2, 16).Draw(t, "extranonce")
		j, err := job.New(tmpl, c, 7, "node")
		if err != nil {
			t.Fatal(err)
		}
		if j.Version != p.version&^job.MaskV2 || j.Mask != job.MaskV2 || j.Prev != job.Hash(p.prev) || j.Time != p.time || j.Height != p.height || j.Goal != j.Network || j.Clean || j.Block.Reward() != p.value || j.Block.Count() != count+1 {
			t.Fatalf("%+v", j)
		}

		r := rand.New(rand.NewPCG(1, 2))
		extranonce := random(r, c.Extranonce)
		version, ntime, nonce := j.Version|r.Uint32()&j.Mask, j.Time+5, r.Uint32()
		block := assemble(t, j, extranonce, version, ntime, nonce)

		header := j.Header(extranonce, version, ntime, nonce)
		if job.Hash(block.BlockHash()) != header.Hash() {
			t.Fatalf("the block's header is %+v, the share's %+v", block.Header, header)
		}
		var ids, wids []chainhash.Hash
		for _, tx := range block.Transactions {
			ids, wids = append(ids, tx.TxHash()), append(wids, tx.WitnessHash())
		}
		if root := merkle(ids); root != block.Header.MerkleRoot {
			t.Fatalf("the transactions' root is %v, the header has %v", root, block.Header.MerkleRoot)
		}
		if len(block.Transactions) != len(p.txs)+1 {
			t.Fatalf("%d transactions of %d", len(block.Transactions), len(p.txs)+1)
		}
		coinbase := block.Transactions[0]
		checkCoinbase(t, coinbase, p.height, c, extranonce)

		outputs := coinbase.TxOut[len(c.Payees):]
		if !core && !p.hasWitness() {
			if len(outputs) != 0 || coinbase.HasWitness() {
				t.Fatalf("a commitment to nothing: %v", outputs)
			}
			return
		}
		wids[0] = chainhash.Hash{}
		root := merkle(wids)
		want := chainhash.DoubleHashB(append(root[:], coinbase.TxIn[0].Witness[0]...))
		if len(outputs) != 1 || outputs[0].Value != 0 || !bytes.Equal(outputs[0].PkScript, append([]byte{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed}, want...)) {
			t.Fatalf("committed to %x, want %x", outputs[0].PkScript, want)
		}
	})
}

func checkCoinbase(t *rapid.T, tx *wire.MsgTx, height int64, c job.CoinbaseSpec, extranonce []byte) {
	t.Helper()
	if tx.Version != 2 || len(tx.TxIn) != 1 || tx.LockTime != uint32(height-1) {
		t.Fatalf("version %d, %d inputs, lock %d", tx.Version, len(tx.TxIn), tx.LockTime)
	}
	in := tx.TxIn[0]
	if (in.PreviousOutPoint != wire.OutPoint{Index: 0xffffffff}) || in.Sequence != 0xfffffffe {
		t.Fatalf("input %v, sequence %x", in.PreviousOutPoint, in.Sequence)
	}
	begin, err := txscript.NewScriptBuilder().AddInt64(height).Script()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(in.SignatureScript, begin) || !bytes.HasSuffix(in.SignatureScript, extranonce) {
		t.Fatalf("the input %x should begin with %x and end with %x", in.SignatureScript, begin, extranonce)
	}
	if n := len(in.SignatureScript); n < 2 || n > 100 {
		t.Fatalf("the input has %d bytes", n)
	}
	pushes := txscript.MakeScriptTokenizer(0, in.SignatureScript)
	var last []byte
	for pushes.Next() {
		last = pushes.Data()
	}
	if pushes.Err() != nil || !bytes.Equal(last, extranonce) {
		t.Fatalf("the last push of %x is %x, want %x (%v)", in.SignatureScript, last, extranonce, pushes.Err())
	}
	for i, p := range c.Payees {
		if tx.TxOut[i].Value != p.Sats || !bytes.Equal(tx.TxOut[i].PkScript, p.Script) {
			t.Fatalf("payee %d gets %+v, want %+v", i, tx.TxOut[i], p)
		}
	}
}

func TestHeightsInCoinbases(t *testing.T) {
	for _, c := range []struct {
		height int64
		want   string
	}{
		{1, "51"},
		{2, "52"},
		{15, "5f"},
		{16, "60"},
		{17, "0111"},
		{127, "017f"},
		{128, "028000"},
		{255, "02ff00"},
		{256, "020001"},
		{32767, "02ff7f"},
		{32768, "03008000"},
		{881423, "030f730d"},
		{1 << 23, "0400008000"},
		{1 << 31, "050000008000"},
	} {
		tmpl, err := job.Empty(job.Head{Height: c.height, Bits: 0x207fffff, Time: 1}, job.Mainnet)
		if err != nil {
			t.Fatal(err)
		}
		j, err := job.New(tmpl, spec(tmpl.Coinbase, 1), 1, "node")
		if err != nil {
			t.Fatal(err)
		}
		script := hex.EncodeToString(j.Prefix[42:]) // behind version, input and length
		if !strings.HasPrefix(script, c.want+"08") {
			t.Errorf("height %d: %s, want %s and the tag", c.height, script, c.want)
		}
	}
}

func TestJobsThatAreNotMade(t *testing.T) {
	base := parse(t, propose(3, 5, 200, 1).core(t))
	value := base.Coinbase
	even := spec(value, 3)
	for _, c := range []struct {
		name string
		edit func(*job.Template, *job.CoinbaseSpec)
		want string
	}{
		{"all is well", func(*job.Template, *job.CoinbaseSpec) {}, ""},
		{"a sat too much", func(_ *job.Template, c *job.CoinbaseSpec) { c.Payees[1].Sats++ }, "the payees get"},
		{"a sat too little", func(_ *job.Template, c *job.CoinbaseSpec) { c.Payees[1].Sats-- }, "the payees get"},
		{"a debt", func(_ *job.Template, c *job.CoinbaseSpec) { c.Payees[1].Sats = -1 }, "payee 2 of 3 would get -1 sats"},
		{"sums that run over", func(_ *job.Template, c *job.CoinbaseSpec) { c.Payees[0].Sats = 1 << 62 }, "payee 1 of 3"},
		{"nowhere to pay", func(_ *job.Template, c *job.CoinbaseSpec) { c.Payees[2].Script = nil }, "payee 3 of 3 has no script"},
		{"nobody", func(_ *job.Template, c *job.CoinbaseSpec) { c.Payees = nil }, "nobody is paid"},
		{"a long tag", func(_ *job.Template, c *job.CoinbaseSpec) { c.Tag = strings.Repeat("x", 86) }, "100 is the most: shorten the tag"},
		{"the longest tag", func(t *job.Template, c *job.CoinbaseSpec) { t.Height, c.Tag = 881423, strings.Repeat("x", 85) }, ""},
		{"a tag beyond all bounds", func(_ *job.Template, c *job.CoinbaseSpec) { c.Tag = strings.Repeat("x", 1<<16) }, "shorten the tag"},
		{"long flags", func(t *job.Template, _ *job.CoinbaseSpec) { t.Flags = make([]byte, 90) }, "shorten the tag"},
		{"a wide extranonce", func(_ *job.Template, c *job.CoinbaseSpec) { c.Extranonce = 33 }, "it has 1 to 32"},
		{"no extranonce", func(_ *job.Template, c *job.CoinbaseSpec) { c.Extranonce = -1 }, "it has 1 to 32"},
		{"twenty payees", func(_ *job.Template, c *job.CoinbaseSpec) { *c = spec(value, 20) }, ""},
		{"too many payees", func(_ *job.Template, c *job.CoinbaseSpec) { *c = spec(value, 21) }, "limit 755"},
		{"as many, of miners that take it", func(_ *job.Template, c *job.CoinbaseSpec) { *c = spec(value, 21); c.Limit = 2250 }, ""},
		{"a full block", func(t *job.Template, _ *job.CoinbaseSpec) { t.WeightLimit = 2500 }, "blockreservedweight"},
		{"a node that does not weigh", func(t *job.Template, _ *job.CoinbaseSpec) {
			t.WeightLimit = 2500
			t.Transactions = slices.Clone(t.Transactions)
			t.Transactions[2].Weight = 0
		}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			tmpl, spec := *base, even
			spec.Payees = slices.Clone(even.Payees)
			c.edit(&tmpl, &spec)
			j, err := job.New(&tmpl, spec, 1, "node")
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want == "" && len(j.Prefix)+8+len(j.Suffix) > max(755, spec.Limit):
				t.Errorf("the coinbase has %d bytes", len(j.Prefix)+8+len(j.Suffix))
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
	if _, err := job.New(base, even, 0, "node"); err == nil {
		t.Error("0 is the id of a job")
	}
}

// A block's weight, as reckoned before there is a block, is never below what it
// is, and at most by what a shorter count of transactions saves.
func TestRoomIsReckonedWithCare(t *testing.T) {
	for _, count := range []int{0, 3, 300} {
		p := propose(9, count, 200, 2)
		tmpl := parse(t, p.core(t))
		c := spec(p.value, 5)
		j, err := job.New(tmpl, c, 1, "node")
		if err != nil {
			t.Fatal(err)
		}
		block := assemble(t, j, make([]byte, 8), j.Version, j.Time, 0)
		weight := int64(3*block.SerializeSizeStripped() + block.SerializeSize())
		for _, limit := range []int64{weight - 1, weight + 4*8} {
			tmpl := *tmpl
			tmpl.WeightLimit = limit
			if _, err := job.New(&tmpl, c, 1, "node"); (err != nil) != (limit < weight) {
				t.Errorf("%d transactions weigh %d, limit %d: %v", count, weight, limit, err)
			}
		}
	}
}

func TestBlocksThatAreNotMade(t *testing.T) {
	tmpl := parse(t, propose(3, 2, 200, 1).core(t))
	j, err := job.New(tmpl, spec(tmpl.Coinbase, 1), 9, "node")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Assemble(make([]byte, 7), 0, 0, 0); err == nil || !strings.Contains(err.Error(), "7 bytes, want 8") {
		t.Error(err)
	}
	upstream := *j
	upstream.Block, upstream.Source = nil, "pool"
	if _, err := upstream.Assemble(make([]byte, 8), 0, 0, 0); err == nil || !strings.Contains(err.Error(), "pool keeps its blocks") {
		t.Error(err)
	}
	tmpl.Transactions[1] = job.NewTransaction(job.Hash{1}, job.Hash{1}, 0, 0, []byte("zz"))
	if _, err := j.Assemble(make([]byte, 8), 0, 0, 0); err == nil || !strings.Contains(err.Error(), "reading transaction") {
		t.Error(err)
	}
}

func TestBranches(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 200).Draw(t, "leaves beside the first")
		r := rand.New(rand.NewPCG(uint64(n), 5))
		leaves := make([]chainhash.Hash, n+1)
		ids := make([]job.Hash, n)
		for i := range leaves {
			fill(r, leaves[i][:])
			if i > 0 {
				ids[i-1] = job.Hash(leaves[i])
			}
		}
		before := slices.Clone(ids)
		if got, want := job.Fold(job.Hash(leaves[0]), job.Branch(ids)), merkle(leaves); got != job.Hash(want) {
			t.Fatalf("%v, want %v", got, want)
		}
		if !slices.Equal(ids, before) {
			t.Fatal("the leaves were changed")
		}
	})
}

func TestCounterSkipsZero(t *testing.T) {
	c := job.NewCounter(1<<32 - 2)
	if got := fmt.Sprint(c.Next(), c.Next(), c.Next()); got != "4294967295 1 2" {
		t.Error(got)
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		job         job.Job
		first, last uint32
	}{
		{job.Job{Time: 1000}, 1000, 8200},
		{job.Job{Time: 1000, MinTime: 900, MaxTime: 2000}, 900, 2000},
		{job.Job{Time: 1<<32 - 10}, 1<<32 - 10, 1<<32 - 1},
	} {
		if first, last := c.job.Times(); first != c.first || last != c.last {
			t.Errorf("%+v: %d to %d", c.job, first, last)
		}
	}
}

func TestRootsAllocateNothing(t *testing.T) {
	s := readShare(t, "testdata/shares/esp-miner-13.txt")
	var scratch job.Scratch
	s.job.RootInto(&scratch, s.extranonce)
	if n := testing.AllocsPerRun(100, func() { s.job.HeaderInto(&scratch, s.extranonce, 1, 2, 3).Hash() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
