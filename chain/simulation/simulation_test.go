package simulation_test

import (
	"flag"
	"fmt"
	"sync"
	"testing"

	"hearth/chain/app"
	"hearth/chain/simulation"
)

var (
	seeds  = flag.Uint64("seeds", 200, "simulate so many `networks`")
	from   = flag.Uint64("from", 1, "the first `seed`")
	blocks = flag.Int64("blocks", 60, "simulate so many `blocks` of each")
)

func TestSeeds(t *testing.T) {
	// What the SDK keeps for the whole process is written before anything runs
	// beside another.
	if _, err := app.NewEncoding(); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	all := simulation.Report{}
	t.Run("all", func(t *testing.T) {
		for seed := *from; seed < *from+*seeds; seed++ {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				report, err := simulation.Run(t.Context(), simulation.Options{Seed: seed, Blocks: *blocks})
				if err != nil {
					t.Fatal(err)
				}
				mu.Lock()
				defer mu.Unlock()
				all.Add(report)
			})
		}
	})
	t.Logf("what happened:\n%v", all)
}
