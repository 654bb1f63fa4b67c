package emission

import "cosmossdk.io/errors"

const (
	// ModuleName names the module, its store and its account, which mints and
	// holds what vests.
	ModuleName = "emission"
	// CommunityName names the account of the community's pot.
	CommunityName = "community"
)

// What is refused, and why.
var (
	ErrAuthority = errors.Register(ModuleName, 2, "only governance may do this")
	ErrParams    = errors.Register(ModuleName, 3, "parameters of the emission that make no sense")
	ErrClass     = errors.Register(ModuleName, 4, "no such class of work")
	ErrAmount    = errors.Register(ModuleName, 5, "an amount that cannot be spent")
)
