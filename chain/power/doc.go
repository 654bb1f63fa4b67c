// Package power is the chain's set of validators, which follows verified work.
//
// A validator registers with a bond and keys ([MsgRegister]); a miner lends it
// its work ([MsgAssign]). What the work module credits arrives through
// [Keeper.Credit]. At the end of every day each miner's work is averaged,
// backed and matured, the validators' powers are found from it, and the set
// moves towards them by at most a tenth: all of this is decided by package
// weight, and this package keeps the state.
//
// A day's end takes a bounded number of miners in every block, so that it never
// holds a block up; what is credited meanwhile belongs to the new day.
//
// Faults act at once. Who signs two blocks of one height loses its bond and
// never returns; who is absent loses a little and waits. Where much power fails
// in one day, slashing is frozen for the rest of it ([Keeper.Punish]), but never
// for a double signature, which no outage makes. The last validator is never
// taken out, and the set is never empty.
//
// The module alone tells CometBFT of validators. It keeps what it told, and
// says at the end of a block what is different: so an update is never for a key
// that CometBFT does not know.
package power
