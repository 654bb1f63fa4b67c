//go:build !purego

package kernel

//go:generate go run -C _asm ./product -level avx512 -pkg kernel -out ../product_avx512_amd64.s -stubs ../product_avx512_amd64.go
//go:generate go run -C _asm ./product -level avxvnni -pkg kernel -out ../product_avxvnni_amd64.s -stubs ../product_avxvnni_amd64.go
//go:generate go run -C _asm ./product -level avxvnni -evex -pkg kernel -out ../product_evex_amd64.s -stubs ../product_evex_amd64.go
//go:generate go run -C _asm ./product -level avx2 -pkg kernel -out ../product_avx2_amd64.s -stubs ../product_avx2_amd64.go

// columns computes panels from ≤ p < to of a product.
func (x *Matrix) columns(c []int32, a []uint8, m, from, to int) {
	switch {
	case m == 0:
	case x.level == AVX512:
		x.columns512(c, a, m, from, to)
	case x.level == AVXVNNI:
		x.columnsVNNI(c, a, m, from, to)
	case x.level == AVX2:
		x.columns256(c, a, m, from, to)
	default:
		x.plain(c, a, m, from, to)
	}
}

// columns512 takes the panels in groups whose weights stay in the second level of
// the cache while all rows pass.
func (x *Matrix) columns512(c []int32, a []uint8, m, from, to int) {
	full := min(to, x.n/width)
	for p := from; p < full; {
		count := panels512(m, full-p)
		for i := 0; i < m; {
			rows := rows512(m, m-i)
			i = min(i, m-rows)
			x.block512(rows, count, p, &c[i*x.n+p*width], x.n, &a[i*Stride(x.k)], ahead(p+count, count, m, i, full))
			i += rows
		}
		p += count
	}
	if full == to {
		return
	}
	var sums [8 * width]int32 // the last panel, which has fewer columns than 16
	for i := 0; i < m; {
		rows := rows512(m, m-i)
		i = min(i, m-rows)
		x.block512(rows, 1, full, &sums[0], width, &a[i*Stride(x.k)], full)
		for r := range rows {
			copy(c[(i+r)*x.n+full*width:(i+r+1)*x.n], sums[r*width:])
		}
		i += rows
	}
}

// panels512 is how many of the panels that are left a kernel takes at a time.
func panels512(m, left int) int {
	switch {
	case m < 8:
		return min(left, 4)
	case left == 4:
		return 2
	}
	return min(left, 3)
}

// rows512 is how many of m rows a kernel takes when so many are left. Where it
// is faster to take more than are left, it takes some once more.
func rows512(m, left int) int {
	if left >= 8 || left == 7 && m >= 8 {
		return 8
	}
	return min(left, 4)
}

// ahead is the panel to fetch while a block of rows is multiplied: of the count
// panels from p on, which are used next, one during each of the last blocks.
// Before those, and where there are too few of them to fetch every panel, it is
// a panel that was used already: the processor's own guess does better then.
func ahead(p, count, m, i, end int) int {
	left := (m - 1 - i) / 8
	if left >= count || m < 8*count {
		return p - count
	}
	return min(p+count-1-left, end-1)
}

