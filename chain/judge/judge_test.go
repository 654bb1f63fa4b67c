package judge_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/judge"
	"hearth/infer/model"
	"hearth/work"
)

func TestWhatIsHonestHolds(t *testing.T) {
	for name, job := range jobs() {
		t.Run(name, func(t *testing.T) {
			m := worldOf(t, job).mine(t, job)
			if len(m.tickets) == 0 {
				t.Fatal("no ticket was found: nothing is shown")
			}
			v := m.try(t.Context(), t, m.tickets, m.receipt)
			if len(v.Faults) > 0 || v.Receipt != nil {
				t.Errorf("faults %v, receipt %v: want none", v.Faults, v.Receipt)
			}
			if !slices.Equal(v.Output, m.output) {
				t.Errorf("the job yields %v, the miner had %v", v.Output, m.output)
			}
		})
	}
}

// The one run of a trial says of each ticket what two tiers say of it alone,
// whatever is wrong with it.
func TestATrialSaysWhatTheTiersSay(t *testing.T) {
	worlds := map[bool]*world{false: newWorld(t, smallEncoder), true: newWorld(t, smallDecoder)}
	honest := map[string]*mined{}
	names := []string{}
	for name, job := range jobs() {
		honest[name] = worlds[job.Most > 0].mine(t, job)
		names = append(names, name)
	}
	slices.Sort(names)
	met := map[work.Reason]int{}
	rapid.Check(t, func(r *rapid.T) {
		m := honest[rapid.SampledFrom(names).Draw(r, "job")]
		var tickets []*work.Ticket
		for range rapid.IntRange(1, 4).Draw(r, "tickets") {
			x := *rapid.SampledFrom(m.tickets).Draw(r, "ticket")
			m.spoil(t, r, &x)
			tickets = append(tickets, &x)
		}
		want := map[model.Hash][]work.Reason{}
		for _, x := range tickets {
			reason := m.alone(t, x)
			met[reason]++
			if reason != "" {
				want[x.Nullifier()] = append(want[x.Nullifier()], reason)
			}
		}
		v := m.try(t.Context(), t, tickets, nil)
		got := map[model.Hash][]work.Reason{}
		for i, f := range v.Faults {
			got[f.Nullifier] = append(got[f.Nullifier], f.Reason)
			if i > 0 && bytes.Compare(v.Faults[i-1].Nullifier[:], f.Nullifier[:]) > 0 {
				r.Fatalf("faults are not in the order of their nullifiers: %v", v.Faults)
			}
		}
		for n, reasons := range want {
			if !slices.Equal(slices.Sorted(slices.Values(reasons)), slices.Sorted(slices.Values(got[n]))) {
				r.Fatalf("ticket %v: the trial says %v, two tiers say %v", n, got[n], reasons)
			}
		}
		if len(got) != len(want) {
			r.Fatalf("the trial finds %d tickets at fault, two tiers %d", len(got), len(want))
		}
	})
	if testing.Short() {
		return // a fifth of the tickets need not come to every end
	}
	for _, reason := range []work.Reason{"", work.ReasonClaim, work.ReasonTile, work.ReasonPosition, work.ReasonAnswer, work.ReasonRow, work.ReasonSignature, work.ReasonTarget, work.ReasonDiverges, work.ReasonOtherRow} {
		if met[reason] == 0 {
			t.Errorf("no ticket came to %q: the property says nothing about it (met: %v)", reason, met)
		}
	}
}

