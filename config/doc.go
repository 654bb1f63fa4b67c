// Package config reads the one file that describes a home.
//
// The file is YAML and strict: an unknown key, a missing unit or an
// impossible figure is an error that shows the offending line and says what
// would be right. Secrets never stand in it: they are named as "file:…".
package config
