//go:build !unix

package store_test

// diskRoles are none where a process cannot have its files limited.
func diskRoles() map[string]func(dir string) error { return nil }
