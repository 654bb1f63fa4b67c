package kernel

import (
	"fmt"
	"slices"
)

// prove compares a level that no processor, only emulators have run with plain
// Go, and returns an error if one bit differs here. The other levels pass: they
// were tested where they were written.
//
// The products are few and small, but every kernel of the level takes part,
// with the greatest numbers there are.
func (l Level) prove() error {
	if l != AVXVNNI && l != DotProd {
		return nil
	}
	ok := l.agrees(1, 2048) // with slices of 64
	for m := 1; m <= 6; m++ {
		ok = ok && l.agrees(m, 64)
	}
	if !ok {
		return fmt.Errorf("kernel level %v gives other bits than plain Go on this processor: use another, and please report it", l)
	}
	return nil
}

// agrees is whether the level and plain Go compute the same products of m rows.
func (l Level) agrees(m, k int) bool {
	const n = tile
	spread := func(i int) int { return (i*i + 77*i>>3) % 255 } // 0 to 254, and all of them
	w, a, perm := make([]int8, n*k), Rows(m, k), make([]uint8, k)
	for i := range w {
		w[i] = int8(spread(i) - 127)
	}
	for i := range a {
		a[i] = uint8(spread(3*i+1) + i&1)
	}
	for i := range perm {
		perm[i] = uint8((5*i)%Rank(k)) | uint8(i>>2&1)*Negative
	}
	const channels, tokens = width, 5 // an odd number of pairs
	rows, block := make([]int16, m*channels), make([]int16, BlockTokens(tokens)*channels)
	for i := range rows {
		rows[i] = int16(spread(7*i) * 257)
	}
	for i := range block {
		block[i] = int16(spread(i)-127) * 16
	}
	e, initial := make([]int8, m*Rank(k)), make([]uint32, m*words)
	for i := range e {
		e[i] = int8(spread(i)%64 - 32)
	}
	for i := range initial {
		initial[i] = uint32(i) * 0x9E3779B1
	}

	results := func(l Level) ([]int32, []uint32) {
		x, err := NewMatrix(l, w, n, k)
		if err != nil {
			return nil, nil
		}
		t, err := NewTicketed(x, perm)
		if err != nil {
			return nil, nil
		}
		short, err := NewMatrix(l, w[:(n-15)*k], n-15, k) // with a panel that is not full
		if err != nil {
			return nil, nil
		}
		c, states := make([]int32, 3*m*n+2*m*width), make([]uint32, (m+1)*words)
		x.Multiply(c, a, m, nil)
		short.Multiply(c[m*n:], a, m, nil)
		l.Scores(c[3*m*n:], width, rows, block, m, channels, tokens)
		l.Mix(c[3*m*n+m*width:], rows, channels, block, m, channels, tokens)
		noisy := slices.Clone(a[:k])
		Noise(l, noisy, noisy, e[:Rank(k)], perm)
		t.Multiply(c[2*m*n:], states, initial, a, e, m, nil)
		if err := Tile(l, (*[words]uint32)(states[m*words:]), noisy, w); err != nil {
			return nil, nil
		}
		return c, states
	}
	c, states := results(l)
	want, transcripts := results(Go)
	return len(want) > 0 && slices.Equal(c, want) && slices.Equal(states, transcripts)
}
