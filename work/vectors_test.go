package work

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/zeebo/blake3"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

var update = flag.Bool("update", false, "write the vectors of spec/vectors/work again")

const vectorsNote = "Made by a test of package work (go test ./work -run Vectors -update); see spec/work.md. Byte strings are hexadecimal."

// vectors compares what the code gives with a file of vectors, or writes it.
func vectors(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	path := filepath.Join("..", "spec", "vectors", "work", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is not what the code gives: if the specification changed, run go test ./work -run Vectors -update", name)
	}
}

// stream is test data that anybody can make: BLAKE3 of a text, as long as wanted.
func stream(text string, n int) []byte {
	h := blake3.New()
	h.Write([]byte(text))
	b := make([]byte, n)
	h.Digest().Read(b)
	return b
}

// vectorWeights are n·k weights: bytes b of a stream as b mod 255 - 127.
func vectorWeights(n, k int) []int8 {
	w := make([]int8, n*k)
	for i, b := range stream(fmt.Sprintf("weights %dx%d", n, k), n*k) {
		w[i] = int8(int(b)%255 - 127)
	}
	return w
}

// vectorRow is a row of k activations: bytes b of a stream as 33 + b mod 191.
func vectorRow(k int) []uint8 {
	row := stream(fmt.Sprintf("row %d", k), k)
	for i, b := range row {
		row[i] = 33 + b%191
	}
	return row
}

func vectorKey() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(stream("executor", 32)) }

func vectorClaim(m model.Hash) *Claim {
	c := &Claim{
		Job: Job{
			Model: m, Public: true, Prompt: []int32{1, 5, 9, 70000}, Most: 7, Stop: []int32{2, 3},
			Sampling: Sampling{Temperature: 52429, TopK: 40, TopP: 62259, Presence: -6554, Frequency: 13107},
			Seed:     [32]byte(stream("seed", 32)),
		},
		Beacon: model.Hash(stream("beacon", 32)), Prefix: 1,
	}
	copy(c.Executor[:], vectorKey().Public().(ed25519.PublicKey))
	return c
}

type text = string

func x(b []byte) text { return hex.EncodeToString(b) }

func deriveKey(context string, material ...[]byte) []byte {
	out := make([]byte, 32)
	blake3.DeriveKey(context, bytes.Join(material, nil), out)
	return out
}

// keyed is what BLAKE3 makes of a message with a key, n bytes of it.
func keyed(key, message []byte, n int) []byte {
	h, err := blake3.NewKeyed(key)
	if err != nil {
		panic(err)
	}
	h.Write(message)
	out := make([]byte, n)
	h.Digest().Read(out)
	return out
}

