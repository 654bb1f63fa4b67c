// Package emulate is a house that is not there, heated by machines that are
// not there, as a controller meets them: through real sockets, with the
// protocols, delays, sentinels and faults of real devices.
//
// Each sub-package emulates one family of devices and is faithful to what its
// firmware answers. A [Machine] is the physics of such a device: it turns
// electricity into heat as time passes. A [House] holds machines in a room
// ([heat.Model]) under a sky and keeps the energy balance, so that a control
// loop closes around it. [Faults] are the levers by which a test or a person
// makes a device misbehave while it serves.
//
// Time comes from a [Clock], so that a week passes in seconds. Emulators say
// in their identity that they are none of the real thing.
package emulate
