package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// requests are some of all kinds.
func requests(c model.Config) []Request {
	var rs []Request
	for i, s := range []Sampling{
		{},
		{Temperature: one},
		{Temperature: 2 * one, TopK: 20},
		{Temperature: one, TopP: one / 2},
		{Temperature: one / 2, Presence: one, Frequency: one / 4},
		{Temperature: 3 * one},
		{},
	} {
		rs = append(rs, Request{
			Sequence: uint64(i), Prompt: tokens(c, 1+11*i, i%3), Most: 5 + 3*i%13,
			Stop: []int32{int32(7 * i)}, Sampling: s, Seed: [32]byte{byte(i)}, Log: true,
		})
	}
	return rs
}

// scheduler is one whose cache has room for so many tokens.
func scheduler(t testing.TB, m *model.Model, tokens int, l Limits) *Scheduler {
	t.Helper()
	s, err := NewScheduler(decoder(t, m, kernel.Best(), nil, tokens), l)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// finish steps until nothing is left to do, and returns what was written.
func finish(t testing.TB, s *Scheduler) map[*Task][]Written {
	t.Helper()
	written := map[*Task][]Written{}
	for !s.Idle() {
		events, err := s.Step()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			written[e.Task] = append(written[e.Task], e.Written)
		}
	}
	if blocks, unused := s.decoder.Room(); blocks != unused {
		t.Fatalf("all requests have ended and %d of %d blocks are taken", blocks-unused, blocks)
	}
	return written
}

func TestAnAnswerDependsOnItsRequestAlone(t *testing.T) {
	for name, c := range decoders {
		t.Run(name, func(t *testing.T) {
			m := randomModel(t, c)
			all := requests(c)
			alone := make([]string, len(all))
			for i, r := range all {
				s := scheduler(t, m, 96, Limits{Running: 1})
				task, err := s.Add(r)
				if err != nil {
					t.Fatal(err)
				}
				alone[i] = fmt.Sprint(finish(t, s)[task])
			}
			crowded := scheduler(t, m, 192, Limits{Running: 4, Waiting: 100})
			rapid.Check(t, func(t *rapid.T) {
				tasks := map[*Task]int{}
				written := map[*Task][]Written{}
				for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(all)-1), 1, 12).Draw(t, "requests") {
					task, err := crowded.Add(all[i])
					if err != nil {
						t.Fatal(err)
					}
					tasks[task] = i
					for range rapid.IntRange(0, 3).Draw(t, "steps") {
						events, err := crowded.Step()
						if err != nil {
							t.Fatal(err)
						}
						for _, e := range events {
							written[e.Task] = append(written[e.Task], e.Written)
						}
						if rapid.IntRange(0, 9).Draw(t, "cancel") == 0 {
							crowded.Cancel(task)
							delete(tasks, task)
						}
					}
				}
				for !crowded.Idle() {
					events, err := crowded.Step()
					if err != nil {
						t.Fatal(err)
					}
					for _, e := range events {
						written[e.Task] = append(written[e.Task], e.Written)
					}
				}
				for task, i := range tasks {
					if got := fmt.Sprint(written[task]); got != alone[i] {
						t.Fatalf("request %d among others:\n got %v\nwant %v", i, got, alone[i])
					}
				}
			})
		})
	}
}

func TestThoseWhoComeFirstAreServedFirst(t *testing.T) {
	m := randomModel(t, llama)
	s := scheduler(t, m, 96, Limits{Running: 2, Waiting: 10})
	var tasks []*Task
	// The second needs nearly the whole cache: those behind it, which would fit
	// beside the first, wait all the same.
	for _, n := range []int{10, 80, 10, 10} {
		task, err := s.Add(Request{Prompt: tokens(llama, n, n), Most: 4, Stop: []int32{}})
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, task)
	}
	var ended []*Task
	for !s.Idle() {
		events, err := s.Step()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			if e.End == Length {
				ended = append(ended, e.Task)
			}
		}
	}
	if !slices.Equal(ended, tasks) {
		t.Error("a request was answered before one that came earlier")
	}
}

