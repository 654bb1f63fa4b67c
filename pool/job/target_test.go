package job_test

import (
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hearth/pool/job"
)

// whole is a target as a number.
func whole(t job.Target) *big.Int {
	slices.Reverse(t[:])
	return new(big.Int).SetBytes(t[:])
}

// control is floor(0xFFFF·2^208 / d) by exact fractions, at most 2^256-1.
func control(d float64) *big.Int {
	one := new(big.Int).Lsh(big.NewInt(0xFFFF), 208)
	q := new(big.Rat).SetInt(one)
	q.Quo(q, new(big.Rat).SetFloat64(d))
	n := new(big.Int).Quo(q.Num(), q.Denom())
	most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 256), big.NewInt(1))
	if n.Cmp(most) > 0 {
		return most
	}
	return n
}

func TestTargetOfADifficulty(t *testing.T) {
	for _, c := range []struct {
		d    job.Difficulty
		want string
	}{
		{1, "00000000ffff0000000000000000000000000000000000000000000000000000"},
		{2, "000000007fff8000000000000000000000000000000000000000000000000000"},
		{1 << 20, "0000000000000ffff00000000000000000000000000000000000000000000000"},
		{1.0 / 1024, "000003fffc000000000000000000000000000000000000000000000000000000"},
		{0, "0000000000000000000000000000000000000000000000000000000000000000"},
		{-1, "0000000000000000000000000000000000000000000000000000000000000000"},
		{job.Difficulty(math.NaN()), "0000000000000000000000000000000000000000000000000000000000000000"},
		{job.Difficulty(math.Inf(1)), "0000000000000000000000000000000000000000000000000000000000000000"},
		{job.Difficulty(math.SmallestNonzeroFloat64), "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
		{job.Difficulty(math.MaxFloat64), "0000000000000000000000000000000000000000000000000000000000000000"},
	} {
		if got := c.d.Target().String(); got != c.want {
			t.Errorf("%v: %s, want %s", float64(c.d), got, c.want)
		}
	}
}

func TestTargetsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := math.Ldexp(rapid.Float64Range(1, 2).Draw(t, "mantissa"), rapid.IntRange(-60, 300).Draw(t, "exponent"))
		got := whole(job.Difficulty(d).Target())
		if want := control(d); got.Cmp(want) != 0 {
			t.Fatalf("%v: %x, want %x", d, got, want)
		}
	})
}

func TestDifficultyOfATarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b job.Target
		n := rapid.IntRange(1, 32).Draw(t, "bytes")
		copy(b[:], rapid.SliceOfN(rapid.Byte(), n, n).Draw(t, "target"))
		if b == (job.Target{}) {
			b[0] = 1
		}
		q := new(big.Rat).SetFrac(new(big.Int).Lsh(big.NewInt(0xFFFF), 208), whole(b))
		want, _ := q.Float64()
		if got := float64(b.Difficulty()); math.Abs(got/want-1) > 4e-16 {
			t.Fatalf("%v, want %v", got, want)
		}
	})
	if d := (job.Target{}).Difficulty(); !math.IsInf(float64(d), 1) {
		t.Errorf("the target 0 has difficulty %v", d)
	}
	for e := -30; e < 60; e++ { // what the server uses comes back exactly
		d := job.Difficulty(math.Ldexp(1, e))
		if got := d.Target().Difficulty(); got != d {
			t.Errorf("%v comes back as %v", d, got)
		}
	}
}

func TestHashesAreComparedAsNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		// Few distinct bytes, so that ties and near ties come up.
		bytes := rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 0x7f, 0x80, 0xff}), 32, 32)
		h, target := job.Hash(bytes.Draw(t, "hash")), job.Target(bytes.Draw(t, "target"))
		if rapid.Bool().Draw(t, "equal") {
			target = job.Target(h)
		}
		if got, want := h.Meets(target), whole(job.Target(h)).Cmp(whole(target)) <= 0; got != want {
			t.Fatalf("%v meets %v: %v, want %v", h, target, got, want)
		}
	})
}

