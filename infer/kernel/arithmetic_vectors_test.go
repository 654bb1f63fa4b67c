package kernel

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
)

var updateVectors = flag.Bool("update", false, "write the vectors of spec/arithmetic.md anew")

const vectorsFolder = "../../spec/vectors/arithmetic"

// checkVectors holds the cases of an operation against their file, and each
// case of the file against what every level computes from it. run computes the
// results of a case, which are members of it, from the others.
func checkVectors[C any](t *testing.T, name, note string, cases []C, run func(l Level, c *C)) {
	t.Run(name, func(t *testing.T) {
		for i := range cases {
			run(Go, &cases[i])
		}
		file := filepath.Join(vectorsFolder, name+".json")
		want := formatVectors(t, note, cases)
		if *updateVectors {
			if err := os.MkdirAll(vectorsFolder, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is not what plain Go computes; go test -run Vectors -update writes it anew", file)
		}
		for _, l := range Levels() {
			var f struct {
				Cases []C `json:"cases"`
			}
			if err := json.Unmarshal(have, &f); err != nil {
				t.Fatal(err)
			}
			for i := range f.Cases {
				run(l, &f.Cases[i])
			}
			if got := formatVectors(t, note, f.Cases); !bytes.Equal(got, have) {
				t.Errorf("level %v computes from %s:\n%s", l, file, got)
			}
		}
	})
}

// formatVectors writes a case a line.
func formatVectors[C any](t *testing.T, note string, cases []C) []byte {
	t.Helper()
	var b bytes.Buffer
	line := func(v any) {
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
		b.Truncate(b.Len() - 1)
	}
	b.WriteString("{\"note\": ")
	line(note)
	b.WriteString(",\n\"cases\": [\n")
	for i := range cases {
		line(cases[i])
		if i < len(cases)-1 {
			b.WriteByte(',')
		}
		b.WriteByte('\n')
	}
	b.WriteString("]}\n")
	return b.Bytes()
}

// number is a whole number of 64 bits, which JSON writes as text.
type number uint64

func (n number) MarshalJSON() ([]byte, error) { return json.Marshal(strconv.FormatUint(uint64(n), 10)) }

func (n *number) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	v, err := strconv.ParseUint(s, 10, 64)
	*n = number(v)
	return err
}

// bytesOf is a row of bytes that JSON writes as numbers.
func bytesOf(a []uint8) []int {
	x := make([]int, len(a))
	for i, v := range a {
		x[i] = int(v)
	}
	return x
}

// scaleJSON is a scale m·2^e as the vectors have it.
type scaleJSON struct {
	M uint32 `json:"m"`
	E int32  `json:"e"`
}

func (s scaleJSON) scale() Scale { return Scale(s) }

// spread is n numbers that look like nothing, up to a magnitude.
func spread(n int, limit int32, seed uint32) []int32 {
	x := make([]int32, n)
	for i := range x {
		seed = seed*1664525 + 1013904223
		x[i] = int32(int64(seed)*(2*int64(limit)+1)>>32 - int64(limit))
	}
	return x
}

func spread16(n int, limit int32, seed uint32) []int16 {
	x := make([]int16, n)
	for i, v := range spread(n, limit, seed) {
		x[i] = int16(v)
	}
	return x
}

// ends are numbers of every size up to a limit, and their neighbours.
func ends(limit int32) []int32 {
	x := []int32{0, 1, -1, 2, -2}
	for b := int32(4); b > 0 && b <= limit/2; b *= 8 {
		x = append(x, b, -b, b+1, 1-b)
	}
	return append(x, limit, -limit, limit-1, 1-limit)
}

