package engine

import "hearth/infer/kernel"

// gather brings the keys and values of one head of a text side by side, as
// [kernel.PutKey] and [kernel.PutValue] do for one token; behind the last are
// zeros. It is written out for 16 channels at a time because an encoder does
// it for every token in every layer.
func (g *encoding) gather(text span, head int) {
	var (
		size, n = g.config.HeadSize, g.channels()
		tokens  = text.to - text.from
		key     = (g.config.Heads + head) * size
		value   = key + g.config.KVHeads*size
		whole   = tokens / blockTokens * blockTokens * size
		room    = kernel.BlockTokens(tokens) * size
	)
	clear(g.keys[whole:room])
	clear(g.values[whole:room])
	for t := range tokens {
		row := g.heads[(text.from+t)*n+key:][:size]
		block := g.keys[t/blockTokens*blockTokens*size+t%blockTokens*2:]
		scatter((*[226]int16)(block), (*[16]int16)(row))
		for j := 16; j < size; j += 16 {
			scatter((*[226]int16)(block[16*j:]), (*[16]int16)(row[j:]))
		}
	}
	var none [16]int16 // the value behind an odd last one
	for t := 0; t < tokens; t += 2 {
		row := g.heads[(text.from+t)*n+value:]
		for j := 0; j < size; j += 16 {
			next := &none
			if t+1 < tokens {
				next = (*[16]int16)(row[n+j:])
			}
			interleave((*[32]int16)(g.values[t*size+2*j:]), (*[16]int16)(row[j:]), next)
		}
	}
}

// scatter writes 16 channels of a token's key into its block, in pairs.
func scatter(dst *[226]int16, x *[16]int16) {
	dst[0], dst[1] = x[0], x[1]
	dst[32], dst[33] = x[2], x[3]
	dst[64], dst[65] = x[4], x[5]
	dst[96], dst[97] = x[6], x[7]
	dst[128], dst[129] = x[8], x[9]
	dst[160], dst[161] = x[10], x[11]
	dst[192], dst[193] = x[12], x[13]
	dst[224], dst[225] = x[14], x[15]
}

// interleave writes 16 channels of the values of two tokens.
func interleave(dst *[32]int16, x, y *[16]int16) {
	dst[0], dst[1] = x[0], y[0]
	dst[2], dst[3] = x[1], y[1]
	dst[4], dst[5] = x[2], y[2]
	dst[6], dst[7] = x[3], y[3]
	dst[8], dst[9] = x[4], y[4]
	dst[10], dst[11] = x[5], y[5]
	dst[12], dst[13] = x[6], y[6]
	dst[14], dst[15] = x[7], y[7]
	dst[16], dst[17] = x[8], y[8]
	dst[18], dst[19] = x[9], y[9]
	dst[20], dst[21] = x[10], y[10]
	dst[22], dst[23] = x[11], y[11]
	dst[24], dst[25] = x[12], y[12]
	dst[26], dst[27] = x[13], y[13]
	dst[28], dst[29] = x[14], y[14]
	dst[30], dst[31] = x[15], y[15]
}
