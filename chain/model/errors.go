package model

import "cosmossdk.io/errors"

// ModuleName names the module, its store and its account.
const ModuleName = "model"

// Why messages are refused.
var (
	ErrAuthority  = errors.Register(ModuleName, 2, "only governance may do this")
	ErrParams     = errors.Register(ModuleName, 3, "parameters of the registry that make no sense")
	ErrAddress    = errors.Register(ModuleName, 4, "no address of this chain")
	ErrManifest   = errors.Register(ModuleName, 5, "the manifest is not one of a model that may be registered")
	ErrWords      = errors.Register(ModuleName, 6, "what is said about the model cannot be kept")
	ErrRegistered = errors.Register(ModuleName, 7, "the model, or weights of it, are registered already")
	ErrFull       = errors.Register(ModuleName, 8, "too many models wait for attestations: try again later")
	ErrUnknown    = errors.Register(ModuleName, 9, "no such model is registered")
	ErrStatus     = errors.Register(ModuleName, 10, "not for a model in this state")
	ErrValidator  = errors.Register(ModuleName, 11, "only validators with power attest, each once")
	ErrChallenge  = errors.Register(ModuleName, 12, "the challenge shows nothing")
	ErrNotActive  = errors.Register(ModuleName, 13, "the model may not be claimed")
)
