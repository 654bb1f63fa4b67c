package tree_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/commons/tree"
)

func encodings(n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		out[i] = fmt.Appendf(nil, "encoding %d", i)
	}
	return out
}

func newTree(t testing.TB, n int) *tree.Tree {
	t.Helper()
	x, err := tree.New(encodings(n))
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestEveryJobProvesItselfAndNothingElse(t *testing.T) {
	for n := 1; n <= 33; n++ {
		x := newTree(t, n)
		for i := range uint64(n) {
			p, err := x.Proof(i)
			if err != nil {
				t.Fatal(err)
			}
			for j, b := range encodings(n) {
				err := tree.Check(x.Root(), uint64(n), i, b, p)
				if same := uint64(j) == i; (err == nil) != same {
					t.Fatalf("job %d of %d, shown as job %d: %v", j, n, i, err)
				}
			}
		}
	}
}

// The roots were computed from the specification by another program.
func TestRootsAreThoseOfTheSpecification(t *testing.T) {
	for _, c := range []struct {
		jobs int
		root string
	}{
		{1, "2591e96c388539adabcf9bcfb7fa9e5a6555fa0306e15d23c26be01e92c6a2d4"},
		{2, "0c3bc9cf71061bdd00ca6c2b970d9affec564f999eb9951fe1225b948fc13831"},
		{5, "51d7787afdbeda496e0aa0eb3c037efd99680cecc1fa746cbe64426b2aad26fd"},
	} {
		x := newTree(t, c.jobs)
		if root := x.Root(); hex.EncodeToString(root[:]) != c.root {
			t.Errorf("%d jobs have the root %x, not %s", c.jobs, root, c.root)
		}
	}
}

func TestAProofThatWasTouchedIsNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 300).Draw(t, "jobs")
		i := rapid.Uint64Range(0, uint64(n)-1).Draw(t, "index")
		x, err := tree.New(encodings(n))
		if err != nil {
			t.Fatal(err)
		}
		p, err := x.Proof(i)
		if err != nil {
			t.Fatal(err)
		}
		touched := make(tree.Proof, len(p))
		for k := range p {
			touched[k] = bytes.Clone(p[k])
		}
		count, index, root := uint64(n), i, x.Root()
		switch rapid.IntRange(0, 5).Draw(t, "change") {
		case 0:
			k := rapid.IntRange(0, len(p)-1).Draw(t, "hash")
			touched[k][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1
		case 1:
			touched = touched[1:]
		case 2:
			touched = slices.Concat(touched, tree.Proof{make([]byte, 32)})
		case 3:
			touched[0] = touched[0][:31]
		case 4:
			count++
		case 5:
			index = (index + 1) % count
		}
		if err := tree.Check(root, count, index, encodings(n)[i], touched); !errors.Is(err, tree.ErrProof) {
			t.Fatalf("passes: %v", err)
		}
	})
}

func TestANodePassesForNoJob(t *testing.T) {
	x := newTree(t, 4)
	p, err := x.Proof(2)
	if err != nil {
		t.Fatal(err)
	}
	// What the upper neighbour of job 2 was made of, shown as job 0 of 2.
	if err := tree.Check(x.Root(), 2, 0, slices.Concat(p...), p[1:]); err == nil {
		t.Error("two leaves passed for a job")
	}
}

func TestBoundsOfTrees(t *testing.T) {
	if _, err := tree.New(nil); err == nil {
		t.Error("a tree over nothing")
	}
	if _, err := newTree(t, 3).Proof(3); err == nil {
		t.Error("a proof of the fourth of three jobs")
	}
	if err := tree.Check(tree.Hash{}, tree.MaxJobs+1, 0, nil, nil); !errors.Is(err, tree.ErrProof) {
		t.Errorf("a tree that is too large: %v", err)
	}
}

func TestAnOrderHandsOutEveryJobOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := rapid.Uint64Range(1, 2000).Draw(t, "jobs")
		key := tree.OrderKey([32]byte{rapid.Byte().Draw(t, "beacon")}, 7)
		o, err := tree.NewOrder(key, count)
		if err != nil {
			t.Fatal(err)
		}
		seen := make([]bool, count)
		for i := range count {
			index, err := o.At(i)
			if err != nil {
				t.Fatal(err)
			}
			if seen[index] {
				t.Fatalf("job %d twice", index)
			}
			seen[index] = true
		}
		if _, err := o.At(count); err == nil {
			t.Fatal("one more than all")
		}
	})
}

// The orders were computed from the specification by another program.
func TestOrdersOfTheSpecification(t *testing.T) {
	for _, c := range []struct {
		beacon  byte
		project uint64
		want    []uint64
	}{
		{1, 1, []uint64{3, 5, 7, 0, 9, 4, 1, 6, 2, 8}},
		{1, 2, []uint64{7, 5, 6, 3, 4, 0, 2, 8, 9, 1}},
		{2, 1, []uint64{0, 3, 1, 5, 6, 9, 2, 4, 8, 7}},
	} {
		o, err := tree.NewOrder(tree.OrderKey([32]byte{c.beacon}, c.project), 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []uint64
		for i := range uint64(10) {
			index, err := o.At(i)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, index)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("beacon %d, project %d: %v, not %v", c.beacon, c.project, got, c.want)
		}
	}
}

func FuzzCheck(f *testing.F) {
	x := newTree(f, 5)
	p, err := x.Proof(3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint64(5), uint64(3), []byte("encoding 3"), slices.Concat(p...))
	f.Add(uint64(0), uint64(0), []byte{}, []byte{})
	f.Add(uint64(1<<63), uint64(1<<62), []byte{1}, make([]byte, 33))
	f.Fuzz(func(t *testing.T, count, index uint64, encoding, hashes []byte) {
		var p tree.Proof
		for h := range slices.Chunk(hashes, 32) {
			p = append(p, h)
		}
		if tree.Check(x.Root(), count, index, encoding, p) != nil {
			return
		}
		if want := encodings(5); count != 5 || index > 4 || !bytes.Equal(encoding, want[index]) {
			t.Errorf("%q passes for job %d of %d", encoding, index, count)
		}
	})
}
