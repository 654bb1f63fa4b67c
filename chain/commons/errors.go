package commons

import "cosmossdk.io/errors"

// ModuleName names the module, its store and its account.
const ModuleName = "commons"

// What a transaction can do wrong.
var (
	ErrAuthority = errors.Register(ModuleName, 2, "only governance may do this")
	ErrParams    = errors.Register(ModuleName, 3, "commons parameters that make no sense")
	ErrUnknown   = errors.Register(ModuleName, 4, "there is no such project")
	ErrProposal  = errors.Register(ModuleName, 5, "not what a project may be")
	ErrStatus    = errors.Register(ModuleName, 6, "the project is past this, or not there yet")
	ErrVoter     = errors.Register(ModuleName, 7, "only validators with power vote on projects")
	ErrArtefact  = errors.Register(ModuleName, 8, "not what an artefact may be")
	ErrProposer  = errors.Register(ModuleName, 9, "only who proposed the project may do this")
	ErrFull      = errors.Register(ModuleName, 10, "as many projects are open as may be")
	ErrJob       = errors.Register(ModuleName, 11, "not the job that was assigned")
)
