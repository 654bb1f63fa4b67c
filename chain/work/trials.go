package work

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"cosmossdk.io/collections"
	storetypes "github.com/cosmos/cosmos-sdk/store/v2/types"
	sdk "github.com/cosmos/cosmos-sdk/types"

	format "hearth/work"
)

// faultReasons are what a ticket can be void for.
func faultReasons() []format.Reason {
	return []format.Reason{
		format.ReasonMalformed, format.ReasonPrivate, format.ReasonTooLarge, format.ReasonModel, format.ReasonClaim, format.ReasonOperation,
		format.ReasonShape, format.ReasonTile, format.ReasonPosition, format.ReasonAnswer, format.ReasonRow, format.ReasonSignature,
		format.ReasonWeights, format.ReasonTarget, format.ReasonDiverges, format.ReasonOtherRow, format.ReasonRepeated, format.ReasonNotReached,
	}
}

// deadline is when the present part of a trial ends.
func (t *Trial) deadline() int64 {
	if t.RevealsUntil > 0 {
		return t.RevealsUntil
	}
	return t.VerdictsUntil
}

// Trial is the trial of a claim.
func (k *Keeper) Trial(ctx context.Context, claim []byte) (Trial, error) {
	t, err := k.store.trials.Get(ctx, claim)
	if absent(err) {
		return t, ErrNotFound.Wrapf("trial of claim %x", claim)
	}
	return t, err
}

// verdicts are those about a claim, by operator. Reading them costs no gas: how
// long they are is the others' doing, and what a validator owes must not fail
// for it.
func (k *Keeper) verdicts(ctx context.Context, claim []byte) ([]Verdict, error) {
	var all []Verdict
	free := sdk.UnwrapSDKContext(ctx).WithGasMeter(storetypes.NewInfiniteGasMeter())
	err := k.store.verdicts.Walk(free, within[[]byte, string](claim), func(_ collections.Pair[[]byte, string], v Verdict) (bool, error) {
		all = append(all, v)
		return false, nil
	})
	return all, err
}

// openTrials begins trials of delivered claims, as far as there is room.
func (k *Keeper) openTrials(ctx context.Context) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	prices, err := k.Market(ctx)
	if err != nil {
		return err
	}
	room := int(p.MaxOpenTrials) - int(prices.OpenTrials)
	if room <= 0 {
		return nil
	}
	ready, err := dues(ctx, k.store.docket, height(ctx), min(room, perBlock))
	if err != nil {
		return err
	}
	for _, due := range ready {
		c, err := k.Claim(ctx, due.K2())
		if err != nil {
			return err
		}
		against, err := k.disputed(ctx, &c)
		if err != nil {
			return err
		}
		t := Trial{Claim: c.Key, Opened: height(ctx), VerdictsUntil: height(ctx) + p.VerdictPeriod, Against: against}
		if err := k.store.docket.Remove(ctx, due); err != nil {
			return err
		}
		if err := k.keepTrial(ctx, t); err != nil {
			return err
		}
		event(ctx, "trial", "claim", fmt.Sprintf("%x", c.Key))
	}
	return k.trade(ctx, func(m *Market) { m.OpenTrials += uint64(len(ready)) })
}

// keepTrial writes a trial and where it is found.
func (k *Keeper) keepTrial(ctx context.Context, t Trial) error {
	if !t.Closed {
		if err := k.store.deadlines.Set(ctx, join(t.deadline(), t.Claim)); err != nil {
			return err
		}
	}
	if err := k.store.held.Set(ctx, join(t.Opened, t.Claim)); err != nil {
		return err
	}
	return k.store.trials.Set(ctx, t.Claim, t)
}

