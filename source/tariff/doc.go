// Package tariff says what a kilowatt-hour costs: one price always, prices by
// season, day and time, or prices from a file that something else keeps up to
// date, as for day-ahead markets.
//
// A price is what a contract says, so it has the provenance chosen, also when
// it comes from a file: it makes no cost worse known than the energy that it
// is reckoned with. Where no price is known it is unknown, never zero; and a
// price may well be zero or negative.
package tariff
