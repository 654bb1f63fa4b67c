//go:build !purego

package kernel

// tiles computes tiles from ≤ b < to of a product with tickets.
func (t *Ticketed) tiles(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	switch {
	case m == 0:
	case t.level == AVX512:
		t.tiles512(c, states, initial, a, e, m, from, to)
	default:
		t.plainTiles(c, states, initial, a, e, m, from, to)
	}
}

// tiles512 takes three rows at a time, whose sums just fit the registers, and
// at the end, if there are so many, some rows once more.
func (t *Ticketed) tiles512(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	tiles := t.n / tile
	ldc, lds, lda := uintptr(4*t.n), uintptr(4*words*tiles), uintptr(Stride(t.k))
	step, peelStep, rank, k := uintptr(t.step()), uintptr(2*t.peelStep()), uintptr(t.rank), uintptr(t.k)
	for b := from; b < to; b++ {
		panel, offset, peel := &t.panels[b*tall*t.step()], &t.offset[b*tile], &t.peel[b*tall*t.peelStep()]
		for i := 0; i < m; {
			rows := min(3, m-i)
			cAt, sAt, mAt, aAt, eAt := &c[i*t.n+b*tile], &states[(i*tiles+b)*words], &initial[i*words], &a[i*Stride(t.k)], &e[i*t.rank]
			// During each of the last rounds, a panel of the next tile.
			soon := panel
			if left := (m - 1 - i) / 3; left < tall {
				soon = &t.panels[min(b*tall+2*tall-1-left, t.n/width-1)*t.step()]
			}
			switch rows {
			case 3:
				tile512x3(cAt, ldc, sAt, lds, mAt, uint32(b), aAt, lda, panel, step, offset, peel, peelStep, eAt, rank, k, soon)
			case 2:
				tile512x2(cAt, ldc, sAt, lds, mAt, uint32(b), aAt, lda, panel, step, offset, peel, peelStep, eAt, rank, k, soon)
			case 1:
				tile512x1(cAt, ldc, sAt, lds, mAt, uint32(b), aAt, lda, panel, step, offset, peel, peelStep, eAt, rank, k, soon)
			}
			i += rows
		}
	}
}

func noise(level Level, dst, a []uint8, e []int8, perm []uint8) {
	if level != AVX512 {
		plainNoise(dst, a, e, perm)
		return
	}
	var table [64]int8 // 32 elements twice: the top bit of an index does not matter then
	copy(table[copy(table[:], e):], e)
	noise512(&dst[0], &a[0], &table, &perm[0], uintptr(len(a)))
}

// transcribe computes the transcript of a tile of weights that are not packed.
func transcribe(level Level, state *[words]uint32, u []uint8, w []int8) {
	if level == AVX512 {
		transcribe512(state, u, w)
		return
	}
	plainTile(state, u, w)
}

// transcribe512 packs 64 columns of the row at a time, one slice or two.
func transcribe512(state *[words]uint32, u []uint8, w []int8) {
	k, rank := len(u), Rank(len(u))
	var sums [tile]int32
	var packed [tile * 64]int8
	for at := 0; at < k; at += 64 {
		for q := range tall {
			pack512(&packed[q*width*64], &w[q*width*k+at], uintptr(k), 64)
		}
		for from := 0; from < 64; from += rank {
			slice512(state, &sums, &u[at+from], &packed[from*width], width*64, uintptr(rank))
		}
	}
}

func pack(level Level, panel, w []int8, columns, k int) {
	if level == AVX512 && columns == width {
		pack512(&panel[0], &w[0], uintptr(k), uintptr(k))
		return
	}
	plainPack(panel, w, columns, k)
}
