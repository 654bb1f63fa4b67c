//go:build !purego

package kernel

// columns computes panels from ≤ p < to of a product.
func (x *Matrix) columns(c []int32, a []uint8, m, from, to int) {
	if m == 0 || x.level != DotProd {
		x.plain(c, a, m, from, to)
		return
	}
	full := min(to, x.n/width)
	for p := from; p < full; {
		panels := panelsDot(m, full-p)
		for i := 0; i < m; {
			rows := rowsDot(m - i)
			for r := i; r < i+rows; r++ {
				clear(c[r*x.n+p*width:][:panels*width])
			}
			addDot(rows, panels, &c[i*x.n+p*width], x.n, &a[i*Stride(x.k)], Stride(x.k), &x.panels[p*x.step()], x.step(), x.k)
			i += rows
		}
		p += panels
	}
	if full == to {
		return
	}
	var sums [4 * width]int32 // the last panel, which has fewer columns than 16
	for i := 0; i < m; {
		rows := rowsDot(m - i)
		clear(sums[:])
		addDot(rows, 1, &sums[0], width, &a[i*Stride(x.k)], Stride(x.k), &x.panels[full*x.step()], x.step(), x.k)
		for r := range rows {
			copy(c[(i+r)*x.n+full*width:(i+r+1)*x.n], sums[r*width:])
		}
		i += rows
	}
}

// rowsDot is how many of the rows that are left a kernel takes: as equal shares
// as can be of at most four.
func rowsDot(left int) int {
	blocks := (left + 3) / 4
	return (left + blocks - 1) / blocks
}

// panelsDot is how many of the panels that are left a kernel takes at a time:
// more where there are too few rows to keep the processor busy.
func panelsDot(m, left int) int {
	switch {
	case m == 1 && left >= 4:
		return 4
	case m == 2 && left >= 2:
		return 2
	}
	return 1
}

// addDot adds to rows of sums, ld apart, the products of rows of k
// activations, lda apart, with panels a step apart.
func addDot(rows, panels int, c *int32, ld int, a *uint8, lda int, w *int8, step, k int) {
	ldc, lda8, step8, k8 := uintptr(4*ld), uintptr(lda), uintptr(step), uintptr(k)
	switch 10*rows + panels {
	case 41:
		dot4x16(c, ldc, a, lda8, w, step8, k8)
	case 31:
		dot3x16(c, ldc, a, lda8, w, step8, k8)
	case 22:
		dot2x32(c, ldc, a, lda8, w, step8, k8)
	case 21:
		dot2x16(c, ldc, a, lda8, w, step8, k8)
	case 14:
		dot1x64(c, ldc, a, lda8, w, step8, k8)
	case 11:
		dot1x16(c, ldc, a, lda8, w, step8, k8)
	}
}

// pack writes so many rows of k weights as a panel.
func pack(_ Level, panel, w []int8, columns, k int) { plainPack(panel, w, columns, k, k) }
