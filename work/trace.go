package work

import (
	"fmt"
	"slices"
	"sync"

	"github.com/zeebo/blake3"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

const (
	contextLeaf = "hearth work 1 trace leaf"
	contextNode = "hearth work 1 trace node"
	contextRoot = "hearth work 1 trace root"
)

// Tracer keeps the hashes of the rows of sequences: what the trace of a receipt
// is made of. Its See is shown every product, by engine.Watched for one. It is
// safe for concurrent use.
type Tracer struct {
	level  kernel.Level
	config model.Config

	mu     sync.Mutex
	traces map[uint64]*Trace
}

// NewTracer makes a tracer for a model.
func NewTracer(c model.Config, level kernel.Level) *Tracer {
	return &Tracer{level: level, config: c, traces: map[uint64]*Trace{}}
}

// Begin has the rows of a sequence kept.
func (t *Tracer) Begin(number uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.traces[number] = &Trace{level: t.level, layers: make([][4][]tracedRow, t.config.Layers)}
}

// End stops keeping the rows of a sequence and returns those that came, nil if
// it was not begun.
func (t *Tracer) End(number uint64) *Trace {
	t.mu.Lock()
	defer t.mu.Unlock()
	trace := t.traces[number]
	delete(t.traces, number)
	return trace
}

// See is a [See].
func (t *Tracer) See(_ []int32, a []uint8, rows []model.Row, at model.Operation) error {
	if at.Kind >= model.Head || at.Layer < 0 || at.Layer >= t.config.Layers || len(rows) == 0 {
		return nil
	}
	k := t.rowLength(at.Kind)
	hashes := make([]words, len(rows))
	hashed := false
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, r := range rows {
		trace := t.traces[r.Sequence]
		if trace == nil {
			continue
		}
		if !hashed {
			kernel.HashRows(t.level, hashes, a, k)
			hashed = true
		}
		seen := &trace.layers[at.Layer][at.Kind]
		*seen = append(*seen, tracedRow{r.Position, hashes[i]})
	}
	return nil
}

func (t *Tracer) rowLength(kind model.OperationKind) int {
	switch kind {
	case model.Out:
		return t.config.Heads * t.config.HeadSize
	case model.Down:
		return t.config.Inner
	default:
		return t.config.Width
	}
}

// Trace holds the hashes of the rows of one sequence.
type Trace struct {
	level  kernel.Level
	layers [][4][]tracedRow
}

type tracedRow struct {
	position int
	hash     words
}

// Root returns the root of the tree over the rows of a job's prompt and answer,
// for one executor, so that nobody can put it in a receipt of his own who does
// not have the rows: of every operation of every layer, in this order, those of all positions but
// the answer's last. A trace that lacks one is an error: the engine may have
// taken keys and values from an earlier sequence.
func (t *Trace) Root(job *Job, answer []int32, executor Key) (model.Hash, error) {
	n := tracedRows(job, answer)
	id := job.ID()
	var leafKey, nodeKey, rootKey [32]byte
	material := slices.Concat(job.Salt[:], id[:], executor[:])
	blake3.DeriveKey(contextLeaf, material, leafKey[:])
	blake3.DeriveKey(contextNode, material, nodeKey[:])
	blake3.DeriveKey(contextRoot, material, rootKey[:])

	count := len(t.layers) * 4 * n
	blocks, out := make([]uint32, states*count), make([]uint32, states*count)
	for l := range t.layers {
		for kind, rows := range t.layers[l] {
			have := make([]bool, n)
			for _, r := range rows {
				if r.position < 0 || r.position >= n {
					continue
				}
				have[r.position] = true
				b := blocks[states*((l*4+kind)*n+r.position):][:states]
				b[0], b[1], b[2] = uint32(l), uint32(kind), uint32(r.position)
				copy(b[3:11], r.hash[:])
			}
			if i := slices.Index(have, false); i >= 0 {
				return model.Hash{}, fmt.Errorf("the trace of a job has no row of %v at position %d of %d",
					model.Operation{Layer: l, Kind: model.OperationKind(kind)}, i, n)
			}
		}
	}
	key := toWords(leafKey[:])
	kernel.HashBlocks(t.level, out, key[:], blocks, 3*4+32)
	key = toWords(nodeKey[:])
	for left := count; left > 1; left = (left + 1) / 2 {
		pairs := left / 2
		for i := range pairs {
			copy(blocks[states*i:], out[states*2*i:][:8])
			copy(blocks[states*i+8:], out[states*(2*i+1):][:8])
		}
		last := [8]uint32(out[states*(left-1):])
		kernel.HashBlocks(t.level, out[:states*pairs], key[:], blocks[:states*pairs], 64)
		if left%2 == 1 { // without a neighbour it goes up as it is
			copy(out[states*pairs:], last[:])
		}
	}
	var top [states]uint32
	top[0], top[1] = uint32(count), uint32(uint64(count)>>32)
	copy(top[2:10], out[:8])
	key = toWords(rootKey[:])
	kernel.HashBlocks(t.level, out[:states], key[:], top[:], 8+32)
	return fromWords(out), nil
}

// tracedRows is how many positions of a job a trace has: those whose rows every
// run computes, whatever made it end.
func tracedRows(job *Job, answer []int32) int {
	return len(job.Prompt) + max(0, len(answer)-1)
}
