package emission

import (
	"errors"
	"fmt"

	"hearth/chain/emission/schedule"
)

// DefaultParams are those of a network with epochs of an hour.
func DefaultParams() Params {
	s := schedule.Default()
	return Params{
		EpochBlocks: 1800, HalfLifeEpochs: schedule.HalfLife,
		ShareWork: s.Work, ShareCommons: s.Commons, ShareAudits: s.Audits, ShareValidators: s.Validators, ShareCommunity: s.Community,
		CommunitySunset: s.Sunset,
		VestingEpochs:   720, VestingShare: 800,
		// What ten cores do in an hour, at 10^11 MACs a second each.
		FullMega: 3_600_000_000,
	}
}

// FastParams are for networks on one machine: an epoch is twenty blocks, and
// earnings vest for three of them.
func FastParams() Params {
	p := DefaultParams()
	p.EpochBlocks, p.VestingEpochs = 20, 3
	p.FullMega = 1
	return p
}

// Shares returns what package schedule splits by.
func (p Params) Shares() schedule.Shares {
	return schedule.Shares{
		Work: p.ShareWork, Commons: p.ShareCommons, Audits: p.ShareAudits, Validators: p.ShareValidators,
		Community: p.ShareCommunity, Sunset: p.CommunitySunset,
	}
}

// Validate says what is wrong with the parameters.
func (p Params) Validate() error {
	_, err := schedule.NewCurve(p.HalfLifeEpochs)
	errs := []error{err, p.Shares().Check()}
	if p.EpochBlocks < 5 || p.EpochBlocks > 1_000_000 {
		errs = append(errs, fmt.Errorf("an epoch has %d blocks and must have from 5 to 1,000,000", p.EpochBlocks))
	}
	if p.VestingEpochs > 100_000 {
		errs = append(errs, fmt.Errorf("earnings vest for %d epochs, at most 100,000", p.VestingEpochs))
	}
	if p.VestingShare > 1000 {
		errs = append(errs, fmt.Errorf("%d permille of earnings vest", p.VestingShare))
	}
	if err := errors.Join(errs...); err != nil {
		return ErrParams.Wrap(err.Error())
	}
	return nil
}

// bucket is the epoch with whose end something earned in an epoch is paid. All
// that an owner earns in a thirtieth of the time is paid together, so that not
// much has to be remembered of anybody.
func (p Params) bucket(epoch uint64) uint64 {
	step := max(p.VestingEpochs/30, 1)
	pays := epoch + p.VestingEpochs
	return (pays + step - 1) / step * step
}
