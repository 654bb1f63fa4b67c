package work

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"hearth/infer/kernel"
	"hearth/infer/model"
)

// Miner multiplies as the product it is made of does and makes tickets on the
// way, of the rows of sequences that belong to claims. It implements
// [model.Product]. It is safe for concurrent use.
type Miner struct {
	model    *Model
	plain    model.Product
	level    kernel.Level
	team     *kernel.Team
	matrices map[model.Operation]*mined
	scratch  sync.Pool

	mu     sync.RWMutex
	target Target
	claims map[uint64]*sequence

	macs atomic.Uint64
}

// mined is a matrix made ready for tickets.
type mined struct {
	Matrix
	ticketed *kernel.Ticketed
}

// sequence is a claim while its job runs.
type sequence struct {
	claim   *Claim
	id, job model.Hash

	mu   sync.Mutex
	at   map[model.Operation]*history
	wins []*Ticket
}

// history is what is remembered of one operation of a sequence.
type history struct {
	key  words
	rows []seenRow
}

type seenRow struct {
	position int
	hash     words
}

// NewMiner makes a miner. plain computes what is not mined; matrix returns the
// packed matrices of the model's operations, as plain has them. Rows of
// tickets are divided by the team, which may be nil. A matrix that was not
// packed for the same level as the first is an error.
func NewMiner(m *Model, plain model.Product, matrix func(model.Operation) *kernel.Matrix, team *kernel.Team) (*Miner, error) {
	w := &Miner{model: m, plain: plain, team: team, matrices: map[model.Operation]*mined{}, claims: map[uint64]*sequence{}}
	w.scratch.New = func() any { return new(scratch) }
	for at, x := range m.matrices {
		if Mineable(at, x.N, x.K) != nil {
			continue
		}
		packed := matrix(at)
		if packed == nil || packed.N() != x.N || packed.K() != x.K {
			return nil, fmt.Errorf("make a miner: %v is not the %d×%d matrix that the manifest lists", at, x.N, x.K)
		}
		t, err := kernel.NewTicketed(packed, Permutation(packed.Level(), x.Root, x.K))
		if err != nil {
			return nil, fmt.Errorf("make a miner: %v: %w", at, err)
		}
		w.matrices[at] = &mined{Matrix: x, ticketed: t}
		w.level = packed.Level()
	}
	return w, nil
}

// Aim sets the target of tickets made from now on.
func (w *Miner) Aim(t Target) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.target = t
}

// Begin has the rows of a sequence mined for a claim. A claim that cannot be
// mined is an error, a [Rejection].
func (w *Miner) Begin(number uint64, c *Claim) error {
	if err := c.Check(w.model); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.claims[number] != nil {
		return fmt.Errorf("mine sequence %d: it is mined already: end it first", number)
	}
	w.claims[number] = &sequence{claim: c, id: c.ID(), job: c.Job.ID(), at: map[model.Operation]*history{}}
	return nil
}

// End stops mining a sequence and returns the tickets that won, not yet signed.
// answer is what was written, without the token that ended it: each ticket gets
// its part. Tickets of rows that repeat an earlier one of the job, and of tokens
// that are not of the answer, are left out, as nobody would accept them.
func (w *Miner) End(number uint64, answer []int32) []*Ticket {
	w.mu.Lock()
	s := w.claims[number]
	delete(w.claims, number)
	w.mu.Unlock()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var won []*Ticket
	for _, t := range s.wins {
		n := max(0, t.Position+1-len(s.claim.Job.Prompt))
		if n > len(answer) || s.claim.Job.Most > 0 && n >= s.claim.Job.Most {
			continue // of a token that was taken back, or is the answer's last
		}
		if n > 0 {
			t.Answer = answer[:n]
		}
		won = append(won, t)
	}
	return won
}

// Work returns the multiply-accumulates that tickets were made of so far.
func (w *Miner) Work() uint64 { return w.macs.Load() }

// Multiply implements [model.Product].
func (w *Miner) Multiply(c []int32, a []uint8, rows []model.Row, at model.Operation) error {
	x := w.matrices[at]
	if x == nil {
		return w.plain.Multiply(c, a, rows, at)
	}
	b := w.scratch.Get().(*scratch)
	defer w.scratch.Put(b)
	b.owners = w.owners(b.owners[:0], rows)
	stride := kernel.Stride(x.K)
	for from := 0; from < len(rows); {
		to := from + 1
		for to < len(rows) && (b.owners[to] == nil) == (b.owners[from] == nil) && (b.owners[from] == nil || to-from < blockRows) {
			to++
		}
		c, a, part := c[from*x.N:to*x.N], a[from*stride:], rows[from:to]
		if b.owners[from] == nil {
			if err := w.plain.Multiply(c, a, part, at); err != nil {
				return err
			}
		} else {
			w.mine(c, a, part, b.owners[from:to], at, x, b)
		}
		from = to
	}
	return nil
}

// owners appends for each row the sequence it is mined for, nil where it is
// not.
func (w *Miner) owners(owners []*sequence, rows []model.Row) []*sequence {
	w.mu.RLock()
	defer w.mu.RUnlock()
	var number uint64
	var s *sequence
	for i, r := range rows {
		if i == 0 || r.Sequence != number {
			number, s = r.Sequence, w.claims[r.Sequence]
		}
		if s != nil && r.Position >= s.claim.Prefix {
			owners = append(owners, s)
		} else {
			owners = append(owners, nil)
		}
	}
	return owners
}