// checkVerdict tells whether a verdict may be given now, and returns it with
// the trial.
func (k *Keeper) checkVerdict(ctx context.Context, msg *MsgJudge, now int64) (Trial, Verdict, error) {
	none := func(err error) (Trial, Verdict, error) { return Trial{}, Verdict{}, err }
	t, err := k.Trial(ctx, msg.Claim)
	if err != nil {
		return none(err)
	}
	power, err := k.Power.Power(ctx, msg.Validator)
	if err != nil {
		return none(err)
	}
	switch {
	case t.Closed || t.RevealsUntil > 0 || now > t.VerdictsUntil:
		return none(ErrTrial.Wrapf("verdicts were taken until block %d", t.VerdictsUntil))
	case power <= 0:
		return none(ErrTrial.Wrapf("%s has no power", msg.Validator))
	case len(msg.Seal) != 32:
		return none(ErrTrial.Wrapf("a seal of %d bytes: want 32", len(msg.Seal)))
	case msg.AgainstWrong && len(t.Against) == 0:
		return none(ErrTrial.Wrap("the trial is not against another claim"))
	}
	given, err := k.store.verdicts.Has(ctx, collections.Join(msg.Claim, msg.Validator))
	if err != nil {
		return none(err)
	}
	if given {
		return none(ErrTrial.Wrap("a validator gives one verdict about a claim"))
	}
	c, err := k.Claim(ctx, msg.Claim)
	if err != nil {
		return none(err)
	}
	if len(msg.Faults) > int(c.Tickets) {
		return none(ErrTrial.Wrapf("%d faults in %d tickets", len(msg.Faults), c.Tickets))
	}
	for i, f := range msg.Faults {
		of, err := k.store.ticketsOf.Has(ctx, collections.Join(msg.Claim, f.Nullifier))
		switch {
		case err != nil:
			return none(err)
		case !of:
			return none(ErrTrial.Wrapf("%x is no ticket of the claim", f.Nullifier))
		case i > 0 && bytes.Compare(msg.Faults[i-1].Nullifier, f.Nullifier) >= 0:
			return none(ErrTrial.Wrap("faults stand in the order of their tickets, each once"))
		case !slices.Contains(faultReasons(), format.Reason(f.Reason)):
			return none(ErrTrial.Wrapf("%q is no reason for which a ticket is void", f.Reason))
		}
	}
	return t, Verdict{
		Claim: msg.Claim, Validator: msg.Validator, Faults: msg.Faults, ReceiptWrong: msg.ReceiptWrong, AgainstWrong: msg.AgainstWrong,
		Seal: msg.Seal, Height: now, Power: uint64(power),
	}, nil
}

// judge takes a verdict. When all power has spoken, reveals begin.
func (k *Keeper) judge(ctx context.Context, msg *MsgJudge) error {
	t, v, err := k.checkVerdict(ctx, msg, height(ctx))
	if err != nil {
		return err
	}
	if err := k.store.verdicts.Set(ctx, collections.Join(v.Claim, v.Validator), v); err != nil {
		return err
	}
	event(ctx, "verdict", "claim", fmt.Sprintf("%x", v.Claim), "validator", v.Validator)
	all, err := k.verdicts(ctx, v.Claim)
	if err != nil {
		return err
	}
	total, err := k.totalPower(ctx)
	if err != nil {
		return err
	}
	var spoke uint64
	for i := range all {
		spoke += all[i].Power
	}
	if spoke < total {
		return nil
	}
	return k.beginReveals(ctx, t)
}

func (k *Keeper) totalPower(ctx context.Context) (uint64, error) {
	total, err := k.Power.TotalPower(ctx)
	if err != nil {
		return 0, fmt.Errorf("read the power of all: %w", err)
	}
	return uint64(max(total, 0)), nil
}

func (k *Keeper) beginReveals(ctx context.Context, t Trial) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	return k.moveTrial(ctx, t, height(ctx)+p.RevealPeriod)
}

// moveTrial sets when reveals end.
func (k *Keeper) moveTrial(ctx context.Context, t Trial, until int64) error {
	if err := k.store.deadlines.Remove(ctx, join(t.deadline(), t.Claim)); err != nil {
		return err
	}
	t.RevealsUntil = until
	if err := k.store.deadlines.Set(ctx, join(until, t.Claim)); err != nil {
		return err
	}
	return k.store.trials.Set(ctx, t.Claim, t)
}

// checkReveal tells whether a digest may be revealed now: by a validator whose
// own seal it opens, and if it opens those of more than two thirds of power.
func (k *Keeper) checkReveal(ctx context.Context, msg *MsgReveal, now int64) (Trial, error) {
	t, err := k.Trial(ctx, msg.Claim)
	if err != nil {
		return t, err
	}
	switch {
	case t.Closed || t.RevealsUntil == 0 || now > t.RevealsUntil:
		return t, ErrTrial.Wrap("reveals are taken after the verdicts, until the trial closes")
	case len(t.Digest) > 0:
		return t, ErrTrial.Wrap("the digest is revealed already")
	}
	own, err := k.store.verdicts.Get(ctx, collections.Join(msg.Claim, msg.Validator))
	if absent(err) {
		return t, ErrTrial.Wrapf("%s has given no verdict", msg.Validator)
	}
	if err != nil {
		return t, err
	}
	if !own.opens(msg.Digest) {
		return t, ErrTrial.Wrap("the digest does not open the validator's own seal")
	}
	all, err := k.verdicts(ctx, msg.Claim)
	if err != nil {
		return t, err
	}
	total, err := k.totalPower(ctx)
	if err != nil {
		return t, err
	}
	if power := agreed(all, msg.Digest); !enough(power, total) {
		return t, ErrTrial.Wrapf("the digest opens seals of %d of %d power: it takes more than two thirds", power, total)
	}
	return t, nil
}