func le32(v int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

type ticketVector struct {
	N            int      `json:"n"`
	K            int      `json:"k"`
	Layer        int      `json:"layer"`
	Kind         int      `json:"kind"`
	Position     int      `json:"position"`
	Tile         int      `json:"tile"`
	WeightRoot   text     `json:"weight_root"`
	OperationKey text     `json:"operation_key"`
	Row          text     `json:"row"`
	RowHash      text     `json:"row_hash"`
	Seed         text     `json:"seed"`
	Noise        []int8   `json:"noise"`
	M0           text     `json:"m0"`
	Permutation  text     `json:"permutation"`
	Noisy        text     `json:"noisy_row"`
	Transcript   []uint32 `json:"transcript"`
	Ticket       text     `json:"ticket"`
	Encoded      text     `json:"encoded"`
	Nullifier    text     `json:"nullifier"`
}

// naive computes a ticket as spec/work.md words it, with nothing of this
// package's, one byte after the other.
func naive(c *Claim, v *ticketVector, weights []int8, row []uint8) {
	job := deriveKey("hearth work 1 job", c.Job.Encode())
	root := blake3.Sum256(asBytes(weights))
	key := deriveKey("hearth work 1 operation", c.Beacon[:], c.Executor[:], job, root[:], le32(v.Layer), []byte{byte(v.Kind)}, le32(v.N), le32(v.K))
	h := blake3.Sum256(row)
	seed := keyed(key, append(le32(v.Position), h[:]...), 32)
	r := 32
	if v.K >= 2048 {
		r = 64
	}
	for _, b := range keyed(seed, []byte("e"), r) {
		v.Noise = append(v.Noise, int8(b&63)-32)
	}
	m0 := keyed(seed, []byte("M0"), 64)

	perm := make([]byte, v.K)
	permKey := deriveKey("hearth work 1 permutation", root[:])
	for s := range v.K / r {
		var drawn []byte
		blocks := 0
		next := func() byte {
			if len(drawn) == 0 {
				drawn = keyed(permKey, append(le32(s), le32(blocks)...), 64)
				blocks++
			}
			b := drawn[0]
			drawn = drawn[1:]
			return b
		}
		p := perm[s*r:][:r]
		for i := range p {
			p[i] = byte(i)
		}
		for i := r - 1; i > 0; i-- {
			b := int(next())
			for b >= 256-256%(i+1) {
				b = int(next())
			}
			p[i], p[b%(i+1)] = p[b%(i+1)], p[i]
		}
		for i := 0; i < r; i += 8 {
			signs := next()
			for j := range 8 {
				p[i+j] |= signs >> j & 1 << 7
			}
		}
	}

	noisy := make([]byte, v.K)
	for i, a := range row {
		e := int(v.Noise[perm[i]&127])
		if perm[i]&128 != 0 {
			e = -e
		}
		noisy[i] = byte(int(a) + e)
	}
	var m [16]uint32
	for i := range m {
		m[i] = binary.LittleEndian.Uint32(m0[4*i:])
	}
	m[0] += uint32(v.Tile)
	var sums [128]int64
	for i := range v.K {
		for c := range sums {
			sums[c] += int64(noisy[i]) * int64(weights[(v.Tile*128+c)*v.K+i])
		}
		if (i+1)%r == 0 {
			for l := range m {
				m[l] = bits.RotateLeft32(m[l], 13)
				for q := 0; q < 8; q += 2 {
					m[l] = (m[l] + uint32(sums[16*q+l])) ^ uint32(sums[16*(q+1)+l])
				}
			}
		}
	}
	state := make([]byte, 0, 64)
	for _, w := range m {
		state = binary.LittleEndian.AppendUint32(state, w)
	}
	v.WeightRoot, v.OperationKey, v.Row, v.RowHash, v.Seed = x(root[:]), x(key), x(row), x(h[:]), x(seed)
	v.M0, v.Permutation, v.Noisy, v.Transcript, v.Ticket = x(m0), x(perm), x(noisy), m[:], x(keyed(seed, state, 32))
}

func TestTicketVectors(t *testing.T) {
	id := model.Hash(stream("model", 32))
	c := vectorClaim(id)
	jobID, claimID := c.Job.ID(), c.ID()
	var list []*ticketVector
	for _, shape := range []ticketVector{
		{N: 128, K: 256, Layer: 0, Kind: 1, Position: 2, Tile: 0},
		{N: 384, K: 384, Layer: 5, Kind: 0, Position: 6, Tile: 2},
		{N: 256, K: 2048, Layer: 11, Kind: 3, Position: 3, Tile: 1},
	} {
		v := &shape
		weights, row := vectorWeights(v.N, v.K), vectorRow(v.K)
		naive(c, v, weights, row)
		ticket := &Ticket{Claim: claimID, At: model.Operation{Layer: v.Layer, Kind: model.OperationKind(v.Kind)}, Position: v.Position, Tile: v.Tile, Row: row}
		if n := v.Position + 1 - len(c.Job.Prompt); n > 0 {
			ticket.Answer = []int32{11, 12, 13}[:n]
		}
		ticket.Sign(vectorKey())
		n := ticket.Nullifier()
		v.Encoded, v.Nullifier = x(ticket.Encode()), x(n[:])
		list = append(list, v)

		for _, level := range kernel.Levels() {
			verifier := NewVerifier(&Model{id: id}, level)
			root := blake3.Sum256(asBytes(weights))
			got, err := verifier.ticket(c, Matrix{N: v.N, K: v.K, Root: root}, ticket, weights[v.Tile*128*v.K:][:128*v.K])
			if err != nil {
				t.Fatal(err)
			}
			if x(got[:]) != v.Ticket {
				t.Errorf("%v: %d×%d: the package computes ticket %v, the specification says %s", level, v.N, v.K, got, v.Ticket)
			}
			if got := Permutation(level, root, v.K); x(got) != v.Permutation {
				t.Errorf("%v: %d×%d: another permutation", level, v.N, v.K)
			}
		}
	}
	vectors(t, "tickets.json", map[string]any{
		"note":       vectorsNote,
		"key":        x(vectorKey().Seed()),
		"weights":    "weight i of n×k is byte i of BLAKE3(\"weights NxK\") in extendable output, mod 255, less 127; the row is given",
		"beacon":     x(c.Beacon[:]),
		"executor":   x(c.Executor[:]),
		"prefix":     c.Prefix,
		"job":        x(c.Job.Encode()),
		"job_id":     x(jobID[:]),
		"claim_id":   x(claimID[:]),
		"operations": list,
	})
}

func TestTargetVectors(t *testing.T) {
	type vector struct {
		Target text   `json:"target"`
		Work   uint64 `json:"work"`
		Ticket text   `json:"ticket"`
		Wins   bool   `json:"wins"`
	}
	var list []vector
	for _, macs := range []uint64{0, 1 << 30, 3 << 40} {
		target := TargetFor(macs)
		for _, k := range []int{256, 384, 16384} {
			for off := -1; off <= 1; off++ {
				limit := target.limit(TileWork(k))
				var carry uint64
				switch off {
				case -1:
					for i := range limit {
						limit[i], carry = bits.Sub64(limit[i], []uint64{1, 0, 0, 0}[i], carry)
					}
				case 1:
					for i := range limit {
						limit[i], carry = bits.Add64(limit[i], []uint64{1, 0, 0, 0}[i], carry)
					}
				}
				var ticket model.Hash
				for i, v := range limit {
					binary.LittleEndian.PutUint64(ticket[8*i:], v)
				}
				b := target.Bytes()
				list = append(list, vector{x(b[:]), TileWork(k), x(ticket[:]), target.Accepts(ticket, TileWork(k))})
			}
		}
	}
	vectors(t, "targets.json", map[string]any{"note": vectorsNote, "targets": list})
}

func TestOpeningVectors(t *testing.T) {
	type vector struct {
		N       int  `json:"n"`
		K       int  `json:"k"`
		Tile    int  `json:"tile"`
		Root    text `json:"root"`
		Outside text `json:"outside"`
		Rows    text `json:"rows_blake3"`
	}
	var list []vector
	for _, c := range [][3]int{{128, 256, 0}, {384, 256, 1}, {384, 384, 0}, {384, 384, 2}, {256, 2048, 1}} {
		n, k, tile := c[0], c[1], c[2]
		w := vectorWeights(n, k)
		root := blake3.Sum256(asBytes(w))
		o, err := Open(kernel.Best(), w, n, k, tile)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := CheckOpening(kernel.Go, Matrix{N: n, K: k, Root: root}, tile, o); err != nil {
			t.Error(err)
		}
		rows := blake3.Sum256(o[len(o)-128*k:])
		list = append(list, vector{n, k, tile, x(root[:]), x(o[:len(o)-128*k]), x(rows[:])})
	}
	vectors(t, "openings.json", map[string]any{
		"note":     vectorsNote,
		"weights":  "as in tickets.json",
		"outside":  "the opening before its rows",
		"openings": list,
	})
}

func TestReceiptVectors(t *testing.T) {
	m := &Model{id: model.Hash(stream("model", 32)), config: model.Config{
		Kind: model.Decoder, Family: model.Llama, Layers: 2, Width: 256, Heads: 4, KVHeads: 2, HeadSize: 64, Inner: 384, Vocab: 120, Context: 96,
	}}
	answer := []int32{11, 12, 13}
	job := vectorClaim(m.id).Job
	private := job
	private.Public, private.Salt = false, [32]byte(stream("salt", 32))
	var list []map[string]any
	for _, j := range []*Job{&private, &job} {
		// Rows of the trace are those of the other vectors, the same at all positions.
		tracer := NewTracer(m.config, kernel.Best())
		tracer.Begin(3)
		for layer := range m.config.Layers {
			for _, kind := range []model.OperationKind{model.QKV, model.Out, model.Up, model.Down} {
				k := tracer.rowLength(kind)
				for p := range len(j.Prompt) + len(answer) {
					if err := tracer.See(nil, vectorRow(k), []model.Row{{Sequence: 3, Position: p}}, model.Operation{Layer: layer, Kind: kind}); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		trace := tracer.End(3)
		r, err := NewReceipt(m, j, answer, trace, vectorKey())
		if err != nil {
			t.Fatal(err)
		}
		if want := x(naiveTrace(j, m.config.Layers, len(j.Prompt)+len(answer)-1)); r.Trace.String() != want {
			t.Errorf("the trace is %v, the specification says %s", r.Trace, want)
		}
		if err := r.Check(); err != nil {
			t.Error(err)
		}
		b, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, map[string]any{"job": x(j.Encode()), "output": answer, "receipt": string(b)})
	}
	vectors(t, "receipts.json", map[string]any{
		"note":     vectorsNote,
		"trace":    "every row of 256 and of 384 activations is that of tickets.json, at all positions; the model has 2 layers, the rows of down have 384",
		"receipts": list,
	})
}

// naiveTrace computes the root of a trace as spec/work.md words it.
func naiveTrace(j *Job, layers, positions int) []byte {
	id := deriveKey("hearth work 1 job", j.Encode())
	executor := vectorKey().Public().(ed25519.PublicKey)
	leafKey := deriveKey("hearth work 1 trace leaf", j.Salt[:], id, executor)
	nodeKey := deriveKey("hearth work 1 trace node", j.Salt[:], id, executor)
	rootKey := deriveKey("hearth work 1 trace root", j.Salt[:], id, executor)
	var level [][]byte
	for l := range layers {
		for kind, k := range []int{256, 256, 256, 384} {
			h := blake3.Sum256(vectorRow(k))
			for p := range positions {
				level = append(level, keyed(leafKey, bytes.Join([][]byte{le32(l), le32(kind), le32(p), h[:]}, nil), 32))
			}
		}
	}
	count := len(level)
	for len(level) > 1 {
		var above [][]byte
		for i := 0; i+1 < len(level); i += 2 {
			above = append(above, keyed(nodeKey, append(bytes.Clone(level[i]), level[i+1]...), 32))
		}
		if len(level)%2 == 1 {
			above = append(above, level[len(level)-1])
		}
		level = above
	}
	return keyed(rootKey, append(binary.LittleEndian.AppendUint64(nil, uint64(count)), level[0]...), 32)
}

func TestTheSpecificationNamesEveryReason(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "spec", "work.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []Reason{
		ReasonMalformed, ReasonPrivate, ReasonTooLarge, ReasonModel, ReasonClaim, ReasonOperation, ReasonShape, ReasonTile, ReasonPosition,
		ReasonAnswer, ReasonRow, ReasonSignature, ReasonWeights, ReasonTarget, ReasonDiverges, ReasonOtherRow, ReasonRepeated, ReasonNotReached, ReasonReceipt,
	} {
		if !strings.Contains(string(b), "`"+string(r)+"`") {
			t.Errorf("spec/work.md does not name the reason %q", r)
		}
	}
}