// spoil changes something about a ticket, or nothing.
func (m *mined) spoil(t *testing.T, r *rapid.T, x *work.Ticket) {
	signed := true
	switch rapid.IntRange(0, 10).Draw(r, "change") {
	case 0:
		return
	case 1:
		x.Claim[3]++
	case 2:
		x.Tile = rapid.IntRange(0, 20).Draw(r, "tile")
	case 3:
		x.Position = rapid.IntRange(0, 100).Draw(r, "position")
	case 4:
		x.Answer = append(slices.Clone(x.Answer), 7)
	case 5:
		x.Row = slices.Clone(x.Row)
		x.Row[rapid.IntRange(0, len(x.Row)-1).Draw(r, "place")] = 255
	case 6:
		x.Signature[7]++
		signed = false
	case 7: // a row of another position or product, ground until it wins
		x.Row = slices.Clone(x.Row)
		at := rapid.IntRange(0, len(x.Row)-1).Draw(r, "place")
		m.grind(x, func(n int) { x.Row[at] = uint8(128 - 95 + n) })
	case 8: // an answer of another model's making
		i := slices.IndexFunc(m.tickets, func(y *work.Ticket) bool { return len(y.Answer) > 0 })
		if i < 0 {
			return
		}
		if len(x.Answer) == 0 {
			*x = *m.tickets[i]
		}
		x.Answer = slices.Clone(x.Answer)
		at := rapid.IntRange(0, len(x.Answer)-1).Draw(r, "token")
		m.grind(x, func(n int) { x.Answer[at] = int32(n % 120) })
	case 9:
		x.At.Layer = rapid.IntRange(0, 3).Draw(r, "layer")
	case 10:
		x.At.Kind = model.OperationKind(rapid.IntRange(0, 5).Draw(r, "kind"))
	}
	if signed {
		x.Sign(key(1))
	}
}

// grind changes a ticket until it passes tier 0, as a cheat would.
func (m *mined) grind(x *work.Ticket, change func(n int)) {
	for n := range 191 {
		change(n)
		x.Sign(key(1))
		if m.bench.Check(&m.claim, easy(), x) == nil {
			return
		}
	}
}

// In a prompt of one token over and over, what the first layer attends to is
// the same at every position: all but the first ticket of such a row void.
func TestRowsThatRepeatAreFound(t *testing.T) {
	w := newWorld(t, smallDecoder)
	m := w.mine(t, work.Job{Prompt: []int32{9, 9, 9, 9, 9, 9, 9, 9}, Most: 4})
	out := model.Operation{Layer: 0, Kind: model.Out}
	var row []uint8
	see := func(_ []int32, a []uint8, _ []model.Row, at model.Operation) error {
		if at == out && row == nil {
			row = bytes.Clone(a[:256])
		}
		return nil
	}
	if _, err := w.rerun()(t.Context(), &m.claim.Job, nil, see); err != nil {
		t.Fatal(err)
	}
	for n := range 100 { // until one wins
		m.claim.Beacon[1] = byte(n)
		for position := range 8 {
			x := &work.Ticket{Claim: m.claim.ID(), At: out, Position: position, Row: row}
			x.Sign(key(1))
			if m.bench.Check(&m.claim, easy(), x) != nil || position == 0 {
				continue
			}
			if alone := m.alone(t, x); alone != work.ReasonRepeated {
				t.Fatalf("two tiers say %q: the test shows nothing", alone)
			}
			v := m.try(t.Context(), t, []*work.Ticket{x}, nil)
			if len(v.Faults) != 1 || v.Faults[0].Reason != work.ReasonRepeated {
				t.Errorf("faults %v, want %q", v.Faults, work.ReasonRepeated)
			}
			return
		}
	}
	t.Fatal("no ticket wins on a row that repeats")
}

