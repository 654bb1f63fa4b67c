// Package device is the contract between Hearth and a thing that makes heat.
//
// A [Device] says who it is, what it can do at what cost, and how it is; and
// it takes a [Demand]. The decisive property of a heater that computes is the
// cost of a change: one miner follows a new wattage within a second, another
// restarts for minutes and writes its flash. So [Capabilities] name each
// [Verb] with its [Cost], and the planner in package control picks the
// cheapest verb that meets the demand.
//
// A command is believed only when it is read back: [Meets] is the one place
// that decides whether a reading shows a demand fulfilled.
//
// A power command never touches pools or other settings of a miner.
//
// Drivers are values of type [Kind], listed in a [Registry] that the program
// builds; nothing registers itself. Every driver passes the suite in
// device/devicetest.
package device
