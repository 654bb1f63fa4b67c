// Package engine runs models: an [Encoder] turns texts into vectors, a
// [Decoder] writes text. Everything is computed in whole numbers by the
// operations of package kernel, so that every processor, every instruction set
// and every division of the work gives the same bits: what one machine
// computed, another can check by computing it again.
//
// # Products
//
// All multiplications with weights go through a [model.Product]: [Plain]
// computes it, [Watched] shows it to whoever re-executes a job, and package
// work makes tickets of it. All return the same numbers.
//
// # Rows
//
// The unit of work is the row: one token of one sequence. A step takes rows of
// several sequences, many of one (a prompt) or one of many (answers that are
// being written); a row depends on its own sequence's earlier rows alone. So a
// prompt read in one step, in pieces, or token by token, alone or beside
// others, leaves the same keys and values and gives the same logits. There is
// one code path for all of them.
//
// # From tokens to text
//
// A [Scheduler] forms steps from requests: it reads prompts and writes answers
// of several requests at a time, each token chosen by a [Chooser] from logits,
// settings and a seed. It is plain state that a test can step. A [Runner] is
// the edge around it: it waits for requests, steps while there are some and
// hands out tokens. [Replay] checks a finished answer against prompt, settings
// and seed.
//
// The package does no I/O and looks at no clock. What limits the engine's heat
// is a Pace function that waits between steps.
package engine
