//go:build !purego

package kernel

// tiles computes tiles from ≤ b < to of a product with tickets.
func (t *Ticketed) tiles(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	switch {
	case m == 0:
	case t.level == AVX512:
		t.tiles512(c, states, initial, a, e, m, from, to)
	case t.level == AVXVNNI:
		t.tilesVNNI(c, states, initial, a, e, m, from, to)
	case t.level == AVX2:
		t.tiles256(c, states, initial, a, e, m, from, to)
	default:
		t.plainTiles(c, states, initial, a, e, m, from, to)
	}
}

// tiles512 takes three rows at a time, whose sums just fit the registers, and
// so much of a tile that its weights stay in the second level of the cache,
// with those that come next, while all rows pass.
func (t *Ticketed) tiles512(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	const most = 2048
	tiles := t.n / tile
	ldc, lds, lda := uintptr(4*t.n), uintptr(4*words*tiles), uintptr(Stride(t.k))
	step, peelStep, rank := uintptr(t.step()), uintptr(2*t.peelStep()), uintptr(t.rank)
	for b := from; b < to; b++ {
		offset, peel := &t.offset[b*tile], &t.peel[b*tall*t.peelStep()]
		for at := 0; at < t.k; at += most {
			k, more := uintptr(min(most, t.k-at)), at+most < t.k
			panel := &t.panels[b*tall*t.step()+at*width]
			for i := 0; i < m; {
				rows := tileRows512(m - i)
				soon := panel
				if left := (m - i - rows + 2) / 3; left < tall { // the last rounds fetch a panel each
					soon = t.next(b, at+most, tall-1-left)
				}
				var first *uint32
				if at == 0 {
					first = &initial[i*words]
				}
				sums, state, u, ei := &c[i*t.n+b*tile], &states[(i*tiles+b)*words], &a[i*Stride(t.k)+at], &e[i*t.rank]
				switch rows {
				case 1:
					tile512x1(sums, ldc, state, lds, first, uint32(b), more, u, lda, panel, step, offset, peel, peelStep, ei, rank, k, soon)
				case 2:
					tile512x2(sums, ldc, state, lds, first, uint32(b), more, u, lda, panel, step, offset, peel, peelStep, ei, rank, k, soon)
				default:
					tile512x3(sums, ldc, state, lds, first, uint32(b), more, u, lda, panel, step, offset, peel, peelStep, ei, rank, k, soon)
				}
				i += rows
			}
		}
	}
}

// tileRows512 is how many rows a kernel takes when so many are left. A row alone
// would wait for weights that two share: the last four go in pairs.
func tileRows512(left int) int {
	if left == 4 {
		return 2
	}
	return min(left, 3)
}

// next is where panel p of tile b goes on at a column of the row, or where that
// of the next tile, if there is one, begins.
func (t *Ticketed) next(b, at, p int) *int8 {
	if at >= t.k {
		b, at = min(b+1, t.n/tile-1), 0
	}
	return &t.panels[(b*tall+p)*t.step()+at*width]
}

// tiles256 keeps the running sums of up to five rows in memory, where each slice
// finds and leaves them.
func (t *Ticketed) tiles256(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	tiles := t.n / tile
	var sums [5 * tile]int32
	var u wide
	var noise [64]int16
	for b := from; b < to; b++ {
		for i := 0; i < m; {
			rows := rows256(m - i)
			clear(sums[:])
			for r := i; r < i+rows; r++ {
				state := states[(r*tiles+b)*words:][:words]
				copy(state, initial[r*words:])
				state[0] += uint32(b)
			}
			for at := 0; at < t.k; at += t.rank {
				if at%stretch == 0 {
					u.split(rows, a[i*Stride(t.k)+at:], t.k, min(stretch, t.k-at))
				}
				u.add(rows, &sums[0], tile, at%stretch, &t.panels[b*tall*t.step()+at*width], t.step(), t.rank, tall)
				fold256(&states[(i*tiles+b)*words], uintptr(4*words*tiles), &sums[0], uintptr(rows))
			}
			for r := range rows {
				for j, v := range e[(i+r)*t.rank:][:t.rank] {
					noise[j] = int16(v)
				}
				for q := range tall {
					p := b*tall + q
					peel256(&c[(i+r)*t.n+p*width], &sums[r*tile+q*width], &t.offset[p*width], &t.peel[p*t.peelStep()], &noise[0], uintptr(t.rank))
				}
			}
			i += rows
		}
	}
}

// noise is what [Noise] does, for at least 64 activations.
func noise(level Level, dst, a []uint8, e []int8, perm []uint8) {
	switch level {
	case AVX512:
		noise512(&dst[0], &a[0], &e[0], uintptr(len(e)), &perm[0], uintptr(len(a)))
	case AVX2, AVXVNNI:
		var table [64]int8 // 32 elements twice: the sixth bit of an index does not matter then
		copy(table[copy(table[:], e):], e)
		noise256(&dst[0], &a[0], &table, &perm[0], uintptr(len(a)))
	default:
		plainNoise(dst, a, e, perm)
	}
}

// transcribe computes the transcript of a tile of weights that are not packed.
func transcribe(level Level, state *[words]uint32, u []uint8, w []int8) {
	if level == Go {
		plainTile(state, u, w)
		return
	}
	// 64 columns of the row at a time, one slice or two.
	k, rank := len(u), Rank(len(u))
	const step = width * 64
	var sums [tile]int32
	var packed [tall * step]int8
	var wider wide
	for at := 0; at < k; at += 64 {
		if level == AVX2 && at%stretch == 0 {
			wider.split(1, u[at:], k, min(stretch, k-at))
		}
		for q := range tall {
			if level == AVX512 {
				pack512(&packed[q*step], &w[q*width*k+at], uintptr(k), 64)
				continue
			}
			plainPack(packed[q*step:][:step], w[q*width*k+at:], width, 64, k)
		}
		for from := 0; from < 64; from += rank {
			if level == AVX512 {
				slice512(state, &sums, &u[at+from], &packed[from*width], step, uintptr(rank))
				continue
			}
			if level == AVXVNNI {
				addVNNI(1, &sums[0], tile, &u[at+from], 0, &packed[from*width], step, rank, tall)
				fold256(&state[0], 0, &sums[0], 1)
				continue
			}
			wider.add(1, &sums[0], tile, (at+from)%stretch, &packed[from*width], step, rank, tall)
			fold256(&state[0], 0, &sums[0], 1)
		}
	}
}

// pack writes so many rows of k weights as a panel.
func pack(level Level, panel, w []int8, columns, k int) {
	if level == AVX512 && columns == width {
		pack512(&panel[0], &w[0], uintptr(k), uintptr(k))
		return
	}
	plainPack(panel, w, columns, k, k)
}
