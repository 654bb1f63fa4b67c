// Package brief reads what a plan is asked, as people write it: in a file, on
// the command line, or in a link.
//
// All three have the same keys, those of [Brief], with the same values. A file
// is YAML with one key a line:
//
//	place: Denver
//	building: poor house
//	people: 4
//	heater: propane
//	device: Avalon Q
//	tariff: 0.143 USD/kWh
//
// which is "hearth plan home --place Denver --building 'poor house' …" and
// "?place=Denver&building=poor+house&…". What is not said is taken from package
// atlas by the place, and [Asked.Givens] says of every figure whether it was
// given or is a default, and from which source.
//
// A figure may have its unit and should; one without is in the unit that the
// key's help names, but a share always needs its percent sign. What cannot be
// understood, or cannot be, is an [Error] that names the key, the line if there
// is one, and what to write instead.
package brief
