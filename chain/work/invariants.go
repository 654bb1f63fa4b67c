package work

import (
	"context"
	"fmt"

	"cosmossdk.io/collections"
	authtypes "github.com/cosmos/cosmos-sdk/x/auth/types"

	"hearth/chain/coin"
	"hearth/chain/invariant"
	format "hearth/work"
)

// Invariants are what must hold of the state after every block.
func (k *Keeper) Invariants() []invariant.Invariant {
	return []invariant.Invariant{
		{Name: "work: the account holds escrow and bonds, and nothing else", Check: k.holdsWhatItOwes},
		{Name: "work: a job's escrow is what its status says", Check: k.escrowsFit},
		{Name: "work: what is locked are the deposits of claims that have not ended", Check: k.locksDeposits},
		{Name: "work: seats are numbered without gaps and are those of active miners", Check: k.seatsMiners},
		{Name: "work: names are counted for claims that are mined, and for no others", Check: k.countsNames},
		{Name: "work: every ticket is of a claim, once, and counted there", Check: k.countsTickets},
		{Name: "work: nothing is credited without the seals of more than two thirds", Check: k.creditsTried},
		{Name: "work: what was claimed stays known as claimed", Check: k.remembersClaims},
		{Name: "work: everything that is under way is in one queue", Check: k.queuesAll},
	}
}

func (k *Keeper) holdsWhatItOwes(ctx context.Context) error {
	var owed uint64
	jobs, err := values(ctx, k.store.jobs)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		owed += j.Escrow
	}
	miners, err := values(ctx, k.store.miners)
	if err != nil {
		return err
	}
	for _, m := range miners {
		owed += m.Bond + m.Unbonding
	}
	held, err := coin.Read(k.Bank.GetBalance(ctx, authtypes.NewModuleAddress(ModuleName), coin.Denom).Amount)
	if err != nil {
		return err
	}
	if held != owed {
		return fmt.Errorf("the account holds %d, and %d is in escrow and bonds", held, owed)
	}
	return nil
}

func (k *Keeper) escrowsFit(ctx context.Context) error {
	jobs, err := values(ctx, k.store.jobs)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		var escrow, fee uint64
		switch j.Status {
		case JOB_STATUS_OPEN:
			escrow = j.MaxFee + j.Tip
		case JOB_STATUS_CLAIMED:
			escrow, fee = j.Tip, j.MaxFee
		case JOB_STATUS_DELIVERED, JOB_STATUS_FAILED:
			fee = j.MaxFee
		}
		if j.Escrow != escrow || j.Fee > fee {
			return fmt.Errorf("job %x, %v, has %d in escrow and %d burned, with a tip of %d and a fee up to %d", j.Id, j.Status, j.Escrow, j.Fee, j.Tip, j.MaxFee)
		}
	}
	return nil
}

func (k *Keeper) locksDeposits(ctx context.Context) error {
	claims, err := values(ctx, k.store.claims)
	if err != nil {
		return err
	}
	deposits, number := map[string]uint64{}, map[string]uint32{}
	for _, c := range claims {
		if !c.ended() {
			deposits[c.Owner] += c.Deposit
			number[c.Owner]++
		}
	}
	miners, err := values(ctx, k.store.miners)
	if err != nil {
		return err
	}
	for _, m := range miners {
		if m.Locked != deposits[m.Owner] || m.OpenClaims != number[m.Owner] {
			return fmt.Errorf("%s has %d locked for %d claims: its claims are %d, with %d", m.Owner, m.Locked, m.OpenClaims, number[m.Owner], deposits[m.Owner])
		}
	}
	return nil
}

func (k *Keeper) seatsMiners(ctx context.Context) error {
	seats := uint64(0)
	if err := k.store.seats.Walk(ctx, nil, func(seat uint64, owner string) (bool, error) {
		seats++
		m, err := k.Miner(ctx, owner)
		if err != nil {
			return true, err
		}
		if seat != seats || m.Seat != seat || m.Retired || m.Barred {
			return true, fmt.Errorf("seat %d is number %d, of %s, who has seat %d", seat, seats, owner, m.Seat)
		}
		return false, nil
	}); err != nil {
		return err
	}
	miners, err := values(ctx, k.store.miners)
	if err != nil {
		return err
	}
	for _, m := range miners {
		if m.Seat == 0 && !m.Retired && !m.Barred || m.Seat > seats {
			return fmt.Errorf("%s is active and has seat %d of %d", m.Owner, m.Seat, seats)
		}
	}
	return nil
}

func (k *Keeper) countsNames(ctx context.Context) error {
	claims, err := values(ctx, k.store.claims)
	if err != nil {
		return err
	}
	want := map[string]uint64{}
	for _, c := range claims {
		if !c.mined() {
			continue
		}
		job, err := k.encoded(ctx, c.Job)
		if err != nil {
			return err
		}
		m, err := k.Models.Work(ctx, job.Model)
		if err != nil {
			return err
		}
		for _, name := range format.Prefixes(m, job.Prompt) {
			want[string(c.Model)+string(name[:])]++
		}
	}
	got := 0
	if err := k.store.names.Walk(ctx, nil, func(key collections.Pair[[]byte, []byte], n uint64) (bool, error) {
		got++
		if w := want[string(key.K1())+string(key.K2())]; w != n {
			return true, fmt.Errorf("name %x is counted %d times, and %d claims have it", key.K2(), n, w)
		}
		return false, nil
	}); err != nil {
		return err
	}
	if got != len(want) {
		return fmt.Errorf("%d names are counted, and claims have %d", got, len(want))
	}
	return nil
}

