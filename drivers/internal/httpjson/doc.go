// Package httpjson asks devices questions in JSON over plain HTTP.
//
// What answers is a microcontroller on a home network, or something that took
// its address. So an answer is bounded in size, redirects and proxies are not
// followed, every request has a connection of its own (a device that rebooted
// leaves no stale one behind), and a failure is one of the errors that package
// device names: unreachable, busy, refused, unsupported or garbage.
//
// An [Object] is read field by field: one field of the wrong type makes that
// field unknown, not the whole answer garbage.
package httpjson
