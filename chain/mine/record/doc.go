// Package record reads what a worker has to know of the chain's state: miners,
// jobs, assignments, claims, tickets, models, projects, and what was earned.
//
// The state's keys and the numbers of fields are those of spec/network and of the
// .proto files. A record is read from the bytes that a proof was given for; what a
// later version of the chain adds to it is passed over, and what is damaged is an
// error. Reading takes memory in proportion to the bytes.
//
// The package is pure.
package record
