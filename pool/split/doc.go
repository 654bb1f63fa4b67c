// Package split divides one heater's work, or its money, among several
// parties: exactly, deterministically, and so that the error never grows.
//
// [Divide] shares an amount out by largest remainder: to the last unit.
//
// [Deficit] assigns shares one by one. Each goes to the party that is furthest
// behind its due, the share itself included; so between two parties nobody is
// ever further off than half of the largest share, however long it goes on.
// Drawing lots, or taking the bits of the hash for lots, drifts without bound.
//
// [Slices] sends a miner to one destination for some seconds at a time, by the
// same rule over what was credited, for destinations that cannot be told apart
// share by share. It is off by a slice of work at most, plus the luck of the
// shares in it. What a destination missed while it was down is made up to it
// later, up to a bound.
//
// All of it is whole numbers: the same on every machine, and the same again
// after a restart, since the state can be kept and resumed. The package is
// pure; a Deficit or Slices is not for concurrent use.
package split
