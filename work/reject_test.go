package work_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"hearth/infer/engine"
	"hearth/infer/kernel"
	"hearth/infer/model"
	"hearth/work"
	"hearth/work/rerun"
)

// won runs a job with a miner and returns its tickets, signed.
func (w *world) won(t testing.TB, c *work.Claim) (tickets []*work.Ticket, answer []int32) {
	t.Helper()
	m := w.miner(t)
	if err := m.Begin(0, c); err != nil {
		t.Fatal(err)
	}
	if c.Job.Most > 0 {
		answer = w.answer(t, m, 0, c.Job)
	} else {
		w.embed(t, m, c.Job.Prompt)
	}
	tickets = m.End(0, answer)
	for _, x := range tickets {
		x.Sign(key(1))
	}
	return tickets, answer
}

func find(t testing.TB, tickets []*work.Ticket, is func(*work.Ticket) bool) *work.Ticket {
	t.Helper()
	i := slices.IndexFunc(tickets, is)
	if i < 0 {
		t.Fatal("no ticket is of the kind the test needs")
	}
	return tickets[i]
}

// Whatever is changed about a ticket that won, with the executor's own key to
// sign it again: it is rejected, for a reason that has a name.
func TestNothingAboutATicketCanBeChosen(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	claim := w.claim(chat)
	tickets, _ := w.won(t, claim)
	written := find(t, tickets, func(x *work.Ticket) bool { return len(x.Answer) > 2 && x.At.Kind == model.Up })
	type change struct {
		name   string
		change func(c *work.Claim, x *work.Ticket)
		want   work.Reason
	}
	for _, c := range []change{
		{"nothing", func(*work.Claim, *work.Ticket) {}, ""},
		{"signature of another key", func(_ *work.Claim, x *work.Ticket) { x.Sign(key(2)) }, work.ReasonSignature},
		{"a replayed beacon", func(c *work.Claim, _ *work.Ticket) { c.Beacon[0]++ }, work.ReasonClaim},
		{"a chosen beacon", func(c *work.Claim, x *work.Ticket) { c.Beacon[0]++; x.Claim = c.ID(); x.Sign(key(1)) }, work.ReasonTarget},
		{"another executor", func(c *work.Claim, x *work.Ticket) {
			copy(c.Executor[:], key(2).Public().(ed25519.PublicKey))
			x.Claim = c.ID()
			x.Sign(key(2))
		}, work.ReasonTarget},
		{"another job", func(c *work.Claim, x *work.Ticket) { c.Job.Seed[0]++; x.Claim = c.ID(); x.Sign(key(1)) }, work.ReasonTarget},
		{"another layer", func(_ *work.Claim, x *work.Ticket) { x.At.Layer = 1 - x.At.Layer; x.Sign(key(1)) }, work.ReasonTarget},
		{"the first product", func(_ *work.Claim, x *work.Ticket) { x.At = model.Operation{}; x.Sign(key(1)) }, work.ReasonOperation},
		{"the head", func(_ *work.Claim, x *work.Ticket) {
			x.At = model.Operation{Layer: 2, Kind: model.Head}
			x.Sign(key(1))
		}, work.ReasonOperation},
		{"another position", func(_ *work.Claim, x *work.Ticket) {
			x.Position--
			x.Answer = x.Answer[:len(x.Answer)-1]
			x.Sign(key(1))
		}, work.ReasonTarget},
		{"a position behind the job", func(_ *work.Claim, x *work.Ticket) { x.Position = 20 + 24 - 1; x.Sign(key(1)) }, work.ReasonPosition},
		{"another tile", func(_ *work.Claim, x *work.Ticket) { x.Tile = (x.Tile + 1) % 6; x.Sign(key(1)) }, work.ReasonTarget},
		{"a tile beyond the matrix", func(_ *work.Claim, x *work.Ticket) { x.Tile = 6; x.Sign(key(1)) }, work.ReasonTile},
		{"an activation", func(_ *work.Claim, x *work.Ticket) { x.Row[7] ^= 1; x.Sign(key(1)) }, work.ReasonTarget},
		{"an activation beyond 95", func(_ *work.Claim, x *work.Ticket) { x.Row[7] = 128 + 96; x.Sign(key(1)) }, work.ReasonRow},
		{"a shorter row", func(_ *work.Claim, x *work.Ticket) { x.Row = x.Row[64:]; x.Sign(key(1)) }, work.ReasonRow},
		{"a token less", func(_ *work.Claim, x *work.Ticket) { x.Answer = x.Answer[1:]; x.Sign(key(1)) }, work.ReasonAnswer},
		{"a token that no vocabulary has", func(_ *work.Claim, x *work.Ticket) { x.Answer[0] = 4000; x.Sign(key(1)) }, work.ReasonAnswer},
		{"a token that ends the answer", func(_ *work.Claim, x *work.Ticket) { x.Answer[0] = 119; x.Sign(key(1)) }, work.ReasonAnswer},
		{"a prefix that others claimed", func(c *work.Claim, x *work.Ticket) {
			c.Prefix = 19
			x.Position, x.Answer, x.Claim = 18, nil, c.ID()
			x.Sign(key(1))
		}, work.ReasonPosition},
		{"a seed where nothing is drawn", func(c *work.Claim, x *work.Ticket) {
			c.Job.Sampling = work.Sampling{}
			x.Claim = c.ID()
			x.Sign(key(1))
		}, work.ReasonMalformed},
		{"a share of more than all", func(c *work.Claim, x *work.Ticket) {
			c.Job.Sampling.TopP = 1 << 16
			x.Claim = c.ID()
			x.Sign(key(1))
		}, work.ReasonMalformed},
		{"as many likely tokens as there are", func(c *work.Claim, x *work.Ticket) {
			c.Job.Sampling.TopK = 120
			x.Claim = c.ID()
			x.Sign(key(1))
		}, work.ReasonMalformed},
		{"a draw from one token", func(c *work.Claim, x *work.Ticket) {
			c.Job.Sampling.TopK = 1
			x.Claim = c.ID()
			x.Sign(key(1))
		}, work.ReasonMalformed},
		{"an end that no vocabulary has", func(c *work.Claim, x *work.Ticket) {
			c.Job.Stop = []int32{119, 120}
			x.Claim = c.ID()
			x.Sign(key(1))
		}, work.ReasonMalformed},
		{"an executor for whom anybody signs", func(c *work.Claim, x *work.Ticket) {
			c.Executor = [32]byte{1}
			x.Claim = c.ID()
			x.Signature = [64]byte{1} // holds for every message
		}, work.ReasonMalformed},
		{"a private job", func(c *work.Claim, x *work.Ticket) { c.Job.Public = false; x.Claim = c.ID(); x.Sign(key(1)) }, work.ReasonPrivate},
		{"a job of another model", func(c *work.Claim, x *work.Ticket) { c.Job.Model[0]++; x.Claim = c.ID(); x.Sign(key(1)) }, work.ReasonModel},
		{"a job that brings nothing new", func(c *work.Claim, x *work.Ticket) { c.Prefix = 20; x.Claim = c.ID(); x.Sign(key(1)) }, work.ReasonPosition},
		{"a job that is too large", func(c *work.Claim, x *work.Ticket) { c.Job.Most = 4000; x.Claim = c.ID(); x.Sign(key(1)) }, work.ReasonTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			cl, x := *claim, *written
			x.Row, x.Answer = bytes.Clone(x.Row), slices.Clone(x.Answer)
			c.change(&cl, &x)
			at, tile := x.At, x.Tile
			if at.Kind >= model.Head || at == (model.Operation{}) || tile > 5 {
				at, tile = written.At, 0
			}
			// A target that all but this one miss: another seed is another ticket.
			target := work.TargetFor(1 << 34)
			if c.want != work.ReasonTarget {
				target = easy()
			}
			err := work.NewVerifier(w.registered, w.level).Check(&cl, target, &x, w.tileWeights(at, tile))
			if got := reason(t, err); got != c.want {
				t.Errorf("it is rejected for %q, want %q: %v", got, c.want, err)
			}
			// Without weights all is seen but whether it wins.
			want := c.want
			if want == work.ReasonTarget {
				want = ""
			}
			err = work.NewVerifier(w.registered, w.level).Look(&cl, &x)
			if got := reason(t, err); got != want {
				t.Errorf("without weights it is rejected for %q, want %q: %v", got, want, err)
			}
			// What is wrong with a job is wrong with its claim.
			if reason(t, cl.Job.Check(w.registered)) != "" && reason(t, cl.Check(w.registered)) == "" {
				t.Error("the job cannot be claimed, and its claim can be mined")
			}
		})
	}
}

