// Package emission pays verified work with new coins, by a schedule that no
// one can hurry.
//
// An epoch releases what package schedule says and divides it into pots. What
// is credited in the epoch ([Keeper.Credit]) shares the pot of its class, in
// proportion to multiply-accumulates; validators share theirs for signing
// blocks and for verdicts that stood ([Keeper.Judged]); the community's goes to
// an account that only governance spends. A coin is minted when somebody earned
// it. What nobody earned is never minted: it counts as released and is gone.
//
// Of what work earns the larger part vests for some weeks, and can be lost as
// long as it does ([Keeper.Forfeit]): that is the collateral of a home that has
// no other ([Keeper.Collateral]).
//
// An epoch's miners are paid some in every block, so that its end never holds a
// block up. Coins are minted for nothing else, and for no hardware, heat or
// energy that anybody declares.
package emission
