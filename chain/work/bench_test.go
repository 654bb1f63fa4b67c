package work_test

import (
	"fmt"
	"testing"

	"hearth/chain/work"
	format "hearth/work"
)

// BenchmarkAdmission is what a node does for a ticket before it enters the pool,
// and what it does again to judge a proposal: reading the state and the message,
// the rules, and tier 0 with the weights.
func BenchmarkAdmission(b *testing.B) {
	r := claimed(b, easy())
	w := newWorld(b, easy())
	m := w.writer()
	w.aim(1 << 23)
	w.register("miner", 20e6)
	job := format.Job{Model: m.registered.ID(), Public: true, Prompt: make([]int32, 120), Most: 8}
	for i := range job.Prompt {
		job.Prompt[i] = int32(3 + 5*i)
	}
	var key []byte
	w.block(func() { key = w.take("miner", w.post("client", job, 50000, 0)) })
	w.blocks(2)
	y := w.mine(m, "miner", key)
	for _, c := range []struct {
		name string
		w    *world
		m    *machine
		msg  *work.MsgSubmitTickets
	}{
		{"small", r.world, r.m, r.submission(r.y.encoded(1)...)},
		{"hearth-mini", w, m, &work.MsgSubmitTickets{Hot: address("hot miner"), Claim: key, Tickets: y.encoded(1)}},
		{"hearth-mini, 16 in a message", w, m, &work.MsgSubmitTickets{Hot: address("hot miner"), Claim: key, Tickets: y.encoded(16)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			next := c.w.ctx.BlockHeight() + 1
			for b.Loop() {
				if err := c.w.keep.Tier0(c.w.ctx, c.msg, next, c.m.benches); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*len(c.msg.Tickets))/b.Elapsed().Seconds(), "tickets/s")
		})
	}
}

// BenchmarkInclusion is what a block does for a message with tickets, and what
// stays in the state of each.
func BenchmarkInclusion(b *testing.B) {
	p := easy()
	p.MaxTicketsPerClaim, p.MaxTicketsPerBlock = 1024, 4096
	for _, n := range []int{1, 4} {
		b.Run(fmt.Sprint(n, " in a message"), func(b *testing.B) {
			r := claimed(b, p)
			msg := r.submission(r.y.encoded(n)...)
			before := len(r.flat())
			next := r.ctx.WithBlockHeight(r.ctx.BlockHeight() + 1)
			for b.Loop() {
				inner, _ := next.CacheContext()
				if _, err := r.msgs.SubmitTickets(inner, msg); err != nil {
					b.Fatal(err)
				}
			}
			if _, err := r.msgs.SubmitTickets(next, msg); err != nil {
				b.Fatal(err)
			}
			grown := len(r.flat()) - before
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "tickets/s")
			b.ReportMetric(float64(grown)/float64(n), "state-bytes/ticket")
		})
	}
}

// flat is all keys and values of the state, one after the other.
func (w *world) flat() []byte {
	var all []byte
	for key, value := range w.state() {
		all = append(append(all, key...), value...)
	}
	return all
}