func TestVectorsOfScales(t *testing.T) {
	type pair struct {
		A       scaleJSON `json:"a"`
		B       scaleJSON `json:"b"`
		Product scaleJSON `json:"product"`
		Ratio   scaleJSON `json:"quotient"`
		Shifted scaleJSON `json:"a_times_2_to_the_13"`
	}
	one, third := scaleJSON(NewScale(1, 0)), scaleJSON(NewScale(1, 0).Div(NewScale(3, 0)))
	most := scaleJSON{M: 1<<32 - 1, E: maxExponent}
	checkVectors(t, "scales", "Scales m·2^e: a·b, a/b and a·2^13.", []pair{
		{A: one, B: one},
		{A: one, B: third},
		{A: third, B: third},
		{A: scaleJSON(NewScale(1<<64-1, -9)), B: third},
		{A: one, B: scaleJSON{}},
		{A: scaleJSON{}, B: one},
		{A: scaleJSON(NewScale(0xDEADBEEF12345678, -31)), B: scaleJSON(NewScale(12345, 7))},
		{A: most, B: most},
		{A: most, B: one},
		{A: scaleJSON(NewScale(1, -maxExponent)), B: most},
	}, func(_ Level, c *pair) {
		c.Product, c.Ratio = scaleJSON(c.A.scale().Mul(c.B.scale())), scaleJSON(c.A.scale().Div(c.B.scale()))
		c.Shifted = scaleJSON(c.A.scale().Shift(13))
	})

	type made struct {
		M     number    `json:"m"`
		E     int       `json:"e"`
		Scale scaleJSON `json:"scale"`
		FM    int32     `json:"factor_m"`
		Shift uint      `json:"factor_shift"`
	}
	var all []made
	for _, e := range []int{-5000, -200, -125, -124, -123, -95, -94, -93, -64, -40, -36, -10, -6, -5, -4, 0, 5000} {
		all = append(all, made{M: 3 << 30, E: e})
	}
	all = append(all, made{M: 0, E: 1}, made{M: 1, E: 0}, made{M: 1<<64 - 1, E: -64}, made{M: 1<<32 + 1, E: -50})
	checkVectors(t, "factors", "m·2^e as a scale, and the factor of the scale.", all, func(_ Level, c *made) {
		s := NewScale(uint64(c.M), c.E)
		c.Scale = scaleJSON(s)
		c.FM, c.Shift = s.Factor()
	})

	type root struct {
		Sum  number    `json:"sum"`
		N    int       `json:"n"`
		Eps  number    `json:"eps"`
		Root scaleJSON `json:"root"`
	}
	checkVectors(t, "roots", "The root of the mean of n squares whose sum is sum, plus eps.", []root{
		{Sum: 0, N: 1},
		{Sum: 0, N: 384, Eps: 5},
		{Sum: 1, N: 1},
		{Sum: 2, N: 1},
		{Sum: 3, N: 1},
		{Sum: 4, N: 1},
		{Sum: 383, N: 384},
		{Sum: 123456789012345, N: 384, Eps: 4295},
		{Sum: 1 << 63, N: 1 << 15},
		{Sum: 1<<64 - 1, N: 1, Eps: 1<<64 - 1},
		{Sum: 1 << 62, N: 1},
		{Sum: 1<<62 - 1, N: 1},
	}, func(_ Level, c *root) { c.Root = scaleJSON(Root(uint64(c.Sum), c.N, uint64(c.Eps))) })
}

func TestVectorsOfProducts(t *testing.T) {
	type product struct {
		A    []int32 `json:"a"`
		W    []int32 `json:"w"`
		Sums []int32 `json:"sums"`
	}
	const k = 64
	var cases []product
	for i := range uint32(3) {
		cases = append(cases, product{A: spread(k, 127, i), W: spread(2*k, 127, 10+i)})
	}
	cases = append(cases, product{A: slices.Repeat([]int32{-127}, k), W: slices.Repeat([]int32{127}, 2*k)})
	checkVectors(t, "product", "sums[j] = the sum over l of a[l]·w[64·j+l], for 64 activations and two channels.", cases, func(l Level, c *product) {
		w := make([]int8, len(c.W))
		for i, v := range c.W {
			w[i] = int8(v)
		}
		x, err := NewMatrix(l, w, 2, k)
		if err != nil {
			t.Fatal(err)
		}
		a := Rows(1, k)
		for i, v := range c.A {
			a[i] = uint8(v + 128)
		}
		c.Sums = make([]int32, 2)
		x.Multiply(c.Sums, a, 1, nil)
	})
}

