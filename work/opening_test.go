package work_test

import (
	"bytes"
	"runtime"
	"slices"
	"testing"

	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
)

func TestOpeningsShowTheWeightsOfATile(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	for _, level := range kernel.Levels() {
		for at, l := range map[model.Operation]*model.Linear{
			{Layer: 1, Kind: model.QKV}:  w.weights.Layers[1].QKV,  // 512×256: subtrees fit the tiles
			{Layer: 0, Kind: model.Out}:  w.weights.Layers[0].Out,  // 256×256
			{Layer: 0, Kind: model.Up}:   w.weights.Layers[0].Up,   // 768×256
			{Layer: 1, Kind: model.Down}: w.weights.Layers[1].Down, // 256×384: they do not
		} {
			x, ok := w.registered.Matrix(at)
			if !ok {
				t.Fatalf("no %v", at)
			}
			for tile := range x.N / work.TileColumns {
				o, err := work.Open(level, l.Weight, x.N, x.K, tile)
				if err != nil {
					t.Fatal(err)
				}
				size, err := work.OpeningSize(x.N, x.K, tile)
				if err != nil || size != len(o) {
					t.Errorf("%v, tile %d: an opening of %d bytes, said to be %d: %v", at, tile, len(o), size, err)
				}
				got, err := work.CheckOpening(level, x, tile, o)
				if err != nil {
					t.Fatalf("%v: %v, tile %d: %v", level, at, tile, err)
				}
				if !slices.Equal(got, w.tileWeights(at, tile)) {
					t.Errorf("%v, tile %d: the opening shows other weights", at, tile)
				}
			}
		}
	}
}

func TestForgedOpeningsAreRejected(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	at := model.Operation{Layer: 1, Kind: model.Down}
	x, _ := w.registered.Matrix(at)
	o, err := work.Open(w.level, w.weights.Layers[1].Down.Weight, x.N, x.K, 1)
	if err != nil {
		t.Fatal(err)
	}
	for i := range o {
		if i > 200 && i%997 != 0 && i != len(o)-1 {
			continue
		}
		forged := bytes.Clone(o)
		forged[i] ^= 0x10
		if _, err := work.CheckOpening(w.level, x, 1, forged); reason(t, err) != work.ReasonWeights {
			t.Fatalf("byte %d of %d changed: %v", i, len(o), err)
		}
	}
	for name, forged := range map[string][]byte{"empty": nil, "short": o[:len(o)-1], "long": append(bytes.Clone(o), 0)} {
		if _, err := work.CheckOpening(w.level, x, 1, forged); reason(t, err) != work.ReasonWeights {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := work.CheckOpening(w.level, x, 0, o); reason(t, err) != work.ReasonWeights {
		t.Errorf("the opening of another tile: %v", err)
	}
	if _, err := work.CheckOpening(w.level, x, 2, o); reason(t, err) != work.ReasonTile {
		t.Errorf("the opening of a tile there is not: %v", err)
	}
}

func FuzzDecodeTicket(f *testing.F) {
	x := &work.Ticket{At: model.Operation{Layer: 1, Kind: model.Down}, Position: 3, Tile: 2, Row: bytes.Repeat([]byte{130}, 256), Answer: []int32{1, 2}}
	x.Sign(key(1))
	f.Add(x.Encode())
	f.Add(x.Encode()[:100])
	f.Add([]byte("hearth ticket 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := work.DecodeTicket(b)
		if err != nil {
			return
		}
		if !bytes.Equal(x.Encode(), b) {
			t.Error("a ticket has two encodings")
		}
	})
}

func FuzzDecodeJob(f *testing.F) {
	job := chat
	f.Add(job.Encode())
	f.Add((&work.Job{Prompt: []int32{1}}).Encode())
	f.Add([]byte("hearth job 1\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		j, err := work.DecodeJob(b)
		if err != nil {
			return
		}
		if !bytes.Equal(j.Encode(), b) {
			t.Error("a job has two encodings")
		}
	})
}

func FuzzCheck(f *testing.F) {
	w := newWorld(f, kernel.Best(), smallDecoder)
	claim := w.claim(chat)
	tickets, _ := w.won(f, claim)
	f.Add(tickets[0].Encode())
	f.Add(tickets[len(tickets)-1].Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := work.DecodeTicket(b)
		if err != nil {
			return
		}
		weights := w.tileWeights(tickets[0].At, 0)
		_ = work.NewVerifier(w.registered, w.level).Check(claim, easy(), x, weights)
	})
}

func FuzzCheckOpening(f *testing.F) {
	w := newWorld(f, kernel.Best(), smallDecoder)
	x, _ := w.registered.Matrix(model.Operation{Layer: 1, Kind: model.Down})
	o, err := work.Open(w.level, w.weights.Layers[1].Down.Weight, x.N, x.K, 1)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(o, 1)
	f.Add(o[:100], 0)
	f.Fuzz(func(t *testing.T, b []byte, tile int) {
		got, err := work.CheckOpening(w.level, x, tile, b)
		if err == nil && !slices.Equal(got, w.tileWeights(model.Operation{Layer: 1, Kind: model.Down}, tile)) {
			t.Error("an opening shows weights that are not the model's")
		}
	})
}

// What a check may cost is in the specification: the largest ticket there can be
// takes less than 512 KiB of memory beside its own.
func TestTheLargestTicketTakesLittleMemory(t *testing.T) {
	c := smallDecoder
	c.Layers, c.Inner, c.Context, c.Heads, c.KVHeads = 1, 16384, 4096, 2, 1
	w := newWorld(t, kernel.Best(), c)
	claim := w.claim(work.Job{Prompt: prompt(4000), Most: 90})
	x := &work.Ticket{Claim: claim.ID(), At: model.Operation{Layer: 0, Kind: model.Down}, Position: 4080, Row: bytes.Repeat([]byte{150}, 16384)}
	for range 81 {
		x.Answer = append(x.Answer, 5)
	}
	x.Sign(key(1))
	weights := w.tileWeights(x.At, 0)
	v := work.NewVerifier(w.registered, w.level)
	const checks = 4
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range checks {
		if got := reason(t, v.Check(claim, work.TargetFor(1<<62), x, weights)); got != work.ReasonTarget {
			t.Fatal(got)
		}
	}
	runtime.ReadMemStats(&after)
	each := (after.TotalAlloc - before.TotalAlloc) / checks
	t.Logf("%d KiB", each>>10)
	if each >= 512<<10 {
		t.Errorf("a check takes %d bytes", each)
	}
}
