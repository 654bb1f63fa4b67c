package message

// New is an empty message of the kind that a header names, to be filled by
// [Parse]; nil if nobody knows it, in which case the specification wants it
// ignored.
func New(h Header) Message {
	switch h.Defines() {
	case Core:
		return newCore(h.Kind)
	case Negotiation:
		switch h.Kind {
		case KindRequestExtensions:
			return new(RequestExtensions)
		case KindRequestExtensionsSuccess:
			return new(RequestExtensionsSuccess)
		case KindRequestExtensionsError:
			return new(RequestExtensionsError)
		}
	}
	return nil
}

func newCore(k Kind) Message {
	switch k {
	case KindSetupConnection:
		return new(SetupConnection)
	case KindSetupConnectionSuccess:
		return new(SetupConnectionSuccess)
	case KindSetupConnectionError:
		return new(SetupConnectionError)
	case KindChannelEndpointChanged:
		return new(ChannelEndpointChanged)
	case KindReconnect:
		return new(Reconnect)
	case KindOpenStandardMiningChannel:
		return new(OpenStandardMiningChannel)
	case KindOpenStandardMiningChannelSuccess:
		return new(OpenStandardMiningChannelSuccess)
	case KindOpenMiningChannelError:
		return new(OpenMiningChannelError)
	case KindOpenExtendedMiningChannel:
		return new(OpenExtendedMiningChannel)
	case KindOpenExtendedMiningChannelSuccess:
		return new(OpenExtendedMiningChannelSuccess)
	case KindNewMiningJob:
		return new(NewMiningJob)
	case KindUpdateChannel:
		return new(UpdateChannel)
	case KindUpdateChannelError:
		return new(UpdateChannelError)
	case KindCloseChannel:
		return new(CloseChannel)
	case KindSetExtranoncePrefix:
		return new(SetExtranoncePrefix)
	case KindSubmitSharesStandard:
		return new(SubmitSharesStandard)
	case KindSubmitSharesExtended:
		return new(SubmitSharesExtended)
	case KindSubmitSharesSuccess:
		return new(SubmitSharesSuccess)
	case KindSubmitSharesError:
		return new(SubmitSharesError)
	case KindNewExtendedMiningJob:
		return new(NewExtendedMiningJob)
	case KindSetNewPrevHash:
		return new(SetNewPrevHash)
	case KindSetTarget:
		return new(SetTarget)
	case KindSetCustomMiningJob:
		return new(SetCustomMiningJob)
	case KindSetCustomMiningJobSuccess:
		return new(SetCustomMiningJobSuccess)
	case KindSetCustomMiningJobError:
		return new(SetCustomMiningJobError)
	case KindSetGroupChannel:
		return new(SetGroupChannel)
	}
	return nil
}
