package importer

import (
	"math"

	"hearth/infer/model"
)

// headNorms applies the norms of queries and keys that qwen3 has.
func (p *pass) headNorms(l *layer, i int, y []float32) error {
	c := p.config
	if c.Family != model.Qwen3 {
		return nil
	}
	size, n := c.HeadSize, (c.Heads+2*c.KVHeads)*c.HeadSize
	q, err := p.required(queryGain, i, size)
	if err != nil {
		return err
	}
	k, err := p.required(keyGain, i, size)
	if err != nil {
		return err
	}
	q, k = p.heads(q, 1), p.heads(k, 1)
	l.queryNorm.gain, l.keyNorm.gain = widen(q), widen(k)
	row := make([]float64, size)
	for t := range p.position {
		for h := range c.Heads + c.KVHeads {
			gain := q
			if h >= c.Heads {
				gain = k
			}
			x := y[t*n+h*size:][:size]
			for j, v := range x {
				row[j] = float64(v)
			}
			root := rms(row, p.epsilon)
			for j, v := range row {
				x[j] = float32(v / root * float64(gain[j]))
			}
		}
	}
	return nil
}

// balance shares out the 12 bits that queries, keys and values have. A query's
// channel may be multiplied by what the key's is divided by: no score changes,
// and neither side spends its bits on a few large channels (the biases of
// qwen2's keys are a hundred times its queries). The two channels of a rotary
// pair take the same factor, because they turn into each other. Likewise values,
// up to half way in powers: what each channel was multiplied by is returned, for
// the product behind attention to take back. It records the largest of each.
//
// It changes what surrounds the product that was fitted, not its weights.
func (p *pass) balance(l *layer, y []float32) (values []float64) {
	c := p.config
	size, share := c.HeadSize, c.Heads/c.KVHeads
	n := (c.Heads + 2*c.KVHeads) * size
	most := p.reach(y, n)
	q, k, v := most[:c.Heads*size], most[c.Heads*size:(c.Heads+c.KVHeads)*size], most[(c.Heads+c.KVHeads)*size:]

	// For each channel of a head of keys, the factor of its queries.
	factor := make([]float64, len(k))
	if c.Family == model.Qwen3 {
		// The norms' gains are the same for all heads, so the factors are.
		for j := range size {
			var a, b float64
			for h := range c.Heads {
				a = max(a, q[h*size+j])
			}
			for h := range c.KVHeads {
				b = max(b, k[h*size+j])
			}
			for h := range c.KVHeads {
				factor[h*size+j] = evened(a, b)
			}
		}
	} else {
		for j := range factor {
			var a float64
			for h := j / size * share; h < (j/size+1)*share; h++ {
				a = max(a, q[h*size+j%size])
			}
			factor[j] = evened(a, k[j])
		}
	}
	values = make([]float64, len(v))
	top := 0.0
	for _, x := range v {
		top = max(top, x)
	}
	for j, x := range v {
		values[j] = evened(x, top)
	}

	multiply := func(row int, by float64) {
		l.qkv.unit[row] *= by
		if l.qkv.bias != nil {
			l.qkv.bias[row] *= by
		}
	}
	for j := range q {
		f := factor[j/size/share*size+j%size]
		if c.Family != model.Qwen3 {
			multiply(j, f)
		} else if j < size {
			l.queryNorm.gain[j] *= f
		}
		l.query = max(l.query, q[j]*f)
	}
	for j := range k {
		if c.Family != model.Qwen3 {
			multiply(len(q)+j, 1/factor[j])
		} else if j < size {
			l.keyNorm.gain[j] /= factor[j]
		}
		l.key = max(l.key, k[j]/factor[j])
	}
	for j := range v {
		multiply(len(q)+len(k)+j, values[j])
		l.value = max(l.value, v[j]*values[j])
	}
	return values
}

// evened returns what a has to be multiplied by to meet b half way, within
// reason.
func evened(a, b float64) float64 {
	if a == 0 || b == 0 {
		return 1
	}
	return min(max(math.Sqrt(b/a), 1.0/64), 64)
}

// reach returns how large each channel gets; of queries and keys that are
// rotated, how large the two of a pair get together, whatever the angle.
func (p *pass) reach(y []float32, n int) []float64 {
	c := p.config
	most := columnMaxima(y, n)
	if c.Kind == model.Encoder {
		return most
	}
	half := c.HeadSize / 2
	for h := range c.Heads + c.KVHeads {
		for i := range half {
			a, b := h*c.HeadSize+i, h*c.HeadSize+i+half
			pair := 0.0
			for t := range p.position {
				u, v := float64(y[t*n+a]), float64(y[t*n+b])
				pair = max(pair, float64(u*u)+float64(v*v))
			}
			most[a] = math.Sqrt(pair)
			most[b] = most[a]
		}
	}
	return most
}

// mix computes attention from queries, keys and values.
func (p *pass) mix(y []float32) []float32 {
	c := p.config
	size, n, width := c.HeadSize, (c.Heads+2*c.KVHeads)*c.HeadSize, c.Heads*c.HeadSize
	if c.Kind == model.Decoder {
		p.rotate(y, n)
	}
	out := make([]float32, len(p.position)*width)
	scale := 1 / math.Sqrt(float64(size))
	share(len(p.passages), func(from, to int) {
		for _, text := range p.passages[from:to] {
			weights := make([]float64, text.to-text.from)
			for t := text.from; t < text.to; t++ {
				last := text.to
				if c.Kind == model.Decoder {
					last = t + 1
				}
				for h := range c.Heads {
					q := y[t*n+h*size:][:size]
					kv := c.Heads + h/(c.Heads/c.KVHeads)
					most := math.Inf(-1)
					for u := text.from; u < last; u++ {
						s := float64(dot(q, y[u*n+kv*size:][:size])) * scale
						weights[u-text.from] = s
						most = max(most, s)
					}
					sum := 0.0
					for u := range last - text.from {
						weights[u] = exp(weights[u] - most)
						sum += weights[u]
					}
					dst := out[t*width+h*size:][:size]
					for u := text.from; u < last; u++ {
						w := float32(weights[u-text.from] / sum)
						for j, v := range y[u*n+(kv+c.KVHeads)*size:][:size] {
							dst[j] += float32(w * v)
						}
					}
				}
			}
		}
	})
	return out
}

// rotate applies rotary position embedding to queries and keys.
func (p *pass) rotate(y []float32, n int) {
	c := p.config
	half := c.HeadSize / 2
	share(len(p.position), func(from, to int) {
		for t := from; t < to; t++ {
			for i, f := range p.frequency {
				sin, cos := sincos(f * float64(p.position[t]))
				for h := range c.Heads + c.KVHeads {
					x := y[t*n+h*c.HeadSize:][:c.HeadSize]
					a, b := float64(x[i]), float64(x[i+half])
					x[i] = float32(float64(a*cos) - float64(b*sin))
					x[i+half] = float32(float64(b*cos) + float64(a*sin))
				}
			}
		}
	})
}
