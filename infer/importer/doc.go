// Package importer makes a model in whole numbers of one that was published in
// floating point. It is the last place with floating point: what it returns is
// the same to the bit on every processor, because it uses no operation whose
// rounding differs between them (see number.go), adds everything up in one
// order and depends on no number of goroutines.
//
// [Import] reads a folder: config.json, tokenizer.json and weights in
// safetensors, as the Hugging Face libraries write them, or a GGUF file, whose
// own vocabulary serves where there is no tokenizer.json. It takes encoders
// after BERT and decoders after Llama, Qwen2 and Qwen3.
//
// # From floating point to eight bits
//
// A row of weights becomes whole numbers within ±127 and one factor. The
// activations that meet them are quantised row by row when the model runs, so
// what matters is that no channel is much larger than the others. Where that
// is, and how large everything gets, follows from text that the package brings
// along: the published model runs over it in floating point, one layer at a
// time, and before each product
//
//   - smoothing moves outliers of the activations into the weights, with the
//     strength that loses least on this very product (see fit);
//   - queries and keys share out the 12 bits that each has (see balance).
//
// At the end the fraction bits of the residual stream are set so that 16 times
// the largest number seen would still fit, and the channels are permuted by the
// hash of the weights.
//
// Only one layer at a time is in memory in floating point.
package importer