func TestVectorsOfRescaling(t *testing.T) {
	type rescaling struct {
		X     []int32 `json:"x"`
		C     []int32 `json:"c"`
		Bias  []int32 `json:"bias,omitempty"`
		M     int32   `json:"m"`
		Shift uint    `json:"shift"`
		Y     []int32 `json:"y"`
		To    []int32 `json:"added_to"`
		Sum   []int32 `json:"sum"`
	}
	var cases []rescaling
	for i, shift := range []uint{5, 6, 20, 31, 32, 33, 34, 45, 62} {
		x := append(ends(1<<28), spread(19, 1<<min(28, shift), uint32(i))...)
		c := rescaling{X: x, C: spread(len(x), 1<<31-1, 77), M: 1<<31 - 1 - int32(i)*98765432, Shift: shift, To: spread(len(x), Limit, 5)}
		if i%2 == 0 {
			c.Bias = spread(len(x), 1<<29-1, 99)
		}
		cases = append(cases, c)
	}
	cases = append(cases, rescaling{ // what is furthest out
		X: []int32{1 << 28, -1 << 28, 1<<31 - 1, -1 << 31}, C: slices.Repeat([]int32{1<<31 - 1}, 4),
		Bias: []int32{1<<29 - 1, 1 - 1<<29, 1<<29 - 1, 1 - 1<<29}, M: 1<<31 - 1, Shift: 33, To: []int32{Limit, -Limit, Limit, Limit},
	}, rescaling{X: []int32{5, -5}, C: []int32{1 << 28, 1 << 28}, M: 0, Shift: 33, To: []int32{1, 2}})
	checkVectors(t, "rescale", "y is x rescaled; sum is y added to added_to. No bias is a bias of zeros.", cases, func(l Level, c *rescaling) {
		c.Y, c.Sum = make([]int32, len(c.X)), slices.Clone(c.To)
		l.Rescale(c.Y, c.X, c.C, c.Bias, c.M, c.Shift)
		l.RescaleAdd(c.Sum, c.X, c.C, c.Bias, c.M, c.Shift)
	})

	type times struct {
		X     []int32 `json:"x"`
		M     int32   `json:"m"`
		Shift uint    `json:"shift"`
		Y     []int32 `json:"y"`
	}
	checkVectors(t, "times", "y = (x·m + 2^(shift-1)) >> shift.", []times{
		{X: ends(127), M: 3 << 20, Shift: 1},
		{X: ends(127), M: -3 << 20, Shift: 12},
		{X: ends(1<<31 - 1), M: 1 << 30, Shift: 32},
		{X: ends(1<<31 - 1), M: 1<<31 - 1, Shift: 33},
		{X: ends(1<<31 - 1), M: 1<<31 - 1, Shift: 62},
		{X: spread(33, 1<<30, 3), M: 1 << 27, Shift: 37},
	}, func(l Level, c *times) {
		c.Y = make([]int32, len(c.X))
		l.Times(c.Y, c.X, c.M, c.Shift)
	})
}

func TestVectorsOfEmbeddings(t *testing.T) {
	type row struct {
		Row   []int32 `json:"row"`
		Scale int32   `json:"scale"`
		Shift uint    `json:"shift"`
		X     []int32 `json:"x"`
	}
	checkVectors(t, "embedding", "x = (row·scale + 2^(shift-1)) >> shift.", []row{
		{Row: ends(127), Scale: 1<<31 - 1, Shift: 9},
		{Row: spread(37, 127, 1), Scale: 987654321, Shift: 22},
		{Row: spread(37, 127, 2), Scale: 1<<31 - 1, Shift: 33},
		{Row: ends(127), Scale: 0, Shift: 62},
		{Row: ends(127), Scale: 3, Shift: 1},
	}, func(l Level, c *row) {
		b := make([]int8, len(c.Row))
		for i, v := range c.Row {
			b[i] = int8(v)
		}
		c.X = make([]int32, len(b))
		l.LookUp(c.X, b, c.Scale, c.Shift)
	})
}

func TestVectorsOfQuantising(t *testing.T) {
	type row struct {
		X     []int32   `json:"x"`
		D     []int32   `json:"d,omitempty"`
		Limit int32     `json:"limit"`
		Bytes []int     `json:"bytes"`
		Scale scaleJSON `json:"scale"`
	}
	checkVectors(t, "quantise", "The bytes a+128 of a row and its scale. No d is d = 2^30.", []row{
		{X: make([]int32, 16), Limit: 95},
		{X: []int32{1, 0, -1}, Limit: 95},
		{X: []int32{1 << 14, -1 << 14, 16383, 7}, Limit: 127},
		{X: []int32{1<<15 - 1, -1 << 15, 5}, Limit: 95},
		{X: ends(Limit), Limit: 95},
		{X: ends(Limit), Limit: 1},
		{X: spread(40, 1<<20, 1), D: spread(40, 1<<30, 2), Limit: 95},
		{X: spread(40, Limit, 3), D: spread(40, 1<<30, 4), Limit: 127},
		{X: spread(40, 300, 3), D: spread(40, 1<<26, 4), Limit: 95},
		{X: []int32{Limit, -Limit}, D: []int32{1 << 30, 1 << 30}, Limit: 127},
	}, func(l Level, c *row) {
		a := make([]uint8, len(c.X))
		c.Scale = scaleJSON(l.Quantise(a, c.X, c.D, c.Limit))
		c.Bytes = bytesOf(a)
	})
}

