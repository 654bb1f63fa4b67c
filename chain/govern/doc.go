// Package govern counts the votes of governance by verified work.
//
// The SDK's x/gov asks for a function that says who voted how and with what
// power, where a chain has no staking. [Tally] is that function here: a vote
// weighs what the power module says of who cast it, and nothing else does. A
// validator may divide its vote; what is left of a division goes nowhere.
// Deposits only buy the question, never the answer. Who has no power cannot
// vote ([Voters]), so that there are no more votes to count than validators.
package govern
