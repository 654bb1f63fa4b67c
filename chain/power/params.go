package power

import (
	"errors"
	"fmt"

	"hearth/chain/coin"
	"hearth/chain/power/weight"
)

// MostValidators is how many may be registered, with or without power: what a
// day's end looks through in one block.
const MostValidators = 4 * weight.MostSeats

// DefaultParams are those of a network with blocks of two seconds.
func DefaultParams() Params {
	r := weight.Default()
	return Params{
		DayBlocks: 43_200, MinBond: 1_000 * coin.Unit,
		UnbondingDays: 21, TrustingDays: 14,
		MaxValidators: r.MaxSeats, Cap: r.Cap, CapFew: r.CapFew, Few: r.Few, Churn: r.Churn,
		SmoothingDays: r.SmoothingDays, MaturationDays: r.MaturationDays,
		BaseShare: r.BaseShare, BackingDays: r.BackingDays, FloorShare: r.FloorShare,
		Breaker: r.Breaker, Collapse: r.Collapse,
		GuardianShare: r.GuardianShare, GuardianSunset: r.GuardianSunset,
		SlashDoubleSign: 1000, SlashDowntime: 1,
		// Half of some six hours: a home's line may be gone for an evening.
		DowntimeWindow: 10_800, DowntimeMissed: 500, Jail: 300,
		ClassPaid: 1000, ClassAudit: 1000, ClassCommons: 1000,
	}
}

// FastParams are for networks on one machine: a day is a minute, and work
// counts towards power after two of them.
func FastParams() Params {
	p := DefaultParams()
	p.DayBlocks, p.MinBond = 60, 100*coin.Unit
	p.SmoothingDays, p.MaturationDays = 2, 2
	p.DowntimeWindow, p.Jail = 2000, 30
	return p
}

// Rules returns the parameters that package weight decides with.
func (p Params) Rules() weight.Rules {
	return weight.Rules{
		SmoothingDays: p.SmoothingDays, MaturationDays: p.MaturationDays,
		BaseShare: p.BaseShare, BackingDays: p.BackingDays, FloorShare: p.FloorShare,
		Cap: p.Cap, CapFew: p.CapFew, Few: p.Few, Churn: p.Churn, MaxSeats: p.MaxValidators,
		Breaker: p.Breaker, Collapse: p.Collapse,
		GuardianShare: p.GuardianShare, GuardianSunset: p.GuardianSunset,
	}
}

// Validate says what is wrong with the parameters.
func (p Params) Validate() error {
	errs := []error{p.Rules().Check()}
	within := func(name string, v, least, most int64) {
		if v < least || v > most {
			errs = append(errs, fmt.Errorf("%s is %d and must be from %d to %d", name, v, least, most))
		}
	}
	within("the length of a day, in blocks,", p.DayBlocks, 10, 1_000_000)
	within("the least bond, in uhth,", int64(min(p.MinBond, 1<<62)), 1, 1<<50)
	within("the light client's trusting period, in days,", p.TrustingDays, 1, 365)
	// Whoever signs a false history must still have something to lose when a
	// client comes back.
	within("unbonding, in days,", p.UnbondingDays, p.TrustingDays+1, 1000)
	within("the slash for signing twice, in permille,", int64(p.SlashDoubleSign), 1, 1000)
	within("the slash for absence, in permille,", int64(p.SlashDowntime), 0, 100)
	within("the window of presence, in blocks,", p.DowntimeWindow, 10, 100_000)
	within("absence in the window, in permille,", int64(p.DowntimeMissed), 1, 1000)
	within("the time out, in blocks,", p.Jail, 1, 10_000_000)
	within("the weight of paid work, in permille,", int64(p.ClassPaid), 0, 1000)
	within("the weight of audits, in permille,", int64(p.ClassAudit), 0, 1000)
	within("the weight of commons, in permille,", int64(p.ClassCommons), 0, 1000)
	if err := errors.Join(errs...); err != nil {
		return ErrParams.Wrap(err.Error())
	}
	return nil
}

// class is what a MAC of a class of work counts, in permille.
func (p Params) class(class int32) (uint64, error) {
	switch class {
	case 1:
		return uint64(p.ClassPaid), nil
	case 2:
		return uint64(p.ClassAudit), nil
	case 3:
		return uint64(p.ClassCommons), nil
	}
	return 0, ErrClass.Wrapf("%d", class)
}
