package cheat

import (
	"math/bits"
	"math/rand/v2"
	"testing"

	"hearth/work"
)

// sketch is the protocol as it was first drawn and must not be built: in each
// slice every activation gets the difference of two elements of the noise, and
// the running sums are joined by exclusive or into a state that begins as zero.
// The two findings that broke it are repeated here, so that it is known that the
// tests above would see the like of them.
type sketch struct {
	k, rank     int
	weights     []int8
	row         []int32
	noise       []int32
	plus, minus []int // which elements activation i gets
}

func newSketch(r *rand.Rand, k, rank int, weights []int8) *sketch {
	s := &sketch{k: k, rank: rank, weights: weights, row: make([]int32, k), noise: make([]int32, rank), plus: make([]int, k), minus: make([]int, k)}
	for i := range s.row {
		s.row[i] = int32(r.IntN(127)) - 63
		s.plus[i] = r.IntN(rank)
		s.minus[i] = (s.plus[i] + 1 + r.IntN(rank-1)) % rank
	}
	for j := range s.noise {
		s.noise[j] = int32(r.IntN(64)) - 32
	}
	return s
}

// fold joins eight sums by exclusive or.
func (s *sketch) fold(m *Transcript, sums *[work.TileColumns]int32) {
	for l := range m {
		x := uint32(0)
		for q := range 8 {
			x ^= uint32(sums[16*q+l])
		}
		m[l] = bits.RotateLeft32(m[l], 13) ^ x
	}
}

func (s *sketch) honest() (m Transcript, cost int) {
	var sums [work.TileColumns]int32
	for from := 0; from < s.k; from += s.rank {
		for i := from; i < from+s.rank; i++ {
			a := s.row[i] + s.noise[s.plus[i]] - s.noise[s.minus[i]]
			for c := range sums {
				sums[c] += a * int32(s.weights[c*s.k+i])
				cost++
			}
		}
		s.fold(&m, &sums)
	}
	return m, cost
}

// rooted is the leak: differences do not change if the elements of a connected
// set lose the same, so one of each set can be made zero.
func (s *sketch) rooted() (m Transcript, cost int) {
	var change, known [work.TileColumns]int32
	for from := 0; from < s.k; from += s.rank {
		root := make([]int, s.rank)
		for j := range root {
			root[j] = j
		}
		find := func(j int) int {
			for root[j] != j {
				j = root[j]
			}
			return j
		}
		for i := from; i < from+s.rank; i++ {
			root[find(s.plus[i])] = find(s.minus[i])
		}
		for j := range s.rank {
			e := s.noise[j] - s.noise[find(j)]
			if find(j) == j {
				continue // zero, whatever the noise
			}
			for c := range change {
				q := int32(0) // known for good
				for i := from; i < from+s.rank; i++ {
					if s.plus[i] == j {
						q += int32(s.weights[c*s.k+i])
					}
					if s.minus[i] == j {
						q -= int32(s.weights[c*s.k+i])
					}
				}
				change[c] += e * q
				cost++
			}
		}
		var sums [work.TileColumns]int32
		for c := range sums {
			for i := from; i < from+s.rank; i++ {
				known[c] += s.row[i] * int32(s.weights[c*s.k+i]) // cached
			}
			sums[c] = known[c] + change[c]
		}
		s.fold(&m, &sums)
	}
	return m, cost
}

func TestTheSketchLeaksRank(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 6))
	for _, c := range []struct {
		rank     int
		low, top float64
	}{{32, 0.80, 0.83}, {64, 0.81, 0.84}} {
		const k = 2048
		total, slices := 0.0, 0
		for range 2 {
			s := newSketch(r, k, c.rank, trained(r, work.TileColumns, k))
			want, honest := s.honest()
			got, cost := s.rooted()
			if got != want {
				t.Fatal("the leak gives another transcript")
			}
			total += float64(cost) / float64(honest)
			slices++
		}
		ratio := total / float64(slices)
		t.Logf("rank %d: %.3f of the honest miner's work", c.rank, ratio)
		if ratio < c.low || ratio > c.top {
			t.Errorf("rank %d: the leak costs %.3f, the review measured 0.815 to 0.83", c.rank, ratio)
		}
	}
}

// pairs are weights of full rank whose columns are equal two by two, so that
// the exclusive or of their sums is nothing.
func pairs(r *rand.Rand, k int) []int8 {
	w := trained(r, work.TileColumns, k)
	for q := 0; q < 8; q += 2 {
		for l := range 16 {
			copy(w[(16*(q+1)+l)*k:][:k], w[(16*q+l)*k:])
		}
	}
	return w
}

func TestTheSketchIsConstantOnPairsOfColumns(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	const k, rank = 1024, 64
	w := pairs(r, k)
	block := make([][]int32, rank)
	for i := range block {
		block[i] = make([]int32, work.TileColumns)
		for c := range block[i] {
			block[i][c] = int32(w[c*k+i])
		}
	}
	if got := Rank(block); got != rank {
		t.Fatalf("the weights have rank %d: the test of the rank alone would see it", got)
	}
	met := map[Transcript]int{}
	for range 300 {
		m, _ := newSketch(r, k, rank, w).honest()
		met[m]++
	}
	if len(met) != 1 || met[Transcript{}] != 300 {
		t.Errorf("300 rows have %d transcripts, want one: nothing but zeros", len(met))
	}
}

// The fold as it is now tells the rows apart even there, because its state
// begins with the seed; from zeros it would not.
func TestTheFoldMustBeginWithTheSeed(t *testing.T) {
	r := rand.New(rand.NewPCG(8, 8))
	const k = 1024
	w := pairs(r, k)
	keyed, zero := map[Transcript]bool{}, map[Transcript]bool{}
	for range 300 {
		tile := attempt(r, k, w)
		m, _ := Honest(tile)
		keyed[m] = true
		tile.Initial = Transcript{}
		m, _ = Honest(tile)
		zero[m] = true
	}
	if len(keyed) != 300 || len(zero) != 1 {
		t.Errorf("300 rows have %d transcripts from the seed and %d from zeros, want 300 and 1", len(keyed), len(zero))
	}
}
