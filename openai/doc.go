// Package openai serves language models and embeddings over HTTP in the form
// that OpenAI's clients speak, so that programs written for that API run
// against a model at home by changing one address.
//
// [New] makes a handler of the paths under /v1. What it promises:
//
//   - Nothing is quietly ignored that would change an answer. A field that is
//     not supported is refused with an error that names it; fields that cannot
//     change the answer (such as user) are accepted.
//   - Text never becomes a control token. Prompts are put together by
//     templates of package text, not by the programs (Jinja) that models bring.
//   - An answer follows from the model's id, the prompt, the settings and the
//     seed, bit for bit on every machine. The seed that was used is in the
//     answer, and a receipt for it can be asked for.
//   - Prompts and answers are written to no log and no metric.
//   - Work is bounded: bodies, inputs, choices, requests per caller, jobs
//     waiting. Whoever hangs up stops the job.
//
// Who may ask is decided by [Options.Admit]: [Local] lets in programs of this
// computer only, [Keys.Admit] those with a key.
//
// The document in openapi.json is the contract; a test holds it against the
// running handlers in both directions.
package openai