func TestVectorsOfNorms(t *testing.T) {
	type row struct {
		X       []int32 `json:"x"`
		Centred []int32 `json:"centred"`
		Squares number  `json:"squares"`
		Shift   uint    `json:"shift"`
		Shifted []int32 `json:"shifted"`
	}
	checkVectors(t, "norms", "A row less its mean; of that, the sum of squares and the shift; and it shifted.", []row{
		{X: []int32{7}},
		{X: []int32{1, 2}},
		{X: []int32{-1, -2}},
		{X: []int32{-1, -2, -2}},
		{X: ends(Limit)},
		{X: spread(48, 1<<20, 1)},
		{X: spread(33, Limit, 2)},
		{X: []int32{Limit, -Limit, -Limit, -Limit}},
		{X: slices.Repeat([]int32{-5}, 17)},
	}, func(l Level, c *row) {
		c.Centred, c.Shifted = make([]int32, len(c.X)), make([]int32, len(c.X))
		l.Centre(c.Centred, c.X)
		sum, shift := l.Squares(c.Centred)
		c.Squares, c.Shift = number(sum), shift
		l.ShiftRight(c.Shifted, c.Centred, shift)
	})
}

func TestVectorsOfActivations(t *testing.T) {
	var x []int32
	for v := int32(-9 << 16); v <= 9<<16; v += 12345 {
		x = append(x, v)
	}
	x = append(x, ends(Limit)...)
	x = append(x, 1<<19-1, 1<<19, 1-1<<19, -1<<19, 1<<20-1, 1<<20, 1-1<<20, -1<<20)

	type bend struct {
		X []int32 `json:"x"`
		Y []int32 `json:"y"`
	}
	checkVectors(t, "gelu", "y = GELU(x), in units of 2^-16.", []bend{{X: x}}, func(l Level, c *bend) {
		c.Y = make([]int32, len(c.X))
		l.GELU(c.Y, c.X)
	})

	type gate struct {
		G []int32 `json:"g"`
		U []int32 `json:"u"`
		Y []int32 `json:"y"`
	}
	checkVectors(t, "gate", "y = SiLU(g)·u, in units of 2^-16.", []gate{
		{G: x, U: slices.Repeat([]int32{1 << 16}, len(x))},
		{G: x, U: spread(len(x), 1<<20, 8)},
		{G: ends(Limit), U: slices.Repeat([]int32{Limit}, len(ends(Limit)))},
		{G: ends(Limit), U: slices.Repeat([]int32{-Limit}, len(ends(Limit)))},
	}, func(l Level, c *gate) {
		c.Y = make([]int32, len(c.G))
		l.Gate(c.Y, c.G, c.U)
	})

	type table struct {
		Name  string  `json:"name"`
		Width uint    `json:"width"`
		Down  uint    `json:"down"`
		C0    []int32 `json:"c0"`
		C1    []int32 `json:"c1"`
		C2    []int32 `json:"c2"`
	}
	checkVectors(t, "bends", "The tables of the activation functions.", []table{
		{Name: "gelu", Width: geluWidth, Down: geluDown}, {Name: "silu", Width: siluWidth, Down: siluDown},
	}, func(_ Level, c *table) {
		b := &geluBend
		if c.Name == "silu" {
			b = &siluBend
		}
		c.C0, c.C1, c.C2 = b.c0[:], b.c1[:], b.c2[:]
	})
}