func (k *Keeper) countsTickets(ctx context.Context) error {
	claims, err := values(ctx, k.store.claims)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, c := range claims {
		tickets, err := k.ticketsOf(ctx, c.Key)
		if err != nil {
			return err
		}
		pending := 0
		for _, t := range tickets {
			if seen[string(t.Nullifier)] || string(t.Claim) != string(c.Key) {
				return fmt.Errorf("ticket %x is of two claims", t.Nullifier)
			}
			seen[string(t.Nullifier)] = true
			if t.Status == TICKET_STATUS_PENDING {
				pending++
			}
		}
		if len(tickets) != int(c.Tickets) || pending != int(c.Pending) || c.ended() && pending > 0 {
			return fmt.Errorf("claim %x has %d tickets, %d pending: it counts %d and %d", c.Key, len(tickets), pending, c.Tickets, c.Pending)
		}
	}
	all, err := values(ctx, k.store.tickets)
	if err == nil && len(all) != len(seen) {
		return fmt.Errorf("there are %d tickets, and claims have %d", len(all), len(seen))
	}
	return err
}

func (k *Keeper) creditsTried(ctx context.Context) error {
	tickets, err := values(ctx, k.store.tickets)
	if err != nil {
		return err
	}
	for _, t := range tickets {
		if t.Status != TICKET_STATUS_CREDITED {
			continue
		}
		trial, err := k.Trial(ctx, t.Claim)
		if err != nil {
			return fmt.Errorf("ticket %x is credited: %w", t.Nullifier, err)
		}
		if !trial.Closed || len(trial.Digest) == 0 || trial.ReceiptWrong {
			return fmt.Errorf("ticket %x is credited, and its trial found no such thing", t.Nullifier)
		}
		verdicts, err := k.verdicts(ctx, t.Claim)
		if err != nil {
			return err
		}
		var in uint64
		for i := range verdicts {
			if _, void := verdicts[i].fault(t.Nullifier); verdicts[i].opens(trial.Digest) && !void && !verdicts[i].ReceiptWrong {
				in += verdicts[i].Power
			}
		}
		if !enough(in, trial.Power) {
			return fmt.Errorf("ticket %x is credited with %d of %d power", t.Nullifier, in, trial.Power)
		}
	}
	return nil
}

func (k *Keeper) remembersClaims(ctx context.Context) error {
	claims, err := values(ctx, k.store.claims)
	if err != nil {
		return err
	}
	for _, c := range claims {
		done, err := k.store.done.Has(ctx, c.Job)
		if err != nil {
			return err
		}
		if !done && c.Status != CLAIM_STATUS_RETURNED && c.Class != CLASS_AUDIT {
			return fmt.Errorf("job %x was claimed, and may be claimed again", c.Job)
		}
	}
	return nil
}

func (k *Keeper) queuesAll(ctx context.Context) error {
	claims, err := values(ctx, k.store.claims)
	if err != nil {
		return err
	}
	want := map[string]int{}
	for _, c := range claims {
		var in collections.KeySet[at]
		var due int64
		var name string
		switch c.Status {
		case CLAIM_STATUS_WAITING:
			in, due, name = k.store.waiting, c.Height, "waiting"
		case CLAIM_STATUS_OPEN:
			in, due, name = k.store.closing, c.Closes, "closing"
		case CLAIM_STATUS_DELIVERED:
			in, due, name = k.store.docket, c.Delivered, "docket"
			if t, err := k.Trial(ctx, c.Key); err == nil {
				in, due, name = k.store.deadlines, t.deadline(), "deadlines"
			}
		default:
			in, due, name = k.store.fading, c.Forgotten, "fading"
		}
		has, err := in.Has(ctx, join(due, c.Key))
		if err != nil {
			return err
		}
		if !has {
			return fmt.Errorf("claim %x, %v, is not in queue %s at %d", c.Key, c.Status, name, due)
		}
		want[name]++
	}
	for _, q := range []struct {
		name string
		set  collections.KeySet[at]
	}{
		{"waiting", k.store.waiting},
		{"closing", k.store.closing},
		{"docket", k.store.docket},
		{"deadlines", k.store.deadlines},
		{"fading", k.store.fading},
	} {
		all, err := keys(ctx, q.set, nil, -1)
		if err != nil {
			return err
		}
		if len(all) != want[q.name] {
			return fmt.Errorf("queue %s has %d entries for %d claims", q.name, len(all), want[q.name])
		}
	}
	return k.countsOpen(ctx)
}

// countsOpen holds the market's counts against what is open.
func (k *Keeper) countsOpen(ctx context.Context) error {
	m, err := k.Market(ctx)
	if err != nil {
		return err
	}
	jobs, err := values(ctx, k.store.jobs)
	if err != nil {
		return err
	}
	var open uint64
	for _, j := range jobs {
		if j.Status != JOB_STATUS_OPEN {
			continue
		}
		open++
		has, err := k.store.ranked.Has(ctx, collections.Join(j.rate(), j.Id))
		if err != nil {
			return err
		}
		if !has {
			return fmt.Errorf("open job %x, which tips %d for 10^9 MACs, is not ranked so", j.Id, j.rate())
		}
	}
	ranked, err := keys(ctx, k.store.ranked, nil, -1)
	if err != nil {
		return err
	}
	offers, err := keys(ctx, k.store.offers, nil, -1)
	if err != nil {
		return err
	}
	trials, err := keys(ctx, k.store.deadlines, nil, -1)
	if err != nil {
		return err
	}
	if m.OpenJobs != open || uint64(len(offers)) != open || uint64(len(ranked)) != open || m.OpenTrials != uint64(len(trials)) {
		return fmt.Errorf("the market counts %d jobs and %d trials: %d jobs are open, %d offered, %d ranked, %d trials held", m.OpenJobs, m.OpenTrials, open, len(offers), len(ranked), len(trials))
	}
	return nil
}
