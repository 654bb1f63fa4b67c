// Package lnurl pays to Lightning addresses ("alice@example.com", LUD-16) and
// LNURLs (LUD-01, LUD-06, LUD-17): it asks the payee's service for an invoice
// and leaves paying it to a rail that pays invoices.
//
// The service is a stranger, named by a party. It is asked over TLS only and on
// public addresses only, also behind redirects, and its answers are bounded. Of
// its invoice nothing is believed: the amount must be the intent's to the
// millisat, the network ours, and the invoice must commit to the description
// that was shown before (LUD-06). Services on Tor are refused: they speak plain
// HTTP, and Hearth has no Tor.
//
// An invoice that was fetched and never paid costs nothing. So Prepare may be
// called again when its answer was lost; from then on everything rests on the
// one invoice in the ticket.
//
// Sources: lnurl/luds 01.md, 06.md, 16.md, 17.md.
package lnurl
