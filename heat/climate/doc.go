// Package climate is the typical weather of places.
//
// A [Year] is a typical year that repeats for ever: read from an EnergyPlus
// file by [ReadEPW] or from a table of hours by [ReadCSV], or made up by
// [Typical] from monthly normals of some fifty places that are built in. It
// always has an answer, and what is done with it is a simulation or a plan. A
// year that was read says how many hours were filled in ([Year.Filled]), one
// that was made up how far it may be off ([Year.Uncertainty]).
//
// The normals of the American places come from TMY3 years of the National
// Renewable Energy Laboratory, which are in the public domain. Those of the
// European places come from the National Solar Radiation Database (NSRDB) of
// the same laboratory, year 2019, open with attribution: [Place.Source] has
// the words, to be shown wherever such weather is.
package climate
