package message

// Protocol is the only one that this package knows, as SetupConnection names
// it, and Version its only version.
const (
	Protocol = 0
	Version  = 2
)

// What a miner asks of the pool: SetupConnection.Flags.
const (
	RequiresStandardJobs   = 1 << 0 // it cannot compute merkle roots
	RequiresWorkSelection  = 1 << 1 // it will send SetCustomMiningJob
	RequiresVersionRolling = 1 << 2
)

// What a pool asks of the miner: SetupConnectionSuccess.Flags.
const (
	RequiresFixedVersion     = 1 << 0
	RequiresExtendedChannels = 1 << 1
)

// SetupConnection is the first message, from the miner.
type SetupConnection struct {
	Protocol               uint8
	MinVersion, MaxVersion uint16
	Flags                  uint32
	Host                   string // as the miner was told to call the pool
	Port                   uint16
	Vendor, Hardware       string
	Firmware, Device       string
}

func (*SetupConnection) head() (uint16, Kind) { return Core, KindSetupConnection }

func (m *SetupConnection) fields(c *coder) {
	c.u8(&m.Protocol)
	c.u16(&m.MinVersion)
	c.u16(&m.MaxVersion)
	c.u32(&m.Flags)
	c.text(&m.Host)
	c.u16(&m.Port)
	c.text(&m.Vendor)
	c.text(&m.Hardware)
	c.text(&m.Firmware)
	c.text(&m.Device)
}

// SetupConnectionSuccess accepts the connection.
type SetupConnectionSuccess struct {
	Version uint16
	Flags   uint32
}

func (*SetupConnectionSuccess) head() (uint16, Kind) { return Core, KindSetupConnectionSuccess }

func (m *SetupConnectionSuccess) fields(c *coder) {
	c.u16(&m.Version)
	c.u32(&m.Flags)
}

// SetupConnectionError refuses it. Flags are those asked for that the pool does
// not have; 0 if the reason is another.
type SetupConnectionError struct {
	Flags uint32
	Code  string
}

func (*SetupConnectionError) head() (uint16, Kind) { return Core, KindSetupConnectionError }

func (m *SetupConnectionError) fields(c *coder) {
	c.u32(&m.Flags)
	c.text(&m.Code)
}

// ChannelEndpointChanged says that somebody else is behind a channel now: what
// extensions agreed on is void.
type ChannelEndpointChanged struct{ Channel uint32 }

func (*ChannelEndpointChanged) head() (uint16, Kind) {
	return Core | toChannel, KindChannelEndpointChanged
}

func (m *ChannelEndpointChanged) fields(c *coder) { c.u32(&m.Channel) }

// Reconnect asks the miner to connect elsewhere: an empty Host or a Port of 0
// is the present one.
type Reconnect struct {
	Host string
	Port uint16
}

func (*Reconnect) head() (uint16, Kind) { return Core, KindReconnect }

func (m *Reconnect) fields(c *coder) {
	c.text(&m.Host)
	c.u16(&m.Port)
}

// RequestExtensions asks which of some extensions the pool uses.
type RequestExtensions struct {
	Request    uint16
	Extensions []uint16
}

func (*RequestExtensions) head() (uint16, Kind) { return Negotiation, KindRequestExtensions }

func (m *RequestExtensions) fields(c *coder) {
	c.u16(&m.Request)
	c.u16s(&m.Extensions)
}

// RequestExtensionsSuccess names those that are used from now on.
type RequestExtensionsSuccess struct {
	Request    uint16
	Extensions []uint16
}

func (*RequestExtensionsSuccess) head() (uint16, Kind) {
	return Negotiation, KindRequestExtensionsSuccess
}

func (m *RequestExtensionsSuccess) fields(c *coder) {
	c.u16(&m.Request)
	c.u16s(&m.Extensions)
}

// RequestExtensionsError says that none is used, or that the pool wants others.
type RequestExtensionsError struct {
	Request               uint16
	Unsupported, Required []uint16
}

func (*RequestExtensionsError) head() (uint16, Kind) { return Negotiation, KindRequestExtensionsError }

func (m *RequestExtensionsError) fields(c *coder) {
	c.u16(&m.Request)
	c.u16s(&m.Unsupported)
	c.u16s(&m.Required)
}
