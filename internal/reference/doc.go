// Package reference hands tests the reference data that lie beside the
// repository and are not copied into it: typical years of weather, by which
// the physics is held against published results.
package reference
