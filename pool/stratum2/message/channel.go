package message

import "hearth/pool/job"

// OpenStandardMiningChannel asks for a channel that gets finished headers.
type OpenStandardMiningChannel struct {
	Request   uint32
	User      string
	HashRate  float32 // what the miner says it does, hashes a second
	MaxTarget job.Target
}

func (*OpenStandardMiningChannel) head() (uint16, Kind) { return Core, KindOpenStandardMiningChannel }

func (m *OpenStandardMiningChannel) fields(c *coder) {
	c.u32(&m.Request)
	c.text(&m.User)
	c.f32(&m.HashRate)
	c.u256((*[32]byte)(&m.MaxTarget))
}

// OpenStandardMiningChannelSuccess opens it.
type OpenStandardMiningChannelSuccess struct {
	Request, Channel uint32
	Target           job.Target
	ExtranoncePrefix []byte // at most 32 bytes; all of the extranonce
	Group            uint32
}

func (*OpenStandardMiningChannelSuccess) head() (uint16, Kind) {
	return Core, KindOpenStandardMiningChannelSuccess
}

func (m *OpenStandardMiningChannelSuccess) fields(c *coder) {
	c.u32(&m.Request)
	c.u32(&m.Channel)
	c.u256((*[32]byte)(&m.Target))
	c.b32(&m.ExtranoncePrefix)
	c.u32(&m.Group)
}

// OpenExtendedMiningChannel asks for a channel that makes its own coinbases.
type OpenExtendedMiningChannel struct {
	Request       uint32
	User          string
	HashRate      float32
	MaxTarget     job.Target
	MinExtranonce uint16 // bytes of extranonce that the miner wants to turn over
}

func (*OpenExtendedMiningChannel) head() (uint16, Kind) { return Core, KindOpenExtendedMiningChannel }

func (m *OpenExtendedMiningChannel) fields(c *coder) {
	c.u32(&m.Request)
	c.text(&m.User)
	c.f32(&m.HashRate)
	c.u256((*[32]byte)(&m.MaxTarget))
	c.u16(&m.MinExtranonce)
}

// OpenExtendedMiningChannelSuccess opens it.
type OpenExtendedMiningChannelSuccess struct {
	Request, Channel uint32
	Target           job.Target
	Extranonce       uint16 // bytes for the miner to turn over, after the prefix
	ExtranoncePrefix []byte // at most 32 bytes
	Group            uint32
}

func (*OpenExtendedMiningChannelSuccess) head() (uint16, Kind) {
	return Core, KindOpenExtendedMiningChannelSuccess
}

func (m *OpenExtendedMiningChannelSuccess) fields(c *coder) {
	c.u32(&m.Request)
	c.u32(&m.Channel)
	c.u256((*[32]byte)(&m.Target))
	c.u16(&m.Extranonce)
	c.b32(&m.ExtranoncePrefix)
	c.u32(&m.Group)
}

// OpenMiningChannelError refuses a channel of either kind.
type OpenMiningChannelError struct {
	Request uint32
	Code    string
}

func (*OpenMiningChannelError) head() (uint16, Kind) { return Core, KindOpenMiningChannelError }

func (m *OpenMiningChannelError) fields(c *coder) {
	c.u32(&m.Request)
	c.text(&m.Code)
}

// UpdateChannel says what has changed behind a channel.
type UpdateChannel struct {
	Channel   uint32
	HashRate  float32
	MaxTarget job.Target
}

func (*UpdateChannel) head() (uint16, Kind) { return Core | toChannel, KindUpdateChannel }

func (m *UpdateChannel) fields(c *coder) {
	c.u32(&m.Channel)
	c.f32(&m.HashRate)
	c.u256((*[32]byte)(&m.MaxTarget))
}

// UpdateChannelError refuses an update; one that is accepted has no answer.
type UpdateChannelError struct {
	Channel uint32
	Code    string
}

func (*UpdateChannelError) head() (uint16, Kind) { return Core | toChannel, KindUpdateChannelError }

func (m *UpdateChannelError) fields(c *coder) {
	c.u32(&m.Channel)
	c.text(&m.Code)
}

// CloseChannel ends a channel, or all of a group. Either side sends it.
type CloseChannel struct {
	Channel uint32
	Reason  string
}

func (*CloseChannel) head() (uint16, Kind) { return Core | toChannel, KindCloseChannel }

func (m *CloseChannel) fields(c *coder) {
	c.u32(&m.Channel)
	c.text(&m.Reason)
}

// SetExtranoncePrefix gives a channel another prefix for the jobs to come.
type SetExtranoncePrefix struct {
	Channel          uint32
	ExtranoncePrefix []byte // at most 32 bytes
}

func (*SetExtranoncePrefix) head() (uint16, Kind) { return Core | toChannel, KindSetExtranoncePrefix }

func (m *SetExtranoncePrefix) fields(c *coder) {
	c.u32(&m.Channel)
	c.b32(&m.ExtranoncePrefix)
}

// SetGroupChannel puts channels in a group, which jobs can be sent to at once.
type SetGroupChannel struct {
	Group    uint32
	Channels []uint32
}

func (*SetGroupChannel) head() (uint16, Kind) { return Core, KindSetGroupChannel }

func (m *SetGroupChannel) fields(c *coder) {
	c.u32(&m.Group)
	c.u32s(&m.Channels)
}
