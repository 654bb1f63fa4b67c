package power

import "cosmossdk.io/errors"

// ModuleName names the module, its store and its account, which holds bonds.
const ModuleName = "power"

// What is refused, and why.
var (
	ErrAuthority  = errors.Register(ModuleName, 2, "only governance may do this")
	ErrParams     = errors.Register(ModuleName, 3, "parameters of power that make no sense")
	ErrNotFound   = errors.Register(ModuleName, 4, "no such validator")
	ErrRegistered = errors.Register(ModuleName, 5, "this operator or key is registered already")
	ErrKey        = errors.Register(ModuleName, 6, "a key that cannot be used")
	ErrBond       = errors.Register(ModuleName, 7, "a bond that cannot be")
	ErrFull       = errors.Register(ModuleName, 8, "no more validators can register")
	ErrJailed     = errors.Register(ModuleName, 9, "the validator is out for a fault")
	ErrTooSoon    = errors.Register(ModuleName, 10, "too soon")
	ErrClass      = errors.Register(ModuleName, 11, "no such class of work")
)
