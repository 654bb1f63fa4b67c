package engine

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hearth/infer/kernel"
)

func TestWeightsArePowersOfE(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := rapid.Uint32Max(1<<31-1).Draw(t, "d")
		if rapid.Bool().Draw(t, "near") {
			d %= 1 << 22
		}
		temperature := rapid.Uint32Range(1, 100*one).Draw(t, "temperature")
		got := float64(Weight(d, temperature)) / (1 << weightBits)
		want := math.Exp(-float64(d) / float64(temperature))
		if math.Abs(got-want) > want/(1<<26)+1.0/(1<<42) {
			t.Errorf("Weight(%d, %d) is %g, e to the power is %g", d, temperature, got, want)
		}
	})
	if Weight(0, 1) != 1<<weightBits {
		t.Errorf("the weight of the likeliest token is %d, not 1", Weight(0, 1))
	}
}

func TestLogarithmsOfProbabilities(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Int32Range(-30*one, 30*one), 1, 3000).Draw(t, "logits")
		var sum float64
		most := float64(slices.Max(logits)) / one
		for _, l := range logits {
			sum += math.Exp(float64(l)/one - most)
		}
		want := (most + math.Log(sum)) * one
		if got := float64(LogSum(logits)); math.Abs(got-want) >= 1 {
			t.Errorf("the logarithm of the sum is %v/65536, it should be %v/65536", got, want)
		}
	})
}

func TestChoosing(t *testing.T) {
	logits := []int32{1 * one, 3 * one, 0, 3 * one, 2 * one, -one}
	for _, c := range []struct {
		what     string
		sampling Sampling
		answer   []int32
		can      []int32 // be chosen
	}{
		{"the likeliest, the first of two", Sampling{}, nil, []int32{1}},
		{"what was written costs", Sampling{Presence: one}, []int32{1}, []int32{3}},
		{"what was written often costs more", Sampling{Frequency: one / 2}, []int32{1, 1, 3}, []int32{3}},
		{"what was written can be made likely", Sampling{Presence: -4 * one}, []int32{5, 0}, []int32{0}},
		{"as the probabilities are", Sampling{Temperature: one}, nil, []int32{0, 1, 2, 3, 4, 5}},
		{"hardly warm", Sampling{Temperature: 1}, nil, []int32{1, 3}},
		{"the first of the two likeliest", Sampling{Temperature: one, TopK: 1}, nil, []int32{1}},
		{"the three likeliest", Sampling{Temperature: one, TopK: 3}, nil, []int32{1, 3, 4}},
		{"more than there are", Sampling{Temperature: one, TopK: 100}, nil, []int32{0, 1, 2, 3, 4, 5}},
		{"half the probability", Sampling{Temperature: one, TopP: one / 2}, nil, []int32{1, 3}},
		{"next to nothing of it", Sampling{Temperature: one, TopP: 1}, nil, []int32{1}},
		{"half of what three tokens have", Sampling{Temperature: one, TopK: 3, TopP: one / 2}, nil, []int32{1, 3}},
		{"all of it", Sampling{Temperature: one, TopP: one}, nil, []int32{0, 1, 2, 3, 4, 5}},
	} {
		t.Run(c.what, func(t *testing.T) {
			var chooser Chooser
			seen := map[int32]bool{}
			for position := range 2000 {
				seen[chooser.Choose(logits, c.sampling, c.answer, &[32]byte{1}, position)] = true
			}
			var got []int32
			for token := range seen {
				got = append(got, token)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.can) {
				t.Errorf("chosen of 2000 are %v, they should be %v", got, c.can)
			}
		})
	}
}

func TestTokensAreDrawnAsOftenAsTheyAreLikely(t *testing.T) {
	logits := []int32{0, one, 2 * one, -one}
	for _, temperature := range []uint32{one / 2, one, 2 * one} {
		const draws = 100_000
		var chooser Chooser
		counts := make([]float64, len(logits))
		for position := range draws {
			counts[chooser.Choose(logits, Sampling{Temperature: temperature}, nil, &[32]byte{2}, position)]++
		}
		var sum float64
		for _, l := range logits {
			sum += math.Exp(float64(l) / float64(temperature))
		}
		for token, l := range logits {
			p := math.Exp(float64(l)/float64(temperature)) / sum
			if sigma := math.Sqrt(draws * p * (1 - p)); math.Abs(counts[token]-draws*p) > 5*sigma {
				t.Errorf("at temperature %d/65536 token %d was drawn %v times of %d, its probability is %.4f",
					temperature, token, counts[token], draws, p)
			}
		}
	}
}

// The definition in the words of Choose, without a heap.
func TestChoosingFollowsItsDefinition(t *testing.T) {
	var chooser Chooser
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Int32Range(-8, 8), 1, 60).Draw(t, "logits")
		for i := range logits {
			logits[i] *= one / 4
		}
		s := Sampling{
			Temperature: rapid.Uint32Range(1, 3*one).Draw(t, "temperature"),
			TopK:        rapid.IntRange(0, 70).Draw(t, "k"),
			TopP:        rapid.Uint32Range(0, one).Draw(t, "p"),
		}
		position := rapid.IntRange(0, 100).Draw(t, "position")
		order := make([]int32, len(logits))
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortFunc(order, func(a, b int32) int {
			return cmp.Or(cmp.Compare(logits[b], logits[a]), cmp.Compare(a, b))
		})
		weight := func(t int32) uint64 { return Weight(uint32(logits[order[0]]-logits[t]), s.Temperature) }
		kept := order
		if s.TopK > 0 {
			kept = kept[:min(s.TopK, len(kept))]
		}
		if s.TopP > 0 {
			var all, sum uint64
			for _, t := range kept {
				all += weight(t)
			}
			for i, t := range kept {
				if sum += weight(t); reaches(sum, s.TopP, all) {
					kept = kept[:i+1]
					break
				}
			}
		}
		weights := make([]uint64, len(logits))
		for _, t := range kept {
			weights[t] = weight(t)
		}
		seed := [32]byte{3}
		want := draw(weights, &seed, position)
		if got := chooser.Choose(logits, s, nil, &seed, position); got != want {
			t.Errorf("chosen is %d, the definition gives %d", got, want)
		}
	})
}

func TestSettingsThatMakeNoSense(t *testing.T) {
	for _, s := range []Sampling{
		{Temperature: 101 * one}, {TopK: -1}, {TopP: one + 1}, {Presence: -101 * one}, {Frequency: 101 * one},
	} {
		if s.Check() == nil {
			t.Errorf("%+v is taken", s)
		}
	}
}

// Logits as far apart as a model's can be: the logarithm is the least there is,
// not one above zero.
func TestTheLogarithmOfNoProbabilityAtAll(t *testing.T) {
	logits := []int32{kernel.Limit, -kernel.Limit, kernel.Limit}
	var c Chooser
	likely := c.Likeliest(nil, logits, 3)
	want := []Likely{{0, -45426}, {2, -45426}, {1, math.MinInt32}} // -ln 2
	if !slices.Equal(likely, want) {
		t.Errorf("the logarithms are %v, want %v", likely, want)
	}
}
