package work_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"hearth/infer/kernel"
	"hearth/work"
)

var chat = work.Job{
	Prompt: prompt(20), Most: 24, Stop: []int32{119},
	Sampling: work.Sampling{Temperature: 1 << 16, TopP: 60000}, Seed: [32]byte{5},
}

func TestAnswersAreTheSameWithTicketsAndWithout(t *testing.T) {
	for _, level := range kernel.Levels() {
		w := newWorld(t, level, smallDecoder)
		m := w.miner(t)
		c := w.claim(chat)
		if err := m.Begin(7, c); err != nil {
			t.Fatal(err)
		}
		want := w.answer(t, w.plain, 7, chat)
		got := w.answer(t, m, 7, chat)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v: with tickets the answer is another (-without +with):\n%s", level, diff)
		}
		if len(want) < 3 {
			t.Fatalf("the answer has %d tokens: too few to show anything", len(want))
		}
		if m.Work() == 0 {
			t.Errorf("%v: no tickets were made", level)
		}
		if other := w.answer(t, m, 8, chat); !slices.Equal(other, want) {
			t.Errorf("%v: a sequence that is not mined gets another answer", level)
		}
	}
}

func TestVectorsAreTheSameWithTicketsAndWithout(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallEncoder)
	m := w.miner(t)
	texts := [][]int32{prompt(3), prompt(90), prompt(40), prompt(17), prompt(64)}
	for i, text := range texts[:4] { // the last one is not mined
		if err := m.Begin(uint64(i), w.claim(work.Job{Prompt: text})); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(w.embed(t, w.plain, texts...), w.embed(t, m, texts...)); diff != "" {
		t.Errorf("with tickets the vectors are others (-without +with):\n%s", diff)
	}
	rows := 0
	for _, text := range texts[:4] {
		rows += len(text)
	}
	// All but the first product of layer 0.
	each := work.Cost(smallEncoder, 1, 0) - 2*2*256 - 256*768
	if got, want := m.Work(), uint64(rows)*each; got != want {
		t.Errorf("%d multiply-accumulates were mined, want %d", got, want)
	}
}

func TestEveryTicketPassesBothTiers(t *testing.T) {
	for _, c := range []struct {
		name string
		w    *world
		job  work.Job
	}{
		{"decoder", newWorld(t, kernel.Best(), smallDecoder), chat},
		{"encoder", newWorld(t, kernel.Best(), smallEncoder), work.Job{Prompt: prompt(30)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, claim := c.w.miner(t), c.w.claim(c.job)
			if err := m.Begin(0, claim); err != nil {
				t.Fatal(err)
			}
			var answer []int32
			if c.job.Most > 0 {
				answer = c.w.answer(t, m, 0, c.job)
			} else {
				c.w.embed(t, m, c.job.Prompt)
			}
			won := m.End(0, answer)
			expected := float64(m.Work()) / float64(work.MaxTileWork)
			if n := float64(len(won)); n < expected*0.7 || n > expected*1.4 {
				t.Errorf("%v tickets won, expected %v", n, expected)
			}
			written := 0
			for i, ticket := range won {
				ticket.Sign(key(1))
				got, err := work.DecodeTicket(ticket.Encode())
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(ticket, got); diff != "" {
					t.Fatalf("a ticket is another once read (-sent +read):\n%s", diff)
				}
				if err := c.w.check(claim, easy(), got); err != nil {
					t.Fatalf("ticket %+v: %v", ticket, err)
				}
				if i%17 == 0 {
					if err := c.w.replay(t.Context(), claim, got); err != nil {
						t.Fatalf("ticket %+v: %v", ticket, err)
					}
				}
				if len(ticket.Answer) > 0 {
					written++
				}
			}
			if c.job.Most > 0 && written == 0 {
				t.Error("no ticket is of a token of the answer")
			}
		})
	}
}

// An answer that is cut short, or ends with the last token that was asked for,
// leaves rows behind that belong to nothing: their tickets are not kept.
func TestTicketsOfTokensThatAreNotOfTheAnswerAreLeftOut(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	m, claim := w.miner(t), w.claim(chat)
	positions := func(answer int) (most int) {
		if err := m.Begin(0, claim); err != nil {
			t.Fatal(err)
		}
		w.read(t, m, prompt(20+24))
		for _, x := range m.End(0, prompt(44)[20:20+answer]) {
			most = max(most, x.Position)
			if want := max(0, x.Position+1-20); len(x.Answer) != want {
				t.Errorf("a ticket at position %d has %d tokens of the answer, want %d", x.Position, len(x.Answer), want)
			}
		}
		return most
	}
	for answer, want := range map[int]int{0: 19, 9: 28, 24: 42} {
		if got := positions(answer); got > want || got < want-8 { // not each of the last rows wins
			t.Errorf("with %d tokens of the answer the last ticket is at position %d: the last row is %d", answer, got, want)
		}
	}
}

// Every level finds the same tickets, to the byte.
func TestTicketsAreTheSameOnEveryLevel(t *testing.T) {
	var want []*work.Ticket
	for i, level := range kernel.Levels() {
		w := newWorld(t, level, smallDecoder)
		m := w.miner(t)
		if err := m.Begin(0, w.claim(chat)); err != nil {
			t.Fatal(err)
		}
		got := m.End(0, w.answer(t, m, 0, chat))
		if i == 0 {
			want = got
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v finds other tickets than %v (-%v +%v):\n%s", level, kernel.Go, kernel.Go, level, diff)
		}
	}
	if len(want) == 0 {
		t.Error("no ticket won")
	}
}

// Tickets are those of the target: one that is eight times harder is met
// by few, and all of them were found with the easier one.
func TestAHarderTargetIsMetByLess(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	c := w.claim(chat)
	found := func(target work.Target) map[string]bool {
		m := w.miner(t)
		m.Aim(target)
		if err := m.Begin(0, c); err != nil {
			t.Fatal(err)
		}
		tickets := map[string]bool{}
		for _, x := range m.End(0, w.answer(t, m, 0, chat)) {
			tickets[x.Nullifier().String()] = true
		}
		return tickets
	}
	easy, hard := found(work.TargetFor(work.MaxTileWork)), found(work.TargetFor(8*work.MaxTileWork))
	if len(hard) == 0 || len(hard)*3 > len(easy) {
		t.Errorf("%d tickets meet the easy target, %d one that is eight times harder", len(easy), len(hard))
	}
	for n := range hard {
		if !easy[n] {
			t.Errorf("ticket %s meets the harder target only", n)
		}
	}
}