// reveal takes the digest of a trial, which closes at the end of the block.
func (k *Keeper) reveal(ctx context.Context, msg *MsgReveal) error {
	t, err := k.checkReveal(ctx, msg, height(ctx))
	if err != nil {
		return err
	}
	t.Digest = msg.Digest
	return k.moveTrial(ctx, t, height(ctx))
}

// Duty tells whether a message of a validator is one that the next block would
// take. Such messages cost no fee. It notes what was said, so that in one context
// the same is no duty again: it is for the state that a pool is checked against.
func (k *Keeper) Duty(ctx context.Context, msg sdk.Msg) error {
	next := height(ctx) + 1
	switch m := msg.(type) {
	case *MsgJudge:
		_, v, err := k.checkVerdict(ctx, m, next)
		if err != nil {
			return err
		}
		return k.store.verdicts.Set(ctx, collections.Join(v.Claim, v.Validator), v)
	case *MsgReveal:
		t, err := k.checkReveal(ctx, m, next)
		if err != nil {
			return err
		}
		t.Digest = m.Digest
		return k.store.trials.Set(ctx, t.Claim, t)
	}
	return ErrTrial.Wrapf("%T is no duty of a validator", msg)
}

// closeTrials ends the parts of trials whose time is up.
func (k *Keeper) closeTrials(ctx context.Context) error {
	ready, err := dues(ctx, k.store.deadlines, height(ctx), perBlock)
	if err != nil {
		return err
	}
	for _, due := range ready {
		t, err := k.Trial(ctx, due.K2())
		if err != nil {
			return err
		}
		verdicts, err := k.verdicts(ctx, t.Claim)
		if err != nil {
			return err
		}
		if t.RevealsUntil == 0 && len(verdicts) > 0 {
			err = k.beginReveals(ctx, t)
		} else {
			err = k.closeTrial(ctx, t, verdicts)
		}
		if err != nil {
			return fmt.Errorf("trial of claim %x: %w", t.Claim, err)
		}
	}
	return nil
}

// closeTrial decides about a claim and acts on it.
func (k *Keeper) closeTrial(ctx context.Context, t Trial, verdicts []Verdict) error {
	total, err := k.totalPower(ctx)
	if err != nil {
		return err
	}
	c, err := k.Claim(ctx, t.Claim)
	if err != nil {
		return err
	}
	tickets, err := k.ticketsOf(ctx, t.Claim)
	if err != nil {
		return err
	}
	ids := make([][]byte, len(tickets))
	for i := range tickets {
		ids[i] = tickets[i].Nullifier
	}
	o := decide(verdicts, t.Digest, ids, len(t.Against) > 0, total)
	if err := k.store.deadlines.Remove(ctx, join(t.deadline(), t.Claim)); err != nil {
		return err
	}
	t.Closed, t.Power, t.ReceiptWrong, t.AgainstWrong = true, total, o.receipt == wrong, o.against == wrong
	if err := k.store.trials.Set(ctx, t.Claim, t); err != nil {
		return err
	}
	if err := k.trade(ctx, func(m *Market) { m.OpenTrials-- }); err != nil {
		return err
	}
	if err := k.judgeTheJudges(ctx, verdicts, o.standing); err != nil {
		return err
	}
	if o.against == wrong {
		if err := k.overturn(ctx, t.Against); err != nil {
			return fmt.Errorf("overturn claim %x: %w", t.Against, err)
		}
	}
	return k.carryOut(ctx, c, tickets, o)
}

// judgeTheJudges pays validators whose verdict stood and punishes those who did
// not run the job, or said what is not so.
func (k *Keeper) judgeTheJudges(ctx context.Context, verdicts []Verdict, standing []Standing) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	for i, v := range verdicts {
		v.Standing = standing[i]
		if err := k.store.verdicts.Set(ctx, collections.Join(v.Claim, v.Validator), v); err != nil {
			return err
		}
		switch v.Standing {
		case STANDING_STOOD:
			err = k.Emission.Judged(ctx, v.Validator)
		case STANDING_LAZY:
			_, err = k.Power.Punish(ctx, v.Validator, p.SlashLazyVerdict, fmt.Sprintf("verdict about claim %x without running its job", v.Claim))
		case STANDING_WRONG:
			_, err = k.Power.Punish(ctx, v.Validator, p.SlashWrongVerdict, fmt.Sprintf("wrong verdict about claim %x", v.Claim))
		}
		if err != nil {
			return fmt.Errorf("verdict of %s: %w", v.Validator, err)
		}
	}
	return nil
}

