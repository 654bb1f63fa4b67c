package openai

import (
	"context"
	"sync/atomic"
	"time"

	"hearth/infer/engine"
	"hearth/infer/model"
	"hearth/infer/text"
	"hearth/work"
)

// Model is a model that is served: one that embeds or one that writes.
type Model struct {
	// Name is what requests call it.
	Name string
	// ID is the model's id, in hexadecimal; requests may use it for the name.
	ID      string
	Created time.Time
	Config  model.Config
	// Words turns text into the model's tokens and back.
	Words *text.Coder
	// Encoder of a model that embeds, Decoder of one that writes; the other is
	// nil. Somebody runs the decoder.
	Encoder *engine.Encoder
	Decoder *engine.Runner
	// Registered is the model as package work knows it; nil signs no receipts.
	// Tracer sees the products of the engine; nil leaves receipts without a
	// trace.
	Registered *work.Model
	Tracer     *work.Tracer

	// Later serves requests that may wait for heat; nil serves them at once.
	Later *Later

	sequences atomic.Uint64
}

// Later is how a computer that heats serves requests of the tier "flex": when
// there is heat to be made of them.
type Later struct {
	// Enter announces work, until leave is called.
	Enter func() (leave func())
	// Turns returns what waits for a turn at computing, before each portion.
	Turns func() (next func(context.Context) error)
	// Encoder or Decoder, as the model has it, on the threads that may compute
	// for heat; the other is nil. The decoder takes turns by itself.
	Encoder *engine.Encoder
	Decoder *engine.Runner
}

// Numbers returns the first of n numbers of sequences that nobody has. Whoever
// asks the model's engines beside the server takes those, so that the tracer
// does not mix them up.
func (m *Model) Numbers(n int) uint64 { return m.sequences.Add(uint64(n)) - uint64(n) + 1 }
