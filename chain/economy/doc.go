// Package economy plays the network with miners, clients, validators and those
// who attack it, to see what attacks cost and whom.
//
// The rules are not modelled but called: fee and difficulty of package market,
// pots of package schedule, voting power of package weight. What surrounds them
// is a model of the chain block by block: jobs are posted, claimed, mined,
// delivered, tried by the validators and credited; epochs pay.
//
// Every attack is played twice from one seed, with and without the attacker
// ([Suite.Attacks]). A miner's k-th ticket takes the same work in both worlds,
// so that they differ by the attack and not by luck. Other scenarios play days
// instead of blocks: power bought or rented ([Takeover]), validators that leave
// ([Churn]), demand that jumps ([FeeShock]) and miners that come at once
// ([HashShock]).
//
// Everything drawn is drawn from the seed, with whole numbers alone, so that
// figures are the same on every machine; docs/network-economics.md holds them,
// and a test holds it to them.
package economy
