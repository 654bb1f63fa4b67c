package engine

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// whole holds what the cache keeps books on against the sequences there are.
func (c *cache) whole(live []*Sequence) error {
	have := make([]int, len(c.blocks))
	for _, s := range live {
		for _, i := range s.blocks {
			have[i]++
		}
		var blocks []int32
		for _, r := range s.runs {
			for i := range r.blocks {
				blocks = append(blocks, int32(r.from+i))
			}
		}
		if !slices.Equal(blocks, s.blocks) {
			return fmt.Errorf("the runs %v are not the blocks %v", s.runs, s.blocks)
		}
	}
	listed := make([]bool, len(c.blocks))
	count, last := 0, int32(nowhere)
	for i := c.oldest; i != nowhere; i = c.blocks[i].newer {
		if listed[i] || c.blocks[i].older != last {
			return fmt.Errorf("the list of unused blocks is broken at block %d", i)
		}
		listed[i], last = true, i
		count++
	}
	if last != c.newest || count != c.unused {
		return fmt.Errorf("the list ends at block %d after %d, it should be %d after %d", last, count, c.newest, c.unused)
	}
	held := 0
	for i, b := range c.blocks {
		if b.sequences != have[i] || listed[i] != (have[i] == 0) {
			return fmt.Errorf("block %d counts %d sequences of %d, and whether it is unused is %v", i, b.sequences, have[i], listed[i])
		}
		if !b.held {
			continue
		}
		held++
		if at, ok := c.known[b.holds]; !ok || int(at) != i {
			return fmt.Errorf("block %d is not known for what it holds", i)
		}
	}
	if held != len(c.known) {
		return fmt.Errorf("%d blocks are known and %d hold something", len(c.known), held)
	}
	return nil
}

// Sequences come and go in any order, at any point of their tokens. A block
// that is found for one must hold the keys and values of exactly its tokens,
// behind exactly those before them: anything else would be another's text.
func TestWhatTheCacheFindsIsOfTheSameTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, err := newCache(1, 1, 16, int64(rapid.IntRange(1, 12).Draw(t, "blocks"))*blockTokens*16*4)
		if err != nil {
			t.Fatal(err)
		}
		wrote := make([]string, len(c.blocks)) // all tokens up to the end of what was last written there
		var live []*Sequence
		text := rapid.Custom(func(t *rapid.T) []int32 { // few blocks to begin with, so that many texts begin alike
			var tokens []int32
			for _, kind := range rapid.SliceOfN(rapid.Int32Range(0, 2), 1, 6).Draw(t, "kinds") {
				tokens = append(tokens, slices.Repeat([]int32{kind}, blockTokens)...)
			}
			return tokens[:rapid.IntRange(1, len(tokens)).Draw(t, "length")]
		})
		t.Repeat(map[string]func(*rapid.T){
			"begin": func(t *rapid.T) {
				prompt := text.Draw(t, "prompt")
				room := len(prompt) + rapid.IntRange(1, 40).Draw(t, "more")
				s := &Sequence{room: room}
				unused := c.unused
				have, ok := c.begin(s, prompt, room)
				if !ok {
					if want := (room + blockTokens - 1) / blockTokens; want <= unused || len(s.blocks) > 0 {
						t.Fatalf("%d blocks are refused, %d are unused", want, unused)
					}
					return
				}
				if have >= len(prompt) {
					t.Fatalf("%d of %d tokens are found: none is left to compute", have, len(prompt))
				}
				for i := range have / blockTokens {
					if want := fmt.Sprint(prompt[:(i+1)*blockTokens]); wrote[s.blocks[i]] != want {
						t.Fatalf("block %d of the prompt is found where %q was written, it is %q", i, wrote[s.blocks[i]], want)
					}
				}
				s.tokens = slices.Clone(prompt[:have])
				live = append(live, s)
			},
			"write": func(t *rapid.T) {
				if len(live) == 0 {
					return
				}
				s := rapid.SampledFrom(live).Draw(t, "sequence")
				for _, token := range text.Draw(t, "tokens") {
					if len(s.tokens) == s.room {
						break
					}
					s.tokens = append(s.tokens, token)
					at := s.blocks[(len(s.tokens)-1)/blockTokens]
					if b := c.blocks[at]; b.sequences != 1 || b.held {
						t.Fatalf("block %d is written to; it has %d sequences, and that it is known is %v", at, b.sequences, b.held)
					}
					wrote[at] = fmt.Sprint(s.tokens)
				}
			},
			"end": func(t *rapid.T) {
				if len(live) == 0 {
					return
				}
				i := rapid.IntRange(0, len(live)-1).Draw(t, "sequence")
				c.end(live[i])
				live = slices.Delete(live, i, i+1)
			},
			"": func(t *rapid.T) {
				if err := c.whole(live); err != nil {
					t.Fatal(err)
				}
			},
		})
	})
}
