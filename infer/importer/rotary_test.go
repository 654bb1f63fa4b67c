package importer

import "testing"

// The values are those of the Hugging Face library for Llama 3.2 1B.
func TestLlama3StretchesLongWaves(t *testing.T) {
	f, err := frequencies(500000, 64)
	if err != nil {
		t.Fatal(err)
	}
	if err := stretchLlama3(f, &hfRotary{Factor: 32, Low: 1, High: 4, Context: 8192}); err != nil {
		t.Fatal(err)
	}
	for i, want := range map[int]float64{
		0: 1, 1: 0.66360128, 8: 0.037606031, 14: 0.0032114461, 15: 0.001290548, 16: 0.00042955671,
		17: 9.7082862e-05, 18: 1.9461639e-05, 20: 8.5702559e-06, 24: 1.6619674e-06, 31: 9.4183065e-08,
	} {
		near(t, "frequency of pair", float64(i), f[i]/want, 1, 1e-6)
	}
}
