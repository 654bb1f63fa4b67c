package mine_test

import (
	"bytes"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"hearth/chain/mine"
	"hearth/chain/mine/record"
	"hearth/infer/model"
)

// world is a chain by the rules of spec/network/work.md, as far as one claim goes,
// and a worker that loses transactions and is killed at any moment.
type world struct {
	t      *rapid.T
	dir    string
	j      *mine.Journal
	name   model.Hash
	height int64
	claim  *record.Claim
	// receipts are all that were ever handed to anybody.
	receipts [][]byte
	pool     []sent
	runs     int
}

// sent is a transaction under way.
type sent struct {
	until   int64
	receipt []byte // nil: it claims
}

const window = 20

func (w *world) failure(what string) bool {
	return rapid.IntRange(0, 3).Draw(w.t, what) == 0
}

// block makes a block: some of what is under way is in it, some is void.
func (w *world) block() {
	w.height++
	if c := w.claim; c != nil && c.Status == record.Waiting && w.height >= c.Height+3 {
		c.Status, c.Beacon, c.Opens, c.Closes = record.Open, model.Hash{byte(c.Height)}, w.height+1, w.height+window
	}
	var stays []sent
	for _, tx := range w.pool {
		switch {
		case tx.until < w.height:
		case w.failure("the transaction waits"):
			stays = append(stays, tx)
		case tx.receipt == nil && w.claim == nil:
			w.claim = &record.Claim{Name: w.name, Status: record.Waiting, Height: w.height}
		case tx.receipt != nil && w.claim != nil && w.claim.Status == record.Open && w.height >= w.claim.Opens:
			w.claim.Status = record.Delivered
		}
	}
	w.pool = stays
	if c := w.claim; c != nil && c.Status == record.Open && w.height > c.Closes {
		c.Status = record.Lost
	}
}

// send hands a transaction to a node, which may lose it.
func (w *world) send(tx sent) {
	if tx.receipt != nil {
		w.receipts = append(w.receipts, tx.receipt)
	}
	if !w.failure("the node loses it") {
		w.pool = append(w.pool, tx)
	}
}

// killed is where the worker may die. What it had in memory is gone.
func (w *world) killed() bool {
	if !w.failure("kill") {
		return false
	}
	w.j.Close()
	var err error
	if w.j, err = mine.OpenJournal(w.dir); err != nil {
		w.t.Fatal(err)
	}
	return true
}

// round is what a worker does in a block, by the package's decisions.
func (w *world) round() {
	if w.failure("the node is down") {
		return
	}
	at := w.height - 1
	h := w.j.Get(w.name)
	if h == nil {
		return
	}
	var c *record.Claim
	if w.claim != nil {
		copied := *w.claim
		c = &copied
	}
	step, err := h.Next(c, at)
	if err != nil {
		w.t.Fatal(err)
	}
	change := func(f func(*mine.Held)) {
		if _, err := w.j.Change(w.name, f); err != nil {
			w.t.Fatal(err)
		}
	}
	switch step {
	case mine.Lapse:
		if c != nil {
			w.t.Fatal("a claim that was made is let go")
		}
		for _, tx := range w.pool {
			if tx.until >= w.height {
				w.t.Fatal("a claim is let go that can still be made")
			}
		}
		w.ended()
	case mine.Run:
		if w.killed() { // in the middle of the job
			return
		}
		w.runs++
		// A run that was made again is the same. Even if it were not, the first
		// receipt must stay the only one.
		change(func(h *mine.Held) {
			h.Beacon, h.Receipt, h.Until, h.Last = c.Beacon, fmt.Appendf(nil, "run %d", w.runs), 0, c
		})
	case mine.Send:
		until := min(mine.Deadline(at), c.Closes)
		change(func(h *mine.Held) { h.Until = until; h.Tries++; h.Last = c })
		if w.killed() { // written down, and not sent
			return
		}
		for _, p := range w.j.Get(w.name).Parcels(nil, 32) {
			w.send(sent{until, p.Receipt})
		}
		w.killed()
	case mine.End:
		w.ended()
	}
}

func (w *world) ended() {
	if err := w.j.Drop(w.name); err != nil {
		w.t.Fatal(err)
	}
}

func TestFailuresNeitherLoseAClaimNorMakeASecondReceipt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{t: rt, dir: t.TempDir(), name: model.Hash{1}, height: 10}
		w.j = openJournal(t, w.dir)
		defer func() { w.j.Close() }()
		until := mine.Deadline(w.height - 1)
		if err := w.j.Keep(&mine.Held{Claim: w.name, Until: until}); err != nil {
			rt.Fatal(err)
		}
		w.killed()
		w.send(sent{until: until})
		for range 15 {
			w.block()
			w.round()
		}
		if w.claim != nil && w.j.Get(w.name) == nil && w.claim.Status < record.Delivered {
			rt.Fatal("the worker has forgotten a claim that is not delivered")
		}
		// From now on nothing fails: what can still be delivered is.
		calm := w.claim != nil && w.claim.Status == record.Open && w.height+2*int64(window)/3 < w.claim.Closes
		for range 3 * window {
			w.quiet()
		}
		if calm && w.claim.Status != record.Delivered {
			rt.Fatalf("a claim that could be delivered was not: %v", w.claim.Status)
		}
		for _, r := range w.receipts {
			if !bytes.Equal(r, w.receipts[0]) {
				rt.Fatalf("two receipts of one claim were sent: %q and %q", w.receipts[0], r)
			}
		}
	})
}

// quiet is a block and a round in which nothing fails.
func (w *world) quiet() {
	w.height++
	if c := w.claim; c != nil && c.Status == record.Waiting && w.height >= c.Height+3 {
		c.Status, c.Beacon, c.Opens, c.Closes = record.Open, model.Hash{byte(c.Height)}, w.height+1, w.height+window
	}
	for _, tx := range w.pool {
		if tx.until >= w.height && tx.receipt != nil && w.claim != nil && w.claim.Status == record.Open && w.height >= w.claim.Opens {
			w.claim.Status = record.Delivered
		}
	}
	w.pool = nil
	h := w.j.Get(w.name)
	if h == nil || w.claim == nil {
		return
	}
	c := *w.claim
	step, err := h.Next(&c, w.height-1)
	if err != nil {
		w.t.Fatal(err)
	}
	if step != mine.Run && step != mine.Send {
		return
	}
	if _, err := w.j.Change(w.name, func(h *mine.Held) {
		if step == mine.Run {
			h.Beacon, h.Receipt, h.Until = c.Beacon, []byte("the last run"), 0
		} else {
			h.Until = mine.Deadline(w.height - 1)
		}
	}); err != nil {
		w.t.Fatal(err)
	}
	if step == mine.Send {
		r := w.j.Get(w.name).Receipt
		w.receipts = append(w.receipts, r)
		w.pool = append(w.pool, sent{w.height + 5, r})
	}
}
