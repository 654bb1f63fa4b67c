// Package commons is work for everybody: projects whose jobs and outputs are
// open, paid from the emission and verified like any other work.
//
// # A project's life
//
// Somebody proposes a project with a bond: an open model, a licence, a budget
// of multiply-accumulates and the root of a tree over the project's jobs (see
// package tree). It begins to work after a while, unless somebody challenges
// it with a bond of their own; then validators vote with their power, and
// whoever loses loses the bond. When its jobs are done or its budget is used,
// it has to publish what came of it, or its own bond is burned.
//
// Nobody chooses easy work. The order of a project's jobs follows from a beacon
// that was not known when it began, each is assigned to a miner by another, and
// every few blocks a draw hands out a bounded number, to each project in turn
// and to none more than its share. A project whose jobs keep failing is paused.
//
// # With its neighbours
//
// Package work assigns, claims and judges jobs; it asks [Keeper.ProveJob]
// whether an encoding is the job of its index, and tells [Keeper.JobSettled]
// once for every assignment how it ended. This package keeps no miners, no
// tickets and no money but the bonds.
//
// spec/network/commons.md is its normative form.
package commons
