//go:build !purego

package kernel

// columnsVNNI computes up to five rows of three panels at a time.
func (x *Matrix) columnsVNNI(c []int32, a []uint8, m, from, to int) {
	full := min(to, x.n/width)
	for p := from; p < full; p += group {
		panels := min(group, full-p)
		for i := 0; i < m; {
			rows := rows256(m - i)
			for r := i; r < i+rows; r++ {
				copy(c[r*x.n+p*width:][:panels*width], x.offset[p*width:])
			}
			addVNNI(rows, &c[i*x.n+p*width], x.n, &a[i*Stride(x.k)], Stride(x.k), &x.panels[p*x.step()], x.step(), x.k, panels)
			i += rows
		}
	}
	if full == to {
		return
	}
	var sums [5 * width]int32 // the last panel, which has fewer columns than 16
	for i := 0; i < m; {
		rows := rows256(m - i)
		for r := range rows {
			copy(sums[r*width:][:width], x.offset[full*width:])
		}
		addVNNI(rows, &sums[0], width, &a[i*Stride(x.k)], Stride(x.k), &x.panels[full*x.step()], x.step(), x.k, 1)
		for r := range rows {
			copy(c[(i+r)*x.n+full*width:(i+r+1)*x.n], sums[r*width:])
		}
		i += rows
	}
}

// tilesVNNI does what tiles256 does, with activations as they are.
func (t *Ticketed) tilesVNNI(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	tiles := t.n / tile
	var sums [5 * tile]int32
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
				addVNNI(rows, &sums[0], tile, &a[i*Stride(t.k)+at], Stride(t.k), &t.panels[b*tall*t.step()+at*width], t.step(), t.rank, tall)
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

// addVNNI adds to rows of sums, ld sums apart, the products of rows of k
// activations, lda apart, with k weights of each column of panels a step apart.
func addVNNI(rows int, c *int32, ld int, a *uint8, lda int, w *int8, step, k, panels int) {
	ldc, far := uintptr(4*ld), uintptr(lda)
	switch rows {
	case 5:
		addVNNIx5(c, ldc, a, far, w, uintptr(step), uintptr(k), uintptr(panels))
	case 4:
		addVNNIx4(c, ldc, a, far, w, uintptr(step), uintptr(k), uintptr(panels))
	case 3:
		addVNNIx3(c, ldc, a, far, w, uintptr(step), uintptr(k), uintptr(panels))
	case 2:
		addVNNIx2(c, ldc, a, far, w, uintptr(step), uintptr(k), uintptr(panels))
	case 1:
		addVNNIx1(c, ldc, a, far, w, uintptr(step), uintptr(k), uintptr(panels))
	}
}