func TestALongPromptDoesNotStopAnAnswer(t *testing.T) {
	m := randomModel(t, llama)
	d := decoder(t, m, kernel.Best(), nil, 192)
	d.rows = make([]model.Row, 0, 8) // steps of 8 rows
	s, err := NewScheduler(d, Limits{Running: 2, Waiting: 2})
	if err != nil {
		t.Fatal(err)
	}
	first, err := s.Add(Request{Prompt: []int32{1}, Most: 20, Stop: []int32{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Step(); err != nil {
		t.Fatal(err)
	}
	second, err := s.Add(Request{Prompt: tokens(llama, 70, 1), Most: 1, Stop: []int32{}})
	if err != nil {
		t.Fatal(err)
	}
	for steps := 1; ; steps++ {
		events, err := s.Step()
		if err != nil {
			t.Fatal(err)
		}
		if events[0].Task != first {
			t.Fatalf("step %d wrote nothing for the answer that was under way", steps)
		}
		if len(events) == 2 {
			if events[1].Task != second || steps != 10 {
				t.Errorf("the prompt of 70 tokens was read in %d steps with 7 rows to spare, it should be 10", steps)
			}
			return
		}
	}
}

func TestTheNextTurnReadsOnlyWhatIsNew(t *testing.T) {
	m := randomModel(t, qwen2)
	s := scheduler(t, m, 192, Limits{Running: 2})
	prompt := tokens(qwen2, 40, 1)
	first, err := s.Add(Request{Prompt: prompt, Most: 10, Stop: []int32{}})
	if err != nil {
		t.Fatal(err)
	}
	finish(t, s)
	turn := slices.Concat(prompt, first.Answer(), []int32{5, 6, 7})
	second, err := s.Add(Request{Prompt: turn, Most: 8, Stop: []int32{}})
	if err != nil {
		t.Fatal(err)
	}
	got := finish(t, s)[second]
	if first.Reused() != 0 || second.Reused() != 48 {
		t.Errorf("the first turn found %d tokens in the cache and the second %d, it should be 0 and 48", first.Reused(), second.Reused())
	}
	whole, err := s.Add(Request{Prompt: turn, Most: 8, Stop: []int32{}, Whole: true})
	if err != nil {
		t.Fatal(err)
	}
	if again := finish(t, s)[whole]; fmt.Sprint(again) != fmt.Sprint(got) || whole.Reused() != 0 {
		t.Errorf("read as a whole, %d tokens come from the cache and the answer is %v, not %v", whole.Reused(), again, got)
	}
	fresh := scheduler(t, m, 192, Limits{Running: 2})
	third, err := fresh.Add(Request{Prompt: turn, Most: 8, Stop: []int32{}})
	if err != nil {
		t.Fatal(err)
	}
	if want := finish(t, fresh)[third]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the answer is %v with the cache and %v without", got, want)
	}
}

func TestRequestsThatCannotBeServed(t *testing.T) {
	m := randomModel(t, llama)
	s := scheduler(t, m, 64, Limits{Running: 1})
	for _, c := range []struct {
		request Request
		says    string
	}{
		{Request{}, "no tokens"},
		{Request{Prompt: []int32{5, 131}}, "token 2 is number 131 of a vocabulary of 131"},
		{Request{Prompt: []int32{-1}}, "number -1"},
		{Request{Prompt: tokens(llama, 97, 1)}, "97 tokens and the model takes 96"},
		{Request{Prompt: tokens(llama, 96, 1)}, "leaves no room"},
		{Request{Prompt: tokens(llama, 10, 1), Most: 87}, "the model takes 96 in all"},
		{Request{Prompt: tokens(llama, 10, 1), Most: math.MaxInt}, "the model takes 96 in all"},
		{Request{Prompt: tokens(llama, 10, 1), Most: 55}, "the cache has room for 64"},
		{Request{Prompt: tokens(llama, 70, 1)}, "the cache has room for 64"},
		{Request{Prompt: []int32{1}, Most: -1}, "an answer of -1"},
		{Request{Prompt: []int32{1}, Likely: 21}, "21 most likely"},
		{Request{Prompt: []int32{1}, Sampling: Sampling{TopK: -1}}, "use 0 for all"},
	} {
		_, err := s.Add(c.request)
		if !errors.Is(err, ErrRequest) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("it should say %q, it says: %v", c.says, err)
		}
	}
	if !s.Idle() {
		t.Error("one of them was taken")
	}
}

func TestWhenTooManyWait(t *testing.T) {
	m := randomModel(t, llama)
	s := scheduler(t, m, 192, Limits{Running: 2, Waiting: 1})
	r := Request{Prompt: []int32{1, 2}, Most: 3, Stop: []int32{}}
	var tasks []*Task
	for range 3 {
		task, err := s.Add(r)
		if err != nil {
			t.Fatal(err)
		}
		tasks = append(tasks, task)
	}
	if _, err := s.Add(r); !errors.Is(err, ErrBusy) {
		t.Errorf("a fourth request: %v", err)
	}
	s.Cancel(tasks[1])
	if _, err := s.Add(r); err != nil {
		t.Errorf("after one was given up: %v", err)
	}
	finish(t, s)
}

// failing is a product that fails when it is told to.
type failing struct {
	model.Product
	err error
}

func (f *failing) Multiply(c []int32, a []uint8, rows []model.Row, at model.Operation) error {
	if f.err != nil && at.Layer == 1 {
		return f.err
	}
	return f.Product.Multiply(c, a, rows, at)
}

func TestAStepThatFailsCanBeTakenAgain(t *testing.T) {
	m := randomModel(t, llama)
	s := scheduler(t, m, 96, Limits{Running: 1})
	r := Request{Prompt: tokens(llama, 20, 1), Most: 9, Stop: []int32{}}
	task, err := s.Add(r)
	if err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprint(finish(t, s)[task])

	s = scheduler(t, m, 96, Limits{Running: 1})
	f := &failing{Product: s.decoder.product}
	s.decoder.product = f
	if _, err = s.Add(r); err != nil {
		t.Fatal(err)
	}
	var got []Written
	for i := 0; !s.Idle(); i++ {
		f.err = nil
		if i%2 == 0 {
			f.err = errors.New("a fuse blew")
		}
		events, err := s.Step()
		if !errors.Is(err, f.err) {
			t.Fatalf("the product failed with %v, the step with %v", f.err, err)
		}
		for _, e := range events {
			got = append(got, e.Written)
		}
	}
	if fmt.Sprint(got) != want {
		t.Errorf("with failures the answer is %v, without it is %v", got, want)
	}
}

func TestReplay(t *testing.T) {
	m := randomModel(t, qwen3)
	for i, r := range requests(qwen3) {
		s := scheduler(t, m, 96, Limits{Running: 1})
		task, err := s.Add(r)
		if err != nil {
			t.Fatal(err)
		}
		finish(t, s)
		answer := task.Answer()
		d := decoder(t, m, kernel.Best(), nil, 96)
		if err := Replay(t.Context(), d, r, answer); err != nil {
			t.Errorf("request %d: %v", i, err)
		}
		for name, forged := range map[string][]int32{
			"a token is missing":  answer[:max(0, len(answer)-1)],
			"a token is too many": append(slices.Clone(answer), 1),
			"a token is another":  append(slices.Clone(answer[:len(answer)-1]), (answer[len(answer)-1]+1)%int32(qwen3.Vocab)),
			"a token is none":     append(slices.Clone(answer[:len(answer)-1]), -1),
		} {
			if err := Replay(t.Context(), d, r, forged); err == nil {
				t.Errorf("request %d, %s: replay finds nothing wrong", i, name)
			}
		}
		if blocks, unused := d.Room(); blocks != unused {
			t.Errorf("replay keeps %d blocks", blocks-unused)
		}
	}
}

func TestRunner(t *testing.T) {
	m := randomModel(t, llama)
	steps := 0
	r := NewRunner(scheduler(t, m, 384, Limits{Running: 3, Waiting: 4}), func(context.Context) error {
		steps++
		return nil
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()

	all := requests(llama)
	streams := make([]*Stream, len(all))
	for i, request := range all {
		var err error
		if streams[i], err = r.Submit(t.Context(), request); err != nil {
			t.Fatal(err)
		}
	}
	for i, request := range all {
		s := scheduler(t, m, 96, Limits{Running: 1})
		task, err := s.Add(request)
		if err != nil {
			t.Fatal(err)
		}
		want := finish(t, s)[task]
		var got []Written
		for {
			w, err := streams[i].Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, w)
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("request %d:\n got %v\nwant %v", i, got, want)
		}
	}

	if _, err := r.Submit(t.Context(), Request{}); !errors.Is(err, ErrRequest) {
		t.Errorf("a request without a prompt: %v", err)
	}
	given, giveUp := context.WithCancelCause(t.Context())
	stream, err := r.Submit(given, Request{Prompt: []int32{1}, Most: 90, Stop: []int32{}})
	if err != nil {
		t.Fatal(err)
	}
	gone := errors.New("the reader has gone")
	giveUp(gone)
	for {
		if _, err := stream.Next(t.Context()); err != nil {
			if !errors.Is(err, gone) && !errors.Is(err, io.EOF) {
				t.Errorf("a request that was given up ends with: %v", err)
			}
			break
		}
	}

	if stream, err = r.Submit(given, Request{Prompt: []int32{1}, Most: 90, Stop: []int32{}}); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = stream.Next(t.Context())
	}
	if !errors.Is(err, gone) && !errors.Is(err, io.EOF) { // or it was faster
		t.Errorf("a request that was given up before it was made ends with: %v", err)
	}

	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the runner ends with: %v", err)
	}
	if _, err := r.Submit(t.Context(), all[0]); !errors.Is(err, context.Canceled) {
		t.Errorf("a request after the end: %v", err)
	}
	if steps == 0 {
		t.Error("nobody was asked whether a step may run")
	}
}
