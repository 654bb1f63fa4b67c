// Package control decides. Given what is known of a home at one instant it
// says what every heater shall do, and why, in plain words.
//
// A [Home] is one pure state machine made of three that know little of each
// other: a thermostat for each zone, which turns temperatures into a wish for
// heat in watts; a planner, which turns watts into the cheapest verbs of the
// devices at hand; and a [Supervisor], which may veto every command and which
// nothing can switch off. The order of precedence is fixed: hardware safety,
// frost protection, a mandatory grid limit, the comfort floor, contracted
// dispatch, price.
//
// The package does no I/O and reads no clock: time comes in with the
// [Observation], so a home can be simulated, replayed and fuzzed.
package control
