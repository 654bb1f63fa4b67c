package kernel

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/zeebo/blake3"
)

func hashBytes(words []uint32) []byte {
	var b []byte
	for _, w := range words {
		b = binary.LittleEndian.AppendUint32(b, w)
	}
	return b
}

func randomBytes(r *rand.Rand, b []byte) []byte {
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func TestRowsHashAsBLAKE3DoesOnEveryLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, level := range Levels() {
		for _, k := range []int{64, 256, 384, 1024, 1088, 1536, 2048, 2112, 3072, 4096, 5184, 8960, 16384} {
			for _, m := range []int{0, 1, 3, 16, 17, 33} {
				rows := randomBytes(r, make([]byte, m*Stride(k)))
				got := make([][8]uint32, m)
				HashRows(level, got, rows, k)
				for i := range got {
					if want := blake3.Sum256(rows[i*Stride(k):][:k]); string(hashBytes(got[i][:])) != string(want[:]) {
						t.Fatalf("%v: row %d of %d of %d bytes hashes to %x, want %x", level, i, m, k, hashBytes(got[i][:]), want)
					}
				}
			}
		}
	}
}

func TestBlocksHashAsKeyedBLAKE3DoesOnEveryLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, level := range Levels() {
		for _, size := range []int{0, 1, 2, 40, 64} {
			for _, m := range []int{0, 1, 9, 16, 40} {
				for _, keys := range []int{1, m} {
					for _, blocks := range []int{1, m} {
						if keys*blocks == 0 {
							continue
						}
						t.Run(fmt.Sprintf("%v/%d bytes/%d hashes/%d keys/%d blocks", level, size, m, keys, blocks), func(t *testing.T) {
							key, block := make([]uint32, 8*keys), make([]uint32, words*blocks)
							for i := range key {
								key[i] = r.Uint32()
							}
							for i := range blocks {
								var b [64]byte
								randomBytes(r, b[:size])
								for j := range words {
									block[words*i+j] = binary.LittleEndian.Uint32(b[4*j:])
								}
							}
							got := make([]uint32, words*m)
							HashBlocks(level, got, key, block, size)
							for i := range m {
								h, err := blake3.NewKeyed(hashBytes(key[i%keys*8:][:8]))
								if err != nil {
									t.Fatal(err)
								}
								h.Write(hashBytes(block[i%blocks*words:][:words])[:size])
								want := make([]byte, 64)
								h.Digest().Read(want)
								if got := hashBytes(got[words*i:][:words]); string(got) != string(want) {
									t.Fatalf("message %d hashes to %x, want %x", i, got, want)
								}
							}
						})
					}
				}
			}
		}
	}
}

func TestShortHashesAreFoundOnEveryLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	for _, level := range Levels() {
		for _, n := range []int{0, 1, 2, 5, 7, 9, 15, 16, 17, 33, 40} {
			for _, each := range []int{1, 2, 3, 5, 12, 31, 33, 70, 600} {
				if n*each > 6000 {
					continue
				}
				keys, blocks, hashes := make([]uint32, 8*n), make([]uint32, words*n*each), make([]uint32, words*n*each)
				for i := range keys {
					keys[i] = r.Uint32()
				}
				for i := range blocks {
					blocks[i] = r.Uint32()
				}
				for i := range n {
					part := words * each * i
					HashBlocks(Go, hashes[part:][:words*each], keys[8*i:][:8], blocks[part:][:words*each], 64)
				}
				// None, few, one of the limits that are met, all.
				for _, most := range []uint32{0, 1 << 25, 1 << 28, 1<<32 - 2, 1<<32 - 1, 7} {
					if most == 7 && n > 0 {
						most = hashes[words*(n*each/2)+7]
					}
					want := []int{-1}
					for i := range n * each {
						if hashes[words*i+7] <= most {
							want = append(want, i)
						}
					}
					if got := HashShort(level, []int{-1}, keys, blocks, most); !slices.Equal(got, want) {
						t.Fatalf("%v: of %d messages for each of %d keys, %v hash to at most %#x, want %v", level, each, n, got, most, want)
					}
				}
			}
		}
	}
}

func TestTreesAreBuiltOfChunksAndNodes(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	data := randomBytes(r, make([]byte, 64*leafSize))
	want := blake3.Sum256(data)
	for _, level := range Levels() {
		values := make([][8]uint32, 64)
		HashChunks(level, values[:40], data[:40*leafSize], 0)
		HashChunks(level, values[40:], data[40*leafSize:], 40)
		for n := 32; n >= 1; n /= 2 {
			HashNodes(level, values[:n], values[:2*n], n == 1)
		}
		if got := hashBytes(values[0][:]); string(got) != string(want[:]) {
			t.Errorf("%v: the root of 64 maxLeaves is %x, want %x", level, got, want)
		}
	}
}

func TestHashingAllocatesNothing(t *testing.T) {
	for _, level := range Levels() {
		rows, hashes := Rows(20, 1536), make([][8]uint32, 20)
		out, keys, blocks := make([]uint32, 20*words), make([]uint32, 20*8), make([]uint32, 20*words)
		found := make([]int, 0, 20)
		if n := testing.AllocsPerRun(5, func() {
			HashRows(level, hashes, rows, 1536)
			HashBlocks(level, out, keys, blocks, 64)
			found = HashShort(level, found[:0], keys, blocks, 1<<31)
		}); n != 0 {
			t.Errorf("%v allocates %v times", level, n)
		}
	}
}

func BenchmarkHashRows(b *testing.B) {
	for _, level := range Levels() {
		for _, k := range []int{384, 1536, 4096} {
			b.Run(fmt.Sprintf("%v/k=%d", level, k), func(b *testing.B) {
				rows, hashes := Rows(128, k), make([][8]uint32, 128)
				b.SetBytes(int64(128 * k))
				for b.Loop() {
					HashRows(level, hashes, rows, k)
				}
			})
		}
	}
}

func BenchmarkHashBlocks(b *testing.B) {
	for _, level := range Levels() {
		b.Run(level.String(), func(b *testing.B) {
			out, keys, blocks := make([]uint32, 64*words), make([]uint32, 64*8), make([]uint32, 64*words)
			for b.Loop() {
				HashBlocks(level, out, keys[:8], blocks, 64)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/64, "ns/hash")
		})
	}
}

func BenchmarkHashShort(b *testing.B) {
	for _, level := range Levels() {
		for _, each := range []int{1, 12, 32} {
			b.Run(fmt.Sprintf("%v/each=%d", level, each), func(b *testing.B) {
				keys, blocks := make([]uint32, 32*8), make([]uint32, 32*each*words)
				for b.Loop() {
					HashShort(level, nil, keys, blocks, 0)
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(32*each), "ns/hash")
			})
		}
	}
}
