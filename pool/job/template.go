package job

// Network is a Bitcoin network: the prefix of its addresses and how often its
// subsidy halves.
type Network string

// The networks.
const (
	Mainnet Network = "mainnet"
	Testnet Network = "testnet" // testnet 3 and 4
	Signet  Network = "signet"
	Regtest Network = "regtest" // as btcd has it: the subsidy halves each 150 blocks
	Simnet  Network = "simnet"  // btcd's own
)

// Head is what the head of a block to come is known by before its transactions
// are: enough for a job without transactions.
type Head struct {
	Height  int64
	Prev    Hash
	Bits    uint32
	Version uint32
	Time    uint32 // the node's time, seconds since 1970
	MinTime uint32 // the first time that a block may carry; 0: Time
}

// Template is a block as a node proposes it, without its coinbase. It is not
// changed once it is parsed.
type Template struct {
	Head
	Target       Target
	Coinbase     int64  // what the coinbase may pay out, in sats: subsidy and fees
	Flags        []byte // to be put into the coinbase as they are
	Transactions []Transaction
	Rules        []string
	// Commitment is the witness commitment, 32 bytes, as computed here; nil if
	// the block does without.
	Commitment []byte
	// LongPoll is what to ask the node with to wait for the next template;
	// empty if it cannot wait.
	LongPoll string
	// SizeLimit and WeightLimit bound the block; 0 if the node does not say.
	SizeLimit, WeightLimit int64
}

// Payee is an output of a coinbase.
type Payee struct {
	Script []byte
	Sats   int64
}

// CoinbaseSpec says what to put into a coinbase.
type CoinbaseSpec struct {
	// Tag is a short text for all to read; may be empty.
	Tag string
	// Payees get the whole of Template.Coinbase, in this order.
	Payees []Payee
	// Extranonce is how many bytes to leave for server and miner together: 8
	// if it is 0.
	Extranonce int
	// Mask is the version bits to clear and leave to miners: MaskV2 if it is 0.
	Mask uint32
	// Limit is the most bytes that the coinbase may have without its witness:
	// 755, which every miner takes, if it is 0. Who knows better what its miners
	// take may say more.
	Limit int
}
