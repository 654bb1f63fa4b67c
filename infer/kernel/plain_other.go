//go:build !(amd64 || arm64) || purego

package kernel

func (x *Matrix) columns(c []int32, a []uint8, m, from, to int) { x.plain(c, a, m, from, to) }

func (t *Ticketed) tiles(c []int32, states, initial []uint32, a []uint8, e []int8, m, from, to int) {
	t.plainTiles(c, states, initial, a, e, m, from, to)
}

func noise(_ Level, dst, a []uint8, e []int8, perm []uint8) { plainNoise(dst, a, e, perm) }

func transcribe(_ Level, state *[words]uint32, u []uint8, w []int8) { plainTile(state, u, w) }

func peak(_ Level, turns int) int64 {
	operations, _ := plainPeak(turns)
	return operations
}

func read(_ Level, p []uint8) uint64 { return plainRead(p) }

func pack(_ Level, panel, w []int8, columns, k int) { plainPack(panel, w, columns, k, k) }
