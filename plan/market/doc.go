// Package market says what computation earns: Bitcoin's hash price from
// difficulty, price and fees; where it tends as miners come and go and the
// subsidy halves; what inference earns; and what a machine is still worth.
//
// Nothing is extrapolated in a straight line. Difficulty follows the profit of
// the marginal miner, so that the hash price returns to what that miner pays
// for power; the price of a bitcoin is the user's scenario and no forecast.
package market