func TestCompactTargets(t *testing.T) {
	for _, c := range []struct {
		bits uint32
		want string // empty: an error
	}{
		{0x1d00ffff, "00000000ffff0000000000000000000000000000000000000000000000000000"},
		{0x207fffff, "7fffff0000000000000000000000000000000000000000000000000000000000"},
		{0x17029a8a, "00000000000000000002" + "9a8a0000000000000000000000000000000000000000"},
		{0x01120000, "0000000000000000000000000000000000000000000000000000000000000012"},
		{0x02123400, "0000000000000000000000000000000000000000000000000000000000001234"},
		{0x03123456, "0000000000000000000000000000000000000000000000000000000000123456"},
		{0x04123456, "0000000000000000000000000000000000000000000000000000000012345600"},
		{0x2100ffff, "ffff000000000000000000000000000000000000000000000000000000000000"},
		{0x00123456, ""}, // zero
		{0x01003456, ""},
		{0, ""},
		{0x04923456, ""}, // negative
		{0x22ffffff, ""},
		{0x21010000, ""}, // above 256 bits
		{0xff123456, ""},
	} {
		got, err := job.CompactTarget(c.bits)
		if (err != nil) != (c.want == "") {
			t.Errorf("%08x: %v, %v", c.bits, got, err)
		}
		if err == nil && got.String() != c.want {
			t.Errorf("%08x: %v, want %s", c.bits, got, c.want)
		}
	}
}

// bigCompact is the definition: value · 256^(size-3), or why not.
func bigCompact(bits uint32) (*big.Int, bool) {
	n := big.NewInt(int64(bits & 0x7fffff))
	if size := int(bits >> 24); size <= 3 {
		n.Rsh(n, uint(8*(3-size)))
	} else {
		n.Lsh(n, uint(8*(size-3)))
	}
	negative := bits&0x800000 != 0 && bits&0x7fffff != 0
	return n, !negative && n.Sign() > 0 && n.BitLen() <= 256
}

func FuzzCompactTarget(f *testing.F) {
	for _, bits := range []uint32{0, 0x1d00ffff, 0x207fffff, 0x04923456, 0x21010000, 0x2100ffff, 0xffffffff} {
		f.Add(bits)
	}
	f.Fuzz(func(t *testing.T, bits uint32) {
		got, err := job.CompactTarget(bits)
		want, ok := bigCompact(bits)
		if (err == nil) != ok || ok && whole(got).Cmp(want) != 0 {
			t.Errorf("%08x: %v, %v; want %x, %v", bits, got, err, want, ok)
		}
	})
}

func TestWork(t *testing.T) {
	for _, c := range []struct {
		d    job.Difficulty
		want job.Work
	}{
		{1, 1024},
		{2, 2048},
		{0.5, 512},
		{1.0 / 1024, 1},
		{1e-9, 1},
		{0, 0},
		{-3, 0},
		{1.0014, 1025},
		{1 << 40, 1 << 50},
		{1e30, math.MaxUint64},
		{job.Difficulty(math.NaN()), 0},
	} {
		if got := c.d.Work(); got != c.want {
			t.Errorf("difficulty %v is %d units, want %d", float64(c.d), got, c.want)
		}
	}
	// A share of difficulty 1 takes 2^256/(0xFFFF·2^208) hashes.
	if got, want := job.Difficulty(1).Work().Hashes(), math.Ldexp(1, 48)/0xFFFF; math.Abs(got/want-1) > 1e-15 {
		t.Errorf("difficulty 1 takes %v hashes, want %v", got, want)
	}
	if got := job.Work(512).Difficulty(); got != 0.5 {
		t.Errorf("512 units are difficulty %v", got)
	}
}

func TestHashText(t *testing.T) {
	const text = "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f"
	h, err := job.ParseHash(text)
	if err != nil || h.String() != text || h[31] != 0 || h[0] != 0x6f {
		t.Fatal(h, err)
	}
	var back job.Hash
	if b, err := h.MarshalText(); err != nil || back.UnmarshalText(b) != nil || back != h {
		t.Error(back, err)
	}
	target, err := job.ParseTarget(text)
	if err != nil || target != job.Target(h) || target.String() != text {
		t.Error(target, err)
	}
	for _, bad := range []string{"", text[1:], text + "0", "x" + text[1:]} {
		if _, err := job.ParseHash(bad); err == nil {
			t.Errorf("%q is a hash", bad)
		}
		if _, err := job.ParseTarget(bad); err == nil {
			t.Errorf("%q is a target", bad)
		}
		if back.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is the text of a hash", bad)
		}
	}
}
