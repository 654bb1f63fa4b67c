package lighttest_test

import (
	"bytes"
	"sort"
	"testing"
	"time"

	cmt "github.com/cometbft/cometbft/types"

	"hearth/chain/light"
)

func TestForksAreFoundAndBlamedAsCometBFTDoes(t *testing.T) {
	vals := equals(0, 7)
	common := plan{height: 10, vals: vals}.make()
	honest := plan{height: 20, vals: vals, votes: map[int]cmt.BlockIDFlag{0: cmt.BlockIDFlagAbsent}}
	now := genesis.Add(time.Hour)
	for _, c := range []struct {
		name   string
		theirs func() *cmt.LightBlock
		attack light.Attack
	}{
		{"a state that no application has", func() *cmt.LightBlock {
			p := honest
			p.app = digest("a state with more coins")
			p.votes = map[int]cmt.BlockIDFlag{6: cmt.BlockIDFlagNil}
			return p.make()
		}, light.Lunatic},
		{"two blocks in one round", func() *cmt.LightBlock {
			p := honest
			p.last = digest("another block")
			p.votes = map[int]cmt.BlockIDFlag{3: cmt.BlockIDFlagAbsent}
			return p.make()
		}, light.Equivocation},
		{"two blocks in two rounds", func() *cmt.LightBlock {
			p := honest
			p.last = digest("another block")
			p.round = 1
			return p.make()
		}, light.Amnesia},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, other := honest.make(), c.theirs()
			one := func(b *cmt.LightBlock) func(int64) light.Block { return func(int64) light.Block { return ours(b) } }
			first, _ := cross(t, rules, ours(common), 20, now, one(b))
			second, _ := cross(t, rules, ours(common), 20, now, one(other))
			fork, err := light.NewFork(first, second)
			if err != nil {
				t.Fatal(err)
			}
			if fork.Attack() != c.attack {
				t.Errorf("called %s, want %s", fork.Attack(), c.attack)
			}
			theirs := (&cmt.LightClientAttackEvidence{ConflictingBlock: other}).GetByzantineValidators(common.ValidatorSet, b.SignedHeader)
			var want, got []string
			for _, v := range theirs {
				want = append(want, v.Address.String())
			}
			for _, v := range fork.Culprits() {
				got = append(got, v.Address().String())
			}
			sort.Strings(want)
			sort.Strings(got)
			if len(got) != len(want) {
				t.Fatalf("%d culprits, CometBFT finds %d", len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("culprit %s, CometBFT has %s", got[i], want[i])
				}
			}
			if fork.Error() == "" || bytes.Contains([]byte(fork.Error()), []byte("%!")) {
				t.Errorf("the report reads %q", fork.Error())
			}
		})
	}
}

func TestWalksThatMakeNoFork(t *testing.T) {
	vals := equals(0, 4)
	at := func(height int64) light.Block { return ours(plan{height: height, vals: vals}.make()) }
	now := genesis.Add(time.Hour)
	done, _ := cross(t, rules, at(1), 9, now, at)
	shorter, _ := cross(t, rules, at(1), 8, now, at)
	elsewhere, _ := cross(t, rules, at(2), 9, now, at)
	started, err := rules.Walk(at(1), 9)
	if err != nil {
		t.Fatal(err)
	}
	for name, pair := range map[string][2]*light.Walk{
		"the same block": {done, done}, "another height": {done, shorter}, "another start": {done, elsewhere},
		"the first not there": {started, done}, "the second not there": {done, started},
	} {
		if _, err := light.NewFork(pair[0], pair[1]); err == nil {
			t.Errorf("%s: taken for a fork", name)
		}
	}
}
