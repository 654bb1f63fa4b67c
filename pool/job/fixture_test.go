package job_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/wire/v2"
	"pgregory.net/rapid"

	"hearth/pool/job"
)

// proposal is a block that a node proposes, from which templates are written in
// the manner of either node. What is expected of them is computed here a second
// time, with btcd's modules and the plain definition of a merkle tree.
type proposal struct {
	height  int64
	prev    chainhash.Hash
	bits    uint32
	version uint32
	time    uint32
	value   int64
	limit   int // weight units
	txs     []*wire.MsgTx
}

// propose makes a proposal of count transactions of some bytes, one in so many
// with a witness; none if that is 0.
func propose(seed uint64, count, bytes, witnesses int) proposal {
	r := rand.New(rand.NewPCG(seed, 1))
	p := proposal{
		height: 1 + r.Int64N(3_000_000), bits: 0x17029a8a, version: 0x20000000 | r.Uint32()&0x1fffffff,
		time: 1_700_000_000 + r.Uint32N(1<<28), value: 312_500_000 + r.Int64N(1<<30), limit: 4_000_000,
	}
	fill(r, p.prev[:])
	for i := range count {
		tx := wire.NewMsgTx(2)
		in := wire.NewTxIn(&wire.OutPoint{Index: r.Uint32N(10)}, nil, nil)
		fill(r, in.PreviousOutPoint.Hash[:])
		room := max(bytes-100, 1)
		if witnesses > 0 && i%witnesses == 0 {
			in.Witness = wire.TxWitness{random(r, 1+r.IntN(room)), random(r, 33)}
		} else {
			in.SignatureScript = random(r, 1+r.IntN(room))
		}
		tx.AddTxIn(in)
		for range 1 + r.IntN(3) {
			tx.AddTxOut(wire.NewTxOut(r.Int64N(1e9), random(r, 22)))
		}
		p.txs = append(p.txs, tx)
	}
	return p
}

func fill(r *rand.Rand, b []byte) {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	fill(r, b)
	return b
}

func (p proposal) hasWitness() bool {
	for _, tx := range p.txs {
		if tx.HasWitness() {
			return true
		}
	}
	return false
}

// merkle is the root of a tree by its definition: rows of pairs, the last taken
// twice if it is alone.
func merkle(row []chainhash.Hash) chainhash.Hash {
	for len(row) > 1 {
		var next []chainhash.Hash
		for i := 0; i < len(row); i += 2 {
			pair := append(row[i].CloneBytes(), row[min(i+1, len(row)-1)][:]...)
			next = append(next, chainhash.DoubleHashH(pair))
		}
		row = next
	}
	return row[0]
}

// commitment is the witness commitment by BIP 141.
func (p proposal) commitment() chainhash.Hash {
	ids := []chainhash.Hash{{}}
	for _, tx := range p.txs {
		ids = append(ids, tx.WitnessHash())
	}
	root := merkle(ids)
	return chainhash.DoubleHashH(append(root.CloneBytes(), make([]byte, 32)...))
}

func (p proposal) transactions(tb rapid.TB) string {
	var all []string
	for _, tx := range p.txs {
		var raw bytes.Buffer
		if err := tx.Serialize(&raw); err != nil {
			tb.Fatal(err)
		}
		weight := 3*tx.SerializeSizeStripped() + tx.SerializeSize()
		all = append(all, fmt.Sprintf(`{"data":"%x","txid":"%v","hash":"%v","depends":[],"fee":1000,"sigops":4,"weight":%d}`,
			raw.Bytes(), tx.TxHash(), tx.WitnessHash(), weight))
	}
	return "[" + strings.Join(all, ",") + "]"
}

func (p proposal) target(tb rapid.TB) string {
	target, err := job.CompactTarget(p.bits)
	if err != nil {
		tb.Fatal(err)
	}
	return target.String()
}

// core writes the template as Bitcoin Core does.
func (p proposal) core(tb rapid.TB) []byte {
	commitment := p.commitment()
	return []byte(`{"capabilities":["proposal"],"version":` + strconv.Itoa(int(int32(p.version))) +
		`,"rules":["csv","!segwit","taproot"],"vbavailable":{},"vbrequired":0,"previousblockhash":"` + p.prev.String() +
		`","transactions":` + p.transactions(tb) +
		`,"coinbaseaux":{},"coinbasevalue":` + strconv.FormatInt(p.value, 10) +
		`,"longpollid":"` + p.prev.String() + `4711","target":"` + p.target(tb) +
		`","mintime":` + strconv.Itoa(int(p.time)-3000) +
		`,"mutable":["time","transactions","prevblock"],"noncerange":"00000000ffffffff","sigoplimit":80000,"sizelimit":4000000,"weightlimit":` + strconv.Itoa(p.limit) + `,"curtime":` +
		strconv.Itoa(int(p.time)) + `,"bits":"` + strconv.FormatUint(uint64(p.bits), 16) + `","height":` + strconv.FormatInt(p.height, 10) +
		`,"default_witness_commitment":"6a24aa21a9ed` + hex.EncodeToString(commitment[:]) + `"}`)
}

// btcd writes the template as btcd does.
func (p proposal) btcd(tb rapid.TB) []byte {
	commitment := ""
	if p.hasWitness() {
		sum := p.commitment()
		commitment = `"default_witness_commitment":"` + hex.EncodeToString(sum[:]) + `",`
	}
	return []byte(`{"bits":"` + strconv.FormatUint(uint64(p.bits), 16) + `","curtime":` + strconv.Itoa(int(p.time)) +
		`,"height":` + strconv.FormatInt(p.height, 10) + `,"previousblockhash":"` + p.prev.String() +
		`","sigoplimit":80000,"sizelimit":4000000,"weightlimit":` + strconv.Itoa(p.limit) + `,"transactions":` + p.transactions(tb) +
		`,"version":` + strconv.Itoa(int(int32(p.version))) + `,"coinbaseaux":{"flags":"0b2f503253482f627463642f"},"coinbasevalue":` +
		strconv.FormatInt(p.value, 10) + `,` + commitment + `"longpollid":"` + p.prev.String() + `-1700000000","target":"` + p.target(tb) +
		`","maxtime":` + strconv.Itoa(int(p.time)+7200) + `,"mintime":` + strconv.Itoa(int(p.time)-3000) +
		`,"mutable":["time","transactions/add","prevblock","coinbase/append"],"noncerange":"00000000ffffffff","capabilities":["proposal"]}`)
}

func (p proposal) head() job.Head {
	return job.Head{
		Height: p.height, Prev: job.Hash(p.prev), Bits: p.bits, Version: p.version, Time: p.time, MinTime: p.time - 3000,
	}
}

// plain is a template as encoding/json reads it: the control.
type plain struct {
	Version      int32  `json:"version"`
	Prev         string `json:"previousblockhash"`
	Transactions []struct {
		Data, Txid, Hash string
		Fee, Weight      int64
	} `json:"transactions"`
	Coinbase   int64  `json:"coinbasevalue"`
	Bits       string `json:"bits"`
	Height     int64  `json:"height"`
	Time       uint32 `json:"curtime"`
	Commitment string `json:"default_witness_commitment"`
}

func readPlain(tb rapid.TB, raw []byte) plain {
	var p plain
	if err := json.Unmarshal(raw, &p); err != nil {
		tb.Fatal(err)
	}
	return p
}
