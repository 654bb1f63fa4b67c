//go:build !purego

package kernel

// most is how many rows pass a slice of a tile before the next slice comes: as
// many as leave their sums, 512 bytes each, in the second level of the cache.
const most = 128

// tiles computes tiles from ≤ b < to of a product with tickets.
func (t *Ticketed) tiles(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	if t.level != DotProd {
		t.plainTiles(c, states, initial, a, e, m, from, to)
		return
	}
	for b := from; b < to; b++ {
		for i := 0; i < m; i += most {
			t.tileDot(c, states, initial, a, e, i, min(m, i+most), b)
		}
	}
}

// tileDot computes tile b of rows from ≤ i < to. The running sums are where the
// product will be. Slice by slice, whose weights stay in the first level of the
// cache, a row of zeros passes, which foldDot wants, and then all rows.
func (t *Ticketed) tileDot(c []int32, states, initial []uint32, a []uint8, e []int8, from, to, b int) {
	tiles, step := t.n/tile, t.step()
	for i := from; i < to; i++ {
		clear(c[i*t.n+b*tile:][:tile])
		state := states[(i*tiles+b)*words:][:words]
		copy(state, initial[i*words:])
		state[0] += uint32(b)
	}
	var zero [tile]int32
	var zeros [64]uint8
	for at := 0; at < t.k; at += t.rank {
		w := t.panels[b*tall*step+at*width:]
		addTile(1, zero[:], tile, &zeros[0], 0, w, step, t.rank)
		for i := from; i < to; {
			rows := rowsDot(to - i)
			addTile(rows, c[i*t.n+b*tile:], t.n, &a[i*Stride(t.k)+at], Stride(t.k), w, step, t.rank)
			i += rows
		}
		foldDot(&states[(from*tiles+b)*words], uintptr(4*words*tiles), &c[from*t.n+b*tile], uintptr(4*t.n), &zero[0], uintptr(to-from))
	}
	var noise [4 * 64]int16
	for i := from; i < to; {
		rows := 1
		if to-i >= 4 {
			rows = 4
		}
		for j, v := range e[i*t.rank:][:rows*t.rank] {
			noise[j] = int16(v)
		}
		for q := range tall {
			addPairs(rows, &c[i*t.n+b*tile+q*width], t.n, &noise[0], t.rank, &t.peel[(b*tall+q)*t.peelStep()], 2*width, t.rank/2)
		}
		i += rows
	}
}

// addTile adds to rows of 128 sums, ld apart, the products of rows of k
// activations, lda apart, with the eight panels of a tile.
func addTile(rows int, c []int32, ld int, a *uint8, lda int, w []int8, step, k int) {
	panels := panelsDot(rows, tall)
	for q := 0; q < tall; q += panels {
		addDot(rows, panels, &c[q*width], ld, a, lda, &w[q*step], step, k)
	}
}

// transcribe computes the transcript of a tile of weights that are not packed.
func transcribe(level Level, state *[words]uint32, u []uint8, w []int8) {
	if level != DotProd {
		plainTile(state, u, w)
		return
	}
	// 64 columns of the row at a time, one slice or two.
	k, rank := len(u), Rank(len(u))
	const step = width * 64
	var packed [tall * step]int8
	var sums, zero [tile]int32
	var zeros [64]uint8
	for at := 0; at < k; at += 64 {
		for q := range tall {
			plainPack(packed[q*step:][:step], w[q*width*k+at:], width, 64, k)
		}
		for from := 0; from < 64; from += rank {
			addTile(1, zero[:], tile, &zeros[0], 0, packed[from*width:], step, rank)
			addTile(1, sums[:], tile, &u[at+from], 0, packed[from*width:], step, rank)
			foldDot(&state[0], 0, &sums[0], 4*tile, &zero[0], 1)
		}
	}
}

// noise is what [Noise] does, for at least 64 activations.
func noise(level Level, dst, a []uint8, e []int8, perm []uint8) {
	if level != DotProd {
		plainNoise(dst, a, e, perm)
		return
	}
	var table [64]int8 // 32 elements twice: the top bit of an index does not matter then
	copy(table[copy(table[:], e):], e)
	noiseDot(&dst[0], &a[0], &table, &perm[0], uintptr(len(a)))
}
