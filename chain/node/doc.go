// Package node is the files of a network node: what it is set to, the keys
// that make it who it is, and the genesis that it begins from.
//
//	config/config.toml              CometBFT: peers, ports, pace
//	config/app.toml                 the application: state, APIs, [hearth]
//	config/client.toml              what commands ask, and where keys are
//	config/genesis.json             the first state, the same for everybody
//	config/node_key.json            who the node is to its peers
//	config/priv_validator_key.json  signs blocks, if the node validates
//	config/beacon_key.json          reveals, when the beacon is silent
//	data/                           blocks and state
//
// Keys are written once and never overwritten.
package node
