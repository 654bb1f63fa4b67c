package kernel_test

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"hearth/infer/kernel"
)

func TestReadReadsEveryByteOnce(t *testing.T) {
	rng := rand.New(rand.NewPCG(23, 24))
	p := make([]uint8, 5000)
	for i := range p {
		p[i] = uint8(rng.Uint32())
	}
	each(t, func(t *testing.T, level kernel.Level) {
		for _, n := range []int{0, 1, 1023, 1024, 2047, 2048, 4999} {
			whole := n / 1024 * 1024
			want := uint64(0)
			for at := 0; at < whole; at += 8 {
				want ^= binary.LittleEndian.Uint64(p[at:])
			}
			if read, got := kernel.Read(level, p[:n]); read != whole || got != want {
				t.Errorf("%d bytes: read %d with digest %x, want %d with %x", n, read, got, whole, want)
			}
		}
	})
}

func TestPeakCountsItsOperations(t *testing.T) {
	each(t, func(t *testing.T, level kernel.Level) {
		one := kernel.Peak(level, 1)
		if one <= 0 || kernel.Peak(level, 1000) != 1000*one {
			t.Errorf("a turn has %d operations, a thousand %d", one, kernel.Peak(level, 1000))
		}
		if got := kernel.Peak(level, 0); got != 0 {
			t.Errorf("no turn has %d operations", got)
		}
	})
}
