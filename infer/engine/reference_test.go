package engine

import (
	"math"
	"testing"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// reference computes in floating point, from the papers, what a model means:
// nothing of it is shared with the engine but the meaning of the model's
// fields.
type reference struct {
	m *model.Model
}

func power(e int) float64 { return math.Ldexp(1, e) }

// product multiplies with a matrix; bias has the given fraction bits.
func (r reference) product(w *model.Linear, x []float64, bits int) []float64 {
	in := make([]float64, w.K)
	for j := range in {
		in[j] = x[j]
		if w.In != nil {
			in[j] *= float64(w.In[j]) * power(w.InExp-30)
		}
	}
	y := make([]float64, w.N)
	for i := range y {
		for j, v := range in {
			y[i] += v * float64(w.Weight[i*w.K+j])
		}
		y[i] *= float64(w.Channel[i]) * power(w.ChannelExp)
		if w.Bias != nil {
			y[i] += float64(w.Bias[i]) * power(-bits)
		}
	}
	return y
}

func (r reference) table(t *model.Table, row int) []float64 {
	x := make([]float64, t.Width)
	for j := range x {
		x[j] = float64(t.Row[row*t.Width+j]) * float64(t.Scale[row]) * power(-int(t.Shift)-r.m.Config.ResidualBits)
	}
	return x
}

func add2(x, y []float64) {
	for i := range x {
		x[i] += y[i]
	}
}

func (r reference) layerNorm(x []float64, n *model.Norm) {
	var mean, variance float64
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / float64(len(x))
	}
	root := math.Sqrt(variance + float64(r.m.Config.Epsilon)*power(-2*r.m.Config.ResidualBits))
	for i, v := range x {
		x[i] = (v-mean)/root*float64(n.Gain[i])*power(n.GainExp) + float64(n.Bias[i])*power(-r.m.Config.ResidualBits)
	}
}

func rmsNorm(x []float64, eps float64) []float64 {
	var squares float64
	for _, v := range x {
		squares += v * v / float64(len(x))
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(squares+eps)
	}
	return y
}

// attend returns what the queries q of token t find.
func (r reference) attend(l *model.Layer, q []float64, keys, values [][]float64) []float64 {
	c := &r.m.Config
	size := c.HeadSize
	found := make([]float64, c.Heads*size)
	for h := range c.Heads {
		at := h / (c.Heads / c.KVHeads) * size
		weights := make([]float64, len(keys))
		most := math.Inf(-1)
		for t, k := range keys {
			var dot float64
			for j := range size {
				dot += q[h*size+j] * k[at+j]
			}
			weights[t] = dot * power(l.QueryBits+l.KeyBits) * float64(l.Score) * power(-int(l.ScoreShift)-15)
			most = max(most, weights[t])
		}
		var sum float64
		for t := range weights {
			weights[t] = math.Exp2(weights[t] - most)
			sum += weights[t]
		}
		for t, w := range weights {
			for j := range size {
				found[h*size+j] += w / sum * values[t][at+j]
			}
		}
	}
	return found
}

// split takes queries, keys and values apart, with their own bits of bias.
func (r reference) split(l *model.Layer, x []float64) (q, k, v []float64) {
	n, kv := r.m.Config.Heads*r.m.Config.HeadSize, r.m.Config.KVHeads*r.m.Config.HeadSize
	q = r.product(l.QKV, x, l.QueryBits+4)[:n]
	k = r.product(l.QKV, x, l.KeyBits+4)[n : n+kv]
	v = r.product(l.QKV, x, l.ValueBits+4)[n+kv:]
	return q, k, v
}

func (r reference) encode(text []int32) []float64 {
	c := &r.m.Config
	xs := make([][]float64, len(text))
	for p, token := range text {
		xs[p] = r.table(&r.m.Embedding, int(token))
		add2(xs[p], r.table(&r.m.Position, p))
		r.layerNorm(xs[p], &r.m.EmbeddingNorm)
	}
	for i := range r.m.Layers {
		l := &r.m.Layers[i]
		var qs, ks, vs [][]float64
		for _, x := range xs {
			q, k, v := r.split(l, x)
			qs, ks, vs = append(qs, q), append(ks, k), append(vs, v)
		}
		for p, x := range xs {
			add2(x, r.product(l.Out, r.attend(l, qs[p], ks, vs), c.ResidualBits))
			r.layerNorm(x, &l.AttentionNorm)
			inner := r.product(l.Up, x, 16)
			for j, v := range inner {
				inner[j] = v * math.Erfc(-v/math.Sqrt2) / 2
			}
			add2(x, r.product(l.Down, inner, c.ResidualBits))
			r.layerNorm(x, &l.InnerNorm)
		}
	}
	vector := make([]float64, c.Width)
	for p, x := range xs {
		if c.Pooling == model.Mean || p == 0 {
			add2(vector, x)
		}
	}
	natural := make([]float64, c.Width)
	for j, n := range r.m.Natural {
		natural[n] = vector[j]
	}
	return natural
}

