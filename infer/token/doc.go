// Package token turns text into the numbers that a model reads, and back, as a
// tokenizer.json says: the file that Hugging Face's tokenizers library writes.
//
// [Parse] reads the models WordPiece, BPE and Unigram with the normalisers,
// splitters, templates and decoders around them, and refuses by name what it
// does not know. Results are those of the library, number for number, for all
// characters that are today what they were in Unicode 8 (2015). For others,
// mostly of historic scripts, the library's parts disagree with each other on
// the version of Unicode; here it is 15 throughout.
//
// Results are the same on every machine: there is no floating point at run
// time. The scores of Unigram become integers when the file is read. The
// tables of characters are those of Go's unicode package and golang.org/x/text,
// so builds that must agree need the same release of Go.
//
// Texts are untrusted, and so are tokenizer files. Unless asked, Encode gives no
// special token for anything that is written in a text, so that a user cannot
// end a turn or begin a system's. The work is at most n log n in the length of
// the text, also where it has no spaces, and the length is bounded. A file's
// own split pattern is a regular expression that may backtrack; the search for
// one match is given up, with an error, after two seconds.
//
// The package does no I/O. Sources: the tokenizers library's documentation and
// behaviour as of version 0.23, UAX 15 and 29, and sentencepiece's published
// algorithm.
package token
