// Package phoenixd pays through a phoenixd node (ACINQ), which manages its one
// channel by itself: invoices (BOLT 11), and offers (BOLT 12) with a caveat.
//
// Its API was not made for programs that crash, so this package knows its
// traps:
//
//   - /payinvoice answers when the payment is over, which may take minutes; who
//     hangs up learns nothing, and the payment goes on. A repeated /payinvoice
//     is refused when the invoice was paid, but not by every version while the
//     first payment is still under way. So a payment is looked up before every
//     request, this process sends one request for a ticket at a time, and a
//     ticket is let rest for a while ([Config.Grace]) after an answer was lost,
//     and when it is of an earlier run: a request that was left behind has shown
//     by then.
//   - A payee may hold a payment for days. It is waited for a while
//     ([Config.Wait]), and looked up from then on.
//   - A look-up that finds nothing and a path that does not exist are answered
//     alike, with 404. So payments are looked for in the list of payments,
//     which tells the two apart.
//   - Another node at the same address has never heard of what the one before was
//     asked for. A ticket names its node, and no other is believed about it or
//     asked for the same again.
//   - isPaid was true of failed payments in some versions. Only a preimage
//     proves that an invoice was paid.
//   - /paylnaddress and /lnurlpay fetch an invoice themselves: asked twice they
//     pay twice, and nothing can be looked up by what was known before. They are
//     never used: package lnurl fetches the invoice, and this package pays it.
//   - /payoffer does the same and there is no other way to pay an offer. So an
//     offer is tried once, by the process that prepared it; if the answer to
//     that one request is lost, the outcome stays unknown until a person has
//     looked into the wallet.
//   - The fee is phoenixd's own, 0.4 % and 4 sat, and cannot be limited: an
//     intent that would not bear it is refused.
//
// Sources: ACINQ/phoenixd (Api.kt, JsonSerializers.kt) and ACINQ/lightning-kmp
// (OutgoingPaymentHandler.kt), read for facts; phoenix.acinq.co/server.
package phoenixd
