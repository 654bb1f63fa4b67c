package pool

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"hearth/ledger"
	"hearth/pool/account"
	"hearth/pool/agreement"
	"hearth/pool/job"
	"hearth/pool/payout"
	"hearth/pool/reward"
	"hearth/pool/split"
)

// The names in a pool's accounts: whose the miners are, and who pays for shares
// before there is a block.
const (
	poolParty      = "pool"
	operatorSource = "operator"
)

func sorted(m map[string]int64) []string { return slices.Sorted(maps.Keys(m)) }

// fee is the pool's own part of an amount.
func (c Config) fee(amount int64) int64 { return amount * int64(math.Round(c.Fee*1000)) / 100_000 }

// pplns divides a block among those who worked lately, when it is found. The
// coins come a hundred blocks later.
func (m *mint) pplns(total int64, target job.Target) ([]reward.Due, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	span, err := windowOf(windowBlocks, target)
	if err != nil {
		return nil, fmt.Errorf("divide a block: %w", err)
	}
	fee := m.s.cfg.fee(total * 1000)
	dues := []reward.Due{{Miner: m.s.cfg.Address, Millisats: fee}}
	work := m.window.Last(span)
	if len(work) == 0 {
		dues[0].Millisats = total * 1000
		return dues, nil
	}
	shared, err := reward.Proportional(work, total*1000-fee)
	if err != nil {
		return nil, fmt.Errorf("divide a block: %w", err)
	}
	return append(dues, shared...), nil
}

// windowOf is the work of so many blocks. Where finding one is hardly any work,
// as on a test network, each counts as the least work there is.
func windowOf(blocks int, target job.Target) (job.Work, error) {
	if d := target.Difficulty(); d >= 1 {
		return reward.Span(blocks, d)
	}
	return job.Work(blocks) * target.Difficulty().Work(), nil
}

// windowBlocks is how many blocks' worth of work shares in one.
const windowBlocks = 4

// shareBlock books to miners what is theirs of a block that a pool holds. Blocks
// that pay everybody themselves are nobody's to book.
func (b *books) shareBlock(ctx context.Context, f foundBlock) error {
	if len(f.Dues) == 0 {
		return nil
	}
	sums := map[string]int64{}
	for _, d := range f.Dues {
		sums[d.Miner] += d.Millisats
	}
	t := ledger.Transfer{ID: "block/" + f.Hash, For: fmt.Sprintf("block %d by %s", f.Height, b.s.cfg.Scheme), Proof: f.Hash}
	total := int64(0)
	for _, miner := range sorted(sums) {
		if sums[miner] == 0 {
			continue
		}
		t.Entries = append(t.Entries, ledger.Posting{Account: account.Party(poolParty, miner), Millisats: sums[miner]})
		total += sums[miner]
	}
	t.Entries = append(t.Entries, ledger.Posting{Account: account.Revenue(NodeSource), Millisats: -total})
	return b.transfer(ctx, t)
}

// transfer writes a transfer that is not in the ledger yet.
func (b *books) transfer(ctx context.Context, t ledger.Transfer) error {
	b.mu.Lock()
	done := b.account.Has(t.ID)
	err := error(nil)
	if !done {
		err = b.account.Check(t)
	}
	b.mu.Unlock()
	if done {
		return nil
	}
	if err != nil {
		return fmt.Errorf("book %s: %w", t.ID, err)
	}
	e, err := ledger.NewEntry(b.s.opt.Now(), poolParty, false, t)
	if err != nil {
		return fmt.Errorf("book %s: %w", t.ID, err)
	}
	if err := b.append(ctx, e); err != nil {
		return err
	}
	return b.follow(ctx)
}

// perShare pays for shares out of what the operator put in, each record of shares
// once, until that is used up.
func (b *books) perShare(ctx context.Context) error {
	if b.s.cfg.Role != Open || b.s.cfg.Scheme != PerShare {
		return nil
	}
	accounts := map[string]string{}
	for _, m := range b.s.miners.List(b.s.opt.Now()) {
		accounts[m.Name] = m.Account
	}
	b.mu.Lock()
	queue := b.unpaid
	b.mu.Unlock()
	for len(queue) > 0 {
		r := queue[0]
		id := fmt.Sprintf("per-share/%d", r.seq)
		b.mu.Lock()
		y, known := b.yields[NodeSource]
		budget := b.account.Unshared(operatorSource)
		paid := b.account.Has(id)
		if paid { // by the process before
			b.unpaid = b.unpaid[1:]
		}
		b.mu.Unlock()
		if paid {
			queue = queue[1:]
			continue
		}
		if !known {
			return nil // the node has not said yet what work is worth
		}
		to := cmp.Or(r.account, accounts[r.worker], b.s.cfg.Address)
		price := reward.Price{Millisats: y.Millisats - b.s.cfg.fee(y.Millisats), Work: job.Work(y.Work)}
		dues, rest, err := reward.PerShare([]reward.Batch{{Miner: to, Work: r.work}}, price, budget)
		if err != nil {
			return fmt.Errorf("pay for shares: %w", err)
		}
		if len(rest) > 0 {
			b.troubled("budget", fmt.Errorf("the operator's budget is used up: %d msat are left. Shares count on and are paid when there is more: \"hearth pool receipt %s\"", budget, operatorSource))
			return nil
		}
		b.troubled("budget", nil)
		if len(dues) == 1 && dues[0].Millisats > 0 {
			t, err := account.Share(id, account.Revenue(operatorSource), dues[0].Millisats,
				[]split.Part{{Name: account.Party(poolParty, to), Weight: 1}}, "shares of "+r.worker, fmt.Sprintf("record %d", r.seq))
			if err != nil {
				return fmt.Errorf("pay for shares: %w", err)
			}
			if err := b.transfer(ctx, t); err != nil {
				return err
			}
		}
		queue = queue[1:]
		b.mu.Lock()
		b.unpaid = b.unpaid[1:]
		b.mu.Unlock()
	}
	return nil
}

// claim is a record of shares that is to be paid for.
type claim struct {
	seq     uint64
	worker  string
	account string // who is credited
	work    job.Work
}

// accountDues is what a pool owes its miners.
func (b *books) accountDues() []payout.Due {
	if b.s.cfg.Role != Open {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []payout.Due
	prefix := account.Party(poolParty, "")
	for _, a := range b.account.Balances() {
		to, ok := strings.CutPrefix(a.Account, prefix)
		if !ok || a.Millisats <= 0 {
			continue
		}
		way := agreement.Address
		if strings.Contains(to, "@") {
			way = agreement.Lightning
		}
		rail := b.railFor(way)
		if rail == "" {
			continue
		}
		out = append(out, payout.Due{Party: poolParty + "/" + to, Rail: rail, To: to, Millisats: a.Millisats, Threshold: b.s.cfg.Payouts.Threshold * 1000})
	}
	return out
}
