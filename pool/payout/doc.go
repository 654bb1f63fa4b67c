// Package payout pays parties what they are owed, and never pays anything
// twice.
//
// The will to pay a party once is an [Intent]. It goes through
//
//	begun → prepared → sent → paid | failed
//
// and each step is a record in the ledger, synced before the next step is
// taken. A [Rail] carries it out: it makes the [Ticket] that identifies the
// payment before anything moves (prepared), is asked to pay only after the
// record "sent" is on the disk, and can say at any later time what became of the
// ticket. So whatever dies at whatever moment, what was sent is known, and it
// is looked up, not sent again under another name.
//
// An intent whose outcome is unknown blocks its money until the rail says
// otherwise. An intent that failed for good gives its money back, and what is
// owed then begins another intent later.
//
// The package is pure: time comes in as an argument, the ledger and the rails
// behind interfaces. The rails are packages below this one.
package payout
