// Package shelly emulates Shelly relays of the second generation over their
// HTTP RPC, with a resistive heater or another emulated machine behind the
// contact: Switch.Set with its flip-back timer, auto-off, meter and energy
// counter, protection from too much load and heat, digest login by SHA-256,
// and an Add-on whose thermometers read the air of the simulated house.
//
// The protocol follows shelly-api-docs.shelly.cloud (pages RPC Protocol,
// Authentication, Switch, Temperature, Sys, Shelly). Assumptions of this
// emulator: the device itself draws 1 W; it answers 4 s after power comes; the
// relay is open after a restart (initial_state "off"); the energy counter
// begins at zero at each restart; an RPC error over GET has status 500, an
// unknown method 404; a nonce is good for five minutes.
package shelly
