package model

// DefaultParams are those of a real network, with blocks of two seconds.
func DefaultParams() Params {
	const day = 43_200 // blocks
	return Params{
		Deposit:            10_000_000_000, // 10,000 HTH
		Delay:              7 * day,
		ProposalPeriod:     14 * day,
		MaxManifest:        512 << 10,
		GasPerWeightKib:    5_000,
		GasPerManifestByte: 10,
		BountyPermille:     500,
		MaxProposed:        16,
		IdlePermille:       100,
	}
}

// FastParams are those of networks for tests and trials.
func FastParams() Params {
	p := DefaultParams()
	p.Deposit = 1_000_000_000
	p.Delay = 5
	p.ProposalPeriod = 60
	return p
}

// Validate says what no registry can work with.
func (p Params) Validate() error {
	switch {
	case p.Deposit == 0 || p.Deposit > 1<<60:
		return ErrParams.Wrapf("a deposit of %d: want more than nothing and less than all coins", p.Deposit)
	case p.Delay < 1:
		return ErrParams.Wrapf("a delay of %d blocks: want 1 at least", p.Delay)
	case p.ProposalPeriod < 1 || p.ProposalPeriod > 1<<32:
		return ErrParams.Wrapf("%d blocks for attestations: want 1 to 2^32", p.ProposalPeriod)
	case p.MaxManifest < 1<<10 || p.MaxManifest > 4<<20:
		return ErrParams.Wrapf("manifests of %d bytes: want 1 KiB to 4 MiB", p.MaxManifest)
	case p.GasPerWeightKib > 1<<32 || p.GasPerManifestByte > 1<<32:
		return ErrParams.Wrap("gas beyond 2^32 a unit")
	case p.BountyPermille > 1000 || p.IdlePermille > 1000:
		return ErrParams.Wrapf("a bounty of %d thousandths, and %d burned of an idle deposit", p.BountyPermille, p.IdlePermille)
	case p.MaxProposed == 0 || p.MaxProposed > 1024:
		return ErrParams.Wrapf("%d models waiting: want 1 to 1024", p.MaxProposed)
	}
	return nil
}