// block512 computes rows of panels from p on; row i of the result is at c, ld
// sums after the one before. Panel next is one that is wanted soon.
func (x *Matrix) block512(rows, panels, p int, c *int32, ld int, a *uint8, next int) {
	ldc, lda := uintptr(4*ld), uintptr(Stride(x.k))
	w, step := &x.panels[p*x.step()], uintptr(x.step())
	offset, k, soon := &x.offset[p*width], uintptr(x.k), &x.panels[next*x.step()]
	switch 10*rows + panels {
	case 83:
		product512x8x48(c, ldc, a, lda, w, step, offset, k, soon)
	case 82:
		product512x8x32(c, ldc, a, lda, w, step, offset, k, soon)
	case 81:
		product512x8x16(c, ldc, a, lda, w, step, offset, k, soon)
	case 44:
		product512x4x64(c, ldc, a, lda, w, step, offset, k, soon)
	case 43:
		product512x4x48(c, ldc, a, lda, w, step, offset, k, soon)
	case 42:
		product512x4x32(c, ldc, a, lda, w, step, offset, k, soon)
	case 41:
		product512x4x16(c, ldc, a, lda, w, step, offset, k, soon)
	case 34:
		product512x3x64(c, ldc, a, lda, w, step, offset, k, soon)
	case 33:
		product512x3x48(c, ldc, a, lda, w, step, offset, k, soon)
	case 32:
		product512x3x32(c, ldc, a, lda, w, step, offset, k, soon)
	case 31:
		product512x3x16(c, ldc, a, lda, w, step, offset, k, soon)
	case 24:
		product512x2x64(c, ldc, a, lda, w, step, offset, k, soon)
	case 23:
		product512x2x48(c, ldc, a, lda, w, step, offset, k, soon)
	case 22:
		product512x2x32(c, ldc, a, lda, w, step, offset, k, soon)
	case 21:
		product512x2x16(c, ldc, a, lda, w, step, offset, k, soon)
	case 14:
		product512x1x64(c, ldc, a, lda, w, step, offset, k, soon)
	case 13:
		product512x1x48(c, ldc, a, lda, w, step, offset, k, soon)
	case 12:
		product512x1x32(c, ldc, a, lda, w, step, offset, k, soon)
	case 11:
		product512x1x16(c, ldc, a, lda, w, step, offset, k, soon)
	}
}

// stretch is how many activations of a row are widened at a time; with five rows
// they stay in the first level of the cache.
const stretch = 512

// wide is room for five rows of widened activations.
type wide [5 * (2*stretch + align)]uint8

// columns256 computes up to five rows of three panels at a time.
func (x *Matrix) columns256(c []int32, a []uint8, m, from, to int) {
	full := min(to, x.n/width)
	var u wide
	for p := from; p < full; p += group {
		panels := min(group, full-p)
		for i := 0; i < m; {
			rows := rows256(m - i)
			for r := i; r < i+rows; r++ {
				copy(c[r*x.n+p*width:][:panels*width], x.offset[p*width:])
			}
			x.block256(&u, rows, panels, p, &c[i*x.n+p*width], x.n, a[i*Stride(x.k):])
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
		x.block256(&u, rows, 1, full, &sums[0], width, a[i*Stride(x.k):])
		for r := range rows {
			copy(c[(i+r)*x.n+full*width:(i+r+1)*x.n], sums[r*width:])
		}
		i += rows
	}
}

// rows256 is how many of the rows that are left a kernel takes: as equal shares
// as can be.
func rows256(left int) int {
	blocks := (left + 4) / 5
	return (left + blocks - 1) / blocks
}

// block256 adds to rows of sums, ld sums apart, the products of rows of a with
// panels from p on. It widens the rows in u.
func (x *Matrix) block256(u *wide, rows, panels, p int, c *int32, ld int, a []uint8) {
	for at := 0; at < x.k; at += stretch {
		n := min(stretch, x.k-at)
		u.split(rows, a[at:], x.k, n)
		u.add(rows, c, ld, 0, &x.panels[p*x.step()+at*width], x.step(), n, panels)
	}
}

// split widens n activations of so many rows of k.
func (u *wide) split(rows int, a []uint8, k, n int) {
	for r := range rows {
		split256(&u[r*(2*stretch+align)], &a[r*Stride(k)], uintptr(n))
	}
}

// add adds to rows of sums, ld sums apart, the products of k of the widened
// activations, from the given one on, with k weights of each column of panels
// that lie a step apart.
func (u *wide) add(rows int, c *int32, ld, from int, w *int8, step, k, panels int) {
	a, ldc := &u[2*from], uintptr(4*ld)
	const lda = 2*stretch + align
	switch rows {
	case 5:
		add256x5(c, ldc, a, lda, w, uintptr(step), uintptr(k), uintptr(panels))
	case 4:
		add256x4(c, ldc, a, lda, w, uintptr(step), uintptr(k), uintptr(panels))
	case 3:
		add256x3(c, ldc, a, lda, w, uintptr(step), uintptr(k), uintptr(panels))
	case 2:
		add256x2(c, ldc, a, lda, w, uintptr(step), uintptr(k), uintptr(panels))
	case 1:
		add256x1(c, ldc, a, lda, w, uintptr(step), uintptr(k), uintptr(panels))
	}
}
