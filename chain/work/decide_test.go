package work

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/judge"
	"hearth/infer/model"
)

// said is a verdict in a few words: who gave it with how much power, what for,
// and whether the seal is of the run.
type said struct {
	power           uint64
	void            []string // tickets, by letter
	why             string
	receipt, other  bool
	lazy, elsewhere bool // no seal of any run; a seal of another run
}

func verdictsOf(all []said, digest model.Hash) []Verdict {
	var out []Verdict
	for i, s := range all {
		v := Verdict{Validator: string(rune('A' + i)), Power: s.power, ReceiptWrong: s.receipt, AgainstWrong: s.other}
		seal := judge.Seal(v.Validator, digest)
		if s.elsewhere {
			seal = judge.Seal(v.Validator, model.Hash{1})
		}
		if s.lazy {
			seal = model.Hash{0xFF}
		}
		v.Seal = seal[:]
		for _, t := range s.void {
			v.Faults = append(v.Faults, Fault{Nullifier: []byte(t), Reason: s.why})
		}
		out = append(out, v)
	}
	return out
}

func TestWhatMoreThanTwoThirdsOfPowerFoundCounts(t *testing.T) {
	digest := model.Hash{42}
	for _, c := range []struct {
		name             string
		said             []said
		total            uint64
		unrevealed       bool
		tickets          string // ruling about tickets a and b: + holds, - wrong, ? undecided
		receipt, against ruling
		standing         []Standing
		reason           string // of ticket a
	}{
		{
			name: "all agree that all holds", total: 40, said: []said{{power: 10}, {power: 10}, {power: 10}, {power: 10}},
			tickets: "++", receipt: holds, against: holds,
			standing: []Standing{STANDING_STOOD, STANDING_STOOD, STANDING_STOOD, STANDING_STOOD},
		},
		{
			name: "two thirds are not more than two thirds", total: 30, said: []said{{power: 10}, {power: 10}},
			tickets: "??", standing: []Standing{STANDING_STOOD, STANDING_STOOD},
		},
		{
			name: "those who say nothing count as power", total: 1000, said: []said{{power: 10}, {power: 656}},
			tickets: "??", standing: []Standing{STANDING_STOOD, STANDING_STOOD},
		},
		{
			name: "one unit more than two thirds is enough", total: 1000, said: []said{{power: 10}, {power: 657}},
			tickets: "++", receipt: holds, against: holds, standing: []Standing{STANDING_STOOD, STANDING_STOOD},
		},
		{
			name: "a ticket that most find wrong, with the reason of most power", total: 40,
			said: []said{
				{power: 9, void: []string{"a"}, why: "row repeats"},
				{power: 11, void: []string{"a"}, why: "row not the job's"},
				{power: 10, void: []string{"a"}, why: "row repeats"},
				{power: 10},
			},
			tickets: "-+", receipt: holds, against: holds, reason: "row repeats",
			standing: []Standing{STANDING_STOOD, STANDING_STOOD, STANDING_STOOD, STANDING_WRONG},
		},
		{
			name: "a liar who finds fault", total: 40, said: []said{{power: 10, void: []string{"b"}, why: "target missed", receipt: true}, {power: 10}, {power: 10}, {power: 10}},
			tickets: "++", receipt: holds, against: holds,
			standing: []Standing{STANDING_WRONG, STANDING_STOOD, STANDING_STOOD, STANDING_STOOD},
		},
		{
			name: "a lazy one counts for nothing", total: 30, said: []said{{power: 10, lazy: true}, {power: 10}, {power: 10}},
			tickets: "??", standing: []Standing{STANDING_LAZY, STANDING_STOOD, STANDING_STOOD},
		},
		{
			name: "a seal over another run is lazy too", total: 40, said: []said{{power: 10, elsewhere: true, receipt: true}, {power: 10}, {power: 10}, {power: 10}},
			tickets: "++", receipt: holds, against: holds,
			standing: []Standing{STANDING_LAZY, STANDING_STOOD, STANDING_STOOD, STANDING_STOOD},
		},
		{
			name: "without a digest nothing is decided and nobody punished", total: 40, unrevealed: true,
			said: []said{{power: 10, lazy: true}, {power: 10}, {power: 10, receipt: true}, {power: 10}}, tickets: "??",
			standing: []Standing{STANDING_UNDECIDED, STANDING_UNDECIDED, STANDING_UNDECIDED, STANDING_UNDECIDED},
		},
		{
			name: "a split punishes nobody", total: 40, said: []said{{power: 10, receipt: true}, {power: 10, receipt: true}, {power: 10}, {power: 10}},
			tickets: "++", receipt: undecided, against: holds,
			standing: []Standing{STANDING_STOOD, STANDING_STOOD, STANDING_STOOD, STANDING_STOOD},
		},
		{
			name: "the other claim's receipt is wrong", total: 40, said: []said{{power: 10, other: true}, {power: 10, other: true}, {power: 10, other: true}, {power: 10}},
			tickets: "++", receipt: holds, against: wrong,
			standing: []Standing{STANDING_STOOD, STANDING_STOOD, STANDING_STOOD, STANDING_WRONG},
		},
		{name: "nobody spoke", total: 40, tickets: "??"},
		{name: "there is no power at all", said: []said{{power: 0}}, tickets: "??", standing: []Standing{STANDING_STOOD}},
	} {
		t.Run(c.name, func(t *testing.T) {
			revealed := digest[:]
			if c.unrevealed {
				revealed = nil
			}
			o := decide(verdictsOf(c.said, digest), revealed, [][]byte{[]byte("a"), []byte("b")}, true, c.total)
			got := ""
			for _, f := range o.tickets {
				got += string("?+-"[f.ruling])
			}
			if got != c.tickets || o.receipt != c.receipt || o.against != c.against || !slices.Equal(o.standing, c.standing) || o.tickets[0].reason != c.reason {
				t.Errorf("got %s %+v\nwant %s, receipt %v, against %v, %v, %q", got, o, c.tickets, c.receipt, c.against, c.standing, c.reason)
			}
		})
	}
}

