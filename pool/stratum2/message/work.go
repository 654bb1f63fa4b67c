package message

import "hearth/pool/job"

// NewMiningJob is a job for a standard channel.
type NewMiningJob struct {
	Channel, Job uint32
	// Active says that the job is to be mined at once, on the previous hash that
	// was set last and from MinTime on. Otherwise it waits for SetNewPrevHash.
	Active  bool
	MinTime uint32 // 0 unless Active
	Version uint32
	Root    job.Hash
}

func (*NewMiningJob) head() (uint16, Kind) { return Core | toChannel, KindNewMiningJob }

func (m *NewMiningJob) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Job)
	c.option(&m.Active, &m.MinTime)
	c.u32(&m.Version)
	c.u256((*[32]byte)(&m.Root))
}

// NewExtendedMiningJob is a job for an extended channel or for a group.
type NewExtendedMiningJob struct {
	Channel, Job   uint32
	Active         bool // as of NewMiningJob
	MinTime        uint32
	Version        uint32
	VersionRolling bool // the bits of job.MaskV2 are the miner's
	Path           []job.Hash
	Prefix, Suffix []byte // the coinbase without witness, around the extranonce
}

func (*NewExtendedMiningJob) head() (uint16, Kind) {
	return Core | toChannel, KindNewExtendedMiningJob
}

func (m *NewExtendedMiningJob) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Job)
	c.option(&m.Active, &m.MinTime)
	c.u32(&m.Version)
	c.bool(&m.VersionRolling)
	c.hashes(&m.Path)
	c.b64k(&m.Prefix)
	c.b64k(&m.Suffix)
}

// SetNewPrevHash says that a block was found: the job named is to be mined on
// it, and all others are void.
type SetNewPrevHash struct {
	Channel, Job  uint32
	Prev          job.Hash
	MinTime, Bits uint32
}

func (*SetNewPrevHash) head() (uint16, Kind) { return Core | toChannel, KindSetNewPrevHash }

func (m *SetNewPrevHash) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Job)
	c.u256((*[32]byte)(&m.Prev))
	c.u32(&m.MinTime)
	c.u32(&m.Bits)
}

// SetTarget sets the target of shares of the jobs to come, and of those that
// wait for SetNewPrevHash.
type SetTarget struct {
	Channel uint32
	Target  job.Target
}

func (*SetTarget) head() (uint16, Kind) { return Core | toChannel, KindSetTarget }

func (m *SetTarget) fields(c *coder) {
	c.u32(&m.Channel)
	c.u256((*[32]byte)(&m.Target))
}

// SubmitSharesStandard is a share of a standard channel.
type SubmitSharesStandard struct {
	Channel, Sequence, Job uint32
	Nonce, Time, Version   uint32
}

func (*SubmitSharesStandard) head() (uint16, Kind) {
	return Core | toChannel, KindSubmitSharesStandard
}

func (m *SubmitSharesStandard) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Sequence)
	c.u32(&m.Job)
	c.u32(&m.Nonce)
	c.u32(&m.Time)
	c.u32(&m.Version)
}

// SubmitSharesExtended is a share of an extended channel. With extension
// [WorkerNames] a [WorkerName] follows it.
type SubmitSharesExtended struct {
	Channel, Sequence, Job uint32
	Nonce, Time, Version   uint32
	Extranonce             []byte // at most 32 bytes
}

func (*SubmitSharesExtended) head() (uint16, Kind) {
	return Core | toChannel, KindSubmitSharesExtended
}

func (m *SubmitSharesExtended) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Sequence)
	c.u32(&m.Job)
	c.u32(&m.Nonce)
	c.u32(&m.Time)
	c.u32(&m.Version)
	c.b32(&m.Extranonce)
}

// SubmitSharesSuccess accepts one share or several at once.
type SubmitSharesSuccess struct {
	Channel  uint32
	Sequence uint32 // of the last
	Count    uint32
	Sum      uint64 // of their difficulties
}

func (*SubmitSharesSuccess) head() (uint16, Kind) { return Core | toChannel, KindSubmitSharesSuccess }

func (m *SubmitSharesSuccess) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Sequence)
	c.u32(&m.Count)
	c.u64(&m.Sum)
}

// SubmitSharesError refuses one.
type SubmitSharesError struct {
	Channel, Sequence uint32
	Code              string
}

func (*SubmitSharesError) head() (uint16, Kind) { return Core | toChannel, KindSubmitSharesError }

func (m *SubmitSharesError) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Sequence)
	c.text(&m.Code)
}

// SetCustomMiningJob is a job that the miner made.
type SetCustomMiningJob struct {
	Channel, Request uint32
	Token            []byte // at most 255 bytes
	Version          uint32
	Prev             job.Hash
	MinTime, Bits    uint32
	CoinbaseVersion  uint32
	CoinbasePrefix   []byte // at most 255 bytes
	CoinbaseSequence uint32
	CoinbaseOutputs  []byte // with their number before them
	CoinbaseLockTime uint32
	Path             []job.Hash
}

func (*SetCustomMiningJob) head() (uint16, Kind) { return Core | toChannel, KindSetCustomMiningJob }

func (m *SetCustomMiningJob) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Request)
	c.b255(&m.Token)
	c.u32(&m.Version)
	c.u256((*[32]byte)(&m.Prev))
	c.u32(&m.MinTime)
	c.u32(&m.Bits)
	c.u32(&m.CoinbaseVersion)
	c.b255(&m.CoinbasePrefix)
	c.u32(&m.CoinbaseSequence)
	c.b64k(&m.CoinbaseOutputs)
	c.u32(&m.CoinbaseLockTime)
	c.hashes(&m.Path)
}

// SetCustomMiningJobSuccess accepts it and gives it a number.
type SetCustomMiningJobSuccess struct{ Channel, Request, Job uint32 }

func (*SetCustomMiningJobSuccess) head() (uint16, Kind) {
	return Core | toChannel, KindSetCustomMiningJobSuccess
}

func (m *SetCustomMiningJobSuccess) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Request)
	c.u32(&m.Job)
}

// SetCustomMiningJobError refuses it.
type SetCustomMiningJobError struct {
	Channel, Request uint32
	Code             string
}

func (*SetCustomMiningJobError) head() (uint16, Kind) {
	return Core | toChannel, KindSetCustomMiningJobError
}

func (m *SetCustomMiningJobError) fields(c *coder) {
	c.u32(&m.Channel)
	c.u32(&m.Request)
	c.text(&m.Code)
}