func TestReceiptsAreHeldAgainstTheRun(t *testing.T) {
	for name, job := range jobs() {
		w := worldOf(t, job)
		m := w.mine(t, job)
		for change, spoil := range map[string]func(r *work.Receipt, output []int32) []int32{
			"nothing":          func(_ *work.Receipt, o []int32) []int32 { return o },
			"another trace":    func(r *work.Receipt, o []int32) []int32 { r.Trace[0]++; return o },
			"no trace":         func(r *work.Receipt, o []int32) []int32 { r.Trace = model.Hash{}; return o },
			"more work":        func(r *work.Receipt, o []int32) []int32 { r.Work++; return o },
			"another output":   func(_ *work.Receipt, o []int32) []int32 { o[len(o)-1] ^= 1; return o },
			"a shorter output": func(_ *work.Receipt, o []int32) []int32 { return o[:len(o)-1] },
			"a longer output":  func(_ *work.Receipt, o []int32) []int32 { return append(o, 5) },
			"a token too high": func(_ *work.Receipt, o []int32) []int32 { o[0] = 1 << 20; return o },
			"no output":        func(_ *work.Receipt, _ []int32) []int32 { return []int32{} },
		} {
			t.Run(name+", "+change, func(t *testing.T) {
				if len(m.output) == 0 {
					t.Skip("the answer is empty")
				}
				r := *m.receipt
				output := spoil(&r, slices.Clone(m.output))
				r.Disclosed = &work.Disclosure{Job: r.Disclosed.Job, Output: output}
				r.Output = work.OutputHash(&m.claim.Job, output)
				want := reason(t, r.CheckRun(t.Context(), w.registered, w.level, &m.claim.Job, output, w.rerun()))
				v := m.try(t.Context(), t, m.tickets, &r)
				got := work.Reason("")
				if v.Receipt != nil {
					got = v.Receipt.Reason
				}
				if got != want {
					t.Errorf("the trial says %q, the receipt's own check %q", got, want)
				}
				if (change == "nothing" || change == "no trace") != (got == "") {
					t.Errorf("with %s changed the trial says %q", change, got)
				}
				if len(v.Faults) > 0 || !slices.Equal(v.Output, m.output) {
					t.Errorf("a wrong receipt changes what is said of the tickets: %v", v.Faults)
				}
			})
		}
	}
}

// The digest is the claim's own, and the same for whoever runs the job.
func TestTheDigestShowsThatTheJobWasRun(t *testing.T) {
	job := jobs()["answer"]
	w := newWorld(t, smallDecoder)
	m := w.mine(t, job)
	v := m.try(t.Context(), t, m.tickets, m.receipt)
	if again := newWorld(t, smallDecoder).mine(t, job); again.try(t.Context(), t, nil, nil).Digest != v.Digest {
		t.Error("another validator, who tries no ticket, has another digest")
	}
	if v.Digest == m.receipt.Trace || v.Digest == (model.Hash{}) {
		t.Errorf("the digest is %v, the receipt's trace %v", v.Digest, m.receipt.Trace)
	}
	other := *m
	other.claim.Beacon = model.Hash{10}
	if other.try(t.Context(), t, nil, nil).Digest == v.Digest {
		t.Error("another claim of the job has the same digest: it could be known before")
	}
	if judge.Seal("hearth1a", v.Digest) == judge.Seal("hearth1b", v.Digest) {
		t.Error("two validators have the same seal: one could copy the other's")
	}
}

func TestATrialEndsWithItsContext(t *testing.T) {
	for _, name := range []string{"answer", "text"} {
		job := jobs()[name]
		m := worldOf(t, job).mine(t, job)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := m.bench.Try(ctx, &judge.Trial{Claim: m.claim, Target: easy(), Receipt: m.receipt}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: a trial that was called off ends with %v", name, err)
		}
	}
}

func TestNoTrialOfWhatIsNoClaim(t *testing.T) {
	w := newWorld(t, smallDecoder)
	m := w.mine(t, jobs()["answer"])
	for name, spoil := range map[string]func(c *work.Claim){
		"another model": func(c *work.Claim) { c.Job.Model[0]++ },
		"private":       func(c *work.Claim) { c.Job.Public = false },
		"too long":      func(c *work.Claim) { c.Job.Most = 77 },
		"all prefix":    func(c *work.Claim) { c.Prefix = len(c.Job.Prompt) },
		"no key":        func(c *work.Claim) { c.Executor = [ed25519.PublicKeySize]byte{} },
	} {
		c := m.claim
		spoil(&c)
		var r *work.Rejection
		if _, err := m.bench.Try(t.Context(), &judge.Trial{Claim: c, Target: easy(), Tickets: m.tickets}); !errors.As(err, &r) {
			t.Errorf("%s: the trial ends with %v, want a rejection of the claim", name, err)
		}
	}
}