// Whatever a third of power says, with whatever seals, cannot make honest
// validators wrong or lazy, nor overturn what they agree on.
func TestAThirdOfPowerDecidesNothing(t *testing.T) {
	digest := model.Hash{42}
	rapid.Check(t, func(t *rapid.T) {
		honest := rapid.SliceOfN(rapid.Uint64Range(1, 1000), 1, 20).Draw(t, "honest")
		var all []said
		var good uint64
		for _, p := range honest {
			all = append(all, said{power: p, void: []string{"b"}, why: "row repeats"})
			good += p
		}
		bad := uint64(0)
		for 3*good > 2*(good+bad) {
			p := rapid.Uint64Range(1, 500).Draw(t, "power")
			if 3*good <= 2*(good+bad+p) {
				break
			}
			bad += p
			s := said{power: p, why: "target missed", lazy: rapid.Bool().Draw(t, "lazy"), elsewhere: rapid.Bool().Draw(t, "elsewhere"), receipt: rapid.Bool().Draw(t, "receipt")}
			for _, ticket := range []string{"a", "b"} {
				if rapid.Bool().Draw(t, ticket) {
					s.void = append(s.void, ticket)
				}
			}
			all = append(all, s)
		}
		o := decide(verdictsOf(all, digest), digest[:], [][]byte{[]byte("a"), []byte("b")}, false, good+bad)
		if o.tickets[0].ruling != holds || o.tickets[1].ruling != wrong || o.receipt != holds || o.tickets[1].reason != "row repeats" {
			t.Fatalf("%d of %d power are honest: %+v", good, good+bad, o)
		}
		for i := range honest {
			if o.standing[i] != STANDING_STOOD {
				t.Fatalf("honest validator %d is %v", i, o.standing[i])
			}
		}
	})
}
