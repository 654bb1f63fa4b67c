// Package units holds the quantities that Hearth reckons in: watts, joules,
// degrees, sats, money. Each is a type of its own, so that adding watts to
// joules does not compile, and each is read and written with its unit
// ("1.2 kW", "20.5 °C"): a bare number is refused, because half of all
// mistakes with heaters are mistakes of unit.
//
// [Known] wraps a quantity that may be unknown. A reading that is missing,
// stale or impossible is unknown, never zero: peers read -1, -273, 85.000 or
// 0 as data, Hearth never does. A known value carries when it was read and
// its [Provenance]; a figure made from several values carries the worst.
//
// The package is pure and imports nothing of Hearth.
package units
