// Package payouttest is a Lightning network in memory that pays, loses answers
// and counts: invoices, who was paid how often, and a rail over it. Rails are
// tested against fake wallets that stand on it.
package payouttest
