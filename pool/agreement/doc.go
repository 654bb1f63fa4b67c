// Package agreement is the contract about a heater between those who have a part
// in it: who houses it and pays for its electricity, who runs it, who paid for
// it.
//
// The contract is a text that people can read, in YAML. [Parse] takes it and
// nothing that is almost it. What it asks for is worked out interval by
// interval, from what the ledger holds: electricity and heat, shares, income and
// prices go into [Evidence], and out come the [Interval]s, each with what every
// party gets and why. Whoever has the contract and the ledger comes to the same
// thousandth of a satoshi, on any computer.
//
// The rules that hold everywhere:
//
//   - Nothing is lost and nothing is made: what comes in is what the parties get,
//     what is set aside and what falls outside the contract.
//   - What is unknown is not zero. A step whose reading or price is missing waits,
//     and the sats that it could have claimed are set aside, for that interval.
//   - Working it out twice gives the same. A reading that comes late changes what
//     it touches; only the difference is booked.
//   - What was simulated is worked out apart, says so, and is never paid.
//
// A [Statement] is the account that one party gets of a span of time. It is
// signed; [Verify] lets the other party work it out again from an exported
// ledger and says what agrees and what does not. spec/pool/agreement.md has the
// rules in full.
//
// The package is pure: no I/O, no clock. All money is in whole numbers.
package agreement