// Every field moves the seed, so that each choice costs a whole tile again: the
// share of choices that win is that of the target.
func TestGrindingWinsNoMoreThanTheTargetAllows(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	claim := w.claim(chat)
	tickets, _ := w.won(t, claim)
	x := find(t, tickets, func(x *work.Ticket) bool { return x.At.Kind == model.Up && x.Position < 20 })
	v := work.NewVerifier(w.registered, w.level)
	target := work.TargetFor(work.MaxTileWork) // one in 64 tickets of 128·256
	for field, grind := range map[string]func(c *work.Claim, x *work.Ticket, i int){
		"beacon": func(c *work.Claim, _ *work.Ticket, i int) { c.Beacon[3], c.Beacon[4] = byte(i), byte(i>>8) },
		"executor": func(c *work.Claim, _ *work.Ticket, i int) {
			k := key(byte(i))
			copy(c.Executor[:], k.Public().(ed25519.PublicKey))
		},
		"seed of job": func(c *work.Claim, _ *work.Ticket, i int) { c.Job.Seed[3], c.Job.Seed[4] = byte(i), byte(i>>8) },
		"most of job": func(c *work.Claim, _ *work.Ticket, i int) { c.Job.Most = 2 + i%60 },
		"prompt": func(c *work.Claim, _ *work.Ticket, i int) {
			c.Job.Prompt = prompt(20)
			c.Job.Prompt[0] = int32(3 + i%100)
		},
		"activation":   func(_ *work.Claim, x *work.Ticket, i int) { x.Row[i%256] = uint8(100 + i/256) },
		"position":     func(_ *work.Claim, x *work.Ticket, i int) { x.Position = i % 20 },
		"tile and row": func(_ *work.Claim, x *work.Ticket, i int) { x.Tile, x.Row[0] = i%6, uint8(100+i/6) },
	} {
		const tries = 500
		wins, seen := 0, map[string]bool{}
		for i := range tries {
			cl, y := *claim, *x
			y.Row = bytes.Clone(x.Row)
			grind(&cl, &y, i)
			y.Claim = cl.ID()
			k := key(1)
			if field == "executor" {
				k = key(byte(i))
			}
			y.Sign(k)
			if id := fmt.Sprint(y.Nullifier(), y.Row); seen[id] {
				continue
			} else {
				seen[id] = true
			}
			switch err := v.Check(&cl, target, &y, w.tileWeights(y.At, y.Tile)); reason(t, err) {
			case "":
				wins++
			case work.ReasonTarget:
			default:
				t.Fatal(err)
			}
		}
		expected := float64(len(seen)) / 64
		if float64(wins) > expected+4*math.Sqrt(max(1, expected)) { // the seeds are always the same
			t.Errorf("%s: %d of %d choices win, %.1f are expected", field, wins, len(seen), expected)
		}
	}
}