// blockRows is how many rows are mined at a time: what there is for each of
// them stays in the second-level cache.
const blockRows = 128

// ticketBatch is how many tickets that may win are hashed at a time.
const ticketBatch = 16

// scratch is room to mine in.
type scratch struct {
	owners                     []*sequence
	hashes                     []words
	keys, seeds, blocks        []uint32
	out, initial, states, hash []uint32
	noise                      []int8
	found                      []int
	noisy                      []uint8
}

func grow[T any](s *[]T, n int) []T {
	if cap(*s) < n {
		*s = make([]T, n)
	}
	*s = (*s)[:n]
	return *s
}

// mine multiplies rows that all belong to claims, with tickets.
func (w *Miner) mine(c []int32, a []uint8, rows []model.Row, owners []*sequence, at model.Operation, x *mined, b *scratch) {
	m, stride, rank, tiles := len(rows), kernel.Stride(x.K), x.ticketed.Rank(), x.N/TileColumns

	hashes := grow(&b.hashes, m)
	kernel.HashRows(w.level, hashes, a, x.K)
	keys, blocks, out := grow(&b.keys, 8*m), grow(&b.blocks, states*m), grow(&b.out, states*m)
	for from := 0; from < m; {
		to := from + 1
		for to < m && owners[to] == owners[from] {
			to++
		}
		key := owners[from].remember(at, x.Matrix, rows[from:to], hashes[from:to])
		for i := from; i < to; i++ {
			copy(keys[8*i:][:8], key[:])
			putSeedBlock(blocks[states*i:][:states], rows[i].Position, hashes[i])
		}
		from = to
	}
	kernel.HashBlocks(w.level, out, keys, blocks, seedSize)
	seeds := grow(&b.seeds, 8*m)
	for i := range m {
		copy(seeds[8*i:], out[states*i:][:8])
	}
	streamE, streamM := noiseBlock(), stateBlock()
	kernel.HashBlocks(w.level, out, seeds, streamE[:], noiseSize)
	initial := grow(&b.initial, states*m)
	kernel.HashBlocks(w.level, initial, seeds, streamM[:], stateSize)
	e := grow(&b.noise, rank*m)
	if cap(b.noisy) < m*stride {
		b.noisy = kernel.Rows(blockRows, x.K)
	}
	noisy := b.noisy[:m*stride]
	for i := range m {
		noise(e[rank*i:][:rank], out[states*i:])
		x.ticketed.Noise(noisy[stride*i:][:x.K], a[stride*i:][:x.K], e[rank*i:][:rank])
	}

	transcripts := grow(&b.states, states*tiles*m)
	x.ticketed.Multiply(c, transcripts, initial, noisy, e, m, w.team)
	w.macs.Add(uint64(m) * uint64(tiles) * TileWork(x.K))

	w.mu.RLock()
	limit := w.target.limit(TileWork(x.K))
	w.mu.RUnlock()
	b.found = kernel.HashShort(w.level, b.found[:0], seeds, transcripts, uint32(limit[3]>>32))
	for _, i := range b.winning(w.level, seeds, transcripts, tiles, limit) {
		if row := i / tiles; !x.Refused(i % tiles) {
			owners[row].win(at, rows[row].Position, i%tiles, a[stride*row:][:x.K])
		}
	}
}

// winning returns those of the transcripts found whose tickets are within the
// limit. Nearly always none was found.
func (b *scratch) winning(level kernel.Level, seeds, transcripts []uint32, tiles int, limit [4]uint64) []int {
	winning := b.found[:0]
	for left := b.found; len(left) > 0; {
		part := left[:min(ticketBatch, len(left))]
		left = left[len(part):]
		keys, blocks, hash := grow(&b.keys, 8*len(part)), grow(&b.blocks, states*len(part)), grow(&b.hash, states*len(part))
		for j, i := range part {
			copy(keys[8*j:][:8], seeds[8*(i/tiles):])
			copy(blocks[states*j:][:states], transcripts[states*i:])
		}
		kernel.HashBlocks(level, hash, keys, blocks, 64)
		for j, i := range part {
			if within(words(hash[states*j:]), limit) {
				winning = append(winning, i)
			}
		}
	}
	return winning
}

// remember keeps the hashes of rows, and returns the key of the seeds of the
// operation.
func (s *sequence) remember(at model.Operation, x Matrix, rows []model.Row, hashes []words) words {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.at[at]
	if h == nil {
		h = &history{key: operationKey(s.claim, s.job, at, x)}
		s.at[at] = h
	}
	seen := slices.Grow(h.rows, len(rows))[:len(h.rows)+len(rows)]
	for i, r := range rows {
		seen[len(h.rows)+i] = seenRow{r.Position, hashes[i]}
	}
	h.rows = seen
	return h.key
}

// win keeps a ticket, unless its row was seen at an earlier position.
func (s *sequence) win(at model.Operation, position, tile int, row []uint8) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.at[at]
	var hash words
	for _, r := range h.rows {
		if r.position == position {
			hash = r.hash
		}
	}
	for _, r := range h.rows {
		if r.position < position && r.hash == hash {
			return
		}
	}
	s.wins = append(s.wins, &Ticket{Claim: s.id, At: at, Position: position, Tile: tile, Row: bytes.Clone(row)})
}
