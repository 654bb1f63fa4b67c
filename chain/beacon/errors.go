package beacon

import "cosmossdk.io/errors"

// ModuleName names the module and its store.
const ModuleName = "beacon"

// What callers may branch on; everything else is a fault of the node.
var (
	ErrInjection = errors.Register(ModuleName, 2, "the beacon's part of the block is not what it may be")
	ErrAuthority = errors.Register(ModuleName, 3, "only governance may change the beacon's parameters")
	ErrParams    = errors.Register(ModuleName, 4, "beacon parameters that make no sense")
	ErrNoValue   = errors.Register(ModuleName, 5, "nothing waits for a value at this height, or it was long ago")
	ErrLate      = errors.Register(ModuleName, 6, "a value can be awaited in its own block only")
)
