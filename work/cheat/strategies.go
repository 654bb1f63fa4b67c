package cheat

import (
	"slices"

	"hearth/work"
)

// Cached has the product of the row without noise and adds what the noise
// changes.
func Cached(t *Tile) (m Transcript, cost int) {
	return cached(t, func(_, _ int32) bool { return true })
}

// CachedSkipping is [Cached] without the products with zero. What it spends is to
// be held against [HonestSkipping].
func CachedSkipping(t *Tile) (m Transcript, cost int) {
	return cached(t, func(e, q int32) bool { return e != 0 && q != 0 })
}

func cached(t *Tile, counts func(e, q int32) bool) (m Transcript, cost int) {
	m = t.Initial
	known := t.known()
	var change [work.TileColumns]int32
	for s := range t.Slices() {
		for j, row := range t.met(s) {
			for c, q := range row {
				if e := int32(t.Noise[j]); counts(e, q) {
					change[c] += e * q
					cost++
				}
			}
		}
		sums := known[s]
		for c := range sums {
			sums[c] += change[c]
		}
		Fold(&m, &sums)
	}
	return m, cost
}

// HonestSkipping is [Honest] without the products with zero, on stored bytes
// whose surplus of 128 is known for good.
func HonestSkipping(t *Tile) (m Transcript, cost int) {
	m = t.Initial
	var sums [work.TileColumns]int32
	for s := range t.Slices() {
		for i := s * t.Rank(); i < (s+1)*t.Rank(); i++ {
			a := int32(t.Row[i]) + t.noiseAt(i) - 128
			for c := range sums {
				w := t.weight(c, i)
				if a != 0 && w != 0 {
					sums[c] += a * w
					cost++
				}
				sums[c] += 128 * w // known: a sum of weights
			}
		}
		Fold(&m, &sums)
	}
	return m, cost
}

// Batched is [Cached] for many attempts on the same weights at a time, e for e
// the same slice: a product of matrices. It spends what the attempts spend one
// by one.
func Batched(tiles []*Tile) (m []Transcript, cost int) {
	m = make([]Transcript, len(tiles))
	known := make([][][work.TileColumns]int32, len(tiles))
	change := make([][work.TileColumns]int32, len(tiles))
	for i, t := range tiles {
		m[i], known[i] = t.Initial, t.known()
	}
	for s := range tiles[0].Slices() {
		q := tiles[0].met(s) // the same for all
		for i, t := range tiles {
			for j := range q {
				for c := range change[i] {
					change[i][c] += int32(t.Noise[j]) * q[j][c]
					cost++
				}
			}
			sums := known[i][s]
			for c := range sums {
				sums[c] += change[i][c]
			}
			Fold(&m[i], &sums)
		}
	}
	return m, cost
}

// Buckets is [Cached] with the elements of the noise sorted by magnitude: the
// weights that meet the same magnitude are added up first and multiplied once.
// It multiplies less, and adds as often as others multiply.
func Buckets(t *Tile) (m Transcript, cost int) {
	m = t.Initial
	known := t.known()
	var change [work.TileColumns]int32
	for s := range t.Slices() {
		q := t.met(s)
		for c := range change {
			var sum [work.NoiseLimit + 1]int32
			for j := range q {
				if e := int32(t.Noise[j]); e < 0 {
					sum[-e] -= q[j][c]
				} else {
					sum[e] += q[j][c]
				}
				cost++
			}
			for v, x := range sum {
				change[c] += int32(v) * x
			}
		}
		sums := known[s]
		for c := range sums {
			sums[c] += change[c]
		}
		Fold(&m, &sums)
	}
	return m, cost
}

// Bound is what is left to compute, with the product cached, for one who makes
// the most of a structure of the weights and pays nothing for it.
type Bound func(t *Tile) (cost int)