// What passes the first tier and is not the job's fails the second.
func TestOnlyTheJobsOwnRowsPassTheReplay(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	claim := w.claim(chat)
	tickets, _ := w.won(t, claim)
	read := find(t, tickets, func(x *work.Ticket) bool { return x.Position > 5 && x.Position < 20 && x.At.Kind == model.Up })
	written := find(t, tickets, func(x *work.Ticket) bool { return len(x.Answer) > 4 && x.At.Kind == model.Out })
	t.Run("zero activations", func(t *testing.T) {
		x := *read
		x.Row = bytes.Repeat([]byte{128}, len(x.Row))
		if got := reason(t, w.replay(t.Context(), claim, &x)); got != work.ReasonOtherRow {
			t.Errorf("rejected for %q", got)
		}
	})
	t.Run("an activation changed until it won", func(t *testing.T) {
		x := *read
		x.Row = bytes.Clone(x.Row)
		for i := range 4000 {
			x.Row[i%256] = 60 + uint8(i/256)
			x.Sign(key(1))
			if w.check(claim, easy(), &x) == nil {
				if got := reason(t, w.replay(t.Context(), claim, &x)); got != work.ReasonOtherRow {
					t.Errorf("rejected for %q", got)
				}
				return
			}
		}
		t.Fatal("no change won: the target is too hard for the test")
	})
	t.Run("a cheaper model wrote the answer", func(t *testing.T) {
		// The real model then only reads it: each row is its own, but the tokens
		// are not what it draws.
		cheap := slices.Clone(written.Answer)
		cheap[1] = (cheap[1] + 1) % 110
		miner := w.miner(t)
		if err := miner.Begin(0, claim); err != nil {
			t.Fatal(err)
		}
		w.read(t, miner, append(prompt(20), cheap...))
		n := 0
		for _, x := range miner.End(0, cheap) {
			if len(x.Answer) < 2 {
				continue
			}
			n++
			x.Sign(key(1))
			if err := w.check(claim, easy(), x); err != nil {
				t.Fatal(err)
			}
			if got := reason(t, w.replay(t.Context(), claim, x)); got != work.ReasonDiverges {
				t.Errorf("rejected for %q", got)
			}
			if n == 5 {
				break
			}
		}
		if n == 0 {
			t.Fatal("no ticket won")
		}
	})
	t.Run("a replay that cannot be made accuses nobody", func(t *testing.T) {
		broken := errors.New("out of memory")
		err := work.NewVerifier(w.registered, w.level).Replay(t.Context(), claim, read,
			func(context.Context, *work.Job, []int32, work.See) (work.Pass, error) { return work.Pass{}, broken })
		var r *work.Rejection
		if errors.As(err, &r) || !errors.Is(err, broken) {
			t.Errorf("it fails with %v", err)
		}
	})
	t.Run("a replay that skips the row", func(t *testing.T) {
		err := work.NewVerifier(w.registered, w.level).Replay(t.Context(), claim, read,
			func(context.Context, *work.Job, []int32, work.See) (work.Pass, error) { return work.Pass{}, nil })
		if got := reason(t, err); got != work.ReasonNotReached {
			t.Errorf("rejected for %q", got)
		}
	})
}

