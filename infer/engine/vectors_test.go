package engine

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

// vectors of the parts of spec/arithmetic.md that this package defines.
const vectorsFolder = "../../spec/vectors/arithmetic/"

// checkVectors holds a file of cases against the cases as they are, one a line.
func checkVectors[C any](t *testing.T, name, note string, cases []C) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`{"note": "` + note + "\",\n\"cases\": [\n")
	for i, c := range cases {
		line, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		b.Write(line)
		if i < len(cases)-1 {
			b.WriteString(",")
		}
		b.WriteString("\n")
	}
	b.WriteString("]}\n")
	file := vectorsFolder + name + ".json"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != b.String() {
		t.Errorf("%s does not hold what is computed; go test -run Vectors -update writes it anew", file)
	}
}

func TestVectors(t *testing.T) {
	type weight struct {
		D           uint32 `json:"d"`
		Temperature uint32 `json:"temperature"`
		Weight      uint64 `json:"weight"`
	}
	var weights []weight
	for _, d := range []uint32{0, 1, one / 2, one, 3*one + 77, 20 * one, 29 * one, 30 * one, 1 << 31} {
		for _, temperature := range []uint32{1, one / 2, one, 100 * one} {
			weights = append(weights, weight{d, temperature, Weight(d, temperature)})
		}
	}
	checkVectors(t, "weights", "weight(d, T).", weights)

	type choice struct {
		Logits      []int32 `json:"logits"`
		Temperature uint32  `json:"temperature"`
		TopK        int     `json:"top_k"`
		TopP        uint32  `json:"top_p"`
		Presence    int32   `json:"presence"`
		Frequency   int32   `json:"frequency"`
		Answer      []int32 `json:"answer"`
		Seed        string  `json:"seed"`
		Position    int     `json:"position"`
		Token       int32   `json:"token"`
		Log         int32   `json:"log"`
	}
	var choices []choice
	var chooser Chooser
	for i, s := range []Sampling{
		{},
		{Presence: one, Frequency: -one / 4},
		{Temperature: one},
		{Temperature: one / 3},
		{Temperature: 2 * one, TopK: 5},
		{Temperature: one, TopP: one * 9 / 10},
		{Temperature: one, TopK: 7, TopP: one / 2, Presence: one / 2},
		{Temperature: 100 * one, TopP: one},
	} {
		for position := range 4 {
			logits := make([]int32, 24)
			for t := range logits {
				logits[t] = int32((t*t*7919+i*104729+t*position*31)%(8*one)) - 4*one
			}
			logits[5] = slices.Max(logits)
			c := choice{
				Logits: logits, Temperature: s.Temperature, TopK: s.TopK, TopP: s.TopP, Presence: s.Presence,
				Frequency: s.Frequency, Answer: []int32{5, int32(i), 5}, Position: position * 1000,
			}
			seed := [32]byte{byte(i), 31: byte(position)}
			c.Seed = hex.EncodeToString(seed[:])
			c.Token = chooser.Choose(logits, s, c.Answer, &seed, c.Position)
			c.Log = logarithm(logits[c.Token], LogSum(logits))
			choices = append(choices, c)
		}
	}
	checkVectors(t, "choices", "The token chosen and the logarithm of its probability.", choices)

	type unit struct {
		X    []int32 `json:"x"`
		Unit []int32 `json:"unit"`
	}
	var units []unit
	for _, x := range [][]int32{
		{0, 0, 0},
		{0, -5, 0},
		{3, 4},
		{1 << 30, -1 << 30, 1 << 29, 12345},
		{-1, 1 << 25, -(1 << 25) + 1, 33554431},
		{70000, -65536, 1, -1, 99999, 0, -123456},
	} {
		u := unit{x, make([]int32, len(x))}
		Unit(u.Unit, x)
		units = append(units, u)
	}
	checkVectors(t, "units", "A vector brought to length one.", units)
}
