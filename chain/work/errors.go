package work

import (
	"cosmossdk.io/errors"
	"google.golang.org/grpc/codes"
)

// ModuleName names the module, its store and its account.
const ModuleName = "work"

// Why a message is refused. Everything else is a fault of the node.
var (
	ErrParams     = errors.Register(ModuleName, 2, "work parameters that make no sense")
	ErrAuthority  = errors.Register(ModuleName, 3, "only governance may change the parameters of work")
	ErrAddress    = errors.Register(ModuleName, 4, "not an address of this chain")
	ErrMiner      = errors.Register(ModuleName, 5, "the miner cannot do that")
	ErrKeys       = errors.Register(ModuleName, 6, "the miner's keys cannot be used")
	ErrBond       = errors.Register(ModuleName, 7, "the bond does not allow it")
	ErrJob        = errors.Register(ModuleName, 8, "the job cannot be taken")
	ErrNotFound   = errors.RegisterWithGRPCCode(ModuleName, 9, codes.NotFound, "there is none such")
	ErrClaim      = errors.Register(ModuleName, 10, "the claim cannot be made")
	ErrFee        = errors.Register(ModuleName, 11, "the base fee is above what the client pays")
	ErrWindow     = errors.Register(ModuleName, 12, "not within the claim's window")
	ErrTicket     = errors.Register(ModuleName, 13, "the ticket does not hold")
	ErrNullifier  = errors.Register(ModuleName, 14, "the ticket is in the chain already")
	ErrTooMany    = errors.Register(ModuleName, 15, "more than there is room for")
	ErrReceipt    = errors.Register(ModuleName, 16, "the receipt does not hold")
	ErrTrial      = errors.Register(ModuleName, 17, "the trial does not take it")
	ErrAssignment = errors.Register(ModuleName, 18, "the assignment is not the miner's")
)
