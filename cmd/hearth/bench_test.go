package main

import (
	"encoding/json"
	"testing"
)

// The benchmark of products measures everything that it promises; how fast
// this machine is, no test says.
func TestBenchWork(t *testing.T) {
	if testing.Short() {
		t.Skip("it multiplies for some seconds")
	}
	out, _ := must(t, 0, "bench", "work", "--json", "--time", "1ms")
	var got struct {
		Machine machine
		Shapes  []map[string]float64
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Shapes) == 0 || got.Machine.PeakOne <= 0 || got.Machine.ReadAll <= 0 {
		t.Fatalf("measured %+v", got)
	}
	for _, s := range got.Shapes {
		for _, name := range []string{"rows", "columns", "length", "peak_gops", "plain_gops", "ticketed_gops", "plain_of_peak", "gain_all_cores", "check_us"} {
			if s[name] <= 0 {
				t.Errorf("%s is %v in %v", name, s[name], s)
			}
		}
	}
}