// carryOut does to a claim what its trial came to.
func (k *Keeper) carryOut(ctx context.Context, c Claim, tickets []Ticket, o outcome) error {
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	own := map[string]string{}
	for i, f := range o.tickets {
		if f.ruling == wrong {
			own[string(tickets[i].Nullifier)] = f.reason
		}
	}
	switch {
	case o.receipt == wrong:
		if err := k.slash(ctx, c.Owner, p.SlashWrongReceipt, string(format.ReasonReceipt)); err != nil {
			return err
		}
		return k.lose(ctx, c, CLAIM_STATUS_LOST, string(format.ReasonReceipt))
	case len(own) > 0:
		if err := k.voidAll(ctx, &c, own, "another ticket of the claim does not hold"); err != nil {
			return err
		}
		if err := k.slash(ctx, c.Owner, p.SlashInvalidTicket, "a ticket that does not hold"); err != nil {
			return err
		}
	case len(tickets) > 0:
		if err := k.credit(ctx, &c, tickets, o); err != nil {
			return err
		}
	}
	return k.settle(ctx, c)
}

// credit pays the tickets of a claim that more than two thirds of power found
// to hold, with the receipt. Of a model that was broken meanwhile nothing is paid:
// its work may have been cheap. That is not the miner's fault, and costs it nothing.
func (k *Keeper) credit(ctx context.Context, c *Claim, tickets []Ticket, o outcome) error {
	broken, err := k.Models.Broken(ctx, [32]byte(c.Model))
	if err != nil {
		return fmt.Errorf("read the state of model %x: %w", c.Model, err)
	}
	var credited, macs, open, openMACs uint64
	for i, t := range tickets {
		status := TICKET_STATUS_UNDECIDED
		if o.tickets[i].ruling == holds && o.receipt == holds && !broken {
			status = TICKET_STATUS_CREDITED
			credited++
			macs = plus(macs, t.Macs)
		} else {
			open++
			openMACs = plus(openMACs, t.Macs)
		}
		if broken {
			t.Reason = "model broken"
		}
		if err := k.endTicket(ctx, t, status); err != nil {
			return err
		}
	}
	c.Pending = 0
	if macs > 0 {
		if err := k.Emission.Credit(ctx, c.Owner, int32(c.Class), macs); err != nil {
			return fmt.Errorf("pay for claim %x: %w", c.Key, err)
		}
		if err := k.Power.Credit(ctx, c.Owner, int32(c.Class), macs); err != nil {
			return fmt.Errorf("count claim %x as power: %w", c.Key, err)
		}
		m, err := k.Miner(ctx, c.Owner)
		if err != nil {
			return err
		}
		byClass(c.Class, &m.MegaPaid, &m.MegaAudit, &m.MegaCommons, macs)
		if err := k.keepMiner(ctx, m); err != nil {
			return err
		}
	}
	return k.count(ctx, func(t *Tally) {
		byClass(c.Class, &t.MegaPaid, &t.MegaAudit, &t.MegaCommons, macs)
		t.TicketsCredited += credited
		t.TicketsUndecided += open
		t.MegaUndecided = plus(t.MegaUndecided, mega(openMACs))
	})
}

// byClass adds the MACs of a claim to the sum of its class.
func byClass(c Class, paid, audit, commons *uint64, macs uint64) {
	var sum *uint64
	switch c {
	case CLASS_PAID:
		sum = paid
	case CLASS_AUDIT:
		sum = audit
	case CLASS_COMMONS:
		sum = commons
	default:
		return
	}
	*sum = plus(*sum, mega(macs))
}

// mega is the work of a claim in millions of MACs, which sums over time count:
// one fast miner fills 64 bits with MACs in a day. It is rounded down, for each
// claim, as power and emission round it; so the three agree.
func mega(macs uint64) uint64 { return macs / 1_000_000 }

// plus adds, and stays at the largest number rather than begin anew.
func plus(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry > 0 {
		return math.MaxUint64
	}
	return sum
}

// overturn punishes a claim that had settled and whose answer an audit showed
// to be wrong. What was credited stays counted: it had been run again.
func (k *Keeper) overturn(ctx context.Context, key []byte) error {
	c, err := k.Claim(ctx, key)
	if err != nil {
		return err
	}
	if c.Status != CLAIM_STATUS_SETTLED {
		return nil
	}
	p, err := k.Params(ctx)
	if err != nil {
		return err
	}
	c.Status, c.Reason = CLAIM_STATUS_LOST, "its answer is not what an audit found"
	if err := k.store.claims.Set(ctx, c.Key, c); err != nil {
		return err
	}
	job, err := k.Job(ctx, c.Job)
	if err != nil {
		return err
	}
	job.Status = JOB_STATUS_FAILED
	if err := k.store.jobs.Set(ctx, job.Id, job); err != nil {
		return err
	}
	if err := k.count(ctx, func(t *Tally) { t.JobsLost++ }); err != nil {
		return err
	}
	return k.slash(ctx, c.Owner, p.SlashWrongReceipt, c.Reason)
}
