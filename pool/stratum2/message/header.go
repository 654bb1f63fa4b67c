package message

import (
	"encoding/binary"
	"fmt"
)

// HeaderSize is the size of a frame's header in bytes.
const HeaderSize = 6

// MaxPayload is the longest payload that a header can announce, in bytes.
const MaxPayload = 1<<24 - 1

// toChannel is the bit of a header's extension that says that the message is
// for a channel, whose number its first four bytes are.
const toChannel = 0x8000

// Header is what stands before every payload.
type Header struct {
	// Extension is who defines the message, and the channel bit: see Defines.
	Extension uint16
	Kind      Kind
	Size      int // of the payload, in bytes
}

// Defines is the number of the extension that defines the message; 0 is the
// core protocol.
func (h Header) Defines() uint16 { return h.Extension &^ toChannel }

// Append appends the six bytes of the header to b. The Size must fit.
func (h Header) Append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, h.Extension)
	return append(b, byte(h.Kind), byte(h.Size), byte(h.Size>>8), byte(h.Size>>16))
}

// ParseHeader reads six bytes.
func ParseHeader(b []byte) (Header, error) {
	if len(b) != HeaderSize {
		return Header{}, fmt.Errorf("a frame's header has %d bytes, not %d", HeaderSize, len(b))
	}
	return Header{
		Extension: binary.LittleEndian.Uint16(b),
		Kind:      Kind(b[2]),
		Size:      int(b[3]) | int(b[4])<<8 | int(b[5])<<16,
	}, nil
}

// Kind is the number of a message's type within the extension that defines it.
type Kind uint8

// Extensions.
const (
	Core        = 0x0000
	Negotiation = 0x0001 // which extensions are used
	WorkerNames = 0x0002 // who of those behind a channel found a share
)

// The kinds of the core protocol.
const (
	KindSetupConnection                  Kind = 0x00
	KindSetupConnectionSuccess           Kind = 0x01
	KindSetupConnectionError             Kind = 0x02
	KindChannelEndpointChanged           Kind = 0x03
	KindReconnect                        Kind = 0x04
	KindOpenStandardMiningChannel        Kind = 0x10
	KindOpenStandardMiningChannelSuccess Kind = 0x11
	KindOpenMiningChannelError           Kind = 0x12
	KindOpenExtendedMiningChannel        Kind = 0x13
	KindOpenExtendedMiningChannelSuccess Kind = 0x14
	KindNewMiningJob                     Kind = 0x15
	KindUpdateChannel                    Kind = 0x16
	KindUpdateChannelError               Kind = 0x17
	KindCloseChannel                     Kind = 0x18
	KindSetExtranoncePrefix              Kind = 0x19
	KindSubmitSharesStandard             Kind = 0x1a
	KindSubmitSharesExtended             Kind = 0x1b
	KindSubmitSharesSuccess              Kind = 0x1c
	KindSubmitSharesError                Kind = 0x1d
	KindNewExtendedMiningJob             Kind = 0x1f
	KindSetNewPrevHash                   Kind = 0x20
	KindSetTarget                        Kind = 0x21
	KindSetCustomMiningJob               Kind = 0x22
	KindSetCustomMiningJobSuccess        Kind = 0x23
	KindSetCustomMiningJobError          Kind = 0x24
	KindSetGroupChannel                  Kind = 0x25
)

// The kinds of extension [Negotiation].
const (
	KindRequestExtensions        Kind = 0x00
	KindRequestExtensionsSuccess Kind = 0x01
	KindRequestExtensionsError   Kind = 0x02
)

var coreNames = [...]string{
	KindSetupConnection:                  "SetupConnection",
	KindSetupConnectionSuccess:           "SetupConnection.Success",
	KindSetupConnectionError:             "SetupConnection.Error",
	KindChannelEndpointChanged:           "ChannelEndpointChanged",
	KindReconnect:                        "Reconnect",
	KindOpenStandardMiningChannel:        "OpenStandardMiningChannel",
	KindOpenStandardMiningChannelSuccess: "OpenStandardMiningChannel.Success",
	KindOpenMiningChannelError:           "OpenMiningChannel.Error",
	KindOpenExtendedMiningChannel:        "OpenExtendedMiningChannel",
	KindOpenExtendedMiningChannelSuccess: "OpenExtendedMiningChannel.Success",
	KindNewMiningJob:                     "NewMiningJob",
	KindUpdateChannel:                    "UpdateChannel",
	KindUpdateChannelError:               "UpdateChannel.Error",
	KindCloseChannel:                     "CloseChannel",
	KindSetExtranoncePrefix:              "SetExtranoncePrefix",
	KindSubmitSharesStandard:             "SubmitSharesStandard",
	KindSubmitSharesExtended:             "SubmitSharesExtended",
	KindSubmitSharesSuccess:              "SubmitShares.Success",
	KindSubmitSharesError:                "SubmitShares.Error",
	KindNewExtendedMiningJob:             "NewExtendedMiningJob",
	KindSetNewPrevHash:                   "SetNewPrevHash",
	KindSetTarget:                        "SetTarget",
	KindSetCustomMiningJob:               "SetCustomMiningJob",
	KindSetCustomMiningJobSuccess:        "SetCustomMiningJob.Success",
	KindSetCustomMiningJobError:          "SetCustomMiningJob.Error",
	KindSetGroupChannel:                  "SetGroupChannel",
}

var negotiationNames = [...]string{
	KindRequestExtensions:        "RequestExtensions",
	KindRequestExtensionsSuccess: "RequestExtensions.Success",
	KindRequestExtensionsError:   "RequestExtensions.Error",
}

// String names the message as the specification does.
func (h Header) String() string {
	var names []string
	switch h.Defines() {
	case Core:
		names = coreNames[:]
	case Negotiation:
		names = negotiationNames[:]
	}
	if int(h.Kind) >= len(names) || names[h.Kind] == "" {
		return fmt.Sprintf("message %#04x/%#02x of %d bytes", h.Extension, uint8(h.Kind), h.Size)
	}
	return fmt.Sprintf("%s of %d bytes", names[h.Kind], h.Size)
}
