// Package filelock lets one process at a time have a file. The operating
// system lets the lock go when the process ends, however it does.
//
// Two systems do it in two ways: on Unix an open file is locked, on Windows
// opening it is the lock. So a lock is had by [Open] and then [Take], and lost by
// closing the file.
package filelock
