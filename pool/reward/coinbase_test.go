package reward_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"hearth/pool/job"
	"hearth/pool/reward"
)

// p2wpkh is the dust of the common address.
func p2wpkh(string) int64 { return 294 }

// TestOutputs by hand.
func TestOutputs(t *testing.T) {
	c := reward.Coinbase{Dust: p2wpkh, Most: 3}
	for _, x := range []struct {
		name    string
		dues    dues
		credits reward.Credits
		outputs []reward.Output
		after   reward.Credits
	}{
		{
			"three parties, exact",
			dues{{"host", 700_000_000}, {"operator", 250_000_000}, {"financier", 50_000_000}},
			nil,
			[]reward.Output{{"host", 700_000}, {"operator", 250_000}, {"financier", 50_000}},
			reward.Credits{},
		},
		{
			"a fraction of a sat is carried",
			dues{{"a", 500_500}, {"b", 499_500}},
			nil,
			[]reward.Output{{"a", 501}, {"b", 499}},
			reward.Credits{"a": -500, "b": 500},
		},
		{
			"dust is carried by the others",
			dues{{"a", 600_000}, {"b", 300_000}, {"c", 100_000}},
			nil,
			[]reward.Output{{"a", 667}, {"b", 333}},
			reward.Credits{"a": -67_000, "b": -33_000, "c": 100_000},
		},
		{
			"and paid when there is enough of it",
			dues{{"a", 600_000}, {"b", 294_000}, {"c", 106_000}},
			reward.Credits{"a": -194_000, "c": 194_000},
			[]reward.Output{{"a", 406}, {"c", 300}, {"b", 294}},
			reward.Credits{},
		},
		{
			"a debit leaves less than was claimed, and one falls below dust",
			dues{{"a", 1_000_000}},
			reward.Credits{"a": 200_000, "b": 300_000, "gone": -500_000},
			[]reward.Output{{"a", 1000}},
			reward.Credits{"a": 200_000, "b": 300_000, "gone": -500_000},
		},
		{
			"no room for the smallest",
			dues{{"a", 400_000}, {"b", 300_000}, {"c", 300_000}, {"d", 2_000_000}},
			nil,
			[]reward.Output{{"d", 2222}, {"a", 445}, {"b", 333}},
			reward.Credits{"a": -45_000, "b": -33_000, "c": 300_000, "d": -222_000},
		},
		{
			"all below dust: the largest gets it",
			dues{{"a", 100_000}, {"b", 101_000}},
			nil,
			[]reward.Output{{"b", 201}},
			reward.Credits{"a": 100_000, "b": -100_000},
		},
	} {
		t.Run(x.name, func(t *testing.T) {
			outputs, after, err := c.Outputs(x.dues, x.credits)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(x.outputs, outputs); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(x.after, after); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestOutputsRefused: what cannot be paid out.
func TestOutputsRefused(t *testing.T) {
	c := reward.Coinbase{Dust: p2wpkh, Most: 3}
	for name, x := range map[string]struct {
		c       reward.Coinbase
		dues    dues
		credits reward.Credits
	}{
		"no room":            {reward.Coinbase{Dust: p2wpkh}, dues{{"a", 1000}}, nil},
		"no reward":          {c, dues{{"a", 0}}, nil},
		"nobody":             {c, nil, nil},
		"parts of a sat":     {c, dues{{"a", 1001}}, nil},
		"a due below zero":   {c, dues{{"a", -1000}, {"b", 2000}}, nil},
		"more than there is": {c, dues{{"a", 1 << 61}, {"b", 1 << 61}}, nil},
		"credits out of sum": {c, dues{{"a", 1000}}, reward.Credits{"a": 1}},
		"credits too large":  {c, dues{{"a", 1000}}, reward.Credits{"a": 1 << 62, "b": -1 << 62}},
	} {
		if outputs, _, err := x.c.Outputs(x.dues, x.credits); err == nil {
			t.Errorf("%s: %v", name, outputs)
		}
	}
}

// TestOutputsConserve: over many blocks with any dues each block pays exactly
// its reward, nobody gets dust, credits add up to zero, and what each miner
// was due is what it got and what it has in credit.
func TestOutputsConserve(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		dust := int64(rapid.IntRange(0, 600).Draw(r, "dust"))
		c := reward.Coinbase{Dust: func(string) int64 { return dust }, Most: rapid.IntRange(1, 8).Draw(r, "most")}
		credits := reward.Credits{}
		due, had := map[string]int64{}, map[string]int64{}
		for block := range rapid.IntRange(1, 12).Draw(r, "blocks") {
			var list batches
			for m := range rapid.IntRange(1, 10).Draw(r, "miners") {
				list = append(list, reward.Batch{Miner: fmt.Sprint(m), Work: job.Work(rapid.Uint64Range(1, 1000).Draw(r, "work"))})
			}
			sats := rapid.Int64Range(1, 20_000).Draw(r, "sats")
			ds, err := reward.Proportional(list, sats*1000)
			if err != nil {
				r.Fatal(err)
			}
			outputs, after, err := c.Outputs(ds, credits)
			if err != nil {
				r.Fatal(err)
			}
			if len(outputs) > c.Most {
				r.Fatalf("%d outputs", len(outputs))
			}
			var paid, sum int64
			for _, o := range outputs {
				if o.Sats < dust && len(outputs) > 1 {
					r.Fatalf("block %d pays %d sats, which is dust", block, o.Sats)
				}
				paid += o.Sats
				had[o.Miner] += o.Sats * 1000
			}
			for _, d := range ds {
				due[d.Miner] += d.Millisats
			}
			for _, x := range after {
				sum += x
			}
			if paid != sats || sum != 0 {
				r.Fatalf("block %d pays %d of %d sats, credits add up to %d", block, paid, sats, sum)
			}
			for m, d := range due {
				if d != had[m]+after[m] {
					r.Fatalf("block %d: %s was due %d, got %d and has %d", block, m, d, had[m], after[m])
				}
			}
			credits = after
		}
	})
}

// TestSmallMinersArePaid: a miner of a thousandth of the pool, whose part of
// each block is dust, has its part after a hundred blocks all the same, and
// what others are in debit for it stays small.
func TestSmallMinersArePaid(t *testing.T) {
	c := reward.Coinbase{Dust: p2wpkh, Most: 100}
	rnd := rand.New(rand.NewPCG(4, 2))
	credits := reward.Credits{}
	got := map[string]int64{}
	const blocks, sats = 400, 100_000
	var due int64
	for range blocks {
		var list batches
		for m := range 10 {
			list = append(list, reward.Batch{Miner: fmt.Sprint("big", m), Work: job.Work(9_000 + rnd.IntN(2_000))})
		}
		list = append(list, reward.Batch{Miner: "small", Work: 100})
		ds, err := reward.Proportional(list, sats*1000)
		if err != nil {
			t.Fatal(err)
		}
		outputs, after, err := c.Outputs(ds, credits)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outputs {
			got[o.Miner] += o.Sats
		}
		due += ds[len(ds)-1].Millisats
		credits = after
		for m, x := range credits {
			if x > 294_000 || x < -294_000 {
				t.Fatalf("the credit of %s is %d msat", m, x)
			}
		}
	}
	if off := due - got["small"]*1000; off > 294_000 || off < -1000 || got["small"] < 30_000 {
		t.Errorf("the small miner was due %d msat and got %d sats", due, got["small"])
	}
}
