// Package devnet makes networks that live on one machine: for trying, for
// tests and for measuring. Their coins are worthless.
//
// [Create] writes the files of a network into a folder: one folder for each
// validator, keys of accounts with coins, one genesis. What it wrote is
// described in network.json, which [Open] reads, so that a network can be
// stopped and run again. [Network.Run] runs every validator as a process of its
// own, so that one can be killed without the others; tests that need no
// processes start the same files with [hearth/chain/node.Files.Start].
package devnet
