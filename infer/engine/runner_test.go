package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"sync"
	"testing"
)

// Readers that read everything, that stop in the middle, that never begin to
// read and that are gone before they ask: whoever stays gets the answer that he
// would get alone, and in the end nothing is left behind.
func TestReadersComeAndGo(t *testing.T) {
	m := randomModel(t, llama)
	all := requests(llama)
	alone := make([]string, len(all))
	for i, r := range all {
		s := scheduler(t, m, 96, Limits{Running: 1})
		task, err := s.Add(r)
		if err != nil {
			t.Fatal(err)
		}
		alone[i] = fmt.Sprint(finish(t, s)[task])
	}

	before := runtime.NumGoroutine()
	s := scheduler(t, m, 224, Limits{Running: 3, Waiting: 3})
	r := NewRunner(s, nil)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- r.Run(ctx) }()

	var readers sync.WaitGroup
	for reader := range uint64(8) {
		readers.Go(func() {
			rng := rand.New(rand.NewPCG(reader, 5))
			for range 30 {
				i := rng.IntN(len(all))
				patience := rng.IntN(2 * (len(alone[i])/20 + 1)) // tokens until the reader goes, often more than there are
				if err := read(t.Context(), r, all[i], patience, alone[i]); err != nil {
					t.Errorf("request %d, read for %d tokens: %v", i, patience, err)
				}
			}
		})
	}
	readers.Wait()

	// Some are under way when the end comes.
	var streams []*Stream
	for range 4 {
		stream, err := r.Submit(t.Context(), Request{Prompt: []int32{1}, Most: 80, Stop: []int32{}})
		if err != nil && !errors.Is(err, ErrBusy) {
			t.Fatal(err)
		}
		if err == nil {
			streams = append(streams, stream)
		}
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the runner ends with: %v", err)
	}
	for _, stream := range streams {
		err := error(nil)
		for err == nil {
			_, err = stream.Next(t.Context())
		}
		if !errors.Is(err, context.Canceled) && !errors.Is(err, io.EOF) {
			t.Errorf("an answer under way ends with: %v", err)
		}
	}
	if blocks, unused := s.decoder.Room(); blocks != unused || !s.Idle() && len(s.running) > 0 {
		t.Errorf("%d of %d blocks are taken, %d requests run", blocks-unused, blocks, len(s.running))
	}
	if err := s.decoder.cache.whole(nil); err != nil {
		t.Error(err)
	}
	after := runtime.NumGoroutine()
	for i := 0; after > before && i < 1e6; i++ { // the last steps of those that have given up
		runtime.Gosched()
		after = runtime.NumGoroutine()
	}
	if after > before {
		t.Errorf("%d goroutines before, %d after", before, after)
	}
}

// read reads an answer for so many tokens and then goes, or to its end, which
// must be as expected.
func read(ctx context.Context, r *Runner, request Request, patience int, want string) error {
	ctx, leave := context.WithCancel(ctx)
	defer leave()
	if patience == 0 {
		leave()
	}
	stream, err := r.Submit(ctx, request)
	for errors.Is(err, ErrBusy) {
		runtime.Gosched()
		stream, err = r.Submit(ctx, request)
	}
	if err != nil {
		return err
	}
	var got []Written
	for {
		w, err := stream.Next(context.Background()) // his own is done before
		switch {
		case errors.Is(err, io.EOF):
			if fmt.Sprint(got) != want {
				return fmt.Errorf("got %v, want %v", got, want)
			}
			return nil
		case errors.Is(err, context.Canceled) && len(got) >= patience:
			return nil
		case err != nil:
			return err
		}
		if got = append(got, w); len(got) == patience {
			leave()
		}
	}
}
