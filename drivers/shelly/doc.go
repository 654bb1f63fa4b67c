// Package shelly drives Shelly devices of the second generation and later
// (Plus, Pro, Gen3, Gen4) over their HTTP RPC: a relay that feeds a heater or
// a miner, the meter in it, and the thermometers of an Add-on or of a device
// that is one.
//
// The relay is a dead-man. Whenever it is switched on it gets a timer
// (toggle_after) after which it opens by itself; each further Apply starts the
// timer anew. If Hearth dies, the relay falls. A relay found on without a
// timer, as when somebody pressed its button, is shown as a fault.
//
// Nothing but Switch.Set is ever sent that changes anything: the device's
// configuration stays as its owner made it.
//
// Sources: shelly-api-docs.shelly.cloud, pages RPC Protocol, Common Errors,
// Authentication, Switch, Temperature, Sensor Add-on, Sys and Shelly (firmware
// 1.x); RFC 7616 for the digest.
package shelly