// read runs tokens through a decoder in one step.
func (w *world) read(t testing.TB, p model.Product, text []int32) {
	t.Helper()
	d, err := engine.NewDecoder(w.weights, p, engine.Settings{Level: w.level, Rows: 64, CacheBytes: 1 << 22})
	if err != nil {
		t.Fatal(err)
	}
	s, _, err := d.Begin(0, nil, len(text))
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Step([]engine.Chunk{{Sequence: s, Tokens: text}}); err != nil {
		t.Fatal(err)
	}
	d.End(s)
}

// A prompt of one token again and again: attention over equal values yields
// them again, so rows repeat at every layer, and the forward pass is for
// nothing.
func TestRowsThatRepeatAreWorthNothing(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	same := make([]int32, 40)
	for i := range same {
		same[i] = 17
	}
	claim := w.claim(work.Job{Prompt: same, Most: 1})
	tickets, _ := w.won(t, claim)
	late := 0
	for _, x := range tickets {
		if x.At == (model.Operation{Layer: 0, Kind: model.Out}) && x.Position > 0 {
			late++
		}
	}
	if late > 0 {
		t.Errorf("the miner keeps %d tickets of rows that repeat", late)
	}
	// Somebody who keeps them all the same.
	rows := map[int][]uint8{}
	w.read(t, engine.Watched{Product: w.plain, See: func(_ []int32, a []uint8, r []model.Row, at model.Operation) error {
		if at == (model.Operation{Layer: 0, Kind: model.Out}) {
			for i := range r {
				rows[r[i].Position] = bytes.Clone(a[i*kernel.Stride(256):][:256])
			}
		}
		return nil
	}}, same)
	if !bytes.Equal(rows[0], rows[9]) {
		t.Fatal("the rows do not repeat: the test shows nothing")
	}
	x := &work.Ticket{Claim: claim.ID(), At: model.Operation{Layer: 0, Kind: model.Out}, Position: 9, Row: rows[9]}
	if got := reason(t, w.replay(t.Context(), claim, x)); got != work.ReasonRepeated {
		t.Errorf("rejected for %q", got)
	}
}

func TestClaimedPrefixesAndRefusedTilesAreNotMined(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder, model.Refused{Name: "layers.0.up", Blocks: []uint32{1, 4}})
	claim := w.claim(chat)
	claim.Prefix = 12
	tickets, _ := w.won(t, claim)
	if len(tickets) == 0 {
		t.Fatal("no ticket won")
	}
	up := model.Operation{Layer: 0, Kind: model.Up}
	for _, x := range tickets {
		if x.Position < 12 || (x.At == up && (x.Tile == 1 || x.Tile == 4)) || x.At == (model.Operation{}) {
			t.Errorf("%v, position %d, tile %d was mined", x.At, x.Position, x.Tile)
		}
	}
	x := find(t, tickets, func(x *work.Ticket) bool { return x.At == up })
	x.Tile = 4
	if got := reason(t, w.check(claim, easy(), x)); got != work.ReasonTile {
		t.Errorf("a refused tile is rejected for %q", got)
	}
}

