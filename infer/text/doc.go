// Package text stands between people's words and a model's tokens: it lays a
// conversation out in the form a model was trained on, and cuts an answer
// where it was asked to end.
//
// Models bring such forms as programs in a template language (Jinja). Those
// are never executed: they are code from strangers that would run on every
// prompt. [Templates] lists the few forms that are supported, written out in
// this package; [Choose] finds the one that a tokenizer's control tokens point
// to.
//
// What people write never becomes a control token, whatever characters it is
// made of: control tokens are put in by number, and the text between them is
// encoded as text.
//
// The package is pure.
package text
