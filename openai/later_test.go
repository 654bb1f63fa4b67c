package openai_test

import (
	"context"
	"regexp"
	"runtime"
	"sync/atomic"
	"testing"

	"hearth/openai"
)

// A request of the tier "flex" waits for heat, gives what it would have given
// at once, and is counted; without a heater it is served at once.
func TestFlexWaitsForHeat(t *testing.T) {
	heat := make(chan struct{})
	var within, most atomic.Int64
	turn := func(ctx context.Context) error {
		select {
		case <-heat:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	embedder, writer := served(t, "embedder", encoderConfig(), nil), served(t, "writer", decoderConfig(), nil)
	enter := func() func() {
		most.Store(max(most.Load(), within.Add(1)))
		return func() { within.Add(-1) }
	}
	turns := func() func(context.Context) error { return turn }
	// The encoder for heat is another one, on fewer threads.
	var packs, packsForHeat atomic.Int64
	embedder.Encoder.Pace = func(context.Context) error { packs.Add(1); return nil }
	embedder.Later = &openai.Later{Enter: enter, Turns: turns, Encoder: served(t, "patient", encoderConfig(), nil).Encoder}
	embedder.Later.Encoder.Pace = func(context.Context) error { packsForHeat.Add(1); return nil }
	patient := served(t, "patient", decoderConfig(), turn)
	writer.Later = &openai.Later{Enter: enter, Turns: turns, Decoder: patient.Decoder}
	var tokens atomic.Int64
	r := newRig(t, openai.Options{Models: []*openai.Model{embedder, writer}, Used: func(n int) { tokens.Add(int64(n)) }})

	// What differs between two answers of the same seed.
	changing := regexp.MustCompile(`"(id|created)":("[^"]*"|\d+)`)
	for _, c := range []struct{ path, body string }{
		{"/v1/embeddings", `{"model":"embedder","input":["one","two","three"]`},
		{"/v1/chat/completions", `{"model":"writer","seed":5,"max_tokens":6,"messages":[{"role":"user","content":"warm?"}]`},
	} {
		_, now := r.send("POST", c.path, c.body+`}`)
		before := tokens.Load()
		answer := make(chan string, 1)
		go func() {
			_, body := r.send("POST", c.path, c.body+`,"service_tier":"flex"}`)
			answer <- body
		}()
		for within.Load() == 0 && len(answer) == 0 {
			runtime.Gosched()
		}
		if len(answer) != 0 || tokens.Load() != before {
			t.Fatalf("%s: it did not wait for heat: %s", c.path, <-answer)
		}
		for len(answer) == 0 {
			select {
			case heat <- struct{}{}:
			default:
				runtime.Gosched()
			}
		}
		later := <-answer
		if a, b := changing.ReplaceAllString(now, ""), changing.ReplaceAllString(later, ""); a != b {
			t.Errorf("%s at once:\n%s\nwith heat:\n%s", c.path, a, b)
		}
		if tokens.Load() == before {
			t.Errorf("%s: no tokens were counted", c.path)
		}
	}
	if packs.Load() == 0 || packsForHeat.Load() == 0 {
		t.Errorf("%d packs of texts were embedded at once and %d for heat", packs.Load(), packsForHeat.Load())
	}
	if within.Load() != 0 || most.Load() != 1 {
		t.Errorf("%d requests still wait for heat, %d at most did", within.Load(), most.Load())
	}

	plain := newRig(t, openai.Options{})
	if res, body := plain.send("POST", "/v1/embeddings", `{"model":"embedder","input":"one","service_tier":"flex"}`); res.StatusCode != 200 {
		t.Errorf("without a heater: %d %s", res.StatusCode, body)
	}
}
