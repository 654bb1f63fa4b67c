// Package atlas holds the facts that a plan starts from, each with its source,
// its year and its licence: prices of power and fuels by region, how many
// homes heat with what, what grids and fuels emit, archetypes of buildings,
// machines and heaters.
//
// A fact that is not known is unknown, never zero, and what depends on it is
// not ranked.
package atlas