func TestPromptsThatBeginAlikeShareNames(t *testing.T) {
	decoder, encoder := newWorld(t, kernel.Best(), smallDecoder), newWorld(t, kernel.Best(), smallEncoder)
	text := make([]int32, 150)
	for i := range text {
		text[i] = int32(i % 100)
	}
	known := map[work.Prefix]bool{}
	for _, p := range work.Prefixes(decoder.registered, text) {
		known[p] = true
	}
	is := func(p work.Prefix) bool { return known[p] }
	other := slices.Clone(text)
	other[100]++
	for _, c := range []struct {
		name   string
		prompt []int32
		want   int
	}{
		{"the same", text, 150},
		{"another token in the second piece", other, 64},
		{"longer", append(slices.Clone(text), 5), 128},
		{"shorter", text[:149], 128},
		{"another first token", append([]int32{7}, text[1:]...), 0},
	} {
		if got := work.ClaimedTokens(decoder.registered, c.prompt, is); got != c.want {
			t.Errorf("%s: %d tokens are claimed already, want %d", c.name, got, c.want)
		}
	}
	if got := work.ClaimedTokens(encoder.registered, text, is); got != 0 {
		t.Errorf("another model shares %d tokens", got)
	}
	for _, p := range work.Prefixes(encoder.registered, text) {
		known[p] = true
	}
	if a, b := work.ClaimedTokens(encoder.registered, text, is), work.ClaimedTokens(encoder.registered, text[:64], is); a != 150 || b != 0 {
		t.Errorf("of an encoder's text %d tokens are claimed, of another that begins alike %d; want 150 and 0", a, b)
	}
}

// Who mines the first layers only and drops the job has no receipt to deliver.
func TestAJobThatWasDroppedHasNoReceipt(t *testing.T) {
	w := newWorld(t, kernel.Best(), smallDecoder)
	job := chat
	job.Model, job.Public = w.registered.ID(), true
	tracer := work.NewTracer(w.registered.Config(), w.level)
	tracer.Begin(0)
	stop := engine.Watched{Product: w.plain, See: func(c []int32, a []uint8, r []model.Row, at model.Operation) error {
		if at.Layer > 0 {
			return nil // computed for the test alone, and not kept
		}
		return tracer.See(c, a, r, at)
	}}
	answer := w.answer(t, stop, 0, job)
	if _, err := work.NewReceipt(w.registered, &job, answer, tracer.End(0), key(1)); err == nil {
		t.Error("a receipt is written of a trace without the last layer")
	}
	// Without a trace one can be signed; it does not survive a run if the answer
	// is made up.
	r, err := work.NewReceipt(w.registered, &job, []int32{5, 6, 7}, nil, key(1))
	if err != nil {
		t.Fatal(err)
	}
	err = r.CheckRun(t.Context(), w.registered, w.level, &job, []int32{5, 6, 7}, rerun.With(w.weights, w.plain, w.level, nil))
	if got := reason(t, err); got != work.ReasonDiverges {
		t.Errorf("an answer that was made up is rejected for %q", got)
	}
}

func TestShapesThatAreNotMined(t *testing.T) {
	up := model.Operation{Layer: 3, Kind: model.Up}
	for _, c := range []struct {
		at   model.Operation
		n, k int
		want work.Reason
	}{
		{up, 128, 256, ""},
		{up, 1536, 384, ""},
		{up, 128, 16384, ""},
		{model.Operation{Layer: 0, Kind: model.Out}, 128, 256, ""},
		{model.Operation{Layer: 0, Kind: model.QKV}, 384, 384, work.ReasonOperation},
		{model.Operation{Layer: 6, Kind: model.Head}, 384, 384, work.ReasonOperation},
		{up, 128, 192, work.ReasonShape},
		{up, 128, 16448, work.ReasonShape},
		{up, 128, 300, work.ReasonShape},
		{up, 100, 256, work.ReasonShape},
		{up, 0, 256, work.ReasonShape},
		{up, 16384 + 128, 1984, work.ReasonShape},
		{up, 16384 + 128, 2048, ""},
	} {
		if got := reason(t, work.Mineable(c.at, c.n, c.k)); got != c.want {
			t.Errorf("%v of %d×%d: %q, want %q", c.at, c.n, c.k, got, c.want)
		}
	}
}