// ByRank spends, in each slice, as much as Q has rank, in parts of as many
// columns as the rank is.
func ByRank(t *Tile) (cost int) {
	width := t.Rank()
	for s := range t.Slices() {
		q := t.met(s)
		for from := 0; from < work.TileColumns; from += width {
			part := make([][]int32, len(q))
			for j := range q {
				part[j] = q[j][from : from+width]
			}
			cost += width * Rank(part)
		}
	}
	return cost
}

// ByColumns spends, in each slice, on the columns of Q that differ up to sign,
// and on their entries that are not zero if those are half or less.
func ByColumns(t *Tile) (cost int) {
	for s := range t.Slices() {
		q := t.met(s)
		columns := make([][]int32, work.TileColumns)
		for c := range columns {
			columns[c] = make([]int32, len(q))
			for j := range q {
				columns[c][j] = q[j][c]
			}
		}
		cost += distinct(columns)
	}
	return cost
}

// ByRows spends, in each slice, on the rows of Q that differ up to sign, and on
// their entries that are not zero if those are half or less.
func ByRows(t *Tile) (cost int) {
	for s := range t.Slices() {
		q := t.met(s)
		rows := make([][]int32, len(q))
		for j := range q {
			rows[j] = q[j][:]
		}
		cost += distinct(rows)
	}
	return cost
}

// distinct returns how many entries the vectors have that differ up to sign,
// zero vectors none. Of vectors that are mostly zero the other entries count.
func distinct(vectors [][]int32) (entries int) {
	var kept [][]int32
	for _, v := range vectors {
		v = slices.Clone(v)
		i := slices.IndexFunc(v, func(x int32) bool { return x != 0 })
		if i < 0 {
			continue
		}
		if v[i] < 0 {
			for j := range v {
				v[j] = -v[j]
			}
		}
		kept = append(kept, v)
	}
	slices.SortFunc(kept, slices.Compare)
	for _, v := range slices.CompactFunc(kept, slices.Equal) {
		full := 0
		for _, x := range v {
			if x != 0 {
				full++
			}
		}
		if 2*full > len(v) {
			full = len(v)
		}
		entries += full
	}
	return entries
}

// Rank returns the rank of a matrix modulo 2³¹-1. It changes the matrix no
// more than a caller can see: rows are copied.
func Rank(m [][]int32) int {
	const prime = 1<<31 - 1
	rows := make([][]int64, len(m))
	for i := range m {
		rows[i] = make([]int64, len(m[i]))
		for j, v := range m[i] {
			rows[i][j] = (int64(v)%prime + prime) % prime
		}
	}
	rank := 0
	for j := 0; rank < len(rows) && j < len(rows[0]); j++ {
		i := slices.IndexFunc(rows[rank:], func(r []int64) bool { return r[j] != 0 })
		if i < 0 {
			continue
		}
		rows[rank], rows[rank+i] = rows[rank+i], rows[rank]
		inverse, b := int64(1), rows[rank][j]
		for e := prime - 2; e > 0; e >>= 1 {
			if e&1 != 0 {
				inverse = inverse * b % prime
			}
			b = b * b % prime
		}
		for i := rank + 1; i < len(rows); i++ {
			f := rows[i][j] * inverse % prime
			for l := j; l < len(rows[i]); l++ {
				rows[i][l] = (rows[i][l] + (prime-f)*rows[rank][l]) % prime
			}
		}
		rank++
	}
	return rank
}

// Tables looks up, for groups of g elements of the noise, what they add to the
// sums: one addition instead of g products, and every entry comes from memory.
// It returns the additions and the bytes that are read of 16-bit tables for one
// ticket, and the bytes that the tables of a tile take.
func Tables(k, rank, g int) (additions, read int, size float64) {
	groups := (rank + g - 1) / g
	additions = k / rank * groups * work.TileColumns
	size = float64(2 * additions)
	for range g {
		size *= 2 * work.NoiseLimit
	}
	return additions, 2 * additions, size
}