func TestVectorsOfAttention(t *testing.T) {
	type turn struct {
		X   []int32 `json:"x"`
		Cos []int16 `json:"cos"`
		Sin []int16 `json:"sin"`
		Y   []int32 `json:"y"`
	}
	checkVectors(t, "rotate", "One head turned, in units of 2^-14 of cosine and sine.", []turn{
		{X: spread(32, 1<<16, 1), Cos: spread16(16, 1<<14, 2), Sin: spread16(16, 1<<14, 3)},
		{X: []int32{100, 7}, Cos: []int16{1 << 14}, Sin: []int16{0}},
		{X: []int32{100, 7}, Cos: []int16{0}, Sin: []int16{-1 << 14}},
		{X: ends(Limit)[:20], Cos: slices.Repeat([]int16{11585}, 10), Sin: slices.Repeat([]int16{11585}, 10)},
	}, func(l Level, c *turn) {
		c.Y = slices.Clone(c.X)
		l.Rotate(c.Y, c.Cos, c.Sin)
	})

	type narrowing struct {
		X []int32 `json:"x"`
		Y []int16 `json:"y"`
	}
	checkVectors(t, "narrow", "y = (x + 8) >> 4 within ±2047.", []narrowing{
		{X: append(ends(Limit), 7, 8, -8, -9, 23, 24, 32751, 32752, 32760, -32760, -32761)},
	}, func(l Level, c *narrowing) {
		c.Y = make([]int16, len(c.X))
		l.Narrow(c.Y, c.X)
	})

	type softmax struct {
		S     []int32 `json:"s"`
		N     int     `json:"n"`
		C     uint32  `json:"c"`
		Shift uint    `json:"shift"`
		P     []int16 `json:"p"`
		Sum   int32   `json:"sum"`
	}
	checkVectors(t, "softmax", "The weights p of scores s of which the first n count, and their sum.", []softmax{
		{S: make([]int32, 16), N: 16, C: 1 << 31, Shift: 40},
		{S: spread(32, 1<<22, 1), N: 32, C: 3098164009, Shift: 46},
		{S: spread(32, 1<<22, 2), N: 21, C: 3098164009, Shift: 44},
		{S: spread(64, 1<<17, 3), N: 64, C: 1 << 31, Shift: 42},
		{S: spread(16, 1<<20, 4), N: 1, C: 1, Shift: 0},
		{S: []int32{2145387008, -2145387008, 0, 2145387007, 2145387000, 2145380000, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}, N: 16, C: 1<<32 - 1, Shift: 47},
		{S: []int32{0, -1, -2, -32767, -32768, -32769, -65535, -65536, -524286, -524287, -524288, -524289, 0, 0, 0, 0}, N: 12, C: 1, Shift: 0},
		{S: spread(16, 1<<30, 6), N: 16, C: 1 << 31, Shift: 64},
	}, func(l Level, c *softmax) {
		c.P = make([]int16, len(c.S))
		c.Sum = l.Softmax(c.P, c.S, c.N, c.C, c.Shift)
	})

	type attention struct {
		Channels int     `json:"channels"`
		Tokens   int     `json:"tokens"`
		Q        []int16 `json:"q"`
		K        []int16 `json:"k"`
		V        []int16 `json:"v"`
		C        uint32  `json:"c"`
		Shift    uint    `json:"shift"`
		Scores   []int32 `json:"scores"`
		P        []int16 `json:"p"`
		Sum      int32   `json:"sum"`
		Mixed    []int32 `json:"mixed"`
		Average  []int32 `json:"average"`
	}
	checkVectors(t, "attention", "One query of 16 channels looks at tokens: k and v hold a token's channels after the other's.", []attention{
		{Channels: 16, Tokens: 5, Q: spread16(16, Narrowest, 1), K: spread16(80, Narrowest, 2), V: spread16(80, Narrowest, 3), C: 3098164009, Shift: 40},
		{Channels: 16, Tokens: 18, Q: spread16(16, 300, 4), K: spread16(288, 300, 5), V: spread16(288, Narrowest, 6), C: 3098164009, Shift: 38},
		{Channels: 16, Tokens: 2, Q: slices.Repeat([]int16{Narrowest}, 16), K: slices.Repeat([]int16{-Narrowest}, 32), V: slices.Repeat([]int16{Narrowest}, 32), C: 3098164009, Shift: 40},
	}, func(l Level, c *attention) {
		room := BlockTokens(c.Tokens)
		keys, values := make([]int16, room*c.Channels), make([]int16, room*c.Channels)
		for i := range c.Tokens {
			PutKey(keys, i, c.K[i*c.Channels:][:c.Channels])
			PutValue(values, i, c.V[i*c.Channels:][:c.Channels])
		}
		s, p := make([]int32, room), make([]int16, room)
		c.Mixed, c.Average = make([]int32, c.Channels), make([]int32, c.Channels)
		l.Scores(s, room, c.Q, keys, 1, c.Channels, c.Tokens)
		c.Sum = l.Softmax(p, s, c.Tokens, c.C, c.Shift)
		l.Mix(c.Mixed, p, room, values, 1, c.Channels, c.Tokens)
		l.Average(c.Average, c.Mixed, c.Sum)
		c.Scores, c.P = s[:c.Tokens], p[:c.Tokens]
	})
}
