package simulation

import (
	"context"

	sdk "github.com/cosmos/cosmos-sdk/types"
	"github.com/cosmos/cosmos-sdk/types/query"
	banktypes "github.com/cosmos/cosmos-sdk/x/bank/types"

	"hearth/chain/coin"
	"hearth/chain/stage"
	"hearth/chain/work"
	format "hearth/work"
)

// trade is what clients do.
func (w *world) trade() error {
	c := one(w, w.clients)
	if w.chance(500) {
		for _, j := range w.newJobs(1 + w.r.IntN(3)) {
			m := &work.MsgPostJob{Client: c.Address, Job: j.Encode(), MaxFee: 1_000 + w.r.Uint64N(1000), Tip: w.r.Uint64N(5000)}
			if err := w.send(c, m); err != nil {
				return err
			}
		}
	}
	if w.chance(60) {
		if open := w.open(5); len(open) > 0 {
			j := one(w, open)
			for _, c := range w.clients {
				if c.Address == j.Client {
					if err := w.send(c, &work.MsgCancelJob{Client: c.Address, Id: j.Id}); err != nil {
						return err
					}
				}
			}
		}
	}
	if w.chance(150) {
		to := one(w, w.everybody())
		from, err := sdk.AccAddressFromBech32(c.Address)
		if err != nil {
			return err
		}
		address, err := sdk.AccAddressFromBech32(to.Address)
		if err != nil {
			return err
		}
		return w.send(c, banktypes.NewMsgSend(from, address, coin.Of(1+w.r.Uint64N(stage.Purse/10))))
	}
	return nil
}

// open are jobs that wait.
func (w *world) open(most uint64) []work.Job {
	res, err := work.NewQueryClient(w.chain.Asked()).Jobs(context.Background(), &work.QueryJobsRequest{
		Status: work.JOB_STATUS_OPEN, Pagination: &query.PageRequest{Limit: most},
	})
	if err != nil {
		return nil
	}
	return res.Jobs
}

// mine is what miners do.
func (w *world) mine() error {
	q := work.NewQueryClient(w.chain.Asked())
	for _, m := range w.miners {
		res, err := q.Miner(context.Background(), &work.QueryMinerRequest{Owner: m.Owner.Address})
		if err != nil { // it is not one yet
			if w.chance(400) {
				err := w.send(m.Owner, &work.MsgRegisterMiner{
					Owner: m.Owner.Address, Hot: m.Hot.Address, Executor: m.Key(), Proof: m.Proof(), Bond: 10e6 + w.r.Uint64N(20e6),
				})
				if err != nil {
					return err
				}
			}
			continue
		}
		if err := w.keep(m, res.Miner); err != nil {
			return err
		}
		if err := w.take(m); err != nil {
			return err
		}
		if err := w.dig(m); err != nil {
			return err
		}
	}
	return nil
}

// keep is what owners do with their miners.
func (w *world) keep(m *miner, now work.Miner) error {
	switch w.r.IntN(60) {
	case 0:
		return w.send(m.Owner, &work.MsgBond{Owner: m.Owner.Address, Amount: 1 + w.r.Uint64N(5e6)})
	case 1:
		return w.send(m.Owner, &work.MsgUnbond{Owner: m.Owner.Address, Amount: 1 + w.r.Uint64N(now.Bond+1)})
	case 2:
		return w.send(m.Owner, &work.MsgRetire{Owner: m.Owner.Address, Retired: !now.Retired})
	case 3:
		if now.Barred {
			return w.send(m.Owner, &work.MsgBond{Owner: m.Owner.Address, Amount: 20e6})
		}
	}
	if now.Retired && w.chance(300) {
		return w.send(m.Owner, &work.MsgRetire{Owner: m.Owner.Address})
	}
	return nil
}

// take claims what is to be had.
func (w *world) take(m *miner) error {
	msg := &work.MsgClaim{Hot: m.Hot.Address}
	res, err := work.NewQueryClient(w.chain.Asked()).Assignments(context.Background(), &work.QueryAssignmentsRequest{Owner: m.Owner.Address})
	if err != nil {
		return err
	}
	for _, a := range res.Assignments {
		if a.Expires == 0 || !w.chance(600) {
			continue
		}
		t := work.Take{Assignment: a.Id}
		if a.Class == work.CLASS_COMMONS {
			list := w.lists[a.Project]
			if list == nil {
				continue
			}
			b, proof, err := list.Job(a.Index)
			if err != nil {
				return err
			}
			t.Encoding, t.Proof = b, proof
		}
		msg.Takes = append(msg.Takes, t)
	}
	if open := w.open(20); len(open) > 0 && w.chance(400) {
		msg.Takes = append(msg.Takes, work.Take{Job: one(w, open).Id})
	}
	if w.chance(10) {
		msg.Takes = append(msg.Takes, work.Take{Assignment: w.r.Uint64N(20), Encoding: []byte("nothing")})
	}
	if len(msg.Takes) == 0 {
		return nil
	}
	return w.send(m.Hot, msg)
}

// dig mines and delivers what was claimed.
func (w *world) dig(m *miner) error {
	res, err := work.NewQueryClient(w.chain.Asked()).Claims(context.Background(), &work.QueryClaimsRequest{Owner: m.Owner.Address})
	if err != nil {
		return err
	}
	for _, c := range res.Claims {
		if c.Status != work.CLAIM_STATUS_OPEN || w.chain.Height+1 < c.Opens {
			continue
		}
		j := w.job(c.Job)
		if j == nil {
			continue
		}
		if w.chance(350) {
			if err := w.submit(m, c, j); err != nil {
				return err
			}
		}
		if w.chance(350) && (m.character != lazy || w.chance(300)) {
			if err := w.deliver(m, c, j); err != nil {
				return err
			}
		}
	}
	return nil
}

// submit sends tickets: honest ones, made up ones, somebody else's, old ones.
func (w *world) submit(m *miner, c work.Claim, j *format.Job) error {
	msg := &work.MsgSubmitTickets{Hot: m.Hot.Address, Claim: c.Key}
	if int(c.Prefix) >= len(j.Prompt)+j.Most-1 {
		return nil
	}
	for range 1 + w.r.IntN(3) {
		t, err := newTicket(w.r, w.model, j, c.Id, int(c.Prefix), m.Executor)
		if err != nil {
			return err
		}
		if m.character == lying && w.chance(300) {
			w.madeUp[t.Nullifier()] = true
		}
		msg.Tickets = append(msg.Tickets, t.Encode())
	}
	switch w.r.IntN(40) {
	case 0:
		if len(w.old) > 0 {
			msg.Tickets = append(msg.Tickets, one(w, w.old))
		}
	case 1:
		b := msg.Tickets[0]
		b[w.r.IntN(len(b))] ^= 1
	case 2:
		msg.Hot = one(w, w.miners).Hot.Address
		for _, o := range w.miners {
			if o.Hot.Address == msg.Hot {
				return w.send(o.Hot, msg)
			}
		}
	}
	w.old = append(w.old, msg.Tickets...)
	return w.send(m.Hot, msg)
}

func (w *world) deliver(m *miner, c work.Claim, j *format.Job) error {
	output := truth(j)
	if m.character == lying && w.chance(200) {
		output[0] = 3 + (output[0]-2)%100
	}
	b, err := newReceipt(w.model, j, output, m.Executor)
	if err != nil {
		return err
	}
	return w.send(m.Hot, &work.MsgDeliver{Hot: m.Hot.Address, Claim: c.Key, Receipt: b})
}
