// Package nwc pays through a wallet that somebody else runs, over Nostr Wallet
// Connect (NIP-47): an encrypted request goes to the wallet by way of a relay,
// and its answer comes back the same way.
//
// The connection is a text that the wallet shows, "nostr+walletconnect://…". It
// holds a secret that may spend as much as the wallet allows it to: set a
// budget there, and keep the text in a file of its own. The keys of the money
// never leave the wallet.
//
// Messages are sealed with NIP-44 ([hearth/pool/payout/nwc/nip44]). A wallet
// that offers only the older NIP-04 is refused. An answer counts when the
// wallet's key signed it and it names the request; the relay can lose and delay
// messages but neither read nor make them.
//
// What may go wrong with payments, and what is done about it:
//
//   - Requests say when they expire, and the wallet is to ignore them later. A
//     request without an answer is not repeated before that and a while more.
//     The same holds for tickets of an earlier run of the program.
//   - A payment is looked up before every request. Not found does not prove
//     that nothing is under way: some wallets tell only what is settled. So
//     nothing is ever given up for lost on that alone, but two weeks and a day
//     after the invoice expired, the longest that Lightning holds a payment.
//   - The owner may connect another wallet. It has never heard of what the one
//     before was asked for, and is neither believed when it says so nor asked for
//     the same again.
//   - Should a request still be obeyed twice, the wallet's node pays a payment
//     hash once, as Lightning nodes do.
//   - "PAYMENT_FAILED" may be a timeout. It is looked up like any other answer.
//   - The fee cannot be limited over this protocol; the wallet's own limit
//     holds, and what it was is recorded.
//
// Sources: nostr-protocol/nips 01.md, 44.md, 47.md.
package nwc
