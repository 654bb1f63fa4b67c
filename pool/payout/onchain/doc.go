// Package onchain pays in Bitcoin transactions, many parties in one.
//
// The keys stay in a wallet; Hearth holds none. There are two kinds of wallet:
//
//   - [NewLnd]: the wallet of an lnd. It chooses the coins and signs, asked to.
//   - [NewFolder]: a person's. Hearth chooses coins that it can only watch,
//     through a Bitcoin node, and writes an unsigned transaction (PSBT, BIP 174)
//     into a folder. The person signs it with whatever wallet has the keys, and
//     either lets that wallet broadcast it or puts the signed file back.
//
// # What makes a payment happen once
//
// The ticket is the transaction's id. It is known before anything is signed,
// since coins of the old kinds, whose signatures change the id, are not taken.
// One transaction confirms once, however often it is signed and broadcast. The
// ticket holds the unsigned transaction: nobody can move money with it. It
// is signed when it is sent.
//
// A transaction has failed for good only when another one that spends one of its
// coins is buried as deep as a payment has to be. Even then the other one may be
// the same payment with a higher fee, made by hand: if it pays every payee as
// much, it is the payment. If it pays some of them, or pays them less, a person
// has to say what holds. Until then it is under way, or unknown, and its money
// is blocked.
//
// # What the macaroon of an lnd must allow
//
//	lncli bakemacaroon --save_to payout.macaroon \
//	    uri:/lnrpc.Lightning/GetInfo uri:/lnrpc.Lightning/GetTransactions \
//	    uri:/walletrpc.WalletKit/FundPsbt uri:/walletrpc.WalletKit/FinalizePsbt \
//	    uri:/walletrpc.WalletKit/PublishTransaction uri:/walletrpc.WalletKit/ReleaseOutput
//
// Sources: BIP 174, 141, 143; lnd v0.21.2-beta, lnrpc/walletrpc/walletkit.proto;
// the RPC of btcd v0.26.2. What is said of Bitcoin Core's RPC is from its
// documentation, and tested against recorded shapes only.
package onchain
