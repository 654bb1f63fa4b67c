// Package lnd pays BOLT11 invoices through an lnd.
//
// # What makes a payment happen once
//
// The ticket is the invoice's payment hash. lnd pays a hash once: asked again
// while it is under way or paid it refuses, and whoever asks can look the hash up
// at any time. So after a crash Look says what became of it. A payment that came
// back (no route, too little fee) may be tried again under the same hash until lnd
// itself refuses the invoice as expired: only then it has failed for good, since
// no request that is still on its way can be paid any more.
//
// The ticket names the node that it was made for, and no other node is asked to
// pay it: another one would know nothing of the first attempt.
//
// An lnd that is killed between its note that it sends and the sending says for
// ever afterwards that the payment is under way (seen with v0.21.2-beta within
// the first 100 ms of a payment). The money stays blocked then. Where
// "lncli listchannels" shows no pending HTLC with the payment's hash, and the
// payee received nothing, a person may settle it as failed.
//
// Payments without an invoice (keysend) are not offered: the payer makes up the
// preimage itself, so that nothing would prove that anybody was paid.
//
// # What the macaroon must allow
//
//	lncli bakemacaroon --save_to payout.macaroon \
//	    uri:/lnrpc.Lightning/GetInfo uri:/lnrpc.Lightning/DecodePayReq \
//	    uri:/routerrpc.Router/SendPaymentV2 uri:/routerrpc.Router/TrackPaymentV2
//
// With it Hearth can send what the channels hold, and do nothing else. lnd's
// macaroons know no amounts: the limits are Hearth's own, and a node that holds
// only what is to be paid out is the one that cannot lose more.
//
// Source: lnd v0.21.2-beta, lnrpc/routerrpc/router.proto and router_server.go.
package lnd