// decode returns the logits behind every token.
func (r reference) decode(text []int32) [][]float64 {
	c := &r.m.Config
	eps := float64(c.Epsilon) * power(-2*c.ResidualBits)
	xs := make([][]float64, len(text))
	for p, token := range text {
		xs[p] = r.table(&r.m.Embedding, int(token))
	}
	for i := range r.m.Layers {
		l := &r.m.Layers[i]
		var ks, vs [][]float64
		for p, x := range xs {
			q, k, v := r.split(l, rmsNorm(x, eps))
			r.turn(q, p, &l.QueryNorm)
			r.turn(k, p, &l.KeyNorm)
			ks, vs = append(ks, k), append(vs, v)
			add2(x, r.product(l.Out, r.attend(l, q, ks, vs), c.ResidualBits))
			inner := r.product(l.Up, rmsNorm(x, eps), 16)
			for j, g := range inner[:c.Inner] {
				inner[j] = g / (1 + math.Exp(-g)) * inner[c.Inner+j]
			}
			add2(x, r.product(l.Down, inner[:c.Inner], c.ResidualBits))
		}
	}
	logits := make([][]float64, len(text))
	for p, x := range xs {
		logits[p] = r.product(r.m.Head, rmsNorm(x, eps), 16)
	}
	return logits
}

// turn normalises and rotates heads.
func (r reference) turn(x []float64, position int, n *model.Norm) {
	size := r.m.Config.HeadSize
	for ; len(x) > 0; x = x[size:] {
		head := x[:size]
		if n.Gain != nil {
			for j, v := range rmsNorm(head, float64(r.m.Config.HeadEpsilon)*power(-32)) {
				head[j] = v * float64(n.Gain[j]) * power(n.GainExp)
			}
		}
		for j := range size / 2 {
			cos := float64(r.m.Cos[position*size/2+j]) / (1 << 14)
			sin := float64(r.m.Sin[position*size/2+j]) / (1 << 14)
			a, b := head[j], head[j+size/2]
			head[j], head[j+size/2] = a*cos-b*sin, b*cos+a*sin
		}
	}
}

// cosine of the angle between two vectors.
func cosine(x []int32, y []float64) float64 {
	var xy, xx, yy float64
	for i, v := range x {
		xy, xx, yy = xy+float64(v)*y[i], xx+float64(v)*float64(v), yy+y[i]*y[i]
	}
	return xy / math.Sqrt(xx*yy)
}

func length[T int32 | float64](x []T) float64 {
	var squares float64
	for _, v := range x {
		squares += float64(v) * float64(v)
	}
	return math.Sqrt(squares)
}

// What 8 bits of activations lose is far from what a slip in a formula does:
// the limits are between the two.
func TestTheEngineComputesWhatTheModelMeans(t *testing.T) {
	for _, c := range []model.Config{bert, bertC} {
		m := randomModel(t, c)
		p, err := NewPlain(m, kernel.Best(), nil)
		if err != nil {
			t.Fatal(err)
		}
		e, err := NewEncoder(m, p, kernel.Best(), 1)
		if err != nil {
			t.Fatal(err)
		}
		text := tokens(c, 40, 2)
		v, err := e.Embed(t.Context(), [][]int32{text})
		if err != nil {
			t.Fatal(err)
		}
		var squares float64
		for _, x := range v[0] {
			squares += float64(x) * float64(x) * power(-60)
		}
		if math.Abs(squares-1) > 1e-7 {
			t.Errorf("bert %s: the vector's length is the root of %v", c.Pooling, squares)
		}
		got := cosine(v[0], reference{m}.encode(text))
		t.Logf("bert %s: cosine %.6f", c.Pooling, got)
		if got < 0.999 {
			t.Errorf("bert %s: the cosine with the reference is %.6f", c.Pooling, got)
		}
	}
	for name, c := range decoders {
		m := randomModel(t, c)
		text := tokens(c, 40, 1)
		logits := oneByOne(t, m, text)
		worst, longer := 1.0, 0.0
		for p, want := range (reference{m}).decode(text) {
			got := logits[p*c.Vocab:][:c.Vocab]
			worst = min(worst, cosine(got, want))
			longer = max(longer, math.Abs(length(got)/one/length(want)-1))
		}
		t.Logf("%s: least cosine of logits %.6f, lengths differ by %.4f", name, worst, longer)
		if worst < 0.995 || longer > 0.03 {
			t.Errorf("%s: the least cosine of logits with the reference is %.6f, their lengths differ by %.4f", name, worst, longer)
		}
	}
}
